/* rjson._core.WriterBase: what rjson.Writer has in C: the lock, and write() as long as nothing but the chunk is
 * concerned. */
#ifndef RJSON_DUMP_WRITER_OBJECT_H
#define RJSON_DUMP_WRITER_OBJECT_H

#include "py.h"

extern PyType_Spec rjpy_writer_base_spec;

#endif
