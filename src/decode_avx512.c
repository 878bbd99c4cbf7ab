/* The decoder's walk for AVX-512. Headers come before the target header: what follows it is compiled for its instruction set. */
#include "cpython/str_access.h"
#include "decode.h"
#include "shortest.h"

#include "arch/target_avx512.h"

#include "arch/unescape_avx512.h"

#include "decode_body.h"

#include "arch/target_end.h"
