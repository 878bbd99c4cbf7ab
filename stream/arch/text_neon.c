/* String bodies of rj_writer, neon. */
#include "text/text.h"

int
rj__runs_neon(void)
{
    return 1; /* every 64-bit ARM has it */
}

#include "arch/neon/target.h"

#include "arch/common/text_body.h"

uint8_t *
RJ__SHARED(rj__put_text)(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
