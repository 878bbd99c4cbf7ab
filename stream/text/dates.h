/*
 * Dates, times, offsets and durations as ASCII text, without quotation marks: RFC 3339, and ISO 8601-1:2019 (5.5.2) for durations.
 * Each function writes at `p` without asking for room, and returns the end of what it wrote.
 */
#ifndef RJSON_TEXT_DATES_H
#define RJSON_TEXT_DATES_H

#include "number/number.h"

#define RJ__SECONDS_A_DAY 86400

/* Seconds and their fraction. */
typedef struct rj__clock {
    int64_t
        seconds; /* of a day, since 1970-01-01, or of a duration, whose sign is apart: never negative where it is written */
    uint64_t fraction;   /* of a second, in units of 10^-digits */
    int fraction_digits; /* a multiple of 3, at most 18 */
} rj__clock;

/* Days since 1970-01-01 of the first day of a month (0: January 1970). */
int64_t rj__days_of_month(int64_t months);
/* The date that is `days` after 1970-01-01; NULL if its year is none of 1 to 9999. */
uint8_t *rj__put_days(uint8_t *p, int64_t days);
/* A point and six digits at least; nothing if the fraction is zero. */
uint8_t *rj__put_fraction(uint8_t *p, const rj__clock *clock);
/* Days, hours, minutes and seconds, with no zeros at the end of the fraction. */
uint8_t *rj__put_duration(uint8_t *p, int negative, const rj__clock *clock);

RJ__INLINE uint8_t *
rj__put_2digits(uint8_t *p, unsigned n)
{
    memcpy(p, rj__digits3[n] + 1, 2);
    return p + 2;
}

RJ__INLINE uint8_t *
rj__put_date(uint8_t *p, unsigned year, unsigned month, unsigned day)
{
    p = rj__put_2digits(rj__put_2digits(p, year / 100), year % 100);
    *p++ = '-';
    p = rj__put_2digits(p, month);
    *p++ = '-';
    return rj__put_2digits(p, day);
}

RJ__INLINE uint8_t *
rj__put_hms(uint8_t *p, unsigned hours, unsigned minutes, unsigned seconds)
{
    p = rj__put_2digits(p, hours);
    *p++ = ':';
    p = rj__put_2digits(p, minutes);
    *p++ = ':';
    return rj__put_2digits(p, seconds);
}

/* The time of day without its fraction, from the seconds since midnight. */
RJ__INLINE uint8_t *
rj__put_time_of_day(uint8_t *p, unsigned seconds)
{
    return rj__put_hms(p, seconds / 3600, seconds / 60 % 60, seconds % 60);
}

/* An offset from UTC; with `utc_z`, none at all is Z. */
RJ__INLINE uint8_t *
rj__put_offset(uint8_t *p, int minutes, int utc_z)
{
    if (minutes == 0 && utc_z) {
        *p = 'Z';
        return p + 1;
    }
    unsigned magnitude = (unsigned)(minutes < 0 ? -minutes : minutes);
    *p++ = minutes < 0 ? '-' : '+';
    p = rj__put_2digits(p, magnitude / 60);
    *p++ = ':';
    return rj__put_2digits(p, magnitude % 60);
}

#endif
