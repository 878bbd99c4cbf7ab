/* Chooses at run time, by asking the processor (and through it the operating system) what it runs. */
#include "text/text.h"

#define ARCH_OF(set) {#set, rj__put_text_##set, rj__runs_##set},

const rj__arch *
rj__arch_list(size_t *count)
{
    static const rj__arch all[] = {RJ__SETS(ARCH_OF)};
    size_t first = 0;
    while (!all[first].runs()) /* scalar, the last, always does */
        first++;
    *count = sizeof all / sizeof *all - first;
    return all + first;
}

const rj__arch *
rj__arch_named(const char *name)
{
    size_t count;
    const rj__arch *list = rj__arch_list(&count);
    for (size_t i = 0; i < count; i++)
        if (!name || strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}
