/* The encoder's context: windows, levels and ownership; everything about a walk that is not on its hot path. */
#include "encode/encoder.h"
#include "cpython/exceptions.h"
#include "cpython/long_access.h"
#include "cpython/str_access.h"
#include "encode/types/raw.h"

#include <stdarg.h>

/* ---- errors, recorded here and raised with their path at the end (raise.c) */

uint8_t *
rjpy_stop_error(rjpy_encoder *e)
{
    e->stop = RJ_STOP_ERROR;
    return NULL;
}

uint8_t *
rjpy_fail(rjpy_encoder *e, PyObject *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    Py_XDECREF(e->problem);
    e->problem = PyUnicode_FromFormatV(format, args); /* NULL with MemoryError, which is raised instead */
    va_end(args);
    e->problem_type = type ? type : e->state->encode_error;
    e->advice = NULL;
    return rjpy_stop_error(e);
}

/* ---- levels */

void
rjpy_own_ancestors(rjpy_encoder *e)
{
    for (; e->owned < e->native; e->owned++)
        Py_INCREF(e->levels[e->owned].obj);
}

void
rjpy_enter_python(rjpy_encoder *e)
{
    rjpy_own_ancestors(e);
    if (e->coop)
        e->coop->ran_python = 1;
}

static Py_ssize_t
depth(const rjpy_encoder *e)
{
    return (Py_ssize_t)e->frame_count + e->native;
}

void
rjpy_set_native_limit(rjpy_encoder *e)
{
    Py_ssize_t left = e->options->max_depth - (Py_ssize_t)e->frame_count;
    e->levels_end = e->levels + (left < 0 ? 0 : left < RJ_NATIVE_LEVELS ? left : RJ_NATIVE_LEVELS);
}

/* Whether `obj` is one of the outermost `native` levels of the native stack, or spilled. */
static int
is_open(const rjpy_encoder *e, int native, PyObject *obj)
{
    for (int i = 0; i < native; i++)
        if (e->levels[i].obj == obj)
            return 1;
    return rjpy_ptrset_has(&e->ancestors, obj);
}

static void
fail_circular(rjpy_encoder *e, PyObject *obj)
{
    rjpy_fail(e, NULL, "circular reference to a %.200s", Py_TYPE(obj)->tp_name);
}

static void
fail_too_deep(rjpy_encoder *e, PyObject *obj)
{
    rjpy_fail(e, PyExc_RecursionError, "nested deeper than max_depth=%zd, the innermost being a %.200s",
              e->options->max_depth, Py_TYPE(obj)->tp_name);
}

int
rjpy_has_depth_for(rjpy_encoder *e, PyObject *obj, int levels)
{
    if (depth(e) + levels <= e->options->max_depth)
        return 1;
    fail_too_deep(e, obj);
    return 0;
}

int
rjpy_refuse_entry(rjpy_encoder *e, uint8_t *cur, PyObject *obj)
{
    if (is_open(e, e->native, obj)) {
        fail_circular(e, obj);
    }
    else if (depth(e) >= e->options->max_depth) {
        fail_too_deep(e, obj);
    }
    else {
        e->cur = cur;
        e->stop = RJ_STOP_DEEP;
        rjpy_spill(e, RJ_FRAME_VALUE, obj, NULL, NULL, NULL, 0, 0);
    }
    return 0;
}

/* Levels that are recorded, and will not be opened. */
static void
drop_recorded_levels(rjpy_encoder *e)
{
    if (RJ_FREE_THREADED && e->interrupted)
        for (rjpy_walk_level *level = &e->levels[e->native]; level <= e->interrupted; level++)
            Py_DECREF(level->obj);
    e->interrupted = NULL;
}

int
rjpy_refuse_circle(rjpy_encoder *e)
{
    int native = e->native - 1;
    PyObject *obj = e->levels[native].obj;
    if (!is_open(e, native, obj))
        return 0;
    fail_circular(e, obj);
    Py_CLEAR(e->waiting);
    drop_recorded_levels(e);
    rjpy_leave(e);
    return 1;
}

int
rjpy_open_recorded_levels(rjpy_encoder *e)
{
    int innermost = (int)(e->interrupted - e->levels);
    while (e->native++ < innermost) {
        if (RJ_FREE_THREADED)
            e->owned = e->native; /* interrupt() held them */
        if (!rjpy_become_parent(e))
            return 0;
    }
    if (RJ_FREE_THREADED)
        e->owned = e->native;
    e->interrupted = NULL;
    return 1;
}

/* Makes the line break (after a separator, if an item comes before) the text at hand. */
static int
set_lead(rjpy_encoder *e, uint8_t *cur, int is_item)
{
    const rjpy_layout *layout = &e->options->layout;
    int follows = cur[-1] == ',';
    Py_ssize_t separator = is_item && follows ? layout->item_length : 0;
    Py_ssize_t spaces = e->level * layout->indent;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, separator + 1 + spaces);
    if (!bytes)
        return -1;
    uint8_t *p = (uint8_t *)PyBytes_AS_STRING(bytes);
    memcpy(p, layout->lead, (size_t)separator);
    p += separator;
    *p++ = '\n';
    for (Py_ssize_t i = 0; i < spaces; i++)
        p[i] = e->options->indent_unit[i % layout->indent_period];
    e->text = (rj__text){.data = PyBytes_AS_STRING(bytes), .length = (size_t)PyBytes_GET_SIZE(bytes), .kind = RJ__TEXT_RAW};
    e->text_owner = bytes;
    e->text_quoted = e->text_tail = 0;
    e->cur = cur - follows;
    e->stop = RJ_STOP_DEEP;
    return 0;
}

int
rjpy_break_before_item(rjpy_encoder *e, uint8_t *cur, PyObject *key, PyObject *value)
{
    if (set_lead(e, cur, 1) < 0)
        rjpy_stop_error(e);
    else if (key)
        rjpy_spill(e, RJ_FRAME_PAIR, value, NULL, key, value, 0, 0);
    else
        rjpy_spill(e, RJ_FRAME_VALUE, value, NULL, NULL, NULL, 0, 0);
    return 0;
}

uint8_t *
rjpy_break_line(rjpy_encoder *e, uint8_t *cur)
{
    return set_lead(e, cur, 1) < 0 ? rjpy_stop_error(e) : NULL;
}

uint8_t *
rjpy_break_before_bracket(rjpy_encoder *e, uint8_t *cur, uint8_t bracket)
{
    if (set_lead(e, cur, 0) < 0)
        return rjpy_stop_error(e);
    rjpy_spill(e, RJ_FRAME_CLOSE, Py_None, NULL, NULL, NULL, bracket, 0);
    return NULL;
}

/* Room for one more frame; -1 with MemoryError. */
static int
grow_frames(rjpy_encoder *e)
{
    if (e->frame_count < e->frame_capacity)
        return 0;
    size_t capacity = e->frame_capacity * 2;
    rjpy_frame *old = e->frames == e->inline_frames ? NULL : e->frames;
    rjpy_frame *frames = PyMem_Realloc(old, capacity * sizeof *frames);
    if (!frames) {
        PyErr_NoMemory();
        return -1;
    }
    if (!old)
        memcpy(frames, e->inline_frames, sizeof e->inline_frames);
    e->frames = frames;
    e->frame_capacity = capacity;
    return 0;
}

/* Whether the object of such a frame has been entered. */
static int
is_level(rjpy_frame_kind kind)
{
    return kind != RJ_FRAME_VALUE && kind != RJ_FRAME_PAIR && kind != RJ_FRAME_CLOSE;
}

void
rjpy_spill(rjpy_encoder *e, rjpy_frame_kind kind, PyObject *obj, PyObject *iterator, PyObject *key, PyObject *value,
           Py_ssize_t pos, Py_ssize_t used)
{
    if (e->stop == RJ_STOP_ERROR && (e->problem_lost || grow_frames(e) < 0)) {
        /* The path will be incomplete; the error itself counts. */
        e->problem_lost = 1;
        return;
    }
    if (grow_frames(e) < 0 || (is_level(kind) && rjpy_ptrset_add(&e->ancestors, obj) < 0)) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        e->stop = RJ_STOP_ERROR;
        e->problem_lost = 1;
        return;
    }
    e->frames[e->frame_count++] = (rjpy_frame){
        Py_NewRef(obj), Py_XNewRef(iterator), Py_XNewRef(key), Py_XNewRef(value), pos, used, kind,
    };
}

rjpy_frame
rjpy_pop_frame(rjpy_encoder *e)
{
    rjpy_frame f = e->frames[--e->frame_count];
    if (is_level(f.kind))
        rjpy_ptrset_remove(&e->ancestors, f.obj);
    rjpy_set_native_limit(e);
    return f;
}

void
rjpy_clear_frame(rjpy_frame *f)
{
    Py_CLEAR(f->obj);
    Py_CLEAR(f->iterator);
    Py_CLEAR(f->key);
    Py_CLEAR(f->value);
}

void
rjpy_order_frames(rjpy_encoder *e, size_t mark)
{
    for (size_t i = mark, j = e->frame_count; i + 1 < j; i++) {
        rjpy_frame f = e->frames[i];
        e->frames[i] = e->frames[--j];
        e->frames[j] = f;
    }
}

/* ---- windows */

uint8_t *
rjpy_open_window(rjpy_encoder *e, size_t hint)
{
    rj_window w;
    int rc = rj_sink_lend(e->sink, hint, &w);
    if (rc == RJ_PAUSE) {
        e->stop = RJ_STOP_PAUSE;
        return NULL;
    }
    if (rc < 0)
        return rjpy_stop_error(e);
    e->start = w.cur;
    e->end = w.end - w.cur > RJ_WINDOW_MAX ? w.cur + RJ_WINDOW_MAX : w.end;
    if (e->held_back) {
        *w.cur++ = e->held;
        e->held_back = 0;
    }
    return w.cur;
}

/* 0, or -1 when the sink failed. */
static int
give_window_back(rjpy_encoder *e, const uint8_t *cur, int hold)
{
    rjpy_own_ancestors(e);
    hold = hold && cur[-1] < 0x80; /* the end of a separator may be a part of a character */
    if (hold)
        e->held = cur[-1];
    e->held_back = hold;
    const size_t used = (size_t)(cur - e->start) - (size_t)hold;
    e->given += used;
    return rj_sink_take(e->sink, used) < 0 ? -1 : 0;
}

uint8_t *
rjpy_next_window(rjpy_encoder *e, uint8_t *cur, int hold, size_t hint)
{
    if (give_window_back(e, cur, hold) < 0)
        return rjpy_stop_error(e);
    int rc = e->on_window ? e->on_window(e) : 0;
    if (rc < 0)
        return rjpy_stop_error(e);
    if (rc > 0) {
        e->stop = RJ_STOP_PAUSE;
        return NULL;
    }
    return rjpy_open_window(e, hint);
}

uint8_t *
rjpy_pause_here(rjpy_encoder *e, uint8_t *cur, rjpy_pause_reason reason)
{
    e->coop->reason = reason;
    if (give_window_back(e, cur, cur > e->start) < 0)
        return rjpy_stop_error(e);
    e->stop = RJ_STOP_PAUSE;
    return NULL;
}

/* ---- values that need Python's help */

int
rjpy_text_from_str(rjpy_encoder *e, PyObject *str, rj__text *text)
{
    static const rj__text_kind kinds[] = {[1] = RJ__TEXT_LATIN1, [2] = RJ__TEXT_UCS2, [4] = RJ__TEXT_UCS4};
    if (RJ_STR_READY(str) < 0)
        return -1;
    text->position = 0;
    text->surrogates = (rj__surrogates)e->options->surrogates;
    text->ascii = e->options->ensure_ascii;
    text->data = PyUnicode_DATA(str);
    text->length = (size_t)PyUnicode_GET_LENGTH(str);
    text->kind = kinds[PyUnicode_KIND(str)];
    if (text->ascii)
        return 0;
    if (PyUnicode_IS_ASCII(str)) {
        text->kind = RJ__TEXT_BYTES;
        return 0;
    }
    e->non_ascii = 1;
    if (e->str_sink) {
        if (text->kind == RJ__TEXT_LATIN1)
            text->kind = RJ__TEXT_BYTES;
        return 0;
    }
    size_t length;
    const uint8_t *utf8 = rjpy_str_kept_utf8(str, &length);
    if (utf8) {
        text->kind = RJ__TEXT_UTF8;
        text->data = utf8;
        text->length = length;
    }
    return 0;
}

uint8_t *
rjpy_widen_output(rjpy_encoder *e, uint8_t *cur, int width)
{
    if (rj_sink_take(e->sink, (size_t)(cur - e->start)) < 0 || rjpy_str_sink_widen(e->str_sink, width) < 0)
        return rjpy_stop_error(e);
    return rjpy_open_window(e, 0);
}

PyObject *
rjpy_raw_str(PyObject *raw)
{
    PyObject *bytes = rjpy_raw_bytes(raw);
    return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), NULL);
}

PyObject *
rjpy_int_text(rjpy_encoder *e, PyObject *v)
{
    rjpy_own_ancestors(e); /* its exception may start the garbage collector, and that finalizers; and signals are heard */
    if (RJ__LIKELY(!rjpy_long_is_huge(v)))
        return PyLong_Type.tp_repr(v);
    if (!e->cache->digits_of) {
        PyObject *module = PyImport_ImportModule("rjson._digits");
        e->cache->digits_of = module ? PyObject_GetAttrString(module, "digits") : NULL;
        Py_XDECREF(module);
    }
    PyObject *plain = PyLong_Type.tp_as_number->nb_positive(v); /* of exact type, whatever methods a subclass has */
    PyObject *text = plain && e->cache->digits_of ? PyObject_CallOneArg(e->cache->digits_of, plain) : NULL;
    Py_XDECREF(plain);
    return text;
}

const char *
rjpy_non_finite(rjpy_encoder *e, double value)
{
    const char *text = value != value ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    if (e->options->allow_nan == RJ_NAN_LITERAL)
        return text;
    if (e->options->allow_nan == RJ_NAN_NULL)
        return "null";
    rjpy_fail(e, NULL, "float %s is not JSON (allow_nan=True writes it all the same, allow_nan=\"null\" as null)", text);
    return NULL;
}

uint8_t *
rjpy_fail_large_integer(rjpy_encoder *e)
{
    if (e->options->integer_max == INT64_MAX)
        return rjpy_fail(e, NULL,
                         "int is outside of int64, -2**63 to 2**63 - 1 (integers=\"exact\" writes it all the same, "
                         "integers=\"string\" as a string)");
    return rjpy_fail(e, NULL,
                     "int is beyond what JavaScript holds exactly, 2**53 - 1 (integers=\"exact\" writes it all the "
                     "same, integers=\"string\" as a string)");
}

/* What to do about an object that cannot be encoded. */
static const char *
advice_for(const rjpy_encoder *e, PyObject *obj)
{
    if (PyAnySet_Check(obj) && !e->options->sets_as_arrays)
        return "pass sets=\"array\"";
    if (PyBytes_Check(obj))
        return "pass default=, for example default=bytes.decode";
    if (rjpy_is_async_iterable(obj) && !rjpy_coop_awaits(e->coop))
        return "rjson.aio writes async iterators";
    if (rjpy_is_awaitable(obj))
        return "await it first";
    return "pass default=, for example default=str";
}

/* Notes that `default` is asked what to write at `cur`. 0 if it has been asked that too often (e->stop is ERROR). */
static int
note_default(rjpy_encoder *e, const uint8_t *cur, PyObject *obj)
{
    const uint64_t at = e->given + (uint64_t)(cur - e->start);
    e->default_chain = at == e->default_at ? e->default_chain + 1 : 1;
    e->default_at = at;
    if (RJ__LIKELY(e->default_chain <= RJ_DEFAULT_CHAIN))
        return 1;
    rjpy_fail(e, PyExc_RecursionError,
              "default has returned what it is asked about again %d times in a row, the last of them a %.200s",
              RJ_DEFAULT_CHAIN, Py_TYPE(obj)->tp_name);
    return 0;
}

PyObject *
rjpy_call_default(rjpy_encoder *e, const uint8_t *cur, PyObject *obj)
{
    if (!e->options->default_) {
        rjpy_fail(e, NULL, "object of type %.200s is not JSON serializable", Py_TYPE(obj)->tp_name);
        e->advice = advice_for(e, obj);
        return NULL;
    }
    if (!note_default(e, cur, obj))
        return NULL;
    rjpy_enter_python(e);
    PyObject *result = PyObject_CallOneArg(e->options->default_, obj);
    if (!result)
        rjpy_stop_error(e);
    return result;
}

PyObject *
rjpy_dict_subclass_pairs(rjpy_encoder *e, PyObject *dict, int *direct)
{
    *direct = 0;
    PyObject *own = PyObject_GetAttr((PyObject *)Py_TYPE(dict), e->state->str_items);
    if (!own)
        return NULL;
    *direct = own == e->state->dict_items;
    Py_DECREF(own);
    if (*direct)
        return NULL;
    PyObject *items = PyObject_CallMethodNoArgs(dict, e->state->str_items);
    if (!items)
        return NULL;
    PyObject *iterator = PyObject_GetIter(items);
    Py_DECREF(items);
    return iterator;
}

int
rjpy_next_pair(rjpy_encoder *e, PyObject *iterator, PyObject **key, PyObject **value)
{
    rjpy_enter_python(e);
    PyObject *pair = PyIter_Next(iterator);
    if (!pair) {
        if (!PyErr_Occurred())
            return 0;
        e->problem_in_key = 1;
        rjpy_stop_error(e);
        return -1;
    }
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
        e->problem_in_key = 1;
        rjpy_fail(e, NULL, "items() must yield 2-tuples, not %.200s", Py_TYPE(pair)->tp_name);
        Py_DECREF(pair);
        return -1;
    }
    *key = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    *value = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
    return 1;
}

/* ---- the cache */

int
rjpy_encode_cache_traverse(rjpy_encode_cache *cache, visitproc visit, void *arg)
{
    Py_VISIT(cache->digits_of);
    Py_VISIT(cache->fixed_zone);
    return rjpy_plan_cache_traverse(&cache->plans, visit, arg);
}

void
rjpy_encode_cache_clear(rjpy_encode_cache *cache)
{
    rjpy_plan_cache_clear(&cache->plans);
    for (size_t i = 0; i < RJ_KEY_ORDERS; i++)
        rjpy_key_order_clear(&cache->key_orders[i]);
    Py_CLEAR(cache->digits_of);
    Py_CLEAR(cache->fixed_zone);
}

/* ---- life */

/* All but the arrays at the end. In pieces: compilers make one string instruction of the whole, which takes longer
 * to start than all of these take. */
static void
clear_fields(rjpy_encoder *e)
{
    enum { PIECE = 64 };
    _Static_assert(sizeof e->levels >= PIECE, "the last piece may reach into it");
    for (size_t i = 0; i < offsetof(rjpy_encoder, levels); i += PIECE)
        memset((char *)e + i, 0, PIECE);
}

/* Its own cache is behind it, where it has one. */
#define CONTEXT_SIZE (sizeof(rjpy_encoder) + (RJ_FREE_THREADED ? sizeof(rjpy_encode_cache) : 0))

rjpy_encoder *
rjpy_encoder_acquire(rjpy_state *state, const rjpy_options *options, PyObject *root, rj_sink *sink)
{
    rjpy_encoder *e = rjpy_spares_take(&state->encoders);
    if (!e) {
        e = PyMem_Malloc(CONTEXT_SIZE);
        if (!e) {
            PyErr_NoMemory();
            return NULL;
        }
        memset(e->parents_at, 0, sizeof e->parents_at);
        if (RJ_FREE_THREADED)
            memset(e + 1, 0, sizeof(rjpy_encode_cache));
    }
    clear_fields(e);
    e->state = state;
    e->cache = RJ_FREE_THREADED ? (rjpy_encode_cache *)(void *)(e + 1) : &state->encoding;
    e->options = options;
    e->sink = sink;
    e->root = root;
    e->frames = e->inline_frames;
    e->frame_capacity = RJ_INLINE_FRAMES;
    e->non_ascii = !options->layout.is_ascii;
    rjpy_set_native_limit(e);
    return e;
}

/* What a document that was not completed leaves behind. */
static void
drop_references(rjpy_encoder *e)
{
    PyObject *exception = rjpy_take_exception(); /* what is dropped here may run code of its own */
    while (e->frame_count > 0)
        rjpy_clear_frame(&e->frames[--e->frame_count]);
    Py_CLEAR(e->text_owner);
    Py_CLEAR(e->problem);
    rjpy_set_exception(exception);
}

void
rjpy_encoder_release(rjpy_encoder *e)
{
    if (RJ__UNLIKELY(e->frame_count || e->text_owner || e->problem))
        drop_references(e);
    if (e->frames != e->inline_frames)
        PyMem_Free(e->frames);
    if (e->ancestors.slots)
        rjpy_ptrset_free(&e->ancestors);
    if (!rjpy_spares_give(&e->state->encoders, e))
        rjpy_encoder_free(e);
}

void
rjpy_encoder_free(rjpy_encoder *e)
{
    if (RJ_FREE_THREADED)
        rjpy_encode_cache_clear(e->cache);
    PyMem_Free(e);
}

int
rjpy_encoder_traverse(rjpy_encoder *e, visitproc visit, void *arg)
{
    for (size_t i = 0; i < e->frame_count; i++) {
        Py_VISIT(e->frames[i].obj);
        Py_VISIT(e->frames[i].iterator);
        Py_VISIT(e->frames[i].key);
        Py_VISIT(e->frames[i].value);
    }
    Py_VISIT(e->text_owner);
    return RJ_FREE_THREADED ? rjpy_encode_cache_traverse(e->cache, visit, arg) : 0;
}

PyObject *
rjpy_encoder_open_sources(const rjpy_encoder *e)
{
    PyObject *sources = PyList_New(0);
    for (size_t i = e->frame_count; i-- > 0 && sources;) {
        rjpy_frame_kind kind = e->frames[i].kind;
        int is_source = kind == RJ_FRAME_ITERATOR || kind == RJ_FRAME_ASYNC || kind == RJ_FRAME_PAIRS;
        if (is_source && PyList_Append(sources, e->frames[i].iterator) < 0)
            Py_CLEAR(sources);
    }
    return sources;
}

rjpy_run
rjpy_encoder_run(rjpy_encoder *e)
{
    return (rjpy_run)(e->options->styled ? e->state->encode_styled(e) : e->state->encode(e));
}
