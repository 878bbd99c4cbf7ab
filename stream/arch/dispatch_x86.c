/* x86-64: asks the processor, and through it the operating system, what it can run. */
#include "../text.h"

const rj__arch *
rj__arch_list(size_t *count)
{
    static const rj__arch all[] = {{"avx2", rj__put_text_avx2}, {"scalar", rj__put_text_scalar}};
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
               __builtin_cpu_supports("popcnt");
    *count = avx2 ? 2 : 1;
    return avx2 ? all : all + 1;
}
