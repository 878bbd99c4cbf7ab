/*
 * The part of the walk (encode_body.h) for many strings in an array, with vectors that are loaded under a mask. Which branches are taken depends on how long
 * the strings are as a rule: how long each is could not be foreseen.
 */

/* So many strings are taken to be as long as those before them were. */
#define RJ_BATCH 32

_Static_assert(1 + RJ__UP_TO_ROOM <= RJ_ITEM_ROOM, "a string of a batch must fit");

/* A string with many escapes, or unlike the others of its batch. NULL if it is none for a batch. */
RJ__INLINE uint8_t *
put_unlike(rj_encoder *e, uint8_t *cur, PyObject *str, const uint8_t *data, size_t length, size_t most)
{
    if (!data)
        return RJ__NAME(put_less_plain)(e, cur, str, ',');
    if (length > most)
        return put_other_bytes(e, cur, data, (Py_ssize_t)length, ',', 1);
    if (length <= RJ__SHORT_DIRTY && PyUnicode_IS_ASCII(str))
        return RJ__NAME(put_short_dirty)(e, cur, data, (Py_ssize_t)length, ',');
    return put_dirty(e, cur, data, (Py_ssize_t)length, ',');
}

/* Strings of up to `most` bytes as a rule. *longest: not less than the longest was. */
RJ__INLINE PyObject **
put_batch(rj_encoder *e, uint8_t **to, PyObject **item, PyObject **stop, size_t most, size_t *longest)
{
    uint8_t *cur = *to;
    const uint8_t *const full = full_behind(e);
    size_t lengths = 0;
    for (; item < stop && cur <= full; item++) {
        PyObject *str = *item;
        prefetch_item(item[RJ_PREFETCH]);
        if (RJ__UNLIKELY(!PyUnicode_CheckExact(str)))
            break;
        size_t length;
        const uint8_t *data = bytes_in_place(e, str, &length);
        lengths |= length;
        uint8_t *next = NULL;
        if (RJ__LIKELY(data != NULL) && RJ__LIKELY(length <= most))
            next = rj__put_up_to(data, length, cur + 1, most);
        if (RJ__LIKELY(next != NULL)) {
            cur = end_string(cur, next, ',');
            continue;
        }
        next = put_unlike(e, cur, str, data, length, most);
        if (!next)
            break;
        cur = next;
    }
    *to = cur;
    *longest = lengths;
    return item;
}

/* Items of an array, up to one that is none for a batch or to the last few, which it returns. Runs no Python code. */
static RJ__NOINLINE PyObject **
RJ__NAME(put_batches)(rj_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    size_t longest;
    bytes_in_place(e, *item, &longest);
    while (stop - item > RJ_PREFETCH) {
        PyObject **end = stop - item > RJ_BATCH + RJ_PREFETCH ? item + RJ_BATCH : stop - RJ_PREFETCH;
        if (longest <= 32 || RJ__UP_TO_MOST == 32)
            item = put_batch(e, cur, item, end, 32, &longest);
        else if (longest <= 64)
            item = put_batch(e, cur, item, end, 64, &longest);
        else
            item = put_batch(e, cur, item, end, 128, &longest);
        if (item != end)
            break;
    }
    return item;
}
