/*
 * The part of the walk (walk.h) for many strings in an array, with vectors that are loaded under a mask. Which
 * branches are taken depends on how long the strings are as a rule, and on whether they have escapes as a rule: a
 * branch per string would be mispredicted.
 */

/* So many strings are taken to be as long as those before them were. */
#define RJ_BATCH 32

_Static_assert(1 + RJ__UP_TO_ROOM <= RJ_ITEM_ROOM, "a string of a batch must fit");

/* A string with many escapes, or unlike the others of its batch. NULL if it is none for a batch. */
RJ__INLINE uint8_t *
put_outlier(rjpy_encoder *e, uint8_t *cur, PyObject *str, const uint8_t *data, size_t length, size_t most)
{
    if (!data)
        return put_escaped_or_non_ascii(e, cur, str, ',');
    if (length > most)
        return put_non_ascii_bytes(e, cur, data, (Py_ssize_t)length, ',', 1);
    if (length <= RJ__SHORT_DIRTY && PyUnicode_IS_ASCII(str))
        return put_short_dirty(e, cur, data, (Py_ssize_t)length, ',');
    return put_dirty(e, cur, data, (Py_ssize_t)length, ',');
}

/* What the strings of a batch were like, which those of the next are taken to be. */
typedef struct rjpy_batch_seen {
    size_t longest; /* not less than it was */
    size_t escapes; /* by how many bytes they grew for what was escaped */
} rjpy_batch_seen;

/* Strings of up to `most` bytes as a rule; `escaped`: in many of which there is something to be escaped. */
RJ__INLINE PyObject **
put_batch(rjpy_encoder *e, uint8_t **to, PyObject **item, PyObject **stop, size_t most, int escaped, rjpy_batch_seen *seen)
{
    uint8_t *cur = *to;
    const uint8_t *const full = full_behind(e);
    const int may_grow = most > 32 || escaped; /* with less, rj__put_up_to leaves escapes to others */
    size_t lengths = 0, escapes = 0;
    /* What would be written if rj__put_up_to escaped nothing: a sum, since a look at each string is felt. */
    size_t plain = 0;
    for (; item < stop && cur <= full; item++) {
        PyObject *str = *item;
        rj__prefetch_item(item[RJ__ITEMS_AHEAD]);
        if (RJ__UNLIKELY(!PyUnicode_CheckExact(str)))
            break;
        size_t length;
        const uint8_t *data = bytes_in_place(e, str, &length);
        lengths |= length;
        uint8_t *next = NULL;
        if (RJ__LIKELY(data != NULL) && RJ__LIKELY(length <= most))
            next = rj__put_up_to(data, length, cur + 1, most, escaped);
        if (RJ__LIKELY(next != NULL)) {
            if (may_grow)
                plain += length + 3; /* quotes and a comma */
            cur = end_string(cur, next, ',');
            continue;
        }
        next = put_outlier(e, cur, str, data, length, most);
        if (!next)
            break;
        plain += (size_t)(next - cur);
        if (data)
            escapes += (size_t)(next - cur) - (length + 3);
        cur = next;
    }
    if (may_grow)
        escapes += (size_t)(cur - *to) - plain;
    *seen = (rjpy_batch_seen){lengths, escapes};
    *to = cur;
    return item;
}

/* A batch in which much is to be escaped: a function of its own, so that others find their constants in registers. */
static RJ__NOINLINE PyObject **
put_escaped_batch(rjpy_encoder *e, uint8_t **to, PyObject **item, PyObject **stop, rjpy_batch_seen *seen)
{
    return seen->longest <= 32 ? put_batch(e, to, item, stop, 32, 1, seen) : put_batch(e, to, item, stop, 64, 1, seen);
}

/* Items of an array, up to one that does not join a batch, or to the last few, which it returns. Runs no Python code. */
static RJ__NOINLINE PyObject **
put_batches(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    rjpy_batch_seen seen = {0, 0};
    bytes_in_place(e, *item, &seen.longest);
    while (stop - item > RJ__ITEMS_AHEAD) {
        PyObject **end = stop - item > RJ_BATCH + RJ__ITEMS_AHEAD ? item + RJ_BATCH : stop - RJ__ITEMS_AHEAD;
        if (RJ__UP_TO_MOST > 32 && seen.longest <= 64 && seen.escapes > RJ_BATCH / 2)
            item = put_escaped_batch(e, cur, item, end, &seen);
        else if (seen.longest <= 32 || RJ__UP_TO_MOST == 32)
            item = put_batch(e, cur, item, end, 32, 0, &seen);
        else if (seen.longest <= 64)
            item = put_batch(e, cur, item, end, 64, 0, &seen);
        else
            item = put_batch(e, cur, item, end, 128, 0, &seen);
        if (item != end)
            break;
    }
    return item;
}
