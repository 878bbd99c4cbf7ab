/*
 * AVX-512, with IFMA, VBMI and VBMI2 (Ice Lake, Zen 4 and later): the blocks of AVX2, steps of their own, and the
 * digits of numbers eight at a time. Everything after this header is compiled for it, so it is included last. The
 * choice at run time is in dispatch.c.
 */
#ifndef RJSON_STREAM_ARCH_AVX512_TARGET_H
#define RJSON_STREAM_ARCH_AVX512_TARGET_H

#include "arch/common/scalar_block.h"
#include "arch/common/set.h"

#include <immintrin.h>

#if defined(__clang__)
#define RJ__ENDS_ATTRIBUTE 1
#pragma clang attribute push(                                                                                               \
    __attribute__((                                                                                                         \
        target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt"))),        \
    apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512ifma,avx512vbmi,avx512vbmi2,avx2,bmi,bmi2,lzcnt,popcnt")
#endif

#define RJ__SET avx512
#define RJ__HAS_MASKED_LOADS 1
#define RJ__HAS_IFMA 1 /* and permutations of bytes: VBMI */

#include "arch/avx2/block.h"
#include "arch/avx512/block.h"

#endif
