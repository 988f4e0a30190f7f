/* "Sun, 22 Nov 2026 08:49:37 GMT": fixed columns, English names. */
#include "client/edge/http_date.h"

#include <string.h>

#include "base/clock.h"

#define DATE_BYTES 29

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char weekdays[] = "MonTueWedThuFriSatSun";

/* Which word of three letters in words; -1: none. */
static int
word_find(const char *words, const char *s)
{
    for (int i = 0; words[3 * i] != '\0'; i++)
        if (memcmp(words + 3 * i, s, 3) == 0)
            return i;
    return -1;
}

/* The number of n digits at s; -1: other characters. */
static int
digits(const char *s, int n)
{
    int v = 0;

    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

/* Days from 1970-01-01, by the Gregorian calendar. */
static int64_t
days_from(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int64_t past = year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400;

    return days - 719162 + before[month] + (leap && month > 1) + day - 1;
}

bool
http_date_parse(const char *s, size_t len, int64_t *ret_us)
{
    if (len != DATE_BYTES || memcmp(s + 3, ", ", 2) != 0 || s[7] != ' ' || s[11] != ' ' ||
        s[16] != ' ' || s[19] != ':' || s[22] != ':' || memcmp(s + 25, " GMT", 4) != 0 ||
        word_find(weekdays, s) < 0)
        return false;
    int day = digits(s + 5, 2), month = word_find(months, s + 8), year = digits(s + 12, 4);
    int hour = digits(s + 17, 2), minute = digits(s + 20, 2), second = digits(s + 23, 2);
    if (day < 1 || day > 31 || month < 0 || year < 1970 || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60)
        return false;
    int64_t days = days_from(year, month, day);
    int next = month == 11 ? 0 : month + 1;
    if (days >= days_from(month == 11 ? year + 1 : year, next, 1)) /* the 31st of a short month */
        return false;
    *ret_us = (((days * 24 + hour) * 60 + minute) * 60 + second) * US_PER_S;
    return true;
}
