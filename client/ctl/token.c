/* Reading a token file. The edge judges what stands in it; here it is enough to find a token. */
#include "client/ctl/token.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"

#define BLANKS " \t\r"

/* Is study among the comma-separated names? */
static bool
studies_have(const char *at, const char *end, const char *study)
{
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        if ((size_t)(stop - at) == strlen(study) && memcmp(at, study, strlen(study)) == 0)
            return true;
        at = stop + 1;
    }
    return false;
}

/* The word that begins at or behind at; *ret_end behind it. */
static const char *
word_find(const char *at, const char *end, const char **ret_end)
{
    while (at < end && strchr(BLANKS, *at) != NULL)
        at++;
    const char *stop = at;
    while (stop < end && strchr(BLANKS, *stop) == NULL)
        stop++;
    *ret_end = stop;
    return at;
}

char *
token_pick(const char *text, size_t len, const char *study)
{
    const char *end = text + len;

    for (const char *line = text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *stop = newline != NULL ? newline : end, *token_end, *studies_end;
        const char *token = word_find(line, stop, &token_end);
        const char *studies = word_find(token_end, stop, &studies_end);
        line = stop + 1;
        if (token == token_end || *token == '#')
            continue;
        if (study != NULL && !studies_have(studies, studies_end, study))
            continue;
        char *copy = mem_new((size_t)(token_end - token) + 1, 1);
        memcpy(copy, token, (size_t)(token_end - token));
        return copy;
    }
    return NULL;
}
