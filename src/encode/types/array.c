/* See array.h. */
#define _GNU_SOURCE 1 /* for stpcpy */
#include "encode/types/array.h"

#include <stdlib.h>

/* ---- the type */

/* No tp_clear: whoever walks the array holds it, and lets go of it. */
static int
array_traverse(PyObject *op, visitproc visit, void *arg)
{
    rjpy_array *a = (rjpy_array *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(a->capsule);
    Py_VISIT(a->buffer.obj);
    return 0;
}

static void
array_dealloc(PyObject *op)
{
    rjpy_array *a = (rjpy_array *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    Py_XDECREF(a->capsule);
    Py_XDECREF(a->hold);
    if (a->buffer.obj)
        PyBuffer_Release(&a->buffer);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyType_Slot array_slots[] = {
    {Py_tp_doc, (void *)PyDoc_STR("A view of an array that is being encoded.")},
    {Py_tp_dealloc, RJ_SLOT(array_dealloc)},
    {Py_tp_traverse, RJ_SLOT(array_traverse)},
    {0, NULL},
};

PyType_Spec rjpy_array_spec = {
    .name = "rjson._core.ArrayView",
    .basicsize = sizeof(rjpy_array),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = array_slots,
};

static rjpy_array *
new_array(rjpy_encoder *e)
{
    PyTypeObject *type = e->state->array_type;
    rjpy_own_ancestors(e); /* the allocation may start the garbage collector, and that finalizers */
    return (rjpy_array *)type->tp_alloc(type, 0);
}

/* Counts rows. A dimension without items ends the nesting: nothing is inside it. */
static rjpy_array *
with_shape(rjpy_array *a, int dimensions)
{
    for (int i = 0; i < dimensions; i++)
        if (a->shape[i] == 0)
            dimensions = i + 1;
    a->dimensions = dimensions;
    a->rows = 1;
    for (int i = 0; i + 1 < dimensions; i++)
        a->rows *= a->shape[i];
    a->columns = dimensions ? a->shape[dimensions - 1] : 1;
    return a;
}

/* No view: the items are of another kind. */
static rjpy_array *
no_numbers(rjpy_array *a)
{
    Py_DECREF(a);
    return NULL;
}

/* ---- the buffer interface */

static int
set_element_from_format(rjpy_array *a, const char *format)
{
    const uint16_t probe = 1;
    int big_endian_machine = *(const char *)&probe == 0;
    if (*format && strchr("@=<>!", *format)) {
        if (*format == '<' || *format == '>' || *format == '!')
            a->item.is_swapped = (*format != '<') != big_endian_machine;
        format++;
    }
    if (!*format || format[1])
        return 0;
    if (strchr("bhilqn", *format))
        a->item.element = RJ_ELEMENT_INT;
    else if (strchr("BHILQN", *format))
        a->item.element = RJ_ELEMENT_UINT;
    else if (*format == '?')
        a->item.element = RJ_ELEMENT_BOOL;
    else if (strchr("efd", *format))
        a->item.element = *format == 'e' ? RJ_ELEMENT_HALF : *format == 'f' ? RJ_ELEMENT_FLOAT : RJ_ELEMENT_DOUBLE;
    else
        return 0;
    return 1;
}

/* Of what the format may say, whatever the exporter says. */
static int
is_size_of_number(Py_ssize_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

rjpy_array *
rjpy_array_from_buffer(rjpy_encoder *e, PyObject *v)
{
    rjpy_array *a = new_array(e);
    if (!a || PyObject_GetBuffer(v, &a->buffer, PyBUF_FULL_RO) < 0) {
        Py_XDECREF(a);
        return NULL;
    }
    if (a->buffer.suboffsets || !set_element_from_format(a, a->buffer.format ? a->buffer.format : "B"))
        return no_numbers(a);
    if (!is_size_of_number(a->buffer.itemsize))
        return no_numbers(a);
    a->data = a->buffer.buf;
    a->item.size = (int)a->buffer.itemsize;
    a->shape = a->buffer.shape;
    a->strides = a->buffer.strides;
    return with_shape(a, a->buffer.ndim);
}

/* ---- numpy's array interface */

/* As its documentation lays it out. */
typedef struct array_interface {
    int two; /* a version check */
    int dimensions;
    char kind;
    int item_size;
    int flags;
    Py_ssize_t *shape, *strides;
    void *data;
    PyObject *description;
} array_interface;

#define NATIVE_BYTE_ORDER 0x200

/* The unit in "<M8[25s]". 0 if there is none. */
static int
parse_unit(rjpy_time_unit *unit, const char *type)
{
    static const struct {
        const char *name;
        int64_t seconds;
        int digits;
        char calendar;
    } units[] = {
        {"Y", 0, 0, 'Y'},     {"M", 0, 0, 'M'},  {"W", 7 * RJ__SECONDS_A_DAY, 0, 'D'},
        {"D", 86400, 0, 'D'}, {"h", 3600, 0, 0}, {"m", 60, 0, 0},
        {"s", 1, 0, 0},       {"ms", 0, 3, 0},   {"us", 0, 6, 0},
        {"ns", 0, 9, 0},      {"ps", 0, 12, 0},  {"fs", 0, 15, 0},
        {"as", 0, 18, 0},
    };
    const char *bracket = strchr(type, '[');
    unit->count = 0;
    if (!bracket)
        return 1;
    char *name;
    unit->count = strtoll(bracket + 1, &name, 10);
    if (name == bracket + 1)
        unit->count = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length = strlen(units[i].name);
        if (strncmp(name, units[i].name, length) == 0 && name[length] == ']') {
            unit->seconds = units[i].seconds;
            unit->digits = units[i].digits;
            unit->calendar = units[i].calendar;
            return 1;
        }
    }
    return 0;
}

/* The unit of an array of times: 1, 0 if it has one that is not known, -1 with an exception. Without a unit (count
 * is 0) there is nothing but NaT that means anything. */
static int
read_unit(rjpy_encoder *e, rjpy_array *a, PyObject *v)
{
    PyObject *dtype = PyObject_GetAttr(v, e->state->str_dtype);
    PyObject *name = dtype ? PyObject_GetAttrString(dtype, "str") : NULL;
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    int rc = text ? parse_unit(&a->unit, text) : -1;
    Py_XDECREF(dtype);
    Py_XDECREF(name);
    return rc;
}

/* 1 if the items are of a kind that is known, 0 if not, -1 with an exception. */
static int
set_element_from_kind(rjpy_encoder *e, rjpy_array *a, char kind, PyObject *v)
{
    switch (kind) {
    case 'b':
        a->item.element = RJ_ELEMENT_BOOL;
        return 1;
    case 'i':
        a->item.element = RJ_ELEMENT_INT;
        return a->item.size <= 8;
    case 'u':
        a->item.element = RJ_ELEMENT_UINT;
        return a->item.size <= 8;
    case 'f':
        a->item.element = a->item.size == 2   ? RJ_ELEMENT_HALF
                          : a->item.size == 4 ? RJ_ELEMENT_FLOAT
                          : a->item.size == 8 ? RJ_ELEMENT_DOUBLE
                                              : RJ_ELEMENT_LONG_DOUBLE;
        return a->item.size <= 8 || (a->item.size == sizeof(long double) && !a->item.is_swapped);
    case 'M':
    case 'm':
        a->item.element = kind == 'M' ? RJ_ELEMENT_DATETIME : RJ_ELEMENT_TIMEDELTA;
        return read_unit(e, a, v);
    default:
        return 0;
    }
}

rjpy_array *
rjpy_array_from_numpy(rjpy_encoder *e, PyObject *v)
{
    rjpy_array *a = new_array(e);
    if (!a)
        return NULL;
    rjpy_enter_python(e);
    a->capsule = PyObject_GetAttr(v, e->state->str_array_struct);
    const array_interface *from = a->capsule ? PyCapsule_GetPointer(a->capsule, NULL) : NULL;
    if (!from)
        return no_numbers(a);
    a->item.size = from->item_size;
    a->item.is_swapped = !(from->flags & NATIVE_BYTE_ORDER);
    if (from->two != 2 || set_element_from_kind(e, a, from->kind, v) <= 0)
        return no_numbers(a);
    a->data = from->data;
    a->shape = from->shape;
    a->strides = from->strides;
    return with_shape(a, from->dimensions);
}

/* ---- while other code runs */

void
rjpy_array_hold(rjpy_array *a, PyObject *owner)
{
    if (!a->capsule || a->hold || !PyType_SUPPORTS_WEAKREFS(Py_TYPE(owner)))
        return;
    a->hold = PyWeakref_NewRef(owner, NULL);
    PyErr_Clear(); /* without it, rjpy_array_look_again notices */
}

static int
is_alike(const rjpy_array *a, const rjpy_array *b)
{
    if (a->dimensions != b->dimensions || a->item.element != b->item.element || a->item.size != b->item.size ||
        a->item.is_swapped != b->item.is_swapped)
        return 0;
    for (int i = 0; i < a->dimensions; i++)
        if (a->shape[i] != b->shape[i])
            return 0;
    return 1;
}

int
rjpy_array_look_again(rjpy_encoder *e, rjpy_array *a, PyObject *owner)
{
    if (!a->capsule)
        return 0;
    rjpy_array *now = rjpy_array_from_numpy(e, owner);
    if (!now && PyErr_Occurred()) {
        rjpy_stop_error(e);
        return -1;
    }
    if (!now || !is_alike(a, now)) {
        Py_XDECREF(now);
        rjpy_fail(e, PyExc_RuntimeError, "%.200s changed its shape while it was being encoded", Py_TYPE(owner)->tp_name);
        return -1;
    }
    PyObject *before = a->capsule;
    a->capsule = now->capsule;
    a->data = now->data;
    a->shape = now->shape;
    a->strides = now->strides;
    now->capsule = before;
    Py_DECREF(now);
    return 0;
}

/* ---- positions */

const char *
rjpy_array_row(const rjpy_array *a)
{
    const char *at = a->data;
    Py_ssize_t row = a->row;
    for (int i = a->dimensions - 2; i >= 0; i--) {
        at += row % a->shape[i] * a->strides[i];
        row /= a->shape[i];
    }
    return at;
}

int
rjpy_array_ending(const rjpy_array *a)
{
    Py_ssize_t next = a->row + 1;
    int count = 1;
    for (int i = a->dimensions - 2; i >= 0 && next % a->shape[i] == 0; i--) {
        next /= a->shape[i];
        count++;
    }
    return count;
}

PyObject *
rjpy_array_position(const rjpy_array *a)
{
    Py_ssize_t row = a->row;
    PyObject *text = a->dimensions ? PyUnicode_FromFormat("[%zd]", a->column) : PyUnicode_FromString("");
    for (int i = a->dimensions - 2; i >= 0 && text; i--) {
        PyObject *longer = PyUnicode_FromFormat("[%zd]%U", row % a->shape[i], text);
        Py_DECREF(text);
        text = longer;
        row /= a->shape[i];
    }
    return text;
}

/* ---- items that are rare */

uint8_t *
rjpy_put_non_finite(rjpy_encoder *e, uint8_t *p, double value)
{
    const char *text = rjpy_non_finite(e, value);
    return text ? (uint8_t *)stpcpy((char *)p, text) : NULL;
}

/* Puts a point where the locale has whatever it has there, of any length. Returns where the number ends. */
static uint8_t *
without_locale(uint8_t *p, size_t length)
{
    size_t from = strspn((char *)p, "-0123456789"), to = from + strcspn((char *)p + from, "e0123456789");
    if (to == from)
        return p + length;
    p[from] = '.';
    memmove(p + from + 1, p + to, length - to);
    return p + from + 1 + length - to;
}

/* The shortest digits that read back as the same number, spelled as a float's. */
static uint8_t *
put_long_double(rjpy_encoder *e, uint8_t *p, const char *item)
{
    long double value;
    memcpy(&value, item, sizeof value);
    if (!(value - value == 0))
        return rjpy_put_non_finite(e, p, (double)value);
    int length = 0;
    for (int digits = 15; digits <= 36; digits++) {
        length = snprintf((char *)p, RJ_TYPE_TEXT_MAX, "%.*Lg", digits, value);
        if (strtold((char *)p, NULL) == value)
            break;
    }
    int is_whole = strspn((char *)p, "-0123456789") == (size_t)length;
    uint8_t *end = without_locale(p, (size_t)length);
    memcpy(end, ".0", 2);
    return end + 2 * is_whole;
}

__extension__ typedef __int128 wide;

/* A count of units as seconds and a part of one, rounded down. 0 if it is out of range. */
static int
to_clock(const rjpy_time_unit *unit, int64_t value, rj__clock *clock)
{
    wide total = (wide)value * unit->count, per_second = 1;
    for (int i = 0; i < unit->digits; i++)
        per_second *= 10;
    wide seconds = unit->seconds ? total * unit->seconds : total / per_second;
    wide rest = unit->seconds ? 0 : total % per_second;
    if (rest < 0) {
        rest += per_second;
        seconds--;
    }
    if (seconds > INT64_MAX || seconds < INT64_MIN)
        return 0;
    *clock = (rj__clock){(int64_t)seconds, (uint64_t)rest, unit->digits};
    return 1;
}

static uint8_t *
put_date_unit(uint8_t *p, const rjpy_time_unit *unit, int64_t value)
{
    if (value > 4000000 || value < -4000000) /* far outside in every unit */
        return NULL;
    int64_t n = value * unit->count;
    if (unit->calendar == 'D')
        return rj__put_days(p, n * (unit->seconds / RJ__SECONDS_A_DAY));
    return rj__put_days(p, rj__days_of_month(unit->calendar == 'Y' ? n * 12 : n));
}

static uint8_t *
fail_without_unit(rjpy_encoder *e, const char *type)
{
    return rjpy_fail(e, NULL, "%s without a unit is no time (only NaT is, which is null)", type);
}

static uint8_t *
put_datetime64(rjpy_encoder *e, uint8_t *p, const rjpy_array *a, int64_t value)
{
    if (a->unit.count == 0)
        return fail_without_unit(e, "datetime64");
    rj__clock clock;
    uint8_t *end = NULL;
    *p++ = '"';
    if (a->unit.calendar) {
        end = put_date_unit(p, &a->unit, value);
    }
    else if (to_clock(&a->unit, value, &clock)) {
        int64_t days = clock.seconds / RJ__SECONDS_A_DAY - (clock.seconds % RJ__SECONDS_A_DAY < 0);
        end = rj__put_days(p, days);
        if (end) {
            *end++ = 'T';
            clock.seconds -= days * RJ__SECONDS_A_DAY;
            end = rjpy_put_zone_of_naive(e, rjpy_put_time_of_day(e, end, &clock));
        }
    }
    if (!end)
        return rjpy_fail(e, NULL, "datetime64 outside the years 1 to 9999");
    *end = '"';
    return end + 1;
}

static uint8_t *
put_timedelta64(rjpy_encoder *e, uint8_t *p, const rjpy_array *a, int64_t value)
{
    rj__clock clock;
    int negative = value < 0;
    if (a->unit.count == 0)
        return fail_without_unit(e, "timedelta64");
    if (a->unit.calendar == 'Y' || a->unit.calendar == 'M')
        return rjpy_fail(e, NULL, "timedelta64 in years or months has no fixed length");
    if (!to_clock(&a->unit, negative ? -value : value, &clock))
        return rjpy_fail(e, NULL, "timedelta64 is too long");
    if (e->options->timedelta_as_seconds) {
        double scale = 1;
        for (int i = 0; i < clock.fraction_digits; i++)
            scale *= 10;
        double seconds = ((double)clock.seconds * scale + (double)clock.fraction) / scale;
        return rj__put_double(p, negative ? -seconds : seconds);
    }
    *p = '"';
    p = rj__put_duration(p + 1, negative, &clock);
    *p = '"';
    return p + 1;
}

uint8_t *
rjpy_put_rare_element(rjpy_encoder *e, uint8_t *p, const rjpy_array *a, const char *item)
{
    if (a->item.element == RJ_ELEMENT_BOOL) {
        int truth = rjpy_array_load(a->item, item) != 0;
        memcpy(p, truth ? "true" : "false", 5);
        return p + 5 - truth;
    }
    if (a->item.element == RJ_ELEMENT_HALF) {
        uint16_t bits = (uint16_t)rjpy_array_load(a->item, item);
        if ((bits & 0x7c00) != 0x7c00)
            return rj__put_half(p, bits);
        return rjpy_put_non_finite(e, p, bits & 0x3ff ? Py_NAN : bits >> 15 ? -Py_HUGE_VAL : Py_HUGE_VAL);
    }
    if (a->item.element == RJ_ELEMENT_LONG_DOUBLE)
        return put_long_double(e, p, item);
    int64_t value = (int64_t)rjpy_array_load(a->item, item);
    if (value == INT64_MIN) { /* not a time */
        memcpy(p, "null", 4);
        return p + 4;
    }
    return a->item.element == RJ_ELEMENT_DATETIME ? put_datetime64(e, p, a, value) : put_timedelta64(e, p, a, value);
}
