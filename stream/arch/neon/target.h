/* NEON: 16 bytes at a time. Every 64-bit ARM has it, so nothing is chosen at run time and no attribute is needed. */
#ifndef RJSON_STREAM_ARCH_NEON_TARGET_H
#define RJSON_STREAM_ARCH_NEON_TARGET_H

#include "arch/common/scalar_block.h"
#include "arch/common/set.h"

#include <arm_neon.h>

#define RJ__SET neon

#include "arch/neon/block.h"
#include "arch/neon/lanes.h"

#endif
