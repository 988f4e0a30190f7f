/* Ages, sizes, counts and the widths of texts. */
#include "client/ctl/format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "base/clock.h"
#include "base/error.h"

void
format_age(int64_t us, char ret[FORMAT_SIZE])
{
    static const struct {
        int64_t s;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    const char *sign = us < 0 ? "-" : "";
    int64_t s, rest;

    if (us < 0)
        us = us == INT64_MIN ? INT64_MAX : -us;
    if (us < US_PER_S) {
        snprintf(ret, FORMAT_SIZE, "%s%" PRId64 " ms", sign, us / US_PER_MS);
        return;
    }
    if (us < 10 * US_PER_S) {
        snprintf(ret, FORMAT_SIZE, "%s%" PRId64 ".%" PRId64 " s", sign, us / US_PER_S,
                 us % US_PER_S / 100000);
        return;
    }
    s = us / US_PER_S;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (s < units[i].s)
            continue;
        rest = i + 1 < ARRAY_LEN(units) ? s % units[i].s / units[i + 1].s : 0;
        if (rest > 0)
            snprintf(ret, FORMAT_SIZE, "%s%" PRId64 " %s %" PRId64 " %s", sign, s / units[i].s,
                     units[i].name, rest, units[i + 1].name);
        else
            snprintf(ret, FORMAT_SIZE, "%s%" PRId64 " %s", sign, s / units[i].s, units[i].name);
        return;
    }
}

void
format_bytes(uint64_t bytes, char ret[FORMAT_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    uint64_t tenths;
    size_t unit = 0;

    if (bytes < 1024) {
        snprintf(ret, FORMAT_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    while (bytes >= 1024 * 1024) {
        bytes /= 1024;
        unit++;
    }
    tenths = bytes * 10 / 1024;
    if (tenths % 10 == 0 || tenths >= 1000)
        snprintf(ret, FORMAT_SIZE, "%" PRIu64 " %s", tenths / 10, units[unit]);
    else
        snprintf(ret, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                 units[unit]);
}

void
format_count(uint64_t n, char ret[FORMAT_SIZE])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            ret[at++] = ',';
        ret[at++] = digits[i];
    }
    ret[at] = '\0';
}

size_t
format_width(const char *text)
{
    mbstate_t state = {0};
    size_t width = 0, left = strlen(text);

    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);
        if (n == 0 || n > left) { /* no character here: a byte, a column */
            memset(&state, 0, sizeof(state));
            n = 1;
            width++;
        } else {
            int w = wcwidth(c);
            width += w > 0 ? (size_t)w : 0;
        }
        text += n;
        left -= n;
    }
    return width;
}

void
format_fold(char *text)
{
    char *to = text;
    bool after_blank = false;

    for (; *text != '\0'; text++) {
        bool blank = strchr(" \t\r\n", *text) != NULL;
        if (!blank || !after_blank)
            *to++ = blank ? ' ' : *text;
        after_blank = blank;
    }
    *to = '\0';
}

void
format_tame(char *text)
{
    mbstate_t state = {0};
    size_t left = strlen(text);

    while (left > 0) {
        wchar_t c;
        size_t n = mbrtowc(&c, text, left, &state);
        bool bad = n == 0 || n > left;
        if (bad) {
            memset(&state, 0, sizeof(state));
            n = 1;
        }
        if (bad || !iswprint((wint_t)c))
            memset(text, '?', n);
        text += n;
        left -= n;
    }
}
