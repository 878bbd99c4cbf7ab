/* The buffers of a batch, bound to the nodes and checked as far as they can be: the interface has no sizes of buffers. */
#include "arrow/arrow.h"

static int bind_node(rj_arrow *a, rj__arrow_node *n, const struct ArrowArray *array);

static int
fail(rj_arrow *a, const rj__arrow_node *n, const char *what)
{
    rj__arrow_fail(a, n, RJ_EINVAL, what);
    return a->status;
}

static int
expected_buffers(rj__arrow_kind kind)
{
    switch (kind) {
    case RJ__ARROW_NULL:
    case RJ__ARROW_RUNS:
        return 0;
    case RJ__ARROW_STRUCT:
    case RJ__ARROW_FIXED:
        return 1;
    case RJ__ARROW_TEXT:
    case RJ__ARROW_VIEW:
    case RJ__ARROW_LIST_VIEW:
        return 3;
    default:
        return 2;
    }
}

/* Whether the text of all values at once is valid: then each is, if it begins and ends between characters. What is under
 * nulls may be anything, so that it is not says nothing yet. */
static int
bind_text(rj_arrow *a, rj__arrow_node *n)
{
    n->is_checked = 0;
    if (n->length == 0)
        return RJ_OK;
    int64_t first = rj__arrow_integer(n->values, n->width, 1, n->offset);
    int64_t last = rj__arrow_integer(n->values, n->width, 1, n->offset + n->length);
    if (first < 0 || last < first || (last > first && !n->more))
        return fail(a, n, "offsets that are out of order");
    n->size = last;
    n->is_checked = last == first || rj__utf8_valid((const uint8_t *)n->more + first, (size_t)(last - first));
    return RJ_OK;
}

static int
bind_children(rj_arrow *a, rj__arrow_node *n, const struct ArrowArray *array)
{
    for (size_t k = 0; k < n->child_count; k++) {
        rj__arrow_node *child = &n->children[k];
        if (child->source >= array->n_children || !array->children[child->source])
            return fail(a, n, "an array with fewer children than its type has");
        int rc = bind_node(a, child, array->children[child->source]);
        if (rc != RJ_OK)
            return rc;
        int64_t least = n->kind == RJ__ARROW_STRUCT ? n->offset + n->length : 0;
        if (n->kind == RJ__ARROW_FIXED && __builtin_mul_overflow(n->offset + n->length, n->size, &least))
            return fail(a, n, "a length that is too large");
        if (child->length < least)
            return fail(a, child, "an array that is shorter than its parent");
    }
    return RJ_OK;
}

/* Each run's end is behind the last one's, and the last one is behind all values. */
static int
bind_runs(rj_arrow *a, rj__arrow_node *n)
{
    const rj__arrow_node *ends = &n->children[0];
    int64_t end = 0;
    if (ends->length > n->children[1].length)
        return fail(a, n, "more runs than values");
    for (int64_t k = 0; k < ends->length; k++) {
        int64_t next = rj__arrow_integer(ends->values, ends->width, 1, ends->offset + k);
        if (next <= end)
            return fail(a, n, "runs that are out of order");
        end = next;
    }
    return end < n->offset + n->length ? fail(a, n, "runs that end too early") : RJ_OK;
}

static int
bind_buffers(rj_arrow *a, rj__arrow_node *n, const struct ArrowArray *array)
{
    int count = expected_buffers(n->kind);
    if (array->n_buffers < count || (count && !array->buffers))
        return fail(a, n, "an array with fewer buffers than its type has");
    n->validity = count && array->null_count != 0 ? array->buffers[0] : NULL;
    n->values = count > 1 ? array->buffers[1] : NULL;
    n->more = count > 2 ? array->buffers[2] : NULL;
    if (count > 1 && n->length && !n->values)
        return fail(a, n, "an array without a buffer of its values");
    if (n->kind == RJ__ARROW_LIST_VIEW && n->length && !n->more)
        return fail(a, n, "an array without a buffer of its sizes");
    return n->kind == RJ__ARROW_TEXT ? bind_text(a, n) : RJ_OK;
}

static int
bind_node(rj_arrow *a, rj__arrow_node *n, const struct ArrowArray *array)
{
    int64_t end;
    n->array = array;
    n->offset = array->offset;
    n->length = array->length;
    if (n->length < 0 || n->offset < 0 || __builtin_add_overflow(n->offset, n->length, &end))
        return fail(a, n, "a length or offset that is none");
    int rc = bind_buffers(a, n, array);
    if (rc != RJ_OK)
        return rc;
    if (n->kind == RJ__ARROW_DICTIONARY)
        return array->dictionary ? bind_node(a, &n->children[0], array->dictionary)
                                 : fail(a, n, "a dictionary without its values");
    rc = bind_children(a, n, array);
    return rc == RJ_OK && n->kind == RJ__ARROW_RUNS ? bind_runs(a, n) : rc;
}

int
rj__arrow_bind(rj_arrow *a, const struct ArrowArray *array)
{
    if (a->status != RJ_OK)
        return a->status;
    if (!array->release)
        return fail(a, NULL, "an array that was released");
    return bind_node(a, &a->root, array);
}
