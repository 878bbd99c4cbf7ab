/* What a long encoding owes to the rest of the program: Ctrl-C, other threads, a progress report. */
#ifndef RJSON_DUMP_PACE_H
#define RJSON_DUMP_PACE_H

#include "encode/encoder.h"

typedef struct rjpy_pace {
    PyObject *progress;       /* callable, or NULL; borrowed */
    PyObject *still_open;     /* callable that gives the target's fd or raises, or NULL; borrowed */
    int fd;                   /* what still_open must give */
    uint64_t interval_ns;     /* the switch interval */
    uint64_t last_release_ns; /* when other threads last had the chance to run; 0: not looked yet */
    PyThreadState *saved;     /* while the GIL is released */
    int is_unlocked;          /* it is released for longer: the hooks take it now and then only, to look after the rest */
    uint64_t looked_ns;       /* when they did that last */
    const uint64_t *position; /* what `progress` is told then, or NULL */
} rjpy_pace;

/* From one to the other the caller works without the GIL (and with no object), in sinks whose hooks are those of `pace`. */
void rjpy_pace_unlock(rjpy_pace *pace);
void rjpy_pace_lock(rjpy_pace *pace);

/* Hooks for waits in stream/, `ctx` being a rjpy_pace: they release the GIL, take it again, handle signals, and make
 * sure that the target has not been closed meanwhile. */
rj_wait_hooks rjpy_pace_hooks(rjpy_pace *pace);
/* Makes sure that the target still has the descriptor that is written to: the document's own code may have closed
 * it, and the number may be another file's by now. -1 with an exception. */
int rjpy_pace_check_open(const rjpy_pace *pace);
/* For every window of an encoder that writes to a target. -1 with an exception. */
int rjpy_pace_on_window(rjpy_encoder *e, rjpy_pace *pace);
/* For every window of an encoder that writes to memory: signals only, so that `dumps` stays atomic. */
int rjpy_pace_signals(rjpy_encoder *e);
/* For a thread that works beside an event loop, often: releases the GIL once in a millisecond, for long enough that
 * whoever waits for it gets it; waiting for the switch interval would hold the loop for 5. `given_ns`: when it last did. */
void rjpy_pace_give_turn(uint64_t *given_ns);
/* Calls `progress` with the number of bytes that are out. -1 with its exception. */
int rjpy_pace_report(const rjpy_pace *pace, uint64_t bytes);

#endif
