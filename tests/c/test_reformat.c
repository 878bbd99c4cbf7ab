/* The transcoder: what comes out, for every instruction set, however the text is cut, however small the windows are and whenever the sink pauses; text and
 * windows end at guard pages. */
#define _GNU_SOURCE
#include "harness.h"

#include "reformat/reformat.h"
#include "text/text.h"

#include <sys/mman.h>
#include <unistd.h>

#define TEXT_MAX 4096
#define OUT_MAX 262144

/* ---- a sink that keeps what it gets, whose windows end at a guard page */

typedef struct cruel_sink {
    rj_sink base;
    uint8_t *guard; /* behind the last byte of every window */
    size_t window, length;
    unsigned calls, pause_every, fail_at; /* of lend and flush, by their number; 0: never */
    uint8_t out[OUT_MAX];
} cruel_sink;

static int
cruel_call(cruel_sink *s)
{
    s->calls++;
    if (s->calls == s->fail_at)
        return rj_sink_fail(&s->base, RJ_EIO, EPIPE);
    return s->pause_every && s->calls % s->pause_every == 0 ? RJ_PAUSE : RJ_OK;
}

static int
cruel_lend(rj_sink *base, size_t hint, rj_window *out)
{
    cruel_sink *s = (cruel_sink *)base;
    (void)hint;
    *out = (rj_window){s->guard - s->window, s->guard};
    return cruel_call(s);
}

static int
cruel_take(rj_sink *base, size_t used)
{
    cruel_sink *s = (cruel_sink *)base;
    CHECK(used <= s->window && s->length + used <= OUT_MAX);
    memcpy(s->out + s->length, s->guard - s->window, used);
    s->length += used;
    base->accepted += used;
    return RJ_OK;
}

static int
cruel_flush(rj_sink *base)
{
    return cruel_call((cruel_sink *)base);
}

static void
cruel_close(rj_sink *base)
{
    (void)base;
}

static const rj_sink_ops cruel_ops = {cruel_lend, cruel_take, cruel_flush, NULL, cruel_close};

/* The end of memory that may be touched. */
static uint8_t *
guard_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (size + 2 * page - 1) / page * page;
    uint8_t *map = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    CHECK(mprotect(map + whole - page, page, PROT_NONE) == 0);
    return map + whole - page;
}

static uint8_t *text_guard;
static cruel_sink sink;

static void
sink_reset(size_t window)
{
    uint8_t *guard = sink.guard ? sink.guard : guard_new(65536);
    memset(&sink, 0, sizeof sink);
    sink.base.ops = &cruel_ops;
    sink.guard = guard;
    sink.window = window;
}

/* ---- running it */

typedef struct way {
    const char *isa; /* NULL: the best */
    size_t piece;    /* bytes at a time; 0: all */
    size_t window;
    unsigned pause_every, fail_at;
} way;

/* Feeds a text in pieces, each of which ends at a guard page. What the first call that failed answered, or RJ_OK. */
static int
run(rj_reformat *r, const uint8_t *text, size_t length, size_t piece)
{
    size_t used;
    int rc;
    for (size_t i = 0; i < length;) {
        size_t n = piece && piece < length - i ? piece : length - i;
        uint8_t *at = memcpy(text_guard - n, text + i, n);
        rc = rj_reformat_feed(r, at, n, &used);
        CHECK(used <= n && (rc != RJ_OK || used == n) && rc <= RJ_PAUSE);
        if (rc < 0)
            return rc;
        i += used;
    }
    while ((rc = rj_reformat_finish(r)) == RJ_PAUSE)
        ;
    return rc;
}

static int
transcode(const rj_reformat_options *options, const void *text, size_t length, way how, rj_reformat_failure *failure)
{
    rj_reformat *r;
    sink_reset(how.window ? how.window : 4096);
    sink.pause_every = how.pause_every;
    sink.fail_at = how.fail_at;
    CHECK(rj_reformat_new(&r, &sink.base, options, NULL) == RJ_OK);
    if (how.isa)
        r->arch = rj__reformat_arch_named(how.isa);
    int rc = run(r, text, length, how.piece);
    *failure = rj_reformat_error(r);
    CHECK(failure->status == rc && failure->accepted == sink.length);
    rj_reformat_free(r);
    return rc;
}

/* ---- what comes out */

static const struct {
    rj_reformat_options options;
    const char *text, *expected;
} cases[] = {
    {{0}, " { \"a\" : [ 1 , 2.50 , -0 , 1E+5 ] , \"b\":{ } , \"a\" : [ ] }\n", "{\"a\":[1,2.50,-0,1E+5],\"b\":{},\"a\":[]}"},
    {{.indent = "  "}, "{\"a\":[1,{}],\"b\":[]}", "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}"},
    {{.indent = ""}, "[1,[2]]", "[\n1,\n[\n2\n]\n]"},
    {{.indent = "\t"}, "[[true]]", "[\n\t[\n\t\ttrue\n\t]\n]"},
    {{.item_separator = ", ", .key_separator = ": "}, "[1,2,{\"a\":3}]", "[1, 2, {\"a\": 3}]"},
    {{.ascii = 1}, "\"\\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\x7F~\"", "\"\\n\\u00e9\\u20ac\\ud83d\\ude00\\u007f~\""},
    {{0}, "\xEF\xBB\xBF 1", "1"},
    {{0}, "1 2\n\"a\"[]null", "1\n2\n\"a\"\n[]\nnull"},
    {{.out = RJ_FRAMING_LINES}, "[1,{\"a\":[2]},[]]", "1\n{\"a\":[2]}\n[]\n"},
    {{.out = RJ_FRAMING_LINES}, " [ ] ", ""},
    {{.out = RJ_FRAMING_LINES}, "", ""},
    {{.in = RJ_FRAMING_CONCAT, .out = RJ_FRAMING_LINES}, "[1] [2]", "[1]\n[2]\n"},
    {{.in = RJ_FRAMING_LINES, .out = RJ_FRAMING_ARRAY}, "1\n\n{\"a\":2}\n", "[1,{\"a\":2}]"},
    {{.in = RJ_FRAMING_LINES, .out = RJ_FRAMING_ARRAY}, "\n", "[]"},
    {{.indent = " ", .in = RJ_FRAMING_LINES, .out = RJ_FRAMING_ARRAY}, "1\n[2]\n", "[\n 1,\n [\n  2\n ]\n]"},
    {{.indent = " ", .out = RJ_FRAMING_ARRAY}, "[1,[2]]", "[\n 1,\n [\n  2\n ]\n]"},
    {{.out = RJ_FRAMING_SEQ},
     "[1,\"a\"]",
     "\x1E"
     "1\n\x1E\"a\"\n"},
    {{0},
     "\x1E"
     "1\n\x1E\x1E[2]\n\x1E\"a\"",
     "1\n[2]\n\"a\""},
    {{.out = RJ_FRAMING_CONCAT}, "[1,2,\"a\",null,[]]", "1 2 \"a\"null []"},
    {{.out = RJ_FRAMING_DOCUMENT}, "[1,2]", "[1,2]"},
};

/* Each case by each instruction set, cut at each place, in small windows, with pauses. */
static void
test_what_comes_out(void)
{
    size_t archs;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t a = 0; a < archs; a++)
            for (size_t piece = 0; piece <= strlen(cases[i].text); piece++) {
                rj_reformat_failure failure;
                way how = {.isa = list[a].name, .piece = piece, .window = RJ_WINDOW_MIN, .pause_every = (unsigned)(i % 3)};
                how.pause_every += how.pause_every == 1;
                int rc = transcode(&cases[i].options, cases[i].text, strlen(cases[i].text), how, &failure);
                if (rc != RJ_OK || sink.length != strlen(cases[i].expected) ||
                    memcmp(sink.out, cases[i].expected, sink.length) != 0)
                    fprintf(stderr, "case %zu: %s: %s: %.*s\n", i, list[a].name, failure.message, (int)sink.length,
                            sink.out);
                CHECK(rc == RJ_OK && sink.length == strlen(cases[i].expected));
                CHECK(memcmp(sink.out, cases[i].expected, sink.length) == 0);
            }
}

/* ---- mistakes */

static const struct {
    rj_reformat_options options;
    const char *text, *message;
    unsigned offset, line, column;
    const char *written;
} mistakes[] = {
    {{0}, "", "Expecting value", 0, 1, 1, ""},
    {{0}, "[1,]", "Expecting value", 3, 1, 4, "[1,"},
    {{0}, "[1\n,\n 2x]", "Expecting ',' delimiter", 7, 3, 3, "[1,2"},
    {{0}, "{\"\xC3\xA9\" 1}", "Expecting ':' delimiter", 6, 1, 6, "{\"\xC3\xA9\""},
    {{0}, "{1:2}", "Expecting property name enclosed in double quotes", 1, 1, 2, "{"},
    {{0}, "[01]", "Expecting ',' delimiter", 2, 1, 3, "[0"},
    {{0}, "[1.]", "Expecting a digit", 3, 1, 4, "[1"},
    {{0}, "[1e+]", "Expecting a digit", 4, 1, 5, "[1"},
    {{0}, "-", "Expecting a digit", 1, 1, 2, ""},
    {{0}, "[trux]", "Expecting value", 1, 1, 2, "["},
    {{0}, "\"\\x\"", "Invalid \\escape", 1, 1, 2, "\""},
    {{0}, "\"\\u12g4\"", "Invalid \\uXXXX escape", 1, 1, 2, "\""},
    {{0}, "\"a\tb\"", "Invalid control character at", 2, 1, 3, "\"a"},
    {{0}, "\"a\xC3(\"", "Invalid UTF-8", 2, 1, 3, "\"a"},
    {{0}, "\"a\xED\xA0\x80\"", "Invalid UTF-8", 2, 1, 3, "\"a"},
    {{0}, "\"a\xC3", "Invalid UTF-8", 2, 1, 3, "\"a"},
    {{0}, "\"abc", "Unterminated string", 4, 1, 5, "\"abc"},
    {{0}, "[1", "Expecting ',' delimiter", 2, 1, 3, "[1"},
    {{0}, "01", "Extra data", 1, 1, 2, "0"},
    {{.in = RJ_FRAMING_DOCUMENT}, "1 2", "Extra data", 2, 1, 3, "1"},
    {{.out = RJ_FRAMING_DOCUMENT}, "[1][2]", "Extra data", 3, 1, 4, "[1]"},
    {{.in = RJ_FRAMING_LINES}, "1 2", "Expecting a newline between values", 2, 1, 3, "1"},
    {{.in = RJ_FRAMING_ARRAY}, "{}", "Expecting an array", 0, 1, 1, ""},
    {{.in = RJ_FRAMING_ARRAY}, "[1,2", "Expecting ',' delimiter", 4, 1, 5, "1\n2"},
    {{.in = RJ_FRAMING_ARRAY}, "[1,2]]", "Extra data", 5, 1, 6, "1\n2"},
    {{.in = RJ_FRAMING_SEQ}, "1\n", "Expecting a record separator", 0, 1, 1, ""},
    {{.in = RJ_FRAMING_SEQ},
     "\x1E"
     "12",
     "Expecting white space behind the record: it may be cut off",
     3,
     1,
     4,
     "12"},
    {{.max_depth = 2}, "[[[", "Nested too deeply (max_depth)", 2, 1, 3, "[["},
    {{0}, "\x1E\xEF\xBB\xBF 1", "Expecting value", 1, 1, 2, ""},
    {{0}, " \xEF\xBB\xBF 1", "Expecting value", 1, 1, 2, ""},
    {{0}, "\xEF\xBB\xBF\xEF\xBB\xBF 1", "Expecting value", 3, 1, 2, ""},
    {{0}, "[1]\0", "Expecting value", 3, 1, 4, "[1]"},
};

/* Each is found at its place, whatever the pieces; what was written before is what was right. */
static void
test_mistakes(void)
{
    size_t archs;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t i = 0; i < COUNT(mistakes); i++)
        for (size_t a = 0; a < archs; a++)
            for (size_t piece = 0; piece < 5; piece++) {
                size_t length = strlen(mistakes[i].text) + (i == COUNT(mistakes) - 1);
                rj_reformat_failure f;
                int rc = transcode(&mistakes[i].options, mistakes[i].text, length, (way){list[a].name, piece, 0, 0, 0}, &f);
                if (rc >= 0 || strcmp(f.message, mistakes[i].message) != 0 || f.offset != mistakes[i].offset)
                    fprintf(stderr, "mistake %zu: %s at %u\n", i, f.message, (unsigned)f.offset);
                CHECK(rc < 0 && strcmp(f.message, mistakes[i].message) == 0);
                CHECK(f.offset == mistakes[i].offset && f.line == mistakes[i].line && f.column == mistakes[i].column);
                CHECK(sink.length == strlen(mistakes[i].written) && !memcmp(sink.out, mistakes[i].written, sink.length));
            }
}

/* ---- long tokens and deep nesting, against one piece on scalar code */

static size_t
put_text(uint8_t *out, size_t length, const char *text)
{
    memcpy(out + length, text, strlen(text));
    return length + strlen(text);
}

/* A text with everything in it: strings of all lengths around the vectors' with something special at each place, numbers of all lengths, white space of
 * all lengths, and brackets. */
static size_t
make_text(uint8_t *out, size_t seed)
{
    static const char *const specials[] = {"\\n",  "\\u00e9", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                           "\x7F", "\\\"",    "~"};
    size_t n = put_text(out, 0, "[");
    for (size_t i = 0; i < 12; i++) {
        size_t length = (seed * 7 + i * 13) % 150, at = length ? (seed + i * 5) % length : 0;
        n = put_text(out, n, i % 3 ? "{\"" : "{ \"");
        for (size_t j = 0; j < length; j++) {
            out[n++] = (uint8_t)('a' + j % 26);
            if (j == at)
                n = put_text(out, n, specials[(seed + i) % COUNT(specials)]);
        }
        n = put_text(out, n, i % 2 ? "\" :\n" : "\":");
        for (size_t j = 0; j < (seed + i) % 70; j++)
            out[n++] = i % 5 ? ' ' : '\n';
        if (i % 4 == 0)
            out[n++] = '-';
        out[n++] = '1';
        for (size_t j = 0; j < (seed * 3 + i) % 45; j++)
            out[n++] = (uint8_t)('0' + j % 10);
        if (i % 2)
            n = put_text(out, n, ".5000000000000000000");
        if (i % 3 == 0)
            n = put_text(out, n, "E-07");
        n = put_text(out, n, ",\"k\":[[],{},[true,false , null]]}");
        n = put_text(out, n, i < 11 ? "," : "]");
    }
    CHECK(n < TEXT_MAX);
    return n;
}

static const rj_reformat_options layouts[] = {{0},
                                              {.indent = "  "},
                                              {.indent = " \t \t \t \t \t \t"},
                                              {.ascii = 1},
                                              {.ascii = 1, .indent = ""},
                                              {.out = RJ_FRAMING_LINES},
                                              {.item_separator = " , "}};

static uint8_t expected[OUT_MAX];

static void
check_every_way(const rj_reformat_options *options, const uint8_t *text, size_t length)
{
    static const size_t pieces[] = {0, 1, 2, 3, 31, 64, 193, 200, 257, 1000};
    size_t archs, expected_length;
    const rj__arch *list = rj__arch_list(&archs);
    rj_reformat_failure failure;
    CHECK(transcode(options, text, length, (way){"scalar", 1, RJ_WINDOW_MIN, 0, 0}, &failure) == RJ_OK);
    expected_length = sink.length;
    memcpy(expected, sink.out, sink.length);
    for (size_t a = 0; a < archs; a++)
        for (size_t p = 0; p < COUNT(pieces); p++)
            for (unsigned pause = 0; pause < 4; pause += 2) {
                size_t window = RJ_WINDOW_MIN + (p * 37 + pause) % 700;
                CHECK(transcode(options, text, length, (way){list[a].name, pieces[p], window, pause, 0}, &failure) == RJ_OK);
                CHECK(sink.length == expected_length && memcmp(sink.out, expected, expected_length) == 0);
            }
}

static void
test_every_way_is_the_same(void)
{
    uint8_t text[TEXT_MAX];
    for (size_t seed = 0; seed < 60; seed++) {
        size_t length = make_text(text, seed);
        for (size_t i = 0; i < COUNT(layouts); i++)
            check_every_way(&layouts[i], text, length);
    }
}

/* UTF-8 that is broken at each place around the vectors' sizes is found there. */
static void
test_broken_utf8(void)
{
    static const char *const broken[] = {"\xFF",     "\xC3",         "\xE2\x82",         "\xF0\x9F\x98", "\x80",
                                         "\xC0\x80", "\xE0\x80\x80", "\xF4\x90\x80\x80", "\xED\xBF\xBF"};
    size_t archs;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t b = 0; b < COUNT(broken); b++)
        for (size_t at = 1; at < 300; at++)
            for (size_t a = 0; a < archs; a++) {
                uint8_t text[400] = {'"'};
                rj_reformat_failure f;
                for (size_t i = 1; i < sizeof text - 1; i++)
                    text[i] = i % 2 ? 0xC3 : 0xA9;
                text[sizeof text - 1] = '"';
                size_t place = at - at % 2 + 1;
                if (at % 2) /* among ASCII */
                    memset(text + 1, 'x', sizeof text - 2);
                memcpy(text + place, broken[b], strlen(broken[b]));
                text[place + strlen(broken[b])] = 'x';
                CHECK(transcode(&layouts[0], text, sizeof text, (way){list[a].name, 0, 0, 0, 0}, &f) == RJ_EUTF8);
                CHECK(f.offset == place);
                CHECK(sink.length == place && memcmp(sink.out, text, place) == 0);
            }
}

/* Indentation that is larger than the window, and deeper than what is written in one go. */
static void
test_deep_nesting(void)
{
    enum { DEPTH = 300 };
    uint8_t text[2 * DEPTH];
    rj_reformat_options options = {.indent = " \t"};
    memset(text, '[', DEPTH);
    memset(text + DEPTH, ']', DEPTH);
    check_every_way(&layouts[0], text, sizeof text);
    check_every_way(&options, text, sizeof text);
    const uint8_t *at = expected;
    for (size_t line = 0; line < 2 * DEPTH - 1; line++) {
        size_t depth = line < DEPTH ? line : 2 * DEPTH - 2 - line;
        for (size_t i = 0; i < depth; i++, at += 2)
            CHECK(at[0] == ' ' && at[1] == '\t');
        if (line <= DEPTH - 1)
            CHECK(*at++ == '[');
        if (line >= DEPTH - 1)
            CHECK(*at++ == ']');
        CHECK(line == 2 * DEPTH - 2 || *at++ == '\n');
    }
}

/* ---- failures */

/* A sink that fails at each call; the failure sticks, with its errno. */
static void
test_failing_sinks(void)
{
    uint8_t text[TEXT_MAX];
    size_t length = make_text(text, 5);
    for (unsigned fail_at = 1;; fail_at++) {
        rj_reformat_failure f;
        int rc = transcode(&layouts[1], text, length, (way){NULL, 100, RJ_WINDOW_MIN, 0, fail_at}, &f);
        if (rc == RJ_OK)
            break;
        CHECK(rc == RJ_EIO && f.sys_errno == EPIPE && f.accepted == sink.length);
    }
}

/* Memory that runs out is a failure, and all of it is given back. */
static void
test_failing_allocations(void)
{
    static uint8_t deep[5000];
    memset(deep, '[', sizeof deep);
    for (unsigned fail_at = 1; fail_at < 8; fail_at++) {
        test_memory memory = {.fail_at = fail_at};
        rj_allocator alloc = test_allocator(&memory);
        rj_reformat *r;
        size_t used;
        int rc = rj_reformat_new(&r, NULL, NULL, &alloc);
        if (rc == RJ_OK) {
            rc = rj_reformat_feed(r, deep, sizeof deep, &used);
            CHECK(rj_reformat_error(r).status == rc);
            CHECK(rc == RJ_OK || rj_reformat_feed(r, deep, 1, &used) == rc);
            rj_reformat_free(r);
        }
        CHECK(rc == RJ_ENOMEM || memory.calls < fail_at);
        CHECK(memory.live == 0);
    }
}

static void
test_options_that_would_not_make_json(void)
{
    static const rj_reformat_options wrong[] = {{.indent = "x"},
                                                {.indent = "                "},
                                                {.item_separator = ";"},
                                                {.item_separator = ",,"},
                                                {.key_separator = ""},
                                                {.key_separator = "                :"},
                                                {.indent = "", .out = RJ_FRAMING_LINES},
                                                {.item_separator = ",\n", .out = RJ_FRAMING_LINES},
                                                {.in = (rj_framing)17}};
    rj_reformat *r;
    for (size_t i = 0; i < COUNT(wrong); i++)
        CHECK(rj_reformat_new(&r, NULL, &wrong[i], NULL) == RJ_EINVAL);
}

/* After a failure, or the end, another text can be read; nothing can be fed behind the end. */
static void
test_reset(void)
{
    rj_reformat *r;
    size_t used;
    sink_reset(1000);
    CHECK(rj_reformat_new(&r, &sink.base, NULL, NULL) == RJ_OK);
    CHECK(rj_reformat_feed(r, "[1,,", 4, &used) == RJ_ESYNTAX && used == 3);
    rj_reformat_reset(r);
    CHECK(rj_reformat_feed(r, "[2] [3", 6, &used) == RJ_OK && used == 6);
    CHECK(rj_reformat_documents(r) == 1 && rj_reformat_offset(r) == 6);
    CHECK(rj_reformat_feed(r, "]", 1, &used) == RJ_OK && rj_reformat_finish(r) == RJ_OK && rj_reformat_finish(r) == RJ_OK);
    CHECK(rj_reformat_documents(r) == 2);
    CHECK(rj_reformat_feed(r, " ", 1, &used) == RJ_ESTATE && used == 0);
    CHECK(sink.length == 10 && memcmp(sink.out, "[1,[2]\n[3]", 10) == 0);
    rj_reformat_free(r);
    rj_reformat_free(NULL);
}

/* From a pipe to the end of which a slow writer writes, and from what is no file. */
static void
test_run_fd(void)
{
    int ends[2];
    rj_reformat *r;
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], "[1, 2", 5) == 5 && write(ends[1], "3]", 2) == 2);
    close(ends[1]);
    sink_reset(1000);
    sink.pause_every = 2;
    CHECK(rj_reformat_new(&r, &sink.base, NULL, NULL) == RJ_OK);
    int rc;
    while ((rc = rj_reformat_run_fd(r, ends[0], -1, NULL)) == RJ_PAUSE)
        ;
    CHECK(rc == RJ_OK && sink.length == 6 && memcmp(sink.out, "[1,23]", 6) == 0);
    close(ends[0]);
    rj_reformat_reset(r);
    CHECK(rj_reformat_run_fd(r, ends[0], -1, NULL) == RJ_EREAD && rj_reformat_error(r).sys_errno == EBADF);
    rj_reformat_free(r);
}

int
main(void)
{
    text_guard = guard_new(8192);
    test_what_comes_out();
    test_mistakes();
    test_every_way_is_the_same();
    test_broken_utf8();
    test_deep_nesting();
    test_failing_sinks();
    test_failing_allocations();
    test_options_that_would_not_make_json();
    test_reset();
    test_run_fd();
    return 0;
}
