/* The part of the walk (walk.h) that writes scalars: literals, ints and floats, and the one way for any of them that
 * is tried first. */

RJ__INLINE uint8_t *
put_literal(uint8_t *cur, const char *literal, size_t length)
{
    memcpy(cur, literal, length);
    return cur + length;
}

static RJ__NOINLINE uint8_t *
put_double(uint8_t *cur, double value)
{
    return rj__put_double_inline(cur, value);
}

/* The digits of an int, or of a subclass, as json does, and a comma; NULL where they are more than 64 bits, or the
 * options allow. */
RJ__INLINE uint8_t *
put_word_int(const rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    int negative;
    uint64_t magnitude;
    if (RJ__UNLIKELY(!rjpy_long_magnitude(v, &negative, &magnitude)))
        return NULL;
    if (RJ__STYLED && RJ__UNLIKELY(rjpy_is_large_integer(e->options, negative, magnitude)))
        return NULL;
    return put_literal(rj__put_signed(cur, negative, magnitude), ",", 1);
}

/* A float, and a comma; NULL for NaN and infinities. */
RJ__INLINE uint8_t *
put_finite_float(uint8_t *cur, PyObject *v)
{
    double value = PyFloat_AS_DOUBLE(v);
    if (RJ__UNLIKELY(!(value - value == 0)))
        return NULL;
    return put_literal(put_double(cur, value), ",", 1);
}

/* The values that documents consist of, where nothing special is about them; NULL for the rest. Runs no Python code. */
RJ__INLINE uint8_t *
put_scalar(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    PyTypeObject *type = Py_TYPE(v);
    if (type == &PyUnicode_Type)
        return put_string_in_window(e, cur, v, ',');
    uint8_t *small = rjpy_put_small_int(&e->state->known, cur, v);
    if (small)
        return small;
    if (type == &PyLong_Type)
        return put_word_int(e, cur, v);
    if (type == &PyFloat_Type)
        return put_finite_float(cur, v);
    return rjpy_put_literal(&e->state->known, cur, v);
}

static RJ__NOINLINE uint8_t *
put_any_int(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    uint8_t *next = put_word_int(e, cur, v);
    if (next)
        return next;
    if (RJ__UNLIKELY(e->options->integer_max != UINT64_MAX) && !e->options->integers_as_strings)
        return rjpy_fail_large_integer(e);
    PyObject *text = rjpy_int_text(e, v);
    if (!text)
        return rjpy_stop_error(e);
    cur = e->options->integers_as_strings ? put_string(e, cur, text, ',')
                                          : put_verbatim(e, cur, text, PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text));
    Py_DECREF(text);
    return cur;
}

static RJ__NOINLINE uint8_t *
put_any_float(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    uint8_t *next = put_finite_float(cur, v);
    if (next)
        return next;
    const char *text = rjpy_non_finite(e, PyFloat_AS_DOUBLE(v));
    return text ? put_literal(put_literal(cur, text, strlen(text)), ",", 1) : NULL;
}
