/* Encoding options: parsing keywords into a struct that a whole encoding reads. What each means is in python/README.md. */
#ifndef RJSON_ENCODE_OPTIONS_H
#define RJSON_ENCODE_OPTIONS_H

#include "py.h"
#include "text/text.h"

#define RJ_MAX_DEPTH_DEFAULT 100000
#define RJ_JS_SAFE_INTEGER (((uint64_t)1 << 53) - 1) /* ECMA-262: Number.MAX_SAFE_INTEGER */

/* The longest separator, and the longest indentation by a str, in bytes. */
#define RJ_SEPARATOR_MAX 64
/* The most spaces of a level. A line break is made in memory, and its indentation grows with the depth. */
#define RJ_INDENT_MAX 1024
/* How much is made in advance: the separator between items, a line break and indentation. */
#define RJ_LEAD_MAX 192

typedef enum rjpy_nan { RJ_NAN_ERROR, RJ_NAN_LITERAL, RJ_NAN_NULL } rjpy_nan;

/* Groups of types that `passthrough` can send to `default`, and their names for users. */
#define RJ_TYPE_GROUPS(X)                                                                                                   \
    X(DATACLASS, "dataclass")                                                                                               \
    X(ATTRS, "attrs")                                                                                                       \
    X(MSGSPEC, "msgspec")                                                                                                   \
    X(PYDANTIC, "pydantic")                                                                                                 \
    X(ENUM, "enum")                                                                                                         \
    X(DATETIME, "datetime")                                                                                                 \
    X(UUID, "uuid")                                                                                                         \
    X(DECIMAL, "decimal")                                                                                                   \
    X(PATH, "path")                                                                                                         \
    X(ARRAY, "array")                                                                                                       \
    X(NUMPY, "numpy")                                                                                                       \
    X(ITERATOR, "iterator")                                                                                                 \
    X(SUBCLASS, "subclass") /* the last, since the json module knows these */

enum rjpy_type_group_place {
#define PLACE(id, name) RJ_GROUP_PLACE_##id,
    RJ_TYPE_GROUPS(PLACE)
#undef PLACE
};

/* As bits. */
typedef enum rjpy_type_group {
#define BIT(id, name) RJ_GROUP_##id = 1 << RJ_GROUP_PLACE_##id,
    RJ_TYPE_GROUPS(BIT)
#undef BIT
        RJ_GROUP_ALL = RJ_GROUP_SUBCLASS - 1 /* what the json module does not know */
} rjpy_type_group;

/* Their names, in the order of the bits; NULL comes after the last. */
extern const char *const rjpy_type_group_names[];

/* What stands between items and after keys. */
typedef struct rjpy_layout {
    uint8_t key_separator[RJ_SEPARATOR_MAX];
    uint8_t
        lead[RJ_LEAD_MAX]; /* the separator between items; with `indent` a line feed, and indentation as often as it fits */
    Py_ssize_t item_length, key_length;
    int is_ascii;
    int is_compact;           /* separators are a comma and a colon, all in one line */
    Py_ssize_t indent;        /* bytes of a level; -1: everything in one line */
    Py_ssize_t indent_period; /* the bytes that are repeated to make these */
} rjpy_layout;

typedef struct rjpy_options {
    PyObject *default_;    /* callable, or NULL; borrowed from whoever owns the struct */
    PyObject *default_key; /* the same, for keys */
    Py_ssize_t max_depth;
    uint64_t integer_max;        /* the largest magnitude; UINT64_MAX is no limit, for larger ones neither */
    uint64_t integer_max_more;   /* so much larger may that of a negative one be */
    uint8_t integers_as_strings; /* larger ones are written as strings */
    uint8_t refuses_duplicates;
    unsigned passthrough; /* bits of rjpy_type_group */
    uint8_t styled;       /* an option that only the styled walk knows: see RJ_DECLARE_WALKS in encoder.h */
    uint8_t allow_nan;    /* rjpy_nan */
    uint8_t surrogates;   /* rj__surrogates */
    uint8_t ensure_ascii, sort_keys, skipkeys, omit_none, append_newline;
    uint8_t decimal_as_string, timedelta_as_seconds, namedtuple_as_object, sets_as_arrays;
    uint8_t utc_z, naive_utc, omit_microseconds;
    uint8_t json_notes;                    /* rjson.compat's: exceptions get the notes that json adds since 3.14 */
    uint8_t breaks_lines;                  /* a document may take several lines */
    uint8_t indent_unit[RJ_SEPARATOR_MAX]; /* what is repeated to make a level's indentation */
    uint8_t has_separators;                /* given by the user, so that `indent` does not choose */
    rjpy_layout layout;
} rjpy_options;

extern const rjpy_options rjpy_default_options;

/* Whether an integer is beyond what the option `integers` lets be a number. */
static inline int
rjpy_is_large_integer(const rjpy_options *options, int negative, uint64_t magnitude)
{
    return magnitude - (negative ? options->integer_max_more : 0) > options->integer_max;
}

/* Sets the option `name`. -1 with an exception for a bad value, or with a TypeError that names `function` and the
 * keyword for an unknown one. rjpy_options_finish comes after the last. */
int rjpy_options_set(rjpy_options *options, const char *function, PyObject *name, PyObject *value);
void rjpy_options_finish(rjpy_options *options);
/* Sets the options named in `kwnames` (a tuple, or NULL) to `values`, and finishes. -1 as above. */
int rjpy_options_parse(rjpy_options *options, const char *function, PyObject *const *values, PyObject *kwnames);
/* Options that decoding has too: a truth value, and max_depth. -1 with an exception. */
int rjpy_parse_flag(uint8_t *flag, PyObject *value);
int rjpy_parse_max_depth(Py_ssize_t *max_depth, PyObject *value);
/* How bytes of the encoder become a str again: an error handler of Python's decoder. */
static inline const char *
rjpy_decode_errors(const rjpy_options *options)
{
    return options->surrogates == RJ__SURROGATES_PASS ? "surrogatepass" : NULL;
}

#endif
