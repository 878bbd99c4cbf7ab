/* The encoder's walk, for AVX2. */
#include "encode/walk/headers.h"

#include "arch/avx2/target.h"

#define RJ__STYLED 0
#include "encode/walk/walk.h"

#include "arch/common/target_end.h"
