/* Machines without a specialised body: scalar only. */
#include "text/text.h"

const rj__arch *
rj__arch_list(size_t *count)
{
    static const rj__arch all[] = {{"scalar", rj__put_text_scalar}};
    *count = 1;
    return all;
}
