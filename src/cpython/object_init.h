/*
 * The header of a new object: what PyObject_Init does, less the call (1 ns of the 15 that a short string takes),
 * where nothing but a debug build wants to hear of it. Since 3.13 a tracer may (PyRefTracer_SetTracer); there, and
 * with RJSON_PORTABLE, PyObject_Init is called. tracemalloc learns of the object from the allocator.
 */
#ifndef RJSON_CPYTHON_OBJECT_INIT_H
#define RJSON_CPYTHON_OBJECT_INIT_H

#include "py.h"

/* `block` is memory from PyObject_Malloc; `type` lives as long as the interpreter. */
RJ__INLINE void
rjpy_object_init(void *block, PyTypeObject *type)
{
#if !defined(RJSON_PORTABLE) && PY_VERSION_HEX < 0x030D0000 && !defined(Py_REF_DEBUG) && !defined(Py_TRACE_REFS)
    PyObject *v = block;
    v->ob_refcnt = 1;
    Py_SET_TYPE(v, type);
#else
    PyObject_Init(block, type);
#endif
}

#endif
