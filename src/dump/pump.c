/* See pump.h. The sink, and documents one after the other. */
#include "dump/pump.h"
#include "cpython/exceptions.h"

#include "dump/encoder_object.h"
#include "dump/pace.h"
#include "encode/sources.h"

/* Windows are no larger, so that the clock is looked at often enough. */
#define WINDOW_MAX 65536

const rjpy_way rjpy_no_way = {-1, NULL};

/* Another thread says so. */
static int
is_stopped(const rjpy_pump *self)
{
    return __atomic_load_n(&self->stops, __ATOMIC_RELAXED);
}

static rjpy_pump *
pump_of(rj_sink *sink)
{
    return (rjpy_pump *)((char *)sink - offsetof(rjpy_pump, sink));
}

uint64_t
rjpy_pump_produced(const rjpy_pump *self)
{
    return self->sink.accepted + rjpy_framed_chunk_held(&self->out);
}

uint64_t
rjpy_pump_bytes_written(const rjpy_pump *self)
{
    return self->sink.accepted > self->document_start ? self->sink.accepted - self->document_start : 0;
}

/* ---- chunks that leave */

static void
seal(rjpy_pump *self, int last)
{
    if (self->out.sealed)
        return;
    self->flushed = rjpy_framed_chunk_seal(&self->out, last);
    self->sink.accepted += self->flushed;
}

rjpy_sent
rjpy_pump_send(rjpy_pump *self, const rjpy_way *way, int last)
{
    seal(self, last);
    if (way->outlet) {
        rjpy_section section;
        rjpy_lock(&section, self->module);
        rjpy_sent sent = rjpy_framed_chunk_send_to(&self->out, way->outlet);
        rjpy_unlock(&section);
        return sent;
    }
    return rjpy_framed_chunk_send(&self->out, way->fd) ? RJ_SENT_ALL : RJ_SENT_NOTHING;
}

int
rjpy_pump_flush(rjpy_pump *self, const rjpy_way *way, int last, PyObject **piece)
{
    *piece = NULL;
    last = last && self->out.http_chunked;
    if (!last && !self->out.sealed && rjpy_framed_chunk_held(&self->out) == 0) {
        if (self->out.chunk.length)
            rjpy_framed_chunk_shorten(&self->out, 0); /* what was stolen has left no room behind it */
        return 0;
    }
    if (rjpy_framed_chunk_room(&self->out) < 0)
        return -1;
    if ((way->fd >= 0 || way->outlet) && rjpy_pump_send(self, way, last) != RJ_SENT_NOTHING)
        return 0;
    seal(self, last);
    /* A socket may have got a part of it; of a size line that cannot be told. */
    int partly = self->out.http_chunked || self->out.chunk.start > self->out.head;
    *piece = rjpy_framed_chunk_hand_out(&self->out);
    if (*piece)
        return 0;
    rjpy_pump_lose(self, partly);
    return -1;
}

/* Bytes in the chunk that belong to a document which is not complete. */
static size_t
begun_bytes(const rjpy_pump *self)
{
    if (!rjpy_pump_has_document(self) || self->out.sealed)
        return 0;
    uint64_t begun = rjpy_pump_produced(self) - self->document_start;
    size_t held = rjpy_framed_chunk_held(&self->out);
    return begun < held ? (size_t)begun : held;
}

/* Takes the last `count` bytes out of the chunk: a new bytes object, or NULL with MemoryError. */
static PyObject *
cut_off(rjpy_pump *self, size_t count)
{
    const char *data = (const char *)rjpy_framed_chunk_end(&self->out) - count;
    PyObject *bytes = PyBytes_FromStringAndSize(data, (Py_ssize_t)count);
    if (bytes)
        rjpy_framed_chunk_shorten(&self->out, rjpy_framed_chunk_held(&self->out) - count);
    return bytes;
}

int
rjpy_pump_flush_documents(rjpy_pump *self, PyObject **piece)
{
    size_t begun = begun_bytes(self);
    *piece = NULL;
    if (begun == 0)
        return rjpy_pump_flush(self, &rjpy_no_way, 0, piece);
    if (begun == rjpy_framed_chunk_held(&self->out))
        return 0;
    PyObject *beginning = cut_off(self, begun);
    if (!beginning)
        return -1;
    int rc = rjpy_pump_flush(self, &rjpy_no_way, 0, piece);
    if (rc == 0 && rjpy_framed_chunk_room(&self->out) < 0) {
        rjpy_pump_lose(self, 0);
        Py_CLEAR(*piece);
        rc = -1;
    }
    if (rc == 0)
        rjpy_framed_chunk_append(&self->out, PyBytes_AS_STRING(beginning), begun);
    Py_DECREF(beginning);
    return rc;
}

void
rjpy_pump_lose(rjpy_pump *self, int partly)
{
    self->sink.accepted -= self->flushed;
    self->flushed = 0;
    self->torn = partly;
    self->lost = 1;
    if (!self->is_counted || partly || self->sink.accepted != self->document_start)
        return;
    self->documents--;
    self->last_byte = self->last_byte_before;
    self->is_counted = 0;
}

int
rjpy_pump_is_broken(const rjpy_pump *self)
{
    int is_out = self->completed && rjpy_framed_chunk_held(&self->out) == 0 && !self->lost;
    int others_are_lost = self->lost && self->sink.accepted < self->document_start;
    return self->torn || others_are_lost || (rjpy_pump_bytes_written(self) > 0 && !is_out);
}

static int
steal(rjpy_pump *self, size_t count, PyObject **piece)
{
    *piece = count ? rjpy_framed_chunk_steal(&self->out, count) : NULL;
    if (count && !*piece)
        return -1;
    self->flushed = count;
    self->sink.accepted += count;
    return 0;
}

int
rjpy_pump_steal(rjpy_pump *self, PyObject **piece)
{
    return steal(self, self->busy ? rjpy_framed_chunk_held(&self->out) : 0, piece);
}

int
rjpy_pump_steal_documents(rjpy_pump *self, PyObject **piece)
{
    size_t held = rjpy_framed_chunk_held(&self->out), whole = held;
    if (rjpy_pump_has_document(self) || self->is_building)
        whole = self->document_start > self->sink.accepted ? (size_t)(self->document_start - self->sink.accepted) : 0;
    return steal(self, whole < held ? whole : held, piece);
}

/* ---- the sink */

/* Whether the way may be used in the middle of a run: the document's own code may have used the transport since the driver
 * looked at it. An outlet belongs to the document. */
static int
is_open_way(const rjpy_pump *self)
{
    return self->way->outlet || (self->way->fd >= 0 && !self->coop.ran_python);
}

static int
pump_lend(rj_sink *sink, size_t hint, rj_window *out)
{
    rjpy_pump *self = pump_of(sink);
    (void)hint;
    Py_ssize_t room = rjpy_framed_chunk_room(&self->out);
    if (room >= 0 && room < RJ_CHUNK_MIN) {
        if (!is_open_way(self) || rjpy_pump_send(self, self->way, 0) == RJ_SENT_NOTHING) {
            self->coop.reason = RJ_PAUSE_FULL;
            return RJ_PAUSE;
        }
        room = rjpy_framed_chunk_room(&self->out);
    }
    if (room < 0)
        return RJ_ENOMEM;
    out->cur = rjpy_framed_chunk_end(&self->out);
    out->end = out->cur + (room < WINDOW_MAX ? room : WINDOW_MAX);
    return RJ_OK;
}

/* Whether there may be a line break in what was written: none is in a string. */
static int
may_break_lines(const rjpy_pump *self)
{
    return self->encoder->has_verbatim || self->encoder->options->breaks_lines;
}

static int
pump_take(rj_sink *sink, size_t used)
{
    rjpy_pump *self = pump_of(sink);
    if (self->framing->flags & RJ__FRAMING_ONE_LINE && may_break_lines(self))
        rj__framing_join_lines(rjpy_framed_chunk_end(&self->out), used);
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
    rjpy_bytes_chunk_clear(&pump_of(sink)->out.chunk);
}

static const rj_sink_ops pump_ops = {pump_lend, pump_take, pump_flush_sink, NULL, pump_close};

/* Of a shared pump: lets other threads run. Without the GIL they wait for the pump's lock. */
static void
give_turn(rjpy_pump *self)
{
#if RJ_FREE_THREADED
    PyThreadState *saved = PyEval_SaveThread();
    PyEval_RestoreThread(saved);
    (void)self;
#else
    rjpy_pace_give_turn(&self->turn_given_ns);
#endif
}

static int
on_shared_window(rjpy_encoder *e)
{
    give_turn(pump_of(e->sink));
    return rjpy_pace_signals(e);
}

static int
on_window(rjpy_encoder *e)
{
    if (rj__monotonic_ns() < e->coop->deadline_ns)
        return 0;
    e->coop->reason = RJ_PAUSE_SLICE;
    return 1;
}

/* ---- life */

void
rjpy_pump_init(rjpy_pump *self, size_t chunk_size, int http_chunked)
{
    rjpy_framed_chunk_init(&self->out, chunk_size, http_chunked);
    self->sink.ops = &pump_ops;
    self->way = &rjpy_no_way;
    self->last_byte = -1;
    self->completed = 1;
}

static void
end_document(rjpy_pump *self)
{
    rjpy_encoder *e = self->encoder;
    self->encoder = NULL;
    self->is_raw = 0;
    rjpy_coop_clear(&self->coop);
    if (e)
        rjpy_encoder_release(e);
    Py_CLEAR(self->prefix.head);
    Py_CLEAR(self->root);
}

void
rjpy_pump_clear(rjpy_pump *self)
{
    end_document(self);
    Py_CLEAR(self->items);
    rj_sink_free(&self->sink);
    Py_CLEAR(self->encoder_object);
    Py_CLEAR(self->event_type);
}

/* ---- beginning */

int
rjpy_pump_has_document(const rjpy_pump *self)
{
    return self->encoder || self->is_raw;
}

int
rjpy_pump_check_idle(const rjpy_pump *self)
{
    if (!self->busy)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the writer is used by the document that it is writing");
    return -1;
}

int
rjpy_pump_check_open(const rjpy_pump *self)
{
    if (rjpy_pump_has_document(self) || self->items)
        return rjpy_pump_check_idle(self);
    PyErr_SetString(PyExc_RuntimeError, "there is no document");
    return -1;
}

static int
check_finished(const rjpy_pump *self)
{
    if (rjpy_pump_check_idle(self) < 0)
        return -1;
    if (!rjpy_pump_has_document(self) && !self->items)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the last document has not been finished");
    return -1;
}

static void
begin_slice(rjpy_pump *self)
{
    self->sink.status = RJ_OK; /* all that can have failed is an allocation */
    self->coop.flushed = 0;
    self->coop.deadline_ns = self->coop.is_sync ? UINT64_MAX : rj__monotonic_ns() + self->slice_ns;
}

static const rj__affix no_affix = {{0}, 0};

static const rj__affix *
affix_before(const rjpy_pump *self)
{
    static const rj__affix space = {{' '}, 1};
    if (self->documents == 0)
        return &self->framing->first;
    if (self->framing->flags & RJ__FRAMING_SPACED && !rj__framing_is_self_delimiting(self->last_byte))
        return &space;
    return &self->framing->next;
}

static void
begin_output(rjpy_pump *self, PyObject *head)
{
    self->prefix.head = Py_XNewRef(head);
    self->prefix.written = 0;
    self->completed = self->is_counted = 0;
    if (self->is_part)
        return;
    self->lost = self->torn = 0;
    self->document_start = rjpy_pump_produced(self);
}

/* A document, after everything was checked. */
static int
begin_document(rjpy_pump *self, PyObject *obj, PyObject *head, int only)
{
    rjpy_encoder *e = rjpy_encoder_object_begin(self->encoder_object, obj, &self->sink);
    if (!e)
        return -1;
    self->encoder = e;
    self->root = Py_NewRef(obj);
    e->coop = self->coop.is_sync && self->coop.flush_point == RJ_FLUSH_NEVER ? NULL : &self->coop;
    e->on_window = self->is_shared ? on_shared_window : self->coop.is_sync ? rjpy_pace_signals : on_window;
    self->coop.outermost = self->items;
    self->is_only = only;
    self->prefix.affix = self->is_part ? no_affix : *affix_before(self);
    begin_output(self, head);
    return 0;
}

static int
begin_raw(rjpy_pump *self, PyObject *bytes)
{
    self->is_raw = 1;
    self->prefix.affix = no_affix;
    begin_output(self, bytes);
    return 0;
}

int
rjpy_pump_begin(rjpy_pump *self, PyObject *obj, PyObject *head, int only)
{
    if (check_finished(self) < 0)
        return -1;
    begin_slice(self);
    self->is_part = self->is_building = 0;
    return begin_document(self, obj, head, only);
}

int
rjpy_pump_begin_part(rjpy_pump *self, PyObject *obj, PyObject *head)
{
    if (check_finished(self) < 0)
        return -1;
    begin_slice(self);
    self->is_part = 1;
    return begin_document(self, obj, head, 0);
}

/* The affix before a document, and `bytes`: new. */
static PyObject *
first_piece(const rjpy_pump *self, PyObject *bytes)
{
    const rj__affix *affix = affix_before(self);
    PyObject *whole = PyBytes_FromStringAndSize((const char *)affix->bytes, (Py_ssize_t)affix->length);
    PyBytes_Concat(&whole, bytes);
    return whole;
}

int
rjpy_pump_begin_raw(rjpy_pump *self, PyObject *bytes, rjpy_piece piece)
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
rjpy_pump_begin_all(rjpy_pump *self, PyObject *iterable)
{
    if (check_finished(self) < 0)
        return -1;
    self->items_are_async = !self->coop.is_sync && rjpy_is_async_iterable(iterable);
    self->items = self->items_are_async ? rjpy_async_iterator(iterable) : PyObject_GetIter(iterable);
    if (!self->items)
        return -1;
    begin_slice(self);
    self->is_part = self->is_building = 0;
    self->document_start = rjpy_pump_produced(self);
    return 0;
}

/* An event: its fields, and its data if it has any. */
static int
begin_event(rjpy_pump *self, PyObject *event)
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
begin_item(rjpy_pump *self, PyObject *item)
{
    int is_event = self->framing->flags & RJ__FRAMING_FIELDS && self->event_type &&
                   PyObject_TypeCheck(item, (PyTypeObject *)self->event_type);
    return is_event ? begin_event(self, item) : begin_document(self, item, NULL, 0);
}

/* ---- the next document of an iterator */

/* The next item: RJ_PAUSE_NONE and new, or NULL at the end. Else a reason to pause, or -1 with an exception. */
static int
next_item(rjpy_pump *self, PyObject **item)
{
    rjpy_arrival arrival = RJ_ARRIVAL_READY;
    *item = NULL;
    if (!rjpy_coop_has_arrival(&self->coop)) {
        self->coop.outermost = self->items;
        rjpy_pause_reason reason = self->is_shared ? (is_stopped(self) ? RJ_PAUSE_FLUSH : RJ_PAUSE_NONE)
                                                   : rjpy_coop_pause_reason(&self->coop, self->items, self->items_are_async);
        if (reason != RJ_PAUSE_NONE)
            return (int)reason;
        self->coop.ran_python = 1;
        if (!self->items_are_async) {
            *item = PyIter_Next(self->items);
            if (*item && self->coop.is_sync && PyErr_CheckSignals() < 0)
                Py_CLEAR(*item);
            return *item || !PyErr_Occurred() ? RJ_PAUSE_NONE : -1;
        }
        arrival = rjpy_coop_next(&self->coop, self->items);
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
begin_next(rjpy_pump *self)
{
    PyObject *item;
    self->busy = 1;
    if (self->is_shared)
        give_turn(self);
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
put_part(rjpy_pump *self, const void *data, size_t length, size_t before, size_t *room)
{
    size_t skip = self->prefix.written - before;
    if (self->prefix.written < before || skip >= length)
        return;
    size_t count = length - skip < *room ? length - skip : *room;
    rjpy_framed_chunk_append(&self->out, (const char *)data + skip, count);
    self->prefix.written += count;
    *room -= count;
}

/* 1 if the prefix is in the chunk, 0 if it does not fit now, -1 with MemoryError. */
static int
put_prefix(rjpy_pump *self)
{
    rjpy_pump_prefix *prefix = &self->prefix;
    size_t head = prefix->head ? (size_t)PyBytes_GET_SIZE(prefix->head) : 0, whole = head + prefix->affix.length;
    if (prefix->written == whole)
        return 1;
    Py_ssize_t space = rjpy_framed_chunk_room(&self->out);
    if (space < RJ_CHUNK_MIN)
        return space < 0 ? -1 : 0;
    size_t room = (size_t)space;
    if (head)
        put_part(self, PyBytes_AS_STRING(prefix->head), head, 0, &room);
    put_part(self, prefix->affix.bytes, prefix->affix.length, head, &room);
    return prefix->written == whole;
}

static void
complete(rjpy_pump *self)
{
    const rj__framing *f = self->framing;
    if (self->is_raw ? self->is_last_part : !self->is_part) {
        self->last_byte_before = self->last_byte;
        self->last_byte = rjpy_framed_chunk_end(&self->out)[-1];
        self->is_counted = 1;
        rjpy_framed_chunk_append(&self->out, f->suffix.bytes, f->suffix.length);
        if (self->is_only && !self->is_raw)
            rjpy_framed_chunk_append(&self->out, f->end.bytes, f->end.length);
        self->documents++;
    }
    self->completed = 1;
    self->is_last_part = 0;
    end_document(self);
}

/* Whether a pause is only there for another thread, which may take what there is while the source is asked. */
static int
is_for_others(const rjpy_pump *self)
{
    return self->is_shared && self->coop.reason == RJ_PAUSE_FLUSH && !is_stopped(self);
}

static int
run_document(rjpy_pump *self, const rjpy_way *way)
{
    rjpy_run result = RJ_RUN_DONE;
    int ready = put_prefix(self);
    if (ready <= 0)
        return ready < 0 ? -1 : RJ_PAUSE_FULL;
    self->way = way;
    self->busy = 1;
    if (self->encoder)
        while ((result = rjpy_encoder_run(self->encoder)) == RJ_RUN_PAUSED && is_for_others(self))
            give_turn(self);
    self->busy = 0;
    self->way = &rjpy_no_way;
    if (result == RJ_RUN_PAUSED)
        return (int)self->coop.reason;
    if (result == RJ_RUN_FAILED) {
        rjpy_encoder_raise(self->encoder, NULL, rjpy_pump_bytes_written(self));
        return -1;
    }
    complete(self);
    return RJ_PAUSE_NONE;
}

/* A failure without an event loop: nobody else closes the sources. */
static int
fail(rjpy_pump *self)
{
    if (!self->coop.is_sync)
        return -1;
    PyObject *exception = rjpy_take_exception(), *sources = rjpy_pump_give_up(self);
    rjpy_set_exception(exception);
    if (sources)
        rjpy_close_sources(PyType_GetModuleState(Py_TYPE(self)), sources);
    Py_XDECREF(sources);
    return -1;
}

int
rjpy_pump_go(rjpy_pump *self, const rjpy_way *way)
{
    int rc = RJ_PAUSE_NONE;
    self->coop.ran_python = 0;
    while (rc == RJ_PAUSE_NONE && (rjpy_pump_has_document(self) || self->items))
        rc = rjpy_pump_has_document(self) ? run_document(self, way) : begin_next(self);
    if (rc < 0)
        return fail(self);
    return self->state = rc;
}

int
rjpy_pump_arrived(rjpy_pump *self, rjpy_arrival arrival)
{
    self->busy = 0;
    if (arrival == RJ_ARRIVAL_PENDING)
        return RJ_PAUSE_SOURCE;
    if (arrival == RJ_ARRIVAL_FAILED) {
        if (self->encoder)
            rjpy_encoder_raise(self->encoder, NULL, rjpy_pump_bytes_written(self));
        return -1;
    }
    return rjpy_pump_go(self, &rjpy_no_way);
}

static int
check_runnable(const rjpy_pump *self)
{
    if (rjpy_pump_check_open(self) < 0)
        return -1;
    if (!self->coop.awaiting)
        return 0;
    PyErr_SetString(PyExc_RuntimeError, "the document waits for a source");
    return -1;
}

int
rjpy_pump_run_checked(rjpy_pump *self, const rjpy_way *way)
{
    return check_runnable(self) < 0 ? -1 : rjpy_pump_go(self, way);
}

int
rjpy_pump_run(PyObject *op, const rjpy_outlet *outlet, uint64_t deadline_ns)
{
    rjpy_pump *self = (rjpy_pump *)op;
    const rjpy_way way = {-1, outlet};
    rjpy_section section;
    rjpy_lock(&section, op);
    self->coop.deadline_ns = deadline_ns;
    self->coop.outside_task = 1;
    int state = rjpy_pump_run_checked(self, &way);
    self->coop.outside_task = 0;
    rjpy_unlock(&section);
    return state;
}

/* ---- the end */

int
rjpy_pump_end(rjpy_pump *self)
{
    const rj__framing *f = self->framing;
    size_t first = self->documents == 0 && f->end.length ? f->first.length : 0;
    int fits = rjpy_framed_chunk_has_room_for_affix(&self->out, first + f->end.length);
    if (fits <= 0)
        return fits;
    rjpy_framed_chunk_append(&self->out, f->first.bytes, first);
    rjpy_framed_chunk_append(&self->out, f->end.bytes, f->end.length);
    return 1;
}

int
rjpy_pump_take_back(rjpy_pump *self)
{
    int is_out = self->sink.accepted > self->document_start;
    if (!self->out.sealed && self->out.chunk.length)
        rjpy_framed_chunk_shorten(&self->out, is_out ? 0 : (size_t)(self->document_start - self->sink.accepted));
    return !is_out;
}

uint64_t
rjpy_pump_abandon(rjpy_pump *self)
{
    if (self->completed && !self->is_building)
        return 0;
    uint64_t count = rjpy_pump_bytes_written(self);
    rjpy_pump_take_back(self);
    self->completed = 1;
    self->is_building = 0;
    self->document_start = rjpy_pump_produced(self);
    return count;
}

PyObject *
rjpy_pump_give_up(rjpy_pump *self)
{
    PyObject *sources = self->encoder ? rjpy_encoder_open_sources(self->encoder) : PyList_New(0);
    if (sources && self->items && PyList_Append(sources, self->items) < 0)
        Py_CLEAR(sources);
    if (!sources)
        return NULL;
    if (rjpy_pump_has_document(self))
        rjpy_pump_take_back(self);
    end_document(self);
    Py_CLEAR(self->items);
    return sources;
}
