/*
 * The inside of a fan-out. Three files: uv_fanout_sink.c writes messages on the producer's thread; uv_fanout_send.c
 * sends them on the fan-out's own; uv_fanout.c is what joins the two, under one lock.
 *
 *     producer ──part──▶ inbox ──▶ log: part ▶ part ▶ part            (the lock is held for the inbox only)
 *                                       ▲      ▲
 *                             subscriber│      └subscriber, ...       those that have got everything are in `idle`
 *
 * A part is freed when no subscriber is at it or before it. Who is skipped in the middle of a message leaves the
 * log, and holds the rest of that message by references of its own ("detached").
 */
#ifndef RJSON_STREAM_UV_UV_FANOUT_H
#define RJSON_STREAM_UV_UV_FANOUT_H

#include "rjson/uv.h"

#include "sinks/fd_io.h"

#include <stdatomic.h>

/* A ring with a head that is no member. */
typedef struct rj__link {
    struct rj__link *previous, *next;
} rj__link;

/* ---- messages */

typedef enum rj__part_kind {
    RJ__PART_DATA,
    RJ__PART_RAW,    /* not a message */
    RJ__PART_BROKEN, /* no part, but the news that the newest message was given up */
    RJ__PART_END     /* the subscriber has got everything that it is to get */
} rj__part_kind;

/* A piece of a message, shared by all that are to get it. Immutable once it is in the inbox, but for the places of
 * subscribers. */
typedef struct rj__part {
    struct rj__part *next;
    rj__link waiting; /* subscribers that get this part next */
    unsigned refs;    /* the log's, and those of detached subscribers */
    rj__part_kind kind;
    int is_first, is_last;
    uint64_t message; /* its number, from 1 on */
    uint64_t offset;  /* where it begins in all that was ever published */
    size_t start;     /* of what is sent, in `bytes` */
    size_t length;
    size_t capacity;
    uint8_t bytes[];
} rj__part;

rj__part *rj__part_new(rj__part_kind kind, size_t capacity);

/* ---- subscribers */

/* What is told about a subscriber; outlives it, until it is reported. The numbers are written by the fan-out's
 * thread alone. */
typedef struct rj__record {
    struct rj__record *next;
    uint64_t id;
    _Atomic uint64_t messages, bytes, skipped;
    _Atomic uint64_t at; /* in all that was ever published */
    _Atomic int state, sys_errno;
} rj__record;

typedef struct rj__subscriber {
    rj__link place; /* in a part's `waiting`, or one of the fan-out's rings */
    rj__link all;
    uv_poll_t poll;
    struct rj_fanout *fanout;
    rj__record *record; /* owned by the fan-out's table */
    rj__fd_io io;
    int was_nonblocking;
    rj__part *part; /* that it gets next; NULL: none */
    size_t sent;    /* of it */
    int is_blocked;
    int is_detached;
    int is_joining; /* waits for the beginning of a message */
    int is_leaving; /* its peer will send nothing more, and may have gone */
    int is_removed; /* it ends at `removed_at` */
    uint64_t removed_at;
    int events; /* that are asked of libuv now */
    uint64_t progress_ns;
} rj__subscriber;

/* What other threads ask for. */
typedef struct rj__command {
    struct rj__command *next;
    enum { RJ__ADD, RJ__REMOVE, RJ__FINISH, RJ__STOP } kind;
    uint64_t id;
    uint64_t offset; /* for REMOVE: what had been published by then */
    rj__subscriber *subscriber;
} rj__command;

/* Somebody who waits for an event. */
typedef struct rj__watch {
    struct rj__watch *next;
    int event;
    int fd;    /* what is waited for */
    int waker; /* what is written to; may be the same, see rj__fd_wakeup */
    int is_signalled;
} rj__watch;

/* ---- the fan-out */

typedef struct rj__fanout_sink {
    rj_sink base;
    rj__part *filling; /* kept between messages */
    rj__part *broken;  /* the news of a message that is given up */
    int is_open;       /* a message has begun */
    int is_first;      /* and nothing of it is in the inbox */
    size_t content;    /* where its data begins in `filling` */
    int last_byte;     /* of the message so far */
    size_t head_length;
    char head[RJ_FANOUT_HEAD_MAX + 1];
} rj__fanout_sink;

/* What belongs to the fan-out's thread. */
typedef struct rj__log {
    rj__part *head, *tail;
    rj__part *newest; /* the first part of the newest message, while it is in the log */
    uint64_t last_message;
    int is_open; /* the last part is not its message's last */
    uint64_t end;
    rj__link all, idle, joining, detached;
    size_t count;
    int is_finished;
    rj__part *end_part; /* where subscribers are that are to end */
} rj__log;

struct rj_fanout {
    rj_fanout_options options;
    int pid; /* of the process that made it */
    rj__fanout_sink sink;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_async_t wakeup;
    uv_check_t check;
    uv_timer_t timer;
    rj__log log;
    /* Under the lock: */
    uv_mutex_t lock;
    rj__part *inbox, **inbox_end;
    rj__command *commands, **commands_end;
    uint64_t published; /* bytes, ever */
    uint64_t kept;      /* bytes in the inbox and the log */
    size_t subscribers; /* that have been added and have not left */
    int is_drained;     /* nothing has come in since everything had been sent */
    int is_finished;
    int is_stopped; /* the thread takes nothing more */
    uint64_t last_id;
    rj__record *records, **records_end;
    size_t record_count;
    rj__command *stop_command, *finish_command; /* made beforehand, because these must work without memory */
    rj__watch *watches;
};

/* uv_fanout.c, for the other two. Any thread. */
/* Puts a complete part (consumed) in the inbox. RJ_OK, RJ_EABORTED. */
int rj__fanout_publish(rj_fanout *f, rj__part *part);
/* Whether a part may be begun: RJ_OK, RJ_PAUSE, RJ_ESTATE, RJ_EABORTED. */
int rj__fanout_check(rj_fanout *f);
/* Whether this is a child of the process that made it. The lock may be held there for ever, by a thread that is not
 * there. */
int rj__fanout_is_foreign(const rj_fanout *f);
/* Has rj__log_check_time called from time to time. On the fan-out's thread. */
void rj__fanout_mind_time(rj_fanout *f);

/* uv_fanout_sink.c */
void rj__fanout_sink_init(rj_fanout *f);
void rj__fanout_sink_deinit(rj_fanout *f);

/* uv_fanout_send.c; on the fan-out's thread. */
int rj__log_init(rj_fanout *f);
void rj__log_deinit(rj_fanout *f);
void rj__log_append(rj_fanout *f, rj__part *parts);
/* Consumes the subscriber. */
void rj__log_add(rj_fanout *f, rj__subscriber *s);
void rj__log_remove(rj_fanout *f, uint64_t id, uint64_t offset);
void rj__log_finish(rj_fanout *f);
void rj__log_stop(rj_fanout *f);
/* Applies the limits in bytes, and frees what nobody needs any more. */
void rj__log_settle(rj_fanout *f);
/* Applies the limit in time, and that of subscribers that are removed. Whether there are any of those. */
int rj__log_check_time(rj_fanout *f);
int rj__log_is_drained(const rj_fanout *f);
/* A subscriber that has never been in the log. */
void rj__subscriber_discard(rj__subscriber *s);

#endif
