/* The decoder's walk for AVX-512. Headers come before the target header: what follows it is compiled for its instruction set. */
#include "cpython/str_access.h"
#include "decode/decoder.h"
#include "number/shortest.h"

#include "arch/avx512/target.h"

#include "arch/avx512/unescape.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
