/* String bodies of rj_writer, scalar. */
#include "target_scalar.h"

#include "text_body.h"

uint8_t *
rj__put_text_scalar(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "target_end.h"
