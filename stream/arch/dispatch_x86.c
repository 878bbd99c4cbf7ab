/* x86-64: asks the processor, and through it the operating system, what it can run. */
#include "text/text.h"

static int
has_sse4(void)
{
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

static int
has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
           __builtin_cpu_supports("popcnt");
}

static int
has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2");
}

const rj__arch *
rj__arch_list(size_t *count)
{
    static const rj__arch all[] = {{"avx512", rj__put_text_avx512},
                                   {"avx2", rj__put_text_avx2},
                                   {"sse4", rj__put_text_sse4},
                                   {"scalar", rj__put_text_scalar}};
    __builtin_cpu_init();
    size_t first = has_avx512() ? 0 : has_avx2() ? 1 : has_sse4() ? 2 : 3;
    *count = 4 - first;
    return all + first;
}
