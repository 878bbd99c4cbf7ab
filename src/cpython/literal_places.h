/*
 * A perfect hash of three addresses, those of True, False and None: the highest bits of the product with a factor that is
 * searched once, at import. Knows nothing of Python, so that a test can ask about any addresses.
 */
#ifndef RJSON_CPYTHON_LITERAL_PLACES_H
#define RJSON_CPYTHON_LITERAL_PLACES_H

#include <stddef.h>
#include <stdint.h>

#define RJ_LITERAL_BITS 3
#define RJ_LITERAL_COUNT 3
/* A factor serves with a probability of a quarter at least (each of the three pairs has equal places in at most one of four
 * cases), so that one in 10^128 searches ends without. */
#define RJ_LITERAL_TRIES 1024

static inline size_t
rjpy_place_of_address(uint64_t factor, uintptr_t address)
{
    return (size_t)(address * factor >> (64 - RJ_LITERAL_BITS));
}

/* A factor that gives each of these addresses a place of its own; 0 if none was found. Addresses that differ in few
 * bits, low ones among them, need factors that differ in all bits: hence powers of an odd number, which is 5 modulo
 * 8, so that they repeat only after 2^62 of them. */
static inline uint64_t
rjpy_literal_factor(const uintptr_t addresses[RJ_LITERAL_COUNT])
{
    const uint64_t golden = 0x9E3779B97F4A7C15u; /* 2^64 divided by the golden ratio */
    uint64_t factor = golden;
    for (int i = 0; i < RJ_LITERAL_TRIES; i++, factor *= golden) {
        size_t a = rjpy_place_of_address(factor, addresses[0]);
        size_t b = rjpy_place_of_address(factor, addresses[1]);
        size_t c = rjpy_place_of_address(factor, addresses[2]);
        if (a != b && b != c && c != a)
            return factor;
    }
    return 0;
}

#endif
