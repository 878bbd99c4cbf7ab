/* The decoder's walk, for SSE4.2. */
#include "decode/walk/headers.h"

#include "arch/sse4/target.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
