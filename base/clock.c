/* Reads the two clocks and writes wall time as text. clock_gettime with these ids can't fail. */
#include "base/clock.h"

#include <string.h>
#include <time.h>

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
static void
digits_put(char *text, int n, int value)
{
    for (; n > 0; value /= 10)
        text[--n] = (char)('0' + value % 10);
}

void
clock_format(int64_t wall_us, char ret_text[CLOCK_TEXT_SIZE])
{
    if (wall_us < WALL_LEAST_US)
        wall_us = WALL_LEAST_US;
    if (wall_us > WALL_MOST_US)
        wall_us = WALL_MOST_US;

    int64_t micros = wall_us % US_PER_S;
    time_t seconds = (time_t)(wall_us / US_PER_S);
    if (micros < 0) {
        micros += US_PER_S;
        seconds--;
    }
    struct tm tm;
    gmtime_r(&seconds, &tm);

    memcpy(ret_text, "0000-00-00T00:00:00.000000Z", CLOCK_TEXT_SIZE);
    digits_put(ret_text, 4, tm.tm_year + 1900);
    digits_put(ret_text + 5, 2, tm.tm_mon + 1);
    digits_put(ret_text + 8, 2, tm.tm_mday);
    digits_put(ret_text + 11, 2, tm.tm_hour);
    digits_put(ret_text + 14, 2, tm.tm_min);
    digits_put(ret_text + 17, 2, tm.tm_sec);
    digits_put(ret_text + 20, 6, (int)micros);
}
