/* Values of the types that have no children, as rjson writes what pyarrow's to_pylist makes of them: dates and times by RFC 3339,
 * durations by ISO 8601-1:2019, decimals as Python's str. */
#include "arrow/arrow.h"
#include "text/dates.h"

#include <math.h>
#include <stdlib.h>

static uint8_t *
put_bool(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    (void)a;
    int is_true = ((const uint8_t *)n->values)[i >> 3] >> (i & 7) & 1;
    memcpy(p, is_true ? "true " : "false", 5);
    return p + 5 - is_true;
}

#define INTEGER(name, type, put)                                                                                            \
    static uint8_t *name(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)                                       \
    {                                                                                                                       \
        (void)a;                                                                                                            \
        return put(p, ((const type *)n->values)[i]);                                                                        \
    }
INTEGER(put_int8, int8_t, rj__put_i64)
INTEGER(put_int16, int16_t, rj__put_i64)
INTEGER(put_int32, int32_t, rj__put_i64)
INTEGER(put_int64, int64_t, rj__put_i64)
INTEGER(put_uint8, uint8_t, rj__put_u64)
INTEGER(put_uint16, uint16_t, rj__put_u64)
INTEGER(put_uint32, uint32_t, rj__put_u64)
INTEGER(put_uint64, uint64_t, rj__put_u64)

/* Narrower floats are written as the doubles that they are, as Python has no other. */
static uint8_t *
put_number(rj_arrow *a, const rj__arrow_node *n, double value, uint8_t *p)
{
    if (RJ__LIKELY(isfinite(value)))
        return rj__put_double(p, value);
    if (!a->options.nan_as_null)
        return rj__arrow_fail(a, n, RJ_ENUMBER, "NaN and Infinity are not JSON (allow_nan=\"null\" writes null)");
    memcpy(p, "null", 4);
    return p + 4;
}

static uint8_t *
put_double(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_number(a, n, ((const double *)n->values)[i], p);
}

static uint8_t *
put_float(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_number(a, n, (double)((const float *)n->values)[i], p);
}

static uint8_t *
put_half(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    unsigned bits = ((const uint16_t *)n->values)[i], exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent == 31 ? (fraction ? NAN : INFINITY)
                   : exponent     ? ldexp(fraction + 1024, (int)exponent - 25)
                                  : ldexp(fraction, -24);
    return put_number(a, n, bits >> 15 ? -value : value, p);
}

/* ---- dates and times */

static int64_t
floor_divide(int64_t n, int64_t by)
{
    return n / by - (n % by < 0);
}

static uint8_t *
put_clock(uint8_t *p, unsigned seconds, unsigned nanoseconds)
{
    return rj__put_fraction(rj__put_time_of_day(p, seconds), &(rj__clock){0, nanoseconds, 9});
}

static uint8_t *
fail_date(rj_arrow *a, const rj__arrow_node *n)
{
    return rj__arrow_fail(a, n, RJ_EINVAL, "a date outside the years 1 to 9999");
}

static uint8_t *
put_date(rj_arrow *a, const rj__arrow_node *n, int64_t days, uint8_t *p)
{
    *p = '"';
    p = rj__put_days(p + 1, days);
    if (!p)
        return fail_date(a, n);
    *p = '"';
    return p + 1;
}

static uint8_t *
put_date32(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_date(a, n, ((const int32_t *)n->values)[i], p);
}

static uint8_t *
put_date64(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    return put_date(a, n, floor_divide(((const int64_t *)n->values)[i], RJ__SECONDS_A_DAY * INT64_C(1000)), p);
}

/* The offset that counts at an instant: the last one that began. */
static int64_t
minutes_at(const rj__arrow_node *n, int64_t seconds)
{
    size_t low = 0, high = n->shift_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (n->shifts[middle].since <= seconds)
            low = middle;
        else
            high = middle;
    }
    return n->shifts[low].minutes;
}

/* Seconds, and what is left of one. By constants, which the compiler multiplies by instead: a division takes as long as all the
 * rest of a timestamp. */
static int64_t
split(int64_t value, int64_t units, unsigned *nanoseconds)
{
    int64_t seconds = value;
#define SPLIT(units)                                                                                                        \
    case units:                                                                                                             \
        seconds = floor_divide(value, units);                                                                               \
        *nanoseconds = (unsigned)(value - seconds * (units)) * (1000000000 / (units));                                      \
        break
    switch (units) {
        SPLIT(1);
        SPLIT(1000);
        SPLIT(1000000);
        SPLIT(1000000000);
    }
    return seconds;
}

static uint8_t *
put_timestamp(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    unsigned nanoseconds = 0;
    int64_t seconds = split(((const int64_t *)n->values)[i], n->size, &nanoseconds);
    if (seconds < -(INT64_C(1) << 40) || seconds > INT64_C(1) << 40)
        return fail_date(a, n);
    int64_t minutes = n->shift_count ? minutes_at(n, seconds) : 0;
    seconds += minutes * 60;
    int64_t days = floor_divide(seconds, RJ__SECONDS_A_DAY);
    *p = '"';
    p = rj__put_days(p + 1, days);
    if (!p)
        return fail_date(a, n);
    *p = 'T';
    p = put_clock(p + 1, (unsigned)(seconds - days * RJ__SECONDS_A_DAY), nanoseconds);
    if (n->shift_count)
        p = rj__put_offset(p, (int)minutes, a->options.utc_z);
    *p = '"';
    return p + 1;
}

/* Python's time has microseconds: what is finer is cut off. */
static uint8_t *
put_time(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    int64_t value = rj__arrow_integer(n->values, n->width, 1, i);
    if (value < 0 || value / n->size >= RJ__SECONDS_A_DAY)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a time that is not of a day");
    unsigned nanoseconds = (unsigned)(value % n->size * (1000000000 / n->size));
    *p = '"';
    p = put_clock(p + 1, (unsigned)(value / n->size), nanoseconds - nanoseconds % 1000);
    *p = '"';
    return p + 1;
}

static uint8_t *
put_duration(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    (void)a;
    int64_t value = ((const int64_t *)n->values)[i];
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, units = (uint64_t)n->size;
    rj__clock clock = {(int64_t)(magnitude / units), magnitude % units * (1000000000 / units), 9};
    *p = '"';
    p = rj__put_duration(p + 1, value < 0, &clock);
    *p = '"';
    return p + 1;
}

/* ---- decimals */

#define LIMBS 8 /* of 32 bits */

/* The digits of a number of limbs (lowest first, all become 0), at the end of `digits`. How many they are. */
static int
take_digits(uint32_t *limbs, uint8_t *digits, int most)
{
    int count = 0, high = LIMBS;
    while (high > 0) {
        uint64_t rest = 0;
        for (int k = high - 1; k >= 0; k--) {
            rest = rest << 32 | limbs[k];
            limbs[k] = (uint32_t)(rest / 1000000000);
            rest %= 1000000000;
        }
        while (high > 0 && limbs[high - 1] == 0)
            high--;
        for (int k = 0; k < 9 && count < most; k++, rest /= 10)
            digits[most - ++count] = (uint8_t)('0' + rest % 10);
    }
    while (count > 1 && digits[most - count] == '0')
        count--;
    return count ? count : (digits[most - 1] = '0', 1);
}

static uint8_t *
put_bytes(uint8_t *p, const uint8_t *bytes, int count)
{
    memcpy(p, bytes, (size_t)count);
    return p + count;
}

/* As Python's str(Decimal): an exponent if the scale is negative, or more than five zeros would follow the point. */
static uint8_t *
put_scaled(uint8_t *p, const uint8_t *digits, int count, int scale)
{
    int left = count - scale, point = scale >= 0 && left > -6 ? left : 1;
    if (point <= 0) {
        *p++ = '0';
        *p++ = '.';
        memset(p, '0', (size_t)-point);
        p = put_bytes(p - point, digits, count);
    }
    else {
        p = put_bytes(p, digits, point);
        if (point < count) {
            *p++ = '.';
            p = put_bytes(p, digits + point, count - point);
        }
    }
    if (left == point)
        return p;
    *p++ = 'E';
    *p++ = left - point < 0 ? '-' : '+';
    return rj__put_u64(p, (uint64_t)abs(left - point));
}

static uint8_t *
put_decimal(rj_arrow *a, const rj__arrow_node *n, int64_t i, uint8_t *p)
{
    (void)a;
    uint32_t limbs[LIMBS];
    uint8_t digits[81];
    const uint8_t *value = (const uint8_t *)n->values + i * n->width;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    int negative = value[0] >> 7;
    for (int k = 0; k < LIMBS; k++)
        if (k * 4 < n->width)
            memcpy(&limbs[k], value + n->width - 4 - k * 4, 4);
        else
            limbs[k] = negative ? UINT32_MAX : 0;
#else
    int negative = value[n->width - 1] >> 7;
    memset(limbs, negative ? 0xff : 0, sizeof limbs);
    memcpy(limbs, value, (size_t)n->width);
#endif
    uint64_t carry = 1;
    for (int k = 0; negative && k < LIMBS; k++) {
        carry += (uint32_t)~limbs[k];
        limbs[k] = (uint32_t)carry;
        carry >>= 32;
    }
    int count = take_digits(limbs, digits, (int)sizeof digits);
    *p = '-';
    return put_scaled(p + negative, digits + sizeof digits - count, count, n->scale);
}

/* ---- formats */

static int
set(rj__arrow_node *n, rj__arrow_put_fn *put, int width)
{
    n->put = put;
    n->width = width;
    return 1;
}

/* "[+-]HH:MM" in minutes, or UTC. 0 if the name is neither. */
static int
read_fixed(const char *zone, int64_t *minutes)
{
    static const char *const utc[] = {"UTC", "Z", "Etc/UTC", "GMT", "utc", "Etc/GMT"};
    *minutes = 0;
    for (size_t k = 0; k < sizeof utc / sizeof utc[0]; k++)
        if (strcmp(zone, utc[k]) == 0)
            return 1;
    if ((*zone != '+' && *zone != '-') || strlen(zone) != 6 || zone[3] != ':')
        return 0;
    for (int k = 1; k < 6; k++)
        if (k != 3 && (zone[k] < '0' || zone[k] > '9'))
            return 0;
    *minutes = ((zone[1] - '0') * 10 + zone[2] - '0') * 60 + (zone[4] - '0') * 10 + zone[5] - '0';
    if (*minutes >= 24 * 60 || zone[4] > '5')
        return 0;
    if (*zone == '-')
        *minutes = -*minutes;
    return 1;
}

static int
set_timestamp(rj_arrow *a, rj__arrow_node *n, const char *zone)
{
    set(n, put_timestamp, 8);
    if (!*zone)
        return 1;
    n->shift_count = 1;
    n->shifts = &n->fixed;
    if (read_fixed(zone, &n->fixed.minutes))
        return 1;
    if (!a->options.zone || a->options.zone(a->options.zone_ctx, zone, &n->shifts, &n->shift_count) != RJ_OK ||
        n->shift_count == 0)
        rj__arrow_fail(a, n, RJ_EINVAL, "a time zone that is not known");
    return 1;
}

static int64_t
units_from(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 1000 : unit == 'u' ? 1000000 : unit == 'n' ? 1000000000 : 0;
}

static int
set_decimal(rj_arrow *a, rj__arrow_node *n, const char *format)
{
    char *end, *last;
    long bits = 128, precision = strtol(format + 2, &end, 10);
    long scale = *end == ',' ? strtol(end + 1, &last, 10) : (last = end, 0);
    if (*last == ',')
        bits = strtol(last + 1, &last, 10);
    if (end == format + 2 || *end != ',' || *last || precision < 1 || precision > 76 || scale < -1000 || scale > 1000 ||
        (bits != 32 && bits != 64 && bits != 128 && bits != 256))
        return rj__arrow_fail(a, n, RJ_EINVAL, "a decimal format that is not known"), 1;
    n->scale = (int)scale;
    return set(n, put_decimal, (int)bits / 8);
}

int
rj__arrow_scalar(rj_arrow *a, rj__arrow_node *n, const char *format)
{
    static const struct {
        char format;
        uint8_t width;
        rj__arrow_put_fn *put;
    } plain[] = {{'b', 1, put_bool},   {'c', 1, put_int8},  {'C', 1, put_uint8},  {'s', 2, put_int16},
                 {'S', 2, put_uint16}, {'i', 4, put_int32}, {'I', 4, put_uint32}, {'l', 8, put_int64},
                 {'L', 8, put_uint64}, {'e', 2, put_half},  {'f', 4, put_float},  {'g', 8, put_double}};
    for (size_t k = 0; format[0] && !format[1] && k < sizeof plain / sizeof plain[0]; k++)
        if (plain[k].format == format[0])
            return set(n, plain[k].put, plain[k].width);
    if (strncmp(format, "d:", 2) == 0)
        return set_decimal(a, n, format);
    if (format[0] != 't' || !format[1] || !format[2])
        return 0;
    if (strcmp(format, "tdD") == 0)
        return set(n, put_date32, 4);
    if (strcmp(format, "tdm") == 0)
        return set(n, put_date64, 8);
    n->size = units_from(format[2]);
    if (n->size == 0)
        return 0;
    if (format[1] == 's' && format[3] == ':')
        return set_timestamp(a, n, format + 4);
    if (format[1] == 'D' && !format[3])
        return set(n, put_duration, 8);
    if (format[1] == 't' && !format[3])
        return set(n, put_time, n->size <= 1000 ? 4 : 8);
    return 0;
}
