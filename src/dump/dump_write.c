/*
 * A Python object's `write` (or `send`) as the target.
 *
 * What write() answers: an int is how much it took, and the rest is offered again; None is everything for ordinary objects,
 * and nothing (it would block) for raw streams and for objects that answered with ints before. BlockingIOError and a TLS
 * socket's "want" errors are would-block too. A piece that would block is offered again as it is, as TLS demands. Any other
 * answer is refused: a bool, or a 0 of an object that is no raw stream, would have what it took written again.
 */
#include "dump/bytes_chunk.h"
#include "cpython/exceptions.h"
#include "dump/dump.h"
#include "sinks/fd_io.h"

/* After a short write the next piece is at most twice what was taken (and at least this): copying stays linear even for a
 * target that takes a byte at a time. */
#define PIECE_MIN 4096
/* Less than this, and not all that there is, in `timeout` seconds is no progress. */
#define TRICKLE 4096
#define NAP_FIRST_US 1000
#define NAP_LAST_US 50000

typedef struct write_sink {
    rj_sink base; /* accepted: bytes, or characters in text mode */
    rjpy_state *state;
    const rjpy_target *target;
    PyObject *write; /* borrowed */
    rjpy_write_mode mode;
    rjpy_write_answers answers;
    int is_counting; /* it has answered with a count */
    rjpy_bytes_chunk chunk;
    rjpy_pace *pace;
    const char *decode_errors;
    int refused; /* write() raised what says that bytes are nothing for it */
    int count_characters;
    uint64_t characters;  /* of whole chunks, in bytes mode */
    unsigned nap_us;      /* 0 after progress */
    uint64_t deadline_ns; /* for the next TRICKLE to be taken, once it was not at once; 0: none, or no limit */
    Py_ssize_t trickled;  /* what was taken since then */
} write_sink;

/* ---- waiting */

/* The target's descriptor, or -1 if it has none. Drops whatever exception fileno() raises. */
static int
descriptor(const write_sink *s)
{
    PyObject *fd = s->target->fileno ? PyObject_CallNoArgs(s->target->fileno) : NULL;
    long number = fd ? PyLong_AsLong(fd) : -1;
    Py_XDECREF(fd);
    PyErr_Clear();
    return number >= 0 && number <= INT_MAX ? (int)number : -1;
}

static int
nap(write_sink *s)
{
    rj_wait_hooks hooks = rjpy_pace_hooks(s->pace);
    hooks.enter(hooks.ctx);
    rj__nap_us(s->nap_us);
    return hooks.leave(hooks.ctx) ? RJ_ECANCELED : RJ_OK;
}

static void
begin_deadline(write_sink *s)
{
    if (!s->deadline_ns)
        s->deadline_ns = rj__deadline_ns(s->target->timeout_ms);
}

static int
is_overdue(const write_sink *s)
{
    return s->deadline_ns && rj__monotonic_ns() >= s->deadline_ns;
}

/* `taken`: what write() took, `all` if there is nothing left. The deadline moves on with every TRICKLE. */
static int
note_progress(write_sink *s, Py_ssize_t taken, int all)
{
    s->base.accepted += (uint64_t)taken;
    s->nap_us = 0;
    s->trickled += taken;
    if (all || s->trickled >= TRICKLE) {
        s->trickled = 0;
        s->deadline_ns = 0;
        return RJ_OK;
    }
    if (s->target->timeout_ms <= 0)
        return RJ_OK; /* 0: there is no waiting, so there is nothing to limit */
    begin_deadline(s);
    return is_overdue(s) ? rj_sink_fail(&s->base, RJ_ETIMEOUT, 0) : RJ_OK;
}

/* The first wait without progress polls the descriptor. If that was of no use (or there is none), later ones sleep as well,
 * longer and longer, or an object that never writes would keep the processor busy. */
static int
wait_until_writable(write_sink *s)
{
    int fd = descriptor(s);
    int first = s->nap_us == 0;
    int rc = RJ_OK;
    if (first)
        s->nap_us = NAP_FIRST_US;
    begin_deadline(s);
    if (fd >= 0) {
        rj__fd_io io = {.fd = fd, .hooks = rjpy_pace_hooks(s->pace)};
        rc = rj__fd_io_wait(&io, s->deadline_ns);
    }
    if (rc == RJ_OK && (fd < 0 || !first)) {
        rc = nap(s);
        s->nap_us = s->nap_us < NAP_LAST_US / 2 ? s->nap_us * 2 : NAP_LAST_US;
    }
    if (rc == RJ_OK && is_overdue(s))
        rc = RJ_ETIMEOUT;
    return rc < 0 ? rj_sink_fail(&s->base, rc, 0) : RJ_OK;
}

/* ---- what write() answers: how much it took, or -1 with an exception */

enum { WOULD_BLOCK = -2 };

static Py_ssize_t
length_of(PyObject *piece)
{
    return PyUnicode_Check(piece) ? PyUnicode_GET_LENGTH(piece) : PyBytes_GET_SIZE(piece);
}

static Py_ssize_t
count_from_number(const write_sink *s, PyObject *result, Py_ssize_t length)
{
    Py_ssize_t n = PyNumber_AsSsize_t(result, PyExc_OverflowError);
    if (n == -1 && PyErr_Occurred())
        return -1;
    if (n > length && s->mode == RJ_WRITE_TEXT)
        return length; /* a text object that counts bytes */
    if (n < 0 || n > length) {
        PyErr_Format(PyExc_ValueError, "write() of %R returned %zd for %zd bytes", s->target->label, n, length);
        return -1;
    }
    if (n == 0 && s->answers != RJ_ANSWERS_RAW) {
        PyErr_Format(PyExc_ValueError, "write() of %R returned 0 for %zd bytes: None is all of them, BlockingIOError none",
                     s->target->label, length);
        return -1;
    }
    return n > 0 ? n : WOULD_BLOCK;
}

static Py_ssize_t
count_from_result(write_sink *s, PyObject *result, Py_ssize_t length)
{
    if (s->answers == RJ_ANSWERS_IGNORED)
        return length;
    if (result == Py_None)
        return s->answers == RJ_ANSWERS_COUNT && !s->is_counting ? length : WOULD_BLOCK;
    if (!PyLong_Check(result) || PyBool_Check(result)) {
        PyErr_Format(PyExc_TypeError, "write() of %R must return an int or None, not %.200s", s->target->label,
                     Py_TYPE(result)->tp_name);
        return -1;
    }
    s->is_counting = 1; /* an object that counts means it */
    return count_from_number(s, result, length);
}

/* BlockingIOError: a buffered stream took so many bytes all the same. Takes the exception off. */
static Py_ssize_t
count_from_blocking_error(const write_sink *s, Py_ssize_t length)
{
    PyObject *exception = rjpy_take_exception();
    PyObject *count = PyObject_GetAttr(exception, s->state->str_characters_written);
    Py_ssize_t n = count ? PyNumber_AsSsize_t(count, NULL) : 0;
    Py_XDECREF(count);
    PyErr_Clear();
    Py_DECREF(exception);
    return n > 0 && n <= length ? n : WOULD_BLOCK;
}

/* Whether the exception is that of a write() that wants str and was given bytes: TypeError, or b"".encode and the like. */
static int
is_refusal_of_bytes(void)
{
    if (PyErr_ExceptionMatches(PyExc_TypeError))
        return 1;
    if (!PyErr_ExceptionMatches(PyExc_AttributeError))
        return 0;
    PyObject *exception = rjpy_take_exception();
    PyObject *obj = PyObject_GetAttrString(exception, "obj");
    int is = obj && PyBytes_Check(obj);
    Py_XDECREF(obj);
    rjpy_set_exception(exception);
    return is;
}

static Py_ssize_t
offer(write_sink *s, PyObject *piece)
{
    PyObject *result = PyObject_CallOneArg(s->write, piece);
    if (result) {
        Py_ssize_t n = count_from_result(s, result, length_of(piece));
        Py_DECREF(result);
        return n;
    }
    if (PyErr_ExceptionMatches(s->target->would_block))
        return count_from_blocking_error(s, length_of(piece));
    s->refused = s->mode == RJ_WRITE_BYTES && is_refusal_of_bytes();
    return -1;
}

/* ---- sending a chunk */

static PyObject *
rest_of(PyObject *whole, Py_ssize_t from, Py_ssize_t most)
{
    Py_ssize_t length = length_of(whole);
    Py_ssize_t to = length - from < most ? length : from + most;
    if (from == 0 && to == length)
        return Py_NewRef(whole);
    if (PyUnicode_Check(whole))
        return PyUnicode_Substring(whole, from, to);
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(whole) + from, to - from);
}

/* Sends all of `whole`, in pieces if need be. */
static int
send_all(write_sink *s, PyObject *whole)
{
    Py_ssize_t length = length_of(whole), sent = 0, most = PY_SSIZE_T_MAX;
    PyObject *piece = NULL;
    while (sent < length) {
        if (!piece && !(piece = rest_of(whole, sent, most)))
            return RJ_ECANCELED;
        Py_ssize_t n = offer(s, piece);
        if (n == WOULD_BLOCK) {
            if (wait_until_writable(s) < 0)
                break;
            continue;
        }
        if (n < 0)
            break;
        if (n < length_of(piece))
            most = n < PIECE_MIN / 2 ? PIECE_MIN : n < PY_SSIZE_T_MAX / 2 ? 2 * n : PY_SSIZE_T_MAX;
        sent += n;
        Py_CLEAR(piece);
        if (note_progress(s, n, sent == length) < 0)
            break;
    }
    Py_XDECREF(piece);
    return sent == length ? RJ_OK : RJ_ECANCELED;
}

static int
send_as_text(write_sink *s, PyObject *bytes)
{
    PyObject *text = PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), s->decode_errors);
    if (!text)
        return RJ_ECANCELED;
    int rc = send_all(s, text);
    Py_DECREF(text);
    return rc;
}

/* An object that may want bytes or str: bytes first, str if it refuses the very first of them. */
static int
send_as_either(write_sink *s, PyObject *bytes)
{
    s->mode = RJ_WRITE_BYTES;
    int rc = send_all(s, bytes);
    if (rc == RJ_OK || s->base.accepted > 0 || !s->refused)
        return rc;
    PyErr_Clear();
    s->mode = RJ_WRITE_TEXT;
    return send_as_text(s, bytes);
}

static int
send_bytes(write_sink *s, PyObject *bytes)
{
    switch (s->mode) {
    case RJ_WRITE_TEXT:
        return send_as_text(s, bytes);
    case RJ_WRITE_EITHER:
        return send_as_either(s, bytes);
    default:
        return send_all(s, bytes);
    }
}

/* ---- the sink */

static int
write_flush(rj_sink *base)
{
    write_sink *s = (write_sink *)base;
    if (s->chunk.length == 0)
        return RJ_OK;
    PyObject *bytes = rjpy_bytes_chunk_hand_out(&s->chunk);
    if (!bytes)
        return RJ_ECANCELED;
    if (s->count_characters)
        s->characters += rj__utf8_count((const uint8_t *)PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    int rc = send_bytes(s, bytes);
    Py_DECREF(bytes);
    return rc;
}

static int
write_lend(rj_sink *base, size_t hint, rj_window *out)
{
    write_sink *s = (write_sink *)base;
    (void)hint;
    if (s->chunk.capacity - s->chunk.length < RJ_CHUNK_MIN) {
        int rc = write_flush(base);
        if (rc < 0)
            return rc;
    }
    if (rjpy_bytes_chunk_prepare(&s->chunk) < 0)
        return RJ_ENOMEM;
    uint8_t *data = rjpy_bytes_chunk_data(&s->chunk);
    out->cur = data + s->chunk.length;
    out->end = data + s->chunk.capacity;
    return RJ_OK;
}

static int
write_take(rj_sink *base, size_t used)
{
    ((write_sink *)base)->chunk.length += used;
    return RJ_OK;
}

static void
write_close(rj_sink *base)
{
    rjpy_bytes_chunk_clear(&((write_sink *)base)->chunk);
}

static const rj_sink_ops write_ops = {write_lend, write_take, write_flush, NULL, write_close};

PyObject *
rjpy_fill_write(const rjpy_filler *filler, const rjpy_write_call *call)
{
    const rjpy_target *target = &call->target;
    rjpy_pace pace = {.progress = target->progress};
    write_sink s = {
        .base = {&write_ops, 0, RJ_OK, 0},
        .state = filler->state,
        .target = target,
        .write = call->write,
        .mode = call->mode,
        .answers = call->answers,
        .chunk = {.capacity = target->chunk_size},
        .decode_errors = filler->decode_errors,
        .pace = &pace,
        .count_characters = call->characters,
    };
    int rc = filler->run(filler->ctx, target, &s.base, &pace);
    uint64_t count = call->characters ? s.characters : s.base.accepted;
    rj_sink_free(&s.base);
    return rc < 0 ? NULL : rjpy_filler_result(filler->state, count);
}

PyObject *
rjpy_dump_write(rjpy_state *state, const rjpy_options *options, const rjpy_write_call *call)
{
    rjpy_encoding encoding = {state, options, call->obj};
    rjpy_filler filler = rjpy_encoding_filler(&encoding);
    return rjpy_fill_write(&filler, call);
}
