/*
 * What becomes of a type that JSON has no name for: found out once per type, by rjson._types.describe, and kept.
 *
 * The cache holds no reference to the type (only to those that its fields are declared with). It is keyed by the
 * type's version tag too, which CPython gives anew whenever the type changes and never twice
 * (cpython/type_access.h); where there are no tags, every lookup asks again.
 */
#ifndef RJSON_ENCODE_TYPES_PLAN_H
#define RJSON_ENCODE_TYPES_PLAN_H

#include "cpython/instance_access.h"
#include "cpython/type_access.h"
#include "encode/options.h"

struct rjpy_encoder;

/* What a type's objects are written as, and what rjson._types calls that. */
#define RJ_FORMS(X)                                                                                                         \
    X(UNKNOWN, "unknown")   /* for `default` */                                                                             \
    X(FIELDS, "fields")     /* an object with these fields */                                                               \
    X(CONVERT, "convert")   /* what `convert` makes of it */                                                                \
    X(ENUM, "enum")         /* its value */                                                                                 \
    X(DATETIME, "datetime") /* a str in a standard's spelling, from here on */                                              \
    X(DATE, "date")                                                                                                         \
    X(TIME, "time")                                                                                                         \
    X(TIMEDELTA, "timedelta")                                                                                               \
    X(UUID, "uuid")                                                                                                         \
    X(PATH, "path")                                                                                                         \
    X(DECIMAL, "decimal")                                                                                                   \
    X(SET, "set")                                                                                                           \
    X(ARRAY, "array")       /* it has the buffer interface */                                                               \
    X(NUMPY_ARRAY, "numpy") /* it has numpy's array interface */

typedef enum rjpy_form {
#define FORM(id, name) RJ_FORM_##id,
    RJ_FORMS(FORM)
#undef FORM
} rjpy_form;

typedef struct rjpy_field {
    PyObject *key;       /* str; owned, as all of these are */
    PyObject *attribute; /* interned str, or NULL where the value is `constant` */
    PyObject *constant;
    Py_ssize_t offset;   /* of its slot in the object, or 0 */
    Py_ssize_t hint;     /* where it was in the instance's dict last; see rjpy_instance_view_get */
    PyObject *convert;   /* callable (value, default), for values that are not written as they are; or NULL */
    PyTypeObject *exact; /* those of exactly this type are, beside strings, numbers, booleans and None; owned, or NULL */
    int converts_all;    /* no value is written as it is */
} rjpy_field;

/* Immutable, but for its hints. A Python object, so that a paused walk can hold it. */
typedef struct rjpy_plan {
    PyObject_VAR_HEAD rjpy_form form;
    rjpy_type_group group;
    int runs_code;     /* reading fields may run Python code of the document's */
    int by_attributes; /* a date or time of the datetime module that is written in Python: see python_dates.c */
    PyObject *convert; /* callable, or NULL; of CONVERT with (object, default), else with the object */
    PyObject *omitted; /* the value that stands for no value, or NULL */
    rjpy_field fields[];
} rjpy_plan;

typedef struct rjpy_plan_slot {
    PyTypeObject *type; /* borrowed, never followed */
    unsigned version;
    rjpy_plan *plan; /* owned, or NULL */
} rjpy_plan_slot;

#define RJ_PLAN_SLOTS 256

typedef struct rjpy_plan_cache {
    PyObject *describe; /* rjson._types.describe, or NULL before the first use */
    rjpy_plan_slot slots[RJ_PLAN_SLOTS];
} rjpy_plan_cache;

RJ__INLINE rjpy_plan_slot *
rjpy_plan_slot_of(rjpy_plan_cache *cache, PyTypeObject *type)
{
    uintptr_t bits = (uintptr_t)type >> 4;
    return &cache->slots[(bits ^ bits >> 8) % RJ_PLAN_SLOTS];
}

extern PyType_Spec rjpy_plan_spec;

/* The plan of a type if it is known already: borrowed, good until Python code runs; else NULL. */
RJ__INLINE rjpy_plan *
rjpy_known_plan(rjpy_plan_cache *cache, PyTypeObject *type)
{
    rjpy_plan_slot *slot = rjpy_plan_slot_of(cache, type);
    return RJ__LIKELY(slot->type == type && slot->version == rjpy_type_version(type) && slot->version != 0) ? slot->plan
                                                                                                            : NULL;
}

/* The plan of an object's type: a new reference, or NULL with an exception. May run Python code: the caller owns `obj`. */
rjpy_plan *rjpy_plan_of(struct rjpy_encoder *e, PyObject *obj);
/* The value of a field of `obj`, new; NULL with an exception. Runs no more than the attribute's own code. */
PyObject *rjpy_field_value(const rjpy_field *field, PyObject *obj);
/* rjpy_field_value as it is to be written, or plan->omitted. Runs Python code. */
PyObject *rjpy_field_output(const struct rjpy_encoder *e, const rjpy_plan *plan, const rjpy_field *field, PyObject *obj);

/* Whether `value` of a field with `convert` is not written as it is. */
RJ__INLINE int
rjpy_field_converts(const rjpy_field *field, PyObject *value)
{
    PyTypeObject *type = Py_TYPE(value);
    if (field->converts_all)
        return 1;
    return type != field->exact && type != &PyUnicode_Type && type != &PyLong_Type && type != &PyFloat_Type &&
           type != &PyBool_Type && value != Py_None;
}

/* The value of a field, borrowed, where it can be read from memory; else NULL. `view`: of `obj`, taken since Python
 * code ran last. */
RJ__INLINE PyObject *
rjpy_field_value_in(rjpy_field *field, PyObject *obj, const rjpy_instance_view *view)
{
    if (field->offset)
        return *(PyObject **)(void *)((char *)obj + field->offset);
    return field->attribute ? rjpy_instance_view_get(view, field->attribute, &field->hint) : field->constant;
}

int rjpy_plan_cache_traverse(rjpy_plan_cache *cache, visitproc visit, void *arg);
void rjpy_plan_cache_clear(rjpy_plan_cache *cache);

#endif
