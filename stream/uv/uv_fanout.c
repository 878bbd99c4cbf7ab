/* See uv_fanout.h. Life, the lock, and what other threads ask for and wait for. */
#define _GNU_SOURCE /* for uv.h */
#include "uv/uv_fanout.h"

#include "framing.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Records of subscribers that have left are kept for the next report, but not more of them. */
#define MAX_ENDED 10000
#define SLOWEST_LOOK_MS 1000
#define FASTEST_LOOK_MS 10
#define REMOVED_LOOK_MS 250

/* ---- under the lock */

static int
has_happened(const rj_fanout *f, int event)
{
    if (f->is_stopped)
        return 1;
    switch (event) {
    case RJ_FANOUT_ROOM:
        return f->kept <= f->options.max_bytes || f->is_finished;
    case RJ_FANOUT_DRAINED:
        return f->is_drained;
    default:
        return f->subscribers == 0;
    }
}

static void
wake(rj__watch *watch)
{
    uint64_t one = 1;
    watch->is_signalled = write(watch->waker, &one, sizeof one) == sizeof one;
}

/* The other descriptor is its owner's to close. */
static void
free_watch(rj__watch *watch)
{
    if (watch->waker != watch->fd)
        close(watch->waker);
    free(watch);
}

static void
signal_watches(rj_fanout *f)
{
    for (rj__watch *watch = f->watches; watch; watch = watch->next)
        if (!watch->is_signalled && has_happened(f, watch->event))
            wake(watch);
}

/* ---- the producer's side */

int
rj__fanout_publish(rj_fanout *f, rj__part *part)
{
    part->next = NULL;
    uv_mutex_lock(&f->lock);
    if (f->is_stopped) {
        uv_mutex_unlock(&f->lock);
        free(part);
        return RJ_EABORTED;
    }
    int was_empty = !f->inbox;
    *f->inbox_end = part;
    f->inbox_end = &part->next;
    f->published += part->length;
    f->kept += part->length;
    f->is_drained = 0;
    if (was_empty)
        uv_async_send(&f->wakeup); /* under the lock: behind it, the thread may be stopped */
    uv_mutex_unlock(&f->lock);
    return RJ_OK;
}

int
rj__fanout_check(rj_fanout *f)
{
    uv_mutex_lock(&f->lock);
    int rc = f->is_stopped ? RJ_EABORTED : f->is_finished ? RJ_ESTATE : has_happened(f, RJ_FANOUT_ROOM) ? RJ_OK : RJ_PAUSE;
    uv_mutex_unlock(&f->lock);
    return rc;
}

int
rj__fanout_is_foreign(const rj_fanout *f)
{
    return f->pid != rj__process_id();
}

/* ---- the thread */

/* Takes the parts off *parts, of which the first begins at `end`, that were published before `offset` was reached. */
static rj__part *
take_before(rj__part **parts, uint64_t end, uint64_t offset)
{
    rj__part *first = NULL, **last = &first;
    while (*parts && end < offset) {
        rj__part *part = *parts;
        *parts = part->next;
        part->next = NULL;
        *last = part;
        last = &part->next;
        end += part->length;
    }
    return first;
}

static void
close_handles(rj_fanout *f)
{
    uv_close((uv_handle_t *)&f->wakeup, NULL);
    uv_close((uv_handle_t *)&f->check, NULL);
    uv_close((uv_handle_t *)&f->timer, NULL);
}

static void
obey(rj_fanout *f, rj__command *command)
{
    switch (command->kind) {
    case RJ__ADD:
        rj__log_add(f, command->subscriber);
        break;
    case RJ__REMOVE:
        rj__log_remove(f, command->id, command->offset);
        break;
    case RJ__FINISH:
        rj__log_finish(f);
        break;
    case RJ__STOP:
        rj__log_stop(f);
        close_handles(f);
        break;
    }
    free(command);
}

/* What has come in, in the order in which it came. */
static void
take_in(rj_fanout *f)
{
    uv_mutex_lock(&f->lock);
    rj__part *parts = f->inbox;
    rj__command *commands = f->commands;
    f->inbox = NULL;
    f->inbox_end = &f->inbox;
    f->commands = NULL;
    f->commands_end = &f->commands;
    uv_mutex_unlock(&f->lock);
    while (commands) {
        rj__command *command = commands;
        commands = command->next;
        rj__log_append(f, take_before(&parts, f->log.end, command->offset));
        obey(f, command);
    }
    rj__log_append(f, parts);
}

static size_t
count_ended(const rj_fanout *f)
{
    size_t count = 0;
    for (const rj__record *record = f->records; record; record = record->next)
        count += atomic_load_explicit(&record->state, memory_order_acquire) != RJ_SUBSCRIBER_OPEN;
    return count;
}

/* Forgets those that have left, all but the newest `keep` of them. */
static void
forget_ended(rj_fanout *f, size_t ended, size_t keep)
{
    for (rj__record **link = &f->records; *link && ended > keep;) {
        rj__record *record = *link;
        if (atomic_load_explicit(&record->state, memory_order_acquire) == RJ_SUBSCRIBER_OPEN) {
            link = &record->next;
            continue;
        }
        *link = record->next;
        free(record);
        ended--;
        f->record_count--;
    }
    f->records_end = &f->records;
    while (*f->records_end)
        f->records_end = &(*f->records_end)->next;
}

/* The limits, and the news for other threads. */
static void
settle(rj_fanout *f)
{
    rj__log_settle(f);
    uv_mutex_lock(&f->lock);
    f->kept = f->log.head ? f->log.end - f->log.head->offset : 0;
    for (const rj__part *part = f->inbox; part; part = part->next)
        f->kept += part->length;
    f->is_drained = !f->inbox && !f->commands && rj__log_is_drained(f);
    f->subscribers = f->log.count;
    for (const rj__command *command = f->commands; command; command = command->next)
        f->subscribers += command->kind == RJ__ADD;
    if (f->record_count - f->subscribers > 2 * MAX_ENDED)
        forget_ended(f, count_ended(f), MAX_ENDED);
    signal_watches(f);
    uv_mutex_unlock(&f->lock);
}

/* After whatever each turn of the loop has brought. */
static void
on_check(uv_check_t *check)
{
    take_in(check->data);
    settle(check->data);
}

static void
on_timer(uv_timer_t *timer)
{
    rj_fanout *f = timer->data;
    if (!rj__log_check_time(f) && f->options.max_ms < 0)
        uv_timer_stop(timer);
    settle(f);
}

void
rj__fanout_mind_time(rj_fanout *f)
{
    if (!uv_is_active((uv_handle_t *)&f->timer))
        uv_timer_start(&f->timer, on_timer, FASTEST_LOOK_MS, REMOVED_LOOK_MS);
}

static void
on_wakeup(uv_async_t *wakeup)
{
    (void)wakeup; /* the check that follows does it all */
}

static void
run(void *ctx)
{
    rj_fanout *f = ctx;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
}

/* ---- life */

static int
options_are_valid(const rj_fanout_options *options)
{
    return options->chunk_size <= RJ_CHUNK_MAX && options->max_bytes > 0 && options->max_ms != 0 &&
           options->slow >= RJ_SLOW_WAIT && options->slow <= RJ_SLOW_DROP && options->framing >= RJ_FRAMING_NONE &&
           options->framing < RJ__FRAMING_COUNT && rj__framings[options->framing].flags & RJ__FRAMING_JOINS;
}

static size_t
usable_chunk_size(size_t wanted)
{
    return wanted == 0 ? RJ_CHUNK_DEFAULT : wanted < RJ_CHUNK_MIN ? RJ_CHUNK_MIN : wanted;
}

static void
start_timer(rj_fanout *f)
{
    if (f->options.max_ms < 0)
        return;
    uint64_t look = (uint64_t)f->options.max_ms / 4;
    look = look < FASTEST_LOOK_MS ? FASTEST_LOOK_MS : look > SLOWEST_LOOK_MS ? SLOWEST_LOOK_MS : look;
    uv_timer_start(&f->timer, on_timer, look, look);
}

/* 0 or a UV_ code. */
static int
init_loop(rj_fanout *f)
{
    int rc = uv_loop_init(&f->loop);
    if (rc < 0)
        return rc;
    rc = uv_async_init(&f->loop, &f->wakeup, on_wakeup);
    if (rc < 0) {
        uv_loop_close(&f->loop);
        return rc;
    }
    uv_check_init(&f->loop, &f->check);
    uv_check_start(&f->check, on_check);
    uv_timer_init(&f->loop, &f->timer);
    f->check.data = f->timer.data = f;
    start_timer(f);
    return 0;
}

static void
free_memory(rj_fanout *f)
{
    free(f->finish_command);
    for (rj__record *record = f->records; record;) {
        rj__record *next = record->next;
        free(record);
        record = next;
    }
    for (rj__watch *watch = f->watches; watch;) {
        rj__watch *next = watch->next;
        wake(watch);
        free_watch(watch);
        watch = next;
    }
    rj__log_deinit(f);
    rj__fanout_sink_deinit(f);
    free(f);
}

/* The loop, the lock and the thread. RJ_OK, or RJ_EIO with errno and nothing left behind. */
static int
start(rj_fanout *f)
{
    int rc = init_loop(f);
    if (rc < 0) {
        errno = -rc;
        return RJ_EIO;
    }
    uv_mutex_init(&f->lock);
    rc = uv_thread_create(&f->thread, run, f);
    if (rc == 0)
        return RJ_OK;
    close_handles(f);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    uv_loop_close(&f->loop);
    uv_mutex_destroy(&f->lock);
    errno = -rc;
    return RJ_EIO;
}

static rj__command *
command_new(int kind)
{
    rj__command *command = calloc(1, sizeof *command);
    if (command)
        command->kind = kind;
    return command;
}

int
rj_fanout_new(rj_fanout **out, const rj_fanout_options *options)
{
    if (!options_are_valid(options))
        return RJ_EINVAL;
    rj_fanout *f = calloc(1, sizeof *f);
    if (!f)
        return RJ_ENOMEM;
    f->options = *options;
    f->pid = rj__process_id();
    f->options.chunk_size = usable_chunk_size(options->chunk_size);
    f->inbox_end = &f->inbox;
    f->commands_end = &f->commands;
    f->records_end = &f->records;
    f->is_drained = 1;
    rj__fanout_sink_init(f);
    int rc = rj__log_init(f);
    f->stop_command = command_new(RJ__STOP);
    f->finish_command = command_new(RJ__FINISH);
    if (rc == RJ_OK)
        rc = f->stop_command && f->finish_command ? start(f) : RJ_ENOMEM;
    if (rc < 0) {
        int saved = errno;
        free(f->stop_command);
        free_memory(f);
        errno = saved;
        return rc;
    }
    *out = f;
    return RJ_OK;
}

/* What it asks for was going on when the thread was stopped: it is too late for it. */
static void
discard_command(rj__command *command)
{
    if (command->kind == RJ__ADD) {
        rj__record *record = command->subscriber->record;
        atomic_store(&record->sys_errno, ECANCELED);
        atomic_store(&record->state, RJ_SUBSCRIBER_FAILED);
        rj__subscriber_discard(command->subscriber);
    }
    free(command);
}

static void
send_command_locked(rj_fanout *f, rj__command *command)
{
    command->next = NULL;
    command->offset = f->published;
    *f->commands_end = command;
    f->commands_end = &command->next;
    f->is_drained = 0;
    f->subscribers += command->kind == RJ__ADD;
    f->is_finished |= command->kind == RJ__FINISH;
    uv_async_send(&f->wakeup);
}

/* `command`: consumed. */
static void
send_command(rj_fanout *f, rj__command *command)
{
    uv_mutex_lock(&f->lock);
    if (f->is_stopped)
        discard_command(command);
    else
        send_command_locked(f, command);
    uv_mutex_unlock(&f->lock);
}

void
rj_fanout_abort(rj_fanout *f)
{
    uv_mutex_lock(&f->lock);
    rj__command *stop = f->stop_command;
    f->stop_command = NULL;
    if (stop) {
        send_command_locked(f, stop);
        f->is_stopped = f->is_finished = 1;
        signal_watches(f);
    }
    uv_mutex_unlock(&f->lock);
    if (stop)
        uv_thread_join(&f->thread);
}

void
rj_fanout_free(rj_fanout *f)
{
    if (!f)
        return;
    rj_fanout_abort(f);
    uv_loop_close(&f->loop);
    uv_mutex_destroy(&f->lock);
    free_memory(f);
}

/* ---- subscribers */

/* A subscriber on a copy of `fd`, with its record. RJ_OK, RJ_ENOMEM, or RJ_EIO with errno. */
static int
subscriber_new(rj__subscriber **out, int fd)
{
    static const rj_fd_options options = {.pause = 1, .timeout_ms = -1};
    uv_handle_type type = uv_guess_handle(fd);
    int nonblocking = rj__fd_is_nonblocking(fd);
    if (nonblocking < 0)
        return RJ_EIO;
    if (type != UV_TCP && type != UV_NAMED_PIPE && type != UV_TTY) {
        errno = ENOTSOCK;
        return RJ_EIO;
    }
    rj__subscriber *s = calloc(1, sizeof *s);
    rj__record *record = calloc(1, sizeof *record);
    int copy = s && record ? rj__fd_duplicate(fd) : -1;
    if (copy < 0 || rj__fd_io_init(&s->io, copy, &options) < 0) {
        int rc = s && record ? RJ_EIO : RJ_ENOMEM, saved = errno;
        if (copy >= 0)
            close(copy);
        free(s);
        free(record);
        errno = saved;
        return rc;
    }
    int on = 1; /* a message is not to wait for the acknowledgement of the last one */
    setsockopt(copy, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->was_nonblocking = nonblocking;
    s->record = record;
    *out = s;
    return RJ_OK;
}

int
rj_fanout_add(rj_fanout *f, int fd, uint64_t *id)
{
    rj__subscriber *s;
    int rc = subscriber_new(&s, fd);
    if (rc < 0)
        return rc;
    rj__command *command = command_new(RJ__ADD);
    uv_mutex_lock(&f->lock);
    rc = !command ? RJ_ENOMEM : f->is_finished ? RJ_ESTATE : RJ_OK;
    if (rc == RJ_OK) {
        command->subscriber = s;
        *id = s->record->id = ++f->last_id;
        *f->records_end = s->record;
        f->records_end = &s->record->next;
        f->record_count++;
    }
    uv_mutex_unlock(&f->lock);
    if (rc < 0) {
        free(s->record);
        rj__subscriber_discard(s);
        free(command);
        return rc;
    }
    send_command(f, command);
    return RJ_OK;
}

static int
is_known(rj_fanout *f, uint64_t id)
{
    uv_mutex_lock(&f->lock);
    const rj__record *record = f->records;
    while (record && record->id != id)
        record = record->next;
    uv_mutex_unlock(&f->lock);
    return record != NULL;
}

int
rj_fanout_remove(rj_fanout *f, uint64_t id)
{
    if (!is_known(f, id))
        return RJ_EINVAL;
    rj__command *command = command_new(RJ__REMOVE);
    if (!command)
        return RJ_ENOMEM;
    command->id = id;
    send_command(f, command);
    return RJ_OK;
}

void
rj_fanout_finish(rj_fanout *f)
{
    if (f->finish_command)
        send_command(f, f->finish_command);
    f->finish_command = NULL;
}

size_t
rj_fanout_count(rj_fanout *f)
{
    uv_mutex_lock(&f->lock);
    size_t count = f->subscribers;
    uv_mutex_unlock(&f->lock);
    return count;
}

static void
fill_report(const rj_fanout *f, const rj__record *record, rj_subscriber_report *report)
{
    int state = atomic_load_explicit(&record->state, memory_order_acquire);
    uint64_t at = atomic_load_explicit(&record->at, memory_order_relaxed);
    *report = (rj_subscriber_report){
        .id = record->id,
        .messages = atomic_load_explicit(&record->messages, memory_order_relaxed),
        .bytes = atomic_load_explicit(&record->bytes, memory_order_relaxed),
        .skipped = atomic_load_explicit(&record->skipped, memory_order_relaxed),
        .behind = state == RJ_SUBSCRIBER_OPEN && at < f->published ? f->published - at : 0,
        .state = state,
        .sys_errno = atomic_load_explicit(&record->sys_errno, memory_order_relaxed),
    };
}

void
rj_fanout_report(rj_fanout *f, void (*each)(void *ctx, const rj_subscriber_report *report), void *ctx)
{
    uv_mutex_lock(&f->lock);
    size_t ended = 0;
    for (rj__record *record = f->records; record; record = record->next) {
        rj_subscriber_report report;
        fill_report(f, record, &report);
        ended += report.state != RJ_SUBSCRIBER_OPEN;
        each(ctx, &report);
    }
    forget_ended(f, ended, 0);
    uv_mutex_unlock(&f->lock);
}

/* ---- waiting */

int
rj_fanout_watch(rj_fanout *f, int event)
{
    rj__watch *watch = malloc(sizeof *watch);
    int ends[2];
    if (!watch || rj__fd_wakeup(ends) < 0) {
        free(watch);
        return -1;
    }
    *watch = (rj__watch){.event = event, .fd = ends[0], .waker = ends[1]};
    uv_mutex_lock(&f->lock);
    watch->next = f->watches;
    f->watches = watch;
    signal_watches(f);
    uv_mutex_unlock(&f->lock);
    return ends[0];
}

void
rj_fanout_unwatch(rj_fanout *f, int descriptor)
{
    if (rj__fanout_is_foreign(f)) {
        close(descriptor);
        return;
    }
    uv_mutex_lock(&f->lock);
    rj__watch **link = &f->watches;
    while ((*link)->fd != descriptor)
        link = &(*link)->next;
    rj__watch *watch = *link;
    *link = watch->next;
    uv_mutex_unlock(&f->lock);
    close(descriptor);
    free_watch(watch);
}

static int
is_stopped(rj_fanout *f)
{
    uv_mutex_lock(&f->lock);
    int stopped = f->is_stopped;
    uv_mutex_unlock(&f->lock);
    return stopped;
}

int
rj_fanout_wait(rj_fanout *f, int event, int64_t timeout_ms, const rj_wait_hooks *hooks)
{
    static const rj_wait_hooks none = {NULL, NULL, NULL};
    uint64_t deadline = rj__deadline_ns(timeout_ms), value;
    if (rj__fanout_is_foreign(f))
        return RJ_EPROCESS;
    int fd = rj_fanout_watch(f, event);
    if (fd < 0)
        return RJ_EIO;
    int rc = RJ_OK;
    while (rc == RJ_OK && read(fd, &value, sizeof value) < 0) {
        rc = rj__fd_wait(fd, POLLIN, deadline, hooks ? hooks : &none);
        if (rc == RJ_OK && rj__fanout_is_foreign(f)) /* a signal's handler, which the hooks run, has forked */
            rc = RJ_EPROCESS;
    }
    if (rc == RJ_OK && is_stopped(f))
        rc = RJ_EABORTED;
    rj_fanout_unwatch(f, fd);
    return rc;
}
