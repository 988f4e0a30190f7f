/* Reads Prefer: preferences separated by commas, each "name[=value][;parameters]". */
#include "client/edge/prefer.h"

#include <string.h>
#include <strings.h>

void
prefer_init(struct prefer *p)
{
    *p = (struct prefer){.wait_s = -1};
}

static void
trim(const char **s, size_t *len)
{
    while (*len > 0 && (**s == ' ' || **s == '\t')) {
        (*s)++;
        (*len)--;
    }
    while (*len > 0 && ((*s)[*len - 1] == ' ' || (*s)[*len - 1] == '\t'))
        (*len)--;
}

static bool
is_word(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && strncasecmp(s, word, len) == 0;
}

/* Delta seconds, bare or quoted; -1 for anything else. */
static int
seconds(const char *s, size_t len)
{
    int v = 0;

    if (len >= 2 && s[0] == '"' && s[len - 1] == '"') {
        s++;
        len -= 2;
    }
    if (len == 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        if (v <= PREFER_WAIT_MAX)
            v = v * 10 + (s[i] - '0');
    }
    return v > PREFER_WAIT_MAX ? PREFER_WAIT_MAX : v;
}

static void
preference_take(struct prefer *p, const char *s, size_t len)
{
    const char *semicolon = memchr(s, ';', len);
    if (semicolon != NULL)
        len = (size_t)(semicolon - s);
    const char *equals = memchr(s, '=', len), *value = "";
    size_t name_len = equals != NULL ? (size_t)(equals - s) : len, value_len = 0;

    if (equals != NULL) {
        value = equals + 1;
        value_len = len - name_len - 1;
        trim(&value, &value_len);
    }
    trim(&s, &name_len);
    if (is_word(s, name_len, "respond-async"))
        p->respond_async = true;
    else if (is_word(s, name_len, "wait") && p->wait_s < 0)
        p->wait_s = seconds(value, value_len);
}

void
prefer_parse(struct prefer *p, const char *value, size_t len)
{
    while (len > 0) {
        const char *comma = memchr(value, ',', len);
        size_t n = comma != NULL ? (size_t)(comma - value) : len;
        preference_take(p, value, n);
        if (comma == NULL)
            return;
        value += n + 1;
        len -= n + 1;
    }
}
