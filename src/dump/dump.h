/* Encoding one object to a target. Every function returns a new reference to the count written, or NULL. */
#ifndef RJSON_DUMP_DUMP_H
#define RJSON_DUMP_DUMP_H

#include "dump/outlet.h"
#include "dump/pace.h"

/* What all targets have in common. References are borrowed. */
typedef struct rjpy_target {
    PyObject *label;       /* for messages: a str, or an object whose repr will do */
    PyObject *progress;    /* callable, or NULL */
    PyObject *fileno;      /* callable that gives the descriptor, or NULL */
    PyObject *would_block; /* exception type, or tuple of them, that means "not now" */
    size_t chunk_size;
    int64_t timeout_ms; /* negative: no limit */
    rj_overlap overlap; /* with a second thread, for descriptors */
    int verbatim;       /* the object is a bytes object that is to be written as it is */
} rjpy_target;

/* To a str or a bytes object. */
PyObject *rjpy_dumps(rjpy_state *state, const rjpy_options *options, PyObject *obj, int as_str);
/* To a file descriptor; a count of bytes, or of characters. */
PyObject *rjpy_dump_fd(rjpy_state *state, const rjpy_options *options, PyObject *obj, const rjpy_target *target, int fd,
                       int count_characters);
/* To another extension module's sink, which is not freed. A count of bytes. */
PyObject *rjpy_dump_waiting(rjpy_state *state, const rjpy_options *options, PyObject *obj, const rjpy_target *target,
                            const rjpy_waiting_sink *waiting);

/* What fills a target's sink: an encoder, the transcoder, or Arrow's rows. `run` flushes it at the end: 0, or -1 with the exception. */
typedef struct rjpy_filler {
    int (*run)(void *ctx, const rjpy_target *target, rj_sink *sink, rjpy_pace *pace);
    void *ctx;
    rjpy_state *state;
    const char *decode_errors; /* for bytes on their way to a text target */
} rjpy_filler;

/* An encoding as a filler; `ctx` is one of these. */
typedef struct rjpy_encoding {
    rjpy_state *state;
    const rjpy_options *options;
    PyObject *obj;
} rjpy_encoding;
rjpy_filler rjpy_encoding_filler(rjpy_encoding *encoding);

/* ---- the arguments of _dump_fd and _dump_write, which rjson._targets calls; references are borrowed */
typedef struct rjpy_fd_call {
    PyObject *obj;
    rjpy_target target;
    int fd, characters;
} rjpy_fd_call;
/* What `write` (or `send`) takes. */
typedef enum rjpy_write_mode { RJ_WRITE_BYTES, RJ_WRITE_TEXT, RJ_WRITE_EITHER } rjpy_write_mode;
/* What `write` answers by. */
typedef enum rjpy_write_answers {
    RJ_ANSWERS_COUNT,  /* a count of what it took, but no 0; None is all, until it has answered with a count */
    RJ_ANSWERS_RAW,    /* as io.RawIOBase: a count; None is nothing, and so is 0 */
    RJ_ANSWERS_IGNORED /* as the json module has it: all was taken, whatever it answers */
} rjpy_write_answers;
typedef struct rjpy_write_call {
    PyObject *obj, *write;
    rjpy_target target;
    rjpy_write_mode mode;
    rjpy_write_answers answers;
    int characters;
} rjpy_write_call;
/* -1 with an exception. */
int rjpy_fd_call_parse(rjpy_fd_call *call, PyObject *args, PyObject *kwargs);
int rjpy_write_call_parse(rjpy_write_call *call, PyObject *args, PyObject *kwargs);

/* ---- what is done with them: by an encoding, or by any filler */
PyObject *rjpy_dump_write(rjpy_state *state, const rjpy_options *options, const rjpy_write_call *call);
PyObject *rjpy_fill_fd(const rjpy_filler *filler, const rjpy_target *target, int fd, int count_characters);
PyObject *rjpy_fill_write(const rjpy_filler *filler, const rjpy_write_call *call);
/* To a duplicate of the descriptor: while a filler has released the GIL nobody can close it, and have the number become another
 * file's. */
PyObject *rjpy_fill_duplicate(const rjpy_filler *filler, const rjpy_fd_call *call);
/* The end of a filler's run that has failed, with its exception set: aborts the sink, waiting for a write that is under way on a second
 * thread, and has the exception say how much is out. */
void rjpy_filler_failed(const rjpy_state *state, rj_sink *sink);
/* What the target has accepted, as an int; without memory for that, NULL, with an exception that says how much is out. */
PyObject *rjpy_filler_result(const rjpy_state *state, uint64_t count);

#endif
