/* String bodies of rj_writer, sse4. */
#include "text/text.h"

/* Before the target header, since it runs on machines that have not got the set. */
int
rj__runs_sse4(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

#include "arch/sse4/target.h"

#include "arch/common/text_body.h"

uint8_t *
RJ__SHARED(rj__put_text)(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
