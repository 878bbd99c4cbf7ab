/* The part of the walk (walk.h) for types that JSON has no name for: by their plans (plan.h). */

/* ---- objects with fields */

static RJ__NOINLINE uint8_t *
put_fields(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_plan *plan)
{
    if (RJ__STYLED && e->options->sort_keys)
        return put_entries(e, cur, v, rjpy_sorted_fields(e, v, plan));
    if (!enter(e, cur, v))
        return NULL;
    return walk_fields(e, open_container(e, cur, '{'), v, (PyObject *)plan, 0, NULL);
}

/* ---- arrays */

/* begin_item for what is no object, and cannot be spilled: notes that its line break is the text at hand. */
RJ__INLINE uint8_t *
begin_array_item(rjpy_encoder *e, uint8_t *cur, rjpy_array *a)
{
    if (RJ__STYLED && RJ__UNLIKELY(!has_short_lead(e))) {
        a->is_begun = !a->is_begun;
        return a->is_begun ? rjpy_break_line(e, cur) : cur;
    }
    begin_item(e, &cur, NULL, NULL);
    return cur;
}

/* What is left of the row, until the window is full. NULL when the walk stops. */
RJ__INLINE uint8_t *
put_row_of(rjpy_encoder *e, uint8_t *cur, rjpy_array *a, rjpy_item_kind kind)
{
    Py_ssize_t column = a->column, columns = a->columns;
    Py_ssize_t stride = a->dimensions ? a->strides[a->dimensions - 1] : 0;
    const char *item = rjpy_array_row(a) + column * stride;
    for (; column < columns && !is_full(e, cur); column++, item += stride) {
        uint8_t *next = begin_array_item(e, cur, a);
        next = next ? rjpy_put_element(e, next, a, item, kind) : NULL;
        if (RJ__UNLIKELY(!next)) {
            a->column = column;
            return NULL;
        }
        *next = ',';
        cur = next + 1;
    }
    a->column = column;
    return cur;
}

static RJ__NOINLINE uint8_t *
put_row(rjpy_encoder *e, uint8_t *cur, rjpy_array *a)
{
    static const rjpy_item_kind int64 = {RJ_ELEMENT_INT, 8, 0}, int32 = {RJ_ELEMENT_INT, 4, 0};
    static const rjpy_item_kind float64 = {RJ_ELEMENT_DOUBLE, 8, 0}, float32 = {RJ_ELEMENT_FLOAT, 4, 0};
    rjpy_item_kind kind = a->item;
    if (kind.is_swapped)
        return put_row_of(e, cur, a, kind);
    if (kind.element == RJ_ELEMENT_DOUBLE)
        return put_row_of(e, cur, a, float64);
    if (kind.element == RJ_ELEMENT_FLOAT)
        return put_row_of(e, cur, a, float32);
    if (kind.element == RJ_ELEMENT_INT && kind.size == 8)
        return put_row_of(e, cur, a, int64);
    if (kind.element == RJ_ELEMENT_INT && kind.size == 4)
        return put_row_of(e, cur, a, int32);
    return put_row_of(e, cur, a, kind);
}

/* Closes what ends with the row, and goes to the next. NULL when the walk stops, or with `row` at the end. */
RJ__INLINE uint8_t *
end_row(rjpy_encoder *e, uint8_t *cur, rjpy_array *a)
{
    if (a->closing == 0)
        a->closing = rjpy_array_ending(a);
    a->open--;
    if (--a->closing == 0) {
        a->row++;
        a->column = 0;
    }
    return close_container(e, cur, ']');
}

static RJ__NOINLINE uint8_t *
walk_array(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *view, int is_resumed)
{
    rjpy_array *a = (rjpy_array *)view;
    if (is_resumed && rjpy_array_look_again(e, a, owner) < 0)
        cur = NULL;
    while (cur && a->row < a->rows) {
        if (is_full(e, cur)) {
            rjpy_array_hold(a, owner);
            cur = rjpy_next_window(e, cur, 1, 0);
            if (cur && rjpy_array_look_again(e, a, owner) < 0)
                cur = NULL;
        }
        else if (a->open == a->dimensions && a->column < a->columns) {
            cur = put_row(e, cur, a);
        }
        else if (a->closing || a->open == a->dimensions) {
            cur = end_row(e, cur, a);
        }
        else {
            cur = a->open ? begin_array_item(e, cur, a) : cur;
            if (cur) {
                cur = open_container(e, cur, '[');
                a->open++;
            }
        }
    }
    if (!cur && e->stop != RJ_STOP_ERROR)
        rjpy_array_hold(a, owner);
    if (!cur)
        rjpy_spill(e, RJ_FRAME_ARRAY, owner, view, NULL, NULL, 0, 0);
    rjpy_leave(e);
    return cur;
}

/* `a`: consumed; NULL with an exception, or without one if its items are no numbers. */
static RJ__NOINLINE uint8_t *
put_array(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_array *a)
{
    if (!a)
        return PyErr_Occurred() ? rjpy_stop_error(e) : put_default(e, cur, v);
    if (a->dimensions == 0) {
        cur = rjpy_put_element(e, cur, a, a->data, a->item);
        cur = cur ? put_literal(cur, ",", 1) : NULL;
    }
    else {
        int may_enter = rjpy_has_depth_for(e, v, a->dimensions) && enter(e, cur, v);
        cur = may_enter ? walk_array(e, cur, v, (PyObject *)a, 0) : NULL;
    }
    Py_DECREF(a);
    return cur;
}

/* ---- the rest */

/* `v` by what stands for it: consumed, NULL when the walk stops. */
static RJ__NOINLINE uint8_t *
put_replacement(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject *result)
{
    uint8_t *next = result ? put_scalar(e, cur, result) : NULL;
    if (next) {
        Py_DECREF(result);
        return next;
    }
    if (result && enter(e, cur, v))
        return put_default_result(e, cur, v, result);
    Py_XDECREF(result);
    return NULL;
}

static RJ__NOINLINE uint8_t *
put_decimal(rjpy_encoder *e, uint8_t *cur, const rjpy_plan *plan, PyObject *v)
{
    PyObject *text = rjpy_decimal_text(e, plan, v);
    if (!text)
        return NULL;
    cur = put_verbatim(e, cur, text, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    Py_DECREF(text);
    return cur;
}

/* What __iter__ of `v` gives, as an array: of sets, which runs no code of the document's, or after rjpy_enter_python. */
static RJ__NOINLINE uint8_t *
put_iterable(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    PyObject *iterator = PyObject_GetIter(v);
    if (!iterator)
        return rjpy_stop_error(e);
    cur = put_iterator(e, cur, v, iterator, 0);
    Py_DECREF(iterator);
    return cur;
}

RJ__INLINE uint8_t *
put_quoted_text(rjpy_encoder *e, uint8_t *cur, const rjpy_plan *plan, PyObject *v)
{
    *cur = '"';
    cur = rjpy_put_type_text(e, cur + 1, plan, v);
    return cur ? put_literal(cur, "\",", 2) : NULL;
}

/* A date, time or UUID, quoted, on the fast path; NULL for any other value, and where it fails: the slow path
 * repeats the failure and adds the path. Runs no Python code. */
static RJ__NOINLINE uint8_t *
put_date_or_uuid(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    rjpy_plan *plan = rjpy_known_plan(&e->cache->plans, Py_TYPE(v));
    if (!plan || (plan->group & e->options->passthrough) || !rjpy_has_plain_text(e, plan, v))
        return NULL;
    uint8_t *next = put_quoted_text(e, cur, plan, v);
    if (RJ__UNLIKELY(!next)) {
        PyErr_Clear();
        e->stop = RJ_STOP_NONE;
    }
    return next;
}

static RJ__NOINLINE uint8_t *
put_planned(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_plan *plan)
{
    if (plan->form == RJ_FORM_UNKNOWN || (plan->group & e->options->passthrough) ||
        (plan->form == RJ_FORM_SET && !e->options->sets_as_arrays))
        return put_default(e, cur, v);
    if (e->coop && rjpy_type_runs_code(plan, v) && pause_before(e, cur, NULL, 0)) {
        rjpy_spill(e, RJ_FRAME_VALUE, v, NULL, NULL, NULL, 0, 0);
        return NULL;
    }
    if (rjpy_has_type_text(e, plan))
        return put_quoted_text(e, cur, plan, v);
    switch (plan->form) {
    case RJ_FORM_FIELDS:
        return put_fields(e, cur, v, plan);
    case RJ_FORM_SET:
        return put_iterable(e, cur, v);
    case RJ_FORM_ARRAY:
        return put_array(e, cur, v, rjpy_array_from_buffer(e, v));
    case RJ_FORM_NUMPY_ARRAY:
        return put_array(e, cur, v, rjpy_array_from_numpy(e, v));
    case RJ_FORM_DECIMAL:
        if (!e->options->decimal_as_string)
            return put_decimal(e, cur, plan, v);
        break;
    default:
        break;
    }
    PyObject *result = rjpy_replacement(e, plan, v);
    if (result != Py_NotImplemented || !rjpy_is_asked(plan))
        return put_replacement(e, cur, v, result);
    Py_DECREF(result);
    return e->options->default_ ? put_default(e, cur, v) : rjpy_fail_asked(e, plan, v);
}

/* A value with a plan, which is the cache's. */
static RJ__NOINLINE uint8_t *
put_with_known_plan(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_plan *plan)
{
    Py_INCREF(v);
    Py_INCREF(plan);
    cur = put_planned(e, cur, v, plan);
    Py_DECREF(plan);
    Py_DECREF(v);
    return cur;
}

/* A value that is none of those that the json module knows. Owned by the caller. */
static RJ__NOINLINE uint8_t *
put_by_type(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    rjpy_plan *plan = rjpy_plan_of(e, v);
    if (!plan)
        return rjpy_stop_error(e);
    cur = put_planned(e, cur, v, plan);
    Py_DECREF(plan);
    return cur;
}
