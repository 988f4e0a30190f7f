/* The record against its trail, in two readings that need no row twice: what each revision says
 * against its MAC, then the MACs (and who, what, when) against the audit rows. */
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "store/audit_data.h"
#include "store/audit_verify.h"

#define COMPARE_TIMEOUT_US ((int64_t)24 * 3600 * 1000000)
#define APART "interval '1 hour'"

typedef void mac_function(const struct audit_key *key, const struct audit_data *data,
                          uint8_t ret_mac[AUDIT_DATA_BYTES]);

static mac_function *const forms[] = {audit_data_mac, audit_data_mac_1};
enum { FORM_NOW, FORM_OLDER };

struct reading {
    const struct audit_keys *keys;
    size_t form, key; /* that matched last */
    const struct audit_hearer *hearer;
    struct audit_compared *compared;
};

static void
fault(const struct audit_hearer *hearer, enum audit_fault kind, const PGresult *r)
{
    hearer->fault(hearer->arg, &(struct audit_finding){
                                   .fault = kind,
                                   .of = AUDIT_OF_RECORD,
                                   .submission = store_get_uuid(r, 0, 0),
                                   .revision = store_get_int(r, 0, 1),
                               });
}

/* Rows of a while have one key and one form: those that matched last are tried first. */
static bool
mac_matches(struct reading *x, const struct audit_data *data, struct slice mac)
{
    size_t tries = x->keys->n * ARRAY_LEN(forms), before = x->form * x->keys->n + x->key;
    uint8_t expected[AUDIT_DATA_BYTES];

    for (size_t i = 0; i < tries && mac.len == AUDIT_DATA_BYTES; i++) {
        size_t form = (before + i) % tries / x->keys->n, key = (before + i) % tries % x->keys->n;
        forms[form](&x->keys->list[key], data, expected);
        if (sodium_memcmp(expected, mac.at, AUDIT_DATA_BYTES) == 0) {
            x->form = form;
            x->key = key;
            return true;
        }
    }
    return false;
}

static int64_t
time_get(const PGresult *r, int column)
{
    return PQgetisnull(r, 0, column) ? TIME_NONE : store_get_time(r, 0, column);
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
        .broker = store_get_uuid(r, 0, 15),
        .epoch = (uint64_t)store_get_bigint(r, 0, 16),
        .seq = (uint64_t)store_get_bigint(r, 0, 17),
        .hash_key = (uint64_t)store_get_bigint(r, 0, 18),
        .received_us = store_get_time(r, 0, 19),
        .accepted_us = store_get_time(r, 0, 20),
        .started_us = time_get(r, 21),
        .sent_us = time_get(r, 22),
        .skew = PQgetisnull(r, 0, 23) ? AUDIT_SKEW_NONE : (uint64_t)store_get_bigint(r, 0, 23),
        .site = store_get_slice(r, 0, 24),
        .time_zone = store_get_slice(r, 0, 25),
        .language = store_get_slice(r, 0, 26),
        .source = store_get_slice(r, 0, 27),
        .flags = store_get_slice(r, 0, 28),
        .originator = store_get_slice(r, 0, 29),
        .device = store_get_slice(r, 0, 30),
        .device_edits = store_get_slice(r, 0, 31),
        .normal = store_get_slice(r, 0, 32),
    };

    x->compared->revisions++;
    if (mac.at == NULL)
        x->compared->without_mac++;
    else if (!mac_matches(x, &data, mac))
        fault(x->hearer, AUDIT_FAULT_DATA, r);
    else if (x->form == FORM_OLDER)
        x->compared->older_mac++;
    return 0;
}

static int
data_check(struct store *s, struct reading *x)
{
    /* flags: as they were sent, one a line; an array of another shape, with a null or with a name
     * that needs quotes reads like none that was. */
#define SAID                                                                                       \
    "submission_id, revision, data_mac, study, subject_id, questionnaire, version, status, void,"  \
    " authored_at, authored_zone, visit, occasion, scores::text, answers::text, broker, epoch,"    \
    " seq, hash_key, received_at, accepted_at, started_at, sent_at, skew_s, site_id, time_zone,"   \
    " language, source, translate(substr(flags::text, 2, length(flags::text) - 2), ',', E'\n'),"   \
    " originator::text, device::text, device_edits::text, normal::text"
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
                 {'s', AUDIT_FAULT_TIME},
                 {'g', AUDIT_FAULT_GONE},
                 {'t', AUDIT_FAULT_TWICE}};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (memchr(PQgetvalue(r, 0, 2), kinds[i].letter, (size_t)PQgetlength(r, 0, 2)) != NULL)
            fault(arg, kinds[i].fault, r);
    }
    return 0;
}

static int
rows_check(struct store *s, const struct audit_hearer *hearer)
{
    /* Rows from before the trail began have no MAC and no audit; later ones must have both.
     * stored_at is PostgreSQL's clock, the audit row's moment the worker's. */
#define KEPT                                                                                       \
    "study, submission_id, subject_id, revision, status, content_hash, data_mac, actor, role,"     \
    " organisation, reason, audit_number, audit_mac, stored_at"
#define VERSIONS                                                                                   \
    "(SELECT " KEPT " FROM sluice.submissions UNION ALL SELECT " KEPT                              \
    " FROM sluice.submission_revisions)"
    static const struct store_statement statement = {
        "audit_compare",
        "SELECT * FROM (SELECT coalesce(v.submission_id, e.submission_id) AS id,"
        " coalesce(v.revision, e.revision)::int AS revision,"
        " CASE WHEN v.submission_id IS NULL THEN 'g' WHEN e.mac IS NULL THEN CASE WHEN v.stored_at"
        " >= (SELECT applied_at FROM sluice.migrations WHERE version = 2) THEN 'n' ELSE '' END"
        " ELSE CASE WHEN (e.study, e.subject_id, e.submission_id, e.revision, e.actor, e.role,"
        " e.organisation, e.reason, e.number, e.detail) IS DISTINCT FROM (v.study, v.subject_id,"
        " v.submission_id, v.revision, coalesce(v.actor, '" AUDIT_ACTOR_NONE "'), v.role,"
        " v.organisation, v.reason, v.audit_number, v.status || ' ' ||"
        " encode(v.content_hash, 'hex') || coalesce(' ' || encode(v.data_mac, 'hex'), ''))"
        " THEN 'd' ELSE '' END || CASE WHEN v.stored_at BETWEEN e.at - " APART " AND e.at + " APART
        " THEN '' ELSE 's' END END AS letters"
        " FROM " VERSIONS
        " v FULL JOIN (SELECT * FROM sluice.audit_events WHERE action IN ('" AUDIT_ACTION_STORED
        "', '" AUDIT_ACTION_REVISED "')) e ON e.mac = v.audit_mac) x WHERE letters <> ''"
        " UNION ALL SELECT submission_id, revision, 't' FROM sluice.submissions"
        " JOIN sluice.submission_revisions USING (submission_id, study, revision)"
        " UNION ALL SELECT p.submission_id, p.revision, 's' FROM sluice.submission_revisions p"
        " JOIN " VERSIONS " n ON n.submission_id = p.submission_id AND n.study = p.study"
        " AND n.revision = p.revision + 1 WHERE n.stored_at <> p.superseded_at"
        " ORDER BY id, revision"};
#undef VERSIONS
#undef KEPT

    return store_run_long(s, &statement, NULL, COMPARE_TIMEOUT_US, difference_take,
                          (void *)(uintptr_t)hearer);
}

int
audit_compare(struct store *s, const struct audit_keys *keys, const struct audit_hearer *hearer,
              struct audit_compared *ret_compared)
{
    struct reading x = {.keys = keys, .hearer = hearer, .compared = ret_compared};

    *ret_compared = (struct audit_compared){.revisions = 0};
    int n = data_check(s, &x);
    if (n == STORE_OK)
        n = rows_check(s, hearer);
    return n == STORE_OK ? audit_compare_acts(s, hearer, ret_compared) : n;
}
