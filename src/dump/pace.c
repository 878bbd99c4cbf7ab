/* See pace.h. */
#include "dump/pace.h"

#define DEFAULT_INTERVAL_NS 5000000u
/* Releasing the GIL alone would starve a thread that waits for it: it wakes up, finds it taken again, and starts its own
 * switch interval anew. Sleeping this long lets it win. */
#define NAP_US 30
#define TURN_NS 1000000u
/* So often who works without the GIL asks for it, to see to signals and progress: waiting for it may take a switch
 * interval each time. */
#define LOOK_NS 50000000u

static void
enter(void *ctx)
{
    rjpy_pace *pace = ctx;
    if (!pace->is_unlocked)
        pace->saved = PyEval_SaveThread();
}

void
rjpy_pace_unlock(rjpy_pace *pace)
{
    pace->looked_ns = rj__monotonic_ns();
    pace->saved = PyEval_SaveThread();
    pace->is_unlocked = 1;
}

void
rjpy_pace_lock(rjpy_pace *pace)
{
    pace->is_unlocked = 0;
    PyEval_RestoreThread(pace->saved);
}

/* Whether the work is to stop: an exception is set then. */
static int
look_up(rjpy_pace *pace)
{
    if (rj__monotonic_ns() - pace->looked_ns < LOOK_NS)
        return 0;
    rjpy_pace_lock(pace);
    int stop = PyErr_CheckSignals() < 0 || rjpy_pace_check_open(pace) < 0 ||
               (pace->position && rjpy_pace_report(pace, *pace->position) < 0);
    rjpy_pace_unlock(pace);
    return stop;
}

int
rjpy_pace_check_open(const rjpy_pace *pace)
{
    if (!pace->still_open)
        return 0;
    PyObject *fd = PyObject_CallNoArgs(pace->still_open);
    if (!fd)
        return -1;
    long number = PyLong_AsLong(fd);
    Py_DECREF(fd);
    if (number == pace->fd)
        return 0;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "the target was closed while it was written to");
    return -1;
}

static int
leave(void *ctx)
{
    rjpy_pace *pace = ctx;
    if (pace->is_unlocked)
        return look_up(pace);
    PyEval_RestoreThread(pace->saved);
    pace->last_release_ns = rj__monotonic_ns();
    return PyErr_CheckSignals() < 0 || rjpy_pace_check_open(pace) < 0;
}

rj_wait_hooks
rjpy_pace_hooks(rjpy_pace *pace)
{
    return (rj_wait_hooks){enter, leave, pace};
}

static int
is_alone(void)
{
    PyThreadState *self = PyThreadState_Get();
    PyInterpreterState *interpreter = PyThreadState_GetInterpreter(self);
    return PyInterpreterState_ThreadHead(interpreter) == self && !PyThreadState_Next(self);
}

/* sys.setswitchinterval's value; a failure to ask for it is no reason to fail. */
static uint64_t
switch_interval_ns(const rjpy_state *state)
{
    PyObject *seconds = PyObject_CallNoArgs(state->getswitchinterval);
    double s = seconds ? PyFloat_AsDouble(seconds) : -1;
    Py_XDECREF(seconds);
    PyErr_Clear();
    return s > 0 && s < 10 ? (uint64_t)(s * 1e9) : DEFAULT_INTERVAL_NS;
}

static int
let_others_run(rjpy_encoder *e, rjpy_pace *pace)
{
    uint64_t now = rj__monotonic_ns();
    if (pace->last_release_ns == 0) {
        pace->interval_ns = switch_interval_ns(e->state);
        pace->last_release_ns = now;
    }
    if (now - pace->last_release_ns < pace->interval_ns)
        return 0;
    pace->last_release_ns = now;
    if (is_alone())
        return 0;
    enter(pace);
    rj__nap_us(NAP_US);
    return leave(pace) ? -1 : 0;
}

void
rjpy_pace_give_turn(uint64_t *given_ns)
{
    if (rj__monotonic_ns() - *given_ns < TURN_NS)
        return;
    PyThreadState *saved = PyEval_SaveThread();
    rj__nap_us(NAP_US);
    PyEval_RestoreThread(saved);
    *given_ns = rj__monotonic_ns();
}

int
rjpy_pace_report(const rjpy_pace *pace, uint64_t bytes)
{
    if (!pace->progress)
        return 0;
    PyObject *count = PyLong_FromUnsignedLongLong(bytes);
    PyObject *result = count ? PyObject_CallOneArg(pace->progress, count) : NULL;
    Py_XDECREF(count);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

int
rjpy_pace_on_window(rjpy_encoder *e, rjpy_pace *pace)
{
    if (PyErr_CheckSignals() < 0 || let_others_run(e, pace) < 0 || rjpy_pace_report(pace, e->sink->accepted) < 0)
        return -1;
    return rjpy_pace_check_open(pace);
}

int
rjpy_pace_signals(rjpy_encoder *e)
{
    (void)e;
    return PyErr_CheckSignals();
}
