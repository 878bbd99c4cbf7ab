/*
 * Text on its way into a document: what is left of a string (or of raw JSON), and how each instruction set writes it.
 * A text may be written over any number of windows, so its state lives here and not on the C stack.
 */
#ifndef RJSON_STREAM_TEXT_TEXT_H
#define RJSON_STREAM_TEXT_TEXT_H

#include "arch/common/sets.h"
#include "internal.h"

typedef enum rj__text_kind {
    RJ__TEXT_RAW,    /* bytes, copied (cut between UTF-8 characters only) */
    RJ__TEXT_UNCUT,  /* the same, cut anywhere */
    RJ__TEXT_LATIN1, /* one byte a code point, U+0000 to U+00FF */
    RJ__TEXT_UCS2,   /* two bytes a code point */
    RJ__TEXT_UCS4,   /* four bytes a code point */
    RJ__TEXT_UTF8,   /* valid UTF-8 */
    RJ__TEXT_BYTES   /* one byte a code point, and from 0x80 on they are written as that byte */
} rj__text_kind;

/* What becomes of a lone surrogate (RFC 8259, section 8.2, leaves it open). */
typedef enum rj__surrogates {
    RJ__SURROGATES_STOP,    /* the text cannot be written */
    RJ__SURROGATES_ESCAPE,  /* \\ud800 */
    RJ__SURROGATES_REPLACE, /* U+FFFD */
    RJ__SURROGATES_PASS     /* the three bytes that UTF-8 would have for it (WTF-8); escaped in ASCII */
} rj__surrogates;

typedef struct rj__text {
    const void *data; /* borrowed; code units of the kind's width, aligned for them */
    size_t position;  /* units done */
    size_t length;    /* units in all */
    rj__text_kind kind;
    rj__surrogates surrogates;
    int ascii; /* 1: nothing but ASCII is to be written, and DEL is escaped (as json does); not for RAW and UTF8 */
} rj__text;

/* The body functions stop where fewer bytes than this are left: room for 32 units that all become an escape of 6
 * bytes, and for what is stored past them. */
#define RJ__TEXT_ROOM 256
/* The most bytes that one unit can become: two escapes, for a code point outside the Basic Multilingual Plane. */
#define RJ__UNIT_MAX 12

/* What rj__copy_clean may touch around a string: bytes it may read before, bytes it may write after. */
#define RJ__BEFORE 16
#define RJ__AFTER 64

/* Writes the text's JSON body (no quotes) from its position on at `dst`, until it ends or fewer than RJ__TEXT_ROOM
 * bytes are left before `end`. Returns the new end of output, or NULL at a lone surrogate that it cannot write
 * (position is on it). */
typedef uint8_t *rj__put_text_fn(rj__text *text, uint8_t *dst, const uint8_t *end);

typedef struct rj__arch {
    const char *name;
    rj__put_text_fn *put_text;
    int (*runs)(void); /* whether this machine runs it */
} rj__arch;

#define RJ__DECLARE_ARCH(set)                                                                                               \
    rj__put_text_fn rj__put_text_##set;                                                                                     \
    int rj__runs_##set(void);
RJ__SETS(RJ__DECLARE_ARCH)
#undef RJ__DECLARE_ARCH

/* The instruction sets that this machine can run, best first. Static. */
const rj__arch *rj__arch_list(size_t *count);
/* That of this name, or the best if it is NULL; NULL if there is none that this machine can run. */
const rj__arch *rj__arch_named(const char *name);

/* For each byte: 0 if it stands for itself in a string, the letter after the backslash if it has a short escape
 * (RFC 8259, section 7), 'u' if it needs the long one. */
RJ__TABLE uint8_t rj__escape_letter[256];

/* What a backslash and a byte stand for; 0 for what is no escape of two bytes. */
RJ__TABLE uint8_t rj__unescaped[256];

/* The value of a hexadecimal digit, RJ__NO_DIGIT for every other byte. */
#define RJ__NO_DIGIT 0x80
RJ__TABLE uint8_t rj__hex_value[256];

/* A byte as it stands in a string: itself (from 0x80 on too), or its escape. */
typedef struct rj__spelling {
    uint8_t bytes[7], length;
} rj__spelling;
RJ__TABLE rj__spelling rj__spellings[256];

/* Shuffles that leave out the empty second bytes of 16-bit lanes; see gen/shuffles.py. */
RJ__TABLE uint8_t rj__squeeze[256][16];

/* Shuffles that keep some of eight 16-bit lanes. */
RJ__TABLE uint8_t rj__pick[256][16];

/* Shuffles that keep the last bytes of four 32-bit lanes. */
RJ__TABLE uint8_t rj__pack[256][16];

/* Vectors of '"', '\', and of 0x1f, the last control character. In memory, because compilers rebuild vector constants for
 * every string otherwise. */
RJ__TABLE uint8_t rj__quotes[32], rj__backslashes[32], rj__controls[32];

#endif
