/* The walk: rows over columns, straight from the buffers into windows of the sink. */
#include "arrow/arrow.h"

#include <errno.h>
#include <stdio.h>

/* ---- windows and failures */

uint8_t *
rj__arrow_fail(rj_arrow *a, const rj__arrow_node *n, int status, const char *what)
{
    if (a->status != RJ_OK)
        return NULL;
    const char *names[RJ_ARROW_MAX_DEPTH + 2];
    size_t count = 0, at = 0;
    a->status = status;
    for (; n && count < RJ_ARROW_MAX_DEPTH + 2; n = n->parent)
        if (n->name)
            names[count++] = n->name;
    if (count)
        at = (size_t)snprintf(a->message, 80, "column '");
    while (count && at < 150) {
        at += (size_t)snprintf(a->message + at, 60, "%.58s", names[--count]);
        if (count && at < 150)
            a->message[at++] = '.';
    }
    snprintf(a->message + at, sizeof a->message - at, "%s%s", at ? "': " : "", what);
    return NULL;
}

static uint8_t *
fail_sink(rj_arrow *a, int rc)
{
    a->cur = NULL;
    if (rc == RJ_PAUSE)
        rc = RJ_ESTATE;
    return rj__arrow_fail(a, NULL, rc, rj_strerror(rc));
}

static int
give_back(rj_arrow *a, uint8_t *p)
{
    a->cur = NULL;
    return rj_sink_take(a->sink, (size_t)(p - a->start));
}

uint8_t *
rj__arrow_window(rj_arrow *a, uint8_t *p)
{
    rj_window window;
    int rc = p ? give_back(a, p) : RJ_OK;
    if (rc == RJ_OK)
        rc = rj_sink_lend(a->sink, 0, &window);
    if (rc != RJ_OK)
        return fail_sink(a, rc);
    a->start = a->cur = window.cur;
    a->end = window.end;
    return a->cur;
}

/* ---- strings */

#define ONES UINT64_C(0x0101010101010101)

typedef uint8_t block __attribute__((vector_size(16)));

/* Bytes that must be escaped are not 0 in the result. */
RJ__INLINE block
dirt_of(block b)
{
    return (block)((b < 0x20) | (b == '"') | (b == '\\'));
}

RJ__INLINE uint64_t
dirt_of_word(uint64_t w)
{
    uint64_t quotes = w ^ ONES * '"', slashes = w ^ ONES * '\\';
    return (((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes) | ((w - ONES * 0x20) & ~w)) & ONES << 7;
}

/* Copies 16 bytes or more, by blocks; the last one may overlap another. */
RJ__INLINE int
copy_blocks(const uint8_t *s, size_t length, uint8_t *p)
{
    block b, dirt = {0};
    uint64_t halves[2];
    for (size_t k = 0; k + 16 < length; k += 16) {
        memcpy(&b, s + k, 16);
        memcpy(p + k, &b, 16);
        dirt |= dirt_of(b);
    }
    memcpy(&b, s + length - 16, 16);
    memcpy(p + length - 16, &b, 16);
    dirt |= dirt_of(b);
    memcpy(halves, &dirt, 16);
    return (halves[0] | halves[1]) == 0;
}

/* Copies short text that needs no escapes; NULL if it does. What is written before that is known is overwritten then. */
RJ__INLINE uint8_t *
copy_clean(const uint8_t *s, size_t length, uint8_t *p)
{
    if (length >= 16)
        return copy_blocks(s, length, p) ? p + length : NULL;
    if (length >= 8) {
        uint64_t first, last;
        memcpy(&first, s, 8);
        memcpy(&last, s + length - 8, 8);
        memcpy(p, &first, 8);
        memcpy(p + length - 8, &last, 8);
        return (dirt_of_word(first) | dirt_of_word(last)) == 0 ? p + length : NULL;
    }
    for (size_t k = 0; k < length; k++) {
        if (rj__escape_letter[s[k]])
            return NULL;
        p[k] = s[k];
    }
    return p + length;
}

#define SHORT 64

uint8_t *
rj__arrow_put_text(rj_arrow *a, const rj__arrow_node *n, const uint8_t *s, int64_t length, uint8_t *p)
{
    (void)n;
    *p++ = '"';
    uint8_t *end = length <= SHORT ? copy_clean(s, (size_t)length, p) : NULL;
    if (RJ__LIKELY(end != NULL)) {
        *end = '"';
        return end + 1;
    }
    rj__text text = {.data = s, .length = (size_t)length, .kind = RJ__TEXT_UTF8};
    while (text.position < text.length) {
        p = rj__arrow_reserve(a, p);
        if (!p)
            return NULL;
        p = a->arch->put_text(&text, p, a->end);
    }
    p = rj__arrow_reserve(a, p);
    if (p)
        *p++ = '"';
    return p;
}

/* Whether a character goes on at this byte. */
#define GOES_ON(byte) (((byte)&0xc0) == 0x80)

uint8_t *
rj__arrow_put_string(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    int64_t from = rj__arrow_integer(n->values, n->width, 1, i), to = rj__arrow_integer(n->values, n->width, 1, i + 1);
    const uint8_t *s = n->more;
    if (RJ__UNLIKELY(from < 0 || to < from || to > n->size))
        return rj__arrow_fail(a, n, RJ_EINVAL, "offsets that are out of order");
    if (from == to)
        return rj__arrow_put_text(a, n, (const uint8_t *)"", 0, p);
    int is_valid = n->is_checked ? !GOES_ON(s[from]) && (to == n->size || !GOES_ON(s[to]))
                                 : rj__utf8_valid(s + from, (size_t)(to - from));
    if (!is_valid)
        return rj__arrow_fail(a, n, RJ_EUTF8, "a string that is not valid UTF-8");
    return rj__arrow_put_text(a, n, s + from, to - from, p);
}

/* A view is its length, and up to twelve bytes; or four of them, and where all are. */
uint8_t *
rj__arrow_put_view(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    const uint8_t *view = (const uint8_t *)n->values + i * 16, *s = view + 4;
    int32_t length, place[2];
    memcpy(&length, view, 4);
    memcpy(place, view + 8, 8);
    if (length > 12) {
        int64_t count = n->array->n_buffers - 3;
        const int64_t *sizes = n->array->buffers[n->array->n_buffers - 1];
        if (place[0] < 0 || place[0] >= count || place[1] < 0 || !sizes || (int64_t)place[1] + length > sizes[place[0]])
            return rj__arrow_fail(a, n, RJ_EINVAL, "a view out of its buffer");
        s = (const uint8_t *)n->array->buffers[2 + place[0]] + place[1];
    }
    if (length < 0)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a view of a negative length");
    if (!rj__utf8_valid(s, (size_t)length))
        return rj__arrow_fail(a, n, RJ_EUTF8, "a string that is not valid UTF-8");
    return rj__arrow_put_text(a, n, s, length, p);
}

/* ---- values */

static int
is_valid_at(const rj__arrow_node *n, int64_t i)
{
    return !n->validity || n->validity[i >> 3] >> (i & 7) & 1;
}

/* The run that a value is in. */
static int64_t
run_of(const rj__arrow_node *n, int64_t i)
{
    const rj__arrow_node *ends = &n->children[0];
    int64_t low = 0, high = ends->length - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (rj__arrow_integer(ends->values, ends->width, 1, ends->offset + middle) > i)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Whether there is no value, in a dictionary or run either. `i` counts from the start of the array. */
static int
is_null(const rj__arrow_node *n, int64_t i)
{
    for (;;) {
        i += n->offset;
        if (n->kind == RJ__ARROW_NULL || !is_valid_at(n, i))
            return 1;
        if (n->kind == RJ__ARROW_DICTIONARY) {
            i = rj__arrow_integer(n->values, n->width, n->is_signed, i);
            n = &n->children[0];
            if (i < 0 || i >= n->length)
                return 0; /* which its function finds out again, and tells */
        }
        else if (n->kind == RJ__ARROW_RUNS) {
            i = run_of(n, i);
            n = &n->children[1];
        }
        else
            return 0;
    }
}

static uint8_t *
put_null(uint8_t *p)
{
    memcpy(p, "null", 4);
    return p + 4;
}

/* A value, where there is room for one. */
RJ__INLINE uint8_t *
put_value(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    i += n->offset;
    return RJ__LIKELY(is_valid_at(n, i)) ? n->put(a, n, i, p) : put_null(p);
}

uint8_t *
rj__arrow_put_nothing(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    (void)a, (void)n, (void)i;
    return put_null(p);
}

static uint8_t *
put_items(rj_arrow *a, const rj__arrow_node *n, int64_t from, int64_t count, uint8_t *p)
{
    const rj__arrow_node *child = &n->children[0];
    if (RJ__UNLIKELY(from < 0 || count < 0 || from > child->length || count > child->length - from))
        return rj__arrow_fail(a, n, RJ_EINVAL, "a list out of its items");
    *p++ = '[';
    for (int64_t k = from; k < from + count; k++) {
        p = rj__arrow_reserve(a, p);
        if (!p)
            return NULL;
        *p = ',';
        p = put_value(a, child, k, p + (k > from));
        if (!p)
            return NULL;
    }
    *p = ']';
    return p + 1;
}

uint8_t *
rj__arrow_put_list(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    int64_t from = rj__arrow_integer(n->values, n->width, 1, i), to = rj__arrow_integer(n->values, n->width, 1, i + 1);
    return put_items(a, n, from, from < 0 || to < from ? -1 : to - from, p);
}

uint8_t *
rj__arrow_put_list_view(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_items(a, n, rj__arrow_integer(n->values, n->width, 1, i), rj__arrow_integer(n->more, n->width, 1, i), p);
}

uint8_t *
rj__arrow_put_fixed(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_items(a, n, i * n->size, n->size, p);
}

/* Pairs, as Python has them: an object would have to spell keys of any type, and to have each once. */
uint8_t *
rj__arrow_put_map(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    const rj__arrow_node *entries = &n->children[0];
    int64_t from = rj__arrow_integer(n->values, n->width, 1, i), to = rj__arrow_integer(n->values, n->width, 1, i + 1);
    if (from < 0 || to < from || to > entries->length)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a map out of its entries");
    *p++ = '[';
    for (int64_t k = from; k < to && p; k++) {
        if (!(p = rj__arrow_reserve(a, p)))
            return NULL;
        *p = ',';
        p += k > from;
        *p = '[';
        if (!(p = put_value(a, &entries->children[0], k + entries->offset, p + 1)) || !(p = rj__arrow_reserve(a, p)))
            return NULL;
        *p = ',';
        if ((p = put_value(a, &entries->children[1], k + entries->offset, p + 1)))
            *p++ = ']';
    }
    if (p)
        *p++ = ']';
    return p;
}

uint8_t *
rj__arrow_put_dictionary(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    const rj__arrow_node *values = &n->children[0];
    int64_t index = rj__arrow_integer(n->values, n->width, n->is_signed, i);
    if (RJ__UNLIKELY(index < 0 || index >= values->length))
        return rj__arrow_fail(a, n, RJ_EINVAL, "an index out of its dictionary");
    return put_value(a, values, index, p);
}

uint8_t *
rj__arrow_put_runs(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_value(a, &n->children[1], run_of(n, i), p);
}

/* Copies a key of any length. */
static uint8_t *
put_long(rj_arrow *a, const uint8_t *bytes, size_t length, uint8_t *p)
{
    rj__text text = {.data = bytes, .length = length, .kind = RJ__TEXT_RAW};
    while (text.position < text.length) {
        p = rj__arrow_reserve(a, p);
        if (!p)
            return NULL;
        p = a->arch->put_text(&text, p, a->end);
    }
    return rj__arrow_reserve(a, p);
}

/* A key, whose memory has RJ__ARROW_KEY bytes more than it needs; there is room for a value behind it. */
RJ__INLINE uint8_t *
put_key(rj_arrow *a, const rj__arrow_node *n, uint8_t *p)
{
    if (RJ__UNLIKELY(n->key_length > RJ__ARROW_KEY))
        return put_long(a, n->key, n->key_length, p);
    memcpy(p, n->key, 32);
    if (n->key_length > 32)
        memcpy(p + 32, n->key + 32, RJ__ARROW_KEY - 32);
    return p + n->key_length;
}

uint8_t *
rj__arrow_put_struct(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    uint8_t comma = '{';
    for (size_t k = 0; k < n->child_count; k++) {
        const rj__arrow_node *child = &n->children[k];
        if (a->options.omit_nulls && is_null(child, i))
            continue;
        p = rj__arrow_reserve(a, p);
        if (RJ__UNLIKELY(!p))
            return NULL;
        *p = comma;
        comma = ',';
        p = put_key(a, child, p + 1);
        if (RJ__LIKELY(p != NULL))
            p = put_value(a, child, i, p);
        if (RJ__UNLIKELY(!p))
            return NULL;
    }
    *p = '{';
    p += comma == '{';
    *p = '}';
    return p + 1;
}

/* ---- rows */

static uint8_t *
put_row(rj_arrow *a, int64_t i, uint8_t *p)
{
    p = p ? rj__arrow_reserve(a, p) : rj__arrow_window(a, NULL);
    if (!p)
        return NULL;
    if (a->options.as_array) {
        *p = a->has_begun ? ',' : '[';
        p++;
    }
    a->has_begun = 1;
    p = put_value(a, &a->root, i, p);
    if (p && !a->options.as_array)
        *p++ = '\n';
    return p;
}

int
rj__arrow_put_rows(rj_arrow *a, int64_t first, int64_t count)
{
    uint8_t *p = a->cur;
    for (int64_t i = first; i < first + count && a->status == RJ_OK; i++) {
        p = put_row(a, i, p);
        if (!p)
            return a->status;
        a->rows++;
    }
    a->cur = p;
    return a->status;
}

int
rj_arrow_put(rj_arrow *a, const struct ArrowArray *array)
{
    int rc = rj__arrow_bind(a, array);
    return rc == RJ_OK ? rj__arrow_put_rows(a, 0, array->length) : rc;
}

int
rj_arrow_put_stream(rj_arrow *a, struct ArrowArrayStream *stream)
{
    while (a->status == RJ_OK) {
        struct ArrowArray array = {0};
        int rc = stream->get_next(stream, &array);
        if (rc != 0) {
            const char *why = stream->get_last_error ? stream->get_last_error(stream) : NULL;
            rj__arrow_fail(a, NULL, RJ_EREAD, why ? why : rj_strerror(RJ_EREAD));
        }
        else if (!array.release)
            break;
        else {
            rj_arrow_put(a, &array);
            array.release(&array);
        }
    }
    return a->status;
}

int
rj_arrow_finish(rj_arrow *a)
{
    if (a->status != RJ_OK)
        return a->status;
    uint8_t *p = a->cur;
    if (a->options.as_array) {
        p = p ? rj__arrow_reserve(a, p) : rj__arrow_window(a, NULL);
        if (!p)
            return a->status;
        if (!a->has_begun)
            *p++ = '[';
        *p++ = ']';
    }
    int rc = p ? give_back(a, p) : RJ_OK;
    if (rc == RJ_OK)
        rc = rj_sink_flush(a->sink);
    if (rc != RJ_OK)
        fail_sink(a, rc);
    return a->status;
}

/* ---- the object */

int
rj_arrow_new(rj_arrow **out, rj_sink *sink, const struct ArrowSchema *schema, const rj_arrow_options *options,
             const rj_allocator *alloc)
{
    rj_allocator allocator = rj__allocator_or_default(alloc);
    rj_arrow *a = *out = rj__allocate(&allocator, sizeof *a);
    if (!a)
        return RJ_ENOMEM;
    *a = (rj_arrow){.alloc = allocator, .sink = sink, .arch = rj__arch_named(NULL)};
    if (options)
        a->options = *options;
    if (rj__arrow_plan(a, schema) != RJ_OK && !a->message[0])
        snprintf(a->message, sizeof a->message, "%s", rj_strerror(a->status));
    return a->status;
}

void
rj_arrow_free(rj_arrow *a)
{
    if (!a)
        return;
    rj_allocator allocator = a->alloc;
    if (a->cur)
        rj_sink_take(a->sink, 0);
    rj__arrow_unplan(a, &a->root);
    rj__release(&allocator, a);
}

rj_arrow_failure
rj_arrow_error(const rj_arrow *a)
{
    return (rj_arrow_failure){a->status, a->status == RJ_EIO ? a->sink->sys_errno : 0, a->sink->accepted, a->rows,
                              a->message};
}
