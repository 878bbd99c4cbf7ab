/*
 * Dates and times where the datetime module is the one that is written in Python: in subinterpreters of 3.12 with a
 * GIL of their own, and wherever the C module is left out. What the objects are made of is known to them alone, so
 * each part is an attribute.
 */
#include "encode/types/texts.h"

#define MICROSECONDS INT64_C(1000000)

enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, MICROSECOND, PARTS };

/* Parts of `v`, from one to another; -1 when the walk stops. */
static int
read_parts(rjpy_encoder *e, PyObject *v, int from, int to, unsigned parts[PARTS])
{
    static const struct {
        const char *name;
        long least, most;
    } known[PARTS] = {
        {"year", 1, 9999}, {"month", 1, 12},           {"day", 1, 31}, {"hour", 0, 23}, {"minute", 0, 59},
        {"second", 0, 59}, {"microsecond", 0, 999999},
    };
    for (int i = from; i <= to; i++) {
        PyObject *part = PyObject_GetAttrString(v, known[i].name);
        long value = part ? PyLong_AsLong(part) : -1;
        Py_XDECREF(part);
        if (value == -1 && PyErr_Occurred()) {
            rjpy_stop_error(e);
            return -1;
        }
        if (value < known[i].least || value > known[i].most) {
            rjpy_fail(e, NULL, "%.200s with %s %ld", Py_TYPE(v)->tp_name, known[i].name, value);
            return -1;
        }
        parts[i] = (unsigned)value;
    }
    return 0;
}

/* The parts of a timedelta; -1 when the walk stops. */
static int
read_timedelta(rjpy_encoder *e, PyObject *v, int64_t *seconds, int *microseconds)
{
    static const char *const names[] = {"days", "seconds", "microseconds"};
    int64_t values[3];
    for (int i = 0; i < 3; i++) {
        PyObject *part = PyObject_GetAttrString(v, names[i]);
        values[i] = part ? PyLong_AsLongLong(part) : -1;
        Py_XDECREF(part);
        if (values[i] == -1 && PyErr_Occurred()) {
            rjpy_stop_error(e);
            return -1;
        }
    }
    const int64_t most_days = 999999999; /* as timedelta.max */
    if (values[0] < -most_days || values[0] > most_days || values[1] < 0 || values[1] >= RJ__SECONDS_A_DAY ||
        values[2] < 0 || values[2] >= 1000000) {
        rjpy_fail(e, NULL, "%.200s out of range", Py_TYPE(v)->tp_name);
        return -1;
    }
    *seconds = values[0] * RJ__SECONDS_A_DAY + values[1];
    *microseconds = (int)values[2];
    return 0;
}

/* What v.utcoffset() says: 1 and microseconds, less than a day; 0 for None; -1 when the walk stops. */
static int
read_offset(rjpy_encoder *e, PyObject *v, int64_t *offset)
{
    int64_t seconds = 0;
    int microseconds = 0, rc = -1;
    PyObject *delta = PyObject_CallMethodNoArgs(v, e->state->str_utcoffset);
    if (!delta)
        rjpy_stop_error(e);
    else if (delta == Py_None)
        rc = 0;
    else if (read_timedelta(e, delta, &seconds, &microseconds) == 0)
        rc = 1;
    Py_XDECREF(delta);
    if (seconds < -RJ__SECONDS_A_DAY || seconds >= RJ__SECONDS_A_DAY || (seconds == -RJ__SECONDS_A_DAY && microseconds == 0))
        return rjpy_fail_offset(e);
    *offset = seconds * MICROSECONDS + microseconds;
    return rc;
}

/* The moment that these parts are, from the year on or from the hour on. */
static rjpy_moment
moment_from(const unsigned parts[PARTS], int from)
{
    int64_t months = from == YEAR ? ((int64_t)parts[YEAR] - 1970) * 12 + parts[MONTH] - 1 : 0;
    int64_t days = from == YEAR ? rj__days_of_month(months) + parts[DAY] - 1 : 0;
    int64_t seconds = (parts[HOUR] * 60 + parts[MINUTE]) * 60 + parts[SECOND];
    return (rjpy_moment){days, seconds * MICROSECONDS + parts[MICROSECOND], 0};
}

uint8_t *
rjpy_put_date_by_attributes(rjpy_encoder *e, uint8_t *p, const rjpy_plan *plan, PyObject *v)
{
    unsigned parts[PARTS] = {0};
    int has_date = plan->form == RJ_FORM_DATETIME || plan->form == RJ_FORM_DATE, has_zone = 0, microseconds;
    int64_t seconds, offset = 0;
    rjpy_enter_python(e);
    if (plan->form == RJ_FORM_TIMEDELTA)
        return read_timedelta(e, v, &seconds, &microseconds) < 0 ? NULL : rjpy_put_timedelta(p, seconds, microseconds);
    if (plan->form != RJ_FORM_DATE && (has_zone = read_offset(e, v, &offset)) < 0)
        return NULL;
    if (read_parts(e, v, has_date ? YEAR : HOUR, plan->form == RJ_FORM_DATE ? DAY : MICROSECOND, parts) < 0)
        return NULL;
    rjpy_moment m = moment_from(parts, has_date ? YEAR : HOUR);
    if (plan->form == RJ_FORM_DATE)
        return rj__put_days(p, m.days);
    return has_date ? rjpy_put_datetime_at(e, p, m, has_zone, offset) : rjpy_put_time_at(e, p, m, has_zone, offset);
}
