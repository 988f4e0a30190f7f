#include "questionnaire/phone.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "questionnaire/width.h"

#define TEXT_MAX 256
#define ARABIC_LEAD 0xd9  /* U+0660 to U+0669: d9 a0… */
#define PERSIAN_LEAD 0xdb /* U+06F0 to U+06F9: db b0… */

/* The digit at the front, of *ret_bytes; -1: none. */
static int
digit_read(const uint8_t *at, size_t left, size_t *ret_bytes)
{
    *ret_bytes = 1;
    if (at[0] >= '0' && at[0] <= '9')
        return at[0] - '0';
    *ret_bytes = 2;
    if (left >= 2 && at[0] == ARABIC_LEAD && at[1] >= 0xa0 && at[1] <= 0xa9)
        return at[1] - 0xa0;
    if (left >= 2 && at[0] == PERSIAN_LEAD && at[1] >= 0xb0 && at[1] <= 0xb9)
        return at[1] - 0xb0;
    return -1;
}

/* Bytes of what may stand between digits; 0: it may not. Dashes U+2010 to U+2015, U+2212, spaces
 * U+00A0, U+2007, U+202F. */
static size_t
separator(const uint8_t *at, size_t left)
{
    static const char *const wide[] = {
        "\xc2\xa0",     "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93",
        "\xe2\x80\x94", "\xe2\x80\x95", "\xe2\x88\x92", "\xe2\x80\x87", "\xe2\x80\xaf",
    };

    if (at[0] != '\0' && strchr(" \t.-/()", at[0]) != NULL)
        return 1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        size_t n = strlen(wide[i]);
        if (left >= n && memcmp(at, wide[i], n) == 0)
            return n;
    }
    return 0;
}

/* text is of usual width. */
static bool
digits_take(const uint8_t *at, size_t len, char ret[PHONE_NORMAL_SIZE])
{
    static const char trunk[] = "(0)";
    size_t n = 0, i = 0, bytes;
    char out[PHONE_NORMAL_SIZE];
    bool country = false;

    while (i < len) {
        int digit = digit_read(at + i, len - i, &bytes);
        if (digit >= 0) {
            if (n == PHONE_DIGITS_MAX)
                return false;
            out[n++] = (char)('0' + digit);
            i += bytes;
            /* Only a number that begins with 00 says so; 000… is none of a country. */
            if (!country && n == 3 && out[0] == '0' && out[1] == '0' && out[2] != '0') {
                country = true;
                out[0] = out[2];
                n = 1;
            }
            continue;
        }
        if (at[i] == '+' && n == 0 && !country) {
            country = true;
            i++;
            continue;
        }
        if (country && n > 0 && len - i >= 3 && memcmp(at + i, trunk, 3) == 0) {
            i += 3;
            continue;
        }
        bytes = separator(at + i, len - i);
        if (bytes == 0)
            return false;
        i += bytes;
    }
    if (n < PHONE_DIGITS_MIN)
        return false;
    size_t plus = country ? 1 : 0;
    ret[0] = '+';
    memcpy(ret + plus, out, n);
    ret[plus + n] = '\0';
    return true;
}

bool
phone_normal(const char *text, size_t len, char ret[PHONE_NORMAL_SIZE])
{
    static const char scheme[] = "tel:";
    struct buf usual;
    bool differs, good;

    if (len == 0 || len > TEXT_MAX)
        return false;
    buf_init(&usual, TEXT_MAX + 1);
    good = width_normal(text, len, &usual, &differs) == BUF_OK;
    const uint8_t *at = usual.data;
    size_t left = usual.size;
    if (good && left > sizeof(scheme) - 1 &&
        strncasecmp((const char *)at, scheme, sizeof(scheme) - 1) == 0) {
        at += sizeof(scheme) - 1;
        left -= sizeof(scheme) - 1;
    }
    good = good && left > 0 && digits_take(at, left, ret);
    explicit_bzero(usual.data, usual.size);
    buf_deinit(&usual);
    return good;
}
