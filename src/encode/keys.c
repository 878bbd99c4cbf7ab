/* Keys that are no str: the text that JSON has for them, which is that of a value of their type. */
#include "encode/types/array.h"

static PyObject *
float_key_text(rj_encoder *e, PyObject *key)
{
    double value = PyFloat_AS_DOUBLE(key);
    if (value - value == 0)
        return PyFloat_Type.tp_repr(key);
    const char *text = rj_non_finite(e, value);
    return text ? PyUnicode_FromString(text) : NULL;
}

/* Of the keys that the json module knows: 1 with their text (NULL with a problem or exception), 0 for others. */
static int
basic_key_text(rj_encoder *e, PyObject *key, PyObject **text)
{
    if (key == Py_True)
        *text = PyUnicode_FromString("true");
    else if (key == Py_False)
        *text = PyUnicode_FromString("false");
    else if (key == Py_None)
        *text = PyUnicode_FromString("null");
    else if (PyLong_Check(key))
        *text = rj_int_text(e, key);
    else if (PyFloat_Check(key))
        *text = float_key_text(e, key);
    else
        return 0;
    return 1;
}

static PyObject *
refuse_key(rj_encoder *e, PyObject *key)
{
    rj_fail(e, NULL, "keys must be str, int, float, bool or None, not %.200s", Py_TYPE(key)->tp_name);
    return NULL;
}

/* What stands for the key is a str, or has a text itself. */
static PyObject *
replacement_text(rj_encoder *e, const rj_plan *plan, PyObject *key)
{
    PyObject *text = NULL, *result = rj_replacement(e, plan, key);
    if (!result || PyUnicode_Check(result))
        return result;
    if (!basic_key_text(e, result, &text))
        refuse_key(e, key);
    Py_DECREF(result);
    return text;
}

static PyObject *
number_text(rj_encoder *e, PyObject *key)
{
    uint8_t text[RJ_TYPE_TEXT_MAX + 2];
    rj_array *a = rj_array_from_numpy(e, key);
    if (!a || a->dimensions > 0) {
        Py_XDECREF(a);
        return PyErr_Occurred() ? NULL : refuse_key(e, key);
    }
    uint8_t *end = rj_put_element(e, text, a, a->data, a->item);
    Py_DECREF(a);
    if (!end)
        return NULL;
    int is_quoted = text[0] == '"';
    return PyUnicode_FromStringAndSize((char *)text + is_quoted, end - text - 2 * is_quoted);
}

/* Whether objects with this plan can be keys: they have one text, or are replaced by one value. (Decimals and numpy's numbers are, too.) */
static int
may_be_key(const rj_encoder *e, const rj_plan *plan)
{
    if (plan->group & e->options->passthrough)
        return 0;
    switch (plan->form) {
    case RJ_FORM_ENUM:
    case RJ_FORM_PATH:
    case RJ_FORM_TIMEDELTA:
    case RJ_FORM_DECIMAL:
    case RJ_FORM_NUMPY_ARRAY:
        return 1;
    default:
        return rj_has_type_text(e, plan);
    }
}

static PyObject *
planned_text(rj_encoder *e, const rj_plan *plan, PyObject *key)
{
    uint8_t text[RJ_TYPE_TEXT_MAX];
    if (!may_be_key(e, plan))
        return refuse_key(e, key);
    if (rj_has_type_text(e, plan)) {
        uint8_t *end = rj_put_type_text(e, text, plan, key);
        return end ? PyUnicode_FromStringAndSize((char *)text, end - text) : NULL;
    }
    if (plan->form == RJ_FORM_DECIMAL)
        return rj_decimal_text(e, plan, key);
    return plan->form == RJ_FORM_NUMPY_ARRAY ? number_text(e, key) : replacement_text(e, plan, key);
}

static PyObject *
key_text(rj_encoder *e, PyObject *key)
{
    PyObject *text;
    if (basic_key_text(e, key, &text))
        return text;
    rj_plan *plan = rj_plan_of(e, key);
    text = plan ? planned_text(e, plan, key) : NULL;
    Py_XDECREF(plan);
    return text;
}

PyObject *
rj_key_text(rj_encoder *e, PyObject *key)
{
    PyObject *text = key_text(e, key);
    if (!text) {
        e->problem_in_key = 1;
        rj_stop_error(e);
    }
    return text;
}

int
rj_skips_key(rj_encoder *e, PyObject *key)
{
    if (key == Py_None || PyBool_Check(key) || PyLong_Check(key) || PyFloat_Check(key))
        return 0;
    rj_plan *plan = rj_plan_of(e, key);
    if (!plan)
        return -1;
    int skips = !may_be_key(e, plan);
    Py_DECREF(plan);
    return skips;
}
