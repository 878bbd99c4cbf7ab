/* Values of types that JSON has no name for, as text or as what stands for them. Their spellings are in python/README.md. */
#ifndef RJSON_ENCODE_TYPES_TEXTS_H
#define RJSON_ENCODE_TYPES_TEXTS_H

#include "encode/encoder.h"
#include "encode/types/plan.h"
#include "text/dates.h"

/* The longest text, in bytes; all ASCII that needs no escapes. */
#define RJ_TYPE_TEXT_MAX 80

/* How the objects of a type are read that is derived from the datetime module's class for a form, as far as Python
 * code can tell. */
typedef enum rjpy_datetime_kind {
    RJ_DATETIME_FAILED = -1,  /* an exception is set */
    RJ_DATETIME_NONE,         /* not at all: it is not really derived from that class */
    RJ_DATETIME_NATIVE,       /* from memory */
    RJ_DATETIME_BY_ATTRIBUTES /* this interpreter has the datetime module that is written in Python */
} rjpy_datetime_kind;

rjpy_datetime_kind rjpy_datetime_kind_of(rjpy_state *state, rjpy_form form, PyTypeObject *type);
/* Whether it is a subclass of the datetime module's classes that says itself what its parts are: rjpy_replacement
 * asks it. */
int rjpy_is_asked(const rjpy_plan *plan);
/* Whether rjpy_put_type_text has a text for such a value. */
int rjpy_has_type_text(const rjpy_encoder *e, const rjpy_plan *plan);
/* Writes the text at `p` and returns its end; NULL when the walk stops. May run Python code: of a tzinfo. */
uint8_t *rjpy_put_type_text(rjpy_encoder *e, uint8_t *p, const rjpy_plan *plan, PyObject *v);
/* Whether that is sure to run none. */
int rjpy_has_plain_text(const rjpy_encoder *e, rjpy_plan *plan, PyObject *v);
/* What stands for `v` where it has no text of its own: a new reference, or NULL when the walk stops; NotImplemented
 * for one that is asked and is nothing that has a text. May run Python code. */
PyObject *rjpy_replacement(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v);
/* Whether one of the two may run code of the document's, which belongs to its task. */
int rjpy_type_runs_code(const rjpy_plan *plan, PyObject *v);
/* A Decimal as a number, or what the options say of NaN and infinity: a new str of ASCII that is JSON; NULL when the
 * walk stops. */
PyObject *rjpy_decimal_text(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v);

/* The error for one of which rjpy_replacement says that. Always NULL. */
uint8_t *rjpy_fail_asked(rjpy_encoder *e, const rjpy_plan *plan, PyObject *v);

/* Parts of the texts, for numpy's own times as well. */
/* The time of the day, from the seconds after midnight. */
uint8_t *rjpy_put_time_of_day(const rjpy_encoder *e, uint8_t *p, const rj__clock *clock);
uint8_t *rjpy_put_zone_of_naive(const rjpy_encoder *e, uint8_t *p);
uint8_t *rjpy_put_timedelta(uint8_t *p, int64_t seconds, int microseconds);

/* A local time: what the exact fields of a datetime say, and the nanoseconds that it has none for. */
typedef struct rjpy_moment {
    int64_t days;         /* since 1970-01-01 */
    int64_t microseconds; /* of the day */
    unsigned nanoseconds; /* less than 1000 */
} rjpy_moment;

/* A datetime and, without its date, a time; `offset`: from UTC in microseconds, less than a day, 0 without a zone.
 * NULL when the walk stops. */
uint8_t *rjpy_put_datetime_at(rjpy_encoder *e, uint8_t *p, rjpy_moment m, int has_zone, int64_t offset);
uint8_t *rjpy_put_time_at(rjpy_encoder *e, uint8_t *p, rjpy_moment m, int has_zone, int64_t offset);
/* Refuses an offset of a day or more, in the words of isoformat(). Always -1. */
int rjpy_fail_offset(rjpy_encoder *e);
/* Of a value whose plan is `by_attributes`; the same as rjpy_put_type_text. In python_dates.c. */
uint8_t *rjpy_put_date_by_attributes(rjpy_encoder *e, uint8_t *p, const rjpy_plan *plan, PyObject *v);

#endif
