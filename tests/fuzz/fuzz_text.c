/* libFuzzer on what writes strings and numbers: every instruction set of this machine, in windows of every size, against scalar code that has room for all
 * of it. The first bytes choose the kind of text, what becomes of surrogates, whether ASCII alone is written, the windows and the alignment. Numbers: the
 * same bits as double, float and integers; they read back as what they were, by the C library.
 *
 *     make fuzz SECONDS=600
 */
#include "number/number.h"
#include "text/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define HEADER 5

static void
require(int condition)
{
    if (!condition)
        abort();
}

typedef struct result {
    uint8_t *data;
    size_t length, position; /* position: units done */
    int is_whole;
} result;

/* A window at the end of its block, so that writing past it is seen: what a body function may store is inside it. */
static result
put(const rj__arch *arch, rj__text text, size_t window)
{
    size_t room = RJ__UNIT_MAX * text.length + RJ__TEXT_ROOM + window;
    result r = {.data = malloc(room), .is_whole = 1};
    uint8_t *block = malloc(window);
    require(r.data && block);
    while (text.position < text.length) {
        uint8_t *end = arch->put_text(&text, block, block + window);
        if (!end) {
            r.is_whole = 0;
            break;
        }
        require(end <= block + window && r.length + (size_t)(end - block) <= room);
        memcpy(r.data + r.length, block, (size_t)(end - block));
        r.length += (size_t)(end - block);
    }
    r.position = text.position;
    free(block);
    return r;
}

static size_t
width_of(rj__text_kind kind)
{
    return kind == RJ__TEXT_UCS2 ? 2 : kind == RJ__TEXT_UCS4 ? 4 : 1;
}

static void
try_text(const uint8_t *header, const uint8_t *data, size_t size)
{
    static const rj__text_kind kinds[] = {RJ__TEXT_LATIN1, RJ__TEXT_UCS2,  RJ__TEXT_UCS4,
                                          RJ__TEXT_UTF8,   RJ__TEXT_BYTES, RJ__TEXT_RAW};
    rj__text text = {
        .kind = kinds[header[0] % 6], .surrogates = (rj__surrogates)(header[0] / 6 % 4), .ascii = header[1] & 1};
    size_t width = width_of(text.kind), shift = header[2] % 64 * width, archs;
    const rj__arch *list = rj__arch_list(&archs), *scalar = &list[archs - 1];
    if (text.kind == RJ__TEXT_RAW || text.kind == RJ__TEXT_UTF8) {
        text.ascii = 0;
        if (!rj__utf8_valid(data, size))
            return;
    }
    text.length = size / width;
    uint8_t *copy = malloc(RJ__BEFORE + shift + size + RJ__AFTER);
    require(copy != NULL);
    memset(copy, 'x', RJ__BEFORE + shift);
    memcpy(copy + RJ__BEFORE + shift, data, size);
    text.data = copy + RJ__BEFORE + shift;
    if (text.kind == RJ__TEXT_UCS4)
        for (size_t i = 0; i < text.length; i++) {
            uint32_t unit;
            memcpy(&unit, (const uint8_t *)text.data + 4 * i, 4);
            unit = unit % 3 ? unit % 0x3000 : unit % 0x110000;
            memcpy(copy + RJ__BEFORE + shift + 4 * i, &unit, 4);
        }
    result expected = put(scalar, text, RJ__UNIT_MAX * text.length + 2 * RJ__TEXT_ROOM);
    for (size_t i = 0; i < archs; i++) {
        result got = put(&list[i], text, RJ_WINDOW_MIN + header[3]);
        require(got.is_whole == expected.is_whole && got.position == expected.position);
        /* Where it stops, what the last window holds is nobody's. */
        require(!got.is_whole || (got.length == expected.length && !memcmp(got.data, expected.data, got.length)));
        free(got.data);
    }
    free(expected.data);
    free(copy);
}

static void
try_numbers(const uint8_t *data)
{
    char text[RJ__NUMBER_ROOM + 1];
    uint64_t bits;
    memcpy(&bits, data, 8);
    double value;
    memcpy(&value, &bits, 8);
    if (isfinite(value)) {
        *rj__put_double((uint8_t *)text, value) = '\0';
        double back = strtod(text, NULL);
        require(memcmp(&back, &value, 8) == 0);
        char shorter[40]; /* one digit fewer is another number: it was the shortest */
        size_t digits = 0;
        for (const char *p = text; *p && *p != 'e'; p++)
            digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
        if (digits > 15) {
            snprintf(shorter, sizeof shorter, "%.*e", (int)digits - 2, value);
            for (char *p = text + strlen(text); p > text && p[-1] != 'e'; p--)
                ;
            int ends_in_zero = strstr(text, ".0") && !strchr(text, 'e') && strlen(strstr(text, ".0")) == 2;
            require(ends_in_zero || strtod(shorter, NULL) != value);
        }
    }
    float narrow;
    memcpy(&narrow, data, 4);
    if (isfinite(narrow)) {
        *rj__put_float((uint8_t *)text, narrow) = '\0';
        float back = strtof(text, NULL);
        require(memcmp(&back, &narrow, 4) == 0);
    }
    char printed[40];
    *rj__put_u64((uint8_t *)text, bits) = '\0';
    snprintf(printed, sizeof printed, "%" PRIu64, bits);
    require(strcmp(text, printed) == 0);
    *rj__put_i64((uint8_t *)text, (int64_t)bits) = '\0';
    snprintf(printed, sizeof printed, "%" PRId64, (int64_t)bits);
    require(strcmp(text, printed) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEADER)
        return 0;
    if (data[4] & 1)
        for (size_t i = HEADER; i + 8 <= size; i += 8)
            try_numbers(data + i);
    else
        try_text(data, data + HEADER, size - HEADER);
    return 0;
}
