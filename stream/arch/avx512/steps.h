/*
 * The steps of arch/common/text_body.h with AVX-512 and VBMI2. One way for all: each unit becomes a lane with room
 * for everything that it can turn into, zero where there is less, and VPCOMPRESSB squeezes the zeros out (no output
 * byte is ever zero). No branch depends on the text but for what is rare: long escapes and surrogates end a step.
 */
#ifndef RJSON_STREAM_ARCH_AVX512_STEPS_H
#define RJSON_STREAM_ARCH_AVX512_STEPS_H

/* Bytes with nothing to change are copied in runs of so many, once that many had nothing to change. */
#define RJ__RUN 256

/* Squeezes the zero bytes out, and stores 64 bytes. */
RJ__INLINE uint8_t *
rj__put_nonzero(__m512i lanes, uint8_t *dst)
{
    __mmask64 keep = _mm512_test_epi8_mask(lanes, lanes);
    _mm512_storeu_si512(dst, _mm512_maskz_compress_epi8(keep, lanes));
    return dst + _mm_popcnt_u64(keep);
}

/* Which of 64 bytes can be copied as they are. Each comparison is made only where the one before it agreed: one
 * mask, not three. */
RJ__INLINE __mmask64
rj__clean64(__m512i v, rj__high high)
{
    __mmask64 clean = _mm512_cmpge_epu8_mask(v, _mm512_set1_epi8(0x20));
    if (high == RJ__HIGH_TWO_BYTES) /* as a signed number */
        clean = _mm512_cmpge_epi8_mask(v, _mm512_set1_epi8(0x20));
    if (high == RJ__HIGH_ESCAPED)
        clean = _mm512_mask_cmplt_epu8_mask(clean, v, _mm512_set1_epi8(0x7f));
    return rj__unquoted(clean, v);
}

/* Of texts that are so long blocks are stored where blocks should begin: those that cross a cache line take longer. */
#define RJ__ALIGNED_RUN 1024

/* Copies RJ__RUN bytes; 0 if one of them is not plain. */
RJ__INLINE int
rj__copy_run(const uint8_t *src, uint8_t *dst, rj__high high)
{
    __mmask64 clean = ~(__mmask64)0;
    for (int i = 0; i < RJ__RUN; i += 64) {
        __m512i v = _mm512_loadu_si512(src + i);
        rj__prefetch_ahead(src + i, RJ__COPIED_AHEAD, 64);
        _mm512_storeu_si512(dst + i, v);
        clean = _kand_mask64(clean, rj__clean64(v, high));
    }
    return clean == ~(__mmask64)0;
}

/* 32 bytes and what becomes of them; `rare` ones have long escapes. Bytes beyond `valid` are zero. */
typedef struct rj__bytes32 {
    __m256i v, letters;
    uint32_t short_escape, itself, rare;
} rj__bytes32;

RJ__INLINE rj__bytes32
rj__classify_bytes(const uint8_t *src, uint32_t valid, rj__high high)
{
    const __m256i letter_table = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0, 0, 0, 0, 0, 0, 0,
                                                  0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    rj__bytes32 b;
    b.v = _mm256_maskz_loadu_epi8(valid, src);
    uint32_t control = _mm256_mask_cmple_epu8_mask(valid, b.v, _mm256_load_si256((const __m256i *)rj__controls));
    b.itself = _mm256_cmpeq_epi8_mask(b.v, _mm256_load_si256((const __m256i *)rj__quotes)) |
               _mm256_cmpeq_epi8_mask(b.v, _mm256_load_si256((const __m256i *)rj__backslashes));
    b.letters = _mm256_permutexvar_epi8(b.v, letter_table);
    b.rare = _mm256_mask_testn_epi8_mask(control, b.letters, b.letters);
    if (high == RJ__HIGH_ESCAPED)
        b.rare |= _mm256_mask_cmpge_epu8_mask(valid, b.v, _mm256_set1_epi8(0x7f));
    b.short_escape = control | b.itself;
    return b;
}

/* Writes what is not rare. Stores 64 bytes. */
RJ__INLINE uint8_t *
rj__put_classified(rj__bytes32 b, uint8_t *dst, rj__high high)
{
    const __m512i interleave =
        _mm512_set_epi64(0x5f1f5e1e5d1d5c1c, 0x5b1b5a1a59195818, 0x5717561655155414, 0x5313521251115010, 0x4f0f4e0e4d0d4c0c,
                         0x4b0b4a0a49094808, 0x4707460645054404, 0x4303420241014000);
    __m256i first = _mm256_mask_loadu_epi8(b.v, b.short_escape, rj__backslashes);
    __m256i second = _mm256_maskz_mov_epi8(b.short_escape, _mm256_mask_mov_epi8(b.letters, b.itself, b.v));
    if (high == RJ__HIGH_TWO_BYTES) {
        uint32_t wide = _mm256_movepi8_mask(b.v);
        uint32_t upper = _mm256_cmpge_epu8_mask(b.v, _mm256_set1_epi8((char)0xC0));
        first = _mm256_mask_mov_epi8(first, wide, _mm256_set1_epi8((char)0xC2));
        first = _mm256_mask_mov_epi8(first, upper, _mm256_set1_epi8((char)0xC3));
        second = _mm256_mask_mov_epi8(second, wide, _mm256_and_si256(b.v, _mm256_set1_epi8((char)0xBF)));
    }
    return rj__put_nonzero(
        _mm512_permutex2var_epi8(_mm512_castsi256_si512(first), interleave, _mm512_castsi256_si512(second)), dst);
}

/* Up to 32 bytes. Stores 72 at most if none is rare, and otherwise 8 behind the last. */
RJ__INLINE uint8_t *
rj__spell_bytes(const uint8_t *src, size_t count, uint8_t *dst, rj__high high)
{
    rj__bytes32 b = rj__classify_bytes(src, rj__first_bits(count), high);
    if (RJ__LIKELY(!b.rare))
        return rj__put_classified(b, dst, high);
    for (size_t i = 0; i < count; i++)
        dst = rj__put_byte(src[i], dst, high);
    return dst;
}

/* Writes the first `count` of 32 bytes, with a backslash before each that is marked. A `rare` one is marked, too,
 * and gets its long escape, which it has in `src`. Stores 64 bytes. */
RJ__INLINE uint8_t *
rj__put_marked(__m256i v, size_t count, uint32_t marks, uint32_t rare, const uint8_t *src, uint8_t *dst)
{
    const uint64_t second =
        0xAAAAAAAAAAAAAAAAu; /* each byte has two places, and is in the second; the first is there for those that are marked */
    uint64_t places = _pdep_u64(marks, ~second) | second;
    __m512i bytes = _mm512_mask_expand_epi8(_mm512_set1_epi8('\\'), _pext_u64(second, places), _mm512_castsi256_si512(v));
    size_t length = count + (size_t)_mm_popcnt_u32(marks), done = 0;
    _mm512_storeu_si512(dst, bytes);
    while (RJ__UNLIKELY(rare)) {
        unsigned place = _tzcnt_u32(rare);
        size_t backslash = place + (size_t)_mm_popcnt_u32(_bzhi_u32(marks, place));
        dst = rj__put_spelled(src[place], dst + (backslash - done));
        done = backslash + 2;
        _mm512_storeu_si512(dst, rj__from_behind(bytes, (int)done));
        rare &= rare - 1;
    }
    return dst + (length - done);
}

/* Up to 64 bytes that pass but for escapes: letters in the places of those that have any, marked; `rare` ones have
 * long escapes. */
typedef struct rj__escaped64 {
    __m512i v;
    uint64_t marks, rare;
} rj__escaped64;

RJ__INLINE rj__escaped64
rj__classify_escaped64(const uint8_t *src, size_t count)
{
    const __m512i letter_table =
        _mm512_zextsi128_si512(_mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 'b', 't', 'n', 0, 'f', 'r', 0, 0));
    __mmask64 valid = _bzhi_u64(~(uint64_t)0, (unsigned)count);
    __m512i v = _mm512_maskz_loadu_epi8(valid, src);
    __mmask64 control = _mm512_mask_cmplt_epu8_mask(valid, v, _mm512_set1_epi8(0x20));
    __m512i letters = _mm512_permutexvar_epi8(v, letter_table);
    return (rj__escaped64){_mm512_mask_mov_epi8(v, control, letters), control | (valid & ~rj__unquoted(valid, v)),
                           _mm512_mask_testn_epi8_mask(control, letters, letters)};
}

/* Writes the first `count` of them. No branch depends on which are to be escaped, unless they are rare. Stores at
 * most 64 bytes behind the last. */
RJ__INLINE uint8_t *
rj__put_classified64(rj__escaped64 b, size_t count, const uint8_t *src, uint8_t *dst)
{
    size_t half = count < 32 ? count : 32;
    dst = rj__put_marked(_mm512_castsi512_si256(b.v), half, (uint32_t)b.marks, (uint32_t)b.rare, src, dst);
    return rj__put_marked(_mm512_extracti64x4_epi64(b.v, 1), count - half, (uint32_t)(b.marks >> 32),
                          (uint32_t)(b.rare >> 32), src + 32, dst);
}

/* Up to 64 bytes that pass but for escapes. */
RJ__INLINE uint8_t *
rj__put_escaped64(const uint8_t *src, size_t count, uint8_t *dst)
{
    return rj__put_classified64(rj__classify_escaped64(src, count), count, src, dst);
}

/* So few escapes in 64 bytes are spelled one by one. */
#define RJ__FEW_ESCAPES 3

/* rj__put_escaped64 for bytes that have few escapes or none: each is spelled on its own, and everything behind it
 * stored again. */
RJ__INLINE uint8_t *
rj__put_sparse64(__m512i v, size_t count, uint64_t marks, const uint8_t *src, uint8_t *dst)
{
    size_t done = 0;
    _mm512_storeu_si512(dst, v);
    for (; marks; marks &= marks - 1) {
        size_t place = _tzcnt_u64(marks);
        dst = rj__put_spelled(src[place], dst + (place - done));
        done = place + 1;
        _mm512_storeu_si512(dst, rj__from_behind(v, (int)done));
    }
    return dst + (count - done);
}

/* Up to 64 bytes, and which of them must be escaped. */
typedef struct rj__marked64 {
    __m512i v;
    uint64_t marks;
} rj__marked64;

RJ__INLINE rj__marked64
rj__load_marked64(const uint8_t *src, size_t count)
{
    __mmask64 valid = _bzhi_u64(~(uint64_t)0, (unsigned)count);
    __m512i v = _mm512_maskz_loadu_epi8(valid, src);
    return (rj__marked64){v, valid & ~rj__clean64(v, RJ__HIGH_PASS)};
}

/* Writes a marked block; picks the code for few or for many escapes. */
RJ__INLINE uint8_t *
rj__put_marked64(rj__marked64 bytes, size_t count, const uint8_t *src, uint8_t *dst)
{
    return _mm_popcnt_u64(bytes.marks) <= RJ__FEW_ESCAPES ? rj__put_sparse64(bytes.v, count, bytes.marks, src, dst)
                                                          : rj__put_escaped64(src, count, dst);
}

/* So many clean bytes after one that was escaped promise a clean run: that of less, with one escape in a hundred
 * bytes, every tenth would be a broken promise. */
#define RJ__CLEAN_AGAIN 512

/* Bytes up to the end of the text, or of the room, or to where so many were clean that more may be. Returns how many. */
RJ__INLINE size_t
rj__step_dirty(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    size_t done = 0, clean = 0;
    if (high == RJ__HIGH_PASS) {
        const uint8_t *at = src, *stop = src + length;
        uint8_t *out = *dst;
        for (; stop - at >= 64 && clean < RJ__CLEAN_AGAIN && end - out >= 2 * RJ__TEXT_ROOM; at += 64) {
            rj__marked64 bytes = rj__load_marked64(at, 64);
            /* Whether one of them is to be escaped is a matter of chance: where none is, the last is spelled, as
             * itself. By arithmetic, since of conditions compilers make branches. */
            uint64_t is_clean = _lzcnt_u64(bytes.marks) / 64;
            clean = (clean + 64) & (0 - is_clean);
            bytes.marks |= is_clean << 63;
            out = rj__put_marked64(bytes, 64, at, out);
        }
        *dst = out;
        done = (size_t)(at - src);
        if (length - done < 64 && end - *dst >= 2 * RJ__TEXT_ROOM) {
            *dst = rj__put_escaped64(src + done, length - done, *dst);
            return length;
        }
        if (clean >= RJ__CLEAN_AGAIN)
            return done;
    }
    for (size_t count; done < length && end - *dst >= RJ__TEXT_ROOM; done += count) {
        count = length - done < 32 ? length - done : 32;
        *dst = high == RJ__HIGH_PASS ? rj__put_escaped64(src + done, count, *dst)
                                     : rj__spell_bytes(src + done, count, *dst, high);
    }
    return done;
}

RJ__INLINE size_t
rj__step_bytes(const uint8_t *src, size_t length, uint8_t **dst, const uint8_t *end, rj__high high)
{
    size_t done = 0;
    do {
        done += rj__step_dirty(src + done, length - done, dst, end, high);
        size_t offset = -(uintptr_t)*dst % 64;
        if (offset && length - done >= RJ__ALIGNED_RUN && end - *dst >= RJ__ALIGNED_RUN &&
            rj__copy_run(src + done, *dst, high)) {
            done += offset;
            *dst += offset;
        }
        while (length - done >= RJ__RUN && end - *dst >= RJ__RUN && rj__copy_run(src + done, *dst, high)) {
            done += RJ__RUN;
            *dst += RJ__RUN;
        }
    } while (done < length && end - *dst >= RJ__TEXT_ROOM);
    return done;
}

#define RJ__SHORT_DIRTY 20

/* See arch/common/text_body.h. */
RJ__INLINE uint8_t *
rj__put_short_dirty(const uint8_t *src, size_t length, uint8_t *dst)
{
    uint32_t valid = rj__first_bits(length);
    __m256i v = _mm256_maskz_loadu_epi8(valid, src);
    rj__avx2_store(dst, v);
    uint32_t special = valid & (uint32_t)_mm256_movemask_epi8(rj__avx2_special(v));
    size_t done = 0;
    while (special) {
        size_t place = _tzcnt_u32(special);
        dst = rj__put_spelled(src[place], dst + (place - done));
        done = place + 1;
        rj__avx2_store(dst, _mm256_maskz_loadu_epi8(valid >> done, src + done));
        special &= special - 1;
    }
    return dst + (length - done);
}

/* See arch/common/text_body.h. */
RJ__INLINE uint8_t *
rj__put_sure_bytes(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    if (RJ__UNLIKELY(length > RJ__RUN))
        return rj__put_by_steps(src, length, dst, end);
    for (size_t count; length; src += count, length -= count) {
        count = length < 64 ? length : 64;
        dst = rj__put_marked64(rj__load_marked64(src, count), count, src, dst);
    }
    return dst;
}

#define RJ__UP_TO_MOST 128
#define RJ__UP_TO_ROOM (2 * (64 + 5 * RJ__FEW_ESCAPES) + 64)

/* rj__put_up_to of 32 or 64 bytes where escapes are expected: none but the rare ones decides a branch. */
RJ__INLINE uint8_t *
rj__put_escaped_up_to(const uint8_t *src, size_t length, uint8_t *dst, size_t most)
{
    rj__escaped64 b = rj__classify_escaped64(src, length);
    if (RJ__UNLIKELY(_mm_popcnt_u64(b.rare) > RJ__FEW_ESCAPES))
        return NULL;
    return most == 32 ? rj__put_marked(_mm512_castsi512_si256(b.v), length, (uint32_t)b.marks, (uint32_t)b.rare, src, dst)
                      : rj__put_classified64(b, length, src, dst);
}

/* See arch/common/text_body.h. */
RJ__INLINE uint8_t *
rj__put_up_to(const uint8_t *src, size_t length, uint8_t *dst, size_t most, int escaped)
{
    if (escaped)
        return rj__put_escaped_up_to(src, length, dst, most);
    if (most == 32)
        return RJ__LIKELY(!rj__copy_masked32(src, length, dst)) ? dst + length : NULL;
    const size_t first = most == 64 || length < 64 ? length : 64;
    rj__marked64 a = rj__load_marked64(src, first), b = rj__load_marked64(src + first, length - first);
    _mm512_storeu_si512(dst, a.v);
    if (most == 128)
        _mm512_storeu_si512(dst + 64, b.v);
    if (RJ__LIKELY(!(a.marks | b.marks)))
        return dst + length;
    if (_mm_popcnt_u64(a.marks) > RJ__FEW_ESCAPES || _mm_popcnt_u64(b.marks) > RJ__FEW_ESCAPES)
        return NULL;
    dst = rj__put_sparse64(a.v, first, a.marks, src, dst);
    return most == 64 ? dst : rj__put_sparse64(b.v, length - first, b.marks, src + first, dst);
}

#define RJ__HAS_PUT_PASSING 1

/* See arch/common/text_body.h. */
static RJ__NOINLINE uint8_t *
put_text_passing(const uint8_t *src, size_t length, uint8_t *dst, const uint8_t *end)
{
    for (; length > RJ__MEDIUM; src += 32, dst += 32, length -= 32) {
        __m256i v = rj__avx2_load(src), special = rj__avx2_special(v);
        rj__avx2_store(dst, v);
        if (RJ__UNLIKELY(!_mm256_testz_si256(special, special)))
            return put_text_dirty(src, length, dst, end);
    }
    for (; length > 64; src += 64, dst += 64, length -= 64)
        if (RJ__UNLIKELY(rj__copy_masked64(src, 64, dst, 0)))
            return put_text_dirty(src, length, dst, end);
    if (RJ__UNLIKELY(rj__copy_masked64(src, length, dst, 0)))
        return put_text_dirty(src, length, dst, end);
    return dst + length;
}

/* 32 code units below 0x800 as 16-bit lanes. */
RJ__INLINE __m512i
rj__short_lanes(__m512i v, __mmask32 two, __mmask32 short_escape, __m512i letters)
{
    __m512i lead = _mm512_srli_epi16(v, 6);
    __m512i trail = _mm512_slli_epi16(_mm512_and_si512(v, _mm512_set1_epi16(0x3f)), 8);
    __m512i pair = _mm512_or_si512(_mm512_or_si512(lead, trail), _mm512_set1_epi16((short)0x80C0));
    __m512i escape = _mm512_or_si512(_mm512_slli_epi16(letters, 8), _mm512_set1_epi16('\\'));
    return _mm512_mask_mov_epi16(_mm512_mask_mov_epi16(v, two, pair), short_escape, escape);
}

/* 32 code units that all become three bytes: 16 at a time, each as three fields of six bits, squeezed together.
 * Stores 112 bytes. */
RJ__INLINE uint8_t *
rj__put_three_bytes_each(__m512i v, uint8_t *dst)
{
    const __m512i fields = _mm512_set1_epi64(0x3f20262c3f00060c);
    const __m512i squeeze =
        _mm512_set_epi32(0, 0, 0, 0, 0x3e3d3c3a, 0x39383635, 0x34323130, 0x2e2d2c2a, 0x29282625, 0x24222120, 0x1e1d1c1a,
                         0x19181615, 0x14121110, 0x0e0d0c0a, 0x09080605, 0x04020100);
    for (int half = 0; half < 2; half++) {
        __m256i units = half ? _mm512_extracti64x4_epi64(v, 1) : _mm512_castsi512_si256(v);
        __m512i bytes = _mm512_multishift_epi64_epi8(fields, _mm512_cvtepu16_epi32(units));
        bytes = _mm512_and_si512(bytes, _mm512_set1_epi32(0x003f3f0f));
        bytes = _mm512_or_si512(bytes, _mm512_set1_epi32(0x008080e0));
        _mm512_storeu_si512(dst + 48 * half, _mm512_permutexvar_epi8(squeeze, bytes));
    }
    return dst + 96;
}

/* The code points that have short escapes, and those that are nothing for vectors: with long escapes, and surrogates. */
RJ__INLINE __mmask16
rj__short_escapes(__m512i v, __mmask16 valid, __m512i *letters, __mmask16 *rare)
{
    const __m512i letter_table = _mm512_set_epi32(0, 0, 'r', 'f', 0, 'n', 't', 'b', 0, 0, 0, 0, 0, 0, 0, 0);
    __mmask16 control = _mm512_mask_cmplt_epu32_mask(valid, v, _mm512_set1_epi32(0x20));
    __mmask16 low = _mm512_mask_cmplt_epu32_mask(control, v, _mm512_set1_epi32(0x10));
    __mmask16 itself =
        _mm512_cmpeq_epi32_mask(v, _mm512_set1_epi32('"')) | _mm512_cmpeq_epi32_mask(v, _mm512_set1_epi32('\\'));
    *letters = _mm512_mask_mov_epi32(_mm512_permutexvar_epi32(v, letter_table), itself, v);
    __mmask16 short_escape = _mm512_mask_test_epi32_mask(low | itself, *letters, *letters);
    __m512i top = _mm512_and_si512(v, _mm512_set1_epi32((int)0xFFFFF800));
    *rare = (__mmask16)((control & ~short_escape) | _mm512_cmpeq_epi32_mask(top, _mm512_set1_epi32(0xD800)));
    return short_escape;
}

/* 16 code points as 32-bit lanes, none of them rare. */
RJ__INLINE uint8_t *
rj__put_code_points(__m512i v, __mmask16 short_escape, __m512i letters, uint8_t *dst)
{
    __mmask16 two = _mm512_cmpge_epu32_mask(v, _mm512_set1_epi32(0x80));
    __mmask16 three = _mm512_cmpge_epu32_mask(v, _mm512_set1_epi32(0x800));
    __mmask16 four = _mm512_cmpge_epu32_mask(v, _mm512_set1_epi32(0x10000));
    /* The six-bit fields of each, the first field in the first byte. */
    __m512i fields = _mm512_set1_epi64(0x2020202000000000);
    fields = _mm512_mask_mov_epi32(fields, two, _mm512_set1_epi64(0x3f3f20263f3f0006));
    fields = _mm512_mask_mov_epi32(fields, three, _mm512_set1_epi64(0x3f20262c3f00060c));
    fields = _mm512_mask_mov_epi32(fields, four, _mm512_set1_epi64(0x20262c3200060c12));
    __m512i bits = _mm512_set1_epi32(0x7f);
    bits = _mm512_mask_mov_epi32(bits, two, _mm512_set1_epi32(0x3f1f));
    bits = _mm512_mask_mov_epi32(bits, three, _mm512_set1_epi32(0x3f3f0f));
    bits = _mm512_mask_mov_epi32(bits, four, _mm512_set1_epi32(0x3f3f3f07));
    __m512i marks = _mm512_maskz_mov_epi32(two, _mm512_set1_epi32(0x80C0));
    marks = _mm512_mask_mov_epi32(marks, three, _mm512_set1_epi32(0x8080E0));
    marks = _mm512_mask_mov_epi32(marks, four, _mm512_set1_epi32((int)0x808080F0));
    __m512i lanes = _mm512_multishift_epi64_epi8(fields, v);
    lanes = _mm512_ternarylogic_epi32(lanes, bits, marks, 0xEA); /* (lanes & bits) | marks */
    lanes = _mm512_mask_or_epi32(lanes, short_escape, _mm512_slli_epi32(letters, 8), _mm512_set1_epi32('\\'));
    return rj__put_nonzero(lanes, dst);
}

/* Up to 16 code points, up to the first rare one. */
RJ__INLINE size_t
rj__spell_code_points(__m512i v, size_t length, uint8_t **dst)
{
    __m512i letters;
    __mmask16 rare, short_escape = rj__short_escapes(v, (__mmask16)rj__first_bits(length), &letters, &rare);
    if (RJ__UNLIKELY(rare)) {
        unsigned count = _tzcnt_u32(rare);
        __mmask16 before = (__mmask16)rj__first_bits(count);
        *dst = rj__put_code_points(_mm512_maskz_mov_epi32(before, v), short_escape & before, letters, *dst);
        return count;
    }
    *dst = rj__put_code_points(v, short_escape, letters, *dst);
    return length < 16 ? length : 16;
}

/* Whether all valid units, behind which there are zeros, become three bytes. */
RJ__INLINE int
rj__have_three_bytes(__m512i v, __mmask32 valid)
{
    __m512i top = _mm512_and_si512(v, _mm512_set1_epi16((short)0xF800));
    return _mm512_cmpge_epu16_mask(v, _mm512_set1_epi16(0x800)) == valid &&
           _mm512_cmpeq_epi16_mask(top, _mm512_set1_epi16((short)0xD800)) == 0;
}

/* Units in blocks of 32 that all become three bytes. Returns how many. */
RJ__INLINE size_t
rj__put_run_of_three_bytes(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    size_t done = 0;
    uint8_t *out = *dst;
    for (; length - done >= 32 && end - out >= RJ__TEXT_ROOM; done += 32) {
        __m512i v = _mm512_loadu_si512(src + done);
        if (RJ__UNLIKELY(!rj__have_three_bytes(v, ~(__mmask32)0)))
            break;
        out = rj__put_three_bytes_each(v, out);
    }
    *dst = out;
    return done;
}

RJ__INLINE size_t
rj__step_ucs2(const uint16_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    __mmask32 valid = rj__first_bits(length);
    size_t count = length < 32 ? length : 32;
    __m512i v = _mm512_maskz_loadu_epi16(valid, src);
    __mmask32 high = _mm512_cmpge_epu16_mask(v, _mm512_set1_epi16(0x800));
    if (high == 0) {
        const __m512i letter_table = _mm512_set_epi16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'r', 'f', 0, 'n',
                                                      't', 'b', 0, 0, 0, 0, 0, 0, 0, 0);
        __mmask32 control = _mm512_mask_cmplt_epu16_mask(valid, v, _mm512_set1_epi16(0x20));
        __mmask32 itself =
            _mm512_cmpeq_epi16_mask(v, _mm512_set1_epi16('"')) | _mm512_cmpeq_epi16_mask(v, _mm512_set1_epi16('\\'));
        __m512i letters = _mm512_permutexvar_epi16(v, letter_table);
        __mmask32 rare = _mm512_mask_testn_epi16_mask(control, letters, letters);
        if (RJ__UNLIKELY(rare))
            return rj__spell_code_points(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(v)), count < 16 ? count : 16, dst);
        letters = _mm512_mask_mov_epi16(letters, itself, v);
        __mmask32 two = _mm512_cmpge_epu16_mask(v, _mm512_set1_epi16(0x80));
        *dst = rj__put_nonzero(rj__short_lanes(v, two, control | itself, letters), *dst);
        return count;
    }
    if (rj__have_three_bytes(v, valid)) {
        rj__put_three_bytes_each(v, *dst);
        *dst += 3 * count;
        return count + rj__put_run_of_three_bytes(src + count, length - count, dst, end);
    }
    return rj__spell_code_points(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(v)), count < 16 ? count : 16, dst);
}

RJ__INLINE size_t
rj__step_ucs4(const uint32_t *src, size_t length, uint8_t **dst, const uint8_t *end)
{
    (void)end;
    __mmask16 valid = (__mmask16)rj__first_bits(length);
    return rj__spell_code_points(_mm512_maskz_loadu_epi32(valid, src), length, dst);
}

#endif
