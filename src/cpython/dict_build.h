/*
 * New dicts: with room for what is to come, and as copies of one that has the same keys. Direct where the layout is
 * known (3.11 to 3.14, see dict_layout_311.h); through the public API elsewhere, and with RJSON_PORTABLE.
 */
#ifndef RJSON_CPYTHON_DICT_BUILD_H
#define RJSON_CPYTHON_DICT_BUILD_H

#include "cpython/dict_access.h"

#if defined(RJ_KNOWS_DICTS)
#define RJ_HAS_DICT_PATTERNS 1

/* A new dict is without a table until it gets its first member; up to five fit in the smallest. CPython makes a
 * table for keys of any type where it is asked for one of some size: while that is empty, it can as well be one for
 * str, which is faster to look up. (3.14 has no such call.) */
static inline PyObject *
rjpy_dict_new(Py_ssize_t count)
{
#if PY_VERSION_HEX < 0x030E0000
    if (count > 5) {
        PyObject *dict = _PyDict_NewPresized(count);
        if (dict)
            ((rjpy_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys)->kind = RJ_DICT_KEYS_UNICODE;
        return dict;
    }
#else
    (void)count;
#endif
    return PyDict_New();
}

/* Whether `pattern` has the keys of these members (keys and values in turn), the same objects in the same order, and
 * no others. */
static inline int
rjpy_dict_has_keys(PyObject *pattern, PyObject *const *members, size_t count)
{
    rjpy_dict_view view;
    rjpy_dict_view_load(&view, pattern);
    if ((size_t)view.count != count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (view.entries[i].key != members[2 * i])
            return 0;
    return 1;
}

/* Gives a member of a dict that nothing else refers to another value (consumed). */
static inline void
rjpy_dict_replace(const rjpy_dict_view *view, Py_ssize_t i, PyObject *value)
{
    rjpy_dict_entry *entry = (rjpy_dict_entry *)(void *)(uintptr_t)&view->entries[i];
    PyObject *old = entry->value;
    entry->value = value;
    Py_DECREF(old);
}

/* A dict to copy others with the same keys from: those of `dict`, which has `count` members, each with None. NULL,
 * without an exception, if it is none that can be. */
static inline PyObject *
rjpy_dict_pattern(PyObject *dict, size_t count)
{
    rjpy_dict_view view;
    PyObject *pattern = PyDict_Copy(dict);
    if (!pattern) {
        PyErr_Clear();
        return NULL;
    }
    rjpy_dict_view_load(&view, pattern);
    if (!view.entries || (size_t)view.count != count || (size_t)PyDict_GET_SIZE(pattern) != count) {
        Py_DECREF(pattern);
        return NULL;
    }
    for (Py_ssize_t i = 0; i < view.count; i++)
        rjpy_dict_replace(&view, i, Py_NewRef(Py_None));
    if (PyObject_GC_IsTracked(pattern)) /* so that copies are not, unless they need to be */
        PyObject_GC_UnTrack(pattern);
    return pattern;
}

/* A copy of a pattern with the values of these members; NULL with an exception. The members are consumed, also then. */
static inline PyObject *
rjpy_dict_from_pattern(PyObject *pattern, PyObject *const *members)
{
    rjpy_dict_view view;
    int has_containers = 0;
    PyObject *dict = PyDict_Copy(pattern);
    rjpy_dict_view_load(&view, dict ? dict : pattern);
    for (Py_ssize_t i = 0; i < view.count; i++) {
        PyObject *value = members[2 * i + 1];
        Py_DECREF(members[2 * i]);
        has_containers |= PyType_IS_GC(Py_TYPE(value));
        if (RJ__LIKELY(dict != NULL))
            rjpy_dict_replace(&view, i, value);
        else
            Py_DECREF(value);
    }
    if (dict && has_containers && !PyObject_GC_IsTracked(dict))
        PyObject_GC_Track(dict);
    return dict;
}

#else
#define RJ_HAS_DICT_PATTERNS 0

static inline PyObject *
rjpy_dict_new(Py_ssize_t count)
{
#if !defined(RJSON_PORTABLE) && PY_VERSION_HEX < 0x030B0000
    return count > 5 ? _PyDict_NewPresized(count) : PyDict_New();
#else
    (void)count;
    return PyDict_New();
#endif
}

static inline int
rjpy_dict_has_keys(PyObject *pattern, PyObject *const *members, size_t count)
{
    (void)pattern, (void)members, (void)count;
    return 0;
}

static inline PyObject *
rjpy_dict_pattern(PyObject *dict, size_t count)
{
    (void)dict, (void)count;
    return NULL;
}

static inline PyObject *
rjpy_dict_from_pattern(PyObject *pattern, PyObject *const *members)
{
    (void)pattern, (void)members;
    return NULL;
}

#endif
#endif
