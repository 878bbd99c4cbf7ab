/* `sort_keys` and `duplicates`: the members of a dict in the order of their keys, or seen to have keys that differ
 * when they are written; as a tuple of keys and values in turn. */
#include "cpython/dict_access.h"
#include "cpython/exceptions.h"
#include "cpython/str_access.h"
#include "encode/encoder.h"
#include "encode/types/plan.h"

/* A member on its way into order. Strings compare by their first characters most of the time, so these are kept
 * beside them. */
typedef struct sorting {
    uint64_t prefix;
    rjpy_member member; /* borrowed from the dict: nothing here runs Python code */
} sorting;

_Static_assert(RJ_STR_HEADER >= 8, "a short str's prefix is read from before its characters");

/* The first eight characters of an ASCII str, as a number that sorts as they do. */
RJ__INLINE uint64_t
ascii_prefix(PyObject *key)
{
    const uint8_t *data = PyUnicode_DATA(key);
    size_t length = (size_t)PyUnicode_GET_LENGTH(key);
    uint64_t prefix;
    if (length == 0)
        return 0;
    memcpy(&prefix, length < 8 ? data + length - 8 : data, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    prefix = __builtin_bswap64(prefix);
#endif
    return length < 8 ? prefix << (64 - 8 * length) : prefix;
}

/* Whether `a` comes after `b`. Keys are different; by code point, as str compares. */
RJ__INLINE int
comes_after(const sorting *a, const sorting *b)
{
    if (a->prefix != b->prefix)
        return a->prefix > b->prefix;
    return PyUnicode_Compare(a->member.key, b->member.key) > 0;
}

/* Merge sort, with insertion for short runs. `spare` has room for as many. */
static void
sort_members(sorting *members, size_t count, sorting *spare)
{
    if (count <= 12) {
        for (size_t i = 1; i < count; i++) {
            sorting m = members[i];
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
collect(PyObject *dict, sorting *members)
{
    Py_ssize_t pos = 0;
    PyObject *key, *value;
    int all_ascii = 1;
    for (size_t i = 0; PyDict_Next(dict, &pos, &key, &value); i++) {
        if (!PyUnicode_CheckExact(key) || RJ_STR_READY(key) < 0) {
            PyErr_Clear(); /* without memory to look at a key, Python's way will say so */
            return 0;
        }
        members[i] = (sorting){0, {key, value}};
        all_ascii &= PyUnicode_IS_ASCII(key);
    }
    for (Py_ssize_t i = 0; all_ascii && i < PyDict_GET_SIZE(dict); i++)
        members[i].prefix = ascii_prefix(members[i].member.key);
    return 1;
}

PyObject *
rjpy_members_tuple(const rjpy_member *members, Py_ssize_t count)
{
    PyObject *entries = PyTuple_New(2 * count);
    for (Py_ssize_t i = 0; i < count && entries; i++) {
        PyTuple_SET_ITEM(entries, 2 * i, Py_NewRef(members[i].key));
        PyTuple_SET_ITEM(entries, 2 * i + 1, Py_NewRef(members[i].value));
    }
    return entries;
}

/* The members in the dict's own order: where they are, or copied to `copies`. */
static const rjpy_member *
members_of(PyObject *dict, rjpy_member copies[RJ_FEW_MEMBERS])
{
    rjpy_dict_view view;
    rjpy_dict_view_load(&view, dict);
    const rjpy_member *members = rjpy_dict_view_members(&view, dict);
    if (members)
        return members;
    rjpy_dict_cursor cursor;
    rjpy_dict_cursor_begin(&cursor, dict, 0);
    for (rjpy_member *m = copies; rjpy_dict_cursor_next(&cursor, dict, &m->key, &m->value); m++)
        continue;
    return copies;
}

/* Where the order of a dict with these keys is kept: rows of a table share it. */
static rjpy_key_order *
order_of(rjpy_encode_cache *cache, const rjpy_member *members, Py_ssize_t count)
{
    uintptr_t bits = ((uintptr_t)members[0].key >> 4) + (uintptr_t)count;
    return &cache->key_orders[(bits ^ bits >> 4) % RJ_KEY_ORDERS];
}

static int
has_keys(const rjpy_key_order *order, const rjpy_member *members, Py_ssize_t count)
{
    if (order->count != count)
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        if (order->keys[i] != members[i].key)
            return 0;
    return 1;
}

/* Finds out the order of the dict's keys, and keeps it. 0 if they are not all exact str. */
static int
learn_order(rjpy_key_order *order, PyObject *dict, const rjpy_member *members, Py_ssize_t count)
{
    sorting all[2 * RJ_FEW_MEMBERS];
    if (!collect(dict, all))
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        all[i].member.value = (PyObject *)&members[i]; /* where it was */
    sort_members(all, (size_t)count, all + count);
    rjpy_key_order_clear(order);
    order->count = count;
    for (Py_ssize_t i = 0; i < count; i++) {
        order->keys[i] = Py_NewRef(members[i].key);
        order->order[i] = (uint8_t)((const rjpy_member *)(void *)all[i].member.value - members);
    }
    return 1;
}

void
rjpy_key_order_clear(rjpy_key_order *order)
{
    for (Py_ssize_t i = 0; i < order->count; i++)
        Py_DECREF(order->keys[i]); /* exact str: runs no code */
    order->count = 0;
}

int
rjpy_sort_few(rjpy_encode_cache *cache, PyObject *dict, rjpy_member sorted[RJ_FEW_MEMBERS])
{
    rjpy_member copies[RJ_FEW_MEMBERS];
    Py_ssize_t count = PyDict_GET_SIZE(dict);
    const rjpy_member *members = members_of(dict, copies);
    rjpy_key_order *order = order_of(cache, members, count);
    if (!has_keys(order, members, count) && !learn_order(order, dict, members, count))
        return 0;
    for (Py_ssize_t i = 0; i < count; i++)
        sorted[i] = members[order->order[i]];
    return 1;
}

/* A list of any pairs as a tuple of keys and values. */
static PyObject *
entries_of(PyObject *pairs)
{
    Py_ssize_t count = PyList_GET_SIZE(pairs);
    PyObject *entries = PyTuple_New(2 * count);
    for (Py_ssize_t i = 0; i < count && entries; i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        PyTuple_SET_ITEM(entries, 2 * i, Py_NewRef(PyTuple_GET_ITEM(pair, 0)));
        PyTuple_SET_ITEM(entries, 2 * i + 1, Py_NewRef(PyTuple_GET_ITEM(pair, 1)));
    }
    return entries;
}

/* Pairs, sorted by Python's rules: a new tuple of keys and values. `pairs` (a list of any pairs) is consumed, NULL with an
 * exception. */
static PyObject *
sorted_by_python(rjpy_encoder *e, PyObject *pairs)
{
    rjpy_enter_python(e);
    PyObject *entries = pairs && PyList_Sort(pairs) == 0 ? entries_of(pairs) : NULL;
    Py_XDECREF(pairs);
    return entries;
}

/* Replaces the TypeError of keys that cannot be compared by a problem that says so. */
static PyObject *
explain_sort_error(rjpy_encoder *e)
{
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return NULL;
    PyObject *exception = rjpy_take_exception();
    rjpy_fail(e, NULL, "keys cannot be sorted: %S", exception);
    Py_DECREF(exception);
    return NULL;
}

/* As json does: sorts (key, value) tuples, which compare by their keys alone unless two keys are equal. */
static PyObject *
sorted_or_explained(rjpy_encoder *e, PyObject *pairs)
{
    PyObject *entries = sorted_by_python(e, pairs);
    return entries ? entries : explain_sort_error(e);
}

/* Of a dict (locked) whose keys are all exact str: 1 with its members (NULL with MemoryError); 0 for others. */
static int
sorted_by_text(PyObject *dict, PyObject **entries)
{
    size_t count = (size_t)PyDict_GET_SIZE(dict);
    sorting *all = PyMem_Malloc((2 * count + 1) * sizeof *all);
    if (!all) {
        *entries = PyErr_NoMemory();
        return 1;
    }
    int is_text = collect(dict, all);
    if (is_text) {
        sort_members(all, count, all + count);
        rjpy_member *members = (rjpy_member *)all; /* moved together */
        for (size_t i = 0; i < count; i++)
            members[i] = all[i].member;
        *entries = rjpy_members_tuple(members, (Py_ssize_t)count);
    }
    PyMem_Free(all);
    return is_text;
}

static PyObject *
sorted_entries(rjpy_encoder *e, PyObject *dict)
{
    PyObject *entries;
    rjpy_section section;
    rjpy_lock(&section, dict);
    int is_text = sorted_by_text(dict, &entries);
    rjpy_unlock(&section);
    return is_text ? entries : sorted_or_explained(e, PyDict_Items(dict));
}

/* ---- keys that become equal */

int
rjpy_may_repeat_keys(const rjpy_encoder *e, PyObject *dict)
{
    Py_ssize_t pos = 0, strings = 0, ints = 0;
    PyObject *key, *value;
    rjpy_section section;
    rjpy_hold(dict);
    rjpy_lock(&section, dict);
    const Py_ssize_t count = PyDict_GET_SIZE(dict);
    while (PyDict_Next(dict, &pos, &key, &value)) {
        strings +=
            PyUnicode_CheckExact(key) && (e->options->surrogates == RJ__SURROGATES_STOP || PyUnicode_IS_COMPACT_ASCII(key));
        ints += PyLong_CheckExact(key);
    }
    rjpy_unlock(&section);
    rjpy_let_go(dict);
    return strings != count && ints != count;
}

/* What a reader makes of a key's text where lone surrogates are in it, as the options write them. A new exact str,
 * or NULL. */
static PyObject *
as_read(const rjpy_encoder *e, PyObject *text)
{
    PyObject *plain = PyUnicode_FromObject(text);
    if (!plain || e->options->surrogates == RJ__SURROGATES_STOP || e->options->surrogates == RJ__SURROGATES_PASS)
        return plain;
    Py_ssize_t length = PyUnicode_GET_LENGTH(plain), end = 0;
    Py_UCS4 *units = PyUnicode_AsUCS4Copy(plain);
    Py_DECREF(plain);
    if (!units)
        return NULL;
    for (Py_ssize_t i = 0; i < length; i++) {
        Py_UCS4 unit = units[i];
        int is_replaced = e->options->surrogates == RJ__SURROGATES_REPLACE && Py_UNICODE_IS_SURROGATE(unit);
        int is_pair = Py_UNICODE_IS_HIGH_SURROGATE(unit) && i + 1 < length && Py_UNICODE_IS_LOW_SURROGATE(units[i + 1]);
        if (is_replaced)
            unit = 0xfffd;
        else if (is_pair) /* as two escapes: one character */
            unit = Py_UNICODE_JOIN_SURROGATES(unit, units[++i]);
        units[end++] = unit;
    }
    PyObject *read = PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, units, end);
    PyMem_Free(units);
    return read;
}

/* repr(), or the type of what has none, as ints of thousands of digits. A new str, or NULL. */
static PyObject *
repr_of(PyObject *key)
{
    PyObject *text = PyObject_Repr(key);
    if (text)
        return text;
    PyErr_Clear();
    return PyUnicode_FromFormat("<%.200s>", Py_TYPE(key)->tp_name);
}

static void
fail_repeated(rjpy_encoder *e, PyObject *first, PyObject *second, PyObject *text)
{
    PyObject *a = repr_of(first), *b = a ? repr_of(second) : NULL;
    if (b)
        rjpy_fail(e, NULL, "the keys %.200U and %.200U are both written as %.200R (duplicates=\"error\")", a, b, text);
    Py_XDECREF(a);
    Py_XDECREF(b);
}

/* Notes a key's text: 0, or -1 with a problem or exception. `seen`: the keys so far by what is read of them. */
static int
note_key(rjpy_encoder *e, PyObject *seen, PyObject *key, PyObject *text)
{
    PyObject *read = as_read(e, text);
    PyObject *other = read ? PyDict_GetItemWithError(seen, read) : NULL;
    int rc = other || !read || PyErr_Occurred() ? -1 : PyDict_SetItem(seen, read, key);
    if (other)
        fail_repeated(e, other, key, read);
    Py_XDECREF(read);
    return rc;
}

/* Appends a member with the text of its key; leaves out what the options leave out. 0, or -1 with a problem or exception. */
static int
append_distinct(rjpy_encoder *e, PyObject *entries, PyObject *seen, PyObject *key, PyObject *value)
{
    int has_none = 0;
    if (e->options->omit_none && value == Py_None)
        return 0;
    PyObject *text = e->options->skipkeys ? rjpy_key_text_if_any(e, key, &has_none) : rjpy_key_text(e, key);
    if (!text)
        return has_none ? 0 : -1;
    int rc = note_key(e, seen, key, text);
    if (rc == 0 && (PyList_Append(entries, text) < 0 || PyList_Append(entries, value) < 0))
        rc = -1;
    Py_DECREF(text);
    return rc;
}

/* Members with the texts of their keys, which differ; `entries` is consumed, NULL with a problem or exception. */
static PyObject *
distinct_entries(rjpy_encoder *e, PyObject *entries)
{
    if (!entries)
        return NULL;
    PyObject *distinct = PyList_New(0), *seen = PyDict_New(), *result = NULL;
    int rc = distinct && seen ? 0 : -1;
    rjpy_enter_python(e);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries) && rc == 0; i += 2)
        rc = append_distinct(e, distinct, seen, PyTuple_GET_ITEM(entries, i), PyTuple_GET_ITEM(entries, i + 1));
    if (rc == 0)
        result = PyList_AsTuple(distinct);
    else
        e->problem_in_key = 0; /* the dict has not been entered */
    Py_DECREF(entries);
    Py_XDECREF(distinct);
    Py_XDECREF(seen);
    return result;
}

/* `pairs`: a list, consumed; NULL with an exception. */
static PyObject *
in_their_order(PyObject *pairs)
{
    PyObject *entries = pairs ? entries_of(pairs) : NULL;
    Py_XDECREF(pairs);
    return entries;
}

PyObject *
rjpy_arranged_entries(rjpy_encoder *e, PyObject *dict)
{
    PyObject *entries = e->options->sort_keys ? sorted_entries(e, dict) : in_their_order(PyDict_Items(dict));
    return e->options->refuses_duplicates ? distinct_entries(e, entries) : entries;
}

PyObject *
rjpy_arranged_pairs(rjpy_encoder *e, PyObject *iterator)
{
    PyObject *pairs = PyList_New(0), *key, *value;
    int rc = pairs ? 1 : -1;
    while (rc > 0 && (rc = rjpy_next_pair(e, iterator, &key, &value)) > 0) {
        PyObject *pair = PyTuple_Pack(2, key, value);
        if (!pair || PyList_Append(pairs, pair) < 0)
            rc = -1;
        Py_XDECREF(pair);
        Py_DECREF(key);
        Py_DECREF(value);
    }
    if (rc < 0) {
        e->problem_in_key = 0; /* the dict has not been entered */
        Py_CLEAR(pairs);
    }
    if (!pairs)
        return NULL;
    PyObject *entries = e->options->sort_keys ? sorted_or_explained(e, pairs) : in_their_order(pairs);
    return e->options->refuses_duplicates ? distinct_entries(e, entries) : entries;
}

PyObject *
rjpy_sorted_fields(rjpy_encoder *e, PyObject *obj, const rjpy_plan *plan)
{
    PyObject *dict = PyDict_New(), *entries = NULL;
    int rc = dict ? 0 : -1;
    rjpy_enter_python(e);
    for (Py_ssize_t i = 0; i < Py_SIZE(plan) && rc == 0; i++) {
        PyObject *value = rjpy_field_output(e, plan, &plan->fields[i], obj);
        if (!value)
            rc = -1;
        else if (value != plan->omitted)
            rc = PyDict_SetItem(dict, plan->fields[i].key, value);
        Py_XDECREF(value);
    }
    if (rc == 0)
        entries = sorted_entries(e, dict);
    Py_XDECREF(dict);
    return entries;
}
