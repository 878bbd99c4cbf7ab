/* Shared by the files of stream/ and by the encoder in src/; not installed. */
#ifndef RJSON_STREAM_INTERNAL_H
#define RJSON_STREAM_INTERNAL_H

#include "rjson/stream.h"

#include <string.h>

#define RJ__LIKELY(x) __builtin_expect(!!(x), 1)
#define RJ__UNLIKELY(x) __builtin_expect(!!(x), 0)
#define RJ__INLINE static inline __attribute__((always_inline))
#define RJ__NOINLINE __attribute__((noinline))
/* Of a table that another file defines: code that knows it to be of the same library has its address in the
 * instruction, and need not look it up first. */
#define RJ__TABLE extern __attribute__((visibility("hidden"))) const

/* The allocator to use for what the caller passed: itself, or the C library's for NULL. */
rj_allocator rj__allocator_or_default(const rj_allocator *alloc);
void *rj__allocate(const rj_allocator *alloc, size_t size);
void *rj__reallocate(const rj_allocator *alloc, void *block, size_t size);
void rj__release(const rj_allocator *alloc, void *block);

/* Nanoseconds of a clock that never goes back. */
uint64_t rj__monotonic_ns(void);
/* When a wait of that long that begins now ends, on that clock; 0, for never, if it is negative or too large to
 * represent. */
uint64_t rj__deadline_ns(int64_t timeout_ms);
/* Sleeps that long, so that another thread gets to run. */
void rj__nap_us(unsigned microseconds);

/* How many processors this thread may run on. */
int rj__processor_count(void);

/* Whether `length` bytes are well-formed UTF-8 (RFC 3629: no surrogates, nothing overlong). */
int rj__utf8_valid(const uint8_t *s, size_t length);
/* How many bytes from the first on are whole characters of it. */
size_t rj__utf8_whole(const uint8_t *s, size_t length);
/* Whether a character begins there whose end is missing. */
int rj__utf8_is_cut_off(const uint8_t *s, size_t length);
/* How many characters they are. */
uint64_t rj__utf8_count(const uint8_t *s, size_t length);

#endif
