/* Scanning by hand: strptime takes too much and knows locales. */
#include "questionnaire/moment.h"

#include <string.h>

#define DAY_US ((int64_t)86400 * 1000000)

struct scan {
    const char *at, *end;
};

/* Inline, so that n is known. */
static inline bool
digits_take(struct scan *s, int n, int *ret)
{
    int v = 0;

    if (s->end - s->at < n)
        return false;
    for (int i = 0; i < n; i++) {
        unsigned digit = (unsigned)s->at[i] - '0';
        if (digit > 9)
            return false;
        v = v * 10 + (int)digit;
    }
    s->at += n;
    *ret = v;
    return true;
}

static bool
char_take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar. */
static int64_t
day_number(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

/* parts: how many of year, month, day were there. */
static bool
date_take(struct scan *s, int *ret_parts, int64_t *ret_days)
{
    int year, month = 1, day = 1, parts = 1;

    if (!digits_take(s, 4, &year) || year < 1)
        return false;
    if (char_take(s, '-')) {
        if (!digits_take(s, 2, &month) || month < 1 || month > 12)
            return false;
        parts = 2;
        if (char_take(s, '-')) {
            if (!digits_take(s, 2, &day) || day < 1 || day > month_days(year, month))
                return false;
            parts = 3;
        }
    }
    *ret_parts = parts;
    *ret_days = day_number(year, month, day);
    return true;
}

static bool
time_take(struct scan *s, bool seconds_needed, int64_t *ret_us)
{
    int hour, minute, second = 0;
    int64_t fraction = 0, unit = 100000;

    if (!digits_take(s, 2, &hour) || hour > 23 || !char_take(s, ':') ||
        !digits_take(s, 2, &minute) || minute > 59)
        return false;
    if (char_take(s, ':')) {
        if (!digits_take(s, 2, &second) || second > 59)
            return false;
        if (char_take(s, '.')) {
            int n = 0, digit;
            while (n < 10 && digits_take(s, 1, &digit)) {
                fraction += digit * unit;
                unit /= 10;
                n++;
            }
            if (n == 0 || n > 9)
                return false;
        }
    } else if (seconds_needed) {
        return false;
    }
    *ret_us = ((int64_t)hour * 3600 + minute * 60 + second) * 1000000 + fraction;
    return true;
}

static bool
zone_take(struct scan *s, int64_t *ret_us)
{
    int hour, minute, sign;

    if (char_take(s, 'Z')) {
        *ret_us = 0;
        return true;
    }
    if (char_take(s, '+'))
        sign = 1;
    else if (char_take(s, '-'))
        sign = -1;
    else
        return false;
    if (!digits_take(s, 2, &hour) || hour > 14 || !char_take(s, ':') ||
        !digits_take(s, 2, &minute) || minute > 59)
        return false;
    *ret_us = (int64_t)sign * (hour * 3600 + minute * 60) * 1000000;
    return true;
}

int
moment_check_date(const char *text, size_t len)
{
    struct scan s = {text, text + len};
    int parts;
    int64_t days;

    return date_take(&s, &parts, &days) && s.at == s.end ? MOMENT_OK : MOMENT_BAD;
}

int
moment_check_time(const char *text, size_t len)
{
    struct scan s = {text, text + len};
    int64_t us;

    return time_take(&s, true, &us) && s.at == s.end ? MOMENT_OK : MOMENT_BAD;
}

int
moment_check_date_time(const char *text, size_t len)
{
    int64_t us;
    char zone[MOMENT_ZONE_SIZE];

    if (memchr(text, 'T', len) == NULL)
        return moment_check_date(text, len);
    return moment_parse(text, len, &us, zone);
}

int
moment_parse(const char *text, size_t len, int64_t *ret_us, char ret_zone[MOMENT_ZONE_SIZE])
{
    struct scan s = {text, text + len};
    int parts;
    int64_t days, time_us, offset_us;

    if (!date_take(&s, &parts, &days))
        return MOMENT_BAD;
    if (s.at == s.end)
        return parts == 3 ? MOMENT_NO_ZONE : MOMENT_BAD;
    if (parts != 3 || !char_take(&s, 'T') || !time_take(&s, false, &time_us))
        return MOMENT_BAD;
    if (s.at == s.end)
        return MOMENT_NO_ZONE;
    const char *zone = s.at;
    if (!zone_take(&s, &offset_us) || s.at != s.end)
        return MOMENT_BAD;
    size_t n = (size_t)(s.end - zone);
    memcpy(ret_zone, zone, n);
    ret_zone[n] = '\0';
    *ret_us = days * DAY_US + time_us - offset_us;
    return MOMENT_OK;
}

/* A time of day alone, or a date with what follows it. */
struct partial {
    int parts; /* of the date; 0: a time alone */
    bool moment;
    int64_t us;
};

static struct partial
partial_read(const char *text, size_t len)
{
    struct scan s = {text, text + len};
    struct partial p = {0};
    char zone[MOMENT_ZONE_SIZE];
    int64_t days;

    if (len > 2 && text[2] == ':') {
        time_take(&s, true, &p.us);
        return p;
    }
    date_take(&s, &p.parts, &days);
    p.moment = s.at < s.end && moment_parse(text, len, &p.us, zone) == MOMENT_OK;
    return p;
}

static int
order(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

int
moment_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    struct partial x = partial_read(a, a_len), y = partial_read(b, b_len);
    /* YYYY, YYYY-MM, YYYY-MM-DD: digits of equal width compare as text. */
    static const size_t widths[] = {0, 4, 7, 10};

    if ((x.parts == 0 && y.parts == 0) || (x.moment && y.moment))
        return order(x.us, y.us);
    size_t n = widths[x.parts < y.parts ? x.parts : y.parts];
    return memcmp(a, b, n);
}
