/* NEON: 16 bytes at a time. Every 64-bit ARM has it, so nothing is chosen at run time and no attribute is needed. */
#ifndef RJSON_TARGET_NEON_H
#define RJSON_TARGET_NEON_H

#include "arch/common/scalar_block.h"

#include <arm_neon.h>

#define RJ__NAME(x) x##_neon
#define RJ__STEPS "arch/common/steps_lanes.h"
#define RJ__WIDE "arch/common/wide_lanes.h"
#define RJ__UNITS "arch/scalar/units.h"
#define RJ__SCAN "arch/neon/scan.h"
#define RJ__DIGITS "arch/scalar/digits.h"
#define RJ__UTF8 "arch/scalar/utf8.h"

#include "arch/neon/block.h"
#include "arch/neon/lanes.h"

#endif
