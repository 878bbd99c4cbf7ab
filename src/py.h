/* Python.h with what every file of src/ wants beside it. */
#ifndef RJSON_PY_H
#define RJSON_PY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#if PY_VERSION_HEX < 0x030C0000 && PY_VERSION_HEX >= 0x030B0000
#include <cpython/longintrepr.h>
#elif PY_VERSION_HEX < 0x030B0000
#include <longintrepr.h>
#endif

/* Versions whose structs src/cpython/ knows: 3.10 to 3.15. In others, and with RJSON_PORTABLE, the public API alone
 * is used. Without the GIL it is 3.13 and 3.14, and instances are left to it too. */
#if !defined(RJSON_PORTABLE) && PY_VERSION_HEX < 0x03100000 && (!defined(Py_GIL_DISABLED) || PY_VERSION_HEX < 0x030F0000)
#define RJ_KNOWS_PYTHON 1
#endif
#if defined(RJ_KNOWS_PYTHON) && !defined(Py_GIL_DISABLED)
#define RJ_KNOWS_PYTHON_WITH_GIL 1
#endif

#include <stddef.h>
#include <stdint.h>

#include "internal.h"

/* A function in a PyType_Slot or PyModuleDef_Slot, whose type is void *: ISO C has no direct conversion. */
#define RJ_SLOT(function) ((void *)(uintptr_t)(function))

#endif
