/* Which characters must be escaped, and how (RFC 8259, section 7). */
#include "text/text.h"

#define X8(c) c, c, c, c, c, c, c, c
#define X32(c)                                                                                                              \
    {                                                                                                                       \
        X8(c), X8(c), X8(c), X8(c)                                                                                          \
    }

const uint8_t rj__escape_letter[256] = {
    X8('u'), 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u', X8('u'), X8('u'), ['"'] = '"', ['\\'] = '\\',
};

const uint8_t rj__unescaped[256] = {
    ['"'] = '"', ['/'] = '/', ['\\'] = '\\', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
};

#define NO2 RJ__NO_DIGIT, RJ__NO_DIGIT
#define NONE8 X8(RJ__NO_DIGIT)
#define NONE32 NONE8, NONE8, NONE8, NONE8
#define LETTERS RJ__NO_DIGIT, 10, 11, 12, 13, 14, 15, RJ__NO_DIGIT, NONE8, NONE8, NONE8

const uint8_t rj__hex_value[256] = {
    NONE32, NONE8, NONE8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NO2, NO2, NO2, LETTERS, LETTERS, NONE32, NONE32, NONE32, NONE32,
};

_Alignas(32) const uint8_t rj__quotes[32] = X32('"');
_Alignas(32) const uint8_t rj__backslashes[32] = X32('\\');
_Alignas(32) const uint8_t rj__controls[32] = X32(0x1f);

#define SELF(c)                                                                                                             \
    {                                                                                                                       \
        {c}, 1                                                                                                              \
    }
#define SELF4(c) SELF(c), SELF((c) + 1), SELF((c) + 2), SELF((c) + 3)
#define SELF16(c) SELF4(c), SELF4((c) + 4), SELF4((c) + 8), SELF4((c) + 12)
#define SELF64(c) SELF16(c), SELF16((c) + 16), SELF16((c) + 32), SELF16((c) + 48)
#define SHORT(letter)                                                                                                       \
    {                                                                                                                       \
        {'\\', letter}, 2                                                                                                   \
    }
#define LONG(high, low)                                                                                                     \
    {                                                                                                                       \
        {'\\', 'u', '0', '0', high, low}, 6                                                                                 \
    }
#define LONG4(h, a, b, c, d) LONG(h, a), LONG(h, b), LONG(h, c), LONG(h, d)

const rj__spelling rj__spellings[256] = {
    LONG4('0', '0', '1', '2', '3'),
    LONG4('0', '4', '5', '6', '7'),
    SHORT('b'),
    SHORT('t'),
    SHORT('n'),
    LONG('0', 'b'),
    SHORT('f'),
    SHORT('r'),
    LONG('0', 'e'),
    LONG('0', 'f'),
    LONG4('1', '0', '1', '2', '3'),
    LONG4('1', '4', '5', '6', '7'),
    LONG4('1', '8', '9', 'a', 'b'),
    LONG4('1', 'c', 'd', 'e', 'f'),
    SELF(' '),
    SELF('!'),
    SHORT('"'),
    SELF('#'),
    SELF4('$'),
    SELF4('('),
    SELF4(','),
    SELF16('0'),
    SELF16('@'),
    SELF4('P'),
    SELF4('T'),
    SELF4('X'),
    SHORT('\\'),
    SELF(']'),
    SELF('^'),
    SELF('_'),
    SELF16('`'),
    SELF16('p'),
    SELF64(0x80),
    SELF64(0xC0),
};
