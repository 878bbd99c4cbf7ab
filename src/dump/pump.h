/*
 * rjson._core.Pump: one document after the other into a recycled chunk, framed, for whoever has a place for the
 * chunks: the driver on an event loop (rjson.aio), iterencode, Writer.
 *
 * Documents come one by one (rjpy_pump_begin), or from an iterator (rjpy_pump_begin_all), async ones too. A pump
 * that has a slice cooperates with an event loop (coop.h). One without is synchronous: it awaits nothing, and when a
 * document fails it closes the sources itself.
 *
 * While a synchronous pump's source is being asked for an item, another thread may take what has been encoded
 * (rjpy_pump_steal), if the pump was made so (`is_shared`): the output is complete up to that item then.
 */
#ifndef RJSON_DUMP_PUMP_H
#define RJSON_DUMP_PUMP_H

#include "encode/encoder.h"
#include "dump/framed_chunk.h"
#include "framing.h"

/* Where full chunks may be sent without the driver: a socket, an outlet, or (-1, NULL) nowhere. */
typedef struct rjpy_way {
    int fd;
    const rjpy_outlet *outlet;
} rjpy_way;

extern const rjpy_way rjpy_no_way;

/* What comes before a document, and has not been written yet. */
typedef struct rjpy_pump_prefix {
    rj__affix affix; /* after the head */
    PyObject *head;  /* bytes, owned; or NULL */
    size_t written;  /* of both */
} rjpy_pump_prefix;

typedef struct rjpy_pump {
    PyObject_HEAD rj_sink sink; /* accepted: bytes of output (without HTTP's framing) that left the chunk */
    rjpy_framed_chunk out;
    const rjpy_way *way; /* out, while the run lasts */
    const rj__framing *framing;
    int busy;      /* in the middle of a run */
    int is_shared; /* see above */
    int stops;     /* a shared pump is to pause at the next item */
    uint64_t slice_ns;
    uint64_t turn_given_ns; /* when a shared pump last let other threads run */
    rjpy_coop coop;
    PyObject *module;         /* owned until the end: an open document needs its state, at the interpreter's exit too */
    PyObject *encoder_object; /* owned: where the options live */
    PyObject *event_type;     /* rjson.Event, owned; or NULL */
    rjpy_encoder *encoder;    /* NULL between documents */
    PyObject *root;           /* owned; NULL between documents */
    PyObject *items;          /* where further documents come from, an iterator; owned, or NULL */
    int items_are_async;
    int is_raw;  /* the document at hand is its head, and nothing else */
    int is_only; /* the framing ends with the document at hand */
    int is_part; /* what is at hand is a part of a document that is built piece by piece */
    int is_last_part;
    int is_building; /* the first part of such a document is out, and its last is not */
    rjpy_pump_prefix prefix;
    size_t flushed;          /* bytes of output in what was flushed last */
    int state;               /* what the last run ended with */
    int completed;           /* the last document is complete */
    int lost;                /* the target did not take what was flushed last */
    int torn;                /* or perhaps a part of it */
    int last_byte;           /* of the last document, without its suffix; -1 if there was none */
    int last_byte_before;    /* of the one before it */
    int is_counted;          /* the last document is among `documents` */
    uint64_t documents;      /* that are complete */
    uint64_t document_start; /* in bytes of output since the pump was made */
} rjpy_pump;

/* For a new object, zeroed. */
void rjpy_pump_init(rjpy_pump *self, size_t chunk_size, int http_chunked);
/* Lets go of everything; the sources are not closed. */
void rjpy_pump_clear(rjpy_pump *self);

/* Bytes of output since the pump was made; of the document at hand, those that left the chunk. */
uint64_t rjpy_pump_produced(const rjpy_pump *self);
uint64_t rjpy_pump_bytes_written(const rjpy_pump *self);

/* Whether a document has begun that is not complete yet. */
int rjpy_pump_has_document(const rjpy_pump *self);
/* Whether nothing runs; whether there is a document (or an iterator of them). Else -1 with RuntimeError. */
int rjpy_pump_check_idle(const rjpy_pump *self);
int rjpy_pump_check_open(const rjpy_pump *self);

/* Begins a document; a new slice begins with it. `head`: bytes before it (fields of an event), or NULL. `only`: the
 * framing ends with it. -1 with an exception. */
int rjpy_pump_begin(rjpy_pump *self, PyObject *obj, PyObject *head, int only);
/* The same for bytes that are no document, a comment; or for those of a document that is built piece by piece. */
typedef enum rjpy_piece { RJ_PIECE_APART, RJ_PIECE_FIRST, RJ_PIECE_INNER, RJ_PIECE_LAST } rjpy_piece;
int rjpy_pump_begin_raw(rjpy_pump *self, PyObject *bytes, rjpy_piece piece);
/* The same for a value of such a document, after `head`. */
int rjpy_pump_begin_part(rjpy_pump *self, PyObject *obj, PyObject *head);
/* The same for what an iterable, or async iterable, yields. In framings with fields an item may be an event
 * (rjson.Event). */
int rjpy_pump_begin_all(rjpy_pump *self, PyObject *iterable);
/* Encodes on: the reason of the pause, RJ_PAUSE_NONE at the end, or -1 with an exception. */
int rjpy_pump_go(rjpy_pump *self, const rjpy_way *way);
/* The same, of a document that waits for nothing; else -1 with RuntimeError. */
int rjpy_pump_run_checked(rjpy_pump *self, const rjpy_way *way);
/* After an awaitable got what the event loop answered: the same. */
int rjpy_pump_arrived(rjpy_pump *self, rjpy_arrival arrival);
/* Puts the framing's end behind the last document. 1, 0 if there is no room (flush first), -1 with MemoryError. */
int rjpy_pump_end(rjpy_pump *self);

/* Seals the chunk and sends it. */
rjpy_sent rjpy_pump_send(rjpy_pump *self, const rjpy_way *way, int last);
/* Has the chunk leave: by `way`, or into *piece (new, bytes or a memoryview; NULL if there is nothing to hand out).
 * -1 with an exception. */
int rjpy_pump_flush(rjpy_pump *self, const rjpy_way *way, int last, PyObject **piece);
/* The same for the documents that are complete, and nowhere but into *piece: NULL if there are none. The beginning of
 * the one at hand stays in the chunk. */
int rjpy_pump_flush_documents(rjpy_pump *self, PyObject **piece);
/* The target did not take what was flushed last, or perhaps a part of it. It does not count as written; and if that
 * was the document at hand and nothing else, it is as if that had not been. */
void rjpy_pump_lose(rjpy_pump *self, int partly);
/* Whether something is missing in what the target got. */
int rjpy_pump_is_broken(const rjpy_pump *self);
/* rjpy_pump_flush for another thread than that of the run, in the middle of one: a copy, which leaves the chunk to the run. */
int rjpy_pump_steal(rjpy_pump *self, PyObject **piece);
/* The same at any time, of a pump that is not shared too: complete documents only. */
int rjpy_pump_steal_documents(rjpy_pump *self, PyObject **piece);

/* Forgets a document that was not completed, or the parts of one: how many bytes of it had left the chunk. */
uint64_t rjpy_pump_abandon(rjpy_pump *self);
/* Takes the document at hand back, or what was built of it: 1, or 0 if a part of it has left the chunk. */
int rjpy_pump_take_back(rjpy_pump *self);
/* Gives the document up, if it is not complete; what was encoded of it is taken back if nothing of it left the
 * chunk. Returns its open sources, innermost first: a new list. NULL with MemoryError, and nothing done. */
PyObject *rjpy_pump_give_up(rjpy_pump *self);

/* See rjpy_core_api. */
int rjpy_pump_run(PyObject *pump, const rjpy_outlet *outlet, uint64_t deadline_ns);

extern PyType_Spec rjpy_pump_spec;

#endif
