/* The decoder's walk, for AVX-512. */
#include "decode/walk/headers.h"

#include "arch/avx512/target.h"
#include "arch/avx2/long_escapes.h"
#include "arch/avx512/unescape.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
