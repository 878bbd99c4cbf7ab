/* rj_arrow: rows of hand-made arrays, for every chunk size, at each failing allocation and sink call; mistakes that a producer
 * can make are told and not followed; batches are released once. */
#include "harness.h"

#include "rjson/arrow.h"

static int released;

static void
release_array(struct ArrowArray *array)
{
    released++;
    array->release = NULL;
}

/* ---- a table of three rows: {"id": int32, "na\"me": utf8 or null, "tags": list of int32} */

static int32_t ids[] = {7, -1, 2147483647}, ends[] = {0, 1, 1, 4}, tags[] = {1, 2, 3, 4}, tag_ends[] = {0, 2, 2, 4};
static uint8_t some[] = {5}; /* the second is null */
static const void *id_buffers[] = {NULL, ids}, *name_buffers[] = {some, ends, "x\n\xc3\xa9"},
                  *list_buffers[] = {NULL, tag_ends}, *tag_buffers[] = {NULL, tags}, *root_buffers[] = {NULL};

static struct ArrowSchema id_schema = {.format = "i", .name = "id"}, name_schema = {.format = "u", .name = "na\"me"},
                          item_schema = {.format = "i", .name = "item"}, *items[] = {&item_schema},
                          list_schema = {.format = "+l", .name = "tags", .n_children = 1, .children = items},
                          *members[] = {&id_schema, &name_schema, &list_schema},
                          schema = {.format = "+s", .n_children = 3, .children = members};

static struct ArrowArray id_array = {.length = 3, .n_buffers = 2, .buffers = id_buffers},
                         name_array = {.length = 3, .null_count = 1, .n_buffers = 3, .buffers = name_buffers},
                         tag_array = {.length = 4, .n_buffers = 2, .buffers = tag_buffers}, *tag_arrays[] = {&tag_array},
                         list_array = {.length = 3,
                                       .n_buffers = 2,
                                       .buffers = list_buffers,
                                       .n_children = 1,
                                       .children = tag_arrays},
                         *columns[] = {&id_array, &name_array, &list_array},
                         table = {.length = 3,
                                  .n_buffers = 1,
                                  .buffers = root_buffers,
                                  .n_children = 3,
                                  .children = columns,
                                  .release = release_array};

#define ROWS                                                                                                                \
    "{\"id\":7,\"na\\\"me\":\"x\",\"tags\":[1,2]}\n{\"id\":-1,\"na\\\"me\":null,\"tags\":[]}\n"                             \
    "{\"id\":2147483647,\"na\\\"me\":\"\\n\xc3\xa9\",\"tags\":[3,4]}\n"

/* ---- a sink that keeps what it gets, and may fail */

typedef struct kept {
    size_t length;
    unsigned calls, fail_at;
    char text[65536];
} kept;

static ptrdiff_t
keep(void *ctx, const uint8_t *data, size_t length)
{
    kept *k = ctx;
    if (++k->calls == k->fail_at)
        return -EPIPE;
    memcpy(k->text + k->length, data, length);
    k->length += length;
    return (ptrdiff_t)length;
}

/* So many batches of the table, written; what rj_arrow_finish answers. */
static int
write_batches(kept *k, size_t chunk_size, int batches, const rj_arrow_options *options, const rj_allocator *alloc)
{
    rj_sink *sink;
    rj_arrow *a;
    if (rj_callback_sink_new(&sink, keep, k, chunk_size, NULL) != RJ_OK)
        abort();
    int rc = rj_arrow_new(&a, sink, &schema, options, alloc);
    for (int n = 0; n < batches && rc == RJ_OK; n++)
        rc = rj_arrow_put(a, &table);
    if (a) {
        int last = rj_arrow_finish(a);
        CHECK(rc == RJ_OK || last == rc);
        rc = last;
        rj_arrow_failure failure = rj_arrow_error(a);
        CHECK(failure.status == rc && failure.offset == k->length);
        CHECK((rc == RJ_OK) == (failure.message[0] == 0) || rc == RJ_EIO);
    }
    rj_arrow_free(a);
    rj_sink_free(sink);
    return rc;
}

static void
test_rows(void)
{
    for (size_t c = 0; c < COUNT(chunk_sizes); c++) {
        kept k = {0};
        CHECK(write_batches(&k, chunk_sizes[c], 100, NULL, NULL) == RJ_OK);
        CHECK(k.length == 100 * strlen(ROWS));
        for (size_t n = 0; n < 100; n++)
            CHECK(memcmp(k.text + n * strlen(ROWS), ROWS, strlen(ROWS)) == 0);
    }
}

static void
test_options(void)
{
    static const char *const names[] = {"na\"me"};
    rj_arrow_options options = {.as_array = 1, .omit_nulls = 1, .columns = names, .column_count = 1};
    static const char rows[] = "[{\"na\\\"me\":\"x\"},{},{\"na\\\"me\":\"\\n\xc3\xa9\"}]";
    kept k = {0};
    CHECK(write_batches(&k, 0, 1, &options, NULL) == RJ_OK);
    CHECK(k.length == strlen(rows) && memcmp(k.text, rows, k.length) == 0);
    kept none = {0};
    CHECK(write_batches(&none, 0, 0, &options, NULL) == RJ_OK && none.length == 2);
}

static void
test_failures(void)
{
    int rc = RJ_ENOMEM;
    for (unsigned n = 1; rc != RJ_OK; n++) {
        test_memory memory = {.fail_at = n};
        rj_allocator alloc = {test_allocate, test_reallocate, test_release, &memory};
        kept k = {0};
        rc = write_batches(&k, 0, 1, NULL, &alloc);
        CHECK(memory.live == 0 && (rc == RJ_OK || rc == RJ_ENOMEM));
    }
    rc = RJ_EIO;
    for (unsigned n = 1; rc != RJ_OK; n++) {
        kept k = {.fail_at = n};
        rc = write_batches(&k, 512, 20, NULL, NULL);
        CHECK(rc == RJ_OK || rc == RJ_EIO);
    }
}

/* One thing is wrong, and put right again. */
#define WRONG(place, value, status)                                                                                         \
    do {                                                                                                                    \
        __typeof__(place) right = (place);                                                                                  \
        kept k = {0};                                                                                                       \
        (place) = (value);                                                                                                  \
        CHECK(write_batches(&k, 0, 1, NULL, NULL) == (status) && k.length == 0);                                            \
        (place) = right;                                                                                                    \
    } while (0)

static void
test_mistakes(void)
{
    WRONG(table.release, NULL, RJ_EINVAL);
    WRONG(table.length, 4, RJ_EINVAL);
    WRONG(table.length, -1, RJ_EINVAL);
    WRONG(table.offset, INT64_MAX, RJ_EINVAL);
    WRONG(table.n_children, 2, RJ_EINVAL);
    WRONG(id_array.n_buffers, 1, RJ_EINVAL);
    WRONG(id_buffers[1], NULL, RJ_EINVAL);
    WRONG(ends[1], 5, RJ_EINVAL);
    WRONG(ends[2], -1, RJ_EINVAL);
    WRONG(ends[2], 3, RJ_EUTF8);
    WRONG(tag_ends[3], 5, RJ_EINVAL);
    WRONG(tag_ends[1], -2, RJ_EINVAL);
    WRONG(name_schema.format, "z", RJ_EINVAL);
    WRONG(name_schema.format, "", RJ_EINVAL);
    WRONG(name_schema.name, "id", RJ_EINVAL);
    WRONG(name_schema.name, "\xff", RJ_EUTF8);
    WRONG(schema.format, "i", RJ_EINVAL);
    WRONG(list_schema.n_children, 0, RJ_EINVAL);
    struct ArrowSchema deep[RJ_ARROW_MAX_DEPTH + 2], *below[RJ_ARROW_MAX_DEPTH + 2];
    for (size_t n = 0; n < COUNT(deep); n++) {
        deep[n] = (struct ArrowSchema){.format = "+l", .name = "deep", .n_children = 1, .children = &below[n]};
        below[n] = &deep[n + 1 < COUNT(deep) ? n + 1 : 0];
    }
    WRONG(members[0], &deep[0], RJ_EDEPTH);
}

/* ---- a stream: three batches, or a failure in place of the last */

static int left, ends_badly;

static int
next_batch(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    *out = table;
    if (left-- == 0) {
        out->release = NULL;
        return ends_badly ? EIO : 0;
    }
    return 0;
}

static const char *
last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "it broke";
}

static void
test_streams(void)
{
    for (ends_badly = 0; ends_badly < 2; ends_badly++) {
        struct ArrowArrayStream stream = {.get_next = next_batch, .get_last_error = last_error};
        kept k = {0};
        rj_sink *sink;
        rj_arrow *a;
        left = 3;
        released = 0;
        CHECK(rj_callback_sink_new(&sink, keep, &k, 0, NULL) == RJ_OK);
        CHECK(rj_arrow_new(&a, sink, &schema, NULL, NULL) == RJ_OK);
        CHECK(rj_arrow_put_stream(a, &stream) == (ends_badly ? RJ_EREAD : RJ_OK));
        CHECK(released == 3 && rj_arrow_error(a).row == 9);
        CHECK(!ends_badly || strcmp(rj_arrow_error(a).message, "it broke") == 0);
        CHECK(rj_arrow_finish(a) == (ends_badly ? RJ_EREAD : RJ_OK));
        CHECK(k.length == (ends_badly ? 0 : 3 * strlen(ROWS)));
        rj_arrow_free(a);
        rj_sink_free(sink);
    }
}

int
main(void)
{
    test_rows();
    test_options();
    test_failures();
    test_mistakes();
    test_streams();
    printf("test_arrow: ok\n");
    return 0;
}
