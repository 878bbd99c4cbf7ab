/*
 * The part of the walk (walk.h) for runs in arrays: items of one kind, one after another without a call for each,
 * and with what their vectors compare with in registers. Here are scalars: ints, doubles, or None, True and False,
 * each kind with a loop of its own that looks for nothing else; and the choice among the runs of strings:
 * string_batches.h (bytes), wide_strings.h (where the result is a str wider than a byte a character).
 */

/* ---- scalars */

/* So many items must be left for looking for a run to pay. */
#define RJ_SCALARS 16

typedef enum rjpy_scalar_kind { RJ_INTS, RJ_DOUBLES, RJ_LITERALS } rjpy_scalar_kind;

/* A value of that kind, and a comma; NULL if it is none. */
RJ__INLINE uint8_t *
put_scalar_of_run(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_scalar_kind kind)
{
    if (kind == RJ_LITERALS)
        return rjpy_put_literal(&e->state->known, cur, v);
    if (kind == RJ_DOUBLES)
        return PyFloat_CheckExact(v) ? put_finite_float(cur, v) : NULL;
    uint8_t *small = rjpy_put_small_int(&e->state->known, cur, v);
    return small ? small : PyLong_CheckExact(v) ? put_word_int(e, cur, v) : NULL;
}

/* Items from `*item` on, up to the first that is not of that kind or may have no room, which `*item` is then.
 * Returns where they end. */
RJ__INLINE uint8_t *
put_run_of_kind(rjpy_encoder *e, uint8_t *cur, PyObject ***item, PyObject **stop, rjpy_scalar_kind kind)
{
    const uint8_t *const full = full_behind(e);
    PyObject **at = *item;
    for (; at < stop && RJ__LIKELY(cur <= full); at++) {
        if (kind != RJ_LITERALS && stop - at > RJ__ITEMS_AHEAD)
            rj__prefetch_item(at[RJ__ITEMS_AHEAD]);
        uint8_t *next = put_scalar_of_run(e, cur, *at, kind);
        if (RJ__UNLIKELY(!next))
            break;
        cur = next;
    }
    *item = at;
    return cur;
}

/* Items of an array, up to the first that does not join the run, which it returns. Runs no Python code. */
static RJ__NOINLINE PyObject **
put_scalars(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    *cur = PyLong_CheckExact(*item)    ? put_run_of_kind(e, *cur, &item, stop, RJ_INTS)
           : PyFloat_CheckExact(*item) ? put_run_of_kind(e, *cur, &item, stop, RJ_DOUBLES)
                                       : put_run_of_kind(e, *cur, &item, stop, RJ_LITERALS);
    return item;
}

/* Whether a run of scalars may begin here. */
RJ__INLINE int
may_have_scalars(PyObject **item, PyObject **stop)
{
    if (RJ__STYLED || RJ__LIKELY(stop - item < RJ_SCALARS))
        return 0;
    const PyTypeObject *type = Py_TYPE(*item);
    return type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type || *item == Py_None;
}

/* ---- strings */

#if defined(RJ__UP_TO_MOST)
#include "encode/walk/string_batches.h"
#if defined(RJ__TO_END_MOST)
#include "encode/walk/string_batches_backward.h"
#endif

/* Whether so many are left, strings at first, that batches pay. */
RJ__INLINE int
may_have_batches(PyObject **item, PyObject **stop)
{
    return !RJ__STYLED && stop - item >= RJ_BATCH && PyUnicode_CheckExact(item[1]);
}
#endif

/* Strings of an array from one on; returns what is left. Runs no Python code. */
RJ__INLINE PyObject **
put_strings(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    if (RJ__UNLIKELY(has_wide_runs(e)))
        return put_wide_run(e, cur, item, stop);
#if defined(RJ__UP_TO_MOST)
    if (may_have_batches(item, stop)) {
#if defined(RJ__TO_END_MOST)
        if (PyUnicode_IS_COMPACT_ASCII(item[0]) && PyUnicode_IS_COMPACT_ASCII(item[1]))
            return put_backward(e, cur, item, stop);
#endif
        return put_batches(e, cur, item, stop);
    }
#endif
    return item;
}

/* What an array begins or goes on with, if that is a run; returns what is left. Runs no Python code. */
RJ__INLINE PyObject **
put_run(rjpy_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
{
    if (PyUnicode_CheckExact(*item))
        return put_strings(e, cur, item, stop);
    return may_have_scalars(item, stop) ? put_scalars(e, cur, item, stop) : item;
}
