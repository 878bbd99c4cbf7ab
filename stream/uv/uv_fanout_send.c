/* See uv_fanout.h. The fan-out's own thread: who gets what next, sending it, and what is done about the slow. */
#define _GNU_SOURCE /* for uv.h */
#include "uv/uv_fanout.h"

#include "sinks/http_chunk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Parts and bytes per system call; bytes per subscriber and turn. */
#define PARTS_AT_ONCE 64
#define BYTES_AT_ONCE ((size_t)256 << 10)
#define BYTES_PER_TURN ((size_t)1 << 20)
/* So long a subscriber that is removed may hold up the producer without accepting anything. */
#define REMOVED_MS 1000

/* ---- rings */

static void
ring_init(rj__link *ring)
{
    ring->previous = ring->next = ring;
}

static int
ring_is_empty(const rj__link *ring)
{
    return ring->next == ring;
}

static void
ring_remove(rj__link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    ring_init(link);
}

static void
ring_append(rj__link *ring, rj__link *link)
{
    link->previous = ring->previous;
    link->next = ring;
    ring->previous->next = link;
    ring->previous = link;
}

/* Moves all of `from` behind `to`. */
static void
ring_move_all(rj__link *from, rj__link *to)
{
    while (!ring_is_empty(from)) {
        rj__link *link = from->next;
        ring_remove(link);
        ring_append(to, link);
    }
}

#define SUBSCRIBER_AT(link, member) ((rj__subscriber *)((char *)(link)-offsetof(rj__subscriber, member)))

/* ---- the log */

static void
unref_part(rj__part *part)
{
    if (--part->refs == 0)
        free(part);
}

static void
drop_head(rj__log *log)
{
    rj__part *part = log->head;
    log->head = part->next;
    if (part == log->newest)
        log->newest = NULL;
    if (!log->head)
        log->tail = NULL;
    unref_part(part);
}

/* Frees what nobody needs. The newest message is kept for those that are still in the middle of an old one. */
static void
trim(rj__log *log)
{
    while (log->head && ring_is_empty(&log->head->waiting) && (log->head != log->newest || ring_is_empty(&log->detached)))
        drop_head(log);
}

static uint64_t
kept_bytes(const rj__log *log)
{
    return log->head ? log->end - log->head->offset : 0;
}

static rj__part *
new_end_part(const rj_fanout *f)
{
    size_t length = f->options.http_chunked ? sizeof RJ__HTTP_LAST_CHUNK - 1 : 0;
    rj__part *part = rj__part_new(RJ__PART_END, length);
    if (!part)
        return NULL;
    memcpy(part->bytes, RJ__HTTP_LAST_CHUNK, length);
    part->length = length;
    part->is_first = part->is_last = 1;
    ring_init(&part->waiting);
    return part;
}

int
rj__log_init(rj_fanout *f)
{
    rj__log *log = &f->log;
    ring_init(&log->all);
    ring_init(&log->idle);
    ring_init(&log->joining);
    ring_init(&log->detached);
    log->end_part = new_end_part(f);
    return log->end_part ? RJ_OK : RJ_ENOMEM;
}

/* ---- the end of a subscriber */

static void
on_poll_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Lets go of the parts that a detached subscriber holds. */
static void
drop_detached_parts(rj__subscriber *s)
{
    rj__part *part = s->part;
    while (s->is_detached && part) {
        rj__part *next = part->is_last ? NULL : part->next;
        unref_part(part);
        part = next;
    }
    s->is_detached = 0;
}

static int
is_in_message(const rj__subscriber *s)
{
    return s->part && s->part->kind != RJ__PART_END && (s->sent > 0 || !s->part->is_first);
}

/* For idle ones in the middle of a message, whose next part is not there yet. */
static int
waits_in_message(const rj_fanout *f, const rj__subscriber *s)
{
    return !s->part && !s->is_joining && f->log.is_open;
}

static void
end(rj__subscriber *s, rj_subscriber_state state, int sys_errno)
{
    rj_fanout *f = s->fanout;
    int is_cut = is_in_message(s) || waits_in_message(f, s);
    drop_detached_parts(s);
    ring_remove(&s->place);
    ring_remove(&s->all);
    f->log.count--;
    if (state == RJ_SUBSCRIBER_DROPPED || is_cut)
        rj__fd_reset_connection(s->io.fd);
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    if (!s->was_nonblocking)
        rj__fd_set_nonblocking(s->io.fd, 0);
    rj__fd_close(s->io.fd);
    atomic_store_explicit(&s->record->sys_errno, sys_errno, memory_order_relaxed);
    atomic_store_explicit(&s->record->state, (int)state, memory_order_release);
}

void
rj__subscriber_discard(rj__subscriber *s)
{
    rj__fd_close(s->io.fd);
    free(s);
}

/* ---- where a subscriber is */

static void on_poll(uv_poll_t *poll, int status, int events);

static void
ask(rj__subscriber *s)
{
    int events = (s->is_blocked ? UV_WRITABLE : 0) | (s->is_leaving ? 0 : UV_DISCONNECT);
    if (events == s->events)
        return;
    s->events = events;
    if (events)
        uv_poll_start(&s->poll, events, on_poll);
    else
        uv_poll_stop(&s->poll);
}

static void
move_to(rj__subscriber *s, rj__link *ring, rj__part *part)
{
    ring_remove(&s->place);
    ring_append(ring, &s->place);
    s->part = part;
    s->sent = 0;
}

static void
move_to_part(rj__subscriber *s, rj__part *part)
{
    rj__log *log = &s->fanout->log;
    s->is_joining = 0;
    move_to(s, part ? &part->waiting : &log->idle, part);
}

/* To the beginning of the next message. */
static void
move_to_joining(rj__subscriber *s)
{
    move_to(s, &s->fanout->log.joining, NULL);
    s->is_joining = 1;
}

static void
set_at(rj__subscriber *s, uint64_t at)
{
    atomic_store_explicit(&s->record->at, at, memory_order_relaxed);
}

static uint64_t
at(const rj__subscriber *s)
{
    return atomic_load_explicit(&s->record->at, memory_order_relaxed);
}

static void
count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* To the newest message, past all between `message` (which it has got, or begins to miss at) and that. */
static void
catch_up(rj__subscriber *s, uint64_t message)
{
    rj__log *log = &s->fanout->log;
    rj__part *newest = log->newest;
    if (newest && newest->message > message) {
        count(&s->record->skipped, newest->message - message - 1);
        set_at(s, newest->offset);
        move_to_part(s, newest);
        return;
    }
    count(&s->record->skipped, log->last_message - message);
    set_at(s, log->end);
    if (log->is_open)
        move_to_joining(s);
    else
        move_to_part(s, NULL);
}

/* Whether it is between messages, and has got all that it is to get. */
static int
is_complete(const rj__subscriber *s)
{
    if (s->part && s->part->kind == RJ__PART_END)
        return 0;
    if (is_in_message(s) || waits_in_message(s->fanout, s))
        return 0;
    if (s->is_removed && at(s) >= s->removed_at)
        return 1;
    return !s->part && (s->is_leaving || s->fanout->log.is_finished);
}

/* Past the part that it has got all of. 0 if that was its last. */
static int
move_on(rj__subscriber *s)
{
    rj__part *part = s->part;
    if (part->kind == RJ__PART_END) {
        end(s, s->is_leaving && !s->is_removed ? RJ_SUBSCRIBER_LEFT : RJ_SUBSCRIBER_REMOVED, 0);
        return 0;
    }
    if (part->is_last && part->kind == RJ__PART_DATA)
        count(&s->record->messages, 1);
    if (!s->is_detached) {
        move_to_part(s, part->next);
    }
    else if (part->is_last) {
        s->is_detached = 0;
        catch_up(s, part->message);
        unref_part(part);
    }
    else {
        move_to(s, &s->fanout->log.detached, part->next);
        unref_part(part);
    }
    return 1;
}

/* ---- sending */

static int
collect(const rj__subscriber *s, struct iovec *parts, size_t *total)
{
    int n = 0;
    size_t skip = s->sent;
    *total = 0;
    for (rj__part *part = s->part; part && n < PARTS_AT_ONCE && *total < BYTES_AT_ONCE; part = part->next) {
        if (part != s->part && (part->kind == RJ__PART_END || (s->is_removed && part->offset >= s->removed_at)))
            break;
        parts[n++] = (struct iovec){part->bytes + part->start + skip, part->length - skip};
        *total += part->length - skip;
        skip = 0;
        if (s->is_detached && part->is_last)
            break;
    }
    return n;
}

static void
end_when_complete(rj__subscriber *s)
{
    if (is_complete(s))
        move_to_part(s, s->fanout->log.end_part);
}

/* Counts what left. 0 if the subscriber has ended with it. */
static int
advance(rj__subscriber *s, size_t n)
{
    count(&s->record->bytes, n);
    if (!s->is_detached && s->part->kind != RJ__PART_END)
        set_at(s, at(s) + n);
    s->progress_ns = rj__monotonic_ns();
    while (s->part && n >= s->part->length - s->sent) {
        n -= s->part->length - s->sent;
        if (!move_on(s))
            return 0;
        end_when_complete(s);
    }
    s->sent += n;
    return 1;
}

/* Sends what the subscriber's descriptor takes. */
static void
send_some(rj__subscriber *s)
{
    struct iovec parts[PARTS_AT_ONCE];
    size_t total, sent = 0;
    s->is_blocked = 0;
    end_when_complete(s);
    while (s->part && !s->is_blocked) {
        int stop, n_parts = collect(s, parts, &total);
        ssize_t n = total ? rj__fd_io_write(&s->io, parts, n_parts, &stop) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            end(s, RJ_SUBSCRIBER_FAILED, errno);
            return;
        }
        if (n >= 0 && !advance(s, (size_t)n))
            return;
        sent += n > 0 ? (size_t)n : 0;
        s->is_blocked = n < 0 || (size_t)n < total || sent >= BYTES_PER_TURN;
    }
    ask(s);
}

static int
socket_error(const rj__subscriber *s)
{
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(s->io.fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error ? error : EPIPE;
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
    rj__subscriber *s = poll->data;
    if (status < 0) {
        end(s, RJ_SUBSCRIBER_FAILED, socket_error(s));
        return;
    }
    if (events & UV_DISCONNECT)
        s->is_leaving = 1;
    send_some(s);
}

/* ---- what is new */

/* Calls `visit`, which may end the subscriber, for each. */
static void
for_each(rj_fanout *f, void (*visit)(rj__subscriber *s))
{
    rj__link *next;
    for (rj__link *link = f->log.all.next; link != &f->log.all; link = next) {
        next = link->next;
        visit(SUBSCRIBER_AT(link, all));
    }
}

/* The newest message was given up: who has got some of it is reset, now, because more of it is of no use to anybody. */
static void
leave_message(rj__subscriber *s)
{
    const rj__log *log = &s->fanout->log;
    if (waits_in_message(s->fanout, s)) {
        end(s, RJ_SUBSCRIBER_FAILED, ECANCELED);
        return;
    }
    if (!s->part || s->part->kind != RJ__PART_DATA || s->part->message != log->last_message)
        return;
    if (is_in_message(s)) {
        end(s, RJ_SUBSCRIBER_FAILED, ECANCELED);
        return;
    }
    set_at(s, log->end);
    move_to_part(s, NULL);
}

/* Takes the parts of the newest message, which nobody is at any more, off the log. */
static void
cut_newest(rj__log *log)
{
    rj__part **link = &log->head;
    log->tail = NULL;
    while (*link && ((*link)->message != log->last_message || (*link)->kind != RJ__PART_DATA)) {
        log->tail = *link;
        link = &(*link)->next;
    }
    rj__part *part = *link;
    *link = NULL;
    while (part) {
        rj__part *next = part->next;
        unref_part(part);
        part = next;
    }
    log->newest = NULL;
}

static void
give_up_message(rj_fanout *f)
{
    for_each(f, leave_message);
    cut_newest(&f->log);
    f->log.is_open = 0;
}

void
rj__log_append(rj_fanout *f, rj__part *parts)
{
    rj__log *log = &f->log;
    rj__link woken;
    uint64_t now = rj__monotonic_ns();
    ring_init(&woken);
    while (parts) {
        rj__part *part = parts;
        parts = part->next;
        part->next = NULL;
        if (part->kind == RJ__PART_BROKEN) {
            unref_part(part);
            give_up_message(f);
            continue;
        }
        part->message = log->last_message += part->is_first && part->kind == RJ__PART_DATA;
        part->offset = log->end;
        log->end += part->length;
        ring_init(&part->waiting);
        if (log->tail)
            log->tail->next = part;
        else
            log->head = part;
        log->tail = part;
        if (part->is_first && part->kind == RJ__PART_DATA)
            log->newest = part;
        log->is_open = !part->is_last;
        ring_move_all(&log->idle, &part->waiting);
        if (part->is_first)
            ring_move_all(&log->joining, &part->waiting);
        for (rj__link *link = part->waiting.next; link != &part->waiting; link = link->next) {
            rj__subscriber *s = SUBSCRIBER_AT(link, place);
            s->part = part;
            s->is_joining = 0;
            s->progress_ns = now;
            set_at(s, part->offset);
        }
        ring_move_all(&part->waiting, &woken);
    }
    /* All parts are linked by now: one system call sends several. */
    while (!ring_is_empty(&woken)) {
        rj__subscriber *s = SUBSCRIBER_AT(woken.next, place);
        ring_remove(&s->place);
        ring_append(&s->part->waiting, &s->place);
        send_some(s);
    }
}

void
rj__log_add(rj_fanout *f, rj__subscriber *s)
{
    rj__log *log = &f->log;
    s->fanout = f;
    s->poll.data = s;
    int rc = uv_poll_init(&f->loop, &s->poll, s->io.fd);
    if (rc < 0) {
        atomic_store(&s->record->sys_errno, -rc);
        atomic_store(&s->record->state, RJ_SUBSCRIBER_FAILED);
        rj__subscriber_discard(s);
        return;
    }
    if (!s->was_nonblocking) /* libuv has just changed it; what is sent here does not need it */
        rj__fd_set_nonblocking(s->io.fd, 0);
    ring_init(&s->place);
    ring_append(&log->all, &s->all);
    log->count++;
    set_at(s, log->end);
    s->progress_ns = rj__monotonic_ns();
    if (log->is_open)
        move_to_joining(s);
    else
        move_to_part(s, NULL);
    send_some(s);
}

void
rj__log_remove(rj_fanout *f, uint64_t id, uint64_t offset)
{
    for (rj__link *link = f->log.all.next; link != &f->log.all; link = link->next) {
        rj__subscriber *s = SUBSCRIBER_AT(link, all);
        if (s->record->id != id)
            continue;
        s->is_removed = 1;
        s->removed_at = offset;
        rj__fanout_mind_time(f);
        if (!s->is_blocked)
            send_some(s);
        return;
    }
}

static void
send_if_free(rj__subscriber *s)
{
    if (!s->is_blocked)
        send_some(s);
}

void
rj__log_finish(rj_fanout *f)
{
    f->log.is_finished = 1;
    for_each(f, send_if_free);
}

static void
give_up(rj__subscriber *s)
{
    end(s, RJ_SUBSCRIBER_FAILED, ECANCELED);
}

void
rj__log_stop(rj_fanout *f)
{
    for_each(f, give_up);
    trim(&f->log);
}

void
rj__log_deinit(rj_fanout *f)
{
    while (f->log.head)
        drop_head(&f->log);
    free(f->log.end_part);
}

/* ---- the slow */

/* Has a subscriber that is in the middle of an old message hold the rest of it by itself. */
static void
detach(rj__subscriber *s)
{
    size_t sent = s->sent;
    for (rj__part *part = s->part;; part = part->next) {
        part->refs++;
        if (part->is_last)
            break;
    }
    move_to(s, &s->fanout->log.detached, s->part);
    s->sent = sent;
    s->is_detached = 1;
}

/* 0 where there is nothing to skip: it is at the newest message, or beyond. */
static int
skip(rj__subscriber *s)
{
    const rj__part *newest = s->fanout->log.newest;
    if (!s->part || s->is_detached || s->part->kind == RJ__PART_END || !newest || newest->offset <= s->part->offset)
        return 0;
    if (is_in_message(s) && s->part->message == newest->message)
        return 0;
    if (is_in_message(s)) {
        detach(s);
        return 1;
    }
    uint64_t message = s->part->kind == RJ__PART_DATA ? s->part->message - 1 : s->part->message;
    catch_up(s, message);
    return 1;
}

/* What the policy does to a subscriber that is too slow. 0: nothing, it is to be waited for. */
static int
punish(rj__subscriber *s)
{
    switch (s->fanout->options.slow) {
    case RJ_SLOW_SKIP:
        return skip(s);
    case RJ_SLOW_DROP:
        end(s, RJ_SUBSCRIBER_DROPPED, 0);
        return 1;
    default:
        return 0;
    }
}

void
rj__log_settle(rj_fanout *f)
{
    rj__log *log = &f->log;
    trim(log);
    while (kept_bytes(log) > f->options.max_bytes) {
        if (ring_is_empty(&log->head->waiting)) /* the newest message, too large to be kept for the detached */
            drop_head(log);
        /* Those at the head are the ones that are furthest behind. */
        else if (!punish(SUBSCRIBER_AT(log->head->waiting.next, place)))
            return;
        trim(log);
    }
}

/* Whether messages cannot be published because of what this one has not got yet. */
static int
holds_up(const rj__subscriber *s)
{
    const rj_fanout *f = s->fanout;
    return s->part == f->log.head && kept_bytes(&f->log) > f->options.max_bytes;
}

static void
check_time(rj__subscriber *s)
{
    rj_fanout *f = s->fanout;
    if (!s->part)
        return;
    uint64_t idle_ms = (rj__monotonic_ns() - s->progress_ns) / 1000000;
    if (s->is_removed && idle_ms >= REMOVED_MS && holds_up(s)) {
        end(s, RJ_SUBSCRIBER_DROPPED, 0);
        return;
    }
    if (f->options.max_ms < 0 || idle_ms < (uint64_t)f->options.max_ms)
        return;
    if (f->options.slow == RJ_SLOW_SKIP)
        skip(s);
    else
        end(s, RJ_SUBSCRIBER_DROPPED, 0);
}

int
rj__log_check_time(rj_fanout *f)
{
    for_each(f, check_time);
    for (const rj__link *link = f->log.all.next; link != &f->log.all; link = link->next)
        if (SUBSCRIBER_AT(link, all)->is_removed)
            return 1;
    return 0;
}

int
rj__log_is_drained(const rj_fanout *f)
{
    const rj__log *log = &f->log;
    return !log->head && ring_is_empty(&log->detached) && ring_is_empty(&log->end_part->waiting);
}
