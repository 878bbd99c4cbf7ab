/* Values that are a line each (NDJSON). A line is decoded when all of it has arrived, as a text of its own: nothing
 * in it can reach into the next. */
#include "decode/feeder.h"

/* The error that the decoder has, with the line's number and its text, for on_error; NULL with an exception. */
static PyObject *
refusal(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *line, const uint8_t *end)
{
    rjpy_feeder_keep_error(self, d);
    PyObject *error = self->error;
    self->error = NULL;
    Py_ssize_t size = end - line;
    if (self->max_bytes > 0 && size > self->max_bytes)
        size = self->max_bytes;
    PyObject *text = PyBytes_FromStringAndSize((const char *)line, size);
    return Py_BuildValue("(nNN)", self->lines + 1, text, error);
}

/* A line is wrong, as the message says: 0 if that ends nothing, -1 if it does. `is_full`: values come before it. */
static int
refuse(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *line, const uint8_t *end, int is_full)
{
    self->records++;
    rjpy_feeder_count(self, d, line);
    if (!self->skips_errors) {
        rjpy_feeder_keep_error(self, d);
        return -1;
    }
    if (self->on_error)
        self->refused = refusal(self, d, line, end);
    rjpy_decoder_reset(d);
    if (!self->on_error)
        return 0;
    return !self->refused || (!is_full && rjpy_feeder_report(self) < 0) ? -1 : 0;
}

/* The value of a line, from `p` on; NULL with a message or an exception. */
static PyObject *
decode_line(rjpy_decoder *d, const uint8_t *p)
{
    d->cur = p;
    PyObject *value = rjpy_decode_value(d);
    if (!value)
        return NULL;
    while (rjpy_is_space(*d->cur))
        d->cur++;
    if (RJ__LIKELY(d->cur == d->end))
        return value;
    Py_DECREF(value);
    return rjpy_decode_fail(d, "Expecting a newline between values", d->cur);
}

/* A record of the sender at d->cur: 0, or -1 with a message or an exception. */
static int
take_record_line(rjpy_feeder *self, rjpy_decoder *d)
{
    if (rjpy_take_record(self, d) <= 0) /* it ends where the line does */
        return -1;
    while (rjpy_is_space(*d->cur))
        d->cur++;
    if (d->cur == d->end)
        return 0;
    rjpy_decode_fail(d, "Expecting a newline between values", d->cur);
    return -1;
}

/* Takes what is in a line, which ends where the decoder's text does: 0, or -1 with a message, an exception, or an
 * error that is kept. */
static int
take_line(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *line, rjpy_batch *taken)
{
    const uint8_t *p = line;
    d->cur = line;
    if (RJ__UNLIKELY(*line == 0xEF))
        rjpy_decode_skip_mark(d); /* where texts were joined, one may be before each */
    for (p = d->cur; rjpy_is_space(*p);)
        p++;
    if (p == d->end)
        return 0;
    if (RJ__UNLIKELY(self->expected == RJ_EXPECT_NOTHING)) {
        rjpy_decode_fail(d, "Extra data", p);
        return -1;
    }
    if (RJ__UNLIKELY(self->max_bytes > 0) && rjpy_check_size(self, d, line, (size_t)(d->end - line)) < 0)
        return refuse(self, d, line, d->end, taken->count > 0);
    if (RJ__UNLIKELY(self->checks_end) && rjpy_is_record(self, p)) {
        d->cur = p;
        return take_record_line(self, d);
    }
    PyObject *value = decode_line(d, p);
    if (RJ__UNLIKELY(!value))
        return d->message ? refuse(self, d, line, d->end, taken->count > 0) : -1;
    self->records++;
    taken->values[taken->count++] = value;
    return 0;
}

/* The same for the line up to `end`, where a newline is, or the end of the text. */
static int
take_line_alone(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *line, const uint8_t *end, rjpy_batch *taken)
{
    const uint8_t *text_end = d->end;
    uint8_t *newline = self->text + (end - self->text), last = *newline;
    *newline = 0;
    d->end = d->text_end = d->safe_end = end;
    int rc = take_line(self, d, line, taken);
    if (rc < 0 && !self->error && !d->interrupted)
        rjpy_feeder_keep_error(self, d);
    d->cur = rc < 0 ? line : end + (end < text_end);
    d->end = d->text_end = d->safe_end = text_end;
    *newline = last;
    return rc;
}

/* All of the text is one line that has not ended yet: 0, or -1 as above. It is left out if it is too long. */
static int
wait_for_newline(rjpy_feeder *self, rjpy_decoder *d, const uint8_t *line, rjpy_batch *taken)
{
    self->searched = (size_t)(d->end - self->text);
    if (!self->is_skipping && rjpy_check_size(self, d, line, (size_t)(d->end - line)) < 0) {
        if (refuse(self, d, line, d->end, taken->count > 0) < 0)
            return -1;
        self->is_skipping = 1;
    }
    if (self->is_skipping)
        d->cur = d->end;
    return 0;
}

int
rjpy_feeder_take_lines(rjpy_feeder *self, rjpy_decoder *d, rjpy_batch *taken)
{
    while (taken->count < RJ_BATCH && !self->refused) {
        const uint8_t *line = d->cur, *from = self->text + self->searched;
        if (line == d->end)
            return self->is_last ? rjpy_check_end(self, d) : 0;
        from = from > line ? from : line;
        const uint8_t *newline = memchr(from, '\n', (size_t)(d->end - from));
        if (!newline && !self->is_last)
            return wait_for_newline(self, d, line, taken);
        const uint8_t *end = newline ? newline : d->end;
        if (RJ__UNLIKELY(self->is_skipping))
            d->cur = end + (newline != NULL);
        else if (take_line_alone(self, d, line, end, taken) < 0)
            return -1;
        self->is_skipping = 0;
    }
    return 1;
}
