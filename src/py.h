/* Python.h with what every file of src/ wants beside it. */
#ifndef RJSON_PYTHON_H
#define RJSON_PYTHON_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030C0000 && PY_VERSION_HEX >= 0x030B0000
#include <cpython/longintrepr.h>
#elif PY_VERSION_HEX < 0x030B0000
#include <longintrepr.h>
#endif

#include <stddef.h>
#include <stdint.h>

#include "internal.h"

/* A function in a PyType_Slot or PyModuleDef_Slot, whose type is void *: ISO C has no direct conversion. */
#define RJ_SLOT(function) ((void *)(uintptr_t)(function))

#endif
