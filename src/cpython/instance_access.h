/*
 * An instance's attributes, read from where CPython 3.11 to 3.14 keep them: from the instance's dict if there is
 * one, else from its inline values, without making a dict (which would cost memory, and slow the program's own
 * accesses down). Everything else answers "not known", and the caller asks for the attribute by name.
 *
 * Sources: Include/internal/pycore_object.h and pycore_dict.h of each version, which cannot be included by an
 * extension in every one of them. rjpy_check_layouts, at import, checks it.
 */
#ifndef RJSON_CPYTHON_INSTANCE_ACCESS_H
#define RJSON_CPYTHON_INSTANCE_ACCESS_H

#include "py.h"

#if defined(RJ_KNOWS_PYTHON_WITH_GIL) && PY_VERSION_HEX >= 0x030B0000
#include "cpython/dict_layout_311.h"

enum { RJ_DICT_KEYS_SPLIT = 2 }; /* all keys are exact str, and the values are apart */

typedef struct rjpy_inline_values {
#if PY_VERSION_HEX >= 0x030D0000
    uint8_t capacity, size, embedded, valid;
#endif
    PyObject *values[1];
} rjpy_inline_values;

/* Where an attribute may be: keys, and values that are either beside them or apart. */
typedef struct rjpy_instance_view {
    const rjpy_dict_entry *entries; /* NULL: not known */
    PyObject *const *values;        /* NULL: in the entries */
    Py_ssize_t count;
} rjpy_instance_view;

RJ__INLINE rjpy_instance_view
rjpy_instance_view_of_keys(const rjpy_dict_keys *keys, PyObject *const *values)
{
    rjpy_instance_view view = {NULL, values, keys->entry_count};
    if (keys->kind == (values ? RJ_DICT_KEYS_SPLIT : RJ_DICT_KEYS_UNICODE))
        view.entries = (const rjpy_dict_entry *)(const void *)(keys->indices + ((size_t)1 << keys->log2_index_bytes));
    return view;
}

RJ__INLINE rjpy_instance_view
rjpy_instance_view_of_dict(PyObject *dict)
{
    const rjpy_inline_values *values = (const rjpy_inline_values *)(void *)((PyDictObject *)dict)->ma_values;
    const rjpy_dict_keys *keys = (const rjpy_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys;
    return rjpy_instance_view_of_keys(keys, values ? values->values : NULL);
}

/* The dict of an instance whose type has managed dicts, if it has been made; else its inline values, or NULL. */
RJ__INLINE const rjpy_inline_values *
rjpy_managed_values(PyObject *obj, PyObject **dict)
{
#if PY_VERSION_HEX >= 0x030D0000
    *dict = ((PyObject **)obj)[-3];
    if (*dict || !PyType_HasFeature(Py_TYPE(obj), Py_TPFLAGS_INLINE_VALUES))
        return NULL;
    const rjpy_inline_values *values = (const rjpy_inline_values *)(void *)((char *)obj + Py_TYPE(obj)->tp_basicsize);
    return values->valid ? values : NULL;
#elif PY_VERSION_HEX >= 0x030C0000
    uintptr_t either = ((uintptr_t *)obj)[-3]; /* the lowest bit marks values, one byte further on */
    *dict = either & 1 ? NULL : (PyObject *)either;
    return either & 1 ? (const rjpy_inline_values *)(either + 1) : NULL;
#else
    *dict = ((PyObject **)obj)[-3];
    return ((const rjpy_inline_values **)obj)[-4];
#endif
}

RJ__INLINE rjpy_instance_view
rjpy_instance_view_of(PyObject *obj)
{
    PyTypeObject *type = Py_TYPE(obj);
    PyObject *dict = NULL;
    if (PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        const rjpy_inline_values *values = rjpy_managed_values(obj, &dict);
        if (values)
            return rjpy_instance_view_of_keys((const rjpy_dict_keys *)(void *)((PyHeapTypeObject *)type)->ht_cached_keys,
                                              values->values);
    }
    else if (type->tp_dictoffset > 0) {
        dict = *(PyObject **)(void *)((char *)obj + type->tp_dictoffset);
    }
    if (dict && PyDict_CheckExact(dict))
        return rjpy_instance_view_of_dict(dict);
    return (rjpy_instance_view){NULL, NULL, 0};
}

/* The value of attribute `name` (interned), borrowed; NULL if it is not known. *hint: the place where it is tried first. */
RJ__INLINE PyObject *
rjpy_instance_view_get(const rjpy_instance_view *view, PyObject *name, Py_ssize_t *hint)
{
    if (!view->entries)
        return NULL;
    Py_ssize_t at = *hint;
    if (RJ__UNLIKELY(at >= view->count || view->entries[at].key != name)) {
        for (at = 0; at < view->count && view->entries[at].key != name; at++)
            continue;
        if (at == view->count)
            return NULL;
        *hint = at;
    }
    return view->values ? view->values[at] : view->entries[at].value;
}

#else

typedef struct rjpy_instance_view {
    char unused;
} rjpy_instance_view;

RJ__INLINE rjpy_instance_view
rjpy_instance_view_of(PyObject *obj)
{
    (void)obj;
    return (rjpy_instance_view){0};
}

RJ__INLINE PyObject *
rjpy_instance_view_get(const rjpy_instance_view *view, PyObject *name, Py_ssize_t *hint)
{
    (void)view;
    (void)name;
    (void)hint;
    return NULL;
}

#endif

/* Whether what is read of `obj` is what its attribute `name` says; -1 with an exception. */
static inline int
rjpy_instance_access_agrees(PyObject *obj, const char *name)
{
    Py_ssize_t hint = 0;
    PyObject *key = PyUnicode_InternFromString(name);
    PyObject *expected = key ? PyObject_GetAttr(obj, key) : NULL;
    rjpy_instance_view view = rjpy_instance_view_of(obj);
    PyObject *value = expected ? rjpy_instance_view_get(&view, key, &hint) : NULL;
    Py_XDECREF(key);
    Py_XDECREF(expected);
    return !expected ? -1 : !value || value == expected;
}

#endif
