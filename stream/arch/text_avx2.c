/* String bodies of rj_writer, avx2. */
#include "target_avx2.h"

#include "text_body.h"

uint8_t *
rj__put_text_avx2(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "target_end.h"
