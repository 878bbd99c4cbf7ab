/*
 * The part of the walk (walk.h) that makes numbers. There are three ways for the forms that most have, none of which
 * branches on how many digits there are, and one for everything; the form of the last number says which is tried
 * first. What matters most is how soon the end of a number is known: nothing of what comes behind it can begin
 * before.
 */

/* ---- their objects */

/* 19 of the digits between `p` and `end`, leading zeros aside; *power is what all of them together are to be
 * multiplied by, and becomes what these are. Returns how many were left out. */
static int
leading_digits(const uint8_t *p, const uint8_t *end, uint64_t *mantissa, int64_t *power)
{
    int count = 0, dropped = 0;
    *mantissa = 0;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '.' || (*p == '0' && count == 0))
            continue;
        if (count < RJ__DECIMAL_DIGITS) {
            *mantissa = *mantissa * 10 + (uint64_t)(*p - '0');
            count++;
        }
        else {
            dropped++;
        }
    }
    *power += dropped;
    return dropped;
}

/* A number with more digits than fit, or a large exponent. */
static RJ__NOINLINE double
long_double(const uint8_t *digits, const uint8_t *end, int64_t power)
{
    uint64_t w = 0;
    double low, high;
    int dropped = leading_digits(digits, end, &w, &power);
    /* What was dropped is less than one in the last place of w: both neighbours have to agree. */
    if (power >= -400 && power <= 400 && rjpy_decimal_to_double(w, (int)power, &low) &&
        (!dropped || (rjpy_decimal_to_double(w + 1, (int)power, &high) && low == high)))
        return low;
    return rjpy_decode_double(digits);
}

/* Behind the exponent whose letter is at `p`; *power gets its value, cut off where it matters no more. NULL if there
 * is none. */
RJ__INLINE const uint8_t *
scan_exponent(const uint8_t *p, int64_t *power)
{
    int negative = p[1] == '-';
    p += 1 + (p[1] == '-' || p[1] == '+');
    if (!rj__is_digit(*p))
        return NULL;
    int64_t value = 0;
    for (; rj__is_digit(*p); p++)
        value = value < 100000000 ? value * 10 + (*p - '0') : value;
    *power += negative ? -value : value;
    return p;
}

RJ__INLINE PyObject *
decode_integer(rjpy_decoder *d, const uint8_t *begin, const uint8_t *p, uint64_t magnitude, size_t digits)
{
    if (RJ__UNLIKELY(d->options->parse_int || digits > RJ__DECIMAL_DIGITS))
        return rjpy_decode_long(d, begin, p);
    return rjpy_long_build(&d->state->known, magnitude, *begin == '-');
}

RJ__INLINE PyObject *
decode_float(const rjpy_decoder *d, const uint8_t *begin, const uint8_t *end, double magnitude)
{
    double value = *begin == '-' ? -magnitude : magnitude;
    return RJ__UNLIKELY(d->options->parse_float != NULL) ? rjpy_decode_float(d, begin, end) : PyFloat_FromDouble(value);
}

/* The double whose digits, up to `p`, are w (if that `fits`), to be multiplied by 10^power. There may be an exponent
 * at `p`. */
RJ__INLINE PyObject *
decode_scaled(rjpy_decoder *d, const uint8_t *begin, const uint8_t *p, uint64_t w, int64_t power, int fits,
              const uint8_t **next)
{
    if ((*p | 0x20) == 'e') {
        const uint8_t *behind = scan_exponent(p, &power);
        if (RJ__UNLIKELY(!behind))
            return rjpy_decode_fail(d, "Expecting a digit", p + 1 + (p[1] == '-' || p[1] == '+'));
        p = behind;
    }
    *next = p;
    double magnitude = 0;
    if (RJ__UNLIKELY(!fits || power < -400 || power > 400 || !rjpy_decimal_to_double(w, (int)power, &magnitude)))
        magnitude = long_double(begin + (*begin == '-'), p, power);
    return decode_float(d, begin, p, magnitude);
}

/* ---- numbers */

/* A number of any form, digit by digit. */
RJ__INLINE PyObject *
decode_any_number(rjpy_decoder *d, const uint8_t *begin, const uint8_t **next)
{
    const uint8_t *digits = begin + (*begin == '-'), *p = digits;
    uint64_t w = 0;
    if (RJ__UNLIKELY(!rj__is_digit(*p)))
        return *p == 'I' ? handle_rare_case(rjpy_decode_constant, d, begin, next)
                         : rjpy_decode_fail(d, "Expecting a digit", p);
    if (*p == '0')
        p++;
    else
        p = rjpy_scan_digits(p, d->safe_end, &w);
    size_t count = (size_t)(p - digits);
    int64_t power = 0;
    if (*p == '.') {
        const uint8_t *fraction = p + 1;
        p = rjpy_scan_fraction(fraction, d->safe_end, &w);
        if (RJ__UNLIKELY(p == fraction))
            return rjpy_decode_fail(d, "Expecting a digit", p);
        power = fraction - p;
        count += (size_t)(p - fraction);
        d->last_number = RJ_LONG_NUMBER;
    }
    else if ((*p | 0x20) != 'e') {
        *next = p;
        d->last_number = RJ_SHORT_INTEGER;
        return decode_integer(d, begin, p, w, count);
    }
    return decode_scaled(d, begin, p, w, power, count <= RJ__DECIMAL_DIGITS, next);
}

/* Whether a number that is an integer so far ends before this. */
RJ__INLINE int
ends_integer(uint8_t c)
{
    return c != '.' && (c | 0x20) != 'e';
}

/* A decimal of up to RJ__DECIMAL_DIGITS digits, and maybe an exponent behind it. The way that it is read is the one
 * that is tried first next time. */
RJ__INLINE int
read_decimal(rjpy_decoder *d, const uint8_t *p, rj__decimal *n)
{
    if (!rj__is_digit(*p) || (*p == '0' && p[1] != '.')) /* behind a zero, a digit is no part of this number */
        return 0;
    if (d->last_number != RJ_LONG_NUMBER && rj__read_decimal(p, n)) {
        d->last_number = n->decimals < 0 && n->length < 8 ? RJ_SHORT_INTEGER : RJ_SHORT_DECIMAL;
        return n->decimals != 0;
    }
    if (!rj__read_long_decimal(p, n))
        return 0;
    d->last_number = n->length < 12 ? RJ_SHORT_DECIMAL : RJ_LONG_NUMBER;
    return n->decimals != 0;
}

RJ__INLINE PyObject *
decode_number(rjpy_decoder *d, const uint8_t *begin, const uint8_t **next)
{
    const uint8_t *p = begin + (*begin == '-');
    uint64_t w = 0;
    rj__decimal n;
    if (RJ__UNLIKELY(p >= d->safe_end))
        return decode_any_number(d, begin, next);
    if (d->last_number == RJ_SHORT_INTEGER) {
        /* One digit alone, which many are: the processor foresees that before it could be calculated. */
        if (!rj__is_digit(p[1]) && rj__is_digit(*p) && ends_integer(p[1])) {
            *next = p + 1;
            return decode_integer(d, begin, p + 1, (uint64_t)(*p - '0'), 1);
        }
        unsigned count = rj__read_few_digits(p, &w);
        if (count != 0 && ends_integer(p[count])) {
            *next = p += count;
            return decode_integer(d, begin, p, w, count);
        }
    }
    if (!read_decimal(d, p, &n))
        return decode_any_number(d, begin, next);
    p += n.length;
    int has_exponent = (*p | 0x20) == 'e';
    if (n.decimals >= 0 && n.length < 16 && !has_exponent) {
        *next = p;
        return decode_float(d, begin, p, (double)(int64_t)n.digits / rjpy_exact_powers[n.decimals]);
    }
    if (n.decimals >= 0 || has_exponent)
        return decode_scaled(d, begin, p, n.digits, n.decimals < 0 ? 0 : -(int64_t)n.decimals, 1, next);
    *next = p;
    return decode_integer(d, begin, p, n.digits, n.length);
}
