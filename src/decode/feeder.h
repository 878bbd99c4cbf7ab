/*
 * Values from a text that arrives in parts: what rjson._core.Feeder does, from C. What is complete is decoded; the
 * rest waits for the next part. So at any time there are one part, and the value that is not complete yet, in one
 * piece of memory.
 */
#ifndef RJSON_DECODE_FEEDER_H
#define RJSON_DECODE_FEEDER_H

#include "decode/decoder_object.h"
#include "framing.h"

/* So many values are decoded at a time: few enough for the processor's caches. */
#define RJ_BATCH 16

typedef enum rj_framing {
    RJ_FRAMING_AUTO,
    RJ_FRAMING_LINES,
    RJ_FRAMING_ARRAY,
    RJ_FRAMING_SEQ,
    RJ_FRAMING_CONCAT
} rj_framing;

/* What is expected next. */
typedef enum rjpy_expected {
    RJ_EXPECT_VALUE,
    RJ_EXPECT_ARRAY,     /* '[' */
    RJ_EXPECT_FIRST,     /* a value or ']' */
    RJ_EXPECT_SEPARATOR, /* ',' or ']' */
    RJ_EXPECT_NOTHING    /* after the array, or after the end record */
} rjpy_expected;

typedef struct rjpy_feeder {
    PyObject_HEAD rjpy_decoder_object *decoder; /* owned */
    int framing;                                /* RJ__FRAMING_ */
    rjpy_expected expected;
    Py_ssize_t max_bytes; /* of a value; 0: any number */
    PyObject *on_error;   /* called for each line that is refused; owned, or NULL */
    int skips_errors;     /* lines that are refused end nothing */
    int checks_end;       /* the last record says how many there were */
    /* What has arrived, and behind it a zero and RJ_SCAN_MAX readable bytes; of the heap. Offsets into it: */
    uint8_t *text;
    size_t capacity, size;
    size_t counted;  /* up to here characters and lines are counted */
    size_t offset;   /* up to here it is done with */
    size_t searched; /* up to here, no newline comes behind `offset` */
    size_t
        retry; /* with fewer bytes behind `offset` there is no point in trying again: each try begins with the value's first byte */
    int is_last;        /* nothing comes behind it */
    int is_over;        /* it has ended, well or not */
    int is_busy;        /* hooks run */
    int is_skipping;    /* in a line that is too long */
    PyObject *error;    /* to be raised when the values before it are out; owned, or NULL */
    PyObject *refused;  /* what on_error is to be called with when the values before it are out; owned, or NULL */
    PyObject *record;   /* what the sender's error record says; owned, or NULL */
    Py_ssize_t records; /* values so far, with those that were refused */
    Py_ssize_t characters, lines, column; /* of what is counted */
} rjpy_feeder;

/* Values that were taken; owned. */
typedef struct rjpy_batch {
    PyObject **values;
    size_t count;
} rjpy_batch;

/* More of the text (borrowed): str, bytes or another buffer. 1 if it is empty, which the text's end is; 0 if not; -1
 * with an exception (a BlockingIOError for None, which files that don't block return). */
int rjpy_feeder_feed(rjpy_feeder *self, PyObject *part);
/* Moves values that are complete to `values`, which has room for RJ_BATCH: how many; 0 if it takes more of the text;
 * -1 with an exception. The references are the caller's. After an exception it goes on where it was if that came
 * from a signal; else `is_over` is set. */
Py_ssize_t rjpy_feeder_take(rjpy_feeder *self, PyObject **values);

/* Between the files of the feeder. Both take complete values at d->cur: 1 when these are enough for a time, 0 when
 * there are no more, -1 with a message, an exception, or an error that is kept. */
int rjpy_feeder_take_values(rjpy_feeder *self, rjpy_decoder *d, rjpy_batch *taken);
int rjpy_feeder_take_lines(rjpy_feeder *self, rjpy_decoder *d, rjpy_batch *taken);
/* Counts characters and lines up to `at`, where the decoder's text begins then. */
void rjpy_feeder_count(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *at);
/* Keeps the error of the decoder, whose places it counts from the beginning of the text. */
void rjpy_feeder_keep_error(rjpy_feeder *self, rjpy_decoder *d);
/* Calls on_error for what was refused; -1 with an exception. */
int rjpy_feeder_report(rjpy_feeder *self);

/* Whether the sender speaks here, at `p`: a record of its own, if the feeder looks for these. */
int rjpy_is_record(const rjpy_feeder *self, const uint8_t *p);
/* Takes that record at d->cur: 1, 0 if there is not all of it, or -1 with a message or an exception. */
int rjpy_take_record(rjpy_feeder *self, rjpy_decoder *d);
/* Whether the text may end at d->cur; -1 with a message if not. */
int rjpy_check_end(const rjpy_feeder *self, rjpy_decoder *d);
/* A value or line of `size` bytes at `begin` is too large: -1 with a message; or is not: 0. */
int rjpy_check_size(const rjpy_feeder *self, rjpy_decoder *d, const uint8_t *begin, size_t size);
/* Whether more of the text could mend the value that just failed, or add to that which ends where the text does. */
int rjpy_is_cut_off(const rjpy_feeder *self, const rjpy_decoder *d);
int rjpy_may_go_on(const rjpy_decoder *d);

extern PyType_Spec rjpy_feeder_spec, rjpy_values_spec;

#endif
