/*
 * Walking a dict's entries. Direct where the layout is known and all keys are exact str (3.11 to 3.15), which saves 1.25x to
 * 1.65x on dict-heavy documents; PyDict_Next elsewhere, and with RJSON_PORTABLE. Positions mean the same in both ways:
 * the position less 1 is the entry that was returned last.
 *
 * A view or cursor is valid until Python code may have run; load or begin it again then. Without the GIL the dict is locked
 * for as long (cpython/locks.h).
 */
#ifndef RJSON_CPYTHON_DICT_ACCESS_H
#define RJSON_CPYTHON_DICT_ACCESS_H

#include "py.h"

/* 3.15 has a second mapping that its json writes (PEP 814), which is no dict. */
#if PY_VERSION_HEX >= 0x030F0000
#define rjpy_is_frozendict(v) PyFrozenDict_Check(v)
#define rjpy_is_frozendict_exact(v) PyFrozenDict_CheckExact(v)
#else
#define rjpy_is_frozendict(v) 0
#define rjpy_is_frozendict_exact(v) 0
#endif

/* A member of a dict; borrowed. */
typedef struct rjpy_member {
    PyObject *key, *value;
} rjpy_member;

/* PyDict_Next on copies: variables whose address it takes could not live in registers on the direct way either. */
RJ__INLINE int
rjpy_dict_next(PyObject *dict, Py_ssize_t *pos, PyObject **key, PyObject **value)
{
    Py_ssize_t p = *pos;
    PyObject *k, *v;
    if (!PyDict_Next(dict, &p, &k, &v))
        return 0;
    *pos = p;
    *key = k;
    *value = v;
    return 1;
}

#if defined(RJ_KNOWS_PYTHON) && PY_VERSION_HEX >= 0x030B0000
#define RJ_KNOWS_DICTS 1
#include "cpython/dict_layout_311.h"

typedef struct rjpy_dict_view {
    const rjpy_dict_entry *entries; /* NULL: go through PyDict_Next */
    Py_ssize_t count;
} rjpy_dict_view;

RJ__INLINE void
rjpy_dict_view_load(rjpy_dict_view *view, PyObject *dict)
{
    const rjpy_dict_keys *keys = (const rjpy_dict_keys *)(void *)((PyDictObject *)dict)->ma_keys;
    int direct = keys->kind == RJ_DICT_KEYS_UNICODE && !((PyDictObject *)dict)->ma_values;
    /* Of a small dict, as most are, it is predicted where the entries are: what they refer to is loaded without
     * waiting for the size. */
    const char *entries = keys->indices + (1 << RJ_LOG2_SMALL_INDEX);
    if (RJ__UNLIKELY(keys->log2_index_bytes != RJ_LOG2_SMALL_INDEX))
        entries = keys->indices + ((size_t)1 << keys->log2_index_bytes);
    view->entries = direct ? (const rjpy_dict_entry *)(const void *)entries : NULL;
    view->count = keys->entry_count;
}

/* All members, where they lie side by side; else NULL. */
RJ__INLINE const rjpy_member *
rjpy_dict_view_members(const rjpy_dict_view *view, PyObject *dict)
{
    _Static_assert(sizeof(rjpy_member) == sizeof(rjpy_dict_entry), "an entry is a member");
    return view->entries && view->count == PyDict_GET_SIZE(dict) ? (const rjpy_member *)(const void *)view->entries : NULL;
}

/* A walk through a dict, whose keys and values are borrowed. Runs no Python code. */
typedef struct rjpy_dict_cursor {
    const rjpy_dict_entry *next, *stop; /* NULL: go through PyDict_Next, with `pos` */
    Py_ssize_t pos;
} rjpy_dict_cursor;

/* A position behind the end is taken for the end. */
RJ__INLINE void
rjpy_dict_cursor_begin(rjpy_dict_cursor *cursor, PyObject *dict, Py_ssize_t pos)
{
    rjpy_dict_view view;
    rjpy_dict_view_load(&view, dict);
    cursor->stop = view.entries ? view.entries + view.count : NULL;
    cursor->next = view.entries ? view.entries + ((size_t)pos > (size_t)view.count ? view.count : pos) : NULL;
    cursor->pos = pos;
}

/* The next entry: 1, or 0 at the end. */
RJ__INLINE int
rjpy_dict_cursor_next(rjpy_dict_cursor *cursor, PyObject *dict, PyObject **key, PyObject **value)
{
    while (cursor->next != cursor->stop) {
        const rjpy_dict_entry *entry = cursor->next++;
        *key = entry->key;
        *value = entry->value;
        if (RJ__LIKELY(*value != NULL))
            return 1;
    }
    return RJ__UNLIKELY(!cursor->stop) && rjpy_dict_next(dict, &cursor->pos, key, value);
}

RJ__INLINE Py_ssize_t
rjpy_dict_cursor_position(const rjpy_dict_cursor *cursor, PyObject *dict)
{
    rjpy_dict_view view;
    rjpy_dict_view_load(&view, dict);
    return cursor->stop ? cursor->next - view.entries : cursor->pos;
}

#else

typedef struct rjpy_dict_view {
    char unused;
} rjpy_dict_view;

RJ__INLINE void
rjpy_dict_view_load(rjpy_dict_view *view, PyObject *dict)
{
    (void)dict;
    view->unused = 0;
}

RJ__INLINE const rjpy_member *
rjpy_dict_view_members(const rjpy_dict_view *view, PyObject *dict)
{
    (void)view;
    (void)dict;
    return NULL;
}

typedef struct rjpy_dict_cursor {
    Py_ssize_t pos;
} rjpy_dict_cursor;

RJ__INLINE void
rjpy_dict_cursor_begin(rjpy_dict_cursor *cursor, PyObject *dict, Py_ssize_t pos)
{
    (void)dict;
    cursor->pos = pos;
}

RJ__INLINE int
rjpy_dict_cursor_next(rjpy_dict_cursor *cursor, PyObject *dict, PyObject **key, PyObject **value)
{
    return rjpy_dict_next(dict, &cursor->pos, key, value);
}

RJ__INLINE Py_ssize_t
rjpy_dict_cursor_position(const rjpy_dict_cursor *cursor, PyObject *dict)
{
    (void)dict;
    return cursor->pos;
}

#endif

/* Whether a cursor agrees with PyDict_Next on `dict`. */
static inline int
rjpy_dict_cursor_agrees(PyObject *dict)
{
    rjpy_dict_cursor cursor;
    Py_ssize_t expected_pos = 0;
    PyObject *key, *value, *expected_key, *expected_value;
    rjpy_dict_cursor_begin(&cursor, dict, 0);
    while (PyDict_Next(dict, &expected_pos, &expected_key, &expected_value))
        if (!rjpy_dict_cursor_next(&cursor, dict, &key, &value) || key != expected_key || value != expected_value ||
            rjpy_dict_cursor_position(&cursor, dict) != expected_pos)
            return 0;
    return !rjpy_dict_cursor_next(&cursor, dict, &key, &value);
}

#endif
