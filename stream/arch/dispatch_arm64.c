/* 64-bit ARM: always has NEON. */
#include "text/text.h"

const rj__arch *
rj__arch_list(size_t *count)
{
    static const rj__arch all[] = {{"neon", rj__put_text_neon}, {"scalar", rj__put_text_scalar}};
    *count = 2;
    return all;
}
