/* Both tables are asked by (study, id), which both have an index for. */
#include "store/trace.h"

#include <string.h>

static const struct store_statement trace = {
    "trace",
    "WITH wanted AS (SELECT study FROM sluice.studies WHERE $2::text IS NULL OR study = $2::text"
    "  UNION SELECT $2::text WHERE $2::text IS NOT NULL)"
    " SELECT 'stored'::text, s.study, s.questionnaire, s.version, NULL::text, s.broker, s.epoch,"
    "  s.seq, s.received_at, s.accepted_at, s.stored_at"
    " FROM wanted w JOIN sluice.submissions s ON s.study = w.study AND s.submission_id = $1::uuid"
    " UNION ALL"
    " SELECT r.kind, r.study, r.questionnaire, r.version, r.reasons::text, r.broker, r.epoch,"
    "  r.seq, r.received_at, r.accepted_at, r.recorded_at"
    " FROM wanted w JOIN sluice.rejections r ON r.study = w.study AND r.submission_id = $1::uuid"};

static const char *
text_get(const PGresult *r, int row, int column)
{
    return PQgetisnull(r, row, column) ? NULL : PQgetvalue(r, row, column);
}

int
store_trace(struct store *s, const struct uuid *id, const char *study,
            void (*each)(void *arg, const struct trace_row *row), void *arg)
{
    struct store_params p = {0};
    PGresult *r;

    store_param_uuid(&p, id);
    if (study != NULL)
        store_param_text(&p, study, strlen(study));
    else
        store_param_null(&p);
    int n = store_run(s, &trace, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++) {
        struct trace_row row = {
            .kind = text_get(r, i, 0),
            .study = text_get(r, i, 1),
            .questionnaire = text_get(r, i, 2),
            .version = text_get(r, i, 3),
            .reasons = text_get(r, i, 4),
            .broker = store_get_uuid(r, i, 5),
            .epoch = (uint64_t)store_get_bigint(r, i, 6),
            .seq = (uint64_t)store_get_bigint(r, i, 7),
            .received_us = store_get_time(r, i, 8),
            .accepted_us = store_get_time(r, i, 9),
            .recorded_us = store_get_time(r, i, 10),
        };
        each(arg, &row);
    }
    PQclear(r);
    return STORE_OK;
}
