/* String bodies of rj_writer, scalar. */
#include "arch/scalar/target.h"

#include "arch/common/text_body.h"

uint8_t *
rj__put_text_scalar(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
