/*
 * AVX2: 32 bytes at a time. Everything after this header is compiled for AVX2, BMI1/2, LZCNT and POPCNT, so it is
 * included last. The choice at run time is in dispatch_x86.c.
 */
#ifndef RJSON_TARGET_AVX2_H
#define RJSON_TARGET_AVX2_H

#include "scalar_block.h"

#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif

#define RJ__NAME(x) x##_avx2
#define RJ__HAS_AVX2 1
#define RJ__STEPS "steps_lanes.h"
#define RJ__WIDE "wide_avx2.h"
#define RJ__UNITS "arch/units_avx2.h"
#define RJ__SCAN "arch/scan_avx2.h"
#define RJ__DIGITS "arch/digits_sse.h"
#define RJ__UTF8 "arch/utf8_sse.h"

#include "block_avx2.h"
#include "lanes_sse.h"
#include "to_end_avx2.h"

#endif
