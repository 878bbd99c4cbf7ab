/* String bodies of rj_writer, avx512. */
#include "text/text.h"

/* Before the target header, since it runs on machines that have not got the set. */
int
rj__runs_avx512(void)
{
    __builtin_cpu_init();
    return rj__runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2");
}

#include "arch/avx512/target.h"

#include "arch/common/text_body.h"

uint8_t *
RJ__SHARED(rj__put_text)(rj__text *text, uint8_t *dst, const uint8_t *end)
{
    return rj__put_text(text, dst, end);
}

#include "arch/common/target_end.h"
