/* See sigpipe.h. _GNU_SOURCE for sigtimedwait. */
#define _GNU_SOURCE
#include "sinks/sigpipe.h"

#include "platform.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>

int
rj__sigpipe_is_ignored(void)
{
    struct sigaction action;
    return sigaction(SIGPIPE, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static sigset_t
only_sigpipe(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

void
rj__sigpipe_block(rj__sigpipe *guard)
{
    sigset_t sigpipe = only_sigpipe(), pending;
    sigpending(&pending);
    guard->was_pending = sigismember(&pending, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &guard->before);
    guard->blocked = 1;
}

/* Takes a blocked SIGPIPE out of the pending set, if it is there. */
static void
take_pending(void)
{
    sigset_t sigpipe = only_sigpipe();
#if RJ__LINUX
    struct timespec now = {0, 0};
    sigtimedwait(&sigpipe, NULL, &now);
#else
    sigset_t pending;
    int signal;
    sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) == 1)
        sigwait(&sigpipe, &signal);
#endif
}

void
rj__sigpipe_unblock(rj__sigpipe *guard)
{
    int saved = errno;
    if (!guard->was_pending)
        take_pending();
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
    guard->blocked = 0;
    errno = saved;
}
