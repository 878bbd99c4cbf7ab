/* String bodies of rj_writer, avx2. */
#include "text/text.h"

/* Before the target header, since it runs on machines that have not got the set. */
int
rj__runs_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

#include "arch/avx2/target.h"

#include "arch/common/text_body.h"

uint8_t *
RJ__SHARED(rj__put_text)(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
