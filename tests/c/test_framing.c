/* The table of framings: what it promises to those who use it. */
#include "harness.h"
#include "framing.h"

#include <string.h>

static void
test_rows(void)
{
    for (int i = 0; i < RJ__FRAMING_COUNT; i++) {
        const rj__framing *f = &rj__framings[i];
        CHECK(rj__framing_find(f->name, 0) == i);
        CHECK(!(f->flags & RJ__FRAMING_JOINS) || (f->end.length == 0 && f->first.length == f->next.length));
        CHECK(!(f->flags & RJ__FRAMING_ONE_LINE) || memchr(f->suffix.bytes, '\n', f->suffix.length));
    }
}

static void
test_names(void)
{
    char names[80];
    CHECK(rj__framing_find("auto", RJ__FRAMING_WRITES) == -1);
    CHECK(rj__framing_find("auto", RJ__FRAMING_READS) == RJ__FRAMING_AUTO);
    CHECK(rj__framing_find("sse", RJ__FRAMING_READS) == RJ__FRAMING_SSE);
    CHECK(rj__framing_find("", 0) == -1);
    rj__framing_list(names, sizeof names, RJ__FRAMING_WRITES);
    CHECK(strcmp(names, "'concat', 'lines', 'sse', 'seq' or 'array'") == 0);
    rj__framing_list(names, 8, RJ__FRAMING_WRITES);
    CHECK(strlen(names) < 8);
}

static void
test_join_lines(void)
{
    char text[] = "{\r\n \"a\":1\n}\n";
    rj__framing_join_lines((uint8_t *)text, sizeof text - 1);
    CHECK(strcmp(text, "{   \"a\":1 } ") == 0);
    rj__framing_join_lines((uint8_t *)text, 0);
}

int
main(void)
{
    test_rows();
    test_names();
    test_join_lines();
    return 0;
}
