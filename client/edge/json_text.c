/* JSON text for answers. */
#include "client/edge/json_text.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "client/edge/json_scalar.h"

/* "2026-11-22T06:00:00.000000Z": where the last digit of the microseconds stands. */
#define TIME_FRACTION_END 26

/* Length of the well-formed character at s, 0 if there is none. */
static size_t
character_length(const unsigned char *s, size_t left)
{
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (n == 0 || n > left || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void
json_put_string(struct buf *b, const char *s, size_t len)
{
    const uint8_t *p = (const uint8_t *)s, *end = p + len;

    json_put_n(b, "\"", 1);
    while (p < end) {
        const uint8_t *plain = p;
        p = json_plain_end(p, end);
        json_put_n(b, (const char *)plain, (size_t)(p - plain));
        if (p == end)
            break;
        size_t n = character_length(p, (size_t)(end - p));
        if (n == 0) {
            json_put(b, "\xef\xbf\xbd");
            n = 1;
        } else if (*p < 0x20 || *p == 0x7f) {
            char text[8];
            snprintf(text, sizeof(text), "\\u%04x", *p);
            json_put(b, text);
        } else {
            if (*p == '"' || *p == '\\')
                json_put_n(b, "\\", 1);
            json_put_n(b, (const char *)p, n);
        }
        p += n;
    }
    json_put_n(b, "\"", 1);
}

void
json_put_uint(struct buf *b, uint64_t v)
{
    char text[24], *p = text + sizeof(text);

    do
        *--p = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    json_put_n(b, p, (size_t)(text + sizeof(text) - p));
}

void
json_put_uuid(struct buf *b, const struct uuid *u)
{
    char text[UUID_TEXT_SIZE + 2];

    text[0] = '"';
    uuid_format(u, text + 1);
    text[UUID_TEXT_SIZE] = '"';
    json_put_n(b, text, UUID_TEXT_SIZE + 1);
}

/* clock_format, which is slow, runs once a second; the microseconds are written over. */
void
json_put_time(struct buf *b, int64_t wall_us)
{
    static char text[CLOCK_TEXT_SIZE + 2];
    static int64_t text_s = INT64_MIN;
    int64_t second = wall_us / US_PER_S, rest = wall_us % US_PER_S;

    if (rest < 0) {
        second--;
        rest += US_PER_S;
    }
    if (second != text_s) {
        text[0] = '"';
        clock_format(second * US_PER_S, text + 1);
        text[CLOCK_TEXT_SIZE] = '"';
        text_s = second;
    }
    for (int i = 0; i < 6; i++, rest /= 10)
        text[TIME_FRACTION_END - i] = (char)('0' + rest % 10);
    json_put_n(b, text, CLOCK_TEXT_SIZE + 1);
}
