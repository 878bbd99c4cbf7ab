/* See self_check.h. Each check builds or reads an object by its layout, and compares with what the public API says. */
#include "cpython/self_check.h"

#include "cpython/bytes_access.h"
#include "cpython/dict_access.h"
#include "cpython/dict_build.h"
#include "cpython/instance_access.h"
#include "cpython/list_access.h"
#include "cpython/long_build.h"
#include "cpython/str_access.h"
#include "cpython/type_access.h"

/* ---- bytes, strings, lists */

/* Whether `built` (consumed) is equal to `wanted` (consumed), with an equal hash. */
static int
is_same(PyObject *built, PyObject *wanted)
{
    int ok = built && wanted && PyObject_RichCompareBool(built, wanted, Py_EQ) == 1 &&
             PyObject_Hash(built) == PyObject_Hash(wanted);
    Py_XDECREF(built);
    Py_XDECREF(wanted);
    return ok;
}

/* Makes bytes of a block, and shorter ones of these. */
static int
bytes_building_is_right(void)
{
    static const char text[] = "recycled";
    char *block = PyObject_Malloc(RJ_BYTES_PREFIX + sizeof text);
    if (!block)
        return 0;
    memcpy(block + RJ_BYTES_PREFIX, text, sizeof text);
    PyObject *bytes = rjpy_bytes_adopt(block, (Py_ssize_t)sizeof text - 1);
    if (!is_same(Py_NewRef(bytes), PyBytes_FromString(text))) {
        Py_DECREF(bytes);
        return 0;
    }
    rjpy_bytes_set_length(bytes, 3);
    return is_same(bytes, PyBytes_FromStringAndSize(text, 3));
}

/* Reads a str of so many bytes a character. */
static int
str_layout_is_right(PyObject *str, int is_ascii)
{
    size_t length = 1, utf8_length;
    const void *data = is_ascii ? (const void *)rjpy_str_ascii(str) : rjpy_str_wide(str);
    if (rjpy_str_length(str) != (size_t)PyUnicode_GetLength(str) || data != PyUnicode_DATA(str))
        return 0;
    if (is_ascii)
        return 1;
    if (rjpy_str_kept_utf8(str, &length) || length) /* nobody has asked yet */
        return 0;
    Py_ssize_t expected_length;
    const char *expected = PyUnicode_AsUTF8AndSize(str, &expected_length);
    const uint8_t *kept = rjpy_str_kept_utf8(str, &utf8_length);
#if defined(RJ_READS_STR)
    return expected && kept == (const uint8_t *)expected && utf8_length == (size_t)expected_length;
#else
    (void)utf8_length;
    return expected && !kept;
#endif
}

/* Makes a str of a block, `last` being its last character. */
static int
str_building_is_right(Py_UCS4 last, int width)
{
    enum { LENGTH = 3 };
    Py_UCS4 characters[LENGTH] = {'a', 'b', last};
    int is_ascii = last < 0x80;
    size_t prefix = is_ascii ? RJ_STR_PREFIX : RJ_WIDE_PREFIX;
    char *block = PyObject_Malloc(prefix + (LENGTH + 1) * sizeof(Py_UCS4));
    PyObject *wanted = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, characters, LENGTH);
    if (!block || !wanted || (int)PyUnicode_KIND(wanted) != width) {
        PyObject_Free(block);
        Py_XDECREF(wanted);
        return 0;
    }
    memcpy(block + prefix, PyUnicode_DATA(wanted), (size_t)LENGTH * (size_t)width);
    PyObject *built = rjpy_str_adopt(block, LENGTH, width, is_ascii);
    int ok = built && str_layout_is_right(built, is_ascii) && str_layout_is_right(wanted, is_ascii);
    return is_same(built, wanted) && ok;
}

static int
strings_are_right(void)
{
    return str_building_is_right('c', 1) && str_building_is_right(0xE9, 1) && str_building_is_right(0x4E2D, 2) &&
           str_building_is_right(0x1F600, 4);
}

static int
list_layout_is_right(void)
{
    PyObject *list = Py_BuildValue("[ss]", "a", "b"), *tuple = list ? PyList_AsTuple(list) : NULL;
    int ok = tuple != NULL;
    for (Py_ssize_t i = 0; ok && i < 2; i++)
        ok = rjpy_items_of(list)[i] == PyList_GetItem(list, i) && rjpy_items_of(tuple)[i] == PyTuple_GetItem(tuple, i);
    Py_XDECREF(list);
    Py_XDECREF(tuple);
    return ok;
}

/* ---- dicts, ints, instances, types */

/* Reads of a dict with deleted entries. */
static int
dict_layout_is_right(void)
{
    PyObject *dict = Py_BuildValue("{s:i,s:i,s:i,s:i}", "a", 1, "b", 2, "c", 3, "d", 4);
    int ok = dict && PyDict_DelItemString(dict, "b") == 0 && PyDict_DelItemString(dict, "d") == 0 &&
             rjpy_dict_cursor_agrees(dict);
    Py_XDECREF(dict);
    return ok;
}

/* Makes dicts with room for members, and as copies of one with the same keys. */
static int
dict_building_is_right(void)
{
    enum { COUNT = 6 }; /* more than the smallest table has room for */
    PyObject *members[2 * COUNT] = {NULL}, *dict = rjpy_dict_new(COUNT), *copy = NULL;
    int ok = dict != NULL;
    for (int i = 0; ok && i < COUNT; i++) {
        members[2 * i] = PyUnicode_FromFormat("key %d", i);
        members[2 * i + 1] = PyLong_FromLong(1000 + i);
        ok = members[2 * i] && members[2 * i + 1] && PyDict_SetItem(dict, members[2 * i], members[2 * i + 1]) == 0;
    }
    PyObject *pattern = ok ? rjpy_dict_pattern(dict, COUNT) : NULL;
    if (pattern) { /* else this Python has none, and dicts are made member by member */
        ok = rjpy_dict_has_keys(pattern, members, COUNT);
        for (int i = 0; i < 2 * COUNT; i++)
            Py_INCREF(members[i]);
        copy = rjpy_dict_from_pattern(pattern, members);
        ok = ok && copy && PyObject_RichCompareBool(copy, dict, Py_EQ) == 1 && rjpy_dict_cursor_agrees(copy);
        Py_DECREF(pattern);
    }
    for (int i = 0; i < 2 * COUNT; i++)
        Py_XDECREF(members[i]);
    Py_XDECREF(copy);
    Py_XDECREF(dict);
    return ok;
}

/* Makes ints of one to three digits. */
static int
int_building_is_right(const rjpy_known_objects *known)
{
    static const uint64_t magnitudes[] = {1, 1000, (1u << 30) - 1, 1u << 30, (1ull << 60) - 1, 1ull << 60, LLONG_MAX};
    int ok = 1;
    for (size_t i = 0; ok && i < 2 * sizeof magnitudes / sizeof *magnitudes; i++) {
        int negative = (int)(i % 2);
        long long value = (long long)magnitudes[i / 2];
        PyObject *built = rjpy_long_build(known, magnitudes[i / 2], negative);
        PyObject *wanted = PyLong_FromLongLong(negative ? -value : value);
        ok = built && wanted && PyObject_RichCompareBool(built, wanted, Py_EQ) == 1 &&
             PyObject_Hash(built) == PyObject_Hash(wanted);
        Py_XDECREF(built);
        Py_XDECREF(wanted);
    }
    return ok;
}

/* Reads of an instance, with and without a dict. */
static int
instance_layout_is_right(void)
{
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Probe");
    PyObject *obj = type ? PyObject_CallNoArgs(type) : NULL, *one = PyLong_FromLong(1), *dict = NULL;
    int ok = obj && one && PyObject_SetAttrString(obj, "a", one) == 0 && PyObject_SetAttrString(obj, "b", Py_None) == 0 &&
             rjpy_instance_access_agrees(obj, "a") == 1 && rjpy_instance_access_agrees(obj, "b") == 1 &&
             (dict = PyObject_GetAttrString(obj, "__dict__")) && rjpy_instance_access_agrees(obj, "b") == 1;
    Py_XDECREF(dict);
    Py_XDECREF(one);
    Py_XDECREF(obj);
    Py_XDECREF(type);
    return ok;
}

/* A type that changes loses its version, and never has it again. */
static int
type_versions_are_right(void)
{
    PyObject *type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "Probe");
    PyObject *found = type ? PyObject_GetAttrString(type, "__doc__") : NULL; /* a lookup, which gives it a version */
    unsigned before = found ? rjpy_type_version((PyTypeObject *)type) : 0;
    int ok = found && PyObject_SetAttrString(type, "a", Py_None) == 0 &&
             (before == 0 || rjpy_type_version((PyTypeObject *)type) != before);
    Py_XDECREF(found);
    Py_XDECREF(type);
    return ok;
}

int
rjpy_check_layouts(const rjpy_known_objects *known)
{
    if (bytes_building_is_right() && strings_are_right() && list_layout_is_right() && dict_layout_is_right() &&
        dict_building_is_right() && int_building_is_right(known) && instance_layout_is_right() && type_versions_are_right())
        return 0;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ImportError, "rjson was built for another version of Python: the layouts of objects differ");
    return -1;
}
