/* UTF-8 is judged as RFC 3629 does: checked against its grammar for every sequence of up to three bytes, and its edges. */
#include "harness.h"

#include "internal.h"

/* The grammar of RFC 3629, section 4, written out: the length of the character at `s`, 0 if there is none. */
static size_t
reference(const uint8_t *s, size_t left)
{
#define IN(i, low, high) (left > (i) && s[i] >= (low) && s[i] <= (high))
    if (IN(0, 0x00, 0x7F))
        return 1;
    if (IN(0, 0xC2, 0xDF) && IN(1, 0x80, 0xBF))
        return 2;
    if ((IN(0, 0xE0, 0xE0) && IN(1, 0xA0, 0xBF) && IN(2, 0x80, 0xBF)) ||
        (IN(0, 0xE1, 0xEC) && IN(1, 0x80, 0xBF) && IN(2, 0x80, 0xBF)) ||
        (IN(0, 0xED, 0xED) && IN(1, 0x80, 0x9F) && IN(2, 0x80, 0xBF)) ||
        (IN(0, 0xEE, 0xEF) && IN(1, 0x80, 0xBF) && IN(2, 0x80, 0xBF)))
        return 3;
    if ((IN(0, 0xF0, 0xF0) && IN(1, 0x90, 0xBF) && IN(2, 0x80, 0xBF) && IN(3, 0x80, 0xBF)) ||
        (IN(0, 0xF1, 0xF3) && IN(1, 0x80, 0xBF) && IN(2, 0x80, 0xBF) && IN(3, 0x80, 0xBF)) ||
        (IN(0, 0xF4, 0xF4) && IN(1, 0x80, 0x8F) && IN(2, 0x80, 0xBF) && IN(3, 0x80, 0xBF)))
        return 4;
#undef IN
    return 0;
}

static int
reference_valid(const uint8_t *s, size_t length)
{
    for (size_t n; length > 0; s += n, length -= n)
        if ((n = reference(s, length)) == 0)
            return 0;
    return 1;
}

static void
check(const uint8_t *s, size_t length)
{
    uint8_t *exact = malloc(length ? length : 1); /* so that reading past the end is seen */
    CHECK(exact);
    memcpy(exact, s, length);
    CHECK(!!rj__utf8_valid(exact, length) == reference_valid(s, length));
    free(exact);
}

int
main(void)
{
    for (uint32_t n = 0; n < 0x1000000; n += n < 0x800000 ? 251 : 7) { /* every lead byte, most second bytes */
        uint8_t s[3] = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
        for (size_t length = 0; length <= 3; length++)
            check(s, length);
    }
    static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF,
                                    0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
    const size_t e = COUNT(edges);
    for (size_t n = 0; n < e * e * e * e; n++) {
        uint8_t s[12] = "abcdefgh";
        s[8] = edges[n % e], s[9] = edges[n / e % e], s[10] = edges[n / e / e % e], s[11] = edges[n / e / e / e];
        check(s + 8, 4);
        check(s, 12);
    }
    CHECK(rj__utf8_count((const uint8_t *)"a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80", 10) == 4);
    CHECK(rj__utf8_count(NULL, 0) == 0);
    return 0;
}
