/* Values of types that JSON has no name for, as text or as what stands for them. Their spellings are in python/README.md. */
#ifndef RJSON_ENCODE_TYPES_TEXTS_H
#define RJSON_ENCODE_TYPES_TEXTS_H

#include "encode/encoder.h"
#include "encode/types/plan.h"

/* The longest text, in bytes; all ASCII that needs no escapes. */
#define RJ_TYPE_TEXT_MAX 80

/* How the objects of a type are read that is derived from the datetime module's class for a form, as far as Python code can tell. */
typedef enum rj_datetime_kind {
    RJ_DATETIME_FAILED = -1,  /* an exception is set */
    RJ_DATETIME_NONE,         /* not at all: it is not really derived from that class */
    RJ_DATETIME_NATIVE,       /* from memory */
    RJ_DATETIME_BY_ATTRIBUTES /* this interpreter has the datetime module that is written in Python */
} rj_datetime_kind;

rj_datetime_kind rj_datetime_kind_of(rj_state *state, rj_form form, PyTypeObject *type);
/* Whether it is a subclass of the datetime module's classes that says itself what its parts are: rj_replacement asks it. */
int rj_is_asked(const rj_plan *plan);
/* Whether rj_put_type_text has a text for such a value. */
int rj_has_type_text(const rj_encoder *e, const rj_plan *plan);
/* Writes the text at `p` and returns its end; NULL when the walk stops. May run Python code: of a tzinfo. */
uint8_t *rj_put_type_text(rj_encoder *e, uint8_t *p, const rj_plan *plan, PyObject *v);
/* Whether that is sure to run none. */
int rj_has_plain_text(const rj_encoder *e, rj_plan *plan, PyObject *v);
/* What stands for `v` where it has no text of its own: a new reference, or NULL when the walk stops; NotImplemented for one that is asked
 * and is nothing that has a text. May run Python code. */
PyObject *rj_replacement(rj_encoder *e, const rj_plan *plan, PyObject *v);
/* Whether one of the two may run code of the document's, which belongs to its task. */
int rj_type_runs_code(const rj_plan *plan, PyObject *v);
/* A Decimal as a number, or what the options say of NaN and infinity: a new str of ASCII that is JSON; NULL when the walk stops. */
PyObject *rj_decimal_text(rj_encoder *e, const rj_plan *plan, PyObject *v);

/* The error for one of which rj_replacement says that. Always NULL. */
uint8_t *rj_fail_asked(rj_encoder *e, const rj_plan *plan, PyObject *v);

/* Parts of the texts, for numpy's own times. */
typedef struct rj_clock {
    int64_t seconds;     /* since 1970-01-01, or of a duration, whose sign is apart */
    uint64_t fraction;   /* of a second, in units of 10^-digits */
    int fraction_digits; /* a multiple of 3, at most 18 */
} rj_clock;

/* Days since 1970-01-01 of the first of a month (0: January 1970). */
int64_t rj_days_of_month(int64_t months);
/* Of days since 1970-01-01; NULL if the year is none of 1 to 9999. */
uint8_t *rj_put_days(uint8_t *p, int64_t days);
/* The time of the day, from the seconds after midnight. */
uint8_t *rj_put_time_of_day(const rj_encoder *e, uint8_t *p, const rj_clock *clock);
uint8_t *rj_put_zone_of_naive(const rj_encoder *e, uint8_t *p);
uint8_t *rj_put_timedelta(uint8_t *p, int64_t seconds, int microseconds);
uint8_t *rj_put_duration(uint8_t *p, int negative, const rj_clock *clock);

/* A local time: what the exact fields of a datetime say, and the nanoseconds that it has none for. */
typedef struct rj_moment {
    int64_t days;         /* since 1970-01-01 */
    int64_t microseconds; /* of the day */
    unsigned nanoseconds; /* less than 1000 */
} rj_moment;

/* A datetime and, without its date, a time; `offset`: from UTC in microseconds, less than a day, 0 without a zone. NULL when the walk
 * stops. */
uint8_t *rj_put_datetime_at(rj_encoder *e, uint8_t *p, rj_moment m, int has_zone, int64_t offset);
uint8_t *rj_put_time_at(rj_encoder *e, uint8_t *p, rj_moment m, int has_zone, int64_t offset);
/* Refuses an offset of a day or more, in the words of isoformat(). Always -1. */
int rj_fail_offset(rj_encoder *e);
/* Of a value whose plan is `by_attributes`; the same as rj_put_type_text. In python_dates.c. */
uint8_t *rj_put_date_by_attributes(rj_encoder *e, uint8_t *p, const rj_plan *plan, PyObject *v);

#endif
