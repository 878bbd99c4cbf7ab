/* Memory that becomes an object: from the allocator of objects, and given back to what is used of it. */
#ifndef RJSON_CPYTHON_PY_MEMORY_H
#define RJSON_CPYTHON_PY_MEMORY_H

#include "py.h"

/* PyObject_Malloc and the rest. */
extern const rj_allocator rjpy_py_objects;

/* Gives back what the block has too much, in place where that is possible. */
void *rjpy_shrink(void *block, size_t used, size_t allocated);
/* The block of a memory sink that uses rjpy_py_objects, shrunk to its contents and a spare byte; NULL where they are
 * better copied: they are in borrowed memory, or small in a block that is much too large. */
void *rjpy_take_block(rj_memory_sink *sink);

#endif
