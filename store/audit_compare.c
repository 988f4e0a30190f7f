/* The record against its trail, in two readings that need no row twice: what each revision says
 * against its MAC, then the MACs (and who, what, when) against the audit rows. */
#include <sodium.h>

#include "base/error.h"
#include "store/audit_data.h"
#include "store/audit_verify.h"

#define COMPARE_TIMEOUT_US ((int64_t)24 * 3600 * 1000000)

struct reading {
    const struct audit_keys *keys;
    size_t key; /* that matched last */
    const struct audit_hearer *hearer;
    int64_t revisions, without;
};

static void
fault(const struct audit_hearer *hearer, enum audit_fault kind, const PGresult *r)
{
    hearer->fault(hearer->arg, &(struct audit_finding){
                                   .fault = kind,
                                   .submission = store_get_uuid(r, 0, 0),
                                   .revision = store_get_int(r, 0, 1),
                               });
}

/* Rows of a while have one key: the one that matched last is tried first. */
static bool
mac_matches(struct reading *x, const struct audit_data *data, struct slice mac)
{
    uint8_t expected[AUDIT_DATA_BYTES];

    for (size_t i = 0; i < x->keys->n && mac.len == AUDIT_DATA_BYTES; i++) {
        size_t key = (x->key + i) % x->keys->n;
        audit_data_mac(&x->keys->list[key], data, expected);
        if (sodium_memcmp(expected, mac.at, AUDIT_DATA_BYTES) == 0) {
            x->key = key;
            return true;
        }
    }
    return false;
}

static int
revision_take(void *arg, const PGresult *r)
{
    struct reading *x = arg;
    struct slice mac = store_get_slice(r, 0, 2);
    struct audit_data data = {
        .submission = store_get_uuid(r, 0, 0),
        .revision = store_get_int(r, 0, 1),
        .study = store_get_slice(r, 0, 3),
        .subject = store_get_slice(r, 0, 4),
        .questionnaire = store_get_slice(r, 0, 5),
        .version = store_get_slice(r, 0, 6),
        .status = store_get_slice(r, 0, 7),
        .is_void = *PQgetvalue(r, 0, 8) != 0,
        .authored_us = store_get_time(r, 0, 9),
        .authored_zone = store_get_slice(r, 0, 10),
        .visit = store_get_slice(r, 0, 11),
        .occasion = store_get_slice(r, 0, 12),
        .scores = store_get_slice(r, 0, 13),
        .answers = {store_get_slice(r, 0, 14)},
    };

    x->revisions++;
    if (mac.at == NULL)
        x->without++;
    else if (!mac_matches(x, &data, mac))
        fault(x->hearer, AUDIT_FAULT_DATA, r);
    return 0;
}

static int
data_check(struct store *s, struct reading *x)
{
#define SAID                                                                                       \
    "submission_id, revision, data_mac, study, subject_id, questionnaire, version, status, void,"  \
    " authored_at, authored_zone, visit, occasion, scores::text, answers::text"
    static const struct store_statement statement = {
        "audit_data", "SELECT " SAID " FROM sluice.submissions UNION ALL"
                      " SELECT " SAID " FROM sluice.submission_revisions"};
#undef SAID

    return store_run_long(s, &statement, NULL, COMPARE_TIMEOUT_US, revision_take, x);
}

static int
difference_take(void *arg, const PGresult *r)
{
    static const struct {
        char letter;
        enum audit_fault fault;
    } kinds[] = {{'n', AUDIT_FAULT_NO_ROW},
                 {'d', AUDIT_FAULT_DIFFERS},
                 {'g', AUDIT_FAULT_GONE},
                 {'t', AUDIT_FAULT_TWICE}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (*PQgetvalue(r, 0, 2) == kinds[i].letter)
            fault(arg, kinds[i].fault, r);
    }
    return 0;
}

static int
rows_check(struct store *s, const struct audit_hearer *hearer)
{
    /* Rows from before the trail began have no MAC and no audit; later ones must have both. */
#define KEPT                                                                                       \
    "study, submission_id, subject_id, revision, status, content_hash, data_mac, actor, role,"     \
    " organisation, reason, audit_mac, stored_at"
    static const struct store_statement statement = {
        "audit_compare",
        "SELECT coalesce(v.submission_id, e.submission_id) AS id,"
        " coalesce(v.revision, e.revision)::int AS revision,"
        " CASE WHEN v.submission_id IS NULL THEN 'g' WHEN e.mac IS NULL THEN 'n' ELSE 'd' END"
        " FROM (SELECT " KEPT " FROM sluice.submissions UNION ALL"
        " SELECT " KEPT " FROM sluice.submission_revisions) v"
        " FULL JOIN (SELECT * FROM sluice.audit_events WHERE action IN ('" AUDIT_ACTION_STORED
        "', '" AUDIT_ACTION_REVISED "')) e ON e.mac = v.audit_mac"
        " WHERE v.submission_id IS NULL OR (e.mac IS NULL AND v.stored_at >="
        " (SELECT applied_at FROM sluice.migrations WHERE version = 2))"
        " OR (e.mac IS NOT NULL AND (e.study, e.subject_id, e.submission_id, e.revision, e.actor,"
        " e.role, e.organisation, e.reason, e.detail) IS DISTINCT FROM (v.study, v.subject_id,"
        " v.submission_id, v.revision, coalesce(v.actor, '" AUDIT_ACTOR_NONE "'), v.role,"
        " v.organisation, v.reason, v.status || ' ' || encode(v.content_hash, 'hex')"
        " || coalesce(' ' || encode(v.data_mac, 'hex'), '')))"
        " UNION ALL SELECT submission_id, revision, 't' FROM sluice.submissions"
        " JOIN sluice.submission_revisions USING (submission_id, study, revision)"
        " ORDER BY id, revision"};
#undef KEPT

    return store_run_long(s, &statement, NULL, COMPARE_TIMEOUT_US, difference_take,
                          (void *)(uintptr_t)hearer);
}

int
audit_compare(struct store *s, const struct audit_keys *keys, const struct audit_hearer *hearer,
              int64_t *ret_revisions, int64_t *ret_unsigned)
{
    struct reading x = {.keys = keys, .hearer = hearer};

    int n = data_check(s, &x);
    if (n == STORE_OK)
        n = rows_check(s, hearer);
    *ret_revisions = x.revisions;
    *ret_unsigned = x.without;
    return n;
}
