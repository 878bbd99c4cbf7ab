/* `sort_keys`: the members of a dict in the order of their keys, as a tuple of keys and values in turn. */
#include "cpython/str_access.h"
#include "encode.h"
#include "plan.h"

/* A member on its way into order. Strings compare by their first characters most of the time, so these are kept beside them. */
typedef struct member {
    uint64_t prefix;
    PyObject *key, *value; /* borrowed from the dict: nothing here runs Python code */
} member;

/* Members that need no memory from the heap. */
#define FEW 64

/* The first eight characters of an ASCII str, as a number that sorts as they do. */
static uint64_t
ascii_prefix(PyObject *key)
{
    const uint8_t *data = PyUnicode_DATA(key);
    Py_ssize_t length = PyUnicode_GET_LENGTH(key);
    uint64_t prefix = 0;
    if (length >= 8) {
        memcpy(&prefix, data, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        prefix = __builtin_bswap64(prefix);
#endif
        return prefix;
    }
    for (Py_ssize_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < length ? data[i] : 0);
    return prefix;
}

/* Whether `a` comes after `b`. Keys are different; by code point, as str compares. */
RJ__INLINE int
comes_after(const member *a, const member *b)
{
    if (a->prefix != b->prefix)
        return a->prefix > b->prefix;
    return PyUnicode_Compare(a->key, b->key) > 0;
}

/* Merge sort, with insertion for short runs. `spare` has room for as many. */
static void
sort_members(member *members, size_t count, member *spare)
{
    if (count <= 12) {
        for (size_t i = 1; i < count; i++) {
            member m = members[i];
            size_t j = i;
            for (; j > 0 && comes_after(&members[j - 1], &m); j--)
                members[j] = members[j - 1];
            members[j] = m;
        }
        return;
    }
    size_t half = count / 2;
    sort_members(members, half, spare);
    sort_members(members + half, count - half, spare);
    if (!comes_after(&members[half - 1], &members[half]))
        return;
    memcpy(spare, members, half * sizeof *members);
    size_t left = 0, right = half, out = 0;
    while (left < half && right < count)
        members[out++] = comes_after(&spare[left], &members[right]) ? members[right++] : spare[left++];
    memcpy(members + out, spare + left, (half - left) * sizeof *members);
}

/* Collects the members; 0 if one of the keys is no exact str. Prefixes are 0 unless all keys are ASCII. */
static int
collect(PyObject *dict, member *members)
{
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    int all_ascii = 1;
    for (size_t i = 0; PyDict_Next(dict, &pos, &key, &value); i++) {
        if (!PyUnicode_CheckExact(key) || RJ_STR_READY(key) < 0)
            return 0;
        members[i] = (member){0, key, value};
        all_ascii &= PyUnicode_IS_ASCII(key);
    }
    for (Py_ssize_t i = 0; all_ascii && i < PyDict_GET_SIZE(dict); i++)
        members[i].prefix = ascii_prefix(members[i].key);
    return 1;
}

static PyObject *
to_tuple(const member *members, Py_ssize_t count)
{
    PyObject *entries = PyTuple_New(2 * count);
    for (Py_ssize_t i = 0; i < count && entries; i++) {
        PyTuple_SET_ITEM(entries, 2 * i, Py_NewRef(members[i].key));
        PyTuple_SET_ITEM(entries, 2 * i + 1, Py_NewRef(members[i].value));
    }
    return entries;
}

/* Pairs, sorted by Python's rules: a new tuple of keys and values. `pairs` (a list of any pairs) is consumed, NULL with an
 * exception. */
static PyObject *
sorted_by_python(rj_encoder *e, PyObject *pairs)
{
    rj_enter_python(e);
    if (!pairs || PyList_Sort(pairs) < 0) {
        Py_XDECREF(pairs);
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(pairs);
    PyObject *entries = PyTuple_New(2 * count);
    for (Py_ssize_t i = 0; i < count && entries; i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        PyTuple_SET_ITEM(entries, 2 * i, Py_NewRef(PyTuple_GET_ITEM(pair, 0)));
        PyTuple_SET_ITEM(entries, 2 * i + 1, Py_NewRef(PyTuple_GET_ITEM(pair, 1)));
    }
    Py_DECREF(pairs);
    return entries;
}

/* Replaces the TypeError of keys that cannot be compared by a problem that says so. */
static PyObject *
explain_sort_error(rj_encoder *e)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return NULL;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    e->problem_in_key = 1;
    rj_fail(e, NULL, "keys cannot be sorted: %S", value);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return NULL;
}

/* As json does: sorts (key, value) tuples, which compare by their keys alone unless two keys are equal. */
static PyObject *
sorted_or_explained(rj_encoder *e, PyObject *pairs)
{
    PyObject *entries = sorted_by_python(e, pairs);
    return entries ? entries : explain_sort_error(e);
}

PyObject *
rj_sorted_entries(rj_encoder *e, PyObject *dict)
{
    member few[FEW], *members = few;
    size_t count = (size_t)PyDict_GET_SIZE(dict);
    if (2 * count > FEW)
        members = PyMem_Malloc(2 * count * sizeof *members);
    if (!members)
        return PyErr_NoMemory();
    PyObject *entries = NULL;
    int is_plain = collect(dict, members);
    if (is_plain) {
        sort_members(members, count, members + count);
        entries = to_tuple(members, (Py_ssize_t)count);
    }
    if (members != few)
        PyMem_Free(members);
    return is_plain ? entries : sorted_or_explained(e, PyDict_Items(dict));
}

PyObject *
rj_sorted_pairs(rj_encoder *e, PyObject *iterator)
{
    PyObject *pairs = PyList_New(0), *key, *value;
    int rc = pairs ? 1 : -1;
    while (rc > 0 && (rc = rj_next_pair(e, iterator, &key, &value)) > 0) {
        PyObject *pair = PyTuple_Pack(2, key, value);
        if (!pair || PyList_Append(pairs, pair) < 0)
            rc = -1;
        Py_XDECREF(pair);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (rc < 0)
        Py_CLEAR(pairs);
    return pairs ? sorted_or_explained(e, pairs) : NULL;
}

PyObject *
rj_sorted_fields(rj_encoder *e, PyObject *obj, const rj_plan *plan)
{
    PyObject *dict = PyDict_New(), *entries = NULL;
    int rc = dict ? 0 : -1;
    rj_enter_python(e);
    for (Py_ssize_t i = 0; i < Py_SIZE(plan) && rc == 0; i++) {
        PyObject *value = rj_field_value(&plan->fields[i], obj);
        if (!value)
            rc = -1;
        else if (value != plan->omitted)
            rc = PyDict_SetItem(dict, plan->fields[i].key, value);
        Py_XDECREF(value);
    }
    if (rc == 0)
        entries = rj_sorted_entries(e, dict);
    Py_XDECREF(dict);
    return entries;
}
