/* The part of the walk (walk.h) that begins an object's members: with keys of any type. */

/* A key of a type whose values are texts. */
static RJ__NOINLINE uint8_t *
put_key_text(rjpy_encoder *e, uint8_t *cur, rjpy_plan *plan, PyObject *key)
{
    Py_INCREF(plan);
    Py_INCREF(key);
    *cur = '"';
    cur = rjpy_put_type_text(e, cur + 1, plan, key);
    if (cur)
        cur = end_key(e, put_literal(cur, "\":", 2));
    else
        e->problem_in_key = 1;
    Py_DECREF(key);
    Py_DECREF(plan);
    return cur;
}

/* An int key, with its colon. NULL for any other, and for an int that is large. Runs no Python code. */
RJ__INLINE uint8_t *
put_int_key(rjpy_encoder *e, uint8_t *cur, PyObject *key)
{
    int negative;
    uint64_t magnitude;
    if (!PyLong_CheckExact(key) || !rjpy_long_magnitude(key, &negative, &magnitude))
        return NULL;
    *cur = '"';
    cur = rj__put_signed(cur + 1, negative, magnitude);
    memcpy(cur, "\":", 2);
    return end_key(e, cur + 2);
}

/* Any key, with its colon. May stop, and may run Python code; the key is owned meanwhile. */
static RJ__NOINLINE uint8_t *
put_key(rjpy_encoder *e, uint8_t *cur, PyObject *key)
{
    if (PyUnicode_CheckExact(key))
        return put_string(e, cur, key, ':');
    uint8_t *next = put_int_key(e, cur, key);
    if (next)
        return next;
    rjpy_plan *plan = rjpy_known_plan(&e->cache->plans, Py_TYPE(key));
    if (plan && !(plan->group & e->options->passthrough) && rjpy_has_type_text(e, plan))
        return put_key_text(e, cur, plan, key);
    Py_INCREF(key);
    PyObject *text = rjpy_key_text(e, key);
    cur = text ? put_string(e, cur, text, ':') : NULL;
    Py_XDECREF(text);
    Py_DECREF(key);
    return cur;
}

/* Begins a member with a short key that has nothing special about it; NULL for any other, with everything as it was. Runs no
 * Python code. */
RJ__INLINE uint8_t *
begin_short_key(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    if (RJ__UNLIKELY(!PyUnicode_CheckExact(key)) || RJ__UNLIKELY(PyUnicode_GET_LENGTH(key) > RJ_SHORT_STRING))
        return NULL;
    if (RJ__UNLIKELY(!has_short_lead(e)))
        return NULL;
    uint8_t *last = cur - 1, before = RJ__STYLED ? *last : 0;
    begin_item(e, &cur, key, value);
    uint8_t *next = put_string_in_window(e, cur, key, ':');
    if (RJ__LIKELY(next != NULL))
        return end_key(e, next);
    if (RJ__STYLED)
        *last = before;
    return NULL;
}

/* Begins a member with an int key; NULL for any other, with everything as it was. Runs no Python code. */
static RJ__NOINLINE uint8_t *
begin_int_key(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    if ((RJ__STYLED && e->options->skipkeys) || !has_short_lead(e))
        return NULL;
    uint8_t *last = cur - 1, before = *last;
    begin_item(e, &cur, key, value);
    uint8_t *next = put_int_key(e, cur, key);
    if (!next)
        *last = before;
    return next;
}

/* A member whose line break has been written. */
static RJ__NOINLINE uint8_t *
put_pair(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    cur = put_key(e, cur, key);
    if (cur && is_full(e, cur))
        cur = rjpy_next_window(e, cur, 1, 0);
    if (cur)
        return put_value(e, cur, value);
    rjpy_spill(e, RJ_FRAME_VALUE, value, NULL, NULL, NULL, 0, 0);
    return NULL;
}

/* Whether a member is left out. Needs no look at keys that are str. */
RJ__INLINE int
is_left_out(const rjpy_encoder *e, PyObject *value)
{
    return RJ__STYLED && e->options->omit_none && value == Py_None;
}

/* Whether finding out a key's text may run code of the document's, which belongs to its task: pauses before it then,
 * the member being spilled. `key` and `value` as in begin_member. */
RJ__INLINE int
pause_before_key(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    if (RJ__LIKELY(!e->coop) || PyUnicode_Check(key) || PyLong_Check(key) || PyFloat_Check(key) || key == Py_None)
        return 0;
    if (!pause_before(e, cur, NULL, 0))
        return 0;
    rjpy_spill(e, RJ_FRAME_PAIR, value, NULL, key, value, 0, 0);
    return 1;
}

/* Begins a member after what comes before it: 1, or -1 where the walk stops (*cur is NULL); see begin_member. */
static RJ__NOINLINE int
begin_with_key(rjpy_encoder *e, uint8_t **cur, PyObject *key, PyObject **value)
{
    if (!begin_item(e, cur, key, *value)) {
        *cur = NULL;
        Py_CLEAR(*value);
        return -1;
    }
    if (pause_before_key(e, *cur, key, *value)) {
        *cur = NULL;
        Py_CLEAR(*value);
        return -1;
    }
    *cur = put_key(e, *cur, key);
    return *cur ? 1 : -1;
}

/* A member whose key is none that begin_short_key takes: 1 if it has been begun, and the value is to follow; 0 if it
 * is left out;
 * -1 if the walk stops (*cur is NULL), with the value to follow, or laid down. Both are owned by the caller. */
static RJ__NOINLINE int
begin_member(rjpy_encoder *e, uint8_t **cur, PyObject *key, PyObject **value)
{
    if (!RJ__STYLED || !e->options->skipkeys || PyUnicode_Check(key))
        return begin_with_key(e, cur, key, value);
    int has_none;
    PyObject *text = rjpy_key_text_if_any(e, key, &has_none);
    if (!text) {
        Py_CLEAR(*value);
        *cur = has_none ? *cur : NULL;
        return has_none ? 0 : -1;
    }
    int rc = begin_with_key(e, cur, text, value);
    Py_DECREF(text);
    return rc;
}
