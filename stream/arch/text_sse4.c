/* String bodies of rj_writer, sse4. */
#include "target_sse4.h"

#include "text_body.h"

uint8_t *
rj__put_text_sse4(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "target_end.h"
