/* See arch/scalar/units.h; by blocks of 16 bytes, for SSE4.2 and AVX2. 16 bytes before the units must be readable,
 * as a str's header is. */
#ifndef RJSON_STREAM_ARCH_SSE4_UNITS_H
#define RJSON_STREAM_ARCH_SSE4_UNITS_H

/* Which units of `width` bytes must be escaped or are surrogates: all bits of each. */
RJ__INLINE __m128i
rj__special_units(__m128i v, int width)
{
    if (width == 2) {
        __m128i control = _mm_cmpeq_epi16(_mm_min_epu16(v, _mm_set1_epi16(0x1f)), v);
        __m128i surrogate = _mm_cmpeq_epi16(_mm_and_si128(v, _mm_set1_epi16((short)0xF800)), _mm_set1_epi16((short)0xD800));
        __m128i sign = _mm_or_si128(_mm_cmpeq_epi16(v, _mm_set1_epi16('"')), _mm_cmpeq_epi16(v, _mm_set1_epi16('\\')));
        return _mm_or_si128(_mm_or_si128(control, surrogate), sign);
    }
    __m128i control = _mm_cmplt_epi32(v, _mm_set1_epi32(0x20));
    __m128i surrogate = _mm_cmpeq_epi32(_mm_and_si128(v, _mm_set1_epi32((int)0xFFFFF800)), _mm_set1_epi32(0xD800));
    __m128i sign = _mm_or_si128(_mm_cmpeq_epi32(v, _mm_set1_epi32('"')), _mm_cmpeq_epi32(v, _mm_set1_epi32('\\')));
    return _mm_or_si128(_mm_or_si128(control, surrogate), sign);
}

/* A block of the target's units, from as many of the source's. */
RJ__INLINE __m128i
rj__load_units(const uint8_t *src, int from, int to)
{
    if (from == to)
        return _mm_loadu_si128((const __m128i *)(const void *)src);
    return _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(const void *)src));
}

/* Copies a block from the i-th unit on; returns what is special. */
RJ__INLINE __m128i
rj__copy_unit_block(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    __m128i v = rj__load_units(src + i * (size_t)from, from, to);
    _mm_storeu_si128((__m128i *)(void *)(dst + i * (size_t)to), v);
    return rj__special_units(v, to);
}

#define RJ__FEW_UNITS(to) (32 / (to))

/* The last `size` bytes before `end`, at most 16, moved to the front: one load that ends where they end. */
RJ__INLINE __m128i
rj__load_before(const uint8_t *end, size_t size)
{
    return rj__shift_to_front(_mm_loadu_si128((const __m128i *)(const void *)(end - 16)), size);
}

RJ__INLINE void
rj__store_units(uint8_t *dst, __m128i v)
{
    _mm_storeu_si128((__m128i *)(void *)dst, v);
}

/* Up to two blocks, without a branch on their length: each from a load that ends where it ends. */
RJ__INLINE int
rj__copy_few_units(const void *source, int from, size_t length, void *target, int to)
{
    const uint8_t *src = source;
    uint8_t *dst = target;
    size_t size = length * (size_t)from, first = size < 16 ? size : 16;
    __m128i a = rj__load_before(src + first, first), b;
    if (from == to) {
        b = rj__load_before(src + size, size - first);
    }
    else {
        b = _mm_cvtepu16_epi32(_mm_srli_si128(a, 8));
        a = _mm_cvtepu16_epi32(a);
    }
    rj__store_units(dst, a);
    rj__store_units(dst + 16, b);
    size = length * (size_t)to;
    unsigned special =
        (unsigned)_mm_movemask_epi8(rj__special_units(a, to)) | (unsigned)_mm_movemask_epi8(rj__special_units(b, to)) << 16;
    return (special & (((uint64_t)1 << size) - 1)) != 0;
}

#if !defined(RJ__HAS_UNIT_RUN)
/* 64 bytes of the target's units; nonzero if one is special. */
RJ__INLINE int
rj__copy_unit_run(const uint8_t *src, int from, size_t i, uint8_t *dst, int to)
{
    size_t block = 16 / (size_t)to;
    __m128i special = _mm_setzero_si128();
    for (size_t j = i; j < i + 4 * block; j += block)
        special = _mm_or_si128(special, rj__copy_unit_block(src, from, j, dst, to));
    return !_mm_testz_si128(special, special);
}
#endif

/* Of so many units blocks are stored where blocks should begin; see arch/common/steps_lanes.h. */
#define RJ__ALIGNED_UNITS 1024

RJ__INLINE size_t
rj__first_special(__m128i special, int to)
{
    return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(special)) / (size_t)to;
}

RJ__INLINE size_t
rj__copy_clean_units(const void *source, int from, size_t length, void *target, int to)
{
    const uint8_t *src = source;
    uint8_t *dst = target;
    size_t block = 16 / (size_t)to, i = 0;
    if (length < block) {
        size_t size = length * (size_t)from;
        __m128i v = rj__load_before(src + size, size);
        if (from != to)
            v = _mm_cvtepu16_epi32(v);
        rj__store_units(dst, v);
        unsigned special = (unsigned)_mm_movemask_epi8(rj__special_units(v, to)) | 1u << length * (size_t)to;
        return (size_t)__builtin_ctz(special) / (size_t)to;
    }
    if (length >= RJ__ALIGNED_UNITS && RJ__LIKELY(!rj__copy_unit_run(src, from, 0, dst, to)))
        i = -(uintptr_t)dst % 32 / (size_t)to;
    while (i + 4 * block <= length && RJ__LIKELY(!rj__copy_unit_run(src, from, i, dst, to))) {
        rj__prefetch_ahead(src + i * (size_t)from, RJ__COPIED_AHEAD, 4 * block * (size_t)from);
        i += 4 * block;
    }
    while (i < length) {
        size_t at = length - i < block ? length - block : i; /* the last one overlaps the last but one */
        __m128i special = rj__copy_unit_block(src, from, at, dst, to);
        if (RJ__UNLIKELY(!_mm_testz_si128(special, special)))
            return at + rj__first_special(special, to);
        i = at + block;
    }
    return length;
}

#if !defined(RJ__HAS_WIDEN)
RJ__INLINE void
rj__widen_bytes(const uint8_t *src, size_t length, void *dst, int to)
{
    for (size_t i = 0; i < length; i += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(src + i));
        __m128i *at = (__m128i *)((uint8_t *)dst + i * (size_t)to);
        for (int j = 0; j < to; j++) { /* a store for each quarter, or half */
            _mm_storeu_si128(at + j, to == 2 ? _mm_cvtepu8_epi16(bytes) : _mm_cvtepu8_epi32(bytes));
            bytes = to == 2 ? _mm_srli_si128(bytes, 8) : _mm_srli_si128(bytes, 4);
        }
    }
}
#endif

/* ---- units with short escapes */

#define RJ__SPELLS_UNITS 1 /* rj__spell_units is there */

#if !defined(RJ__HAS_UNIT_RUN)
/* Which bytes of a block of units are special. */
RJ__INLINE uint64_t
rj__mark_units(const uint8_t *src, int width)
{
    uint64_t marks = 0;
    for (size_t i = 0; i < RJ__ESCAPE_BLOCK; i += 16)
        marks |= (uint64_t)(unsigned)_mm_movemask_epi8(rj__special_units(rj__load_sixteen(src + i), width)) << i;
    return marks;
}

/* rj__mark_units for less than a block, with RJ__SCAN_BLOCK readable bytes before it. */
RJ__INLINE uint64_t
rj__mark_last_units(const uint8_t *src, size_t left, int width)
{
    uint64_t marks = 0;
    size_t rest = left % 16, whole = left - rest;
    for (size_t i = 0; i < whole; i += 16)
        marks |= (uint64_t)(unsigned)_mm_movemask_epi8(rj__special_units(rj__load_sixteen(src + i), width)) << i;
    if (rest) {
        unsigned last = (unsigned)_mm_movemask_epi8(rj__special_units(rj__load_sixteen(src + left - 16), width));
        marks |= (uint64_t)(last >> (16 - rest)) << whole;
    }
    return marks;
}
#endif

/* See rj__spell_marked and rj__spell_last: `count` bytes, all of which are at `dst`. NULL if one of those that are
 * marked has no short escape. */
RJ__INLINE uint8_t *
rj__spell_marked_units(const uint8_t *src, size_t count, uint64_t marks, uint8_t *dst, int width, int is_last)
{
    size_t done = 0;
    while (marks) {
        size_t place = rj__first_mark(marks);
        uint32_t c = rj__unit(src + place, width, 0);
        if (RJ__UNLIKELY(c >= 0x80) || RJ__UNLIKELY(rj__spellings[c].length != 2))
            return NULL;
        dst += place - done;
        rj__set_unit(dst, width, 0, '\\');
        rj__set_unit(dst, width, 1, rj__spellings[c].bytes[1]);
        dst += 2 * width;
        done = place + (size_t)width;
        if (is_last)
            rj__copy_last(src + done, count - done, dst);
        else
            rj__copy_blocks(src + done, RJ__ESCAPE_BLOCK, dst);
        marks &= ~(rj__marks_of((size_t)width) << place);
    }
    return dst + (count - done);
}

/* The first `count` bytes of a block, which has as many behind it. NULL likewise. */
RJ__INLINE uint8_t *
rj__spell_some_units(const uint8_t *src, size_t count, uint8_t *dst, int width)
{
    if (RJ__LIKELY(!rj__copy_unit_run(src, width, 0, dst, width)))
        return dst + count;
    return rj__spell_marked_units(src, count, rj__mark_units(src, width) & rj__marks_of(count), dst, width, 0);
}

/* `left` bytes of units, with RJ__SCAN_BLOCK readable ones before them, with their short escapes: where they end.
 * NULL if one needs more than that. Stores at most 16 bytes behind the last. */
RJ__INLINE uint8_t *
rj__spell_units(const uint8_t *src, size_t left, uint8_t *dst, int width)
{
    for (; dst && left >= 2 * RJ__ESCAPE_BLOCK; src += RJ__ESCAPE_BLOCK, left -= RJ__ESCAPE_BLOCK)
        dst = rj__spell_some_units(src, RJ__ESCAPE_BLOCK, dst, width);
    if (dst && left > RJ__ESCAPE_BLOCK) {
        size_t count = left - RJ__ESCAPE_BLOCK;
        dst = rj__spell_some_units(src, count, dst, width);
        src += count;
        left = RJ__ESCAPE_BLOCK;
    }
    if (RJ__UNLIKELY(!dst))
        return NULL;
    rj__copy_last(src, left, dst);
    return rj__spell_marked_units(src, left, rj__mark_last_units(src, left, width), dst, width, 1);
}

#endif
