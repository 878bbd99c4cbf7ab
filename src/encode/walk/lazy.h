/*
 * The part of the walk (walk.h) whose data the document's own code produces: iterators, async iterators and `default`. On
 * an event loop (rjpy_coop) it may pause before each call of such code, and has to where an awaitable is not ready.
 */

static uint8_t *put_by_type(rjpy_encoder *e, uint8_t *cur, PyObject *v);

/* The next item of an iterator: new, or NULL at the end, or (*stopped) with an exception. */
RJ__INLINE PyObject *
next_item(rjpy_encoder *e, PyObject *iterator, Py_ssize_t *count, int *stopped)
{
    rjpy_enter_python(e);
    ++*count;
    PyObject *item = PyIter_Next(iterator);
    *stopped = !item && PyErr_Occurred();
    if (*stopped)
        rjpy_stop_error(e);
    return item;
}

/* What an awaitable gave: new, or NULL at an async iterator's end, or where the walk stops: not yet, or with an
 * exception. */
RJ__INLINE PyObject *
take_arrival(rjpy_encoder *e, uint8_t *cur, rjpy_arrival arrival)
{
    if (arrival == RJ_ARRIVAL_FAILED)
        rjpy_stop_error(e);
    else if (arrival == RJ_ARRIVAL_PENDING)
        rjpy_pause_here(e, cur, RJ_PAUSE_SOURCE);
    PyObject *item = e->coop->arrived;
    e->coop->arrived = NULL;
    e->coop->ended = 0;
    return item;
}

/* next_item of an async iterator, which may also stop because it has no item yet. */
static RJ__NOINLINE PyObject *
next_async_item(rjpy_encoder *e, uint8_t *cur, PyObject *iterator, Py_ssize_t *count, int *stopped)
{
    rjpy_arrival arrival = RJ_ARRIVAL_READY;
    if (!rjpy_coop_has_arrival(e->coop)) {
        rjpy_enter_python(e);
        ++*count;
        arrival = rjpy_coop_next(e->coop, iterator);
    }
    *stopped = arrival != RJ_ARRIVAL_READY;
    return take_arrival(e, cur, arrival);
}

/* The items of an iterator, taken one at a time. `owner`: the iterator, or the object that it iterates over. When an async
 * one's next item arrives later, the walk comes here again to take it. */
static RJ__NOINLINE uint8_t *
walk_iterator(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *iterator, Py_ssize_t count, int is_async)
{
    int is_stopped;
    for (;;) {
        if (is_full(e, cur)) {
            cur = rjpy_next_window(e, cur, 1, 0);
            if (!cur)
                goto stopped;
        }
        if (!(is_async && rjpy_coop_has_arrival(e->coop)) && pause_before(e, cur, owner, is_async))
            goto stopped;
        PyObject *item =
            is_async ? next_async_item(e, cur, iterator, &count, &is_stopped) : next_item(e, iterator, &count, &is_stopped);
        if (is_stopped)
            goto stopped;
        if (!item)
            break;
        uint8_t *next = NULL;
        if (begin_item(e, &cur, NULL, item)) {
            next = put_scalar(e, cur, item);
            next = next ? next : put_non_scalar(e, cur, item);
        }
        Py_DECREF(item);
        cur = next;
        if (!cur)
            goto stopped;
    }
    if (e->coop)
        rjpy_coop_left(e, owner);
    rjpy_leave(e);
    return close_container(e, cur, ']');
stopped:
    rjpy_spill(e, is_async ? RJ_FRAME_ASYNC : RJ_FRAME_ITERATOR, owner, iterator, NULL, NULL, count, 0);
    rjpy_leave(e);
    return NULL;
}

static RJ__NOINLINE uint8_t *
put_iterator(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *iterator, int is_async)
{
    if (e->coop)
        rjpy_coop_entering(e, owner);
    if (!enter(e, cur, owner))
        return NULL;
    return walk_iterator(e, open_container(e, cur, '['), owner, iterator, 0, is_async);
}

/* What `default` made of v (entered); `result` is consumed, NULL if there is none (the walk has stopped). */
static RJ__NOINLINE uint8_t *
put_default_result(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject *result)
{
    uint8_t *next = NULL;
    if (result) {
        next = put_scalar(e, cur, result);
        next = next ? next : put_non_scalar(e, cur, result);
        Py_DECREF(result);
    }
    if (!next)
        rjpy_spill(e, RJ_FRAME_DEFAULT, v, NULL, NULL, NULL, 0, 0);
    rjpy_leave(e);
    return next;
}

/* The result of an awaitable (consumed) that `default` returned: new, or NULL: not yet, or with an exception. */
static RJ__NOINLINE PyObject *
await_result(rjpy_encoder *e, uint8_t *cur, PyObject *awaitable)
{
    rjpy_arrival arrival = rjpy_coop_await(e->coop, awaitable);
    Py_DECREF(awaitable);
    return take_arrival(e, cur, arrival);
}

/* Asks `default` about `v`. `iterator`: what yields its items if `default` knows nothing better (it raises
 * TypeError); or NULL. */
static RJ__NOINLINE uint8_t *
put_default_or(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject *iterator, int is_async)
{
    if (pause_before(e, cur, NULL, 0)) {
        rjpy_spill(e, RJ_FRAME_VALUE, v, NULL, NULL, NULL, 0, 0);
        return NULL;
    }
    if (!enter(e, cur, v))
        return NULL;
    PyObject *result = rjpy_call_default(e, cur, v);
    if (!result && iterator && PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        e->stop = RJ_STOP_NONE;
        rjpy_leave(e);
        return put_iterator(e, cur, v, iterator, is_async);
    }
    if (result && rjpy_coop_awaits(e->coop) && rjpy_is_awaitable(result))
        result = await_result(e, cur, result);
    return put_default_result(e, cur, v, result);
}

static RJ__NOINLINE uint8_t *
put_default(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    return put_default_or(e, cur, v, NULL, 0);
}

static uint8_t *put_planned(rjpy_encoder *e, uint8_t *cur, PyObject *v, rjpy_plan *plan);

/* What has the methods of an iterator and says of something else that it is its iterator: a cursor; or a mock or a
 * proxy, which have every method there is. Those are not what they seem, so its type and `default` go first. */
static RJ__NOINLINE uint8_t *
put_doubtful(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject *iterator, int is_async)
{
    rjpy_plan *plan = rjpy_plan_of(e, v);
    if (!plan)
        return rjpy_stop_error(e);
    if (plan->form != RJ_FORM_UNKNOWN)
        cur = put_planned(e, cur, v, plan);
    else if (e->options->default_)
        cur = put_default_or(e, cur, v, iterator, is_async);
    else
        cur = put_iterator(e, cur, v, iterator, is_async);
    Py_DECREF(plan);
    return cur;
}

static RJ__NOINLINE uint8_t *
put_with_iterator(rjpy_encoder *e, uint8_t *cur, PyObject *v, PyObject *iterator, int is_async)
{
    const int is_sure = iterator == v || (is_async && !rjpy_has_anext(v));
    cur = is_sure ? put_iterator(e, cur, v, iterator, is_async) : put_doubtful(e, cur, v, iterator, is_async);
    Py_DECREF(iterator);
    return cur;
}

/* What has `__next__`, or (where that can be awaited) an async iterator's methods; as anything else if its own
 * iter() denies it. */
static RJ__NOINLINE uint8_t *
put_source(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    if (!rjpy_coop_awaits(e->coop) && Py_TYPE(v)->tp_iter == PyObject_SelfIter)
        return put_iterator(e, cur, v, v, 0);
    PyObject *iterator;
    rjpy_enter_python(e);
    if (rjpy_coop_awaits(e->coop) && rjpy_is_async_iterable(v)) {
        iterator = rjpy_async_iterator(v);
        if (iterator)
            return put_with_iterator(e, cur, v, iterator, 1);
        if (!rjpy_has_anext(v) || !PyErr_ExceptionMatches(PyExc_TypeError))
            return rjpy_stop_error(e);
        PyErr_Clear();
    }
    if (PyIter_Check(v) && !(e->options->passthrough & RJ_GROUP_ITERATOR)) {
        iterator = Py_TYPE(v)->tp_iter ? PyObject_GetIter(v) : Py_NewRef(v);
        if (iterator)
            return put_with_iterator(e, cur, v, iterator, 0);
        if (!PyErr_ExceptionMatches(PyExc_TypeError))
            return rjpy_stop_error(e);
        PyErr_Clear();
    }
    return put_by_type(e, cur, v);
}
