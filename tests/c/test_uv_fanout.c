/* The fan-out, on real sockets and pipes: everybody gets every message whole, once and in order, but for those whom the policy makes miss
 * some, which are whole messages; nobody waits for whom it should not; nothing is left behind however it ends. */
#define _GNU_SOURCE /* for uv.h */
#include "harness.h"
#include "rjson/uv.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- subscribers: a thread each, that reads at its own pace */

typedef struct reader {
    int ours, theirs;
    size_t size;       /* bytes per read */
    unsigned pause_us; /* between reads */
    int is_stopped;    /* reads nothing until it is told to go on */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t go_on;
    char *data;
    size_t length, capacity;
    int error;
    uint64_t id;
} reader;

static void *
read_all(void *ctx)
{
    reader *r = ctx;
    pthread_mutex_lock(&r->lock);
    while (r->is_stopped)
        pthread_cond_wait(&r->go_on, &r->lock);
    pthread_mutex_unlock(&r->lock);
    for (;;) {
        if (r->length + r->size + 1 > r->capacity) {
            r->capacity = 2 * (r->length + r->size + 1);
            r->data = realloc(r->data, r->capacity);
            CHECK(r->data);
        }
        ssize_t n = read(r->theirs, r->data + r->length, r->size);
        if (n <= 0) {
            r->error = n < 0 ? errno : 0;
            break;
        }
        r->length += (size_t)n;
        if (r->pause_us)
            usleep(r->pause_us);
    }
    r->data[r->length] = '\0';
    return NULL;
}

static void
reader_start(reader *r, int index, int is_stopped)
{
    static const size_t sizes[] = {1 << 16, 4096, 100};
    int fds[2], small = 8192;
    *r = (reader){.size = sizes[index % 3], .pause_us = index % 3 == 1 ? 100 : 0, .is_stopped = is_stopped};
    if (index % 4 == 3) {
        CHECK(pipe(fds) == 0);
        r->theirs = fds[0];
        r->ours = fds[1];
    }
    else {
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
        r->ours = fds[0];
        r->theirs = fds[1];
        setsockopt(r->ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->go_on, NULL);
    CHECK(pthread_create(&r->thread, NULL, read_all, r) == 0);
}

static void
reader_go_on(reader *r)
{
    pthread_mutex_lock(&r->lock);
    r->is_stopped = 0;
    pthread_cond_signal(&r->go_on);
    pthread_mutex_unlock(&r->lock);
}

/* Reads to the end, for which the fan-out must have let go of its copy. */
static void
reader_finish(reader *r)
{
    reader_go_on(r);
    if (r->ours >= 0)
        close(r->ours);
    pthread_join(r->thread, NULL);
    close(r->theirs);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->go_on);
}

/* ---- messages: a number, and as many x as it says */

static void
wait_for(rj_fanout *f, int event)
{
    CHECK(rj_fanout_wait(f, event, 30000, NULL) == RJ_OK);
}

static void
put(rj_fanout *f, rj_writer *w, int rc)
{
    for (; rc == RJ_PAUSE; rc = rj_writer_resume(w))
        wait_for(f, RJ_FANOUT_ROOM);
    CHECK(rc == RJ_OK);
}

static void
publish(rj_fanout *f, rj_writer *w, unsigned number, size_t size)
{
    char *text = malloc(size + 1);
    memset(text, 'x', size);
    rj_writer_reset(w);
    put(f, w, rj_writer_begin_array(w));
    put(f, w, rj_writer_put_uint64(w, number));
    put(f, w, rj_writer_put_string(w, text, size));
    put(f, w, rj_writer_end_array(w));
    CHECK(rj_writer_finish(w) == RJ_OK);
    free(text);
}

static size_t
size_of(unsigned number)
{
    return number % 50 == 7 ? 200000 : number % 500;
}

/* Takes one message off. Its number, or -1 if there is no whole one. */
static long
take_message(const char **data)
{
    unsigned number;
    int used = 0;
    if (sscanf(*data, "[%u,\"%n", &number, &used) != 1 || !used)
        return -1;
    const char *x = *data + used;
    size_t size = strspn(x, "x");
    if (size != size_of(number) || strncmp(x + size, "\"]\n", 3) != 0)
        return -1;
    *data = x + size + 3;
    return (long)number;
}

/* Checks that the data is whole messages with rising numbers, all from `first` to `last` if `gapless`. How many there are. */
static unsigned
check_messages(const reader *r, long first, long last, int gapless)
{
    const char *p = r->data;
    long previous = first - 1;
    unsigned count = 0;
    while (*p) {
        long number = take_message(&p);
        CHECK(gapless ? number == previous + 1 : number > previous);
        previous = number;
        count++;
    }
    CHECK(p == r->data + r->length && previous == last);
    return count;
}

typedef struct found {
    uint64_t id;
    rj_subscriber_report report;
    int times;
} found;

static void
note(void *ctx, const rj_subscriber_report *report)
{
    found *f = ctx;
    if (report->id == f->id) {
        f->report = *report;
        f->times++;
    }
}

static rj_subscriber_report
report_of(rj_fanout *f, uint64_t id)
{
    found wanted = {.id = id};
    rj_fanout_report(f, note, &wanted);
    CHECK(wanted.times == 1);
    return wanted.report;
}

static rj_fanout *
new_fanout(rj_fanout_options options, rj_writer **w)
{
    rj_fanout *f;
    CHECK(rj_fanout_new(&f, &options) == RJ_OK);
    CHECK(rj_writer_new(w, rj_fanout_sink(f), NULL) == RJ_OK);
    return f;
}

static rj_fanout_options
defaults(void)
{
    return (rj_fanout_options)RJ_FANOUT_OPTIONS_INIT;
}

#define READERS 9
#define MESSAGES 400

static void
test_everybody_gets_everything(void)
{
    for (size_t i = 0; i < COUNT(chunk_sizes); i++) {
        reader readers[READERS];
        rj_writer *w;
        rj_fanout_options options = defaults();
        options.chunk_size = chunk_sizes[i];
        options.max_bytes = i % 2 ? 1000 : 1 << 20;
        rj_fanout *f = new_fanout(options, &w);
        for (int r = 0; r < READERS; r++) {
            reader_start(&readers[r], r, 0);
            CHECK(rj_fanout_add(f, readers[r].ours, &readers[r].id) == RJ_OK);
        }
        for (unsigned n = 0; n < MESSAGES; n++)
            publish(f, w, n, size_of(n));
        wait_for(f, RJ_FANOUT_DRAINED);
        for (int r = 0; r < READERS; r++) {
            rj_subscriber_report report = report_of(f, readers[r].id);
            CHECK(report.state == RJ_SUBSCRIBER_OPEN && report.messages == MESSAGES && report.skipped == 0);
            CHECK(report.behind == 0);
        }
        rj_fanout_free(f);
        rj_writer_free(w);
        for (int r = 0; r < READERS; r++) {
            reader_finish(&readers[r]);
            CHECK(readers[r].error == 0 && check_messages(&readers[r], 0, MESSAGES - 1, 1) == MESSAGES);
            free(readers[r].data);
        }
    }
}

static void
test_comers_and_goers(void)
{
    reader readers[MESSAGES / 20];
    rj_writer *w;
    rj_fanout_options options = defaults();
    options.chunk_size = 4096;
    options.max_bytes = 20000;
    rj_fanout *f = new_fanout(options, &w);
    for (unsigned n = 0; n < MESSAGES; n++) {
        if (n % 20 == 0) {
            reader *r = &readers[n / 20];
            reader_start(r, (int)n / 20, 0);
            CHECK(rj_fanout_add(f, r->ours, &r->id) == RJ_OK);
        }
        publish(f, w, n, size_of(n));
        if (n >= 100 && n % 20 == 10)
            CHECK(rj_fanout_remove(f, readers[n / 20 - 5].id) == RJ_OK);
    }
    rj_fanout_finish(f);
    rj_window window;
    CHECK(rj_sink_lend(rj_fanout_sink(f), 0, &window) == RJ_ESTATE);
    uint64_t id;
    CHECK(rj_fanout_add(f, readers[0].ours, &id) == RJ_ESTATE);
    wait_for(f, RJ_FANOUT_EMPTY);
    CHECK(report_of(f, readers[0].id).state == RJ_SUBSCRIBER_REMOVED);
    for (unsigned i = 0; i < COUNT(readers); i++) {
        long last = i + 5 < COUNT(readers) ? (i + 5) * 20 + 10 : MESSAGES - 1;
        reader_finish(&readers[i]);
        check_messages(&readers[i], i * 20, last, 1);
        free(readers[i].data);
    }
    CHECK(rj_fanout_remove(f, 12345) == RJ_EINVAL);
    rj_fanout_free(f);
    rj_writer_free(w);
}

static void
test_skipping(void)
{
    reader slow, fast;
    rj_writer *w;
    rj_fanout_options options = defaults();
    options.slow = RJ_SLOW_SKIP;
    options.max_bytes = 600000;
    rj_fanout *f = new_fanout(options, &w);
    reader_start(&slow, 0, 1);
    reader_start(&fast, 0, 0);
    CHECK(rj_fanout_add(f, slow.ours, &slow.id) == RJ_OK && rj_fanout_add(f, fast.ours, &fast.id) == RJ_OK);
    for (unsigned n = 0; n < MESSAGES; n++) {
        publish(f, w, n, size_of(n)); /* never waits for the slow one */
        while (report_of(f, fast.id).behind > 100000)
            usleep(100); /* which the fast one is not to become */
    }
    while (report_of(f, fast.id).behind > 0)
        usleep(100);
    rj_subscriber_report behind = report_of(f, slow.id);
    CHECK(behind.state == RJ_SUBSCRIBER_OPEN);
    reader_go_on(&slow);
    wait_for(f, RJ_FANOUT_DRAINED);
    rj_subscriber_report report = report_of(f, slow.id);
    CHECK(report.skipped > 0 && report.messages + report.skipped == MESSAGES);
    CHECK(report_of(f, fast.id).messages == MESSAGES);
    rj_fanout_free(f);
    rj_writer_free(w);
    reader_finish(&slow);
    reader_finish(&fast);
    CHECK(check_messages(&slow, 0, MESSAGES - 1, 0) == report.messages);
    check_messages(&fast, 0, MESSAGES - 1, 1);
    free(slow.data);
    free(fast.data);
}

static void
test_dropping(void)
{
    for (int by_time = 0; by_time < 3; by_time++) {
        reader slow, fast;
        rj_writer *w;
        rj_fanout_options options = defaults();
        options.slow = by_time == 2 ? RJ_SLOW_WAIT : RJ_SLOW_DROP;
        options.max_bytes = by_time == 1 ? 1 << 30 : 500000;
        options.max_ms = by_time ? 200 : -1;
        rj_fanout *f = new_fanout(options, &w);
        reader_start(&slow, 0, 1);
        reader_start(&fast, 0, 0);
        CHECK(rj_fanout_add(f, slow.ours, &slow.id) == RJ_OK && rj_fanout_add(f, fast.ours, &fast.id) == RJ_OK);
        for (unsigned n = 0; n < MESSAGES; n++) {
            publish(f, w, n, size_of(n));
            for (int waits = 0; by_time == 0 && waits < 1000 && report_of(f, fast.id).behind > 100000; waits++)
                usleep(100);
        }
        wait_for(f, RJ_FANOUT_DRAINED); /* of those that are left */
        found wanted = {.id = fast.id};
        rj_fanout_report(f, note, &wanted);
        CHECK(wanted.times == 1 && wanted.report.state == RJ_SUBSCRIBER_OPEN && wanted.report.messages == MESSAGES);
        rj_fanout_free(f);
        rj_writer_free(w);
        reader_finish(&slow);
        reader_finish(&fast);
        check_messages(&fast, 0, MESSAGES - 1, 1);
        CHECK(slow.length < fast.length);
        free(slow.data);
        free(fast.data);
    }
}

static void
test_a_message_is_given_up(void)
{
    reader before, after;
    rj_writer *w;
    rj_fanout_options options = defaults();
    options.chunk_size = 512;
    rj_fanout *f = new_fanout(options, &w);
    reader_start(&before, 0, 0);
    CHECK(rj_fanout_add(f, before.ours, &before.id) == RJ_OK);
    publish(f, w, 1, size_of(1));

    rj_writer_reset(w); /* nothing of it is out yet: nobody notices */
    put(f, w, rj_writer_begin_array(w));
    rj_sink_abort(rj_fanout_sink(f));
    CHECK(rj_writer_finish(w) < 0);
    rj_fanout_reset_sink(f);
    publish(f, w, 2, size_of(2));
    wait_for(f, RJ_FANOUT_DRAINED);
    CHECK(report_of(f, before.id).state == RJ_SUBSCRIBER_OPEN);

    rj_writer_reset(w);
    put(f, w, rj_writer_begin_array(w));
    for (int i = 0; i < 1000; i++)
        put(f, w, rj_writer_put_uint64(w, 12345));
    reader_start(&after, 0, 0);
    CHECK(rj_fanout_add(f, after.ours, &after.id) == RJ_OK);
    rj_sink_abort(rj_fanout_sink(f));
    rj_fanout_reset_sink(f);
    publish(f, w, 3, size_of(3));
    wait_for(f, RJ_FANOUT_DRAINED);
    rj_subscriber_report report = report_of(f, before.id);
    CHECK(report.state == RJ_SUBSCRIBER_FAILED && report.sys_errno == ECANCELED && report.messages == 2);
    rj_fanout_free(f);
    rj_writer_free(w);
    reader_finish(&before);
    reader_finish(&after);
    const char *p = before.data;
    CHECK(take_message(&p) == 1 && take_message(&p) == 2 && take_message(&p) == -1 && *p);
    check_messages(&after, 3, 3, 1);
    free(before.data);
    free(after.data);
}

static void
wait_until_gone(rj_fanout *f)
{
    wait_for(f, RJ_FANOUT_EMPTY);
}

static void
test_peers_that_go(void)
{
    rj_writer *w;
    rj_fanout *f = new_fanout(defaults(), &w);
    uint64_t id;
    char buffer[100];
    int fds[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0); /* one that is idle closes */
    CHECK(rj_fanout_add(f, fds[0], &id) == RJ_OK);
    publish(f, w, 1, 1);
    CHECK(read(fds[1], buffer, sizeof buffer) == 8);
    close(fds[1]);
    wait_until_gone(f);
    int state = report_of(f, id).state;
    CHECK(state == RJ_SUBSCRIBER_LEFT || state == RJ_SUBSCRIBER_FAILED);
    close(fds[0]);

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0); /* one shuts its sending half, and gets what there is */
    CHECK(rj_fanout_add(f, fds[0], &id) == RJ_OK);
    int blocked = 0;
    for (unsigned n = 0; n < 100 && !blocked; n++) {
        publish(f, w, 7, 200000);
        blocked = rj_fanout_wait(f, RJ_FANOUT_DRAINED, 20, NULL) == RJ_ETIMEOUT;
    }
    CHECK(blocked);
    shutdown(fds[1], SHUT_WR);
    CHECK(rj_fanout_wait(f, RJ_FANOUT_EMPTY, 50, NULL) == RJ_ETIMEOUT);
    static char sink[1 << 16];
    struct pollfd p = {fds[1], POLLIN, 0};
    found wanted = {.id = id};
    while (wanted.times == 0 || wanted.report.state == RJ_SUBSCRIBER_OPEN) {
        if (poll(&p, 1, 10) > 0 && read(fds[1], sink, sizeof sink) < 0)
            break;
        rj_fanout_report(f, note, &wanted);
    }
    CHECK(wanted.report.state == RJ_SUBSCRIBER_LEFT && wanted.report.behind == 0);
    close(fds[0]);
    close(fds[1]);

    int file = open("/dev/null", O_WRONLY); /* what is no stream is refused */
    CHECK(rj_fanout_add(f, file, &id) == RJ_EIO && errno == ENOTSOCK);
    close(file);
    CHECK(rj_fanout_add(f, file, &id) == RJ_EIO && errno == EBADF);
    rj_fanout_free(f);
    rj_writer_free(w);
}

static void
test_framings(void)
{
    static const struct {
        int framing, http_chunked;
        const char *expected;
    } cases[] = {
        {RJ_FRAMING_NONE, 0, "{\"a\":\n\r 1}[2]"},
        {RJ_FRAMING_LINES, 0, "{\"a\":   1}\n:hi\n[2]\n"},
        {RJ_FRAMING_SSE, 0, "event: e\ndata: {\"a\":   1}\n\n:hi\ndata: [2]\n\n"},
        {RJ_FRAMING_LINES, 1, "B\r\n{\"a\":   1}\n\r\n4\r\n:hi\n\r\n4\r\n[2]\n\r\n0\r\n\r\n"},
        {RJ_FRAMING_NONE, 1, "A\r\n{\"a\":\n\r 1}\r\n3\r\n[2]\r\n0\r\n\r\n"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        reader r;
        rj_writer *w;
        rj_fanout_options options = defaults();
        options.framing = cases[i].framing;
        options.http_chunked = cases[i].http_chunked;
        rj_fanout *f = new_fanout(options, &w);
        reader_start(&r, 0, 0);
        CHECK(rj_fanout_add(f, r.ours, &r.id) == RJ_OK);
        CHECK(rj_fanout_set_event_head(f, "event: e\n", 9) == RJ_OK);
        put(f, w, rj_writer_put_raw(w, "{\"a\":\n\r 1}", 10));
        CHECK(rj_fanout_send_raw(f, "x", 1) == RJ_ESTATE && rj_fanout_set_event_head(f, "", 0) == RJ_EINVAL);
        CHECK(rj_writer_finish(w) == RJ_OK);
        if (cases[i].framing != RJ_FRAMING_NONE)
            CHECK(rj_fanout_send_raw(f, ":hi\n", 4) == RJ_OK);
        CHECK(rj_fanout_set_event_head(f, "", 0) == RJ_OK);
        rj_writer_reset(w);
        put(f, w, rj_writer_put_raw(w, "[2]", 3));
        CHECK(rj_writer_finish(w) == RJ_OK);
        rj_fanout_finish(f);
        wait_for(f, RJ_FANOUT_EMPTY);
        CHECK(report_of(f, r.id).messages == 2);
        rj_fanout_free(f);
        rj_writer_free(w);
        reader_finish(&r);
        CHECK(strcmp(r.data, cases[i].expected) == 0);
        free(r.data);
    }
}

static void
test_freed_in_the_middle(void)
{
    for (int open = 0; open < 2; open++) {
        reader readers[4];
        rj_writer *w;
        rj_fanout_options options = defaults();
        options.slow = open ? RJ_SLOW_WAIT : RJ_SLOW_SKIP;
        rj_fanout *f = new_fanout(options, &w);
        for (int r = 0; r < 4; r++) {
            reader_start(&readers[r], r, 1);
            CHECK(rj_fanout_add(f, readers[r].ours, &readers[r].id) == RJ_OK);
        }
        for (unsigned n = 0; n < 20; n++)
            publish(f, w, n, 20000);
        rj_writer_reset(w);
        if (open)
            put(f, w, rj_writer_begin_array(w));
        int watch = rj_fanout_watch(f, RJ_FANOUT_DRAINED);
        CHECK(watch >= 0);
        rj_fanout_free(f);
        uint64_t told;
        CHECK(read(watch, &told, sizeof told) == sizeof told);
        close(watch);
        rj_writer_free(w);
        for (int r = 0; r < 4; r++) {
            reader_finish(&readers[r]);
            free(readers[r].data);
        }
    }
}

typedef struct stuck {
    rj_fanout *f;
    rj_writer *w;
    int rc, event_rc;
} stuck;

/* Publishes until it fails. */
static void *
publish_until_told(void *ctx)
{
    stuck *s = ctx;
    char text[10000];
    memset(text, 'x', sizeof text);
    for (s->rc = RJ_OK; s->rc >= 0;) {
        rj_writer_reset(s->w);
        s->rc = rj_writer_put_string(s->w, text, sizeof text);
        while (s->rc == RJ_PAUSE) {
            s->rc = rj_fanout_wait(s->f, RJ_FANOUT_ROOM, -1, NULL);
            if (s->rc == RJ_OK)
                s->rc = rj_writer_resume(s->w);
        }
        while (s->rc >= 0 && (s->rc = rj_writer_finish(s->w)) == RJ_PAUSE)
            if ((s->rc = rj_fanout_wait(s->f, RJ_FANOUT_ROOM, -1, NULL)) < 0)
                break;
    }
    return NULL;
}

static void *
wait_for_the_end(void *ctx)
{
    stuck *s = ctx;
    s->event_rc = rj_fanout_wait(s->f, RJ_FANOUT_DRAINED, -1, NULL);
    return NULL;
}

static void
test_aborted_by_another_thread(void)
{
    for (int round = 0; round < 20; round++) {
        reader readers[4];
        pthread_t threads[2];
        stuck s = {0};
        rj_fanout_options options = defaults();
        options.slow = round % 2 ? RJ_SLOW_WAIT : RJ_SLOW_SKIP;
        options.max_bytes = 50000;
        s.f = new_fanout(options, &s.w);
        for (int r = 0; r < 4; r++) {
            reader_start(&readers[r], r, r % 2);
            CHECK(rj_fanout_add(s.f, readers[r].ours, &readers[r].id) == RJ_OK);
        }
        CHECK(pthread_create(&threads[0], NULL, publish_until_told, &s) == 0);
        CHECK(pthread_create(&threads[1], NULL, wait_for_the_end, &s) == 0);
        usleep((unsigned)round * 1000);
        rj_fanout_abort(s.f);
        rj_fanout_abort(s.f);
        uint64_t id;
        CHECK(rj_fanout_add(s.f, readers[0].ours, &id) == RJ_ESTATE);
        rj_fanout_remove(s.f, readers[0].id);
        pthread_join(threads[0], NULL);
        pthread_join(threads[1], NULL);
        CHECK(s.rc == RJ_EABORTED);
        CHECK(s.event_rc == RJ_EABORTED || s.event_rc == RJ_OK); /* it was drained before the first message */
        CHECK(rj_fanout_count(s.f) == 0);
        rj_fanout_free(s.f);
        rj_writer_free(s.w);
        for (int r = 0; r < 4; r++) {
            reader_finish(&readers[r]);
            free(readers[r].data);
        }
    }
}

/* ---- threads */

typedef struct churn {
    rj_fanout *f;
    int rounds;
} churn;

static void
ignore(void *ctx, const rj_subscriber_report *report)
{
    *(uint64_t *)ctx += report->messages;
}

static void *
come_and_go(void *ctx)
{
    churn *c = ctx;
    char buffer[4096];
    uint64_t sum = 0;
    for (int i = 0; i < c->rounds; i++) {
        int fds[2];
        uint64_t id;
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
        CHECK(rj_fanout_add(c->f, fds[0], &id) == RJ_OK);
        close(fds[0]);
        for (int n = 0; n < i % 5; n++)
            CHECK(read(fds[1], buffer, 1 + (size_t)i % sizeof buffer) > 0);
        if (i % 3 == 0)
            rj_fanout_remove(c->f, id);
        if (i % 7 == 0)
            rj_fanout_report(c->f, ignore, &sum);
        close(fds[1]);
    }
    return NULL;
}

static void
test_many_threads(void)
{
    rj_writer *w;
    rj_fanout_options options = defaults();
    options.slow = RJ_SLOW_SKIP;
    options.max_ms = 1000;
    rj_fanout *f = new_fanout(options, &w);
    pthread_t threads[4];
    churn c = {f, 200};
    for (int i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, come_and_go, &c) == 0);
    int running = 4;
    for (unsigned n = 0; running; n++) {
        publish(f, w, n, size_of(n));
        struct timespec now = {0, 0};
        while (running && pthread_timedjoin_np(threads[running - 1], NULL, &now) == 0)
            running--;
    }
    wait_until_gone(f);
    rj_fanout_free(f);
    rj_writer_free(w);
}

static void
test_bad_options(void)
{
    rj_fanout *f;
    rj_fanout_options bad[4] = {defaults(), defaults(), defaults(), defaults()};
    bad[0].slow = 99;
    bad[1].framing = 99;
    bad[2].max_bytes = 0;
    bad[3].max_ms = 0;
    for (size_t i = 0; i < COUNT(bad); i++)
        CHECK(rj_fanout_new(&f, &bad[i]) == RJ_EINVAL);
    rj_fanout_free(NULL);
}

int
main(void)
{
    test_bad_options();
    test_framings();
    test_everybody_gets_everything();
    test_comers_and_goers();
    test_skipping();
    test_dropping();
    test_a_message_is_given_up();
    test_peers_that_go();
    test_freed_in_the_middle();
    test_aborted_by_another_thread();
    test_many_threads();
    return 0;
}
