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

/* The civil calendar from a count of days, in years that begin on the first of March, so that leap days come last: C. Neri and
 * L. Schneider, Euclidean affine functions and their application to calendar algorithms (2022), figure 12. */
uint8_t *
rj__put_days(uint8_t *p, int64_t days)
{
    if (days < -719162 || days > 2932896) /* 0001-01-01 to 9999-12-31 */
        return NULL;
    uint32_t quarters = 4 * (uint32_t)(days + 719468) + 3; /* of days since 0000-03-01 */
    uint32_t century = quarters / 146097;
    uint64_t years = UINT64_C(2939745) * (quarters % 146097 | 3); /* of the century, times 2^32 */
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913; /* times 2^16; 3 is March */
    uint32_t is_next = day_of_year >= 306;         /* January or February */
    uint32_t year = 100 * century + (uint32_t)(years >> 32) + is_next;
    return rj__put_date(p, year, (months >> 16) - (is_next ? 12 : 0), (months & 0xffff) / 2141 + 1);
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
