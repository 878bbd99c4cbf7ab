/* What the decoder's walk stands on, to be included before the target header: see encode/walk/headers.h. */
#include "cpython/str_access.h"
#include "decode/decoder.h"
#include "number/shortest.h"
