/* The newest sealed identifier of each kind, with the subject's wrapped key. Opened by the caller;
 * nothing here holds a key. */
#include "store/reads_inner.h"

static const struct store_statement identifiers = {
    "read_identifiers",
    "SELECT k.key_id, k.wrapped_key, i.kind, i.value_sealed FROM identity.subject_keys k"
    " CROSS JOIN LATERAL (SELECT DISTINCT ON (kind) kind, value_sealed FROM identity.identifiers"
    " WHERE study = k.study AND subject_id = k.subject_id"
    " ORDER BY kind, updated_at DESC, revision DESC, submission_id DESC, link_id, place) i"
    " WHERE k.study = $1::text AND k.subject_id = $2::text AND k.wrapped_key IS NOT NULL"};

int
store_identifiers_read(struct store *s, struct slice study, struct slice subject,
                       void (*each)(void *arg, const struct identifier_found *found), void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, study.at, study.len);
    store_param_text(&p, subject.at, subject.len);
    int n = store_run(s, &identifiers, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, &(struct identifier_found){.key_id = (uint32_t)store_get_bigint(r, i, 0),
                                             .wrapped_key = read_slice(r, i, 1),
                                             .kind = read_slice(r, i, 2),
                                             .value_sealed = read_slice(r, i, 3)});
    PQclear(r);
    return STORE_OK;
}
