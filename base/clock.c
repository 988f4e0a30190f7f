/* Reads the two clocks and writes wall time as text. clock_gettime with these ids can't fail. */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define US_PER_DAY (86400 * US_PER_S)
/* Years 0001 to 9999: what four digits of RFC 3339 can say. */
#define WALL_LEAST_US (-62135596800 * US_PER_S)
#define WALL_MOST_US (253402300800 * US_PER_S - 1)

static int64_t
clock_read_us(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

/* By hand: a worker writes several times a submission, and snprintf showed. */
static inline void
digits_put(char *text, int n, int value)
{
    for (; n > 0; value /= 10)
        text[--n] = (char)('0' + value % 10);
}

/* The civil date of a day since 1970-01-01, in the proleptic Gregorian calendar: years are counted
 * from March, so that a leap day ends one, in eras of 400. gmtime_r took three times as long. */
static void
date_of_day(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t since = day + 719468; /* days since 0000-03-01; not negative from year 1 on */
    unsigned era = (unsigned)(since / 146097), of_era = (unsigned)(since % 146097);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153; /* from March */

    *ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(era * 400 + year + (month >= 10));
}

void
clock_format(int64_t wall_us, char ret_text[CLOCK_TEXT_SIZE])
{
    if (wall_us < WALL_LEAST_US)
        wall_us = WALL_LEAST_US;
    if (wall_us > WALL_MOST_US)
        wall_us = WALL_MOST_US;

    int64_t day = wall_us / US_PER_DAY, of_day = wall_us % US_PER_DAY;
    int year, month, day_of_month;
    if (of_day < 0) {
        of_day += US_PER_DAY;
        day--;
    }
    int seconds = (int)(of_day / US_PER_S);
    date_of_day(day, &year, &month, &day_of_month);

    memcpy(ret_text, "0000-00-00T00:00:00.000000Z", CLOCK_TEXT_SIZE);
    digits_put(ret_text, 4, year);
    digits_put(ret_text + 5, 2, month);
    digits_put(ret_text + 8, 2, day_of_month);
    digits_put(ret_text + 11, 2, seconds / 3600);
    digits_put(ret_text + 14, 2, seconds / 60 % 60);
    digits_put(ret_text + 17, 2, seconds % 60);
    digits_put(ret_text + 20, 6, (int)(of_day % US_PER_S));
}
