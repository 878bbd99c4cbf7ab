/* NEON: 16 bytes at a time. Every 64-bit ARM has it, so nothing is chosen at run time and no attribute is needed. */
#ifndef RJSON_TARGET_NEON_H
#define RJSON_TARGET_NEON_H

#include "scalar_block.h"

#include <arm_neon.h>

#define RJ__NAME(x) x##_neon
#define RJ__STEPS "steps_lanes.h"
#define RJ__WIDE "wide_lanes.h"
#define RJ__UNITS "arch/units_generic.h"
#define RJ__SCAN "arch/scan_neon.h"
#define RJ__DIGITS "arch/digits_generic.h"
#define RJ__UTF8 "arch/utf8_generic.h"

#include "block_neon.h"
#include "lanes_neon.h"

#endif
