/* String bodies of rj_writer, neon. */
#include "target_neon.h"

#include "text_body.h"

uint8_t *
rj__put_text_neon(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "target_end.h"
