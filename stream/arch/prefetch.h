/* Asks for memory that is to be looked at soon. */
#ifndef RJSON_PREFETCH_H
#define RJSON_PREFETCH_H

#include "../text.h"

#define RJ__CACHE_LINE 64
/* So far ahead of what is looked at in long runs is asked for: the processor's own prefetchers fall behind. */
#define RJ__PREFETCHED 1024

/* Asks for the `size` bytes that lie that far ahead of `p`, beyond the end of the text too. */
RJ__INLINE void
rj__prefetch_ahead(const void *p, size_t size)
{
    for (size_t i = 0; i < size; i += RJ__CACHE_LINE)
        __builtin_prefetch((const void *)((uintptr_t)p + RJ__PREFETCHED + i));
}

#endif
