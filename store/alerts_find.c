#include "store/alerts_find.h"

#include "base/error.h"
#include "store/array.h"

#define IDS_CEILING ((size_t)1 << 20)

static const struct store_statement of_submissions = {
    "alerts_of_submissions",
    "SELECT alert_id, submission_id, study, subject_id, rule_id, severity, provisional, seq,"
    " raised_at FROM sluice.alerts WHERE submission_id = ANY($1::uuid[])"
    " AND ($2::timestamptz IS NULL OR state = 'open' AND raised_at >= $2::timestamptz)"
    " ORDER BY submission_id, seq"};

int
alerts_of_submissions(struct store *s, const struct uuid *submissions, size_t n, int64_t since_us,
                      void (*each)(void *arg, const struct alert_told *alert), void *arg)
{
    struct store_params p = {0};
    struct array ids;
    PGresult *r = NULL;

    array_init(&ids, IDS_CEILING);
    array_begin(&ids, OID_UUID);
    for (size_t i = 0; i < n; i++) {
        int full = array_add(&ids, submissions[i].bytes, sizeof(submissions[i].bytes));
        sluice_assert(full == BUF_OK); /* a batch has at most 4096 */
    }
    array_end(&ids);
    store_param_bytes(&p, ids.bytes.data, ids.bytes.size);
    if (since_us == TIME_NONE)
        store_param_null(&p);
    else
        store_param_time(&p, since_us);
    int outcome = store_run(s, &of_submissions, &p, &r);
    for (int i = 0; outcome == STORE_OK && i < PQntuples(r); i++)
        each(arg, &(struct alert_told){
                      .id = store_get_uuid(r, i, 0),
                      .submission = store_get_uuid(r, i, 1),
                      .study = store_get_slice(r, i, 2),
                      .subject = store_get_slice(r, i, 3),
                      .rule = store_get_slice(r, i, 4),
                      .severity = store_get_slice(r, i, 5),
                      .provisional = *PQgetvalue(r, i, 6) != 0,
                      .seq = store_get_bigint(r, i, 7),
                      .raised_us = store_get_time(r, i, 8),
                  });
    PQclear(r);
    array_deinit(&ids);
    return outcome;
}
