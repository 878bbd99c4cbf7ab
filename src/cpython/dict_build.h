/* A dict that is about to have `count` members, with room for them. */
#ifndef RJSON_DICT_BUILD_H
#define RJSON_DICT_BUILD_H

#include "../python.h"

#if !defined(RJSON_PORTABLE) && PY_VERSION_HEX < 0x030E0000

/* A new dict is without a table until it gets its first member; up to five fit in the smallest. */
static inline PyObject *
rj_dict_new(Py_ssize_t count)
{
    return count > 5 ? _PyDict_NewPresized(count) : PyDict_New();
}

#else

static inline PyObject *
rj_dict_new(Py_ssize_t count)
{
    (void)count;
    return PyDict_New();
}

#endif
#endif
