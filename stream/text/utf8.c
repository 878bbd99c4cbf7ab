/* UTF-8 (RFC 3629, section 4): validation and counting. */
#include "internal.h"

/* How long the character is that `lead` begins, and the smallest and largest second byte that it allows (they exclude
 * overlong forms, surrogates, and what lies beyond U+10FFFF). 0: no character begins so. */
static unsigned
sequence_length(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0;
        if (lead == 0xED)
            *high = 0x9F;
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90;
        if (lead == 0xF4)
            *high = 0x8F;
        return 4;
    }
    return 0;
}

static int
continues(const uint8_t *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return 1;
}

size_t
rj__utf8_whole(const uint8_t *s, size_t length)
{
    const uint8_t *begin = s, *end = s + length;
    while (s < end) {
        uint64_t eight;
        if (end - s >= 8 && (memcpy(&eight, s, 8), (eight & 0x8080808080808080u) == 0)) {
            s += 8;
            continue;
        }
        if (*s < 0x80) {
            s++;
            continue;
        }
        uint8_t low, high;
        unsigned n = sequence_length(*s, &low, &high);
        if (n == 0 || (size_t)(end - s) < n || s[1] < low || s[1] > high || !continues(s + 2, n - 2))
            break;
        s += n;
    }
    return (size_t)(s - begin);
}

int
rj__utf8_valid(const uint8_t *s, size_t length)
{
    return rj__utf8_whole(s, length) == length;
}

int
rj__utf8_is_cut_off(const uint8_t *s, size_t length)
{
    uint8_t low, high;
    unsigned n = length ? sequence_length(*s, &low, &high) : 0;
    if (n <= length)
        return 0;
    return length == 1 || (s[1] >= low && s[1] <= high && continues(s + 2, (unsigned)length - 2));
}

uint64_t
rj__utf8_count(const uint8_t *s, size_t length)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t continuation = 0;
    size_t i = 0;
    for (; length - i >= 8; i += 8) {
        uint64_t eight;
        memcpy(&eight, s + i, 8);
        /* A byte for each that begins with the bits 10; the product's highest byte is their sum. */
        continuation += ((eight >> 7 & ~eight >> 6 & ones) * ones) >> 56;
    }
    for (; i < length; i++)
        continuation += (s[i] & 0xC0) == 0x80;
    return length - continuation;
}
