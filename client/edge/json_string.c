/* JSON strings. Most have neither escape nor non-ASCII: those are found sixteen bytes at a time
 * (eight without SSE2) and copied. Others are checked character by character. */
#include "client/edge/json_scalar.h"

#include <stdbool.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define ONES 0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* Bytes of w that need a look: below 0x20, quote, backslash, DEL, or not ASCII. The lowest marked
 * byte is exact; a mark above it may be a carry's. */
static inline uint64_t
word_marks(uint64_t w)
{
    uint64_t quote = w ^ (ONES * '"'), slash = w ^ (ONES * '\\'), del = w ^ (ONES * 0x7f);
    uint64_t marks = (w - ONES * 0x20) & ~w;

    marks |= (quote - ONES) & ~quote;
    marks |= (slash - ONES) & ~slash;
    marks |= (del - ONES) & ~del;
    return (marks | w) & HIGHS;
}

const uint8_t *
json_plain_end(const uint8_t *p, const uint8_t *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i del = _mm_set1_epi8(0x7f), space = _mm_set1_epi8(0x20);

    while (end - p >= 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* Signed: what is not ASCII is below a space, too. */
        __m128i low = _mm_or_si128(_mm_cmplt_epi8(v, space), _mm_cmpeq_epi8(v, del));
        __m128i mark = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        int marks = _mm_movemask_epi8(_mm_or_si128(low, mark));
        if (marks != 0)
            return p + __builtin_ctz((unsigned)marks);
        p += 16;
    }
#endif
    while (end - p >= 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        uint64_t marks = word_marks(w);
        if (marks != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return p + (__builtin_ctzll(marks) >> 3);
#else
            break;
#endif
        }
        p += 8;
    }
    while (p < end && *p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
        p++;
    return p;
}

/* Length of the UTF-8 character at p (not ASCII). C1 controls are control characters too. */
static enum json_fault
utf8_length(const uint8_t *p, const uint8_t *end, unsigned *ret_n)
{
    uint8_t c = *p;
    unsigned n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

    if (c < 0xc2 || c > 0xf4 || (size_t)(end - p) < n)
        return JSON_UTF8;
    for (unsigned i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return JSON_UTF8;
    if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f) || (c == 0xf0 && p[1] < 0x90) ||
        (c == 0xf4 && p[1] > 0x8f))
        return JSON_UTF8;
    if (c == 0xc2 && p[1] < 0xa0)
        return JSON_CONTROL;
    *ret_n = n;
    return JSON_OK;
}

static int
hex4(const uint8_t *p, const uint8_t *end)
{
    int v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        uint8_t c = p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : -1;
        if (d < 0 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            d = (c | 0x20) - 'a' + 10;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

static uint8_t *
utf8_write(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        *out++ = (uint8_t)c;
    } else if (c < 0x800) {
        *out++ = (uint8_t)(0xc0 | c >> 6);
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *out++ = (uint8_t)(0xe0 | c >> 12);
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | c >> 18);
        *out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (c & 0x3f));
    }
    return out;
}

/* \uXXXX, *at behind the u; a pair of surrogates is one character. */
static enum json_fault
unicode_escape(const uint8_t **at, const uint8_t *end, uint8_t **out)
{
    const uint8_t *p = *at;
    int high = hex4(p, end);

    if (high < 0)
        return JSON_SYNTAX;
    p += 4;
    uint32_t c = (uint32_t)high;
    if (c >= 0xdc00 && c <= 0xdfff)
        return JSON_SURROGATE;
    if (c >= 0xd800 && c <= 0xdbff) {
        if (end - p < 2 || p[0] != '\\' || p[1] != 'u')
            return JSON_SURROGATE;
        int low = hex4(p + 2, end);
        if (low < 0)
            return JSON_SYNTAX;
        if (low < 0xdc00 || low > 0xdfff)
            return JSON_SURROGATE;
        p += 6;
        c = 0x10000 + ((c & 0x3ff) << 10 | ((uint32_t)low & 0x3ff));
    }
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0))
        return JSON_CONTROL;
    *out = utf8_write(*out, c);
    *at = p;
    return JSON_OK;
}

/* One escape, *at behind the backslash. */
static enum json_fault
escape(const uint8_t **at, const uint8_t *end, uint8_t **out)
{
    static const char plain[] = "\"\\/ntr", meant[] = "\"\\/\n\t\r";

    if (*at == end)
        return JSON_SYNTAX;
    uint8_t c = *(*at)++;
    if (c == 'u')
        return unicode_escape(at, end, out);
    if (c == 'b' || c == 'f')
        return JSON_CONTROL;
    const char *found = c != '\0' ? strchr(plain, c) : NULL;
    if (found == NULL)
        return JSON_SYNTAX;
    *(*out)++ = (uint8_t)meant[found - plain];
    return JSON_OK;
}

static unsigned
head_size(size_t len)
{
    return len < 32 ? 1 : len < 0x100 ? 2 : len < 0x10000 ? 3 : 5;
}

static uint8_t *
head_write(uint8_t *p, size_t len)
{
    if (len < 32) {
        *p++ = (uint8_t)(0xa0 | len);
    } else if (len < 0x100) {
        *p++ = 0xd9;
        *p++ = (uint8_t)len;
    } else if (len < 0x10000) {
        *p++ = 0xda;
        p = be16_write(p, (uint32_t)len);
    } else {
        *p++ = 0xdb;
        p = be32_write(p, (uint32_t)len);
    }
    return p;
}

/* The rest of a string that has escapes or other scripts. The characters are written five bytes
 * behind out and moved to their head at the end. */
static enum json_fault
string_slow(const uint8_t **at, const uint8_t *end, uint8_t *out, uint8_t **ret_end)
{
    const uint8_t *p = *at;
    enum json_fault fault = JSON_OK;

    for (;;) {
        const uint8_t *next = json_plain_end(p, end);
        memcpy(out, p, (size_t)(next - p));
        out += next - p;
        p = next;
        if (p == end) {
            fault = JSON_SYNTAX;
            break;
        }
        if (*p == '"') {
            *ret_end = out;
            break;
        }
        if (*p == '\\') {
            p++;
            fault = escape(&p, end, &out);
        } else if (*p >= 0x80) {
            unsigned n = 0;
            fault = utf8_length(p, end, &n);
            memcpy(out, p, n);
            out += n;
            p += n;
        } else {
            fault = *p == 0x7f ? JSON_CONTROL : JSON_SYNTAX;
        }
        if (fault != JSON_OK)
            break;
    }
    *at = p;
    return fault;
}

/* A string that is not plain to its end. */
static enum json_fault
string_take(const uint8_t **at, const uint8_t *end, uint8_t **out, struct json_chars *ret_chars)
{
    uint8_t *begin = *out + 5, *stop;

    enum json_fault fault = string_slow(at, end, begin, &stop);
    if (fault != JSON_OK)
        return fault;
    size_t len = (size_t)(stop - begin);
    uint8_t *chars = *out + head_size(len);
    if (chars != begin)
        memmove(chars, begin, len);
    head_write(*out, len);
    *ret_chars = (struct json_chars){chars, (uint32_t)len};
    *out = chars + len;
    *at += 1;
    return JSON_OK;
}

enum json_fault
json_string(const uint8_t **at, const uint8_t *end, uint8_t **out, struct json_chars *ret_chars)
{
    const uint8_t *start = *at, *stop = json_plain_end(start, end);
    size_t len = (size_t)(stop - start);

    if (stop == end || *stop != '"')
        return string_take(at, end, out, ret_chars);
    uint8_t *chars = head_write(*out, len);
    if (len <= 16 && end - start >= 16)
        memcpy(chars, start, 16); /* one move; the room holds it, what follows writes over it */
    else
        memcpy(chars, start, len);
    *ret_chars = (struct json_chars){chars, (uint32_t)len};
    *out = chars + len;
    *at = stop + 1;
    return JSON_OK;
}
