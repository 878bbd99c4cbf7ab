/* See pump.h. The sink, and documents one after the other. */
#include "dump/pump.h"
#include "cpython/exceptions.h"

#include "dump/encoder_object.h"
#include "dump/pace.h"
#include "encode/sources.h"

/* Windows are no larger, so that the clock is looked at often enough. */
#define WINDOW_MAX 65536

const rj_way rj_no_way = {-1, NULL};

static rj_pump *
pump_of(rj_sink *sink)
{
    return (rj_pump *)((char *)sink - offsetof(rj_pump, sink));
}

uint64_t
rj_pump_produced(const rj_pump *self)
{
    return self->sink.accepted + rj_framed_chunk_held(&self->out);
}

uint64_t
rj_pump_bytes_written(const rj_pump *self)
{
    return self->sink.accepted > self->document_start ? self->sink.accepted - self->document_start : 0;
}

/* ---- chunks that leave */

static void
seal(rj_pump *self, int last)
{
    if (self->out.sealed)
        return;
    self->flushed = rj_framed_chunk_seal(&self->out, last);
    self->sink.accepted += self->flushed;
}

rj_sent
rj_pump_send(rj_pump *self, const rj_way *way, int last)
{
    seal(self, last);
    if (way->outlet)
        return rj_framed_chunk_send_to(&self->out, way->outlet);
    return rj_framed_chunk_send(&self->out, way->fd) ? RJ_SENT_ALL : RJ_SENT_NOTHING;
}

int
rj_pump_flush(rj_pump *self, const rj_way *way, int last, PyObject **piece)
{
    *piece = NULL;
    last = last && self->out.http_chunked;
    if (!last && !self->out.sealed && rj_framed_chunk_held(&self->out) == 0)
        return 0;
    if (rj_framed_chunk_room(&self->out) < 0)
        return -1;
    if ((way->fd >= 0 || way->outlet) && rj_pump_send(self, way, last) != RJ_SENT_NOTHING)
        return 0;
    seal(self, last);
    *piece = rj_framed_chunk_hand_out(&self->out);
    return *piece ? 0 : -1;
}

int
rj_pump_steal(rj_pump *self, PyObject **piece)
{
    size_t held = rj_framed_chunk_held(&self->out);
    *piece = NULL;
    if (held == 0)
        return 0;
    *piece = rj_framed_chunk_steal(&self->out);
    if (!*piece)
        return -1;
    self->flushed = held;
    self->sink.accepted += held;
    return 0;
}

/* ---- the sink */

/* Whether the way may be used in the middle of a run: the document's own code may have used the transport since the driver
 * looked at it. An outlet belongs to the document. */
static int
is_open_way(const rj_pump *self)
{
    return self->way->outlet || (self->way->fd >= 0 && !self->coop.ran_python);
}

static int
pump_lend(rj_sink *sink, size_t hint, rj_window *out)
{
    rj_pump *self = pump_of(sink);
    (void)hint;
    Py_ssize_t room = rj_framed_chunk_room(&self->out);
    if (room >= 0 && room < RJ_CHUNK_MIN) {
        if (!is_open_way(self) || rj_pump_send(self, self->way, 0) == RJ_SENT_NOTHING) {
            self->coop.reason = RJ_PAUSE_FULL;
            return RJ_PAUSE;
        }
        room = rj_framed_chunk_room(&self->out);
    }
    if (room < 0)
        return RJ_ENOMEM;
    out->cur = rj_framed_chunk_end(&self->out);
    out->end = out->cur + (room < WINDOW_MAX ? room : WINDOW_MAX);
    return RJ_OK;
}

static int
pump_take(rj_sink *sink, size_t used)
{
    rj_pump *self = pump_of(sink);
    if (self->framing->flags & RJ__FRAMING_ONE_LINE)
        rj__framing_join_lines(rj_framed_chunk_end(&self->out), used);
    self->out.chunk.length += used;
    return RJ_OK;
}

static int
pump_flush_sink(rj_sink *sink)
{
    (void)sink;
    return RJ_OK;
}

static void
pump_close(rj_sink *sink)
{
    rj_bytes_chunk_clear(&pump_of(sink)->out.chunk);
}

static const rj_sink_ops pump_ops = {pump_lend, pump_take, pump_flush_sink, NULL, pump_close};

static int
on_window(rj_encoder *e)
{
    if (rj__monotonic_ns() < e->coop->deadline_ns)
        return 0;
    e->coop->reason = RJ_PAUSE_SLICE;
    return 1;
}

/* ---- life */

void
rj_pump_init(rj_pump *self, size_t chunk_size, int http_chunked)
{
    rj_framed_chunk_init(&self->out, chunk_size, http_chunked);
    self->sink.ops = &pump_ops;
    self->way = &rj_no_way;
    self->last_byte = -1;
    self->completed = 1;
}

static void
end_document(rj_pump *self)
{
    rj_encoder *e = self->encoder;
    self->encoder = NULL;
    self->is_raw = 0;
    rj_coop_clear(&self->coop);
    if (e)
        rj_encoder_release(e);
    Py_CLEAR(self->prefix.head);
    Py_CLEAR(self->root);
}

void
rj_pump_clear(rj_pump *self)
{
    end_document(self);
    Py_CLEAR(self->items);
    rj_sink_free(&self->sink);
    Py_CLEAR(self->encoder_object);
    Py_CLEAR(self->event_type);
}

/* ---- beginning */

static int
has_document(const rj_pump *self)
{
    return self->encoder || self->is_raw;
}

int
rj_pump_check_idle(const rj_pump *self)
{
    if (!self->busy)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the writer is used by the document that it is writing");
    return -1;
}

int
rj_pump_check_open(const rj_pump *self)
{
    if (has_document(self) || self->items)
        return rj_pump_check_idle(self);
    PyErr_SetString(PyExc_RuntimeError, "there is no document");
    return -1;
}

static int
check_finished(const rj_pump *self)
{
    if (rj_pump_check_idle(self) < 0)
        return -1;
    if (!has_document(self) && !self->items)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the last document has not been finished");
    return -1;
}

static void
begin_slice(rj_pump *self)
{
    self->coop.flushed = 0;
    self->coop.deadline_ns = self->coop.is_sync ? UINT64_MAX : rj__monotonic_ns() + self->slice_ns;
}

static const rj__affix no_affix = {{0}, 0};

static const rj__affix *
affix_before(const rj_pump *self)
{
    static const rj__affix space = {{' '}, 1};
    if (self->documents == 0)
        return &self->framing->first;
    if (self->framing->flags & RJ__FRAMING_SPACED && !rj__framing_is_self_delimiting(self->last_byte))
        return &space;
    return &self->framing->next;
}

static void
begin_output(rj_pump *self, PyObject *head)
{
    self->prefix.head = Py_XNewRef(head);
    self->prefix.written = 0;
    self->completed = 0;
    if (self->is_part)
        return;
    self->lost = self->torn = 0;
    self->document_start = rj_pump_produced(self);
}

/* A document, after everything was checked. */
static int
begin_document(rj_pump *self, PyObject *obj, PyObject *head, int only)
{
    rj_encoder *e = rj_encoder_object_begin(self->encoder_object, obj, &self->sink);
    if (!e)
        return -1;
    self->encoder = e;
    self->root = Py_NewRef(obj);
    e->coop = self->coop.is_sync && self->coop.flush_point == RJ_FLUSH_NEVER ? NULL : &self->coop;
    e->on_window = self->coop.is_sync ? rj_pace_signals : on_window;
    self->coop.outermost = self->items;
    self->is_only = only;
    self->prefix.affix = self->is_part ? no_affix : *affix_before(self);
    begin_output(self, head);
    return 0;
}

static int
begin_raw(rj_pump *self, PyObject *bytes)
{
    self->is_raw = 1;
    self->prefix.affix = no_affix;
    begin_output(self, bytes);
    return 0;
}

int
rj_pump_begin(rj_pump *self, PyObject *obj, PyObject *head, int only)
{
    if (check_finished(self) < 0)
        return -1;
    begin_slice(self);
    self->is_part = self->is_building = 0;
    return begin_document(self, obj, head, only);
}

int
rj_pump_begin_part(rj_pump *self, PyObject *obj, PyObject *head)
{
    if (check_finished(self) < 0)
        return -1;
    begin_slice(self);
    self->is_part = 1;
    return begin_document(self, obj, head, 0);
}

/* The affix before a document, and `bytes`: new. */
static PyObject *
first_piece(const rj_pump *self, PyObject *bytes)
{
    const rj__affix *affix = affix_before(self);
    PyObject *whole = PyBytes_FromStringAndSize((const char *)affix->bytes, (Py_ssize_t)affix->length);
    PyBytes_Concat(&whole, bytes);
    return whole;
}

int
rj_pump_begin_raw(rj_pump *self, PyObject *bytes, rj_piece piece)
{
    if (check_finished(self) < 0)
        return -1;
    PyObject *head = piece == RJ_PIECE_FIRST ? first_piece(self, bytes) : Py_NewRef(bytes);
    if (!head)
        return -1;
    begin_slice(self);
    self->is_part = piece == RJ_PIECE_INNER || piece == RJ_PIECE_LAST;
    self->is_last_part = piece == RJ_PIECE_LAST;
    self->is_building = piece == RJ_PIECE_FIRST || piece == RJ_PIECE_INNER;
    int rc = begin_raw(self, head);
    Py_DECREF(head);
    return rc;
}

int
rj_pump_begin_all(rj_pump *self, PyObject *iterable)
{
    if (check_finished(self) < 0)
        return -1;
    self->items_are_async = !self->coop.is_sync && rj_is_async_iterable(iterable);
    self->items = self->items_are_async ? rj_async_iterator(iterable) : PyObject_GetIter(iterable);
    if (!self->items)
        return -1;
    begin_slice(self);
    self->is_part = self->is_building = 0;
    self->document_start = rj_pump_produced(self);
    return 0;
}

/* An event: its fields, and its data if it has any. */
static int
begin_event(rj_pump *self, PyObject *event)
{
    PyObject *head = PyObject_GetAttrString(event, "head");
    PyObject *data = head ? PyObject_GetAttrString(event, "data") : NULL;
    int rc = -1;
    if (data && !PyBytes_Check(head))
        PyErr_Format(PyExc_TypeError, "the head of an event must be bytes, not %.200s", Py_TYPE(head)->tp_name);
    else if (data)
        rc = data == Py_Ellipsis ? begin_raw(self, head) : begin_document(self, data, head, 0);
    Py_XDECREF(head);
    Py_XDECREF(data);
    return rc;
}

static int
begin_item(rj_pump *self, PyObject *item)
{
    int is_event = self->framing->flags & RJ__FRAMING_FIELDS && self->event_type &&
                   PyObject_TypeCheck(item, (PyTypeObject *)self->event_type);
    return is_event ? begin_event(self, item) : begin_document(self, item, NULL, 0);
}

/* ---- the next document of an iterator */

/* The next item: RJ_PAUSE_NONE and new, or NULL at the end. Else a reason to pause, or -1 with an exception. */
static int
next_item(rj_pump *self, PyObject **item)
{
    rj_arrival arrival = RJ_ARRIVAL_READY;
    *item = NULL;
    if (!rj_coop_has_arrival(&self->coop)) {
        self->coop.outermost = self->items;
        rj_pause_reason reason = self->is_shared ? (self->stops ? RJ_PAUSE_FLUSH : RJ_PAUSE_NONE)
                                                 : rj_coop_pause_reason(&self->coop, self->items, self->items_are_async);
        if (reason != RJ_PAUSE_NONE)
            return (int)reason;
        self->coop.ran_python = 1;
        if (!self->items_are_async) {
            *item = PyIter_Next(self->items);
            if (*item && self->coop.is_sync && PyErr_CheckSignals() < 0)
                Py_CLEAR(*item);
            return *item || !PyErr_Occurred() ? RJ_PAUSE_NONE : -1;
        }
        arrival = rj_coop_next(&self->coop, self->items);
    }
    if (arrival != RJ_ARRIVAL_READY)
        return arrival == RJ_ARRIVAL_PENDING ? RJ_PAUSE_SOURCE : -1;
    *item = self->coop.arrived;
    self->coop.arrived = NULL;
    self->coop.ended = 0;
    return RJ_PAUSE_NONE;
}

/* Begins the next document, if there is one. As next_item. */
static int
begin_next(rj_pump *self)
{
    PyObject *item;
    self->busy = 1;
    int rc = next_item(self, &item);
    self->busy = 0;
    if (rc != RJ_PAUSE_NONE)
        return rc;
    if (!item) {
        Py_CLEAR(self->items);
        return RJ_PAUSE_NONE;
    }
    rc = begin_item(self, item);
    Py_DECREF(item);
    return rc;
}

/* ---- running */

/* Appends up to the length of `data` that is still to come, after `skip` bytes of it. */
static void
put_part(rj_pump *self, const void *data, size_t length, size_t before, size_t *room)
{
    size_t skip = self->prefix.written - before;
    if (self->prefix.written < before || skip >= length)
        return;
    size_t count = length - skip < *room ? length - skip : *room;
    rj_framed_chunk_append(&self->out, (const char *)data + skip, count);
    self->prefix.written += count;
    *room -= count;
}

/* 1 if the prefix is in the chunk, 0 if it does not fit now, -1 with MemoryError. */
static int
put_prefix(rj_pump *self)
{
    rj_pump_prefix *prefix = &self->prefix;
    size_t head = prefix->head ? (size_t)PyBytes_GET_SIZE(prefix->head) : 0, whole = head + prefix->affix.length;
    if (prefix->written == whole)
        return 1;
    Py_ssize_t space = rj_framed_chunk_room(&self->out);
    if (space < RJ_CHUNK_MIN)
        return space < 0 ? -1 : 0;
    size_t room = (size_t)space;
    if (head)
        put_part(self, PyBytes_AS_STRING(prefix->head), head, 0, &room);
    put_part(self, prefix->affix.bytes, prefix->affix.length, head, &room);
    return prefix->written == whole;
}

static void
complete(rj_pump *self)
{
    const rj__framing *f = self->framing;
    if (self->is_raw ? self->is_last_part : !self->is_part) {
        self->last_byte = rj_framed_chunk_end(&self->out)[-1];
        rj_framed_chunk_append(&self->out, f->suffix.bytes, f->suffix.length);
        if (self->is_only && !self->is_raw)
            rj_framed_chunk_append(&self->out, f->end.bytes, f->end.length);
        self->documents++;
    }
    self->completed = 1;
    self->is_last_part = 0;
    end_document(self);
}

/* Whether a pause is only there for another thread, which may take what there is while the source is asked. */
static int
is_for_others(const rj_pump *self)
{
    return self->is_shared && self->coop.reason == RJ_PAUSE_FLUSH && !self->stops;
}

static int
run_document(rj_pump *self, const rj_way *way)
{
    rj_run result = RJ_RUN_DONE;
    int ready = put_prefix(self);
    if (ready <= 0)
        return ready < 0 ? -1 : RJ_PAUSE_FULL;
    self->way = way;
    self->busy = 1;
    if (self->encoder)
        while ((result = rj_encoder_run(self->encoder)) == RJ_RUN_PAUSED && is_for_others(self))
            ;
    self->busy = 0;
    self->way = &rj_no_way;
    if (result == RJ_RUN_PAUSED)
        return (int)self->coop.reason;
    if (result == RJ_RUN_FAILED) {
        rj_encoder_raise(self->encoder, NULL, rj_pump_bytes_written(self));
        return -1;
    }
    complete(self);
    return RJ_PAUSE_NONE;
}

/* A failure without an event loop: nobody else closes the sources. */
static int
fail(rj_pump *self)
{
    if (!self->coop.is_sync)
        return -1;
    PyObject *exception = rj_take_exception(), *sources = rj_pump_give_up(self);
    rj_set_exception(exception);
    if (sources)
        rj_close_sources(PyType_GetModuleState(Py_TYPE(self)), sources);
    Py_XDECREF(sources);
    return -1;
}

int
rj_pump_go(rj_pump *self, const rj_way *way)
{
    int rc = RJ_PAUSE_NONE;
    self->coop.ran_python = 0;
    while (rc == RJ_PAUSE_NONE && (has_document(self) || self->items))
        rc = has_document(self) ? run_document(self, way) : begin_next(self);
    if (rc < 0)
        return fail(self);
    return self->state = rc;
}

int
rj_pump_arrived(rj_pump *self, rj_arrival arrival)
{
    self->busy = 0;
    if (arrival == RJ_ARRIVAL_PENDING)
        return RJ_PAUSE_SOURCE;
    if (arrival == RJ_ARRIVAL_FAILED) {
        if (self->encoder)
            rj_encoder_raise(self->encoder, NULL, rj_pump_bytes_written(self));
        return -1;
    }
    return rj_pump_go(self, &rj_no_way);
}

static int
check_runnable(const rj_pump *self)
{
    if (rj_pump_check_open(self) < 0)
        return -1;
    if (!self->coop.awaiting)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the document waits for a source");
    return -1;
}

int
rj_pump_run_checked(rj_pump *self, const rj_way *way)
{
    return check_runnable(self) < 0 ? -1 : rj_pump_go(self, way);
}

int
rj_pump_run(PyObject *op, const rj_outlet *outlet, uint64_t deadline_ns)
{
    rj_pump *self = (rj_pump *)op;
    const rj_way way = {-1, outlet};
    self->coop.deadline_ns = deadline_ns;
    self->coop.outside_task = 1;
    int state = rj_pump_run_checked(self, &way);
    self->coop.outside_task = 0;
    return state;
}

/* ---- the end */

int
rj_pump_end(rj_pump *self)
{
    const rj__framing *f = self->framing;
    size_t first = self->documents == 0 && f->end.length ? f->first.length : 0;
    int fits = rj_framed_chunk_has_room_for_affix(&self->out, first + f->end.length);
    if (fits <= 0)
        return fits;
    rj_framed_chunk_append(&self->out, f->first.bytes, first);
    rj_framed_chunk_append(&self->out, f->end.bytes, f->end.length);
    return 1;
}

int
rj_pump_take_back(rj_pump *self)
{
    int is_out = self->sink.accepted > self->document_start;
    if (!self->out.sealed && self->out.chunk.length)
        rj_framed_chunk_shorten(&self->out, is_out ? 0 : (size_t)(self->document_start - self->sink.accepted));
    return !is_out;
}

uint64_t
rj_pump_abandon(rj_pump *self)
{
    if (self->completed && !self->is_building)
        return 0;
    uint64_t count = rj_pump_bytes_written(self);
    rj_pump_take_back(self);
    self->completed = 1;
    self->is_building = 0;
    self->document_start = rj_pump_produced(self);
    return count;
}

PyObject *
rj_pump_give_up(rj_pump *self)
{
    PyObject *sources = self->encoder ? rj_encoder_open_sources(self->encoder) : PyList_New(0);
    if (sources && self->items && PyList_Append(sources, self->items) < 0)
        Py_CLEAR(sources);
    if (!sources)
        return NULL;
    if (has_document(self))
        rj_pump_take_back(self);
    end_document(self);
    Py_CLEAR(self->items);
    return sources;
}
