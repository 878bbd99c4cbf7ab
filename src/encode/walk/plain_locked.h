/*
 * The fast path of plain.h where there is no GIL: each list and dict is locked while it is walked, and what is in it is held
 * while that is. A lock may be lost for a time to whoever waits for it (cpython/locks.h), so after each value that is none of
 * put_scalar's the container is looked at again. Tuples do not change, and need no lock.
 */

static uint8_t *put_plain_sequence(rjpy_encoder *e, uint8_t *cur, PyObject *seq, rjpy_walk_level *level);
static uint8_t *put_plain_dict(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level);

/* A container, held by the caller, as the given level. NULL where it is interrupted, or cannot be begun (and
 * e->interrupted is NULL). */
static RJ__NOINLINE uint8_t *
put_plain(rjpy_encoder *e, uint8_t *cur, PyObject *v, int is_dict, rjpy_walk_level *level)
{
    rjpy_section section;
    if (RJ__UNLIKELY(level >= e->levels_end))
        return NULL;
    if (PyTuple_Check(v))
        return put_plain_sequence(e, cur, v, level);
    rjpy_lock(&section, v);
    cur = is_dict ? put_plain_dict(e, cur, v, level) : put_plain_sequence(e, cur, v, level);
    rjpy_unlock(&section);
    return cur;
}

/* A value, held by the caller, that put_scalar declined, inside of the given level. NULL likewise. */
RJ__INLINE uint8_t *
put_plain_other(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_walk_level *level)
{
    return is_container(v) ? put_plain(e, cur, v, PyDict_CheckExact(v), level + 1) : put_date_or_uuid(e, cur, v);
}

/* Locked, if it is a list. */
static RJ__NOINLINE uint8_t *
put_plain_sequence(rjpy_encoder *e, uint8_t *cur, PyObject *seq, rjpy_walk_level *level)
{
    const uint8_t *const full = full_behind(e);
    Py_ssize_t i = 0;
    if (Py_SIZE(seq) == 0)
        return put_literal(cur, "[],", 3);
    if (begins_arranged(e, seq))
        return NULL;
    cur = open_container(e, cur, '[');
    for (;;) {
        PyObject **const items = rjpy_items_of(seq), *v = NULL;
        const Py_ssize_t size = Py_SIZE(seq);
        if (i < size) {
            uint8_t *at = cur; /* so that `cur` can stay in a register */
            i = put_run(e, &at, items + i, items + size) - items;
            cur = at;
        }
        for (; RJ__LIKELY(cur <= full) && has_short_lead(e); v = NULL) {
            if (i >= size)
                return close_container(e, cur, ']');
            v = items[i++];
            begin_item(e, &cur, NULL, v);
            uint8_t *next = put_scalar(e, cur, v);
            if (!next)
                break;
            cur = next;
        }
        if (!v)
            return interrupt(e, cur, level, seq, i, RJ_SEQUENCE, NULL);
        rjpy_hold(v);
        uint8_t *next = put_plain_other(e, cur, v, level);
        if (RJ__UNLIKELY(!next))
            interrupt(e, cur, level, seq, i, RJ_SEQUENCE, v);
        rjpy_let_go(v);
        if (RJ__UNLIKELY(!next))
            return NULL;
        cur = next;
    }
}

/* Locked. */
static RJ__NOINLINE uint8_t *
put_plain_dict(rjpy_encoder *e, uint8_t *cur, PyObject *dict, rjpy_walk_level *level)
{
    const uint8_t *const full = full_behind(e);
    Py_ssize_t unread = 0;
    PyObject *key, *value = NULL;
    rjpy_dict_cursor cursor;
    if (PyDict_GET_SIZE(dict) == 0)
        return put_literal(cur, "{},", 3);
    if (is_arranged(e, dict, 1))
        return NULL;
    const Py_ssize_t used = PyDict_GET_SIZE(dict);
    rjpy_dict_cursor_begin(&cursor, dict, 0);
    cur = open_container(e, cur, '{');
    while (RJ__LIKELY(cur <= full)) {
        if (!rjpy_dict_cursor_next(&cursor, dict, &key, &value))
            return close_container(e, cur, '}');
        if (is_left_out(e, value))
            continue;
        uint8_t *next = begin_short_key(e, cur, key, value);
        next = next ? next : begin_int_key(e, cur, key, value);
        if (RJ__UNLIKELY(!next)) {
            unread = 1;
            break;
        }
        cur = next;
        next = put_scalar(e, cur, value);
        if (RJ__LIKELY(next != NULL)) {
            cur = next;
            continue;
        }
        const Py_ssize_t pos = rjpy_dict_cursor_position(&cursor, dict);
        rjpy_hold(value);
        next = put_plain_other(e, cur, value, level);
        if (RJ__UNLIKELY(!next))
            interrupt(e, cur, level, dict, pos, used, value);
        rjpy_let_go(value);
        if (RJ__UNLIKELY(!next))
            return NULL;
        cur = next;
        if (RJ__UNLIKELY(PyDict_GET_SIZE(dict) != used)) /* which is an error, for the slow path to raise */
            return interrupt(e, cur, level, dict, pos, used, NULL);
        rjpy_dict_cursor_begin(&cursor, dict, pos);
    }
    return interrupt(e, cur, level, dict, rjpy_dict_cursor_position(&cursor, dict) - unread, used, NULL);
}
