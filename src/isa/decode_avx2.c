/* The decoder's walk, for AVX2. */
#include "decode/walk/headers.h"

#include "arch/avx2/target.h"

#include "arch/avx2/long_escapes.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
