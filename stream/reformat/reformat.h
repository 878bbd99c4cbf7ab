/*
 * The transcoder, inside. Two readers share its state: `walk` (walk.h), compiled for each instruction set, which
 * goes over whole tokens where the text and the window have room beyond what it looks at; and `step` (machine.c),
 * which takes a byte, at any place, and knows every rule. Where the one stops, for lack of room or because it does
 * not know what is next, the other goes on. So a text may be cut anywhere, and only `step` tells mistakes.
 */
#ifndef RJSON_STREAM_REFORMAT_REFORMAT_H
#define RJSON_STREAM_REFORMAT_REFORMAT_H

#include "internal.h"
#include "arch/common/sets.h"
#include "rjson/reformat.h"

/* Where in the text the transcoder is. `walk` knows those up to RJ__LAST_FAST. */
typedef enum rj__place {
    RJ__AT_VALUE,
    RJ__AT_FIRST_VALUE, /* of an array: or ']' */
    RJ__AT_KEY,
    RJ__AT_FIRST_KEY, /* or '}' */
    RJ__AT_COLON,
    RJ__AT_DELIMITER, /* behind a value in a container */
    RJ__IN_STRING,
    RJ__IN_KEY,
    RJ__LAST_FAST = RJ__IN_KEY,

    RJ__AT_DOCUMENT,   /* between documents */
    RJ__AT_FIRST_ITEM, /* of the array that holds documents: or ']' */
    RJ__AT_ITEM,       /* behind its commas */
    RJ__AT_ITEM_END,   /* behind a document in it */
    RJ__AT_END,        /* behind it */
    RJ__IN_ESCAPE,     /* behind a backslash */
    RJ__IN_HEX,
    RJ__AT_DIGIT, /* behind a minus sign */
    RJ__IN_ZERO,  /* behind a zero that is the integer part */
    RJ__IN_INTEGER,
    RJ__AT_FRACTION, /* behind the point */
    RJ__IN_FRACTION,
    RJ__AT_EXPONENT,       /* behind the letter */
    RJ__AT_EXPONENT_DIGIT, /* behind its sign */
    RJ__IN_EXPONENT,
    RJ__IN_LITERAL
} rj__place;

/* More of the text must be readable, and known to be UTF-8, behind any byte that `walk` looks at first; and more
 * room must be in the window. */
#define RJ__WALK_MARGIN 192
#define RJ__WALK_ROOM 320

/* So long are the longest line breaks, with indentation, that `walk` writes. */
#define RJ__BREAK_MAX 160

/* What `walk` works on. */
typedef struct rj__walk {
    uint8_t *levels; /* the brackets that are open */
    size_t depth;
    size_t base;        /* levels that hold documents: 1 in the array of RJ_FRAMING_ARRAY, else 0 */
    size_t depth_limit; /* `walk` opens no more than these: there is memory for so many, and they may be */
    uint8_t place;
    uint8_t ascii;
    uint8_t is_compact;              /* nothing is written but what was read */
    uint8_t item_length, key_length; /* of the separators */
    uint8_t unit;                    /* bytes of indentation a level */
    uint8_t break_length;            /* 1 if lines are broken, else 0 */
    size_t outer;                    /* levels of indentation around documents */
    uint8_t item[16], key[16];
    uint8_t breaks[RJ__BREAK_MAX + 32]; /* a line feed and indentation */
} rj__walk;

/* A line break in front of what is at this depth, in bytes. */
RJ__INLINE size_t
rj__break_at(const rj__walk *w, size_t depth)
{
    return w->break_length ? 1 + w->unit * (depth - w->base + w->outer) : 0;
}

/* Reads from `p` on, while there are more than RJ__WALK_MARGIN bytes before `end` and RJ__WALK_ROOM before
 * `out_end`, and as long as it knows what is next. Returns where it stopped; moves *out, and w->place. */
typedef const uint8_t *rj__walk_fn(rj__walk *w, const uint8_t *p, const uint8_t *end, uint8_t **out, const uint8_t *out_end);
/* Up to where bytes that begin with a character are whole characters in UTF-8. */
typedef const uint8_t *rj__check_fn(const uint8_t *p, const uint8_t *end);

/* Lines and characters in a part of a text. */
typedef struct rj__counts {
    uint64_t lines; /* line feeds */
    uint64_t characters;
} rj__counts;
typedef rj__counts rj__count_fn(const uint8_t *p, const uint8_t *end);

/* Those of an instruction set. */
typedef struct rj__reformat_arch {
    const char *name;
    rj__walk_fn *walk;
    rj__check_fn *check;
    rj__count_fn *count;
} rj__reformat_arch;

#define RJ__DECLARE_REFORMAT(set)                                                                                           \
    rj__walk_fn rj__walk_##set;                                                                                             \
    rj__check_fn rj__check_utf8_##set;                                                                                      \
    rj__count_fn rj__count_text_##set;
RJ__SETS(RJ__DECLARE_REFORMAT)
#undef RJ__DECLARE_REFORMAT

/* That of the instruction set with this name (of rj__arch_list), or of the best if it is NULL. NULL if there is
 * none. Static. */
const rj__reformat_arch *rj__reformat_arch_named(const char *name);

#define RJ__FEW_LEVELS 256
#define RJ__READ_SIZE ((size_t)128 * 1024)

struct rj_reformat {
    rj__walk walk;
    const rj__reformat_arch *arch;
    rj_allocator alloc;
    rj_sink *sink; /* borrowed, or NULL */
    rj_framing wanted_in, in, out;
    size_t max_depth, level_capacity;
    rj_window window;
    uint8_t *window_begin; /* NULL: no window is out */

    /* Output that waits for room: a line break, then a text, then a line break. */
    size_t break_before, break_after; /* bytes that are left of them */
    int in_break;                     /* the line feed is out */
    size_t text_length;
    const uint8_t *text;

    uint8_t token[8]; /* the beginning of an escape, or of a part of a number, that is not known to be right yet */
    uint8_t token_length;
    uint8_t hex_left;
    uint8_t is_key;       /* of the string whose escape is being read */
    uint8_t is_bare;      /* the last document was a number or a literal */
    uint8_t has_gap;      /* white space came behind the last document, */
    uint8_t has_newline;  /* a line feed, */
    uint8_t has_record;   /* a record separator */
    uint8_t has_begun;    /* something of the text was looked at */
    uint8_t is_finishing; /* the end of the text was met */
    const char *literal;  /* what is left of it */
    const char *literal_begin;
    uint8_t held[4]; /* the beginning of a character that is cut off */
    size_t held_length;

    uint64_t documents, offset, characters, lines,
        line_characters; /* of what was read; the last: in the line that it ends in */
    int status, sys_errno;
    const char *message;
    uint8_t back; /* the failure is so many bytes, of ASCII, before what was read */

    uint8_t *read; /* rj_reformat_run_fd: what was read, from `read_from` to `read_to` */
    size_t read_from, read_to;
    int read_ended;
    uint8_t few_levels[RJ__FEW_LEVELS];
    uint8_t unread[2 * RJ_CHUNK_MIN]; /* the window where there is no sink */
};

/* Records the failure of a text, where it is now. Returns its status. */
int rj__reformat_fail(rj_reformat *r, int status, const char *message);
/* What waits gets its room: RJ_OK, RJ_PAUSE, or the sink's failure. */
int rj__reformat_drain(rj_reformat *r);
/* A window with room for `count` bytes (at most RJ_WINDOW_MIN). The same results. */
int rj__reformat_room(rj_reformat *r, size_t count);
/* Gives the window back. */
int rj__reformat_give_back(rj_reformat *r);
/* Takes what is at `p`, bytes that are whole characters up to `end`: *taken says how many. Nothing may be waiting,
 * and the window has room for RJ__STEP_ROOM bytes. RJ_OK, or a failure. */
int rj__reformat_step(rj_reformat *r, const uint8_t *p, const uint8_t *end, size_t *taken);
#define RJ__STEP_ROOM 24
/* The text ends: RJ_OK, or a failure. Output may be waiting then. */
int rj__reformat_end(rj_reformat *r);

#endif
