/*
 * The entry table of a dict, as CPython 3.11 to 3.14 lay it out (Include/internal/pycore_dict.h, which cannot be included by
 * an extension in every version). rjpy_check_layouts, at import, checks it against PyDict_Next.
 */
#ifndef RJSON_CPYTHON_DICT_LAYOUT_311_H
#define RJSON_CPYTHON_DICT_LAYOUT_311_H

#include "py.h"

enum { RJ_DICT_KEYS_UNICODE = 1 }; /* all keys are exact str, and the values are in the table */

typedef struct rjpy_dict_keys {
    Py_ssize_t refcount;
    uint8_t log2_size;
    uint8_t log2_index_bytes;
    uint8_t kind;
    uint32_t version;
    Py_ssize_t usable;
    Py_ssize_t entry_count;
    char indices[]; /* 2^log2_index_bytes bytes, then the entries */
} rjpy_dict_keys;

enum { RJ_LOG2_SMALL_INDEX = 3 }; /* of a table of the least size */

typedef struct rjpy_dict_entry {
    PyObject *key;
    PyObject *value; /* NULL where an entry was deleted */
} rjpy_dict_entry;

#endif
