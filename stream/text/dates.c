/* See dates.h. */
#include "text/dates.h"

int64_t
rj__days_of_month(int64_t months)
{
    int64_t year = 1970 + (months >= 0 ? months / 12 : -((11 - months) / 12));
    int64_t month = months - (year - 1970) * 12; /* 0 to 11 */
    int64_t y = year - (month < 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400, from_march = (month + 10) % 12;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + (153 * from_march + 2) / 5 - 719468;
}

/* The civil calendar from a count of days: eras of 400 years (146,097 days) that begin on the first of March, so
 * that leap days come last. */
uint8_t *
rj__put_days(uint8_t *p, int64_t days)
{
    if (days < -719162 || days > 2932896) /* 0001-01-01 to 9999-12-31 */
        return NULL;
    unsigned n = (unsigned)(days + 719468); /* since 0000-03-01 */
    unsigned era = n / 146097, day_of_era = n % 146097;
    unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153; /* 0 is March */
    unsigned day = day_of_year - (153 * month + 2) / 5 + 1;
    unsigned year = 400 * era + year_of_era + (month >= 10);
    return rj__put_date(p, year, month < 10 ? month + 3 : month - 9, day);
}

/* The point and so many digits, a multiple of 3. */
static uint8_t *
put_digits(uint8_t *p, uint64_t fraction, int digits)
{
    *p = '.';
    for (int i = digits - 2; i > 0; i -= 3, fraction /= 1000)
        memcpy(p + i, rj__digits3[fraction % 1000], 3);
    return p + 1 + digits;
}

uint8_t *
rj__put_fraction(uint8_t *p, const rj__clock *clock)
{
    uint64_t fraction = clock->fraction;
    int digits = clock->fraction_digits;
    if (fraction == 0)
        return p;
    for (; digits < 6; digits += 3)
        fraction *= 1000;
    for (; digits > 6 && fraction % 1000 == 0; digits -= 3)
        fraction /= 1000;
    return put_digits(p, fraction, digits);
}

/* ---- durations */

static uint8_t *
put_part(uint8_t *p, uint64_t n, uint8_t unit)
{
    if (n == 0)
        return p;
    p = rj__put_u64(p, n);
    *p = unit;
    return p + 1;
}

static uint8_t *
put_seconds(uint8_t *p, const rj__clock *clock)
{
    p = rj__put_u64(p, (uint64_t)clock->seconds % 60);
    if (clock->fraction) {
        p = put_digits(p, clock->fraction, clock->fraction_digits);
        while (p[-1] == '0')
            p--;
    }
    *p = 'S';
    return p + 1;
}

uint8_t *
rj__put_duration(uint8_t *p, int negative, const rj__clock *clock)
{
    uint64_t all = (uint64_t)clock->seconds, of_day = all % RJ__SECONDS_A_DAY;
    int is_zero = all == 0 && clock->fraction == 0;
    *p = '-';
    p += negative;
    *p++ = 'P';
    p = put_part(p, all / RJ__SECONDS_A_DAY, 'D');
    if (of_day == 0 && clock->fraction == 0 && !is_zero)
        return p;
    *p++ = 'T';
    p = put_part(put_part(p, of_day / 3600, 'H'), of_day / 60 % 60, 'M');
    return of_day % 60 || clock->fraction || is_zero ? put_seconds(p, clock) : p;
}
