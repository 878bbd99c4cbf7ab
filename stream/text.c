/* Which characters must be escaped, and how (RFC 8259, section 7). */
#include "text.h"

#define X8(c) c, c, c, c, c, c, c, c
#define X32(c)                                                                                                              \
    {                                                                                                                       \
        X8(c), X8(c), X8(c), X8(c)                                                                                          \
    }

const uint8_t rj__escape_letter[256] = {
    X8('u'), 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u', X8('u'), X8('u'), ['"'] = '"', ['\\'] = '\\',
};

_Alignas(32) const uint8_t rj__quotes[32] = X32('"');
_Alignas(32) const uint8_t rj__backslashes[32] = X32('\\');
_Alignas(32) const uint8_t rj__controls[32] = X32(0x1f);
