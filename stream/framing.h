/*
 * How documents follow each other in one text. This is the only table of framings: the writers, the fan-out and the
 * reader all use it.
 *
 * A text is: `first` before the first document, `next` before each further one, `suffix` after each, `end` after the
 * last. If there is no document, a framing with an `end` is `first` and `end`, any other is nothing.
 */
#ifndef RJ__FRAMING_H
#define RJ__FRAMING_H

#include <stddef.h>
#include <stdint.h>

/* What a framing is good for, and what it asks of documents. */
enum {
    RJ__FRAMING_WRITES = 1,   /* there are writers for it */
    RJ__FRAMING_READS = 2,    /* there is a reader for it */
    RJ__FRAMING_JOINS = 4,    /* a reader may join in before any document: there is nothing around the whole */
    RJ__FRAMING_ONE_LINE = 8, /* a line break would end the document: those in it become spaces */
    RJ__FRAMING_SPACED = 16,  /* two numbers or words need a space between them */
    RJ__FRAMING_FIELDS = 32   /* lines of fields may come before the document */
};

/* X(NAME, name, first, next, suffix, end, flags) */
#define RJ__FRAMING_MAP(X)                                                                                                  \
    X(CONCAT, "concat", "", "", "", "", RJ__FRAMING_WRITES | RJ__FRAMING_READS | RJ__FRAMING_JOINS | RJ__FRAMING_SPACED)    \
    /* NDJSON, JSON Lines */                                                                                                \
    X(LINES, "lines", "", "", "\n", "", RJ__FRAMING_WRITES | RJ__FRAMING_READS | RJ__FRAMING_JOINS | RJ__FRAMING_ONE_LINE)  \
    /* server-sent events: text/event-stream (HTML, section 9.2) */                                                         \
    X(SSE, "sse", "data: ", "data: ", "\n\n", "",                                                                           \
      RJ__FRAMING_WRITES | RJ__FRAMING_READS | RJ__FRAMING_JOINS | RJ__FRAMING_ONE_LINE | RJ__FRAMING_FIELDS)               \
    /* JSON text sequences (RFC 7464) */                                                                                    \
    X(SEQ, "seq", "\x1e", "\x1e", "\n", "", RJ__FRAMING_WRITES | RJ__FRAMING_READS | RJ__FRAMING_JOINS)                     \
    /* one JSON array, whose items the documents are */                                                                     \
    X(ARRAY, "array", "[", ",", "", "]", RJ__FRAMING_WRITES | RJ__FRAMING_READS)                                            \
    /* the reader finds out */                                                                                              \
    X(AUTO, "auto", "", "", "", "", RJ__FRAMING_READS)

#define RJ__FRAMING_INDEX(NAME, name, first, next, suffix, end, flags) RJ__FRAMING_##NAME,
enum { RJ__FRAMING_MAP(RJ__FRAMING_INDEX) RJ__FRAMING_COUNT };
#undef RJ__FRAMING_INDEX

/* No affix is longer. */
#define RJ__FRAMING_AFFIX_MAX 8

typedef struct rj__affix {
    uint8_t bytes[RJ__FRAMING_AFFIX_MAX];
    size_t length;
} rj__affix;

typedef struct rj__framing {
    const char *name;
    rj__affix first, next, suffix, end;
    int flags;
} rj__framing;

extern const rj__framing rj__framings[RJ__FRAMING_COUNT];

/* The index of a framing of that name that has all of `flags`; -1 if there is none. */
int rj__framing_find(const char *name, int flags);
/* Names of those that have all of `flags`, quoted, as in "'a', 'b' or 'c'". */
void rj__framing_list(char *out, size_t size, int flags);
/* Whether a document that ends with `last` may be followed by any other without a space. */
int rj__framing_is_self_delimiting(int last);
/* Turns the line breaks of a document (or a part of one) into spaces. JSON has them between its tokens only, where
 * the two mean the same. */
void rj__framing_join_lines(uint8_t *bytes, size_t length);

#endif
