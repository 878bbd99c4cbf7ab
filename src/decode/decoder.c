/* The decoder's parts that do not depend on the instruction set: its memory, containers, numbers off the fast ways,
 * errors. */
#include "decode/decoder.h"

#include "cpython/str_access.h"

/* ---- memory */

/* Ctrl-C ends a long text too: 0, or -1 with what the signal's handler raised. */
static int
hear_signals(rjpy_decoder *d)
{
    d->unchecked = 0;
    if (PyErr_CheckSignals() == 0)
        return 0;
    d->interrupted = 1;
    return -1;
}

/* The walk comes to rjpy_decode_grow_values when so many more are on the stack, also where there is room. */
static void
set_limit(rjpy_decoder *d)
{
    size_t count = (size_t)(d->top - d->values), room = d->value_capacity - count;
    d->limit = d->top + (room < RJ_VALUES_PER_CHECK ? room : RJ_VALUES_PER_CHECK);
}

int
rjpy_decode_grow_values(rjpy_decoder *d)
{
    if (hear_signals(d) < 0)
        return -1;
    size_t count = (size_t)(d->top - d->values), capacity = d->value_capacity * 2;
    if (count < d->value_capacity) {
        set_limit(d);
        return 0;
    }
    PyObject **values = d->values == d->first_values ? PyMem_Malloc(capacity * sizeof *values)
                                                     : PyMem_Realloc(d->values, capacity * sizeof *values);
    if (!values) {
        PyErr_NoMemory();
        return -1;
    }
    if (d->values == d->first_values)
        memcpy(values, d->first_values, count * sizeof *values);
    d->values = values;
    d->top = values + count;
    d->value_capacity = capacity;
    set_limit(d);
    return 0;
}

int
rjpy_decode_grow_levels(rjpy_decoder *d)
{
    size_t capacity = d->level_capacity * 2;
    rjpy_level *levels = d->levels == d->first_levels ? PyMem_Malloc(capacity * sizeof *levels)
                                                      : PyMem_Realloc(d->levels, capacity * sizeof *levels);
    if (!levels) {
        PyErr_NoMemory();
        return -1;
    }
    if (d->levels == d->first_levels)
        memcpy(levels, d->first_levels, d->depth * sizeof *levels);
    d->levels = levels;
    d->level_capacity = capacity;
    return 0;
}

/* Before the scratch memory there is room for the header of a str, which it may become. */
static void *
scratch_block(const rjpy_decoder *d)
{
    return d->scratch ? d->scratch - RJ_STR_PREFIX : NULL;
}

int
rjpy_decode_grow_scratch(rjpy_decoder *d, size_t size)
{
    if (size <= d->scratch_size)
        return 0;
    size_t capacity = size + size / 2 + 256;
    uint8_t *block = PyObject_Realloc(scratch_block(d), RJ_STR_PREFIX + capacity);
    if (!block) {
        PyErr_NoMemory();
        return -1;
    }
    d->scratch = block + RJ_STR_PREFIX;
    d->scratch_size = capacity;
    return 0;
}

PyObject *
rjpy_decode_adopt_scratch(rjpy_decoder *d, size_t length)
{
    void *block = scratch_block(d), *exact = PyObject_Realloc(block, RJ_STR_PREFIX + length + 1);
    d->scratch = NULL;
    d->scratch_size = 0;
    return rjpy_str_adopt(exact ? exact : block, (Py_ssize_t)length, 1, 1);
}

/* ---- the text */

/* Where the piece that is about to end at `i` can: before a character that ends every token but a string. */
static size_t
end_of_piece(const rjpy_decoder *d, size_t i)
{
    int kind = (int)PyUnicode_KIND(d->str);
    const void *data = PyUnicode_DATA(d->str);
    for (; i < (size_t)(d->text_end - d->begin); i++) {
        Py_UCS4 c = PyUnicode_READ(kind, data, i);
        if ((c == '"' || c == ',' || c >= 0x80) && PyUnicode_READ(kind, data, i - 1) != '\\')
            break;
    }
    return i;
}

static void
narrow_to(rjpy_decoder *d, size_t from, size_t to)
{
    int kind = (int)PyUnicode_KIND(d->str);
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(d->held);
    d->state->narrow((const uint8_t *)PyUnicode_DATA(d->str) + from * (size_t)kind, kind, to - from, out + from);
    out[to] = 0;
    d->end = out + to;
}

/* The next piece, from there on. */
static void
narrow_piece(rjpy_decoder *d, size_t from)
{
    size_t left = (size_t)(d->text_end - d->begin) - from;
    narrow_to(d, from, left <= d->piece ? from + left : end_of_piece(d, from + d->piece));
}

/* What was left out too. */
static void
narrow_all(rjpy_decoder *d)
{
    if (d->held && d->str && d->begin != d->small) /* it is there piece by piece */
        narrow_to(d, 0, (size_t)(d->text_end - d->begin));
}

/* Vectors may read beyond a piece, but no further than the text. */
static void
set_safe_end(rjpy_decoder *d)
{
    const uint8_t *last = d->text_end - RJ_SCAN_MAX + 1;
    d->safe_end = d->end < last ? d->end : last;
}

void
rjpy_decode_more_from(rjpy_decoder *d, const uint8_t *p)
{
    if (p - d->end >= RJ_PIECE_MIN) /* there are long strings */
        d->piece = RJ_PIECE_BETWEEN_LONG;
    else if (d->piece < RJ_PIECE_MAX)
        d->piece *= 2;
    narrow_piece(d, (size_t)(p - d->begin));
    set_safe_end(d);
}

int
rjpy_decode_more(rjpy_decoder *d, const uint8_t *p)
{
    if (p != d->end || p == d->text_end)
        return 0;
    rjpy_decode_more_from(d, p);
    return 1;
}

static int
hold_bytes(rjpy_decoder *d, PyObject *bytes)
{
    d->held = bytes;
    if (!bytes)
        return -1;
    d->begin = (const uint8_t *)PyBytes_AS_STRING(bytes);
    d->end = d->text_end = d->begin + PyBytes_GET_SIZE(bytes);
    return 0;
}

static int
hold_str(rjpy_decoder *d, PyObject *str)
{
    if (RJ_STR_READY(str) < 0)
        return -1;
    d->str = Py_NewRef(str);
    Py_ssize_t length = PyUnicode_GET_LENGTH(str);
    if (PyUnicode_KIND(str) == PyUnicode_1BYTE_KIND) {
        d->begin = PyUnicode_1BYTE_DATA(str);
        d->end = d->text_end = d->begin + length;
        return 0;
    }
    if (hold_bytes(d, PyBytes_FromStringAndSize(NULL, length)) < 0)
        return -1;
    _Static_assert(RJ_PIECE_MIN >= RJ_SMALL_TEXT, "a small text is one piece");
    narrow_piece(d, 0);
    return 0;
}

static int
hold_text(rjpy_decoder *d, PyObject *text)
{
    if (PyBytes_Check(text))
        return hold_bytes(d, Py_NewRef(text));
    if (PyUnicode_Check(text))
        return hold_str(d, text);
    if (PyObject_CheckBuffer(text)) /* a copy: hooks could change the text, and it need not end in a zero */
        return hold_bytes(d, PyBytes_FromObject(text));
    const char *hint = PyObject_HasAttrString(text, "read")         ? " (rjson.load(fp) reads from a file)"
                       : PyObject_HasAttrString(text, "__fspath__") ? " (rjson.load_path(path) reads a file by its name)"
                                                                    : "";
    PyErr_Format(PyExc_TypeError, "the JSON text must be str, bytes, bytearray or another buffer of bytes, not %.200s%s",
                 Py_TYPE(text)->tp_name, hint);
    return -1;
}

/* Vectors may read past the end of short texts, which are all end, in a copy. */
static void
pad_small_text(rjpy_decoder *d)
{
    size_t length = (size_t)(d->text_end - d->begin);
    if (length <= RJ_SMALL_TEXT) {
        memcpy(d->small, d->begin, length);
        memset(d->small + length, 0, RJ_SCAN_MAX);
        d->begin = d->small;
        d->end = d->text_end = d->safe_end = d->small + length;
    }
    else {
        set_safe_end(d);
    }
}

static int
begin_decoder(rjpy_decoder *d, rjpy_state *state, const rjpy_decode_options *options)
{
    d->options = options;
    d->state = state;
    d->held = NULL;
    d->str = NULL;
    d->values = d->top = d->first_values;
    d->limit = d->first_values + RJ_FEW_VALUES;
    d->value_capacity = RJ_FEW_VALUES;
    d->unchecked = 0;
    d->interrupted = 0;
    d->levels = d->first_levels;
    d->depth = 0;
    d->level_capacity = RJ_FEW_LEVELS;
    d->scratch = NULL;
    d->scratch_size = 0;
    d->message = NULL;
    d->keys_missed = 0;
    d->last_number = RJ_SHORT_INTEGER;
    d->last_gap = 0;
    d->piece = RJ_PIECE_MIN;
    d->cache = rjpy_spares_take(&state->decode_caches);
    if (RJ__UNLIKELY(!d->cache) && !(d->cache = PyMem_Calloc(1, sizeof *d->cache))) {
        PyErr_NoMemory();
        return -1;
    }
    if (!RJ_FREE_THREADED)
        rjpy_spares_give(&state->decode_caches, d->cache);
    return 0;
}

int
rjpy_decoder_begin(rjpy_decoder *d, rjpy_state *state, const rjpy_decode_options *options, PyObject *text)
{
    if (begin_decoder(d, state, options) < 0 || hold_text(d, text) < 0)
        return -1;
    pad_small_text(d);
    d->cur = d->begin;
    return 0;
}

int
rjpy_decoder_begin_at(rjpy_decoder *d, rjpy_state *state, const rjpy_decode_options *options, const uint8_t *text,
                      size_t size)
{
    if (begin_decoder(d, state, options) < 0)
        return -1;
    d->begin = d->cur = text;
    d->end = d->text_end = d->safe_end = text + size;
    return 0;
}

void
rjpy_decoder_reset(rjpy_decoder *d)
{
    while (d->top > d->values)
        Py_DECREF(*--d->top);
    d->depth = 0;
    d->message = NULL;
}

void
rjpy_decoder_end(rjpy_decoder *d)
{
    rjpy_decoder_reset(d);
    if (d->values != d->first_values)
        PyMem_Free(d->values);
    if (d->levels != d->first_levels)
        PyMem_Free(d->levels);
    PyObject_Free(scratch_block(d));
    Py_XDECREF(d->held);
    Py_XDECREF(d->str);
    if (RJ_FREE_THREADED && d->cache && !rjpy_spares_give(&d->state->decode_caches, d->cache))
        rjpy_decode_cache_free(d->cache);
}

void
rjpy_decode_keep_key(rjpy_decoder *d, rjpy_cached_key *place, rjpy_cached_key key)
{
    rjpy_cached_key *end = place + RJ_KEY_PLACES;
    while (place < end && place->key)
        place++;
    if (place == end) {
        if (d->keys_missed++ >= RJ_KEYS_WELCOME && d->keys_missed % RJ_KEPT_KEY_RATIO != 0)
            return;
        place -= 1 + d->cache->keys_driven_out++ % RJ_KEY_PLACES; /* each in turn */
    }
    PyObject *old = place->key;
    *place = key;
    Py_INCREF(key.key);
    Py_XDECREF(old);
}

void
rjpy_decode_cache_free(rjpy_decode_cache *cache)
{
    for (size_t i = 0; i < RJ_KEY_CACHE_SIZE; i++)
        Py_XDECREF(cache->keys[i].key);
    rjpy_shapes_clear(cache->shapes);
    PyMem_Free(cache);
}

/* ---- errors */

void *
rjpy_decode_fail(rjpy_decoder *d, const char *message, const uint8_t *error)
{
    d->message = message;
    d->error = d->stop = error;
    return NULL;
}

int
rjpy_decode_too_deep(rjpy_decoder *d, const uint8_t *p)
{
    PyOS_snprintf(d->words, sizeof d->words, "Nested deeper than %zd levels; pass a larger max_depth to allow it",
                  d->options->max_depth);
    rjpy_decode_fail(d, d->words, p);
    return -1;
}

Py_ssize_t
rjpy_decode_position(const rjpy_decoder *d, const uint8_t *at)
{
    return d->str ? at - d->begin : (Py_ssize_t)rj__utf8_count(d->begin, (size_t)(at - d->begin));
}

PyObject *
rjpy_decode_raise(rjpy_decoder *d)
{
    if (!d->message)
        return NULL;
    PyObject *module = PyImport_ImportModule("rjson._decode_error");
    PyObject *type = module ? PyObject_GetAttrString(module, "DecodeError") : NULL;
    PyObject *text = !type    ? NULL
                     : d->str ? Py_NewRef(d->str)
                              : PyUnicode_DecodeUTF8((const char *)d->begin, d->end - d->begin, "replace");
    PyObject *error = text ? PyObject_CallFunction(type, "sOn", d->message, text, rjpy_decode_position(d, d->error)) : NULL;
    if (error)
        PyErr_SetObject(type, error);
    Py_XDECREF(error);
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(module);
    return NULL;
}

/* ---- containers */

/* Takes the values of the level that is being closed off the stack; they are the caller's then. */
static PyObject **
take_values(rjpy_decoder *d, size_t *count)
{
    PyObject **first = d->values + d->levels[--d->depth].first;
    *count = (size_t)(d->top - first);
    d->top = first;
    d->unchecked += *count + 1;
    return first;
}

static void
drop_values(PyObject **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        Py_DECREF(values[i]);
}

/* Calls `hook` with `argument` (consumed, or NULL). */
static PyObject *
call_hook(PyObject *hook, PyObject *argument)
{
    PyObject *result = argument ? PyObject_CallOneArg(hook, argument) : NULL;
    Py_XDECREF(argument);
    return result;
}

PyObject *
rjpy_decode_list(rjpy_decoder *d)
{
    if (RJ__UNLIKELY(d->unchecked >= RJ_VALUES_PER_CHECK) && hear_signals(d) < 0)
        return NULL;
    size_t count;
    PyObject **values = take_values(d, &count), *hook = d->options->array_hook;
    PyObject *list = PyList_New((Py_ssize_t)count);
    if (!list) {
        drop_values(values, count);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        PyList_SET_ITEM(list, (Py_ssize_t)i, values[i]);
    return RJ__UNLIKELY(hook != NULL) ? call_hook(hook, list) : list;
}

/* Keys and values in turn as a list of pairs; consumes them. */
static PyObject *
pairs_list(PyObject **values, size_t count)
{
    PyObject *list = PyList_New((Py_ssize_t)(count / 2));
    for (size_t i = 0; i < count; i += 2) {
        PyObject *pair = list ? PyTuple_Pack(2, values[i], values[i + 1]) : NULL;
        Py_DECREF(values[i]);
        Py_DECREF(values[i + 1]);
        if (pair)
            PyList_SET_ITEM(list, (Py_ssize_t)(i / 2), pair);
        else
            Py_CLEAR(list);
    }
    return list;
}

/* Behind the string that begins at `p`. */
static const uint8_t *
skip_string(const uint8_t *p)
{
    for (p++; *p != '"'; p++)
        p += *p == '\\';
    return p + 1;
}

/* Where the second of two equal keys is, in an object whose text is known to be sound. `values`: its keys and values
 * in turn. */
static const uint8_t *
second_of_equal_keys(const uint8_t *object, PyObject **values, size_t count)
{
    PyObject *seen = PySet_New(NULL);
    size_t member = 0;
    for (int is_new = 1; seen && member < count; member += 2) {
        is_new = PySet_Contains(seen, values[member]) == 0 && PySet_Add(seen, values[member]) == 0;
        if (!is_new)
            break;
    }
    Py_XDECREF(seen);
    PyErr_Clear(); /* of too little memory: then the object's beginning has to do */
    const uint8_t *p = object + 1;
    int depth = 0;
    for (size_t commas = 0; member < count && commas < member / 2; p++) {
        if (*p == '"')
            p = skip_string(p) - 1;
        depth += (*p == '[' || *p == '{') - (*p == ']' || *p == '}');
        commas += *p == ',' && depth == 0;
    }
    while (*p != '"')
        p++;
    return p;
}

static int
has_equal_keys(PyObject **values, size_t count)
{
    PyObject *set = PySet_New(NULL);
    for (size_t i = 0; set && i < count; i += 2)
        if (PySet_Add(set, values[i]) < 0)
            Py_CLEAR(set);
    int result = set ? PySet_GET_SIZE(set) < (Py_ssize_t)(count / 2) : -1;
    Py_XDECREF(set);
    return result;
}

PyObject *
rjpy_decode_dict(rjpy_decoder *d)
{
    const rjpy_decode_options *options = d->options;
    if (RJ__UNLIKELY(d->unchecked >= RJ_VALUES_PER_CHECK) && hear_signals(d) < 0)
        return NULL;
    size_t count;
    PyObject **values = take_values(d, &count);
    if (RJ__UNLIKELY(options->unique_keys)) {
        int repeated = has_equal_keys(values, count);
        if (repeated > 0) {
            narrow_all(d);
            rjpy_decode_fail(d, "Duplicate key", second_of_equal_keys(d->levels[d->depth].begin, values, count));
        }
        if (repeated) {
            drop_values(values, count);
            return NULL;
        }
    }
    if (options->object_pairs_hook)
        return call_hook(options->object_pairs_hook, pairs_list(values, count));
    PyObject *dict = rjpy_shapes_dict(d->cache->shapes, values, count / 2);
    return options->object_hook ? call_hook(options->object_hook, dict) : dict;
}

/* ---- numbers and constants */

static PyObject *
ascii_str(const uint8_t *begin, const uint8_t *end)
{
    return PyUnicode_FromStringAndSize((const char *)begin, end - begin);
}

PyObject *
rjpy_decode_long(rjpy_decoder *d, const uint8_t *begin, const uint8_t *end)
{
    PyObject *text = ascii_str(begin, end);
    if (d->options->parse_int)
        return call_hook(d->options->parse_int, text);
    PyObject *number = text ? PyLong_FromUnicodeObject(text, 10) : NULL;
    Py_XDECREF(text);
    if (!number && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        return rjpy_decode_fail(d, "Integer of more digits than sys.get_int_max_str_digits() allows (parse_int takes any)",
                                begin);
    }
    return number;
}

PyObject *
rjpy_decode_float(const rjpy_decoder *d, const uint8_t *begin, const uint8_t *end)
{
    return call_hook(d->options->parse_float, ascii_str(begin, end));
}

/* Stops by itself where the number ends: behind it is no digit, point or letter that a number could have. Out of
 * range is infinite, as for float(). */
double
rjpy_decode_double(const uint8_t *begin)
{
    char *end;
    return PyOS_string_to_double((const char *)begin, &end, NULL);
}

PyObject *
rjpy_decode_constant(rjpy_decoder *d, const uint8_t *p, const uint8_t **next)
{
    static const struct {
        const char *text;
        double value;
    } constants[] = {{"NaN", Py_NAN}, {"Infinity", Py_HUGE_VAL}, {"-Infinity", -Py_HUGE_VAL}};
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        size_t length = strlen(constants[i].text);
        if (strncmp((const char *)p, constants[i].text, length) != 0)
            continue;
        *next = p + length;
        if (d->options->parse_constant)
            return call_hook(d->options->parse_constant, ascii_str(p, *next));
        if (d->options->allow_nan)
            return PyFloat_FromDouble(constants[i].value);
        return rjpy_decode_fail(d, "NaN and Infinity are not JSON; pass allow_nan=True", p);
    }
    return rjpy_decode_fail(d, "Expecting value", p);
}

/* ---- documents */

int
rjpy_decode_runs_code(const rjpy_decode_options *o)
{
    return o->object_hook || o->object_pairs_hook || o->array_hook || o->parse_float || o->parse_int || o->parse_constant;
}

int
rjpy_decode_pause_collector(const rjpy_decode_options *options)
{
    /* Without the GIL it runs between bytecodes only; and what is switched here is every thread's. */
    return !RJ_FREE_THREADED && !rjpy_decode_runs_code(options) && PyGC_Disable();
}

void
rjpy_decode_resume_collector(int was_collecting)
{
    if (was_collecting)
        PyGC_Enable();
}

PyObject *
rjpy_decode_value(rjpy_decoder *d)
{
    return d->state->decode(d);
}

void
rjpy_decode_skip_mark(rjpy_decoder *d)
{
    if (!d->str && d->end - d->cur >= 3 && memcmp(d->cur, "\xEF\xBB\xBF", 3) == 0)
        d->cur += 3;
}

PyObject *
rjpy_decode_document(rjpy_decoder *d)
{
    rjpy_decode_skip_mark(d);
    PyObject *value = rjpy_decode_value(d);
    if (!value)
        return rjpy_decode_raise(d);
    while (rjpy_is_space(*d->cur))
        d->cur++;
    if (RJ__LIKELY(d->cur == d->text_end))
        return value;
    Py_DECREF(value);
    rjpy_decode_fail(d, "Extra data", d->cur);
    return rjpy_decode_raise(d);
}
