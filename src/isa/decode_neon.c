/* The decoder's walk, for NEON. */
#include "decode/walk/headers.h"

#include "arch/neon/target.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
