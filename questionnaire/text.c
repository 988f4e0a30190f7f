/* Sixteen bytes at a time where they are plain ASCII; the rest one character after the other. */
#include "questionnaire/text.h"

#include <stdint.h>
#include <string.h>

#include "base/bytes16.h"

/* Of each byte, whether it is a control character (below 0x20, or 0x7f) or not ASCII, which a
 * signed compare finds with those below 0x20. */
static bytes16
bytes_special(const char *text)
{
    bytes16 c = bytes16_load(text);

    return (bytes16)(((bytes16_signed)c < 0x20) | (c == 0x7f));
}

/* Bytes at the start that are surely plain. */
static size_t
plain_count(const char *text, size_t len)
{
    size_t i = 0;

    for (; len - i >= 64; i += 64) {
        const char *at = text + i;
        if (bytes16_any(bytes_special(at) | bytes_special(at + 16) | bytes_special(at + 32) |
                        bytes_special(at + 48)))
            break;
    }
    while (len - i >= 16 && !bytes16_any(bytes_special(text + i)))
        i += 16;
    /* The rest, with some that were looked at before. */
    return len - i < 16 && len >= 16 && !bytes16_any(bytes_special(text + len - 16)) ? len : i;
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
    size_t i = plain_count(text, len);

    while (i < len) {
        if (len - i >= 16 && !bytes16_any(bytes_special(text + i))) {
            i += 16;
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
