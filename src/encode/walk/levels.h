/*
 * The part of the walk (walk.h) for lists, tuples and dicts as they may be: interrupted by windows, with keys and
 * values of any type. One function goes through all that are in each other, whose levels are e->levels; what is
 * plain inside of them takes the fast path (plain.h).
 */

/* ---- items and members */

/* After a container that turned out not to be plain, so many others beside it are entered without trying: they are
 * like it, as a rule. */
#define RJ_NOT_TRIED_AFTER 15

/* A container inside of the innermost level: *nested is set to it if `walk` has to go into it, or on with what
 * e->interrupted says. */
RJ__INLINE uint8_t *
put_inner_container(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject **nested)
{
    rjpy_walk_level *level = &e->levels[e->native - 1];
    const int is_dict = PyDict_CheckExact(v);
    if (is_arranged(e, v, is_dict))
        return rjpy_become_parent(e) ? put_arranged_dict(e, cur, v) : NULL;
    e->interrupted = NULL;
    if (level->left_untried) {
        level->left_untried--;
    }
    else {
        uint8_t *next = try_plain(e, cur, v, is_dict);
        if (RJ__LIKELY(next != NULL))
            return next;
        if (e->interrupted)
            level->left_untried = e->waiting ? RJ_NOT_TRIED_AFTER : 0;
    }
    *nested = v;
    return cur;
}

/* What put_scalar declined, inside of the innermost level; *nested likewise, held then. */
RJ__INLINE uint8_t *
put_inner(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject **nested)
{
    rjpy_hold(v);
    cur = RJ__LIKELY(is_container(v)) ? put_inner_container(e, cur, v, nested) : put_subclass_or_planned(e, cur, v);
    if (!*nested)
        rjpy_let_go(v);
    return cur;
}

/* The items of the innermost level, a list or tuple: to its end, or a container for `nested`. */
static RJ__NOINLINE uint8_t *
put_items(rjpy_encoder *e, uint8_t *cur, rjpy_walk_level *level, PyObject **nested)
{
    PyObject *const seq = level->obj;
    Py_ssize_t i = level->pos;
reload:;
    PyObject **const items = rjpy_items_of(seq);
    const Py_ssize_t size = Py_SIZE(seq), ahead = size - RJ__ITEMS_AHEAD;
    const uint8_t *const full = full_behind(e);
    const int has_runs = has_wide_runs(e);
    if (i < size) {        /* else it has shrunk */
        uint8_t *at = cur; /* so that `cur` can stay in a register */
        i = put_run(e, &at, items + i, items + size) - items;
        cur = at;
    }
    for (;;) {
        if (RJ__UNLIKELY(cur > full)) {
            cur = rjpy_next_window(e, cur, 1, 0);
            if (!cur)
                break;
            goto reload;
        }
        if (RJ__UNLIKELY(i >= size))
            break;
        if (i < ahead)
            rj__prefetch_item(items[i + RJ__ITEMS_AHEAD]);
        PyObject *v = items[i++];
        if (!begin_item(e, &cur, NULL, v)) {
            cur = NULL;
            break;
        }
        uint8_t *next = put_scalar(e, cur, v);
        if (RJ__LIKELY(next != NULL)) {
            cur = next;
            if (RJ__UNLIKELY(has_runs))
                goto reload;
            continue;
        }
        cur = put_inner(e, cur, v, nested);
        if (RJ__UNLIKELY(!cur) || *nested)
            break;
        goto reload;
    }
    level->pos = i;
    return cur;
}

static uint8_t *put_container(rjpy_encoder *e, uint8_t *cur, PyObject *v);

/* What put_scalar declined. */
RJ__INLINE uint8_t *
put_non_scalar(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    return is_container(v) ? put_container(e, cur, v) : put_subclass_or_planned(e, cur, v);
}

/* e->waiting, of which everything before it has been written. */
static RJ__NOINLINE uint8_t *
put_waiting(rjpy_encoder *e, uint8_t *cur)
{
    if (is_full(e, cur)) {
        cur = rjpy_next_window(e, cur, 1, 0);
        if (!cur)
            return NULL;
    }
    PyObject *value = e->waiting;
    e->waiting = NULL;
    uint8_t *next = put_scalar(e, cur, value);
    next = next ? next : put_non_scalar(e, cur, value);
    Py_DECREF(value);
    return next;
}

/* A member whose key begin_short_key() rejects. The dict may drop both while the key is written. */
static RJ__NOINLINE uint8_t *
put_member(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    e->waiting = Py_NewRef(value);
    Py_INCREF(key);
    int rc = begin_member(e, &cur, key, &e->waiting);
    Py_DECREF(key);
    return rc > 0 ? put_waiting(e, cur) : cur;
}

/* The members of the innermost level, a dict, likewise. */
static RJ__NOINLINE uint8_t *
put_members(rjpy_encoder *e, uint8_t *cur, rjpy_walk_level *level, PyObject **nested)
{
    PyObject *const dict = level->obj;
    rjpy_dict_cursor cursor;
    for (int is_stale = 1; cur && !*nested;) {
        PyObject *key, *value;
        if (is_stale) {
            if (RJ__UNLIKELY(PyDict_GET_SIZE(dict) != level->used))
                return rjpy_fail(e, PyExc_RuntimeError, "dictionary changed size during iteration");
            rjpy_dict_cursor_begin(&cursor, dict, level->pos);
            is_stale = 0;
        }
        if (is_full(e, cur)) {
            level->pos = rjpy_dict_cursor_position(&cursor, dict);
            cur = rjpy_next_window(e, cur, 1, 0);
            is_stale = 1;
            continue;
        }
        if (RJ__UNLIKELY(!rjpy_dict_cursor_next(&cursor, dict, &key, &value))) {
            level->pos = rjpy_dict_cursor_position(&cursor, dict);
            break;
        }
        if (is_left_out(e, value))
            continue;
        uint8_t *next = begin_short_key(e, cur, key, value);
        if (RJ__UNLIKELY(!next)) {
            level->pos = rjpy_dict_cursor_position(&cursor, dict);
            cur = put_member(e, cur, key, value);
            is_stale = 1;
            continue;
        }
        cur = put_scalar(e, next, value);
        if (!cur) {
            level->pos = rjpy_dict_cursor_position(&cursor, dict);
            cur = put_inner(e, next, value, nested);
            is_stale = 1;
        }
    }
    return cur;
}

/* ---- containers in each other */

/* Spills the levels of a walk that has stopped to the heap, the innermost first. Always NULL. */
static RJ__NOINLINE uint8_t *
spill_levels(rjpy_encoder *e, int outermost)
{
    while (e->native > outermost) {
        const rjpy_walk_level *level = &e->levels[e->native - 1];
        rjpy_frame_kind kind = level->used == RJ_SEQUENCE ? RJ_FRAME_SEQUENCE : RJ_FRAME_DICT;
        PyObject *waiting = e->waiting;
        e->waiting = NULL;
        rjpy_spill(e, kind, level->obj, NULL, NULL, waiting, level->pos, level->used);
        Py_XDECREF(waiting);
        rjpy_leave(e);
    }
    return NULL;
}

/* Goes into `v`, or on with what e->interrupted says. NULL where the walk stops. */
RJ__INLINE uint8_t *
enter_nested(rjpy_encoder *e, uint8_t *cur, PyObject *v, int is_dict)
{
    if (e->interrupted)
        return rjpy_open_recorded_levels(e) ? e->cur : NULL;
    if (is_arranged(e, v, is_dict))
        return put_arranged_dict(e, cur, v);
    if (!push_level(e, cur, v, is_dict ? PyDict_GET_SIZE(v) : RJ_SEQUENCE))
        return NULL;
    return open_container(e, cur, is_dict ? '{' : '[');
}

/* The levels from `outermost` on, which are open, and all that is in them. */
static RJ__NOINLINE uint8_t *
walk(rjpy_encoder *e, uint8_t *cur, int outermost)
{
    while (cur && e->native > outermost) {
        rjpy_walk_level *level = &e->levels[e->native - 1];
        const int is_dict = level->used != RJ_SEQUENCE;
        PyObject *nested = NULL;
        if (e->waiting) {
            cur = put_waiting(e, cur);
            continue;
        }
        rjpy_section section;
        rjpy_lock(&section, level->obj);
        cur = is_dict ? put_members(e, cur, level, &nested) : put_items(e, cur, level, &nested);
        rjpy_unlock(&section);
        if (!cur)
            break;
        if (nested) {
            cur = rjpy_become_parent(e) ? enter_nested(e, cur, nested, PyDict_CheckExact(nested)) : NULL;
            rjpy_let_go(nested);
            continue;
        }
        rjpy_leave(e);
        cur = close_container(e, cur, is_dict ? '}' : ']');
    }
    return cur ? cur : spill_levels(e, outermost);
}

/* A list, tuple or dict, or a subclass that iterates as these do. */
static RJ__NOINLINE uint8_t *
put_container(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    const int outermost = e->native, is_dict = PyDict_Check(v);
    uint8_t *next = try_plain(e, cur, v, is_dict);
    if (RJ__LIKELY(next != NULL))
        return next;
    cur = enter_nested(e, cur, v, is_dict);
    return walk(e, cur, outermost);
}
