/* The decoder's walk, for every machine. */
#include "decode/walk/headers.h"

#include "arch/scalar/target.h"

#include "decode/walk/walk.h"

#include "arch/common/target_end.h"
