/* Nearly every literal is written as it stands; the others get their digits one by one. */
#include "store/json_number.h"

#include <stdbool.h>
#include <string.h>

#define ZEROS_MAX 400 /* that an exponent may add: past what any edge lets through */

/* The digits of a literal without its point: count of them, and how many stand before the point
 * (an exponent moves it). */
struct digits {
    const char *text;
    size_t len; /* of mantissa */
    int n, point, scale;
    bool negative, zero;
};

static struct digits
digits_read(const char *text, size_t len)
{
    struct digits d = {.text = text, .zero = true};
    size_t at = 0;
    int exponent = 0;
    bool down = false, fraction = false;

    if (at < len && text[at] == '-') {
        d.negative = true;
        d.text++;
        at++;
    }
    for (; at < len && (text[at] | 0x20) != 'e'; at++, d.len++) {
        fraction = fraction || text[at] == '.';
        d.n += text[at] != '.';
        d.point += !fraction;
        d.zero = d.zero && (text[at] == '.' || text[at] == '0');
    }
    for (at++; at < len; at++) {
        down = down || text[at] == '-';
        if (text[at] >= '0' && text[at] <= '9' && exponent <= ZEROS_MAX)
            exponent = exponent * 10 + (text[at] - '0');
    }
    if (down)
        exponent = -exponent;
    d.point += exponent;
    d.scale = d.n > d.point ? d.n - d.point : 0;
    return d;
}

/* A digit for each place from..to-1, counted from the first of the literal; zeros around it. */
static int
places_write(struct buf *b, const struct digits *d, int from, int to)
{
    uint8_t *p;
    int at = 0;

    if (from >= to)
        return BUF_OK;
    if (buf_reserve(b, (size_t)(to - from), &p) != BUF_OK)
        return BUF_FULL;
    memset(p, '0', (size_t)(to - from));
    for (size_t i = 0; i < d->len; i++) {
        if (d->text[i] == '.')
            continue;
        if (at >= from && at < to)
            p[at - from] = (uint8_t)d->text[i];
        at++;
    }
    buf_commit(b, (size_t)(to - from));
    return BUF_OK;
}

int
json_number_write(struct buf *b, const char *text, size_t len)
{
    bool plain = len > 0 && *text != '-';

    for (size_t i = 0; i < len; i++) {
        if ((text[i] | 0x20) == 'e') {
            plain = false;
            break;
        }
        plain = plain || (text[i] >= '1' && text[i] <= '9');
    }
    if (plain)
        return buf_append(b, text, len);
    struct digits d = digits_read(text, len);
    if (d.n == 0 || d.point > d.n + ZEROS_MAX || d.point < -ZEROS_MAX)
        return buf_append(b, text, len); /* PostgreSQL judges it */
    int first = 0, full = BUF_OK;
    for (size_t i = 0; i < d.len && (d.text[i] == '0' || d.text[i] == '.'); i++)
        first += d.text[i] == '0';
    if (d.negative && !d.zero)
        full = buf_append(b, "-", 1);
    if (d.zero || first >= d.point)
        full |= buf_append(b, "0", 1);
    else
        full |= places_write(b, &d, first, d.point);
    if (d.scale > 0)
        full |= buf_append(b, ".", 1) | places_write(b, &d, d.point, d.point + d.scale);
    return full;
}
