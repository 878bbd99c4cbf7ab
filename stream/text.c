/* The escape table of RFC 8259, section 7. */
#include "text.h"

#define U8 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u'

const uint8_t rj__escape_letter[256] = {
    U8, 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u', U8, U8, ['"'] = '"', ['\\'] = '\\',
};
