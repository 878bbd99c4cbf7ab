/* Escapes of JSON strings with AVX-512: those of 64 bytes are undone at once. What they become replaces their first
 * bytes, and VPCOMPRESSB squeezes the others out. */
#ifndef RJSON_STREAM_ARCH_AVX512_UNESCAPE_H
#define RJSON_STREAM_ARCH_AVX512_UNESCAPE_H

#define RJ__HAS_UNESCAPE 1

/* Which of these backslashes begin an escape: of those in a row, each behind an even number of them. By addition,
 * whose carry runs through the rows that begin at even places (Langdale and Lemire, Parsing Gigabytes of JSON per
 * Second, 2019). */
RJ__INLINE uint64_t
rj__escapes_begin(uint64_t backslashes)
{
    const uint64_t even = 0x5555555555555555u;
    uint64_t first = backslashes & ~(backslashes << 1);
    uint64_t in_odd_rows = backslashes + (first & even);
    return backslashes & (in_odd_rows ^ even);
}

/* The lower six bits of each, as a byte that continues a character. */
RJ__INLINE __m512i
rj__continuing(__m512i v)
{
    return _mm512_ternarylogic_epi64(v, _mm512_set1_epi8(0x3f), _mm512_set1_epi8((char)0x80), 0xEA); /* (a & b) | c */
}

/* The lower six bits of `upper` and the upper two of `lower`. */
RJ__INLINE __m512i
rj__join_bits(__m512i upper, __m512i lower)
{
    __m512i six = _mm512_slli_epi16(upper, 2), two = _mm512_srli_epi16(lower, 6);
    return _mm512_ternarylogic_epi64(six, two, _mm512_set1_epi8(3), 0xD8); /* c ? b : a */
}

/* A block as hexadecimal digits: at each place the value of that one and the next. */
typedef struct rj__pairs_of_digits {
    __m512i values;
    uint64_t bad; /* places of what is no digit */
} rj__pairs_of_digits;

RJ__INLINE rj__pairs_of_digits
rj__pair_digits(__m512i v)
{
    __m512i digits = _mm512_permutex2var_epi8(_mm512_loadu_si512(rj__hex_value), v, _mm512_loadu_si512(rj__hex_value + 64));
    uint64_t bad = _mm512_movepi8_mask(_mm512_or_si512(digits, v));
    digits = _mm512_and_si512(digits, _mm512_set1_epi8(0x0f));
    return (rj__pairs_of_digits){_mm512_or_si512(_mm512_slli_epi16(digits, 4), rj__from_behind(digits, 1)), bad};
}

/* The backslashes of escapes that have not four digits. */
RJ__INLINE uint64_t
rj__lacks_digits(uint64_t bad)
{
    return bad >> 2 | bad >> 3 | bad >> 4 | bad >> 5;
}

/* Escapes of four digits, told by the places of their backslashes. */
typedef struct rj__spelled_escapes {
    uint64_t all;
    uint64_t two, three; /* those that become two and three bytes of UTF-8 */
} rj__spelled_escapes;

/* The escapes of `begin`, none of which is a surrogate or has other digits. Each lies at least six bytes before the
 * block's end. Their first bytes are replaced. */
RJ__INLINE rj__spelled_escapes
rj__spell_long_escapes(__m512i *block, uint64_t begin)
{
    __m512i v = *block;
    rj__pairs_of_digits pairs = rj__pair_digits(v);
    __m512i upper = rj__from_behind(pairs.values, 2), upper_before = rj__from_behind(pairs.values, 1);
    __m512i lower = rj__from_behind(pairs.values, 4), lower_before = rj__from_behind(pairs.values, 3);
    __m512i top = _mm512_and_si512(upper, _mm512_set1_epi8((char)0xF8));
    rj__spelled_escapes e;
    e.all = begin & ~rj__lacks_digits(pairs.bad);
    e.all = _mm512_mask_cmpneq_epi8_mask(e.all, top, _mm512_set1_epi8((char)0xD8));
    e.three = _mm512_mask_test_epi8_mask(e.all, top, top);
    e.two = e.all & ~e.three & (_mm512_test_epi8_mask(upper, upper) | _mm512_movepi8_mask(lower));

    v = _mm512_mask_mov_epi8(v, e.all, lower);
    v = _mm512_mask_mov_epi8(v, e.two, _mm512_or_si512(rj__join_bits(upper, lower), _mm512_set1_epi8((char)0xC0)));
    v = _mm512_mask_mov_epi8(v, e.two << 1, rj__continuing(lower_before));
    __m512i first_four = _mm512_and_si512(_mm512_srli_epi16(upper, 4), _mm512_set1_epi8(0x0f));
    v = _mm512_mask_mov_epi8(v, e.three, _mm512_or_si512(first_four, _mm512_set1_epi8((char)0xE0)));
    v = _mm512_mask_mov_epi8(v, e.three << 1, rj__continuing(rj__join_bits(upper_before, lower_before)));
    v = _mm512_mask_mov_epi8(v, e.three << 2,
                             rj__continuing(upper)); /* the lower two digits, two places behind the backslash */
    *block = v;
    return e;
}

/* What is in 64 bytes of a string. */
typedef struct rj__escapes {
    uint64_t begin;   /* the backslashes of escapes */
    uint64_t escaped; /* the bytes behind them */
    uint64_t others;  /* those of them that are not escapes of two bytes */
    uint64_t ends;    /* '"' and control characters that are not escaped */
    __m512i letters;  /* what escapes of two bytes stand for, in the places of their second bytes */
} rj__escapes;

/* `is_escaped`: the byte before begins an escape. */
RJ__INLINE rj__escapes
rj__find_escapes(__m512i v, int is_escaped)
{
    rj__escapes e;
    uint64_t backslashes = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    uint64_t ends = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20)) | _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
    e.begin = rj__escapes_begin(backslashes & ~(uint64_t)is_escaped);
    e.escaped = e.begin << 1 | (uint64_t)is_escaped;
    e.ends = ends & ~e.escaped;
    e.letters = _mm512_permutex2var_epi8(_mm512_loadu_si512(rj__unescaped), v, _mm512_loadu_si512(rj__unescaped + 64));
    e.others = _mm512_mask_testn_epi8_mask(e.escaped, e.letters, e.letters) | (e.escaped & _mm512_movepi8_mask(v));
    return e;
}

/* What became of a block. */
typedef struct rj__unescaped_block {
    uint64_t stops;     /* its first one is the end of what was read and written */
    uint64_t others;    /* those of them that follow a backslash */
    uint64_t high;      /* bytes that are not ASCII */
    uint64_t long_ones; /* escapes of four digits */
    uint64_t wide;      /* those of them of what is not ASCII */
    size_t length;      /* bytes read, if there is no stop */
    size_t written;
    int is_escaped; /* the byte behind these follows a backslash that begins an escape */
} rj__unescaped_block;

/* Writes what the 64 bytes at `src` stand for, up to '"', a control character or what is no escape of two bytes.
 * `is_escaped` is as the block before left it. Stores 64 bytes. */
RJ__INLINE rj__unescaped_block
rj__unescape(const uint8_t *src, int is_escaped, uint8_t *dst)
{
    __m512i v = _mm512_loadu_si512(src);
    rj__escapes e = rj__find_escapes(v, is_escaped);
    uint64_t stops = e.ends | e.others, before = ~stops & (stops - 1), keep = before & ~e.begin;
    _mm512_storeu_si512(dst, _mm512_maskz_compress_epi8(keep, _mm512_mask_mov_epi8(v, e.escaped, e.letters)));
    return (rj__unescaped_block){.stops = stops,
                                 .others = e.others,
                                 .high = before & _mm512_movepi8_mask(v),
                                 .length = 64,
                                 .written = (size_t)_mm_popcnt_u64(keep),
                                 .is_escaped = (int)(e.begin >> 63)};
}

/* rj__unescape with escapes of four digits, but for surrogates; no byte before it escapes the first one. Fewer than
 * 64 bytes are read if such an escape is cut off. */
RJ__INLINE rj__unescaped_block
rj__unescape_long(const uint8_t *src, uint8_t *dst)
{
    const uint64_t last = (uint64_t)1 << 63, whole = ~(uint64_t)0 >> 5; /* where escapes of six bytes fit in */
    __m512i v = _mm512_loadu_si512(src);
    rj__escapes e = rj__find_escapes(v, 0);
    uint64_t high = _mm512_movepi8_mask(v);
    uint64_t long_ones = e.begin & (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('u')) >> 1 | last);
    uint64_t length = _tzcnt_u64(long_ones & ~whole), within = _bzhi_u64(~(uint64_t)0, (unsigned)length);
    v = _mm512_mask_mov_epi8(v, e.escaped & ~e.others, e.letters);
    rj__spelled_escapes spelled = rj__spell_long_escapes(&v, long_ones & whole);
    uint64_t others = e.others & ~(spelled.all << 1);
    uint64_t stops = (e.ends | others) & within, before = ~stops & (stops - 1) & within;
    uint64_t digits = spelled.all << 2 | spelled.all << 3 | spelled.all << 4 | spelled.all << 5;
    uint64_t more = (spelled.two | spelled.three) << 1 | spelled.three << 2; /* the second bytes and the third */
    uint64_t dropped = (e.begin & ~spelled.all) | spelled.all << 1 | digits;
    uint64_t keep = before & (~dropped | more);
    _mm512_storeu_si512(dst, _mm512_maskz_compress_epi8(keep, v));
    return (rj__unescaped_block){.stops = stops,
                                 .others = others,
                                 .high = before & high,
                                 .long_ones = long_ones,
                                 .wide = before & (spelled.two | spelled.three),
                                 .length = length,
                                 .written = (size_t)_mm_popcnt_u64(keep)};
}

/* What became of a block as units. */
typedef struct rj__unit_block {
    uint64_t stops;     /* its first one is the end of what was read and written: what is not ASCII is one too */
    uint64_t long_ones; /* escapes of four digits */
    uint16_t seen;      /* 0x100 if there are units from there on, 0x80 if there are others beyond ASCII */
    int surrogates;     /* whether there are any */
    size_t length;      /* bytes read, if there is no stop */
    size_t written;
} rj__unit_block;

/* rj__unescape_long to units of two bytes, surrogates too. Stores 64 of them. */
RJ__INLINE rj__unit_block
rj__unescape_to_units(const uint8_t *src, uint16_t *dst)
{
    const uint64_t last = (uint64_t)1 << 63, whole = ~(uint64_t)0 >> 5; /* where escapes of six bytes fit in */
    __m512i v = _mm512_loadu_si512(src);
    rj__escapes e = rj__find_escapes(v, 0);
    uint64_t long_ones = e.begin & (_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('u')) >> 1 | last);
    uint64_t length = _tzcnt_u64(long_ones & ~whole), within = _bzhi_u64(~(uint64_t)0, (unsigned)length);
    rj__pairs_of_digits pairs = rj__pair_digits(v);
    uint64_t spelled = long_ones & whole & ~rj__lacks_digits(pairs.bad);
    uint64_t stops = (e.ends | (e.others & ~(spelled << 1)) | _mm512_movepi8_mask(v)) & within;
    uint64_t before = ~stops & (stops - 1) & within;
    uint64_t dropped = (e.begin & ~spelled) | spelled << 1 | spelled << 2 | spelled << 3 | spelled << 4 | spelled << 5;
    uint64_t keep = before & ~dropped;
    __m512i low = _mm512_mask_mov_epi8(v, e.escaped & ~e.others, e.letters);
    low = _mm512_maskz_compress_epi8(keep, _mm512_mask_mov_epi8(low, spelled, rj__from_behind(pairs.values, 4)));
    __m512i high = _mm512_maskz_mov_epi8(spelled & before, rj__from_behind(pairs.values, 2));
    uint64_t surrogates =
        _mm512_cmpeq_epi8_mask(_mm512_and_si512(high, _mm512_set1_epi8((char)0xF8)), _mm512_set1_epi8((char)0xD8));
    uint64_t wide = _mm512_test_epi8_mask(high, high);
    high = _mm512_maskz_compress_epi8(keep, high);
    for (int i = 0; i < 2; i++) {
        __m256i l = i ? _mm512_extracti64x4_epi64(low, 1) : _mm512_castsi512_si256(low);
        __m256i h = i ? _mm512_extracti64x4_epi64(high, 1) : _mm512_castsi512_si256(high);
        __m512i units = _mm512_or_si512(_mm512_cvtepu8_epi16(l), _mm512_slli_epi16(_mm512_cvtepu8_epi16(h), 8));
        _mm512_storeu_si512(dst + 32 * i, units);
    }
    return (rj__unit_block){.stops = stops,
                            .long_ones = long_ones,
                            .seen = (uint16_t)((wide ? 0x100 : 0) | (_mm512_movepi8_mask(low) ? 0x80 : 0)),
                            .surrogates = surrogates != 0,
                            .length = length,
                            .written = (size_t)_mm_popcnt_u64(keep)};
}

/* What became of some units of a string. */
typedef struct rj__unescaped_units {
    uint64_t
        others; /* the escaped ones that are no escapes of two: the first one is the end of what was written, which leaves out its backslash */
    size_t count, written;
    int is_escaped; /* see above */
} rj__unescaped_units;

/* rj__unescape_long for up to 64 bytes of a str's units of `width` bytes, which `text` has a byte for each of; the
 * end of the string is known. Stores 64 bytes. */
RJ__INLINE rj__unescaped_units
rj__unescape_units(const uint8_t *text, const void *units, size_t left, int is_escaped, void *dst, int width)
{
    size_t block = width == 2 ? 32 : 16, count = left < block ? left : block;
    uint64_t valid = _bzhi_u64(~(uint64_t)0, (unsigned)count);
    __m512i v = _mm512_maskz_loadu_epi8(valid, text);
    uint64_t begin = rj__escapes_begin(_mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')) & ~(uint64_t)is_escaped);
    uint64_t escaped = (begin << 1 | (uint64_t)is_escaped) & valid;
    __m512i letters = _mm512_permutex2var_epi8(_mm512_loadu_si512(rj__unescaped), v, _mm512_loadu_si512(rj__unescaped + 64));
    uint64_t others = _mm512_mask_testn_epi8_mask(escaped, letters, letters);
    uint64_t keep = valid & ~begin & ~others & (others - 1);
    if (width == 2) {
        v = _mm512_maskz_loadu_epi16((__mmask32)valid, units);
        v = _mm512_mask_cvtepu8_epi16(v, (__mmask32)escaped, _mm512_castsi512_si256(letters));
        _mm512_storeu_si512(dst, _mm512_maskz_compress_epi16((__mmask32)keep, v));
    }
    else {
        v = _mm512_maskz_loadu_epi32((__mmask16)valid, units);
        v = _mm512_mask_cvtepu8_epi32(v, (__mmask16)escaped, _mm512_castsi512_si128(letters));
        _mm512_storeu_si512(dst, _mm512_maskz_compress_epi32((__mmask16)keep, v));
    }
    return (rj__unescaped_units){others, count, (size_t)_mm_popcnt_u64(keep), (int)(begin >> (block - 1) & 1)};
}

#endif
