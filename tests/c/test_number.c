/* Numbers are written as C's own printf and strtod say: integers exactly, doubles so that they read back, in as few digits as
 * possible, spelled as Python's repr does (tests/py/encode/test_numbers.py compares with repr itself). */
#include "harness.h"

#include "number/number.h"

#include <inttypes.h>
#include <math.h>

static uint64_t random_state = 88172645463325252u;

/* xorshift64 (Marsaglia, 2003): the same numbers in every run. */
static uint64_t
random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void
check_u64(uint64_t n)
{
    uint8_t got[RJ__NUMBER_ROOM];
    char expected[32];
    *rj__put_u64(got, n) = '\0';
    snprintf(expected, sizeof expected, "%" PRIu64, n);
    CHECK(strcmp((char *)got, expected) == 0);
}

static void
check_i64(int64_t n)
{
    uint8_t got[RJ__NUMBER_ROOM];
    char expected[32];
    *rj__put_i64(got, n) = '\0';
    snprintf(expected, sizeof expected, "%" PRId64, n);
    CHECK(strcmp((char *)got, expected) == 0);
}

static void
test_integers(void)
{
    for (uint64_t n = 0; n < 20000; n++)
        check_u64(n);
    for (uint64_t p = 1; p <= 10000000000000000000u / 10; p *= 10)
        for (uint64_t d = 0; d < 3; d++)
            check_u64(p * 10 - 1 + d), check_u64(p + d), check_u64(9 * p - d);
    check_u64(UINT64_MAX);
    check_i64(INT64_MIN);
    check_i64(INT64_MAX);
    for (int i = 0; i < 300000; i++) {
        uint64_t n = random64() >> (random64() % 64);
        check_u64(n);
        check_i64((int64_t)n);
        check_i64(-(int64_t)(n >> 1));
    }
}

/* Significant digits of a decimal number's text. */
static int
significant_digits(const char *text)
{
    int count = 0, zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        zeros = *text == '0' ? zeros + 1 : 0;
        count++;
    }
    return count - zeros;
}

static void
check_double(double d)
{
    uint8_t got[RJ__NUMBER_ROOM];
    char shortest[40];
    int precision = 1;
    memset(got, '#', sizeof got);
    *rj__put_double(got, d) = '\0';
    double back = strtod((char *)got, NULL);
    CHECK(memcmp(&back, &d, sizeof d) == 0);
    do
        snprintf(shortest, sizeof shortest, "%.*e", precision - 1, d);
    while (strtod(shortest, NULL) != d && precision++ < 17);
    /* Fewer is possible: below a power of two the nearest of the short decimals need not be the one that reads back. */
    CHECK(significant_digits((char *)got) <= significant_digits(shortest));
}

static void
test_doubles(void)
{
    static const struct {
        double value;
        const char *text;
    } spelled[] = {{0.0, "0.0"},
                   {-0.0, "-0.0"},
                   {1.0, "1.0"},
                   {-1.5, "-1.5"},
                   {0.1, "0.1"},
                   {1e15, "1000000000000000.0"},
                   {1e16, "1e+16"},
                   {1e-4, "0.0001"},
                   {1e-5, "1e-05"},
                   {1.5e-7, "1.5e-07"},
                   {1e100, "1e+100"},
                   {5e-324, "5e-324"},
                   {123456789012345678.0, "1.2345678901234568e+17"},
                   {9007199254740993.0, "9007199254740992.0"},
                   {1.7976931348623157e308, "1.7976931348623157e+308"},
                   {2.2250738585072014e-308, "2.2250738585072014e-308"}};
    for (size_t i = 0; i < COUNT(spelled); i++) {
        uint8_t got[RJ__NUMBER_ROOM];
        *rj__put_double(got, spelled[i].value) = '\0';
        CHECK(strcmp((char *)got, spelled[i].text) == 0);
    }
    for (int e = -1074; e < 1024; e++) {
        double d = ldexp(1.0, e);
        check_double(d), check_double(nextafter(d, 0)), check_double(nextafter(d, INFINITY));
    }
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = random64();
        double d;
        memcpy(&d, &bits, sizeof d);
        if (isfinite(d) && d != 0)
            check_double(d);
    }
    for (int i = 1; i < 100000; i++)
        check_double(i / 100.0), check_double(i * 1e17), check_double(i + 0.5);
}

int
main(void)
{
    test_integers();
    test_doubles();
    return 0;
}
