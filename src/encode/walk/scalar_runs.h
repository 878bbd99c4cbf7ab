/*
 * The part of the walk (walk.h) for runs of scalars in arrays: of ints, of doubles, or of None, True and False. Each kind has a loop of its own, which
 * looks for nothing else.
 */

/* So many items must be left for looking for a run to pay. */
#define RJ_SCALARS 16

typedef enum rj_scalar_kind { RJ_INTS, RJ_DOUBLES, RJ_LITERALS } rj_scalar_kind;

/* A value of that kind, and a comma; NULL if it is none. */
RJ__INLINE uint8_t *
put_scalar_of_run(rj_encoder *e, uint8_t *cur, PyObject *v, rj_scalar_kind kind)
{
    if (kind == RJ_LITERALS)
        return rj_put_literal(&e->state->known, cur, v);
    if (kind == RJ_DOUBLES)
        return PyFloat_CheckExact(v) ? put_finite_float(cur, v) : NULL;
    uint8_t *small = rj_put_small_int(&e->state->known, cur, v);
    return small ? small : PyLong_CheckExact(v) ? put_word_int(e, cur, v) : NULL;
}

/* Items from `*item` on, up to the first that is not of that kind or may have no room, which `*item` is then. Returns where they end. */
RJ__INLINE uint8_t *
put_run_of_kind(rj_encoder *e, uint8_t *cur, PyObject ***item, PyObject **stop, rj_scalar_kind kind)
{
    const uint8_t *const full = full_behind(e);
    PyObject **at = *item;
    for (; at < stop && RJ__LIKELY(cur <= full); at++) {
        if (kind != RJ_LITERALS && stop - at > RJ_PREFETCH)
            prefetch_item(at[RJ_PREFETCH]);
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
put_scalars(rj_encoder *e, uint8_t **cur, PyObject **item, PyObject **stop)
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
