/* Keys and profile. What is inserted first wins; the loser reads the winner's. */
#include "store/identity_store.h"

#include <sodium.h>
#include <string.h>

#include "base/error.h"

#define VALUE_CEILING (IDENTITY_VALUE_MAX + 1)

/* A table of wrapped keys and how its rows are named. */
struct key_table {
    struct store_statement find, insert;
    bool has_subject;
};

static const struct key_table subject_keys = {
    {"subject_key_find", "SELECT wrapped_key, key_id, erased_at IS NOT NULL"
                         " FROM identity.subject_keys WHERE study = $1::text"
                         " AND subject_id = $2::text"},
    {"subject_key_insert", "INSERT INTO identity.subject_keys (study, subject_id, wrapped_key,"
                           " key_id) VALUES ($1::text, $2::text, $3::bytea, $4::int8)"
                           " ON CONFLICT DO NOTHING"},
    true};
static const struct key_table study_keys = {
    {"study_key_find",
     "SELECT wrapped_key, key_id, false FROM identity.study_keys WHERE study = $1::text"},
    {"study_key_insert", "INSERT INTO identity.study_keys (study, wrapped_key, key_id)"
                         " VALUES ($1::text, $2::bytea, $3::int8) ON CONFLICT DO NOTHING"},
    false};

static void
name_params(struct store_params *p, const struct key_table *t, struct slice study,
            struct slice subject)
{
    store_param_text(p, study.at, study.len);
    if (t->has_subject)
        store_param_text(p, subject.at, subject.len);
}

static int
opened_outcome(int result)
{
    return result == IDENTITY_OPENED        ? STORE_OK
           : result == IDENTITY_KEY_UNKNOWN ? IDENTITY_NO_KEY
                                            : IDENTITY_DAMAGED;
}

static int
key_find(struct store *s, const struct identity_wrap *w, const struct key_table *t,
         struct slice study, struct slice subject, struct identity_subject *ret_key,
         bool *ret_found)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    name_params(&p, t, study, subject);
    int n = store_run(s, &t->find, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret_found = PQntuples(r) > 0;
    if (*ret_found && *PQgetvalue(r, 0, 2) != 0)
        n = IDENTITY_ERASED;
    else if (*ret_found)
        n = opened_outcome(identity_key_open(
            w, study, subject, (uint32_t)store_get_bigint(r, 0, 1),
            (struct slice){PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0)}, ret_key));
    PQclear(r);
    return n;
}

static int
key_get(struct store *s, const struct identity_wrap *w, const struct key_table *t,
        struct slice study, struct slice subject, struct identity_subject *ret_key)
{
    uint8_t wrapped[IDENTITY_WRAPPED_BYTES];
    struct store_params p = {0};
    struct identity_subject fresh;
    uint32_t key_id;
    bool found;

    int n = key_find(s, w, t, study, subject, ret_key, &found);
    if (n != STORE_OK || found)
        return n;
    identity_key_make(w, study, subject, &fresh, &key_id, wrapped);
    sodium_memzero(&fresh, sizeof(fresh)); /* perhaps another one wins: the table decides */
    name_params(&p, t, study, subject);
    store_param_bytes(&p, wrapped, sizeof(wrapped));
    store_param_bigint(&p, key_id);
    n = store_run(s, &t->insert, &p, NULL);
    if (n == STORE_OK)
        n = key_find(s, w, t, study, subject, ret_key, &found);
    return n == STORE_OK && !found ? STORE_RETRY : n;
}

int
identity_subject_key(struct store *s, const struct identity_wrap *w, struct slice study,
                     struct slice subject, struct identity_subject *ret_key)
{
    return key_get(s, w, &subject_keys, study, subject, ret_key);
}

int
identity_study_key(struct store *s, const struct identity_wrap *w, struct slice study,
                   struct identity_subject *ret_key)
{
    return key_get(s, w, &study_keys, study, (struct slice){NULL, 0}, ret_key);
}

static int
values_open(const PGresult *r, const struct identity_subject *key, struct slice study,
            struct slice subject, void (*each)(void *arg, struct slice kind, struct slice value),
            void *arg)
{
    struct buf value;
    int n = STORE_OK;

    buf_init(&value, VALUE_CEILING);
    for (int i = 0; i < PQntuples(r) && n == STORE_OK; i++) {
        struct slice kind = {PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0)};
        struct slice sealed = {PQgetvalue(r, i, 1), (size_t)PQgetlength(r, i, 1)};
        n = opened_outcome(identity_value_open(key, study, subject, kind, sealed, &value));
        if (n == STORE_OK)
            each(arg, kind, (struct slice){value.data, value.size});
    }
    if (value.data != NULL)
        sodium_memzero(value.data, value.cap);
    buf_deinit(&value);
    return n;
}

int
identity_profile(struct store *s, const struct identity_wrap *w, struct slice study,
                 struct slice subject,
                 void (*each)(void *arg, struct slice kind, struct slice value), void *arg)
{
    static const struct store_statement statement = {
        "identity_profile", "SELECT DISTINCT ON (kind) kind, value_sealed FROM identity.identifiers"
                            " WHERE subject_id = $1::text AND study = $2::text"
                            " ORDER BY kind, updated_at DESC, revision DESC"};
    struct store_params p = {0};
    struct identity_subject key;
    PGresult *r = NULL;
    bool found;

    int n = key_find(s, w, &subject_keys, study, subject, &key, &found);
    if (n != STORE_OK || !found)
        return n;
    store_param_text(&p, subject.at, subject.len);
    store_param_text(&p, study.at, study.len);
    n = store_run(s, &statement, &p, &r);
    if (n == STORE_OK) {
        n = values_open(r, &key, study, subject, each, arg);
        PQclear(r);
    }
    sodium_memzero(&key, sizeof(key));
    return n;
}
