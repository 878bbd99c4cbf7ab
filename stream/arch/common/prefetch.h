/* Asks for memory that is to be looked at soon. */
#ifndef RJSON_STREAM_ARCH_COMMON_PREFETCH_H
#define RJSON_STREAM_ARCH_COMMON_PREFETCH_H

#include "text/text.h"

#define RJ__CACHE_LINE 64
/* So far ahead of what is looked at in long runs is asked for: the processor's own prefetchers fall behind. */
#define RJ__READ_AHEAD 1024
/* RJ__READ_AHEAD where it is copied: what is further ahead, or where it goes, costs more on some processors than it
 * gains on others. */
#define RJ__COPIED_AHEAD 512

/* Asks for the `size` bytes that lie `distance` ahead of `p`, beyond the end of the text too. */
RJ__INLINE void
rj__prefetch_ahead(const void *p, size_t distance, size_t size)
{
    for (size_t i = 0; i < size; i += RJ__CACHE_LINE)
        __builtin_prefetch((const void *)((uintptr_t)p + distance + i));
}

/* So many items of an array ahead, so that arrays whose items lie anywhere in memory do not wait for each. */
#define RJ__ITEMS_AHEAD 32

/* Asks for an item: its header, and (of strings) where the contents begin. */
RJ__INLINE void
rj__prefetch_item(const void *item)
{
    __builtin_prefetch(item);
    __builtin_prefetch((const char *)item + RJ__CACHE_LINE);
}

#endif
