/* Keys that are no str: the text that JSON has for them, which is that of a value of their type. */
#include "encode/types/array.h"

/* What stands for a key may stand for something else itself, as an Enum whose value is a date does: so often. */
#define REPLACEMENTS_MAX 8

/* A text, new; or NULL: with a problem or exception, or with *has_none for a key that has no text. */
static PyObject *text_of(rjpy_encoder *e, PyObject *key, int replacements, int *has_none);

static PyObject *
no_text(int *has_none)
{
    *has_none = 1;
    return NULL;
}

static PyObject *
float_key_text(rjpy_encoder *e, PyObject *key)
{
    double value = PyFloat_AS_DOUBLE(key);
    if (value - value == 0)
        return PyFloat_Type.tp_repr(key);
    const char *text = rjpy_non_finite(e, value);
    return text ? PyUnicode_FromString(text) : NULL;
}

/* Of the keys that the json module knows: 1 with their text (NULL with a problem or exception), 0 for others. */
static int
basic_key_text(rjpy_encoder *e, PyObject *key, PyObject **text)
{
    if (PyUnicode_Check(key))
        *text = Py_NewRef(key);
    else if (key == Py_True)
        *text = PyUnicode_FromString("true");
    else if (key == Py_False)
        *text = PyUnicode_FromString("false");
    else if (key == Py_None)
        *text = PyUnicode_FromString("null");
    else if (PyLong_Check(key))
        *text = rjpy_int_text(e, key);
    else if (PyFloat_Check(key))
        *text = float_key_text(e, key);
    else
        return 0;
    return 1;
}

/* The text of what stands for the key. */
static PyObject *
replacement_text(rjpy_encoder *e, const rjpy_plan *plan, PyObject *key, int replacements, int *has_none)
{
    if (replacements == REPLACEMENTS_MAX)
        return no_text(has_none);
    PyObject *result = rjpy_replacement(e, plan, key);
    PyObject *text = NULL;
    if (result && !(result == Py_NotImplemented && rjpy_is_asked(plan)))
        text = text_of(e, result, replacements + 1, has_none);
    else if (result)
        *has_none = 1;
    Py_XDECREF(result);
    return text;
}

static PyObject *
number_text(rjpy_encoder *e, PyObject *key, int *has_none)
{
    uint8_t text[RJ_TYPE_TEXT_MAX + 2];
    rjpy_array *a = rjpy_array_from_numpy(e, key);
    if (!a || a->dimensions > 0) {
        Py_XDECREF(a);
        return PyErr_Occurred() ? NULL : no_text(has_none);
    }
    uint8_t *end = rjpy_put_element(e, text, a, a->data, a->item);
    Py_DECREF(a);
    if (!end)
        return NULL;
    int is_quoted = text[0] == '"';
    return PyUnicode_FromStringAndSize((char *)text + is_quoted, end - text - 2 * is_quoted);
}

static PyObject *
planned_text(rjpy_encoder *e, const rjpy_plan *plan, PyObject *key, int replacements, int *has_none)
{
    uint8_t text[RJ_TYPE_TEXT_MAX];
    if (plan->group & e->options->passthrough)
        return no_text(has_none);
    if (rjpy_has_type_text(e, plan)) {
        uint8_t *end = rjpy_put_type_text(e, text, plan, key);
        return end ? PyUnicode_FromStringAndSize((char *)text, end - text) : NULL;
    }
    switch (plan->form) {
    case RJ_FORM_UNKNOWN:
    case RJ_FORM_FIELDS:
    case RJ_FORM_SET:
    case RJ_FORM_ARRAY:
        return no_text(has_none);
    case RJ_FORM_DECIMAL:
        return rjpy_decimal_text(e, plan, key);
    case RJ_FORM_NUMPY_ARRAY:
        return number_text(e, key, has_none);
    default:
        return replacement_text(e, plan, key, replacements, has_none);
    }
}

static PyObject *
text_of(rjpy_encoder *e, PyObject *key, int replacements, int *has_none)
{
    PyObject *text;
    if (basic_key_text(e, key, &text))
        return text;
    rjpy_plan *plan = rjpy_plan_of(e, key);
    text = plan ? planned_text(e, plan, key, replacements, has_none) : NULL;
    Py_XDECREF(plan);
    return text;
}

/* What `default_key` says of a key that has no text itself. */
static PyObject *
text_by_default(rjpy_encoder *e, PyObject *key, int *has_none)
{
    rjpy_enter_python(e);
    PyObject *result = PyObject_CallOneArg(e->options->default_key, key);
    *has_none = 0;
    PyObject *text = result ? text_of(e, result, 0, has_none) : NULL;
    if (*has_none) {
        rjpy_fail(e, NULL, "default_key returned a %.200s, which is no key either, for a %.200s", Py_TYPE(result)->tp_name,
                  Py_TYPE(key)->tp_name);
        *has_none = 0;
    }
    Py_XDECREF(result);
    return text;
}

PyObject *
rjpy_key_text_if_any(rjpy_encoder *e, PyObject *key, int *has_none)
{
    *has_none = 0;
    PyObject *text = text_of(e, key, 0, has_none);
    if (*has_none && e->options->default_key)
        text = text_by_default(e, key, has_none);
    if (!text && !*has_none) {
        e->problem_in_key = 1;
        rjpy_stop_error(e);
    }
    return text;
}

PyObject *
rjpy_key_text(rjpy_encoder *e, PyObject *key)
{
    int has_none;
    PyObject *text = rjpy_key_text_if_any(e, key, &has_none);
    if (has_none) {
        e->problem_in_key = 1;
        rjpy_fail(e, NULL, "keys must be str, int, float, bool or None, not %.200s", Py_TYPE(key)->tp_name);
    }
    return text;
}
