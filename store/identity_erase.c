/* Erasing a subject. The audit row names the subject's code and counts, nothing else.
 *
 * No batch overtakes an erasure. Whoever writes something of a subject shares a lock which the
 * erasure has for itself (schemas/sql/006: a trigger, once a statement), so what was being written
 * is there when it erases. What was judged before and is written after finds the sequence moved on,
 * is refused as a whole, and is judged again. */
#include <string.h>

#include "base/error.h"
#include "store/audit_write.h"
#include "store/catalog.h"
#include "store/identity_store.h"

#define ERASE_PARAMS 4
#define SQL_CEILING 8192

static const char erase_sql[] =
    "WITH gone AS (DELETE FROM identity.identifiers WHERE subject_id = $2::text"
    "  AND study = $1::text RETURNING study),"
    " key AS (INSERT INTO identity.subject_keys (study, subject_id, erased_at)"
    "  VALUES ($1::text, $2::text, now()) ON CONFLICT (study, subject_id) DO UPDATE SET"
    "  wrapped_key = NULL, key_id = NULL,"
    "  erased_at = coalesce(identity.subject_keys.erased_at, now())),"
    " purged AS (UPDATE sluice.rejections SET sealed = '', purged_at = now()"
    "  WHERE study = $1::text AND subject_id = $2::text AND purged_at IS NULL RETURNING study),"
    " files AS (DELETE FROM sluice.attachments WHERE study = $1::text AND subject_id = $2::text"
    "  RETURNING study),"
    " subject AS (UPDATE sluice.subjects SET erased_at = coalesce(erased_at, now()),"
    "  loaded_at = now() WHERE study = $1::text AND subject_id = $2::text),"
    " counts AS (SELECT (SELECT count(*) FROM gone) AS identifiers,"
    "  (SELECT count(*) FROM purged) AS rejections, (SELECT count(*) FROM files) AS attachments),"
    " noted AS (INSERT INTO identity.erasures (study, subject_id, actor, reason, identifiers,"
    "  rejections, attachments) SELECT $1::text, $2::text, $3::text, $4::text, identifiers,"
    "  rejections, attachments FROM counts), ";
static const char counts_sql[] = " SELECT identifiers, rejections, attachments,"
                                 " pg_notify('" CATALOG_CHANNEL "', ''), nextval('sluice.erasures')"
                                 " FROM counts";

/* As in the trigger of schemas/sql/006. */
#define ERASURE_LOCK "7315003"
static const struct store_statement lock = {"erasure_lock",
                                            "SELECT pg_advisory_lock(" ERASURE_LOCK ")"};
static const struct store_statement unlock = {"erasure_unlock",
                                              "SELECT pg_advisory_unlock(" ERASURE_LOCK ")"};

int
identity_erase_plan(struct store *s, struct slice study, struct slice subject,
                    struct identity_erasure *ret_plan)
{
    static const struct store_statement statement = {
        "identity_erase_plan",
        "SELECT EXISTS (SELECT FROM sluice.subjects WHERE study = $1::text"
        "  AND subject_id = $2::text),"
        " EXISTS (SELECT FROM identity.subject_keys WHERE study = $1::text"
        "  AND subject_id = $2::text AND erased_at IS NOT NULL),"
        " (SELECT count(*) FROM identity.identifiers WHERE subject_id = $2::text"
        "  AND study = $1::text), (SELECT count(*) FROM sluice.rejections"
        "  WHERE study = $1::text AND subject_id = $2::text AND purged_at IS NULL),"
        " (SELECT count(*) FROM sluice.attachments WHERE study = $1::text"
        "  AND subject_id = $2::text)"};
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, study.at, study.len);
    store_param_text(&p, subject.at, subject.len);
    int n = store_run(s, &statement, &p, &r);
    if (n != STORE_OK)
        return n;
    *ret_plan = (struct identity_erasure){
        .known = *PQgetvalue(r, 0, 0) != 0,
        .before = *PQgetvalue(r, 0, 1) != 0,
        .identifiers = store_get_bigint(r, 0, 2),
        .rejections = store_get_bigint(r, 0, 3),
        .attachments = store_get_bigint(r, 0, 4),
    };
    PQclear(r);
    return STORE_OK;
}

int
identity_erasures_heed(struct store *s)
{
    /* The lock first: the sequence moves before its erasure can be seen. */
    static const struct store_statement statement = {
        "erasures_heed",
        "WITH l AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared(" ERASURE_LOCK "))"
        " SELECT set_config('sluice.erasures', pg_sequence_last_value('sluice.erasures')::text,"
        " false) FROM l"};

    return store_run(s, &statement, NULL, NULL);
}

static int
erase_run(struct store *s, struct audit_chain *chain, const struct store_params *p, const char *sql,
          PGresult **ret_result)
{
    int n = store_run(s, &lock, NULL, NULL);

    if (n != STORE_OK)
        return n;
    n = store_run(s, &(struct store_statement){"identity_erase", sql}, p, ret_result);
    if (n != STORE_OK)
        audit_chain_restart(chain);
    if (store_run(s, &unlock, NULL, NULL) != STORE_OK)
        store_close(s); /* which gives the lock back, too */
    return n;
}

int
identity_erase(struct store *s, struct audit_chain *chain, struct slice study, struct slice subject,
               struct slice actor, struct slice reason, int64_t now_us,
               struct identity_erasure *ret_done)
{
    struct audit_row audit = {
        .at_us = now_us,
        .actor = actor,
        .role = {"admin", 5},
        .action = {"subject.erased", 14},
        .study = study,
        .subject = subject,
        .reason = reason,
    };
    struct store_params p = {0};
    PGresult *r = NULL;
    struct buf sql;

    buf_init(&sql, SQL_CEILING);
    int full = buf_append_str(&sql, erase_sql) | audit_sql_write(&sql, ERASE_PARAMS + 1, NULL) |
               buf_append(&sql, counts_sql, sizeof(counts_sql));
    sluice_assert(full == BUF_OK);
    audit_row_sign(chain, &audit);
    store_param_text(&p, study.at, study.len);
    store_param_text(&p, subject.at, subject.len);
    store_param_text(&p, actor.at, actor.len);
    store_param_text(&p, reason.at, reason.len);
    audit_params_fill(&p, chain, &audit);
    int n = erase_run(s, chain, &p, (const char *)sql.data, &r);
    buf_deinit(&sql);
    if (n != STORE_OK)
        return n;
    audit_chain_advance(chain, &(const struct audit_row *){&audit}, 1);
    *ret_done = (struct identity_erasure){
        .known = true,
        .identifiers = store_get_bigint(r, 0, 0),
        .rejections = store_get_bigint(r, 0, 1),
        .attachments = store_get_bigint(r, 0, 2),
    };
    PQclear(r);
    return STORE_OK;
}
