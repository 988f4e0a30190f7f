/* Reads the two clocks and writes wall time as text. clock_gettime with these ids can't fail. */
#include "base/clock.h"

#include <stdio.h>
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

    char text[96]; /* as wide as the compiler believes these integers could get */
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year + 1900,
             tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)micros);
    for (int i = 0; i < CLOCK_TEXT_SIZE; i++)
        ret_text[i] = text[i];
    ret_text[CLOCK_TEXT_SIZE - 1] = '\0';
}
