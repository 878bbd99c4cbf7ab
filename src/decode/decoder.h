/*
 * The decoder: from text to Python objects in one pass (RFC 8259), without recursion. Values that belong to a
 * container that is still open lie on a stack; what closes it takes them off.
 *
 * A rjpy_decoder belongs to one call and one thread. Hooks run Python code, which may do what it likes: the text is
 * an immutable object that the decoder holds, and nothing of the rest is reachable from outside.
 */
#ifndef RJSON_DECODE_DECODER_H
#define RJSON_DECODE_DECODER_H

#include "decode/options.h"
#include "decode/shapes.h"
#include "state.h"

/* So much is kept without memory from the heap. */
#define RJ_FEW_VALUES 128
#define RJ_FEW_LEVELS 32
/* Texts of up to so many bytes are copied to where vectors may read past their end. */
#define RJ_SMALL_TEXT 256
/* So much of a wide str is made bytes at once: at first, at most, and behind a long string, where another may follow. */
#define RJ_PIECE_MIN 256
#define RJ_PIECE_MAX 8192
#define RJ_PIECE_BETWEEN_LONG 64
/* Strings with escapes that are as long as this are not copied from where they were unescaped. */
#define RJ_ADOPTED_MIN 65536
/* So many values are made before signals are looked at again. */
#define RJ_VALUES_PER_CHECK 65536
/* The most that a vector reads. */
#define RJ_SCAN_MAX 64

/* Short keys are kept from call to call: most documents repeat a few. Each is in its place or in one of those behind it. */
#define RJ_CACHED_KEYS 4096
#define RJ_KEY_PLACES 4
/* A text drives out so many other keys at once. Where it has more that are new, most of them do not come again, and
 * one in RJ_KEPT_KEY_RATIO is kept. */
#define RJ_KEYS_WELCOME 64
#define RJ_KEPT_KEY_RATIO 8
#define RJ_CACHED_KEY_MAX 64

typedef struct rjpy_level {
    size_t first;         /* where its values begin on the stack: items, or keys and values in turn */
    const uint8_t *begin; /* of its text; the character there tells its kind */
} rjpy_level;

/* How a number was read: numbers that follow each other tend to be alike. */
typedef enum rjpy_number_form { RJ_SHORT_INTEGER, RJ_SHORT_DECIMAL, RJ_LONG_NUMBER } rjpy_number_form;

typedef struct rjpy_cached_key rjpy_cached_key;
typedef struct rjpy_decode_cache rjpy_decode_cache;

typedef struct rjpy_decoder {
    const rjpy_decode_options *options;
    rjpy_state *state;
    rjpy_decode_cache *cache; /* the state's; or its own until rjpy_decoder_end, or NULL */
    /* The text, and where it ends: a zero byte is there. It is UTF-8; of a str it has a byte for each character,
     * from 0x80 on for those that are not ASCII, which are then taken from the str. Vectors may read where they
     * begin before `safe_end`. A long str of wide characters becomes such bytes piece by piece (rjpy_decode_more):
     * then `end` is the end of those that are there, `text_end` that of all. What a string has beyond `end` stays in
     * the str; there, bytes may be missing. */
    const uint8_t *begin, *cur, *end, *safe_end, *text_end;
    size_t piece;             /* how many come next */
    PyObject *held;           /* what keeps the text, owned, or NULL */
    PyObject *str;            /* that the text is, owned, or NULL */
    PyObject **values, **top; /* the stack, and behind its last value */
    PyObject **limit;         /* behind the room that may be used before signals are looked at */
    size_t value_capacity;    /* the room that there is */
    size_t unchecked;         /* values of containers that were closed since signals were looked at */
    rjpy_level *levels;
    size_t depth, level_capacity;
    uint8_t *scratch; /* an unescaped string */
    size_t scratch_size;
    rjpy_number_form last_number;
    size_t last_gap;      /* what was left of the last white space in the block that it ended in */
    unsigned keys_missed; /* that found no place in the cache */
    /* What is wrong with the text, and where; without a message an exception is set. `stop` is how far it was read:
     * more text behind it might mend it. */
    const char *message;
    char words[80];  /* of a message that is not always the same */
    int interrupted; /* the exception comes from a signal, not from the text or a hook */
    const uint8_t *error, *stop;
    PyObject *first_values[RJ_FEW_VALUES];
    rjpy_level first_levels[RJ_FEW_LEVELS];
    uint8_t small[RJ_SMALL_TEXT + RJ_SCAN_MAX];
} rjpy_decoder;

/* Forgets a value that was given up halfway, so that another can be decoded. */
void rjpy_decoder_reset(rjpy_decoder *d);
/* Prepares for `text`: bytes, bytearray, memoryview or any other contiguous buffer, or str. -1 with an exception.
 * rjpy_decoder_end releases what it holds. */
int rjpy_decoder_begin(rjpy_decoder *d, rjpy_state *state, const rjpy_decode_options *options, PyObject *text);
void rjpy_decoder_end(rjpy_decoder *d);
/* The same for UTF-8 that stays where it is until rjpy_decoder_end, with a zero behind it and behind that
 * RJ_SCAN_MAX bytes that can be read. */
int rjpy_decoder_begin_at(rjpy_decoder *d, rjpy_state *state, const rjpy_decode_options *options, const uint8_t *text,
                          size_t size);

/* Moves `cur` behind a byte order mark, which may be ignored (RFC 8259, section 8.1). A str has none, unless it was
 * decoded wrongly. */
void rjpy_decode_skip_mark(rjpy_decoder *d);
/* Whether there is more of the text where it seems to end at `p`: it is there then. Only before '"', ',' or what is
 * not ASCII does it seem so. */
int rjpy_decode_more(rjpy_decoder *d, const uint8_t *p);
/* Goes on from `p` on, the end of a string that began before `end`. */
void rjpy_decode_more_from(rjpy_decoder *d, const uint8_t *p);
/* The value at `cur`, which moves behind it: a new reference, or NULL with a message or an exception. */
PyObject *rjpy_decode_value(rjpy_decoder *d);
/* The value that is the whole text; NULL with an exception. */
PyObject *rjpy_decode_document(rjpy_decoder *d);

/* Whether there are hooks. */
int rjpy_decode_runs_code(const rjpy_decode_options *options);
/* Without hooks no Python code runs, and nothing that is made can be garbage: collections would only look at all of
 * it, time and again. So the garbage collector rests for the time. Returns what rjpy_decode_resume_collector needs. */
int rjpy_decode_pause_collector(const rjpy_decode_options *options);
void rjpy_decode_resume_collector(int was_collecting);

/* RFC 8259, section 2. */
RJ__INLINE int
rjpy_is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Records what is wrong; returns NULL. */
void *rjpy_decode_fail(rjpy_decoder *d, const char *message, const uint8_t *error);
/* Raises the DecodeError for what was recorded, or leaves the exception that is set. Returns NULL. */
PyObject *rjpy_decode_raise(rjpy_decoder *d);
/* How many characters come before `at`. */
Py_ssize_t rjpy_decode_position(const rjpy_decoder *d, const uint8_t *at);

/* Slow paths of the walk. More room on the stacks: 0, or -1 with a message or an exception. */
int rjpy_decode_grow_values(rjpy_decoder *d);
int rjpy_decode_grow_levels(rjpy_decoder *d);
/* A container at `p` that nests deeper than max_depth: -1 with a message. */
int rjpy_decode_too_deep(rjpy_decoder *d, const uint8_t *p);
/* At least `size` bytes of scratch memory that keeps its contents: 0, or -1 with an exception. */
int rjpy_decode_grow_scratch(rjpy_decoder *d, size_t size);
/* The str that these ASCII characters of the scratch memory are: it becomes that, without a copy. NULL with an exception. */
PyObject *rjpy_decode_adopt_scratch(rjpy_decoder *d, size_t length);
/* The container that is closed, from what the stack has of it: a new reference, or NULL. */
PyObject *rjpy_decode_list(rjpy_decoder *d);
PyObject *rjpy_decode_dict(rjpy_decoder *d);
/* The int of this text, NULL with a message or an exception; what parse_float makes of it, NULL with an exception. */
PyObject *rjpy_decode_long(rjpy_decoder *d, const uint8_t *begin, const uint8_t *end);
PyObject *rjpy_decode_float(const rjpy_decoder *d, const uint8_t *begin, const uint8_t *end);
/* A number that the fast ways leave: the nearest double (CPython's own algorithm). */
double rjpy_decode_double(const uint8_t *begin);
/* The constant at `p` (NaN, Infinity or -Infinity), which *next is behind: NULL with a message or an exception. */
PyObject *rjpy_decode_constant(rjpy_decoder *d, const uint8_t *p, const uint8_t **next);

typedef struct rjpy_key_ends {
    uint64_t first, last;
} rjpy_key_ends;

/* A string that was a key, and what it was in the text. */
struct rjpy_cached_key {
    rjpy_key_ends ends;
    size_t form;      /* see key_form; 0: none */
    PyObject *key;    /* owned, or NULL */
    const void *text; /* UTF-8, or the units of a str: of the key */
};

#define RJ_KEY_CACHE_SIZE (RJ_CACHED_KEYS + RJ_KEY_PLACES - 1)

/* What was met in texts and comes again, as a rule. With the GIL an interpreter has one; without it each call has one to
 * itself, which it finds among the spares. */
struct rjpy_decode_cache {
    rjpy_cached_key keys[RJ_KEY_CACHE_SIZE];
    unsigned keys_driven_out;
    rjpy_shape shapes[RJ_SHAPES];
};

void rjpy_decode_cache_free(rjpy_decode_cache *cache);

/* Puts a key (borrowed) into one of the places from `place` on, which another may have to leave; or does not. */
void rjpy_decode_keep_key(rjpy_decoder *d, rjpy_cached_key *place, rjpy_cached_key key);

/* By instruction set: the walk, and a byte for each unit of `width` bytes (2 or 4), the unit itself if it is ASCII
 * and from 0x80 on if not. */
typedef PyObject *rjpy_decode_walk(rjpy_decoder *d);
typedef void rjpy_decode_narrow(const void *units, int width, size_t length, uint8_t *out);
#define RJ_DECLARE_WALKS(set)                                                                                               \
    rjpy_decode_walk rjpy_decode_##set;                                                                                     \
    rjpy_decode_narrow rjpy_narrow_##set;
RJ__SETS(RJ_DECLARE_WALKS)
#undef RJ_DECLARE_WALKS

#endif
