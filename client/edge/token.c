/* The token file as a hash table of keyed hashes. */
#include "client/edge/token.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/secret.h"
#include "schemas/wire/mp.h"

struct token_table {
    uint8_t key[crypto_shorthash_siphashx24_KEYBYTES];
    struct token *tokens;
    size_t n_tokens;
    uint32_t *slots; /* number of the token plus one; 0: free */
    size_t n_slots;  /* a power of two */
};

static const struct {
    const char *text;
    bool submits, handles_alerts;
    enum token_corrects corrects;
} roles[TOKEN_ROLE_COUNT] = {
#define TOKEN_ROLE(NAME, role_text, may_submit, may_correct, may_handle)                           \
    [TOKEN_ROLE_##NAME] = {role_text, may_submit, may_handle, TOKEN_CORRECTS_##may_correct},
#include "client/edge/token_roles.def"
#undef TOKEN_ROLE
};

static void
token_hash(const struct token_table *t, const char *token, size_t len, uint8_t ret_hash[16])
{
    crypto_shorthash_siphashx24(ret_hash, (const unsigned char *)token, len, t->key);
}

/* The slot of the token with this hash, or the free one where it would stand. */
static size_t
slot_find(const struct token_table *t, const uint8_t hash[16])
{
    uint64_t start;

    memcpy(&start, hash, sizeof(start));
    size_t slot = (size_t)start & (t->n_slots - 1);
    while (t->slots[slot] != 0 && sodium_memcmp(t->tokens[t->slots[slot] - 1].hash, hash, 16) != 0)
        slot = (slot + 1) & (t->n_slots - 1);
    return slot;
}

static bool
name_is_sane(const char *s, size_t len, size_t max)
{
    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '"' || s[i] == '\\')
            return false;
    return true;
}

static char *
text_copy(const char *s, size_t len)
{
    char *copy = mem_new(len + 1, 1);

    memcpy(copy, s, len);
    return copy;
}

static const char *
studies_parse(struct token *token, const char *s, size_t len)
{
    token->studies = mem_new(TOKEN_STUDIES_MAX, sizeof(char *));
    for (;;) {
        const char *comma = memchr(s, ',', len);
        size_t n = comma != NULL ? (size_t)(comma - s) : len;
        if (!name_is_sane(s, n, STUDY_BYTES_MAX))
            return "a study is 1 to 64 printable characters";
        if (token->n_studies == TOKEN_STUDIES_MAX)
            return "more than 64 studies";
        token->studies[token->n_studies++] = text_copy(s, n);
        if (comma == NULL)
            return NULL;
        s += n + 1;
        len -= n + 1;
    }
}

static bool
role_parse(const char *s, size_t len, enum token_role *ret_role)
{
    for (unsigned i = 0; i < TOKEN_ROLE_COUNT; i++) {
        if (strlen(roles[i].text) != len || memcmp(roles[i].text, s, len) != 0)
            continue;
        *ret_role = (enum token_role)i;
        return true;
    }
    return false;
}

/* One NAME=VALUE behind the studies; bit of *seen: it stood there already. */
static const char *
attribute_parse(struct token *token, const char *s, size_t len, unsigned *seen)
{
    static const char *const names[] = {"role=", "user=", "organisation="};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);
        if (len < n || memcmp(s, names[i], n) != 0)
            continue;
        if ((*seen & 1U << i) != 0)
            return "the same attribute twice";
        *seen |= 1U << i;
        if (i == 0)
            return role_parse(s + n, len - n, &token->role) ? NULL : "a role that is not known";
        if (!name_is_sane(s + n, len - n, TOKEN_NAME_MAX))
            return "a name is 1 to 128 printable characters";
        *(i == 1 ? &token->user : &token->organisation) = text_copy(s + n, len - n);
        return NULL;
    }
    return "behind the studies stand role=, user= and organisation= only";
}

static const char *
attributes_parse(struct token *token, const char *s, const char *end)
{
    unsigned seen = 0;

    for (;;) {
        while (s < end && (*s == ' ' || *s == '\t'))
            s++;
        if (s == end)
            return NULL;
        const char *stop = s;
        while (stop < end && *stop != ' ' && *stop != '\t')
            stop++;
        const char *wrong = attribute_parse(token, s, (size_t)(stop - s), &seen);
        if (wrong != NULL)
            return wrong;
        s = stop;
    }
}

static void
actor_compose(struct token *token)
{
    const char *role = roles[token->role].text;
    struct buf b;
    int full = 0;

    if (token->user != NULL && strcmp(token->user, "-") == 0) {
        free(token->user);
        token->user = NULL;
    }
    buf_init(&b, 1024);
    full |= mp_put_cstr(&b, "actor");
    full |= mp_put_map(&b, token->organisation != NULL ? 3 : 2);
    full |= mp_put_cstr(&b, "user");
    full |= mp_put_cstr(&b, token->user != NULL ? token->user : "-");
    full |= mp_put_cstr(&b, "role");
    full |= mp_put_cstr(&b, role);
    if (token->organisation != NULL) {
        full |= mp_put_cstr(&b, "organisation");
        full |= mp_put_cstr(&b, token->organisation);
    }
    sluice_assert(full == BUF_OK);
    token->actor = b.data;
    token->actor_bytes = b.size;
    token->is_nobody =
        token->role == TOKEN_ROLE_PARTICIPANT && token->user == NULL && token->organisation == NULL;
}

/* One line without its end; returns what is wrong with it, or NULL. */
static const char *
line_take(struct token_table *t, const char *s, size_t len)
{
    size_t n = 0;

    while (len > 0 && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
        len--;
    if (len == 0 || *s == '#')
        return NULL;
    while (n < len && s[n] > ' ' && s[n] < 0x7f)
        n++;
    size_t gap = n;
    while (gap < len && (s[gap] == ' ' || s[gap] == '\t'))
        gap++;
    if (n == 0 || gap == n || gap == len)
        return "not 'TOKEN STUDY[,STUDY...] [role=] [user=] [organisation=]'";
    if (n > TOKEN_BYTES_MAX)
        return "a token of more than 512 characters";
    if (t->n_tokens == TOKENS_MAX)
        return "more than 65536 tokens";

    struct token *token = &t->tokens[t->n_tokens];
    token_hash(t, s, n, token->hash);
    size_t slot = slot_find(t, token->hash);
    if (t->slots[slot] != 0)
        return "a token that stands there already";
    t->slots[slot] = (uint32_t)++t->n_tokens;
    size_t studies_end = gap;
    while (studies_end < len && s[studies_end] != ' ' && s[studies_end] != '\t')
        studies_end++;
    const char *wrong = studies_parse(token, s + gap, studies_end - gap);
    if (wrong == NULL)
        wrong = attributes_parse(token, s + studies_end, s + len);
    if (wrong == NULL)
        actor_compose(token);
    return wrong;
}

static size_t
lines_count(const char *text, size_t size)
{
    size_t n = 1;

    for (size_t i = 0; i < size; i++)
        n += text[i] == '\n';
    return n < TOKENS_MAX ? n : TOKENS_MAX;
}

int
token_table_parse(const char *text, size_t size, struct token_table **ret_table, char **ret_why)
{
    struct token_table *t = mem_new(1, sizeof(*t));
    size_t line = 0;

    randombytes_buf(t->key, sizeof(t->key));
    t->tokens = mem_new(lines_count(text, size), sizeof(*t->tokens));
    t->n_slots = 16;
    while (t->n_slots < 2 * lines_count(text, size))
        t->n_slots *= 2;
    t->slots = mem_new(t->n_slots, sizeof(*t->slots));

    for (const char *end = text + size; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t len = newline != NULL ? (size_t)(newline - text) : (size_t)(end - text);
        const char *wrong = line_take(t, text, len);
        line++;
        if (wrong != NULL) {
            if (asprintf(ret_why, "line %zu: %s", line, wrong) < 0)
                *ret_why = mem_strdup(wrong);
            token_table_free(t);
            return 1;
        }
        text += len + 1;
    }
    *ret_table = t;
    return 0;
}

int
token_table_load(const char *path, struct token_table **ret_table, char **ret_why)
{
    struct secret s;

    int r = secret_read(path, TOKEN_FILE_MAX, &s);
    if (r != SECRET_OK) {
        *ret_why = mem_strdup(r < 0 ? strerror(-r) : secret_outcome_text(r));
        return 1;
    }
    r = token_table_parse((const char *)s.data, s.size, ret_table, ret_why);
    secret_free(&s);
    return r;
}

void
token_table_free(struct token_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n_tokens; i++) {
        for (size_t k = 0; k < t->tokens[i].n_studies; k++)
            free(t->tokens[i].studies[k]);
        free(t->tokens[i].studies);
        free(t->tokens[i].user);
        free(t->tokens[i].organisation);
        free(t->tokens[i].actor);
    }
    free(t->tokens);
    free(t->slots);
    free(t);
}

size_t
token_table_count(const struct token_table *t)
{
    return t->n_tokens;
}

struct token *
token_authorize(struct token_table *t, const char *value, size_t len)
{
    uint8_t hash[16];

    if (len < 8 || strncasecmp(value, "Bearer ", 7) != 0)
        return NULL;
    value += 7;
    len -= 7;
    while (len > 0 && *value == ' ') {
        value++;
        len--;
    }
    if (len == 0 || len > TOKEN_BYTES_MAX)
        return NULL;
    token_hash(t, value, len, hash);
    uint32_t number = t->slots[slot_find(t, hash)];
    return number == 0 ? NULL : &t->tokens[number - 1];
}

bool
token_covers(const struct token *t, const char *study, size_t len)
{
    for (size_t i = 0; i < t->n_studies; i++)
        if (strlen(t->studies[i]) == len && memcmp(t->studies[i], study, len) == 0)
            return true;
    return false;
}

bool
token_submits(const struct token *t)
{
    return roles[t->role].submits;
}

enum token_corrects
token_corrects(const struct token *t)
{
    return roles[t->role].corrects;
}

bool
token_handles_alerts(const struct token *t)
{
    return roles[t->role].handles_alerts;
}
