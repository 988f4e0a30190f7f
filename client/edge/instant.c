/* Checks a date-time without computing it: the literal is what is kept. */
#include "client/edge/instant.h"

#define INSTANT_BYTES_MAX 40

/* The number of two digits, or -1. */
static int
two(const char *s)
{
    if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
        return -1;
    return (s[0] - '0') * 10 + (s[1] - '0');
}

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)))
        return 29;
    return days[month - 1];
}

static bool
date_is_sane(const char *s)
{
    int century = two(s), rest = two(s + 2), month = two(s + 5), day = two(s + 8);

    if (century < 0 || rest < 0 || s[4] != '-' || s[7] != '-' || month < 1 || month > 12)
        return false;
    int year = century * 100 + rest;
    return year > 0 && day >= 1 && day <= month_days(year, month);
}

static bool
zone_is_sane(const char *s, size_t len)
{
    if (len == 1)
        return *s == 'Z' || *s == 'z';
    if (len != 6 || (*s != '+' && *s != '-') || s[3] != ':')
        return false;
    int hours = two(s + 1), minutes = two(s + 4);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

bool
instant_is_sane(const char *s, size_t len)
{
    if (len < 20 || len > INSTANT_BYTES_MAX || !date_is_sane(s) || (s[10] != 'T' && s[10] != 't'))
        return false;
    int hour = two(s + 11), minute = two(s + 14), second = two(s + 17);
    if (hour < 0 || hour > 23 || s[13] != ':' || minute < 0 || minute > 59 || s[16] != ':' ||
        second < 0 || second > 60)
        return false;
    size_t at = 19;
    if (s[at] == '.') {
        size_t first = ++at;
        while (at < len && s[at] >= '0' && s[at] <= '9')
            at++;
        if (at == first)
            return false;
    }
    return zone_is_sane(s + at, len - at);
}
