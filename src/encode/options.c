/* See options.h. */
#include "encode/options.h"

const rjpy_options rjpy_default_options = {
    .max_depth = RJ_MAX_DEPTH_DEFAULT,
    .integer_max = UINT64_MAX,
    .layout =
        {.lead = ",", .key_separator = ":", .item_length = 1, .key_length = 1, .is_ascii = 1, .is_compact = 1, .indent = -1},
};

/* ---- kinds of values */

int
rjpy_parse_flag(uint8_t *flag, PyObject *value)
{
    int truth = PyObject_IsTrue(value);
    *flag = truth > 0;
    return truth < 0 ? -1 : 0;
}

/* The index of `value` in `choices`, which NULL ends; -1 with a ValueError that lists them. */
static int
choose(const char *option, PyObject *value, const char *const *choices)
{
    PyObject *list = PyUnicode_FromString("");
    for (int i = 0; choices[i] && list; i++) {
        if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, choices[i]) == 0) {
            Py_DECREF(list);
            return i;
        }
        PyUnicode_AppendAndDel(&list, PyUnicode_FromFormat("%s'%s'",
                                                           i == 0           ? ""
                                                           : choices[i + 1] ? ", "
                                                                            : " or ",
                                                           choices[i]));
    }
    if (list)
        PyErr_Format(PyExc_ValueError, "%s must be %U, not %R", option, list, value);
    Py_XDECREF(list);
    return -1;
}

static int
set_choice(uint8_t *option, const char *name, PyObject *value, const char *const *choices)
{
    int index = choose(name, value, choices);
    *option = (uint8_t)index;
    return index < 0 ? -1 : 0;
}

/* A str as UTF-8, at most RJ_SEPARATOR_MAX bytes, into `out`; clears *is_ascii if it is not. Its length, or -1 with
 * an exception. */
static Py_ssize_t
copy_text(const char *option, PyObject *value, uint8_t *out, int *is_ascii)
{
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be str, not %.200s: %R", option, Py_TYPE(value)->tp_name, value);
        return -1;
    }
    Py_ssize_t length;
    const char *utf8 = PyUnicode_AsUTF8AndSize(value, &length);
    if (!utf8)
        return -1;
    if (length > RJ_SEPARATOR_MAX) {
        PyErr_Format(PyExc_ValueError, "%s must be at most %d bytes in UTF-8, not %zd", option, RJ_SEPARATOR_MAX, length);
        return -1;
    }
    memcpy(out, utf8, (size_t)length);
    *is_ascii &= PyUnicode_IS_ASCII(value);
    return length;
}

/* ---- options */

static int
set_callable(PyObject **option, const char *name, PyObject *value)
{
    if (value != Py_None && !PyCallable_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be callable or None, not %.200s: %R", name, Py_TYPE(value)->tp_name, value);
        return -1;
    }
    *option = value == Py_None ? NULL : value;
    return 0;
}

static int
set_default(rjpy_options *options, PyObject *value)
{
    return set_callable(&options->default_, "default", value);
}

static int
set_default_key(rjpy_options *options, PyObject *value)
{
    return set_callable(&options->default_key, "default_key", value);
}

static int
set_allow_nan(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"null", NULL};
    if (PyUnicode_Check(value)) {
        options->allow_nan = RJ_NAN_NULL;
        return choose("allow_nan", value, choices) < 0 ? -1 : 0;
    }
    return rjpy_parse_flag(&options->allow_nan, value);
}

int
rjpy_parse_max_depth(Py_ssize_t *max_depth, PyObject *value)
{
    Py_ssize_t n = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n < 1) {
        PyErr_Format(PyExc_ValueError, "max_depth must be at least 1, not %zd", n);
        return -1;
    }
    *max_depth = n;
    return 0;
}

static int
set_max_depth(rjpy_options *options, PyObject *value)
{
    return rjpy_parse_max_depth(&options->max_depth, value);
}

static int
set_indent(rjpy_options *options, PyObject *value)
{
    rjpy_layout *layout = &options->layout;
    uint8_t unit[RJ_SEPARATOR_MAX] = " ";
    if (value == Py_None) {
        layout->indent = -1;
        return 0;
    }
    if (PyUnicode_Check(value)) {
        layout->indent = layout->indent_period = copy_text("indent", value, unit, &layout->is_ascii);
        if (layout->indent < 0)
            return -1;
    }
    else {
        if (!PyIndex_Check(value)) {
            PyErr_Format(PyExc_TypeError, "indent must be an int, a str or None, not %.200s: %R", Py_TYPE(value)->tp_name,
                         value);
            return -1;
        }
        Py_ssize_t spaces = PyNumber_AsSsize_t(value, NULL); /* the nearest there is */
        if (spaces == -1 && PyErr_Occurred())
            return -1;
        if (spaces > RJ_INDENT_MAX) {
            PyErr_Format(PyExc_ValueError, "indent must be at most %d, not %zd", RJ_INDENT_MAX, spaces);
            return -1;
        }
        layout->indent = spaces > 0 ? spaces : 0;
        layout->indent_period = 1;
    }
    memcpy(options->indent_unit, unit, sizeof unit);
    return 0;
}

static int
set_separators(rjpy_options *options, PyObject *value)
{
    rjpy_layout *layout = &options->layout;
    options->has_separators = value != Py_None;
    if (value == Py_None)
        return 0;
    PyObject *pair = PySequence_Tuple(value);
    if (!pair || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_Format(PyExc_TypeError, "separators must be a pair (between items, after keys), not %R", value);
        Py_XDECREF(pair);
        return -1;
    }
    layout->item_length =
        copy_text("the separator between items", PyTuple_GET_ITEM(pair, 0), layout->lead, &layout->is_ascii);
    layout->key_length = layout->item_length < 0 ? -1
                                                 : copy_text("the separator after keys", PyTuple_GET_ITEM(pair, 1),
                                                             layout->key_separator, &layout->is_ascii);
    Py_DECREF(pair);
    return layout->key_length < 0 ? -1 : 0;
}

static int
set_surrogates(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"error", "escape", "replace", "pass", NULL}; /* in the order of rj__surrogates */
    return set_choice(&options->surrogates, "surrogates", value, choices);
}

static int
set_integers(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"exact", "js-safe", "int64", "string", NULL};
    static const uint64_t max[] = {UINT64_MAX, RJ_JS_SAFE_INTEGER, INT64_MAX, RJ_JS_SAFE_INTEGER};
    int index = choose("integers", value, choices);
    if (index < 0)
        return -1;
    options->integer_max = max[index];
    options->integer_max_more = index == 2;
    options->integers_as_strings = index == 3;
    return 0;
}

static int
set_duplicates(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"keep", "error", NULL};
    return set_choice(&options->refuses_duplicates, "duplicates", value, choices);
}

static int
set_decimal(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"number", "string", NULL};
    return set_choice(&options->decimal_as_string, "decimal", value, choices);
}

static int
set_timedelta(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"iso", "seconds", NULL};
    return set_choice(&options->timedelta_as_seconds, "timedelta", value, choices);
}

static int
set_namedtuple(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"array", "object", NULL};
    return set_choice(&options->namedtuple_as_object, "namedtuple", value, choices);
}

static int
set_sets(rjpy_options *options, PyObject *value)
{
    static const char *const choices[] = {"error", "array", NULL};
    return set_choice(&options->sets_as_arrays, "sets", value, choices);
}

#define NAME(id, name) name,
const char *const rjpy_type_group_names[] = {RJ_TYPE_GROUPS(NAME) NULL};
#undef NAME

static int
set_passthrough(rjpy_options *options, PyObject *value)
{
    options->passthrough = 0;
    if (PyBool_Check(value)) {
        options->passthrough = value == Py_True ? RJ_GROUP_ALL : 0;
        return 0;
    }
    if (PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "passthrough must be a collection of names, or True for all, not a str: %R", value);
        return -1;
    }
    PyObject *names = PySequence_Tuple(value);
    for (Py_ssize_t i = 0; names && i < PyTuple_GET_SIZE(names); i++) {
        int index = choose("a name in passthrough", PyTuple_GET_ITEM(names, i), rjpy_type_group_names);
        if (index < 0)
            Py_CLEAR(names);
        else
            options->passthrough |= 1u << index;
    }
    Py_XDECREF(names);
    return names ? 0 : -1;
}

#define FLAG_SETTER(name)                                                                                                   \
    static int set_##name(rjpy_options *options, PyObject *value)                                                           \
    {                                                                                                                       \
        return rjpy_parse_flag(&options->name, value);                                                                      \
    }
FLAG_SETTER(ensure_ascii)
FLAG_SETTER(sort_keys)
FLAG_SETTER(skipkeys)
FLAG_SETTER(omit_none)
FLAG_SETTER(append_newline)
FLAG_SETTER(utc_z)
FLAG_SETTER(naive_utc)
FLAG_SETTER(omit_microseconds)
FLAG_SETTER(json_notes)
#undef FLAG_SETTER

int
rjpy_options_set(rjpy_options *options, const char *function, PyObject *name, PyObject *value)
{
    static const struct {
        const char *name;
        int (*set)(rjpy_options *options, PyObject *value);
    } known[] = {
#define OPTION(name) {#name, set_##name}
        OPTION(default_key),
        OPTION(duplicates),
        OPTION(default),
        OPTION(indent),
        OPTION(sort_keys),
        OPTION(separators),
        OPTION(ensure_ascii),
        OPTION(allow_nan),
        OPTION(skipkeys),
        OPTION(omit_none),
        OPTION(surrogates),
        OPTION(integers),
        OPTION(append_newline),
        OPTION(decimal),
        OPTION(timedelta),
        OPTION(namedtuple),
        OPTION(sets),
        OPTION(utc_z),
        OPTION(naive_utc),
        OPTION(omit_microseconds),
        OPTION(passthrough),
        OPTION(max_depth),
        {"_json_notes", set_json_notes},
#undef OPTION
    };
    const char *text = PyUnicode_AsUTF8(name);
    if (!text)
        return -1;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(text, known[i].name) == 0)
            return known[i].set(options, value);
    PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", function, name);
    return -1;
}

/* Puts the line break behind the separator. */
static void
make_lead(rjpy_options *options)
{
    rjpy_layout *layout = &options->layout;
    uint8_t *newline = layout->lead + layout->item_length;
    Py_ssize_t room = RJ_LEAD_MAX - layout->item_length - 1;
    newline[0] = '\n';
    for (Py_ssize_t i = 0; i < room && layout->indent > 0; i++)
        newline[1 + i] = options->indent_unit[i % layout->indent_period];
}

void
rjpy_options_finish(rjpy_options *options)
{
    rjpy_layout *layout = &options->layout;
    if (layout->indent >= 0)
        make_lead(options);
    if (!options->has_separators && layout->indent >= 0) { /* as json does: a space after keys, none at the ends of lines */
        memcpy(layout->key_separator, ": ", 2);
        layout->key_length = 2;
    }
    layout->is_compact = layout->indent < 0 && layout->item_length == 1 && layout->lead[0] == ',' &&
                         layout->key_length == 1 && layout->key_separator[0] == ':';
    options->breaks_lines = layout->indent >= 0 || options->append_newline ||
                            memchr(layout->lead, '\n', (size_t)layout->item_length) ||
                            memchr(layout->key_separator, '\n', (size_t)layout->key_length);
    options->styled = options->ensure_ascii || !layout->is_compact || options->sort_keys || options->skipkeys ||
                      options->omit_none || options->refuses_duplicates || options->integer_max != UINT64_MAX;
}

int
rjpy_options_parse(rjpy_options *options, const char *function, PyObject *const *values, PyObject *kwnames)
{
    Py_ssize_t count = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (rjpy_options_set(options, function, PyTuple_GET_ITEM(kwnames, i), values[i]) < 0)
            return -1;
    rjpy_options_finish(options);
    return 0;
}
