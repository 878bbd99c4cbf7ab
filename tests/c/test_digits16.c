/* Sixteen digits at once, by AVX-512: every group of eight digits that is near a round number, and a million others, in both
 * halves. On machines without it there is nothing to test; the way of SSE2 is behind every double of test_number.c. */
#include "harness.h"

#if defined(__x86_64__)

#include "arch/avx512/target.h"

#include "arch/common/digits16.h"

static void
check(uint64_t n)
{
    char expected[17];
    uint8_t got[32];
    rj__digits17 digits = {rj__split_digits16(n), 1, 0};
    CHECK(rj__put_pointed17(got, &digits, RJ__POINT_LAST) == 18);
    snprintf(expected, sizeof expected, "%016llu", (unsigned long long)n);
    CHECK(memcmp(got, expected, 16) == 0);
}

static void
test_all(void)
{
    for (uint32_t n = 0; n < 100000000; n += 97) {
        check(n);
        check((uint64_t)n * 100000000 + (99999999 - n));
    }
    for (uint64_t power = 1; power < 100000000; power *= 10)
        for (uint64_t i = 1; i <= 10000 && i * power <= 100000000; i++)
            for (uint64_t n = i * power - 1; n < i * power + 2 && n < 100000000; n++) {
                check(n);
                check(n * 100000000 + n);
            }
}

#include "arch/common/target_end.h"

int
main(void)
{
    size_t count;
    if (strcmp(rj__arch_list(&count)[0].name, "avx512") == 0)
        test_all();
    return 0;
}

#else

int
main(void)
{
    return 0;
}

#endif
