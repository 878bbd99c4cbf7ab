/* Keeping SIGPIPE from the process around writes that may raise it, so that a closed peer is an error. */
#ifndef RJSON_STREAM_SINKS_SIGPIPE_H
#define RJSON_STREAM_SINKS_SIGPIPE_H

#include <signal.h>

typedef struct rj__sigpipe {
    int blocked;     /* by us */
    int was_pending; /* it is somebody else's then */
    sigset_t before;
} rj__sigpipe;

int rj__sigpipe_is_ignored(void);
/* Blocks the signal in this thread. */
void rj__sigpipe_block(rj__sigpipe *guard);
/* Takes the one that was raised meanwhile, if any, out of the pending set, and puts the mask back. Keeps errno. (A pipe whose
 * reader leaves while write(2) waits in it raises one and returns what it took before: the result does not tell.) */
void rj__sigpipe_unblock(rj__sigpipe *guard);

#endif
