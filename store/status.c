/* Two statements, each by an index: rejections by origin or id, submissions by key. */
#include "store/status.h"

#include <stdbool.h>

#include "base/error.h"
#include "store/array.h"

#define STUDIES_CEILING (256 * 1024)

#define REJECTION_COLUMNS                                                                          \
    "SELECT kind, study, questionnaire, version, reasons::text, received_at, accepted_at"          \
    " FROM sluice.rejections WHERE study = ANY ($1::text[]) AND submission_id = $2::uuid"

static const struct store_statement by_receipt = {
    "status_by_receipt",
    REJECTION_COLUMNS " AND broker = $3::uuid AND epoch = $4::int8 AND seq = $5::int8"};
static const struct store_statement by_id = {
    "status_by_id",
    REJECTION_COLUMNS " ORDER BY recorded_at DESC, broker, epoch DESC, seq DESC LIMIT 1"};
static const struct store_statement stored = {
    "status_stored",
    "SELECT CASE status WHEN 'in-progress' THEN status ELSE 'stored' END, study, questionnaire,"
    " version, NULL::text, received_at, accepted_at, stored_at, revision, status FROM "
    "sluice.submissions WHERE study = ANY ($1::text[])"
    " AND submission_id = $2::uuid LIMIT 1"};

static int
status_run(struct store *s, const struct store_statement *statement, const struct store_params *p,
           void (*each)(void *arg, const struct status_found *found), void *arg, bool *ret_found)
{
    PGresult *r = NULL;
    int n = store_run(s, statement, p, &r);

    if (n != STORE_OK)
        return n;
    *ret_found = PQntuples(r) > 0;
    if (*ret_found) {
        each(arg, &(struct status_found){
                      .state = PQgetvalue(r, 0, 0),
                      .study = store_get_slice(r, 0, 1),
                      .questionnaire = store_get_slice(r, 0, 2),
                      .version = store_get_slice(r, 0, 3),
                      .reasons = store_get_slice(r, 0, 4),
                      .received_us = store_get_time(r, 0, 5),
                      .accepted_us = store_get_time(r, 0, 6),
                      .stored_us = PQnfields(r) > 7 ? store_get_time(r, 0, 7) : TIME_NONE,
                      .revision = PQnfields(r) > 8 ? store_get_int(r, 0, 8) : 0,
                      .form_status =
                          PQnfields(r) > 9 ? store_get_slice(r, 0, 9) : (struct slice){NULL, 0},
                  });
    }
    PQclear(r);
    return STORE_OK;
}

int
store_status_find(struct store *s, const struct slice *studies, size_t n_studies,
                  const struct uuid *id, const struct status_receipt *receipt,
                  void (*each)(void *arg, const struct status_found *found), void *arg)
{
    struct store_params p = {0};
    struct array codes;
    bool found = false;
    int n = STORE_OK;

    array_init(&codes, STUDIES_CEILING);
    array_begin(&codes, OID_TEXT);
    for (size_t i = 0; i < n_studies && n == STORE_OK; i++) {
        if (array_add(&codes, studies[i].at, studies[i].len) != BUF_OK)
            n = STORE_INVALID;
    }
    array_end(&codes);
    store_param_bytes(&p, codes.bytes.data, codes.bytes.size);
    store_param_uuid(&p, id);
    if (n == STORE_OK && receipt != NULL) {
        store_param_uuid(&p, &receipt->broker);
        store_param_bigint(&p, (int64_t)receipt->epoch);
        store_param_bigint(&p, (int64_t)receipt->seq);
        n = status_run(s, &by_receipt, &p, each, arg, &found);
        p.n = 2;
    }
    if (n == STORE_OK && !found)
        n = status_run(s, &stored, &p, each, arg, &found);
    if (n == STORE_OK && !found && receipt == NULL)
        n = status_run(s, &by_id, &p, each, arg, &found);
    array_deinit(&codes);
    return n;
}
