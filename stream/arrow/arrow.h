/* Shared by the files of arrow/ and by the Python binding. A node is a column's plan: how its values are written, made once
 * from the schema; the buffers of the current batch are bound to it. */
#ifndef RJSON_STREAM_ARROW_ARROW_H
#define RJSON_STREAM_ARROW_ARROW_H

#include "internal.h"
#include "rjson/arrow.h"
#include "text/text.h"

/* What is free wherever a value begins: a key of RJ__ARROW_KEY bytes, the longest scalar, and all closing brackets. */
#define RJ__ARROW_ROOM 448
#define RJ__ARROW_KEY 128

typedef enum rj__arrow_kind {
    RJ__ARROW_SCALAR,
    RJ__ARROW_NULL,
    RJ__ARROW_TEXT,
    RJ__ARROW_VIEW,
    RJ__ARROW_LIST,
    RJ__ARROW_LIST_VIEW,
    RJ__ARROW_FIXED,
    RJ__ARROW_STRUCT,
    RJ__ARROW_MAP,
    RJ__ARROW_DICTIONARY,
    RJ__ARROW_RUNS
} rj__arrow_kind;

typedef struct rj__arrow_node rj__arrow_node;
/* Writes the value at `i`, which counts from the start of the buffers; NULL when the walk stops. */
typedef uint8_t *rj__arrow_put_fn(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p);

struct rj__arrow_node {
    rj__arrow_put_fn *put;
    const uint8_t *validity; /* of the batch; NULL: nothing is null */
    const void *values, *more;
    int64_t offset, length;
    rj__arrow_kind kind;
    int width;      /* bytes of a value, an offset, an index */
    int is_signed;  /* of an index */
    int is_checked; /* the text of the batch is valid UTF-8 throughout */
    int64_t size;   /* items of a fixed-size list; units a second of a time; bytes of fixed binary */
    int scale;      /* of a decimal */
    uint8_t *key;   /* `"name":` */
    size_t key_length;
    int64_t source; /* which child of the array it is */
    const char *name;
    const rj__arrow_node *parent;
    rj__arrow_node *children; /* dictionary: the values; runs: ends, values */
    size_t child_count;
    const struct ArrowArray *array;
    const rj_arrow_shift *shifts; /* of a time zone */
    size_t shift_count;
    rj_arrow_shift fixed;
};

struct rj_arrow {
    rj_allocator alloc;
    rj_sink *sink;
    const rj__arch *arch;
    rj_arrow_options options;
    uint8_t *cur, *end, *start; /* the window; cur is NULL when none is lent */
    rj__arrow_node root;
    uint64_t rows;
    int status;
    int has_begun;
    char message[320];
};

/* Records a failure at a column; NULL for none. Always NULL. */
uint8_t *rj__arrow_fail(rj_arrow *a, const rj__arrow_node *n, int status, const char *what);
/* Makes room, RJ__ARROW_ROOM bytes, where there is less. */
uint8_t *rj__arrow_window(rj_arrow *a, uint8_t *p);

RJ__INLINE uint8_t *
rj__arrow_reserve(rj_arrow *a, uint8_t *p)
{
    return RJ__LIKELY(a->end - p >= RJ__ARROW_ROOM) ? p : rj__arrow_window(a, p);
}

/* Chooses how a scalar's values are written, by its format. 0 if it is no scalar. */
int rj__arrow_scalar(rj_arrow *a, rj__arrow_node *n, const char *format);
/* Of strings: `length` bytes, quoted and escaped. */
uint8_t *rj__arrow_put_text(rj_arrow *a, const rj__arrow_node *n, const uint8_t *s, int64_t length, uint8_t *p);

/* In plan.c: nodes from a schema. */
int rj__arrow_plan(rj_arrow *a, const struct ArrowSchema *schema);
void rj__arrow_unplan(rj_arrow *a, rj__arrow_node *n);
/* In bind.c: the buffers of a batch, checked as far as they can be. */
int rj__arrow_bind(rj_arrow *a, const struct ArrowArray *array);
/* Rows `first` to `first + count` of the batch that is bound. */
int rj__arrow_put_rows(rj_arrow *a, int64_t first, int64_t count);
/* The functions of containers, in rows.c. */
rj__arrow_put_fn rj__arrow_put_list, rj__arrow_put_list_view, rj__arrow_put_fixed, rj__arrow_put_struct, rj__arrow_put_map,
    rj__arrow_put_dictionary, rj__arrow_put_runs, rj__arrow_put_string, rj__arrow_put_view, rj__arrow_put_nothing;

/* A signed or unsigned number of a buffer. */
RJ__INLINE int64_t
rj__arrow_integer(const void *values, int width, int is_signed, int64_t i)
{
    switch (width) {
    case 1:
        return is_signed ? (int64_t)((const int8_t *)values)[i] : (int64_t)((const uint8_t *)values)[i];
    case 2:
        return is_signed ? (int64_t)((const int16_t *)values)[i] : (int64_t)((const uint16_t *)values)[i];
    case 4:
        return is_signed ? (int64_t)((const int32_t *)values)[i] : (int64_t)((const uint32_t *)values)[i];
    default:
        return ((const int64_t *)values)[i];
    }
}

#endif
