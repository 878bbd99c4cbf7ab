/*
 * AVX2: 32 bytes at a time. Everything after this header is compiled for AVX2, BMI1/2, LZCNT and POPCNT, so it is
 * included last. The choice at run time is in dispatch_x86.c.
 */
#ifndef RJSON_TARGET_AVX2_H
#define RJSON_TARGET_AVX2_H

#include "arch/common/scalar_block.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif

#define RJ__NAME(x) x##_avx2
#define RJ__HAS_AVX2 1
#define RJ__STEPS "arch/common/steps_lanes.h"
#define RJ__WIDE "arch/avx2/wide.h"
#define RJ__UNITS "arch/avx2/units.h"
#define RJ__SCAN "arch/avx2/scan.h"
#define RJ__DIGITS "arch/sse4/digits.h"
#define RJ__UTF8 "arch/sse4/utf8.h"

#include "arch/avx2/block.h"
#include "arch/sse4/lanes.h"
#include "arch/avx2/to_end.h"

#endif
