/* See framing.h. */
#include "framing.h"

#include <stdio.h>
#include <string.h>

#define AFFIX(text)                                                                                                         \
    {                                                                                                                       \
        text, sizeof(text) - 1                                                                                              \
    }
#define ROW(NAME, name, first, next, suffix, end, flags)                                                                    \
    [RJ__FRAMING_##NAME] = {name, AFFIX(first), AFFIX(next), AFFIX(suffix), AFFIX(end), flags},

const rj__framing rj__framings[RJ__FRAMING_COUNT] = {RJ__FRAMING_MAP(ROW)};

static int
has(const rj__framing *framing, int flags)
{
    return (framing->flags & flags) == flags;
}

int
rj__framing_find(const char *name, int flags)
{
    for (int i = 0; i < RJ__FRAMING_COUNT; i++)
        if (has(&rj__framings[i], flags) && strcmp(name, rj__framings[i].name) == 0)
            return i;
    return -1;
}

void
rj__framing_list(char *out, size_t size, int flags)
{
    int left = 0;
    size_t length = 0;
    for (int i = 0; i < RJ__FRAMING_COUNT; i++)
        left += has(&rj__framings[i], flags);
    out[0] = 0;
    for (int i = 0; i < RJ__FRAMING_COUNT && length < size; i++) {
        if (!has(&rj__framings[i], flags))
            continue;
        const char *separator = --left > 1 ? ", " : left == 1 ? " or " : "";
        length += (size_t)snprintf(out + length, size - length, "'%s'%s", rj__framings[i].name, separator);
    }
}

int
rj__framing_is_self_delimiting(int last)
{
    return last == ']' || last == '}' || last == '"';
}

void
rj__framing_join_lines(uint8_t *bytes, size_t length)
{
    for (const char *newline = "\n\r"; *newline; newline++)
        for (uint8_t *p = bytes; (p = memchr(p, *newline, length - (size_t)(p - bytes))) != NULL;)
            *p = ' ';
}
