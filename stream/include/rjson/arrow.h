/*
 * rjson/arrow.h - Arrow tables as JSON, row by row, in constant memory.
 *
 *     rj_arrow *a;
 *     if (rj_arrow_new(&a, sink, &schema, NULL, NULL) == RJ_OK)
 *         while (... batch ... && rj_arrow_put(a, &batch) == RJ_OK)
 *             ;
 *     if (rj_arrow_finish(a) != RJ_OK)                  // errors stick: one check is enough
 *         fprintf(stderr, "%s\n", rj_arrow_error(a).message);
 *     rj_arrow_free(a);
 *
 * Data comes through the Arrow C data interface (https://arrow.apache.org/docs/format/CDataInterface.html), which has no
 * sizes of buffers: a producer is trusted that its buffers are as long as its lengths and offsets say. What can be checked
 * is: counts of buffers and children, lengths, the order of offsets, indexes into dictionaries, UTF-8.
 */
#ifndef RJSON_ARROW_H
#define RJSON_ARROW_H

#include "rjson/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the structs of the interface, as its specification has them. Whoever declares them first defines the guard. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* Columns and members of structs, lists in lists: schemas nest at most this deeply. Deeper is RJ_EDEPTH. */
#define RJ_ARROW_MAX_DEPTH 64

/* One offset from UTC, from an instant on until the next one's. */
typedef struct rj_arrow_shift {
    int64_t since;   /* seconds since 1970-01-01T00:00:00Z; the first one counts before that, too */
    int64_t minutes; /* east of UTC */
} rj_arrow_shift;

typedef struct rj_arrow_options {
    int as_array;               /* one array of all rows, else one row a line (NDJSON) */
    int omit_nulls;             /* members of objects that are null are left out */
    int nan_as_null;            /* else NaN and infinities are RJ_ENUMBER */
    int utc_z;                  /* an offset of zero is spelled Z */
    const char *const *columns; /* names of those that are written, in this order; NULL: all. Borrowed for rj_arrow_new */
    size_t column_count;
    /* What a zone's name means: RJ_OK and shifts in ascending order, which must live as long as the rj_arrow. Called by
     * rj_arrow_new. NULL: zones other than UTC and fixed offsets are RJ_EINVAL. */
    int (*zone)(void *ctx, const char *name, const rj_arrow_shift **shifts, size_t *count);
    void *zone_ctx;
} rj_arrow_options;

typedef struct rj_arrow rj_arrow;

typedef struct rj_arrow_failure {
    int status;          /* RJ_OK if there is none */
    int sys_errno;       /* with RJ_EIO */
    uint64_t offset;     /* bytes that the sink's target has accepted */
    uint64_t row;        /* rows that are complete */
    const char *message; /* names the column, and the type or the mistake; lives as long as the rj_arrow */
} rj_arrow_failure;

/* Makes a writer of rows on `sink` (borrowed until rj_arrow_free; it must not pause: RJ_PAUSE fails with RJ_ESTATE).
 * `schema`: a struct, borrowed for the call. On a failure *out is an object, too, that tells it (NULL with RJ_ENOMEM), and
 * is to be freed. RJ_EINVAL: a column that is not there or a type that has no JSON; RJ_EDEPTH. */
RJ_API int rj_arrow_new(rj_arrow **out, rj_sink *sink, const struct ArrowSchema *schema, const rj_arrow_options *options,
                        const rj_allocator *alloc);
/* Writes all rows of a struct array of that schema (borrowed: the caller releases it). RJ_EINVAL for an array that is not
 * as the schema says, RJ_EUTF8, RJ_ENUMBER, or what the sink answers. */
RJ_API int rj_arrow_put(rj_arrow *a, const struct ArrowArray *array);
/* Writes all that a stream gives, and releases that; the stream itself is borrowed. RJ_EREAD where it fails. */
RJ_API int rj_arrow_put_stream(rj_arrow *a, struct ArrowArrayStream *stream);
/* Ends the array, if there is one, and flushes. */
RJ_API int rj_arrow_finish(rj_arrow *a);
/* Consumes it, not its sink; NULL is allowed. */
RJ_API void rj_arrow_free(rj_arrow *a);
RJ_API rj_arrow_failure rj_arrow_error(const rj_arrow *a);

#ifdef __cplusplus
}
#endif

#endif
