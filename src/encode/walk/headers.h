/*
 * What the encoder's walk stands on: CPython's headers, and code that does not profit from an instruction set. A
 * file that compiles the walk (src/isa/) includes this before the target header, since all that follows that one is
 * compiled for its set.
 */
#include "cpython/dict_access.h"
#include "cpython/list_access.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode/encoder.h"
#include "encode/types/raw.h"
#include "encode/types/texts.h"
#include "number/number.h"
