/*
 * rjson/reformat.h - read JSON and write it in another form, token by token, in constant memory.
 *
 *     rj_reformat *r;
 *     rj_reformat_options options = {.indent = "  "};
 *     if (rj_reformat_new(&r, sink, &options, NULL) != RJ_OK)
 *         return 1;
 *     while ((length = fread(buffer, 1, sizeof buffer, stdin)) > 0)
 *         if (rj_reformat_feed(r, buffer, length, &used) < 0)
 *             break;                                        // failures stick
 *     if (rj_reformat_finish(r) != RJ_OK)
 *         fprintf(stderr, "line %llu: %s\n", (unsigned long long)rj_reformat_error(r).line, rj_reformat_error(r).message);
 *     rj_reformat_free(r);
 *
 * Parts of a text go in, of any size, cut anywhere; the same values come out. Numbers keep their digits, strings their escapes, objects the
 * order of their members and members that come twice; only white space changes, and what stands between documents. The text is checked as
 * strictly as RFC 8259 has it (UTF-8 as RFC 3629), and nothing is written that was not checked: what is out when it fails is the beginning of
 * what would have come out.
 *
 * Memory: none for what is read, but a byte for each level of nesting, beyond the first 256.
 */
#ifndef RJSON_REFORMAT_H
#define RJSON_REFORMAT_H

#include "stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What holds documents together. */
typedef enum rj_framing {
    /* In: SEQ if the text begins with a record separator; ARRAY if it begins with a bracket and the output is neither AUTO nor DOCUMENT; else
     * CONCAT, but no text without any document if the output is AUTO. Out: documents as they are, a line feed between them. */
    RJ_FRAMING_AUTO,
    RJ_FRAMING_DOCUMENT, /* exactly one */
    RJ_FRAMING_LINES,    /* each on a line (NDJSON); out only without `indent` */
    RJ_FRAMING_ARRAY,    /* one array, whose items they are */
    RJ_FRAMING_SEQ,      /* JSON text sequences (RFC 7464) */
    RJ_FRAMING_CONCAT    /* one after the other; white space where two would become one, as `1` and `2` */
} rj_framing;

typedef struct rj_reformat_options {
    const char
        *indent; /* of a level: spaces and tabs, at most RJ_REFORMAT_TEXT_MAX; "": line breaks alone; NULL: no line breaks */
    const char *item_separator; /* a comma, white space around it, at most RJ_REFORMAT_TEXT_MAX bytes; NULL: "," */
    const char *key_separator;  /* the same with a colon; NULL: ":", and with `indent` ": " */
    int ascii;                  /* nonzero: what is not ASCII (and DEL) is escaped */
    rj_framing in, out;
    size_t max_depth; /* containers in a document nest at most this deeply; 0: RJ_WRITER_MAX_DEPTH */
} rj_reformat_options;

#define RJ_REFORMAT_TEXT_MAX 15

typedef struct rj_reformat rj_reformat;

/* Where it failed, and why. */
typedef struct rj_reformat_failure {
    int status;          /* RJ_OK if it did not; RJ_ESYNTAX, RJ_EUTF8, RJ_EDEPTH: the text; others: the sink, or memory */
    int sys_errno;       /* with RJ_EIO */
    const char *message; /* static; never NULL */
    uint64_t offset;     /* bytes of the text before that place */
    uint64_t character;  /* characters before it */
    uint64_t line;       /* from 1 on */
    uint64_t column;     /* in characters, from 1 on */
    uint64_t accepted;   /* bytes that the sink's target has accepted */
} rj_reformat_failure;

/* Makes a transcoder that writes to `sink` (borrowed until rj_reformat_free). NULL for the sink: the text is only checked. `options` (NULL: all
 * zero) are copied. RJ_EINVAL for options that would not make JSON, RJ_ENOMEM. */
RJ_API int rj_reformat_new(rj_reformat **out, rj_sink *sink, const rj_reformat_options *options, const rj_allocator *alloc);
/* Consumes the transcoder, not its sink; NULL is allowed. */
RJ_API void rj_reformat_free(rj_reformat *r);
/* Takes the next bytes of the text (borrowed). *used: how many were taken; all of them with RJ_OK. RJ_PAUSE: the sink would block; call again with
 * the bytes that are left when it has drained. What was made of them may still be in the sink: rj_sink_flush pushes it out. RJ_ESYNTAX, RJ_EUTF8,
 * RJ_EDEPTH, RJ_ENOMEM, or what the sink answers; it sticks. */
RJ_API int rj_reformat_feed(rj_reformat *r, const void *data, size_t length, size_t *used);
/* The text ends here: completes the output and flushes the sink. The same results; after RJ_PAUSE call it again. */
RJ_API int rj_reformat_finish(rj_reformat *r);
/* Forgets the text, finished or failed, to read another one. A failure of the sink stays. */
RJ_API void rj_reformat_reset(rj_reformat *r);
RJ_API rj_reformat_failure rj_reformat_error(const rj_reformat *r);
/* How many documents were read to their ends, and how many bytes of text were taken. */
RJ_API uint64_t rj_reformat_documents(const rj_reformat *r);
RJ_API uint64_t rj_reformat_offset(const rj_reformat *r);

/* ---- from a descriptor */
/* Reads `fd` (borrowed) to its end and feeds what it gives, then finishes: files, pipes, sockets, blocking or not. Waits with poll(2) where there is
 * nothing yet, for `timeout_ms` at most (negative: no limit). `hooks` (NULL: none) run around what may block. RJ_PAUSE: call it again when the sink
 * has drained. RJ_EREAD: reading failed, with errno; RJ_ETIMEOUT; RJ_ECANCELED from the hooks; RJ_ENOMEM; or as rj_reformat_finish. */
RJ_API int rj_reformat_run_fd(rj_reformat *r, int fd, int64_t timeout_ms, const rj_wait_hooks *hooks);

#ifdef __cplusplus
}
#endif

#endif
