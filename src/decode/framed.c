/* What stands between the values of a text that arrives in parts, and whether all of one has arrived. Lines are in
 * lines.c. */
#include "decode/feeder.h"

/* A value that failed to decode so close to the end of what has arrived may be whole with more: no token but strings
 * and numbers, which tell how far they were read, is longer. */
#define RJ_TOKEN_MAX 16

static uint8_t
record_separator(void)
{
    return rj__framings[RJ__FRAMING_SEQ].first.bytes[0];
}

static const char MARK[] = "\xEF\xBB\xBF";

/* Where texts were joined, a byte order mark may be before each. */
static const uint8_t *
skip_separators(const rjpy_feeder *self, const uint8_t *p)
{
    int seq = self->framing == RJ__FRAMING_SEQ;
    for (;;)
        if (rjpy_is_space(*p) || (seq && *p == record_separator()))
            p++;
        else if (RJ__UNLIKELY(*p == 0xEF) && self->framing == RJ__FRAMING_CONCAT && memcmp(p, MARK, 3) == 0)
            p += 3;
        else
            return p;
}

/* RFC 7464 begins with a record separator. */
static void
guess_framing(rjpy_feeder *self, const rjpy_decoder *d)
{
    if (self->framing != RJ__FRAMING_AUTO || d->cur == d->end)
        return;
    self->framing = *d->cur == record_separator() ? RJ__FRAMING_SEQ
                    : *d->cur == '['              ? RJ__FRAMING_ARRAY
                                                  : RJ__FRAMING_CONCAT;
    self->expected = self->framing == RJ__FRAMING_ARRAY ? RJ_EXPECT_ARRAY : RJ_EXPECT_VALUE;
}

/* Takes what stands between values, at d->cur: 1 where a value is to come, 0 where something else was taken, -1 with
 * a message. */
static int
take_framing(rjpy_feeder *self, rjpy_decoder *d)
{
    uint8_t c = *d->cur;
    switch (self->expected) {
    case RJ_EXPECT_ARRAY:
        if (c != '[')
            return rjpy_decode_fail(d, "Expecting an array", d->cur), -1;
        self->expected = RJ_EXPECT_FIRST;
        break;
    case RJ_EXPECT_FIRST:
        if (c != ']')
            return 1;
        self->expected = RJ_EXPECT_NOTHING;
        break;
    case RJ_EXPECT_SEPARATOR:
        if (c != ',' && c != ']')
            return rjpy_decode_fail(d, "Expecting ',' delimiter", d->cur), -1;
        self->expected = c == ',' ? RJ_EXPECT_VALUE : RJ_EXPECT_NOTHING;
        break;
    case RJ_EXPECT_NOTHING:
        return rjpy_decode_fail(d, "Extra data", d->cur), -1;
    default:
        return 1;
    }
    d->cur++;
    return 0;
}

/* A number or literal that ends where the text does might go on. */
int
rjpy_may_go_on(const rjpy_decoder *d)
{
    return d->cur == d->end && !strchr("]}\"", d->cur[-1]);
}

int
rjpy_is_cut_off(const rjpy_feeder *self, const rjpy_decoder *d)
{
    return d->message && !self->is_last && d->end - d->stop <= RJ_TOKEN_MAX;
}

int
rjpy_check_size(const rjpy_feeder *self, rjpy_decoder *d, const uint8_t *begin, size_t size)
{
    if (self->max_bytes == 0 || size <= (size_t)self->max_bytes)
        return 0;
    PyOS_snprintf(d->words, sizeof d->words, "%s of more than max_bytes=%zd bytes",
                  self->framing == RJ__FRAMING_LINES ? "Line" : "Value", self->max_bytes);
    rjpy_decode_fail(d, d->words, begin);
    return -1;
}

/* Whether all of the value at d->cur has arrived, and is not too large: 1, 0, or -1 with a message. Only then is it
 * decoded with hooks, which are to see each object once. */
static int
is_whole(const rjpy_feeder *self, rjpy_decoder *d)
{
    const uint8_t *begin = d->cur;
    const rjpy_decode_options *options = d->options;
    rjpy_decode_options plain = {.max_depth = options->max_depth, .strict = options->strict, .allow_nan = 1};
    d->options = &plain;
    PyObject *value = rjpy_decode_value(d);
    int whole = value ? self->is_last || !rjpy_may_go_on(d) : !rjpy_is_cut_off(self, d);
    size_t size = (size_t)(d->cur - begin); /* nothing, where it is wrong */
    Py_XDECREF(value);
    if (!d->interrupted)
        PyErr_Clear(); /* what is wrong, the hooks shall find: they may take what int() does not */
    rjpy_decoder_reset(d);
    d->options = options;
    d->cur = begin;
    return d->interrupted || rjpy_check_size(self, d, begin, size) < 0 ? -1 : whole;
}

/* The value at `begin` has not all arrived: 0, or -1 with a message if it is too large already. */
static int
wait_for_more(const rjpy_feeder *self, rjpy_decoder *d, const uint8_t *begin)
{
    d->cur = begin;
    return rjpy_check_size(self, d, begin, (size_t)(d->end - begin));
}

/* A number or literal at the end of a record may have been longer: RFC 7464, section 2.4, has white space tell. */
static int
is_torn_record(const rjpy_feeder *self, const rjpy_decoder *d)
{
    return self->framing == RJ__FRAMING_SEQ && !strchr("]}\"", d->cur[-1]) && !rjpy_is_space(*d->cur);
}

/* Takes one value: 1, or 0 if there is not all of it, or -1 with a message or an exception. */
static int
take_value(rjpy_feeder *self, rjpy_decoder *d, rjpy_batch *taken)
{
    const uint8_t *begin = d->cur;
    if (rjpy_decode_runs_code(d->options) && (!self->is_last || self->max_bytes)) {
        int whole = is_whole(self, d);
        if (whole <= 0)
            return whole < 0 ? -1 : wait_for_more(self, d, begin);
    }
    PyObject *value = rjpy_decode_value(d);
    if (value && !self->is_last && rjpy_may_go_on(d)) {
        Py_DECREF(value);
        return wait_for_more(self, d, begin);
    }
    if (!value) {
        d->cur = begin;
        return rjpy_is_cut_off(self, d) ? wait_for_more(self, d, begin) : -1;
    }
    if (is_torn_record(self, d))
        rjpy_decode_fail(d, "Expecting white space behind the record: it may be cut off", d->cur);
    if (d->message || rjpy_check_size(self, d, begin, (size_t)(d->cur - begin)) < 0) {
        Py_DECREF(value);
        return -1;
    }
    taken->values[taken->count++] = value;
    self->records++;
    self->expected = self->framing == RJ__FRAMING_ARRAY ? RJ_EXPECT_SEPARATOR : RJ_EXPECT_VALUE;
    return 1;
}

int
rjpy_check_end(const rjpy_feeder *self, rjpy_decoder *d)
{
    if (self->expected == RJ_EXPECT_NOTHING)
        return 0;
    if (self->framing == RJ__FRAMING_ARRAY)
        rjpy_decode_fail(d, self->expected == RJ_EXPECT_SEPARATOR ? "Expecting ',' delimiter" : "Expecting value", d->cur);
    else if (self->checks_end)
        rjpy_decode_fail(d, "The stream was cut: it ends without {\"$end\": count}", d->cur);
    else
        return 0;
    return -1;
}

int
rjpy_feeder_take_values(rjpy_feeder *self, rjpy_decoder *d, rjpy_batch *taken)
{
    if (self->characters == 0 && d->cur == d->begin)
        rjpy_decode_skip_mark(d);
    while (taken->count < RJ_BATCH) {
        d->cur = skip_separators(self, d->cur);
        guess_framing(self, d);
        d->cur = skip_separators(self, d->cur);
        if (d->cur == d->end)
            return self->is_last ? rjpy_check_end(self, d) : 0;
        int rc = take_framing(self, d);
        if (rc < 0)
            return -1;
        if (rc > 0 && (rc = rjpy_is_record(self, d->cur) ? rjpy_take_record(self, d) : take_value(self, d, taken)) <= 0)
            return rc;
    }
    return 1;
}

/* ---- records of the sender */

int
rjpy_is_record(const rjpy_feeder *self, const uint8_t *p)
{
    if (!self->checks_end || *p != '{')
        return 0;
    do
        p++;
    while (rjpy_is_space(*p));
    return memcmp(p, "\"$end\"", 6) == 0 || memcmp(p, "\"$error\"", 8) == 0;
}

/* What the end record says of how many values there were: 0, or -1 with a message. */
static int
check_count(const rjpy_feeder *self, rjpy_decoder *d, PyObject *count, const uint8_t *begin)
{
    Py_ssize_t sent = PyLong_CheckExact(count) ? PyLong_AsSsize_t(count) : -1;
    PyErr_Clear();
    if (sent == self->records)
        return 0;
    if (sent < 0)
        PyOS_snprintf(d->words, sizeof d->words, "The end record has no count of values");
    else
        PyOS_snprintf(d->words, sizeof d->words, "The stream was cut: %zd values arrived of %zd", self->records, sent);
    rjpy_decode_fail(d, d->words, begin);
    return -1;
}

int
rjpy_take_record(rjpy_feeder *self, rjpy_decoder *d)
{
    const uint8_t *begin = d->cur;
    const rjpy_decode_options *options = d->options;
    rjpy_decode_options plain = {.max_depth = options->max_depth, .strict = options->strict, .allow_nan = 1};
    d->options = &plain;
    PyObject *record = rjpy_decode_value(d);
    d->options = options;
    if (!record) {
        d->cur = begin;
        return rjpy_is_cut_off(self, d) ? 0 : -1;
    }
    PyObject *error = PyDict_GetItemString(record, "$error"), *count = PyDict_GetItemString(record, "$end");
    int rc = 1;
    if (error) {
        self->record = Py_NewRef(error);
        rjpy_decode_fail(d, "The sender reports an error", begin);
        rc = -1;
    }
    else if (check_count(self, d, count, begin) < 0) {
        rc = -1;
    }
    self->expected = RJ_EXPECT_NOTHING;
    Py_DECREF(record);
    return rc;
}
