/* Whether this Python's objects lie in memory as the headers beside this one believe; asked once, at import. */
#ifndef RJSON_CPYTHON_SELF_CHECK_H
#define RJSON_CPYTHON_SELF_CHECK_H

#include "cpython/known_objects.h"

/* 0, or -1 with an ImportError: reading objects with a wrong idea of their layout would be memory corruption. */
int rjpy_check_layouts(const rjpy_known_objects *known);

#endif
