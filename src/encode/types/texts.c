/* See texts.h. Dates and times are spelled by RFC 3339, durations by ISO 8601-1:2019 (5.5.2), UUIDs by RFC 9562. */
#include "encode/types/texts.h"

#include "cpython/long_access.h"
#include "cpython/str_access.h"

#include <datetime.h>

static const PyDateTime_CAPI *
datetime_api_of(const rjpy_state *state)
{
    return __atomic_load_n(&state->datetime_api, __ATOMIC_ACQUIRE);
}

#define MICROSECONDS INT64_C(1000000)
#define MICROSECONDS_A_DAY (RJ__SECONDS_A_DAY * MICROSECONDS)
#define MICROSECONDS_A_MINUTE (60 * MICROSECONDS)

/* ---- times of the day */

RJ__INLINE uint8_t *
put_microseconds(const rjpy_encoder *e, uint8_t *p, unsigned microseconds)
{
    if (microseconds == 0 || e->options->omit_microseconds)
        return p;
    unsigned thousands = microseconds / 1000;
    *p = '.';
    rj__put_3digits(rj__put_3digits(p + 1, thousands), microseconds - thousands * 1000);
    return p + 7;
}

uint8_t *
rjpy_put_time_of_day(const rjpy_encoder *e, uint8_t *p, const rj__clock *clock)
{
    p = rj__put_time_of_day(p, (unsigned)clock->seconds);
    return e->options->omit_microseconds ? p : rj__put_fraction(p, clock);
}

/* ---- offsets from UTC */

uint8_t *
rjpy_put_zone_of_naive(const rjpy_encoder *e, uint8_t *p)
{
    return e->options->naive_utc ? rj__put_offset(p, 0, e->options->utc_z) : p;
}

int
rjpy_fail_offset(rjpy_encoder *e)
{
    PyErr_SetString(PyExc_ValueError,
                    "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24).");
    rjpy_stop_error(e);
    return -1;
}

/* What zone.utcoffset(v) says: 1 and microseconds, less than a day; 0 for None; -1 when the walk stops. `v`: NULL
 * for a time, which has no date. */
static int
ask_zone(rjpy_encoder *e, PyObject *zone, PyObject *v, int64_t *offset)
{
    rjpy_enter_python(e);
    Py_INCREF(zone);
    PyObject *delta = PyObject_CallMethodOneArg(zone, e->state->str_utcoffset, v ? v : Py_None);
    Py_DECREF(zone);
    if (!delta || delta == Py_None) {
        Py_XDECREF(delta);
        return delta ? 0 : (rjpy_stop_error(e), -1);
    }
    if (!PyObject_TypeCheck(delta, datetime_api_of(e->state)->DeltaType)) {
        rjpy_fail(e, PyExc_TypeError, "utcoffset() must return a timedelta or None, not %.200s", Py_TYPE(delta)->tp_name);
        Py_DECREF(delta);
        return -1;
    }
    int days = PyDateTime_DELTA_GET_DAYS(delta); /* up to 10^9 of them, which are more microseconds than 64 bits count */
    int64_t rest = PyDateTime_DELTA_GET_SECONDS(delta) * MICROSECONDS + PyDateTime_DELTA_GET_MICROSECONDS(delta);
    Py_DECREF(delta);
    *offset = rest + (days == -1 ? -MICROSECONDS_A_DAY : 0);
    return days == 0 || (days == -1 && rest > 0) ? 1 : rjpy_fail_offset(e);
}

/* The offset that ask_zone gives. A datetime.timezone has one offset for ever, so the last of them is remembered. */
static int
utc_offset(rjpy_encoder *e, PyObject *zone, PyObject *v, int64_t *offset)
{
    rjpy_encode_cache *cache = e->cache;
    PyObject *utc = datetime_api_of(e->state)->TimeZone_UTC;
    *offset = 0;
    if (zone == Py_None || zone == utc)
        return zone == utc;
    if (zone == cache->fixed_zone) {
        *offset = cache->fixed_offset;
        return 1;
    }
    int rc = ask_zone(e, zone, v, offset);
    if (rc == 1 && Py_IS_TYPE(zone, Py_TYPE(utc))) {
        Py_XSETREF(cache->fixed_zone, Py_NewRef(zone));
        cache->fixed_offset = *offset;
    }
    return rc;
}

/* ---- datetimes */

RJ__INLINE uint8_t *
put_datetime_fields(const rjpy_encoder *e, uint8_t *p, PyObject *v)
{
    p = rj__put_date(p, (unsigned)PyDateTime_GET_YEAR(v), PyDateTime_GET_MONTH(v), PyDateTime_GET_DAY(v));
    *p++ = 'T';
    p = rj__put_hms(p, PyDateTime_DATE_GET_HOUR(v), PyDateTime_DATE_GET_MINUTE(v), PyDateTime_DATE_GET_SECOND(v));
    return put_microseconds(e, p, (unsigned)PyDateTime_DATE_GET_MICROSECOND(v));
}

static rjpy_moment
moment_of(PyObject *v, unsigned nanoseconds)
{
    int64_t months = (PyDateTime_GET_YEAR(v) - 1970) * 12 + PyDateTime_GET_MONTH(v) - 1;
    int64_t seconds =
        (PyDateTime_DATE_GET_HOUR(v) * 60 + PyDateTime_DATE_GET_MINUTE(v)) * 60 + PyDateTime_DATE_GET_SECOND(v);
    return (rjpy_moment){rj__days_of_month(months) + PyDateTime_GET_DAY(v) - 1,
                         seconds * MICROSECONDS + PyDateTime_DATE_GET_MICROSECOND(v), nanoseconds};
}

/* NULL if it is in none of the years 1 to 9999. `microseconds`: of the day, at most one day more or less than there
 * are in it. */
static uint8_t *
put_moment(const rjpy_encoder *e, uint8_t *p, rjpy_moment m)
{
    int64_t carry = (m.microseconds >= MICROSECONDS_A_DAY) - (m.microseconds < 0);
    m.microseconds -= carry * MICROSECONDS_A_DAY;
    p = rj__put_days(p, m.days + carry);
    if (!p)
        return NULL;
    *p = 'T';
    uint64_t part = (uint64_t)(m.microseconds % MICROSECONDS);
    return rjpy_put_time_of_day(e, p + 1, &(rj__clock){m.microseconds / MICROSECONDS, part * 1000 + m.nanoseconds, 9});
}

/* RFC 3339 has offsets of whole minutes. Others (local mean times of long ago) become the nearest of these with
 * which the date is one that can be written, and the time moves with it: the same instant, as in the example of its
 * section 5.8. */
static uint8_t *
put_at_whole_minutes(rjpy_encoder *e, uint8_t *p, rjpy_moment m, int64_t offset)
{
    int below = (int)((offset + MICROSECONDS_A_DAY) / MICROSECONDS_A_MINUTE) - 24 * 60;
    int nearest = below + (offset - below * MICROSECONDS_A_MINUTE >= MICROSECONDS_A_MINUTE / 2);
    int others[] = {nearest, below, below + 1};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        rjpy_moment moved = m;
        moved.microseconds += others[i] * MICROSECONDS_A_MINUTE - offset;
        uint8_t *end = abs(others[i]) < 24 * 60 ? put_moment(e, p, moved) : NULL;
        if (end)
            return rj__put_offset(end, others[i], e->options->utc_z);
    }
    return rjpy_fail(e, NULL, "datetime outside the years 1 to 9999"); /* at offsets of nearly a day */
}

RJ__INLINE uint8_t *
put_zone(const rjpy_encoder *e, uint8_t *p, int has_zone, int64_t offset)
{
    return has_zone ? rj__put_offset(p, (int)(offset / MICROSECONDS_A_MINUTE), e->options->utc_z)
                    : rjpy_put_zone_of_naive(e, p);
}

uint8_t *
rjpy_put_datetime_at(rjpy_encoder *e, uint8_t *p, rjpy_moment m, int has_zone, int64_t offset)
{
    if (offset % MICROSECONDS_A_MINUTE)
        return put_at_whole_minutes(e, p, m, offset);
    return put_zone(e, put_moment(e, p, m), has_zone, offset);
}

static uint8_t *
put_datetime(rjpy_encoder *e, uint8_t *p, PyObject *v, unsigned nanoseconds)
{
    int64_t offset;
    int rc = utc_offset(e, PyDateTime_DATE_GET_TZINFO(v), v, &offset);
    if (rc < 0)
        return NULL;
    if (RJ__UNLIKELY(nanoseconds || offset % MICROSECONDS_A_MINUTE))
        return rjpy_put_datetime_at(e, p, moment_of(v, nanoseconds), rc, offset);
    return put_zone(e, put_datetime_fields(e, p, v), rc, offset);
}

/* Whether RFC 3339 can say it: it has offsets of whole minutes. */
static int
check_time_offset(rjpy_encoder *e, int64_t offset)
{
    if (offset % MICROSECONDS_A_MINUTE == 0)
        return 1;
    rjpy_fail(e, NULL, "time with an offset of %d seconds: RFC 3339 has offsets of whole minutes",
              (int)(offset / MICROSECONDS));
    return 0;
}

uint8_t *
rjpy_put_time_at(rjpy_encoder *e, uint8_t *p, rjpy_moment m, int has_zone, int64_t offset)
{
    if (!check_time_offset(e, offset))
        return NULL;
    rj__clock clock = {m.microseconds / MICROSECONDS, (uint64_t)(m.microseconds % MICROSECONDS), 6};
    return put_zone(e, rjpy_put_time_of_day(e, p, &clock), has_zone, offset);
}

static uint8_t *
put_time(rjpy_encoder *e, uint8_t *p, PyObject *v)
{
    int64_t offset;
    int rc = utc_offset(e, PyDateTime_TIME_GET_TZINFO(v), NULL, &offset);
    if (rc < 0 || !check_time_offset(e, offset))
        return NULL;
    p = rj__put_hms(p, PyDateTime_TIME_GET_HOUR(v), PyDateTime_TIME_GET_MINUTE(v), PyDateTime_TIME_GET_SECOND(v));
    return put_zone(e, put_microseconds(e, p, (unsigned)PyDateTime_TIME_GET_MICROSECOND(v)), rc, offset);
}

/* ---- durations */

uint8_t *
rjpy_put_timedelta(uint8_t *p, int64_t seconds, int microseconds)
{
    int negative = seconds < 0;
    if (negative) {
        seconds = -seconds - (microseconds > 0);
        microseconds = microseconds > 0 ? 1000000 - microseconds : 0;
    }
    return rj__put_duration(p, negative, &(rj__clock){seconds, (uint64_t)microseconds, 6});
}

static uint8_t *
put_timedelta(uint8_t *p, PyObject *v)
{
    int64_t seconds = (int64_t)PyDateTime_DELTA_GET_DAYS(v) * RJ__SECONDS_A_DAY + PyDateTime_DELTA_GET_SECONDS(v);
    return rjpy_put_timedelta(p, seconds, PyDateTime_DELTA_GET_MICROSECONDS(v));
}

/* ---- UUIDs */

/* The eight hexadecimal digits of n, as bytes of a number whose lowest comes first. */
static uint64_t
hex8(uint32_t n)
{
    uint64_t x = __builtin_bswap32(n);
    x = (x & 0xffff) | (x & 0xffff0000) << 16; /* two bytes to a half */
    x = (x & 0x000000ff000000ff) | (x & 0x0000ff000000ff00) << 8;
    x = (x >> 4 & 0x000f000f000f000f) | (x & 0x000f000f000f000f) << 8; /* a digit to a byte */
    uint64_t is_letter = (x + 0x0606060606060606) >> 4 & 0x0101010101010101;
    return x + 0x3030303030303030 + is_letter * ('a' - '0' - 10);
}

static uint8_t *
put_uuid(rjpy_encoder *e, uint8_t *p, const rjpy_plan *plan, PyObject *v)
{
    uint32_t words[4];
    PyObject *number = rjpy_field_value(&plan->fields[0], v);
    int rc = number ? rjpy_long_to_128_bits(number, words) : -1;
    Py_XDECREF(number);
    if (rc < 0)
        return rjpy_stop_error(e);
    uint8_t hex[32];
    for (int i = 0; i < 4; i++)
        rj__store8(hex + 8 * i, hex8(words[i]));
    memcpy(p, hex, 8);
    memcpy(p + 9, hex + 8, 4);
    memcpy(p + 14, hex + 12, 4);
    memcpy(p + 19, hex + 16, 4);
    memcpy(p + 24, hex + 20, 12);
    p[8] = p[13] = p[18] = p[23] = '-';
    return p + 36;
}

/* ---- all of them */

rjpy_datetime_kind
rjpy_datetime_kind_of(rjpy_state *state, rjpy_form form, PyTypeObject *type)
{
    (void)PyDateTimeAPI; /* the header's own, for the whole process */
    const PyDateTime_CAPI *api = datetime_api_of(state);
    if (!api) {
        api = PyCapsule_Import(PyDateTime_CAPSULE_NAME, 0);
        __atomic_store_n(&state->datetime_api, (void *)(uintptr_t)api,
                         __ATOMIC_RELEASE); /* it is the same in every thread */
    }
    if (!api) { /* only the module that is written in C has one */
        if (!PyErr_ExceptionMatches(PyExc_AttributeError) && !PyErr_ExceptionMatches(PyExc_ImportError))
            return RJ_DATETIME_FAILED;
        PyErr_Clear();
        return RJ_DATETIME_BY_ATTRIBUTES;
    }
    PyTypeObject *base = form == RJ_FORM_DATETIME ? api->DateTimeType
                         : form == RJ_FORM_DATE   ? api->DateType
                         : form == RJ_FORM_TIME   ? api->TimeType
                                                  : api->DeltaType;
    return PyType_IsSubtype(type, base) ? RJ_DATETIME_NATIVE : RJ_DATETIME_NONE;
}

int
rjpy_is_asked(const rjpy_plan *plan)
{
    return plan->convert && plan->form >= RJ_FORM_DATETIME && plan->form <= RJ_FORM_TIMEDELTA;
}

int
rjpy_has_type_text(const rjpy_encoder *e, const rjpy_plan *plan)
{
    if (rjpy_is_asked(plan))
        return 0;
    switch (plan->form) {
    case RJ_FORM_DATETIME:
    case RJ_FORM_DATE:
    case RJ_FORM_TIME:
    case RJ_FORM_UUID:
        return 1;
    case RJ_FORM_TIMEDELTA:
        return !e->options->timedelta_as_seconds;
    default:
        return 0;
    }
}

int
rjpy_has_plain_text(const rjpy_encoder *e, rjpy_plan *plan, PyObject *v)
{
    if (!rjpy_has_type_text(e, plan) || rjpy_type_runs_code(plan, v))
        return 0;
    if (plan->form != RJ_FORM_UUID)
        return 1;
    rjpy_field *field = &plan->fields[0];
    PyObject *number = field->offset ? rjpy_field_value_in(field, v, NULL) : NULL;
    return number && PyLong_CheckExact(number);
}

uint8_t *
rjpy_put_type_text(rjpy_encoder *e, uint8_t *p, const rjpy_plan *plan, PyObject *v)
{
    if (RJ__UNLIKELY(plan->by_attributes))
        return rjpy_put_date_by_attributes(e, p, plan, v);
    switch (plan->form) {
    case RJ_FORM_DATETIME:
        return put_datetime(e, p, v, 0);
    case RJ_FORM_DATE:
        return rj__put_date(p, (unsigned)PyDateTime_GET_YEAR(v), PyDateTime_GET_MONTH(v), PyDateTime_GET_DAY(v));
    case RJ_FORM_TIME:
        return put_time(e, p, v);
    case RJ_FORM_TIMEDELTA:
        return put_timedelta(p, v);
    default:
        return put_uuid(e, p, plan, v);
    }
}

/* Digits from `*p` on: 0 if there are none. */
static int
skip_digits(const uint8_t **p, const uint8_t *end)
{
    const uint8_t *first = *p;
    while (*p < end && **p >= '0' && **p <= '9')
        ++*p;
    return *p > first;
}

/* Whether a text is a number in JSON: RFC 8259, section 6. */
static int
is_number(const uint8_t *p, size_t length)
{
    const uint8_t *end = p + length;
    p += p < end && *p == '-';
    const uint8_t *whole = p;
    if (!skip_digits(&p, end) || (*whole == '0' && p > whole + 1))
        return 0;
    if (p < end && *p == '.' && (++p, !skip_digits(&p, end)))
        return 0;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '-' || *p == '+');
        if (!skip_digits(&p, end))
            return 0;
    }
    return p == end;
}

/* What Decimal.__str__ says; that of a subclass is not asked. */
static PyObject *
decimal_str(const rjpy_plan *plan, PyObject *v)
{
    return plan->convert ? PyObject_CallOneArg(plan->convert, v) : PyObject_Str(v);
}

/* NaN and infinity, as a float's. `text`: as Decimal spells them. */
static PyObject *
special_decimal_text(rjpy_encoder *e, PyObject *v, PyObject *text)
{
    static const char *const signs[] = {"Infinity", "-Infinity", "NaN", "sNaN", "-NaN", "-sNaN"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        PyObject *sign = PyUnicode_FromString(signs[i]);
        Py_ssize_t is_such = sign ? PyUnicode_Tailmatch(text, sign, 0, PY_SSIZE_T_MAX, -1) : -1;
        Py_XDECREF(sign);
        if (is_such < 0) {
            rjpy_stop_error(e);
            return NULL;
        }
        if (is_such) {
            const char *name = rjpy_non_finite(e, i == 0 ? Py_HUGE_VAL : i == 1 ? -Py_HUGE_VAL : Py_NAN);
            return name ? PyUnicode_FromString(name) : NULL;
        }
    }
    rjpy_fail(e, NULL, "%.200s whose text %.200R is no number", Py_TYPE(v)->tp_name, text);
    return NULL;
}

PyObject *
rjpy_decimal_text(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v)
{
    PyObject *text = decimal_str(plan, v);
    if (!text || RJ_STR_READY(text) < 0) {
        Py_XDECREF(text);
        rjpy_stop_error(e);
        return NULL;
    }
    if (RJ__LIKELY(PyUnicode_IS_ASCII(text) && is_number(PyUnicode_DATA(text), (size_t)PyUnicode_GET_LENGTH(text))))
        return text;
    PyObject *special = special_decimal_text(e, v, text);
    Py_DECREF(text);
    return special;
}

/* The text of what a plain datetime or timedelta cannot hold: `parts`, as rjson._types has them. A new str, or NULL
 * when the walk stops. */
static PyObject *
text_of_parts(rjpy_encoder *e, const rjpy_plan *plan, PyObject *parts)
{
    const PyDateTime_CAPI *api = datetime_api_of(e->state);
    uint8_t text[RJ_TYPE_TEXT_MAX], *end = NULL;
    PyObject *plain;
    int is_negative;
    long long seconds;
    unsigned nanoseconds;
    if (plan->by_attributes && plan->form == RJ_FORM_DATETIME)
        return Py_NewRef(Py_NotImplemented); /* nobody has both nanoseconds and that datetime module */
    if (plan->form == RJ_FORM_DATETIME) {
        if (PyArg_ParseTuple(parts, "O!I", api->DateTimeType, &plain, &nanoseconds))
            end = put_datetime(e, text, plain, nanoseconds);
    }
    else if (PyArg_ParseTuple(parts, "pLI", &is_negative, &seconds, &nanoseconds)) {
        end = rj__put_duration(text, is_negative, &(rj__clock){seconds, nanoseconds, 9});
    }
    return end ? PyUnicode_FromStringAndSize((char *)text, end - text) : NULL;
}

/* A plain object of the same parts, or their text; or NotImplemented. */
static PyObject *
ask(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v)
{
    PyObject *result = PyObject_CallOneArg(plan->convert, v);
    if (!result || !PyTuple_Check(result))
        return result;
    PyObject *text = text_of_parts(e, plan, result);
    Py_DECREF(result);
    return text;
}

uint8_t *
rjpy_fail_asked(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v)
{
    const char *what = plan->form == RJ_FORM_TIMEDELTA ? "duration whose parts agree with its total_seconds()"
                       : plan->form == RJ_FORM_TIME    ? "time of the day"
                                                       : "date of the years 1 to 9999";
    return rjpy_fail(e, NULL, "%.200s is no %s (default= is asked about it, for example default=str)", Py_TYPE(v)->tp_name,
                     what);
}

PyObject *
rjpy_replacement(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v)
{
    PyObject *result;
    rjpy_enter_python(e);
    switch (plan->form) {
    case RJ_FORM_ENUM:
        result = plan->convert ? PyObject_CallOneArg(plan->convert, v) : PyObject_GetAttr(v, e->state->str_value);
        break;
    case RJ_FORM_PATH:
        result = PyOS_FSPath(v);
        break;
    case RJ_FORM_TIMEDELTA:
        if (e->options->timedelta_as_seconds)
            result = PyObject_CallMethodNoArgs(v, e->state->str_total_seconds);
        else
            result = ask(e, plan, v);
        break;
    case RJ_FORM_DATETIME:
    case RJ_FORM_DATE:
    case RJ_FORM_TIME:
        result = ask(e, plan, v);
        break;
    case RJ_FORM_DECIMAL:
        result = decimal_str(plan, v);
        break;
    default:
        result = PyObject_CallFunctionObjArgs(plan->convert, v, rjpy_default_or_none(e), NULL);
    }
    if (!result)
        rjpy_stop_error(e);
    return result;
}

int
rjpy_type_runs_code(const rjpy_plan *plan, PyObject *v)
{
    if (plan->by_attributes || rjpy_is_asked(plan))
        return 1;
    switch (plan->form) {
    case RJ_FORM_CONVERT:
        return 1;
    case RJ_FORM_FIELDS:
        return plan->runs_code;
    case RJ_FORM_DATETIME:
        return PyDateTime_DATE_GET_TZINFO(v) != Py_None;
    case RJ_FORM_TIME:
        return PyDateTime_TIME_GET_TZINFO(v) != Py_None;
    default:
        return 0;
    }
}
