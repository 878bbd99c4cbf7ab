/*
 * The encoder: walks Python objects and writes JSON into the windows of a sink. It can stop at every window
 * (RJ_RUN_PAUSED) and go on later, keeps the C stack bounded, and has no limit on depth but max_depth.
 *
 * How it goes: plain containers are written as they come (encode/walk/plain.h); all others have levels
 * (encode/walk/levels.h), up to RJ_NATIVE_LEVELS on the native stack.
 *
 * How it stops: when the sink pauses, or the walk is at that limit, each level pushes a frame (container and
 * position) on a heap stack and returns NULL. The driver later finishes those frames, innermost first, each as a
 * fresh, shallow call. On an error the frames say where it happened.
 *
 * Ownership during the walk: containers on the native stack are in `levels`, as borrowed references, because nothing
 * can free them while only C code runs. Before any call that can run Python code or release the GIL (a sink's
 * window, `default`, an iterator), rjpy_own_ancestors turns them into owned ones, up to `owned`. A walk function
 * must load everything it knows about its container again after such a call.
 */
#ifndef RJSON_ENCODE_ENCODER_H
#define RJSON_ENCODE_ENCODER_H

#include "encode/coop.h"
#include "cpython/dict_access.h"
#include "encode/options.h"
#include "encode/ptrset.h"
#include "state.h"
#include "encode/str_sink.h"
#include "text/text.h"

#define RJ_NATIVE_LEVELS 255
#define RJ_INLINE_FRAMES 16
#define RJ_SCRATCH 4096

/* Every item (a short key and a short value, with what vectors store past their ends) and the closing brackets that follow
 * fit in this many bytes: one check per item. */
#define RJ_ITEM_ROOM 256
/* What the layout may put before an item or a bracket, where it is not spilled as a text. */
#define RJ_LEAD_ROOM RJ_LEAD_MAX
/* ASCII strings up to this length are written without a check of their own. */
#define RJ_SHORT_STRING 64
/* So many times `default` is asked what to write at one place: a document that needs more has no end, as a rule. */
#define RJ_DEFAULT_CHAIN 100
/* Windows are used in pieces of at most this size, so that Ctrl-C and other threads get their turn in a long encoding. */
#define RJ_WINDOW_MAX ((ptrdiff_t)1 << 20)

/* What running an encoder ends with. */
typedef enum rjpy_run {
    RJ_RUN_FAILED = -1, /* an exception is set, or `problem` is */
    RJ_RUN_DONE = 0,
    RJ_RUN_PAUSED = 1 /* the sink's chunks are all out, or what rjpy_coop says: run again later */
} rjpy_run;

typedef enum rjpy_stop { RJ_STOP_NONE, RJ_STOP_PAUSE, RJ_STOP_DEEP, RJ_STOP_ERROR } rjpy_stop;

typedef enum rjpy_frame_kind {
    RJ_FRAME_VALUE,    /* obj has not been begun */
    RJ_FRAME_SEQUENCE, /* obj is a list or tuple, pos its next index, used RJ_SEQUENCE */
    RJ_FRAME_DICT,     /* obj is a dict, pos as in PyDict_Next, used its size */
    RJ_FRAME_ITERATOR, /* iterator yields obj's items, pos of them so far */
    RJ_FRAME_ASYNC,    /* the same of an async iterator */
    RJ_FRAME_PAIRS,    /* iterator yields obj's (key, value) tuples */
    RJ_FRAME_ENTRIES,  /* iterator is a tuple of obj's keys and values in turn, pos its next index */
    RJ_FRAME_FIELDS,   /* iterator is the plan of obj, pos its next field */
    RJ_FRAME_ARRAY,    /* iterator is the view of obj, which knows its position */
    RJ_FRAME_DEFAULT,  /* obj stands for something else, which is being encoded or awaited */
    RJ_FRAME_PAIR,     /* key and value have not been begun; what comes before them is the text at hand */
    RJ_FRAME_CLOSE     /* the current text comes before a closing bracket, pos */
} rjpy_frame_kind;

/* A level of the walk, spilled. References are owned. */
typedef struct rjpy_frame {
    PyObject *obj;
    PyObject *iterator;
    PyObject *key;   /* PAIRS: the key of the pair at hand, or NULL; PAIR */
    PyObject *value; /* the value still to be written, as a rule after its key; or NULL */
    Py_ssize_t pos;
    Py_ssize_t used;
    rjpy_frame_kind kind;
} rjpy_frame;

/* A level of the native stack: where it is. */
typedef struct rjpy_walk_level {
    PyObject *obj;    /* owned below e->owned, else borrowed */
    Py_ssize_t pos;   /* of a list or tuple its next index, of a dict as in PyDict_Next */
    Py_ssize_t used;  /* a dict's size; or RJ_SEQUENCE, RJ_NOT_WALKED */
    int is_parent;    /* it has levels inside of it, is not inside of itself, and is counted in parents_at */
    int left_untried; /* so many containers in it are not tried as plain ones: see RJ_NOT_TRIED_AFTER */
} rjpy_walk_level;

#define RJ_SEQUENCE (-1)
/* Neither a list, tuple or dict, nor walked as one. */
#define RJ_NOT_WALKED (-2)

/* Parents are counted by their places in 64 KiB of addresses, 16 bytes to a place: where none has an object's place,
 * it is none of them. */
#define RJ_PARENT_PLACES 4096
_Static_assert(RJ_NATIVE_LEVELS <= UINT8_MAX, "a place counts them all");

typedef struct rjpy_encoder {
    rjpy_state *state;
    rjpy_encode_cache *cache;    /* the state's, or its own */
    const rjpy_options *options; /* borrowed */
    rj_sink *sink;               /* borrowed */
    rjpy_str_sink *str_sink;     /* borrowed; the sink, where its windows take Latin-1 and not UTF-8; else NULL */
    rjpy_coop *coop;             /* borrowed; NULL where nothing is awaited */
    PyObject *root;              /* borrowed */
    uint8_t *start, *cur, *end;  /* the window, and where the output ends while no walk function is active */
    uint64_t given;              /* bytes of output before the window */
    uint64_t default_at;         /* where in the output `default` was asked last, */
    int default_chain;           /* and how many times in a row it was asked there */
    int started;                 /* the root has been begun */
    rjpy_stop stop;
    int native;             /* levels on the native stack */
    int owned;              /* of those, how many own their container */
    int non_ascii;          /* something outside ASCII was written */
    int has_verbatim;       /* JSON that was there already, which may have line breaks */
    Py_ssize_t level;       /* brackets that are open, where the layout asks */
    Py_ssize_t lead_length; /* of what comes before an item there: separator, line break, indentation */
    int held_back;          /* the last byte, `held`, begins the next window: a comma that may still become a bracket */
    uint8_t held;
    uint8_t text_quoted, text_tail; /* how the text at hand ends */
    rj__text text;
    PyObject *text_owner; /* owned; NULL if there is no text at hand */
    /* An error to raise, without its path: exception type (borrowed) and message (owned). */
    PyObject *problem_type, *problem;
    const char *advice; /* what to do about it, or NULL */
    int problem_in_key; /* the innermost container is the place, not its item */
    int target_failed;  /* not the document but its target: the place says nothing about that */
    int problem_lost;   /* there was no memory for its path */
    /* Called after each window, with ancestors owned; -1 with an exception stops the walk, 1 pauses it. May be NULL. */
    int (*on_window)(struct rjpy_encoder *e);
    void *on_window_ctx;
    rjpy_frame *frames;
    size_t frame_count, frame_capacity;
    rjpy_ptrset ancestors;        /* the frames' objects */
    PyObject *waiting;            /* owned: the value that the innermost level goes on with; or NULL */
    rjpy_walk_level *levels_end;  /* of those that there may be now */
    rjpy_walk_level *interrupted; /* the innermost of the levels that are recorded, but not open yet; or NULL */
    rjpy_walk_level levels[RJ_NATIVE_LEVELS];
    uint8_t parents_at[RJ_PARENT_PLACES]; /* all 0 between documents */
    rjpy_frame inline_frames[RJ_INLINE_FRAMES];
    uint8_t scratch[RJ_SCRATCH]; /* for the memory sink of small results */
} rjpy_encoder;

/* A context for one document, from the state's spare one or the heap; NULL with MemoryError. Give it back with
 * rjpy_encoder_release, which drops every reference that it still owns and keeps an exception that is set. */
rjpy_encoder *rjpy_encoder_acquire(rjpy_state *state, const rjpy_options *options, PyObject *root, rj_sink *sink);
void rjpy_encoder_release(rjpy_encoder *e);
/* Frees one that was released. */
void rjpy_encoder_free(rjpy_encoder *e);
/* The iterators that an unfinished document is in the middle of, innermost first: a new list, or NULL with MemoryError. */
PyObject *rjpy_encoder_open_sources(const rjpy_encoder *e);
/* Visits the references that a paused encoder owns, or one that was released. */
int rjpy_encoder_traverse(rjpy_encoder *e, visitproc visit, void *arg);

/* Encodes until the document is complete, the sink pauses, or something fails. A complete document's last window has been
 * taken back by the sink; flushing it is the caller's. */
rjpy_run rjpy_encoder_run(rjpy_encoder *e);
/* After RJ_RUN_FAILED, or when the sink failed in its flush: sets the exception, with `bytes_written` and the path
 * where it has one. `label`: the target, for the message of an OSError (see rjpy_raise_errno); NULL if the sink
 * makes no system calls. */
void rjpy_encoder_raise(rjpy_encoder *e, PyObject *label, uint64_t bytes_written);
/* Gives an exception a note (PEP 678). Before 3.11 the list is made here, and shown by whoever knows of it. */
void rjpy_add_note(rjpy_state *state, PyObject *exception, PyObject *note);
/* Sets the OSError for an errno. `label`: a str, or an object whose repr names the target. */
void rjpy_raise_errno(int sys_errno, PyObject *label);
/* Turns a sink's failure into an exception. */
void rjpy_raise_sink(const rj_sink *sink, PyObject *label);

/* ---- for the walk (encode/walk/walk.h) */

/* Records an EncodeError (or another type) to be raised with the path. Always NULL, so that walk functions can return it. */
uint8_t *rjpy_fail(rjpy_encoder *e, PyObject *type, const char *format, ...);
/* Stops the walk for an exception that is set. */
uint8_t *rjpy_stop_error(rjpy_encoder *e);
void rjpy_own_ancestors(rjpy_encoder *e);
/* To be called before every call that runs Python code of the document's (a source, `default`, items()). */
void rjpy_enter_python(rjpy_encoder *e);
/* Spills a level to the heap. References are borrowed; NULL where there is none. */
void rjpy_spill(rjpy_encoder *e, rjpy_frame_kind kind, PyObject *obj, PyObject *iterator, PyObject *key, PyObject *value,
                Py_ssize_t pos, Py_ssize_t used);
rjpy_frame rjpy_pop_frame(rjpy_encoder *e);
void rjpy_clear_frame(rjpy_frame *f);
/* Puts the frames from `mark` on, pushed innermost first, in order. */
void rjpy_order_frames(rjpy_encoder *e, size_t mark);
/* Gives the window back, filled up to `cur`, and opens the next. `hold`: keep the last byte for it (see held_back). `hint`:
 * bytes that are known to follow. Returns where to write, or NULL (stop says why). */
uint8_t *rjpy_next_window(rjpy_encoder *e, uint8_t *cur, int hold, size_t hint);
uint8_t *rjpy_open_window(rjpy_encoder *e, size_t hint);
/* Pauses between two items, with everything before `cur` in the sink. Always NULL (stop says whether it went well). */
uint8_t *rjpy_pause_here(rjpy_encoder *e, uint8_t *cur, rjpy_pause_reason reason);
/* The slow half of entering a container: records why `obj` cannot be entered on the native stack, or spills it to be begun
 * later, the output ending at `cur`. Always 0. */
int rjpy_refuse_entry(rjpy_encoder *e, uint8_t *cur, PyObject *obj);
/* Whether the innermost level is inside of itself: takes it off then, and records that. */
int rjpy_refuse_circle(rjpy_encoder *e);
/* Opens the levels that are recorded, up to e->interrupted. 0 where one is inside of itself (e->stop is ERROR). */
int rjpy_open_recorded_levels(rjpy_encoder *e);

RJ__INLINE size_t
rjpy_parent_place(const void *obj)
{
    return ((uintptr_t)obj >> 4) % RJ_PARENT_PLACES;
}

/* Takes the innermost level off. May run Python code: the last reference to its container may go. */
RJ__INLINE void
rjpy_leave(rjpy_encoder *e)
{
    const rjpy_walk_level *level = &e->levels[--e->native];
    if (level->is_parent)
        e->parents_at[rjpy_parent_place(level->obj)]--;
    if (RJ__UNLIKELY(e->owned > e->native)) {
        e->owned = e->native;
        Py_DECREF(level->obj);
    }
}

/* Before the innermost level gets one inside of it. 0 if it is inside of itself (e->stop is ERROR, and it is no
 * level any more). */
RJ__INLINE int
rjpy_become_parent(rjpy_encoder *e)
{
    rjpy_walk_level *level = &e->levels[e->native - 1];
    if (level->is_parent)
        return 1;
    uint8_t *parents = &e->parents_at[rjpy_parent_place(level->obj)];
    if (RJ__UNLIKELY(*parents || e->frame_count) && rjpy_refuse_circle(e))
        return 0;
    ++*parents;
    level->is_parent = 1;
    return 1;
}
/* Where the line break before an item or a closing bracket is too long for the room that is left: makes it the
 * current text, after the output up to `cur`, and spills what comes after it: an item (`key` NULL in arrays), or a
 * bracket. The walk stops, to go on at once. Always 0, or NULL. */
int rjpy_break_before_item(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value);
uint8_t *rjpy_break_line(rjpy_encoder *e, uint8_t *cur); /* and nothing after it */
uint8_t *rjpy_break_before_bracket(rjpy_encoder *e, uint8_t *cur, uint8_t bracket);
void rjpy_set_native_limit(rjpy_encoder *e);
/* What is to be written of a string. -1 with an exception. */
int rjpy_text_from_str(rjpy_encoder *e, PyObject *str, rj__text *text);
/* Changes the result str to characters of so many bytes; the output up to `cur` goes to it. Returns where to write,
 * or NULL. */
uint8_t *rjpy_widen_output(rjpy_encoder *e, uint8_t *cur, int width);
/* Raw JSON with characters outside ASCII, where windows take Latin-1: as a str, new; NULL with an exception. */
PyObject *rjpy_raw_str(PyObject *raw);
/* The text of an int of any size, a new str; NULL with an exception (sys.set_int_max_str_digits does not apply). */
PyObject *rjpy_int_text(rjpy_encoder *e, PyObject *v);
/* A float subclass's or float's NaN or infinity as text, "NaN" and so on, or NULL with the problem recorded. */
const char *rjpy_non_finite(rjpy_encoder *e, double value);
/* Refuses an int that is beyond the option `integers`. Always NULL. */
uint8_t *rjpy_fail_large_integer(rjpy_encoder *e);
/* Whether so many levels more, of `obj`, may be entered; the problem is recorded if not. */
int rjpy_has_depth_for(rjpy_encoder *e, PyObject *obj, int levels);
/* The text of a key that is no str: a new str, or NULL with a problem or exception. */
PyObject *rjpy_key_text(rjpy_encoder *e, PyObject *key);
/* The same; NULL without one, and *has_none, where it has no text (`skipkeys` leaves it out then). */
PyObject *rjpy_key_text_if_any(rjpy_encoder *e, PyObject *key, int *has_none);
/* The option `default`, borrowed; None if there is none. */
RJ__INLINE PyObject *
rjpy_default_or_none(const rjpy_encoder *e)
{
    return e->options->default_ ? e->options->default_ : Py_None;
}
/* Asks `default` about `obj` (entered), the output ending at `cur`: a new reference, or NULL. */
PyObject *rjpy_call_default(rjpy_encoder *e, const uint8_t *cur, PyObject *obj);
/* The pairs of a frozendict, or of a dict subclass that has its own items(): a new iterator; or NULL, with *direct set if it has not,
 * else with an exception. */
PyObject *rjpy_dict_subclass_pairs(rjpy_encoder *e, PyObject *dict, int *direct);
/* Sorts the members of a dict that has at most so many. 0 if its keys are not all exact str. Runs no Python code. */
int rjpy_sort_few(rjpy_encode_cache *cache, PyObject *dict, rjpy_member sorted[RJ_FEW_MEMBERS]);
/* Members as a tuple of keys and values in turn, for RJ_FRAME_ENTRIES; NULL with MemoryError. */
PyObject *rjpy_members_tuple(const rjpy_member *members, Py_ssize_t count);
/* Whether two keys of a dict may become equal when they are written. Runs no Python code. */
int rjpy_may_repeat_keys(const rjpy_encoder *e, PyObject *dict);
/* The members of a dict, or the pairs that an iterator yields, as the options want them (sorted by their keys,
 * refused where two of these become equal): a new tuple of keys and values in turn; NULL with a problem or
 * exception. */
PyObject *rjpy_arranged_entries(rjpy_encoder *e, PyObject *dict);
PyObject *rjpy_arranged_pairs(rjpy_encoder *e, PyObject *iterator);
/* The fields of an object, sorted, likewise. */
PyObject *rjpy_sorted_fields(rjpy_encoder *e, PyObject *obj, const struct rjpy_plan *plan);
/* The next pair: 1 with new references, 0 at the end, -1 with a problem or exception. */
int rjpy_next_pair(rjpy_encoder *e, PyObject *iterator, PyObject **key, PyObject **value);

/* The walk, by instruction set; `styled` is the one that knows every layout and every choice of keys and members. */
#define RJ_DECLARE_WALKS(set)                                                                                               \
    rjpy_run rjpy_encode_##set(rjpy_encoder *e);                                                                            \
    rjpy_run rjpy_encode_styled_##set(rjpy_encoder *e);
RJ__SETS(RJ_DECLARE_WALKS)
#undef RJ_DECLARE_WALKS

#endif
