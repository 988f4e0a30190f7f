/* The blocks are those of Unicode (U+3000, U+FF01 to U+FFEE); the test holds every character of
 * them against Unicode's own table. A voiced mark that was half-width joins the kana before it, as
 * NFKC has it; one that was not stays. */
#include "questionnaire/width.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"

#define VOICED 0x3099u
#define SEMI_VOICED 0x309au
#define BYTES 3 /* of every character that has another width */

static const struct {
    uint16_t first, last, to;
} ranges[] = {
    {0x3000, 0x3000, 0x0020}, {0xff01, 0xff5e, 0x0021}, {0xff5f, 0xff60, 0x2985},
    {0xffa0, 0xffa0, 0x3164}, {0xffa1, 0xffbe, 0x3131}, {0xffc2, 0xffc7, 0x314f},
    {0xffca, 0xffcf, 0x3155}, {0xffd2, 0xffd7, 0x315b}, {0xffda, 0xffdc, 0x3161},
    {0xffe0, 0xffe1, 0x00a2}, {0xffe2, 0xffe2, 0x00ac}, {0xffe3, 0xffe3, 0x00af},
    {0xffe4, 0xffe4, 0x00a6}, {0xffe5, 0xffe5, 0x00a5}, {0xffe6, 0xffe6, 0x20a9},
    {0xffe8, 0xffe8, 0x2502}, {0xffe9, 0xffec, 0x2190}, {0xffed, 0xffed, 0x25a0},
    {0xffee, 0xffee, 0x25cb},
};

/* From U+FF61 on: punctuation, katakana, the two voiced marks. */
#define KANA_FIRST 0xff61u
static const uint16_t kana[] = {
    0x3002, 0x300c, 0x300d, 0x3001, 0x30fb, 0x30f2, 0x30a1, 0x30a3,      0x30a5, 0x30a7, 0x30a9,
    0x30e3, 0x30e5, 0x30e7, 0x30c3, 0x30fc, 0x30a2, 0x30a4, 0x30a6,      0x30a8, 0x30aa, 0x30ab,
    0x30ad, 0x30af, 0x30b1, 0x30b3, 0x30b5, 0x30b7, 0x30b9, 0x30bb,      0x30bd, 0x30bf, 0x30c1,
    0x30c4, 0x30c6, 0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce,      0x30cf, 0x30d2, 0x30d5,
    0x30d8, 0x30db, 0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4,      0x30e6, 0x30e8, 0x30e9,
    0x30ea, 0x30eb, 0x30ec, 0x30ed, 0x30ef, 0x30f3, VOICED, SEMI_VOICED,
};

/* The kana that base and mark make; 0: none. Hiragana lies 0x60 below katakana. */
static uint32_t
composed(uint32_t base, uint32_t mark)
{
    bool hiragana = base < 0x30a0 && base != 0x309d;
    uint32_t k = hiragana ? base + 0x60 : base;
    bool ha = k >= 0x30cf && k <= 0x30db && (k - 0x30cf) % 3 == 0;
    bool ka =
        (k >= 0x30ab && k <= 0x30c1 && k % 2 == 1) || k == 0x30c4 || k == 0x30c6 || k == 0x30c8;

    if (mark == SEMI_VOICED)
        return ha ? base + 2 : 0;
    if (ka || ha)
        return base + 1;
    if (k == 0x30a6)
        return hiragana ? 0x3094 : 0x30f4;
    if (!hiragana && k >= 0x30ef && k <= 0x30f2)
        return k + 8;
    return base == 0x30fd || base == 0x309d ? base + 1 : 0;
}

bool
width_may_differ(const void *bytes, size_t len)
{
    static const char space[] = "\xe3\x80\x80";

    return memchr(bytes, 0xef, len) != NULL ||
           (memchr(bytes, space[0], len) != NULL && memmem(bytes, len, space, BYTES) != NULL);
}

static uint32_t
three_bytes_read(const uint8_t *at)
{
    return ((uint32_t)(at[0] & 0x0f) << 12) | ((uint32_t)(at[1] & 0x3f) << 6) | (at[2] & 0x3f);
}

static bool
is_three_bytes(const uint8_t *at, size_t left)
{
    return left >= BYTES && (at[0] & 0xf0) == 0xe0 && (at[1] & 0xc0) == 0x80 &&
           (at[2] & 0xc0) == 0x80;
}

/* c in its usual width; c itself where it has it. */
static uint32_t
usual(uint32_t c)
{
    if (c >= KANA_FIRST && c < KANA_FIRST + ARRAY_LEN(kana))
        return kana[c - KANA_FIRST];
    for (size_t i = 0; i < ARRAY_LEN(ranges); i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return ranges[i].to + (c - ranges[i].first);
    }
    return c;
}

static int
character_put(struct buf *out, uint32_t c)
{
    uint8_t bytes[BYTES];

    if (c < 0x80) {
        bytes[0] = (uint8_t)c;
        return buf_append(out, bytes, 1);
    }
    if (c < 0x800) {
        bytes[0] = (uint8_t)(0xc0 | (c >> 6));
        bytes[1] = (uint8_t)(0x80 | (c & 0x3f));
        return buf_append(out, bytes, 2);
    }
    bytes[0] = (uint8_t)(0xe0 | (c >> 12));
    bytes[1] = (uint8_t)(0x80 | ((c >> 6) & 0x3f));
    bytes[2] = (uint8_t)(0x80 | (c & 0x3f));
    return buf_append(out, bytes, BYTES);
}

/* A mark that was half-width joins the character written last, if that makes one. */
static int
mark_put(struct buf *out, size_t begin, uint32_t mark)
{
    uint32_t whole = 0;

    if (out->size - begin >= BYTES && is_three_bytes(out->data + out->size - BYTES, BYTES))
        whole = composed(three_bytes_read(out->data + out->size - BYTES), mark);
    if (whole != 0)
        out->size -= BYTES;
    return character_put(out, whole != 0 ? whole : mark);
}

int
width_normal(const char *text, size_t len, struct buf *out, bool *ret_differs)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t begin = out->size, i = 0;
    int full = BUF_OK;

    *ret_differs = false;
    while (i < len) {
        uint32_t c = is_three_bytes(at + i, len - i) ? three_bytes_read(at + i) : 0;
        uint32_t normal = usual(c);
        if (normal == c) {
            full |= buf_append(out, at + i++, 1);
            continue;
        }
        *ret_differs = true;
        i += BYTES;
        full |= normal == VOICED || normal == SEMI_VOICED ? mark_put(out, begin, normal)
                                                          : character_put(out, normal);
    }
    return full != 0 ? BUF_FULL : BUF_OK;
}
