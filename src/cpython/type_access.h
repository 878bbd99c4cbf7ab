/*
 * A type's version tag: a number that no other type of the interpreter has had, and that the type loses when it or
 * one of its bases changes. 0: the type has none now. A lookup of an attribute gives it one.
 */
#ifndef RJSON_CPYTHON_TYPE_ACCESS_H
#define RJSON_CPYTHON_TYPE_ACCESS_H

#include "py.h"

#if defined(RJ_KNOWS_PYTHON)
RJ__INLINE unsigned
rjpy_type_version(PyTypeObject *type)
{
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG))
        return 0;
#endif
    return __atomic_load_n(&type->tp_version_tag, __ATOMIC_RELAXED); /* another thread may change the type */
}
#else
RJ__INLINE unsigned
rjpy_type_version(PyTypeObject *type)
{
    (void)type;
    return 0;
}
#endif

#endif
