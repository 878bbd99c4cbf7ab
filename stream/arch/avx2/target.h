/*
 * AVX2: 32 bytes at a time. Everything after this header is compiled for AVX2, BMI1/2, LZCNT and POPCNT, so it is
 * included last. The choice at run time is in dispatch.c.
 */
#ifndef RJSON_STREAM_ARCH_AVX2_TARGET_H
#define RJSON_STREAM_ARCH_AVX2_TARGET_H

#include "arch/common/scalar_block.h"
#include "arch/common/set.h"

#include <immintrin.h>

#if defined(__clang__)
#define RJ__ENDS_ATTRIBUTE 1
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#else
#pragma GCC target("avx2,bmi,bmi2,lzcnt,popcnt")
#endif

#define RJ__SET avx2
#define RJ__HAS_AVX2 1

#include "arch/avx2/block.h"
#include "arch/sse4/lanes.h"
#include "arch/avx2/to_end.h"

#endif
