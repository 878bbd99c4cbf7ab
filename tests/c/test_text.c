/* Every instruction set writes the same bytes as a plain reference: all lengths around the vector sizes, a special character at
 * each position, all widths, and windows that end anywhere. Inputs and outputs end at a guard page. */
#define _GNU_SOURCE
#include "harness.h"

#include "text/text.h"

#include <sys/mman.h>
#include <unistd.h>

#define LONGEST 700
#define OUT_MAX (LONGEST * 12 + 64)

typedef struct guarded {
    uint8_t *map, *end;
    size_t size;
} guarded;

/* Memory whose end is the end of what may be touched. */
static guarded
guarded_new(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    guarded g = {.size = (size + 2 * page - 1) / page * page};
    g.map = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(g.map != MAP_FAILED);
    g.end = g.map + g.size - page;
    CHECK(mprotect(g.end, page, PROT_NONE) == 0);
    return g;
}

/* RFC 8259, section 7, and RFC 3629, one code point at a time. */
static size_t
reference_char(uint32_t c, int ascii, uint8_t *out)
{
    static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof shorts; i += 2)
        if (c == (uint8_t)shorts[i])
            return (size_t)sprintf((char *)out, "\\%c", shorts[i + 1]);
    if (c < 0x20)
        return (size_t)sprintf((char *)out, "\\u%04x", (unsigned)c);
    if (c < 0x80 && !(ascii && c == 0x7f))
        return out[0] = (uint8_t)c, 1;
    if (ascii && c < 0x10000)
        return (size_t)sprintf((char *)out, "\\u%04x", (unsigned)c);
    if (ascii)
        return (size_t)sprintf((char *)out, "\\u%04x\\u%04x", (unsigned)(0xD7C0 + c / 1024), (unsigned)(0xDC00 + c % 1024));
    if (c < 0x800)
        return out[0] = (uint8_t)(0xC0 + c / 64), out[1] = (uint8_t)(0x80 + c % 64), 2;
    if (c < 0x10000)
        return out[0] = (uint8_t)(0xE0 + c / 4096), out[1] = (uint8_t)(0x80 + c / 64 % 64),
               out[2] = (uint8_t)(0x80 + c % 64), 3;
    return out[0] = (uint8_t)(0xF0 + c / 262144), out[1] = (uint8_t)(0x80 + c / 4096 % 64),
           out[2] = (uint8_t)(0x80 + c / 64 % 64), out[3] = (uint8_t)(0x80 + c % 64), 4;
}

/* Code points to code units of `width` bytes (0: UTF-8) that end at `end`; returns where they begin and their number. */
static void *
place(const uint32_t *points, size_t count, size_t width, uint8_t *end, size_t *units)
{
    uint8_t utf8[LONGEST * 4];
    if (width == 0) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            n += points[i] < 0x20 || points[i] == '"' || points[i] == '\\' ? (utf8[n] = (uint8_t)points[i], 1)
                                                                           : reference_char(points[i], 0, utf8 + n);
        *units = n;
        return memcpy(end - n, utf8, n);
    }
    uint8_t *at = end - count * width;
    for (size_t i = 0; i < count; i++) {
        uint8_t u8 = (uint8_t)points[i];
        uint16_t u16 = (uint16_t)points[i];
        memcpy(at + i * width, width == 1 ? (void *)&u8 : width == 2 ? (void *)&u16 : (void *)&points[i], width);
    }
    *units = count;
    return at;
}

static const struct {
    rj__text_kind kind;
    size_t width;
    uint32_t highest; /* code point */
} kinds[] = {
    {RJ__TEXT_LATIN1, 1, 0xFF}, {RJ__TEXT_UCS2, 2, 0xFFFF}, {RJ__TEXT_UCS4, 4, 0x10FFFF}, {RJ__TEXT_UTF8, 0, 0x10FFFF}};

/* Writes the text through windows of `window` bytes, the last ending at the guard. */
static size_t
write_in_windows(const rj__arch *arch, rj__text text, size_t window, const guarded *out, uint8_t *collected)
{
    size_t total = 0;
    while (text.position < text.length) {
        uint8_t *start = out->end - window;
        uint8_t *stop = arch->put_text(&text, start, out->end);
        CHECK(stop && stop > start && stop <= out->end);
        memcpy(collected + total, start, (size_t)(stop - start));
        total += (size_t)(stop - start);
    }
    return total;
}

static void
check_spelling(const uint32_t *points, size_t count, size_t kind, int ascii, const guarded *in, const guarded *out)
{
    static const size_t windows[] = {RJ__TEXT_ROOM, RJ__TEXT_ROOM + 1, RJ__TEXT_ROOM + 63, OUT_MAX};
    uint8_t expected[OUT_MAX], got[OUT_MAX];
    size_t length = 0, archs, units;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t i = 0; i < count; i++)
        length += reference_char(points[i], ascii, expected + length);
    void *data = place(points, count, kinds[kind].width, in->end, &units);
    for (size_t a = 0; a < archs; a++)
        for (size_t w = 0; w < COUNT(windows); w++) {
            rj__text text = {.data = data, .length = units, .kind = kinds[kind].kind, .ascii = ascii};
            CHECK(write_in_windows(&list[a], text, windows[w], out, got) == length);
            CHECK(memcmp(got, expected, length) == 0);
        }
}

static void
check(const uint32_t *points, size_t count, size_t kind, const guarded *in, const guarded *out)
{
    check_spelling(points, count, kind, 0, in, out);
    if (kinds[kind].kind != RJ__TEXT_UTF8)
        check_spelling(points, count, kind, 1, in, out);
}

/* Between the positions that are tried: fewer of long texts. */
static size_t
stride(size_t length)
{
    return length > 130 ? 23 : length > 70 ? 5 : 1;
}

static void
test_all_lengths_and_positions(const guarded *in, const guarded *out)
{
    static const uint32_t special[] = {'"',   '\\',  0,     0x1f,   '\n',   0x7f,    0x80,    0xE9,
                                       0x3BB, 0x7FF, 0x800, 0x4E2D, 0xFFFF, 0x1F600, 0x10FFFF};
    uint32_t points[LONGEST];
    for (size_t kind = 0; kind < COUNT(kinds); kind++)
        for (size_t length = 0; length <= LONGEST; length += length < 130 ? 1 : 95) {
            for (size_t i = 0; i < length; i++)
                points[i] = 'a' + (uint32_t)(i % 26);
            check(points, length, kind, in, out);
            for (size_t s = 0; s < COUNT(special); s++) {
                if (special[s] > kinds[kind].highest)
                    continue;
                for (size_t at = 0; at < length; at += stride(length)) {
                    uint32_t before = points[at];
                    points[at] = special[s];
                    check(points, length, kind, in, out);
                    points[at] = before;
                }
            }
        }
}

static void
test_uniform(const guarded *in, const guarded *out)
{
    static const uint32_t all[] = {0x01, '"', 0x7f, 0xE9, 0x3BB, 0x4E2D, 0xE000, 0x1F600};
    uint32_t points[LONGEST];
    for (size_t kind = 0; kind < COUNT(kinds); kind++)
        for (size_t s = 0; s < COUNT(all); s++)
            for (size_t i = 0; all[s] <= kinds[kind].highest && i < LONGEST; i++) {
                points[i] = all[s];
                check(points, i + 1, kind, in, out);
            }
}

static void
test_surrogates(const guarded *in, const guarded *out)
{
    static const uint32_t bad[] = {0xD800, 0xDBFF, 0xDC00, 0xDFFF};
    size_t archs, units;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t a = 0; a < archs; a++)
        for (size_t kind = 1; kind <= 2; kind++)
            for (size_t b = 0; b < COUNT(bad); b++)
                for (size_t at = 0; at < 20; at++) {
                    uint32_t points[20];
                    for (size_t i = 0; i < 20; i++)
                        points[i] = i == at ? bad[b] : 0x4E00 + (uint32_t)i;
                    void *data = place(points, 20, kinds[kind].width, in->end, &units);
                    rj__text text = {.data = data, .length = units, .kind = kinds[kind].kind};
                    CHECK(list[a].put_text(&text, out->end - OUT_MAX, out->end) == NULL);
                    CHECK(text.position == at);
                }
}

/* What a lone surrogate becomes, by policy, with and without `ascii`. */
static void
test_surrogate_policies(const guarded *in, const guarded *out)
{
    static const struct {
        rj__surrogates policy;
        int ascii;
        const char *expected;
    } cases[] = {
        {RJ__SURROGATES_ESCAPE, 0, "ab\\udcffcdefghijkl"},
        {RJ__SURROGATES_ESCAPE, 1, "ab\\udcffcdefghijkl"},
        {RJ__SURROGATES_REPLACE, 0,
         "ab\xEF\xBF\xBD"
         "cdefghijkl"},
        {RJ__SURROGATES_REPLACE, 1, "ab\\ufffdcdefghijkl"},
        {RJ__SURROGATES_PASS, 0,
         "ab\xED\xB3\xBF"
         "cdefghijkl"},
        {RJ__SURROGATES_PASS, 1, "ab\\udcffcdefghijkl"},
    };
    static const uint32_t points[] = {'a', 'b', 0xDCFF, 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'};
    uint8_t got[OUT_MAX];
    size_t archs, units;
    const rj__arch *list = rj__arch_list(&archs);
    for (size_t a = 0; a < archs; a++)
        for (size_t kind = 1; kind <= 2; kind++)
            for (size_t c = 0; c < COUNT(cases); c++) {
                void *data = place(points, COUNT(points), kinds[kind].width, in->end, &units);
                rj__text text = {data, 0, units, kinds[kind].kind, cases[c].policy, cases[c].ascii};
                CHECK(write_in_windows(&list[a], text, OUT_MAX, out, got) == strlen(cases[c].expected));
                CHECK(memcmp(got, cases[c].expected, strlen(cases[c].expected)) == 0);
            }
}

/* Raw JSON is copied, and cut between characters only. */
static void
test_raw(const guarded *out)
{
    static const char json[] = "[\"\xE4\xB8\xAD\xF0\x9F\x98\x80\xC3\xA9\",1.0]";
    char repeated[600] = "";
    size_t archs;
    const rj__arch *list = rj__arch_list(&archs);
    for (int i = 0; i < 20; i++)
        strcat(repeated, json);
    for (size_t a = 0; a < archs; a++)
        for (size_t window = RJ__TEXT_ROOM; window < 300; window++) {
            rj__text text = {.data = repeated, .length = strlen(repeated), .kind = RJ__TEXT_RAW};
            uint8_t got[700];
            CHECK(write_in_windows(&list[a], text, window, out, got) == strlen(repeated));
            CHECK(memcmp(got, repeated, strlen(repeated)) == 0);
            uint8_t *stop = list[a].put_text(&text, out->end - window, out->end);
            CHECK(text.position == text.length || (repeated[text.position] & 0xC0) != 0x80);
            CHECK(stop <= out->end);
        }
}

int
main(void)
{
    guarded in = guarded_new(LONGEST * 4), out = guarded_new(OUT_MAX);
    test_all_lengths_and_positions(&in, &out);
    test_uniform(&in, &out);
    test_surrogates(&in, &out);
    test_surrogate_policies(&in, &out);
    test_raw(&out);
    munmap(in.map, in.size);
    munmap(out.map, out.size);
    return 0;
}
