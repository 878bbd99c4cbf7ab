/*
 * Streams a JSON array of generated rows to standard output, in constant memory, whatever their number:
 *
 *     stream_rows 1000000 | gzip > rows.json.gz
 *
 * Errors stick in the writer, so the one check at the end is enough.
 */
#include "rjson/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put_row(rj_writer *w, uint64_t id)
{
    char name[32];
    int length = snprintf(name, sizeof name, "row %llu", (unsigned long long)id);
    rj_writer_begin_object(w);
    rj_writer_put_key(w, "id", 2);
    rj_writer_put_uint64(w, id);
    rj_writer_put_key(w, "name", 4);
    rj_writer_put_string(w, name, (size_t)length);
    rj_writer_put_key(w, "share", 5);
    rj_writer_put_double(w, (double)(id % 1000) / 8);
    rj_writer_put_key(w, "even", 4);
    rj_writer_put_bool(w, id % 2 == 0);
    rj_writer_end_object(w);
}

static int
put_rows(rj_writer *w, uint64_t count)
{
    rj_writer_begin_array(w);
    for (uint64_t id = 0; id < count && rj_writer_error(w).status == RJ_OK; id++)
        put_row(w, id);
    rj_writer_end_array(w);
    return rj_writer_finish(w);
}

static int
report(const rj_writer *w)
{
    rj_writer_failure failure = rj_writer_error(w);
    fprintf(stderr, "stream_rows: %s after %llu bytes%s%s\n", rj_strerror(failure.status),
            (unsigned long long)failure.offset, failure.sys_errno ? ": " : "",
            failure.sys_errno ? strerror(failure.sys_errno) : "");
    return 1;
}

int
main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000;
    rj_sink *sink;
    rj_writer *w;
    if (rj_fd_sink_new(&sink, 1, NULL, NULL) != RJ_OK) {
        perror("stream_rows");
        return 1;
    }
    if (rj_writer_new(&w, sink, NULL) != RJ_OK) {
        rj_sink_free(sink);
        return 1;
    }
    int status = put_rows(w, count) == RJ_OK ? 0 : report(w);
    rj_writer_free(w);
    rj_sink_free(sink);
    return status;
}
