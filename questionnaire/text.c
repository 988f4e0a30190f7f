/* Eight bytes at a time where they are plain ASCII; the rest one character after the other. */
#include "questionnaire/text.h"

#include <stdint.h>
#include <string.h>

/* Whether one of eight bytes is a control character (below 0x20, or 0x7f) or not ASCII. */
static bool
word_is_special(const char *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x;

    memcpy(&x, at, sizeof(x));
    uint64_t del = x ^ (ones * 0x7f);
    return (((x - ones * 0x20) | (del - ones) | x) & (ones * 0x80)) != 0;
}

/* Bytes of the character at p, 0 if it is none: no overlong form, surrogate or end past U+10FFFF.
 */
static size_t
character_size(const uint8_t *p, size_t left)
{
    size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : n;
}

enum text_outcome
text_check(const char *text, size_t len, bool lines)
{
    enum text_outcome worst = TEXT_OK;
    size_t i = 0;

    while (i < len) {
        if (len - i >= 8 && !word_is_special(text + i)) {
            i += 8;
            continue;
        }
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x80) {
            size_t n = character_size((const uint8_t *)text + i, len - i);
            if (n == 0)
                return TEXT_NOT_UTF8;
            i += n;
            continue;
        }
        bool line = c == '\n' || c == '\r';
        if ((c < 0x20 && c != '\t' && !line) || c == 0x7f)
            worst = TEXT_CONTROL;
        else if (line && !lines && worst == TEXT_OK)
            worst = TEXT_LINE_BREAK;
        i++;
    }
    return worst;
}

size_t
text_characters(const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((uint8_t)text[i] & 0xc0) != 0x80;
    return n;
}
