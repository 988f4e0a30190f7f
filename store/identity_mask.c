/* What the profile answer shows of an identifier. Judged by Unicode character; bytes that are no
 * UTF-8 count as one character each, so a broken text shows no more than a whole one. */
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "store/identity.h"

#define AGE_SHOWN_MAX 89
#define PHONE_FIRST 3
#define PHONE_LAST 4
#define PHONE_DIGITS_MIN 8
#define US_PER_S 1000000

/* Bytes of the character at the front; 1 for what is none. */
static size_t
character(struct slice text)
{
    const uint8_t *at = text.at;
    size_t len = at[0] < 0x80             ? 1
                 : (at[0] & 0xe0) == 0xc0 ? 2
                 : (at[0] & 0xf0) == 0xe0 ? 3
                 : (at[0] & 0xf8) == 0xf0 ? 4
                                          : 1;

    if (len > text.len)
        return 1;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 1;
    }
    return len;
}

static struct slice
rest(struct slice text, size_t n)
{
    return (struct slice){(const uint8_t *)text.at + n, text.len - n};
}

int
identity_mask_name(struct slice name, struct buf *out)
{
    while (name.len > 0 && *(const char *)name.at == ' ')
        name = rest(name, 1);
    if (name.len == 0)
        return buf_append_str(out, "**");
    return buf_append(out, name.at, character(name)) | buf_append_str(out, "**");
}

/* ASCII, full-width (U+FF10…) and Arabic-Indic (U+0660…, U+06F0…) digits. */
static bool
is_digit(const uint8_t *at, size_t len)
{
    if (len == 1)
        return at[0] >= '0' && at[0] <= '9';
    if (len == 2)
        return (at[0] == 0xd9 && at[1] >= 0xa0 && at[1] <= 0xa9) ||
               (at[0] == 0xdb && at[1] >= 0xb0 && at[1] <= 0xb9);
    return len == 3 && at[0] == 0xef && at[1] == 0xbc && at[2] >= 0x90 && at[2] <= 0x99;
}

/* Only digits come through: separators would tell the country by their pattern. */
int
identity_mask_phone(struct slice phone, struct buf *out)
{
    size_t digits = 0, nth = 0;
    int full = BUF_OK;

    for (struct slice at = phone; at.len > 0; at = rest(at, character(at)))
        digits += is_digit(at.at, character(at));
    for (struct slice at = phone; at.len > 0; at = rest(at, character(at))) {
        if (!is_digit(at.at, character(at)))
            continue;
        bool shown =
            digits >= PHONE_DIGITS_MIN && (nth < PHONE_FIRST || nth >= digits - PHONE_LAST);
        full |= shown ? buf_append(out, at.at, character(at)) : buf_append_str(out, "*");
        nth++;
    }
    return digits > 0 ? full : buf_append_str(out, "***");
}

int
identity_mask_email(struct slice email, struct buf *out)
{
    const char *at = email.at, *sign = NULL;

    for (size_t i = 0; i < email.len; i++) {
        if (at[i] == '@')
            sign = at + i;
    }
    if (sign == NULL || sign == at)
        return buf_append_str(out, "***");
    return buf_append(out, at, character(email)) | buf_append_str(out, "***") |
           buf_append(out, sign, email.len - (size_t)(sign - at));
}

/* Digits at *at, which moves on; -1 if there are not exactly n. */
static int
digits_take(struct slice *at, size_t n)
{
    const char *text = at->at;
    int v = 0;

    if (at->len < n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        v = v * 10 + (text[i] - '0');
    }
    *at = rest(*at, n);
    return v;
}

int
identity_age(struct slice birth_date, int64_t now_us)
{
    struct slice at = birth_date;
    time_t now = (time_t)(now_us / US_PER_S);
    struct tm today;
    int part[3] = {0, 1, 1};

    gmtime_r(&now, &today);
    for (int i = 0; i < 3 && (i == 0 || at.len > 0); i++) {
        if (i > 0 && *(const char *)at.at != '-')
            return -1;
        if (i > 0)
            at = rest(at, 1);
        part[i] = digits_take(&at, i == 0 ? 4 : 2);
        if (part[i] < 0)
            return -1;
    }
    if (at.len > 0 || part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31)
        return -1;
    int age = today.tm_year + 1900 - part[0];
    if (today.tm_mon + 1 < part[1] || (today.tm_mon + 1 == part[1] && today.tm_mday < part[2]))
        age--;
    return age < 0 ? -1 : age > AGE_SHOWN_MAX ? AGE_SHOWN_MAX + 1 : age;
}
