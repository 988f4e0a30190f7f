/* Both tables are asked by (study, id), which both have an index for. */
#include "store/trace.h"

#include <string.h>

#include "base/error.h"
#include "store/array.h"

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

#define STORED_AT_ONCE 10000

/* The position of each id that is there, so that the answer needs no search. */
static const struct store_statement stored = {
    "trace_stored",
    "SELECT DISTINCT u.n::int8 FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, n)"
    " CROSS JOIN sluice.studies AS st"
    " JOIN sluice.submissions AS s ON s.study = st.study AND s.submission_id = u.id"};

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

int
store_trace_stored(struct store *s, const struct uuid *ids, size_t n, bool *ret_stored)
{
    struct store_params p = {0};
    struct array array;
    PGresult *r;

    sluice_assert(n <= STORED_AT_ONCE);
    array_init(&array, (size_t)1 << 20);
    array_begin(&array, OID_UUID);
    for (size_t i = 0; i < n; i++) {
        int full = array_add(&array, ids[i].bytes, sizeof(ids[i].bytes));
        sluice_assert(full == BUF_OK);
    }
    array_end(&array);
    store_param_bytes(&p, array.bytes.data, array.bytes.size);
    int outcome = store_run(s, &stored, &p, &r);
    array_deinit(&array);
    if (outcome != STORE_OK)
        return outcome;
    memset(ret_stored, 0, n * sizeof(*ret_stored));
    for (int i = 0; i < PQntuples(r); i++)
        ret_stored[store_get_bigint(r, i, 0) - 1] = true;
    PQclear(r);
    return STORE_OK;
}
