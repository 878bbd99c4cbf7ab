/*
 * The part of the walk (walk.h) for many ASCII strings in an array, with vectors that cannot be loaded under a mask
 * of bytes. If none has escapes, it is known beforehand where each is to end. So they are written from the last to
 * the first, each by vectors that end where it does: what these store in front of it belongs to strings whose turn
 * is later. No branch depends on how long each is: it would be mispredicted.
 */

_Static_assert(RJ_STR_HEADER >= RJ__TO_END_BEFORE, "what is before characters is read with them");

/* Strings one after another, of which all that was looked at are ASCII and, if they have no escapes, sure to fit. */
typedef struct rjpy_batch {
    size_t lengths;           /* of all of them, together by "or" */
    uint32_t ends[RJ_BATCH];  /* where the characters end, from where the batch begins */
    uint64_t marks[RJ_BATCH]; /* see rj__mark_to_end */
} rjpy_batch;

/* What is to be asked for while a batch is measured. */
RJ__INLINE PyObject **
items_ahead(PyObject **item, PyObject **stop)
{
    return stop - item < RJ_BATCH + RJ__ITEMS_AHEAD ? item : item + RJ__ITEMS_AHEAD;
}

/* The next RJ_BATCH items, of which there are as many. 0 if they make no batch. */
RJ__INLINE int
measure_batch(const rjpy_encoder *e, const uint8_t *cur, PyObject **item, PyObject **stop, rjpy_batch *batch)
{
    PyObject **ahead = items_ahead(item, stop);
    size_t end = 0, lengths = 0;
    unsigned is_ascii = 1;
    for (size_t i = 0; i < RJ_BATCH; i++) {
        PyObject *str = item[i];
        rj__prefetch_item(ahead[i]);
        if (RJ__UNLIKELY(!PyUnicode_CheckExact(str)))
            return 0;
        size_t length = rjpy_str_length(str);
        is_ascii &= PyUnicode_IS_COMPACT_ASCII(str);
        lengths |= length;
        end += 1 + length;
        batch->ends[i] = (uint32_t)end;
        end += 2;
    }
    batch->lengths = lengths;
    return is_ascii && lengths < RJ__TO_END_MOST && (ptrdiff_t)end <= full_behind(e) - cur;
}

/* Writes the strings that measure_batch measured, of up to `most` characters each. A bit for each that has escapes,
 * the first one's is the lowest: those before it are right. `most` bytes of the window come before `cur`. */
RJ__INLINE uint32_t
put_batch_backward(uint8_t *cur, PyObject **item, const rjpy_batch *batch, size_t most)
{
    uint32_t dirty = 0;
    uint8_t before[RJ__TO_END_MOST];
    memcpy(before, cur - most, most);
    for (size_t i = RJ_BATCH; i-- > 0;) {
        size_t length = rjpy_str_length(item[i]);
        uint8_t *end = cur + batch->ends[i];
        int is_dirty = rj__copy_to_end(rjpy_str_ascii(item[i]) + length, length, end, most);
        end_string(end - length - 1, end, ',');
        dirty = dirty << 1 | (uint32_t)is_dirty;
    }
    memcpy(cur - most, before, most);
    return dirty;
}

/* More escapes in a batch are better spelled by other means than one by one. */
#define RJ_FEW_IN_BATCH (5 * RJ_BATCH / 2)

/* measure_batch for strings that may have escapes. *is_dirty: whether any has. */
RJ__INLINE int
measure_marked(const rjpy_encoder *e, const uint8_t *cur, PyObject **item, PyObject **stop, rjpy_batch *batch, int *is_dirty)
{
    PyObject **ahead = items_ahead(item, stop);
    size_t end = 0, escapes = 0;
    uint64_t seen = 0;
    for (size_t i = 0; i < RJ_BATCH; i++) {
        PyObject *str = item[i];
        rj__prefetch_item(ahead[i]);
        if (RJ__UNLIKELY(!PyUnicode_CheckExact(str)) || RJ__UNLIKELY(!PyUnicode_IS_COMPACT_ASCII(str)))
            return 0;
        size_t length = rjpy_str_length(str);
        if (RJ__UNLIKELY(length > RJ__MARKED_MOST))
            return 0;
        uint64_t marks = rj__mark_to_end(rjpy_str_ascii(str) + length, length);
        seen |= marks;
        batch->marks[i] = marks;
        size_t count = (size_t)__builtin_popcountll(marks);
        escapes += count;
        end += 1 + length + count;
        batch->ends[i] = (uint32_t)end;
        end += 2;
    }
    *is_dirty = seen != 0;
    return escapes <= RJ_FEW_IN_BATCH && (ptrdiff_t)end <= full_behind(e) - cur;
}

/* Returns how many are right: those before the first with a long escape. */
RJ__INLINE size_t
put_marked_backward(uint8_t *cur, PyObject **item, const rjpy_batch *batch)
{
    size_t right = RJ_BATCH;
    uint8_t before[RJ__MARKED_MOST];
    memcpy(before, cur - RJ__MARKED_MOST, RJ__MARKED_MOST);
    for (size_t i = RJ_BATCH; i-- > 0;) {
        size_t length = rjpy_str_length(item[i]);
        uint8_t *end = cur + batch->ends[i];
        uint64_t marks = batch->marks[i];
        int is_wrong = rj__spell_to_end(rjpy_str_ascii(item[i]) + length, length, marks, end);
        end_string(end - length - (size_t)__builtin_popcountll(marks) - 1, end, ',');
        right = is_wrong ? i : right;
    }
    memcpy(cur - RJ__MARKED_MOST, before, RJ__MARKED_MOST);
    return right;
}

/* Strings one by one, up to `stop`; the array goes on to array_end. *lengths: as in a batch. */
static RJ__NOINLINE PyObject **
put_singly(rjpy_encoder *e, uint8_t **to, PyObject **item, PyObject **stop, PyObject **array_end, size_t *lengths)
{
    uint8_t *cur = *to;
    const uint8_t *const full = full_behind(e);
    const size_t ahead = array_end - stop >= RJ__ITEMS_AHEAD ? RJ__ITEMS_AHEAD : 0;
    for (*lengths = 0; item < stop && cur <= full && PyUnicode_CheckExact(*item); item++) {
        rj__prefetch_item(item[ahead]);
        *lengths |= rjpy_str_length(*item);
        uint8_t *next = put_string_in_window(e, cur, *item, ',');
        if (!next)
            break;
        cur = next;
    }
    *to = cur;
    return item;
}

/* So many strings are written one by one before a batch is tried (again): where too little of the window is before
 * them, where they are so short that no branch depends on their lengths anyway, behind a single one with escapes,
 * and where they make no batch, or too many escapes. */
enum { RJ_APART_AT_FIRST = 8, RJ_APART_IF_SHORT = RJ_BATCH, RJ_APART_IF_ONE = 1, RJ_APART_IF_NONE = 1024 };

/* Of the next RJ_BATCH strings those before the first that has escapes: how many. *apart: how many are to follow one
 * by one. Sets *is_dirty where others with escapes are to be expected. */
static RJ__NOINLINE size_t
try_batch(const rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop, size_t *apart, int *is_dirty)
{
    rjpy_batch batch;
    if (!measure_batch(e, *cur, item, stop, &batch)) {
        *apart = RJ_APART_IF_NONE;
        return 0;
    }
    uint32_t dirty = batch.lengths < 32   ? put_batch_backward(*cur, item, &batch, 32)
                     : batch.lengths < 64 ? put_batch_backward(*cur, item, &batch, 64)
                                          : put_batch_backward(*cur, item, &batch, RJ__TO_END_MOST);
    if (RJ__LIKELY(dirty == 0)) {
        *cur += batch.ends[RJ_BATCH - 1] + 2;
        return RJ_BATCH;
    }
    size_t clean = (size_t)__builtin_ctz(dirty);
    *cur += clean ? batch.ends[clean - 1] + 2 : 0;
    if (dirty & (dirty - 1))
        *is_dirty = 1;
    else
        *apart = RJ_APART_IF_ONE;
    return clean;
}

/* try_batch for strings with escapes: those before the first that has a long one. Clears *is_dirty where none has any. */
static RJ__NOINLINE size_t
try_marked(const rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop, size_t *apart, int *is_dirty)
{
    rjpy_batch batch;
    size_t right = 0;
    if (measure_marked(e, *cur, item, stop, &batch, is_dirty))
        right = put_marked_backward(*cur, item, &batch);
    if (right < RJ_BATCH)
        *apart = RJ_APART_IF_NONE;
    *cur += right ? batch.ends[right - 1] + 2 : 0;
    return right;
}

/* Items of an array, up to one that does not join a batch, which it returns. Runs no Python code. */
static RJ__NOINLINE PyObject **
put_backward(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    size_t lengths, apart = RJ_APART_AT_FIRST;
    int is_dirty = 0;
    while (item < stop) {
        PyObject **end = (size_t)(stop - item) < apart ? stop : item + apart;
        item = put_singly(e, cur, item, end, stop, &lengths);
        if (item != end)
            break;
        apart = lengths < 16 ? RJ_APART_IF_SHORT : *cur - e->start < RJ__TO_END_MOST ? RJ_APART_AT_FIRST : 0;
        while (apart == 0 && stop - item >= RJ_BATCH)
            item += is_dirty ? try_marked(e, cur, item, stop, &apart, &is_dirty)
                             : try_batch(e, cur, item, stop, &apart, &is_dirty);
        apart = apart ? apart : RJ_BATCH; /* the rest */
    }
    return item;
}
