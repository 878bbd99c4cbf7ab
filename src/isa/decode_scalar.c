/* The decoder's walk for every machine. Headers come before the target header: what follows it is compiled for its instruction set. */
#include "cpython/str_access.h"
#include "decode/decoder.h"
#include "number/shortest.h"

#include "arch/scalar/target.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
