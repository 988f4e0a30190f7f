/* Few and read seldom: a list, searched from its newest end. */
#include "store/valuesets.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/literal.h"
#include "store/catalog_file.h"
#include "store/catalog_inner.h"

struct valueset {
    char *url, *version, *json;
    size_t len;
    int64_t loaded_us;
};

struct valuesets {
    struct valueset *list; /* by loaded_us */
    size_t n, cap;
};

static const struct store_statement valuesets_read = {
    "valuesets_read", "SELECT url, version, loaded_at, definition::text FROM sluice.valuesets"
                      " ORDER BY loaded_at, url, version"};

static const struct store_statement valueset_find = {
    "valueset_find", "SELECT definition_hash = $3::bytea FROM sluice.valuesets"
                     " WHERE url = $1::text AND version = $2::text"};

static const char valueset_insert[] =
    "i AS (INSERT INTO sluice.valuesets (url, version, definition, definition_hash)"
    " VALUES ($1::text, $2::text, convert_from($3::bytea, 'UTF8')::jsonb, $4::bytea))";

struct valuesets *
valuesets_new(void)
{
    return mem_new(1, sizeof(struct valuesets));
}

void
valuesets_free(struct valuesets *v)
{
    if (v == NULL)
        return;
    for (size_t i = 0; i < v->n; i++) {
        free(v->list[i].url);
        free(v->list[i].version);
        free(v->list[i].json);
    }
    free(v->list);
    free(v);
}

void
valuesets_add(struct valuesets *v, const char *url, const char *version, int64_t loaded_us,
              const char *json, size_t len)
{
    size_t at = v->n;

    for (size_t i = 0; i < v->n; i++) {
        if (strcmp(v->list[i].url, url) == 0 && strcmp(v->list[i].version, version) == 0)
            return;
    }
    if (v->n == v->cap) {
        v->cap = v->cap > 0 ? v->cap * 2 : 16;
        v->list = mem_grow(v->list, v->cap, sizeof(*v->list));
    }
    for (; at > 0 && v->list[at - 1].loaded_us > loaded_us; at--)
        v->list[at] = v->list[at - 1];
    char *copy = mem_new(len + 1, 1);
    memcpy(copy, json, len);
    v->list[at] = (struct valueset){mem_strdup(url), mem_strdup(version), copy, len, loaded_us};
    v->n++;
}

bool
valuesets_find(const struct valuesets *v, const char *canonical, int64_t at_us,
               const char **ret_json, size_t *ret_len)
{
    const char *bar = strchr(canonical, '|');
    size_t url_len = bar != NULL ? (size_t)(bar - canonical) : strlen(canonical);

    for (size_t i = v->n; i > 0; i--) {
        const struct valueset *own = &v->list[i - 1];
        if (own->loaded_us > at_us || strlen(own->url) != url_len ||
            memcmp(own->url, canonical, url_len) != 0 ||
            (bar != NULL && strcmp(own->version, bar + 1) != 0))
            continue;
        *ret_json = own->json;
        *ret_len = own->len;
        return true;
    }
    return false;
}

struct lookup {
    const struct valuesets *valuesets;
    int64_t at_us;
};

static bool
lookup_find(void *arg, const char *canonical, const char **ret_json, size_t *ret_len)
{
    const struct lookup *l = arg;

    return valuesets_find(l->valuesets, canonical, l->at_us, ret_json, ret_len);
}

int
valuesets_compile(const struct valuesets *v, int64_t at_us, const char *json, size_t len,
                  bool unchecked, struct questionnaire **ret_questionnaire, char **ret_why)
{
    struct lookup lookup = {v, at_us};
    const struct questionnaire_options options = {
        .unchecked = unchecked, .valueset = v != NULL ? lookup_find : NULL, .arg = &lookup};

    return questionnaire_compile(json, len, &options, ret_questionnaire, ret_why);
}

int
store_valuesets_read(struct store *s, struct valuesets **ret_valuesets)
{
    PGresult *r = NULL;
    int n = store_run(s, &valuesets_read, NULL, &r);

    if (n != STORE_OK)
        return n;
    struct valuesets *v = valuesets_new();
    for (int i = 0; i < PQntuples(r); i++)
        valuesets_add(v, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), store_get_time(r, i, 2),
                      PQgetvalue(r, i, 3), (size_t)PQgetlength(r, i, 3));
    PQclear(r);
    *ret_valuesets = v;
    return STORE_OK;
}

/* *ret_unchanged: this very one is there already. */
static int
valueset_judge(struct store *s, const char *url, const char *version, const uint8_t *hash,
               bool *ret_unchanged)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    catalog_param(&p, url);
    catalog_param(&p, version);
    store_param_bytes(&p, hash, crypto_hash_sha256_BYTES);
    int n = store_run(s, &valueset_find, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret_unchanged = PQntuples(r) > 0 && *PQgetvalue(r, 0, 0) != 0;
    if (PQntuples(r) > 0 && !*ret_unchanged) {
        store_why_set(s, "this version is loaded with other content: give it a new version");
        n = STORE_INVALID;
    }
    PQclear(r);
    return n;
}

static int
valueset_write(struct store *s, const struct catalog_load *load, const char *url,
               const char *version, const char *text, struct catalog_loaded *loaded)
{
    struct catalog_write w = {
        .name = "valueset_insert", .ctes = valueset_insert, .action = "valueset.loaded"};
    uint8_t hash[crypto_hash_sha256_BYTES];
    char detail[CATALOG_DETAIL_SIZE];

    crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
    int n = valueset_judge(s, url, version, hash, &loaded->unchanged);
    if (n != STORE_OK || loaded->unchanged || load->check_only)
        return n;
    catalog_param(&w.p, url);
    catalog_param(&w.p, version);
    store_param_bytes(&w.p, text, strlen(text));
    store_param_bytes(&w.p, hash, sizeof(hash));
    catalog_detail(detail, loaded->name, hash);
    return catalog_run(s, load, &w, detail);
}

int
store_valueset_load(struct store *s, const struct catalog_load *load,
                    struct catalog_loaded *ret_loaded)
{
    struct catalog_fault fault = {0};
    struct catalog_loaded loaded = {0};
    char *why = NULL, *canonical = NULL;
    json_t *root = catalog_parse_literal(load->json, load->len, &fault);
    int n;

    if (root == NULL)
        return catalog_refuse(s, &fault);
    catalog_default(root, "url", load->url);
    catalog_default(root, "version", load->version);
    const char *url = catalog_string(root, "url", 1000, true, &fault);
    const char *version = catalog_string(root, "version", 100, false, &fault);
    if (url != NULL && strchr(url, '|') != NULL)
        catalog_fail(&fault, "'url' must not contain '|'");
    char *text = literal_dump(root);
    if (fault.text[0] == '\0' &&
        questionnaire_valueset_check(text, strlen(text), &canonical, &why) != QUESTIONNAIRE_OK)
        catalog_fail(&fault, "%s", why);
    if (fault.text[0] != '\0') {
        n = catalog_refuse(s, &fault);
    } else {
        snprintf(loaded.name, sizeof(loaded.name), "%s", canonical);
        n = valueset_write(s, load, url, version != NULL ? version : "", text, &loaded);
    }
    if (n == STORE_OK)
        *ret_loaded = loaded;
    free(canonical);
    free(why);
    free(text);
    json_decref(root);
    return n;
}
