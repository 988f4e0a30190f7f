/* Before the form that names them: a form never names what is not there. What is left when its form
 * is not stored after all belongs to nobody's answers, and goes with its subject's erasure. */
#include "store/attachments.h"

#include "base/error.h"
#include "store/array.h"

#define PARAMS_CEILING ((size_t)128 << 20)

enum { COLUMN_NAME, COLUMN_STUDY, COLUMN_SUBJECT, COLUMN_TYPE, COLUMN_CONTENT };
#define COLUMNS 5

static const struct store_statement insert = {
    "attachments_write",
    "INSERT INTO sluice.attachments (hash, study, subject_id, content_type, bytes, content)"
    " SELECT u.name, u.study, u.subject, u.type, octet_length(u.content), u.content"
    " FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[])"
    " AS u(name, study, subject, type, content) ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"};

int
attachments_write(struct store *s, const struct attachment_row *const *rows, size_t n)
{
    static const enum store_oid oids[COLUMNS] = {OID_BYTEA, OID_TEXT, OID_TEXT, OID_TEXT,
                                                 OID_BYTEA};
    struct array a[COLUMNS];
    struct store_params p = {0};
    int full = BUF_OK;

    for (size_t c = 0; c < COLUMNS; c++) {
        array_init(&a[c], PARAMS_CEILING);
        array_begin(&a[c], oids[c]);
    }
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        const struct attachment_row *r = rows[i];
        full = array_add(&a[COLUMN_NAME], r->name, sizeof(r->name)) |
               array_add(&a[COLUMN_STUDY], r->study.at, r->study.len) |
               array_add(&a[COLUMN_SUBJECT], r->subject.at, r->subject.len) |
               array_add(&a[COLUMN_TYPE], r->content_type.at, r->content_type.len) |
               array_add(&a[COLUMN_CONTENT], r->content.at, r->content.len);
    }
    for (size_t c = 0; c < COLUMNS; c++) {
        array_end(&a[c]);
        store_param_bytes(&p, a[c].bytes.data, a[c].bytes.size);
    }
    int outcome = full == BUF_OK ? store_run(s, &insert, &p, NULL) : STORE_RETRY;
    for (size_t c = 0; c < COLUMNS; c++)
        array_deinit(&a[c]);
    return outcome;
}
