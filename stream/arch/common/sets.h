/*
 * The instruction sets that are compiled for a machine, best first: a machine that runs one runs all after it.
 * sets.txt beside dispatch.c says the same to the builds. Each has a folder here, and text_SET.c, which says whether
 * this machine runs it.
 */
#ifndef RJSON_STREAM_ARCH_COMMON_SETS_H
#define RJSON_STREAM_ARCH_COMMON_SETS_H

#if defined(__x86_64__)
#define RJ__SETS(X) X(avx512) X(avx2) X(sse4) X(scalar)
#elif defined(__aarch64__)
#define RJ__SETS(X) X(neon) X(scalar)
#else
#define RJ__SETS(X) X(scalar)
#endif

#endif
