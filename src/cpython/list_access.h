/* The items of a list or tuple, side by side. */
#ifndef RJSON_CPYTHON_LIST_ACCESS_H
#define RJSON_CPYTHON_LIST_ACCESS_H

#include "py.h"

/* Of a list, a tuple or a subclass of one: borrowed, and good until Python code runs. */
RJ__INLINE PyObject **
rjpy_items_of(PyObject *seq)
{
    return PySequence_Fast_ITEMS(seq);
}

#endif
