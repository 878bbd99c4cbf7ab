/* Ends what a target header began. */
#if defined(__clang__) && (defined(RJSON_TARGET_SSE4_H) || defined(RJSON_TARGET_AVX2_H) || defined(RJSON_TARGET_AVX512_H))
#pragma clang attribute pop
#endif
