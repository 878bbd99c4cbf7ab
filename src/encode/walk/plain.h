/*
 * The part of the walk (walk.h) for what nearly all documents consist of: lists, tuples and dicts in each other, of
 * scalars, dates and UUIDs, that fit into the current window. No Python code runs meanwhile, so that nothing needs
 * to be owned, and nobody has to know which levels are open. Anything else leaves the fast path: the levels are
 * recorded in e->levels then, for `walk` (levels.h) to go on from there.
 *
 * Whether a container is inside of itself is not asked here. One that is goes round until the window is full or the
 * native stack is, and `walk` finds out where that began.
 *
 * Without the GIL nothing is so quiet; plain_locked.h is that way then.
 */

/* Whether a value is one of exact type that JSON has brackets for. */
RJ__INLINE int
is_container(const PyObject *v)
{
    const PyTypeObject *type = Py_TYPE(v);
    return type == &PyList_Type || type == &PyDict_Type || type == &PyTuple_Type;
}

/* Whether it is one whose members are to be arranged first: sorted, or seen not to be written with equal keys. */
RJ__INLINE int
is_arranged(const rjpy_encoder *e, PyObject *v, int is_dict)
{
    if (!RJ__STYLED || !is_dict || RJ__LIKELY(!e->options->sort_keys && !e->options->refuses_duplicates))
        return 0;
    return PyDict_GET_SIZE(v) > 0 && (e->options->sort_keys || rjpy_may_repeat_keys(e, v));
}

/* Whether a list or tuple that is not empty begins with such a dict. */
RJ__INLINE int
begins_arranged(const rjpy_encoder *e, PyObject *seq)
{
    return RJ__STYLED && is_arranged(e, *rjpy_items_of(seq), PyDict_CheckExact(*rjpy_items_of(seq)));
}

/* Records a level that is interrupted: it goes on at `pos`, in the innermost after `waiting` (borrowed; NULL if it
 * is between two items). Always NULL. */
static RJ__NOINLINE uint8_t *
interrupt(rjpy_encoder *e, uint8_t *cur, rjpy_walk_level *level, PyObject *obj, Py_ssize_t pos, Py_ssize_t used,
          PyObject *waiting)
{
    *level = (rjpy_walk_level){obj, pos, used, 0, 0};
    rjpy_hold(obj);
    if (!e->interrupted) {
        e->interrupted = level;
        e->cur = cur;
        e->waiting = Py_XNewRef(waiting);
    }
    return NULL;
}

#if RJ_FREE_THREADED
#include "encode/walk/plain_locked.h"
#else

static uint8_t *put_plain_sequence(rjpy_encoder *e, uint8_t *cur, PyObject *seq, rjpy_walk_level *level);
static uint8_t *put_plain_dict(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level);
static uint8_t *put_lone_member(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level);

/* A container as the given level. NULL where it is interrupted, or cannot be begun (and e->interrupted is NULL). */
RJ__INLINE uint8_t *
put_plain(rjpy_encoder *e, uint8_t *cur, PyObject *v, int is_dict, rjpy_walk_level *level)
{
    if (RJ__UNLIKELY(level >= e->levels_end))
        return NULL;
    if (is_dict) {
        if (RJ__UNLIKELY(PyDict_GET_SIZE(v) <= 1)) {
            if (PyDict_GET_SIZE(v) == 0)
                return put_literal(cur, "{},", 3);
            if (!RJ__STYLED)
                return put_lone_member(e, cur, v, level);
        }
        return is_arranged(e, v, 1) ? NULL : put_plain_dict(e, cur, v, level);
    }
    if (RJ__UNLIKELY(Py_SIZE(v) == 0))
        return put_literal(cur, "[],", 3);
    return begins_arranged(e, v) ? NULL : put_plain_sequence(e, cur, v, level);
}

/* A value inside of the given level: a scalar, container, or date. NULL likewise. */
RJ__INLINE uint8_t *
put_plain_value(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_walk_level *level)
{
    uint8_t *next = put_scalar(e, cur, v);
    if (RJ__LIKELY(next != NULL))
        return next;
    if (RJ__UNLIKELY(!is_container(v)))
        return put_date_or_uuid(e, cur, v);
    return put_plain(e, cur, v, PyDict_CheckExact(v), level + 1);
}

/* Whether what a list or tuple ends with is one too that can be put as the given level. */
RJ__INLINE int
is_tail(const rjpy_encoder *e, PyObject *v, const rjpy_walk_level *level)
{
    return !PyDict_CheckExact(v) && Py_SIZE(v) > 0 && level < e->levels_end && !begins_arranged(e, v);
}

/* Closes what ends with what was closed last, from the given level on. NULL where it is interrupted. */
static RJ__NOINLINE uint8_t *
close_tails(rjpy_encoder *e, uint8_t *cur, rjpy_walk_level *level, const rjpy_walk_level *outermost, uint8_t bracket)
{
    for (; level >= outermost; level--) {
        if (is_full(e, cur))
            return interrupt(e, cur, level, level->obj, level->pos, level->used, NULL);
        cur = close_items(e, cur, bracket, 1);
    }
    return cur;
}

/* Not empty. What it ends with is gone into without a call where that is a list or tuple, and so is what that ends with. */
static RJ__NOINLINE uint8_t *
put_plain_sequence(rjpy_encoder *e, uint8_t *cur, PyObject *seq, rjpy_walk_level *level)
{
    const uint8_t *const full = full_behind(e);
    const rjpy_walk_level *const outermost = level;
    for (;;) {
        PyObject **item = rjpy_items_of(seq), **const stop = item + Py_SIZE(seq), *tail = NULL;
        uint8_t *begin = open_container(e, cur, '[');
        item = put_run(e, &begin, item, stop);
        cur = begin; /* so that it can stay in a register */
        /* The containers that it begins with: nothing else is looked for. */
        while (item < stop && is_container(*item) && RJ__LIKELY(cur <= full) && has_short_lead(e)) {
            PyObject *v = *item++;
            begin_item(e, &cur, NULL, v);
            if (item == stop && is_tail(e, v, level + 1)) {
                tail = v;
                break;
            }
            uint8_t *next = put_plain(e, cur, v, PyDict_CheckExact(v), level + 1);
            if (RJ__UNLIKELY(!next))
                return interrupt(e, cur, level, seq, item - rjpy_items_of(seq), RJ_SEQUENCE, v);
            cur = next;
        }
        if (tail) {
            *level++ = (rjpy_walk_level){seq, Py_SIZE(seq), RJ_SEQUENCE, 0, 0};
            seq = tail;
            continue;
        }
        while (RJ__LIKELY(cur <= full) && has_short_lead(e)) {
            if (item == stop) {
                cur = close_items(e, cur, ']', 1);
                return RJ__LIKELY(level == outermost) ? cur : close_tails(e, cur, level - 1, outermost, ']');
            }
            begin_item(e, &cur, NULL, *item);
            uint8_t *next = put_plain_value(e, cur, *item++, level);
            if (RJ__UNLIKELY(!next))
                return interrupt(e, cur, level, seq, item - rjpy_items_of(seq), RJ_SEQUENCE, item[-1]);
            cur = next;
        }
        return interrupt(e, cur, level, seq, item - rjpy_items_of(seq), RJ_SEQUENCE, NULL);
    }
}

/* Not empty. */
static RJ__NOINLINE uint8_t *
put_plain_dict(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level)
{
    const uint8_t *const full = full_behind(e);
    Py_ssize_t unread = 0;
    PyObject *key, *value = NULL;
    rjpy_dict_cursor cursor;
    rjpy_dict_cursor_begin(&cursor, dict, 0);
    cur = open_container(e, cur, '{');
    while (RJ__LIKELY(cur <= full)) {
        if (!rjpy_dict_cursor_next(&cursor, dict, &key, &value))
            return RJ__STYLED ? close_container(e, cur, '}') : close_items(e, cur, '}', 1); /* omit_none may leave none */
        if (is_left_out(e, value))
            continue;
        uint8_t *next = begin_short_key(e, cur, key, value);
        if (RJ__UNLIKELY(!next)) {
            next = begin_int_key(e, cur, key, value);
            if (!next) {
                unread = 1;
                break;
            }
        }
        cur = next;
        next = put_plain_value(e, cur, value, level);
        if (RJ__UNLIKELY(!next))
            return interrupt(e, cur, level, dict, rjpy_dict_cursor_position(&cursor, dict), PyDict_GET_SIZE(dict), value);
        cur = next;
    }
    return interrupt(e, cur, level, dict, rjpy_dict_cursor_position(&cursor, dict) - unread, PyDict_GET_SIZE(dict), NULL);
}

/* A dict of one member, and those in each other as values, which are gone into without a call. */
static RJ__NOINLINE uint8_t *
put_lone_member(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level)
{
    const uint8_t *const full = full_behind(e);
    const rjpy_walk_level *const outermost = level;
    for (;;) {
        PyObject *key, *value;
        rjpy_dict_cursor cursor;
        rjpy_dict_cursor_begin(&cursor, dict, 0);
        uint8_t *next = NULL;
        if (RJ__LIKELY(cur <= full) && rjpy_dict_cursor_next(&cursor, dict, &key, &value))
            next = begin_short_key(e, open_container(e, cur, '{'), key, value);
        if (RJ__UNLIKELY(!next)) {
            cur = put_plain_dict(e, cur, dict, level);
            break;
        }
        Py_ssize_t pos = rjpy_dict_cursor_position(&cursor, dict);
        if (PyDict_CheckExact(value) && PyDict_GET_SIZE(value) == 1 && level + 1 < e->levels_end) {
            *level++ = (rjpy_walk_level){dict, pos, 1, 0, 0};
            dict = value;
            cur = next;
            continue;
        }
        cur = put_plain_value(e, next, value, level);
        if (RJ__UNLIKELY(!cur))
            return interrupt(e, next, level, dict, pos, 1, value);
        cur = close_items(e, cur, '}', 1); /* there is room for one bracket behind an item */
        break;
    }
    return RJ__LIKELY(level == outermost) || !cur ? cur : close_tails(e, cur, level - 1, outermost, '}');
}

#endif

/* A container inside of the innermost level. NULL likewise. */
RJ__INLINE uint8_t *
try_plain(rjpy_encoder *e, uint8_t *cur, PyObject *v, int is_dict)
{
    e->interrupted = NULL;
    return put_plain(e, cur, v, is_dict, &e->levels[e->native]);
}
