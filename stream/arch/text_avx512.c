/* String bodies of rj_writer, avx512. */
#include "arch/avx512/target.h"

#include "arch/common/text_body.h"

uint8_t *
rj__put_text_avx512(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
