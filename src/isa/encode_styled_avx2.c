/* The encoder's walk with every layout, for AVX2. */
#include "encode/walk/headers.h"

#include "arch/avx2/target.h"

#define RJ__STYLED 1
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"
