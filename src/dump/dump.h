/* Encoding one object to a target. Every function returns a new reference to the count written, or NULL. */
#ifndef RJSON_DUMP_DUMP_H
#define RJSON_DUMP_DUMP_H

#include "dump/outlet.h"
#include "dump/pace.h"

/* What all targets have in common. References are borrowed. */
typedef struct rj_target {
    PyObject *label;       /* for messages: a str, or an object whose repr will do */
    PyObject *progress;    /* callable, or NULL */
    PyObject *fileno;      /* callable that gives the descriptor, or NULL */
    PyObject *would_block; /* exception type, or tuple of them, that means "not now" */
    size_t chunk_size;
    int64_t timeout_ms; /* negative: no limit */
    rj_overlap overlap; /* with a second thread, for descriptors */
    int verbatim;       /* the object is a bytes object that is to be written as it is */
} rj_target;

/* To a str or a bytes object. */
PyObject *rj_dumps(rj_state *state, const rj_options *options, PyObject *obj, int as_str);
/* To a file descriptor; a count of bytes, or of characters. */
PyObject *rj_dump_fd(rj_state *state, const rj_options *options, PyObject *obj, const rj_target *target, int fd,
                     int count_characters);
/* To another extension module's sink, which is not freed. A count of bytes. */
PyObject *rj_dump_waiting(rj_state *state, const rj_options *options, PyObject *obj, const rj_target *target,
                          const rj_waiting_sink *waiting);
/* Through `write` (or `send`), a callable that takes bytes, or str if `mode` says so. */
typedef enum rj_write_mode { RJ_WRITE_BYTES, RJ_WRITE_TEXT, RJ_WRITE_EITHER } rj_write_mode;
/* What `write` answers by. */
typedef enum rj_write_answers {
    RJ_ANSWERS_COUNT,  /* a count of what it took, but no 0; None is all, until it has answered with a count */
    RJ_ANSWERS_RAW,    /* as io.RawIOBase: a count; None is nothing, and so is 0 */
    RJ_ANSWERS_IGNORED /* as the json module has it: all was taken, whatever it answers */
} rj_write_answers;
PyObject *rj_dump_write(rj_state *state, const rj_options *options, PyObject *obj, const rj_target *target, PyObject *write,
                        rj_write_mode mode, rj_write_answers answers, int count_characters);

/* What fills a target's sink: an encoder, or the transcoder. `run` flushes it at the end: 0, or -1 with the exception. */
typedef struct rj_filler {
    int (*run)(void *ctx, const rj_target *target, rj_sink *sink, rj_pace *pace);
    void *ctx;
    rj_state *state;
    const char *decode_errors; /* for bytes on their way to a text target */
} rj_filler;

/* rj_dump_fd and rj_dump_write for any of them. */
PyObject *rj_fill_fd(const rj_filler *filler, const rj_target *target, int fd, int count_characters);
PyObject *rj_fill_write(const rj_filler *filler, const rj_target *target, PyObject *write, rj_write_mode mode,
                        rj_write_answers answers, int count_characters);

/* An encoding as a filler; `ctx` is one of these. */
typedef struct rj_encoding {
    rj_state *state;
    const rj_options *options;
    PyObject *obj;
} rj_encoding;
rj_filler rj_encoding_filler(rj_encoding *encoding);

/* ---- the arguments of _dump_fd and _dump_write, which rjson._targets calls; references are borrowed */
typedef struct rj_fd_call {
    PyObject *obj;
    rj_target target;
    int fd, characters;
} rj_fd_call;
typedef struct rj_write_call {
    PyObject *obj, *write;
    rj_target target;
    rj_write_mode mode;
    rj_write_answers answers;
    int characters;
} rj_write_call;
/* -1 with an exception. */
int rj_fd_call_parse(rj_fd_call *call, PyObject *args, PyObject *kwargs);
int rj_write_call_parse(rj_write_call *call, PyObject *args, PyObject *kwargs);

#endif
