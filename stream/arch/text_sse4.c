/* String bodies of rj_writer, sse4. */
#include "arch/sse4/target.h"

#include "arch/common/text_body.h"

uint8_t *
rj__put_text_sse4(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
