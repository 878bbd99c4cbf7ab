/*
 * An HTTP/1.1 server that answers every GET with a generated JSON document of any size, chunked, to many clients at once, in
 * constant memory: two chunks per client.
 *
 *     uv_server [port [rows]]        # 0: any free port; a path such as /1000 asks for another number of rows
 *     curl -N http://127.0.0.1:8000/1000000 | tail -c 100
 */
#define _GNU_SOURCE /* for uv.h */
#include <rjson/uv.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX 8192

static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
static const char not_allowed[] =
    "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
static unsigned long long default_rows = 100000;

typedef struct client {
    uv_tcp_t tcp;
    uv_write_t head_request;
    rj_sink *sink, *body; /* the stream; chunked coding on top of it */
    rj_writer *writer;
    unsigned long long rows, row;
    int step; /* of the row; each is one call of the writer, which may pause */
    enum { ROWS, END_OF_ROWS, END_OF_BODY } stage;
    char name[32];
    size_t length;
    char request[REQUEST_MAX];
} client;

static void serve(client *c);
static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf);

/* ---- life of a client */

static void
on_closed(uv_handle_t *handle)
{
    client *c = handle->data;
    rj_writer_free(c->writer);
    rj_sink_free(c->body);
    rj_sink_free(c->sink);
    free(c);
}

static void
close_client(client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp))
        uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* So that the client does not take what it got for all there is. */
static void
reset_client(client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->tcp) && uv_tcp_close_reset(&c->tcp, on_closed) < 0)
        close_client(c);
}

/* ---- the document */

static int
put_next(client *c)
{
    rj_writer *w = c->writer;
    switch (c->step++) {
    case 0:
        return rj_writer_begin_object(w);
    case 1:
        return rj_writer_put_key(w, "id", 2);
    case 2:
        return rj_writer_put_uint64(w, c->row);
    case 3:
        return rj_writer_put_key(w, "name", 4);
    case 4:
        snprintf(c->name, sizeof c->name, "row %llu", c->row);
        return rj_writer_put_string(w, c->name, strlen(c->name));
    case 5:
        return rj_writer_put_key(w, "share", 5);
    case 6:
        return rj_writer_put_double(w, (double)(c->row % 1000) / 8);
    default:
        c->step = 0;
        c->row++;
        return rj_writer_end_object(w);
    }
}

/* Called again and again, whenever there is room: goes on where it stopped. */
static int
produce(void *ctx)
{
    client *c = ctx;
    int rc = rj_writer_resume(c->writer);
    while (rc == RJ_OK && c->row < c->rows)
        rc = put_next(c);
    if (rc == RJ_OK && c->stage == ROWS) {
        c->stage = END_OF_ROWS;
        rc = rj_writer_end_array(c->writer);
    }
    if (rc == RJ_OK && c->stage == END_OF_ROWS && (rc = rj_writer_finish(c->writer)) == RJ_OK)
        c->stage = END_OF_BODY;
    return rc == RJ_OK ? rj_http_chunked_sink_finish(c->body) : rc;
}

static void
done(void *ctx, int status)
{
    client *c = ctx;
    if (status != RJ_OK) {
        reset_client(c);
        return;
    }
    rj_writer_reset(c->writer);
    rj_http_chunked_sink_reset(c->body);
    if (uv_read_start((uv_stream_t *)&c->tcp, on_buffer, on_read) < 0)
        close_client(c);
    else
        serve(c); /* the next request may be there already */
}

static void
begin_document(client *c, unsigned long long rows)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)head, sizeof head - 1);
    c->rows = rows;
    c->row = 0;
    c->stage = ROWS;
    uv_read_stop((uv_stream_t *)&c->tcp); /* one document at a time; a client that is gone shows itself in the writes */
    if (uv_write(&c->head_request, (uv_stream_t *)&c->tcp, &buf, 1, NULL) < 0 || rj_writer_begin_array(c->writer) < 0 ||
        rj_uv_sink_run(c->sink, produce, done, c) < 0)
        reset_client(c);
}

/* ---- requests */

/* Answers the first request of those that have come, if it is complete. */
static void
serve(client *c)
{
    char *end = memmem(c->request, c->length, "\r\n\r\n", 4);
    if (!end) {
        if (c->length == REQUEST_MAX)
            reset_client(c);
        return;
    }
    int is_get = c->length > 5 && memcmp(c->request, "GET /", 5) == 0;
    unsigned long long rows = is_get ? strtoull(c->request + 5, NULL, 10) : 0;
    size_t used = (size_t)(end + 4 - c->request);
    memmove(c->request, end + 4, c->length - used);
    c->length -= used;
    if (is_get) {
        begin_document(c, rows ? rows : default_rows);
        return;
    }
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)not_allowed, sizeof not_allowed - 1);
    uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);
    close_client(c);
}

static void
on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    client *c = handle->data;
    (void)suggested;
    *buf = uv_buf_init(c->request + c->length, (unsigned)(REQUEST_MAX - c->length));
}

static void
on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    client *c = stream->data;
    (void)buf;
    if (count < 0) {
        close_client(c);
        return;
    }
    c->length += (size_t)count;
    serve(c);
}

static void
on_connection(uv_stream_t *server, int status)
{
    client *c = status < 0 ? NULL : calloc(1, sizeof *c);
    if (!c)
        return;
    uv_tcp_init(server->loop, &c->tcp);
    c->tcp.data = c;
    if (uv_accept(server, (uv_stream_t *)&c->tcp) < 0 || rj_uv_sink_new(&c->sink, (uv_stream_t *)&c->tcp, NULL, NULL) < 0 ||
        rj_http_chunked_sink_new(&c->body, c->sink, NULL) < 0 || rj_writer_new(&c->writer, c->body, NULL) < 0 ||
        uv_read_start((uv_stream_t *)&c->tcp, on_buffer, on_read) < 0)
        close_client(c);
}

static void
on_signal(uv_signal_t *signal, int number)
{
    (void)number;
    uv_stop(signal->loop);
}

int
main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    uv_signal_t interrupt;
    struct sockaddr_in address;
    int length = sizeof address;
    int port = argc > 1 ? atoi(argv[1]) : 8000;
    if (argc > 2)
        default_rows = strtoull(argv[2], NULL, 10);
    signal(SIGPIPE, SIG_IGN);
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_tcp_init(loop, &server);
    uv_ip4_addr("127.0.0.1", port, &address);
    int rc = uv_tcp_bind(&server, (struct sockaddr *)&address, 0);
    if (rc == 0)
        rc = uv_listen((uv_stream_t *)&server, 1024, on_connection);
    if (rc == 0)
        rc = uv_tcp_getsockname(&server, (struct sockaddr *)&address, &length);
    if (rc < 0) {
        fprintf(stderr, "uv_server: port %d: %s\n", port, uv_strerror(rc));
        return 1;
    }
    printf("listening on http://127.0.0.1:%d/\n", ntohs(address.sin_port));
    fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    return 0;
}
