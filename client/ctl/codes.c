#include "client/ctl/codes.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/database.h"
#include "store/identity_store.h"

#define PROSE_MAX ((size_t)64 << 20)

int
codes_open(const struct ctl *ctl, struct store *s, const char *study, struct codes *ret_codes)
{
    struct identity_wrap *wrap = NULL;
    char *why = NULL;
    uint8_t order[16];

    if (identity_wrap_load(config_str(ctl->config, "ctl", "wrap_key_file"), &wrap, &why) != 0) {
        ctl_complain("%s", why);
        free(why);
        return EXIT_CONFIG;
    }
    int n = identity_study_key(s, wrap, slice_of(study), &ret_codes->key);
    identity_wrap_free(wrap);
    if (n == IDENTITY_NO_KEY || n == IDENTITY_DAMAGED) {
        ctl_complain("the study's key does not open with ctl/wrap_key_file");
        return EXIT_CONFIG;
    }
    if (n != STORE_OK)
        return database_exit(s, n);
    randombytes_buf(order, sizeof(order));
    sodium_bin2hex(ret_codes->order, sizeof(ret_codes->order), order, sizeof(order));
    buf_init(&ret_codes->text, PROSE_MAX);
    return EXIT_DONE;
}

void
codes_close(struct codes *c)
{
    sodium_memzero(&c->key, sizeof(c->key));
    buf_deinit(&c->text);
}

static int
subject_column(const struct export_set *set)
{
    size_t c = 0;

    while (strcmp(set->columns[c].name, "subject_id") != 0) /* every set has it */
        c++;
    return (int)c;
}

static bool
is_word(char c)
{
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Is it a word of its own that stands at at? Some columns are JSON, where a letter may be the end
 * of a line break. */
static bool
word_is(const char *text, const char *at, struct slice word)
{
    bool escaped = at - text >= 2 && at[-2] == '\\' && strchr("bfnrt", at[-1]) != NULL;

    return (at == text || escaped || !is_word(at[-1])) && !is_word(at[word.len]);
}

static const char *
prose(struct codes *c, const char *text, struct slice subject)
{
    const char *from = text, *at = strstr(text, subject.at);
    int full = BUF_OK;

    if (at == NULL || strspn(subject.at, "0123456789") == subject.len)
        return text;
    buf_clear(&c->text);
    for (; at != NULL; at = strstr(at, subject.at)) {
        bool word = word_is(text, at, subject);
        size_t skip = word ? subject.len : 1;
        full |= buf_append(&c->text, from, (size_t)(at - from));
        full |= word ? buf_append_str(&c->text, c->code) : buf_append(&c->text, at, 1);
        at += skip;
        from = at;
    }
    full |= buf_append(&c->text, from, strlen(from) + 1);
    sluice_assert(full == BUF_OK); /* a stored text has 1 MiB at most, a code 16 bytes a word */
    return (const char *)c->text.data;
}

const char *
codes_text(struct codes *c, const struct export_set *set, const PGresult *row, size_t column)
{
    int of_subject = subject_column(set);
    const char *text = PQgetvalue(row, 0, (int)column);
    struct slice subject = store_get_slice(row, 0, of_subject);

    if (subject.at == NULL || subject.len == 0)
        return text;
    if ((int)column != of_subject && set->columns[column].type != EXPORT_PROSE)
        return text;
    identity_export_code(&c->key, subject, c->code);
    bool is_subject = strcmp(set->columns[column].name, "actor") == 0 && slice_is(subject, text);
    return (int)column == of_subject || is_subject ? c->code : prose(c, text, subject);
}
