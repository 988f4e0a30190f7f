/* Session locks, not those of a transaction: no transaction stays open between our statements. The
 * name of a lock is a hash; two subjects that share one only wait for each other. */
#include "store/previous.h"

#include "base/error.h"
#include "schemas/wire/identity.h"
#include "store/array.h"

#define FORMS_CEILING ((size_t)16 << 20)
#define READ_TIMEOUT_US ((int64_t)10000000) /* statement_timeout ends it earlier on the server */

/* In order of the hash, which also is what is locked. */
#define LOCKS                                                                                      \
    " FROM (SELECT DISTINCT hashtextextended(u.study || E'\\n' || u.subject, 5489210005) AS key"   \
    " FROM unnest($1::text[], $2::text[]) AS u(study, subject) ORDER BY key) AS locks"

static const struct store_statement lock = {"previous_lock",
                                            "SELECT count(pg_advisory_lock(key))" LOCKS};
static const struct store_statement unlock = {"previous_unlock",
                                              "SELECT bool_and(pg_advisory_unlock(key))" LOCKS};

static const struct store_statement look = {
    "previous_read",
    "SELECT u.n, p.authored_at, p.submission_id, p.answers FROM unnest($1::text[], $2::text[],"
    " $3::text[], $4::uuid[], $5::timestamptz[], $6::timestamptz[]) WITH ORDINALITY"
    " AS u(study, subject, questionnaire, id, authored, received, n)"
    " CROSS JOIN LATERAL (SELECT s.authored_at, s.submission_id, s.answers::text AS answers"
    " FROM sluice.submissions s WHERE s.study = u.study AND s.subject_id = u.subject"
    " AND s.questionnaire = u.questionnaire AND (s.authored_at, s.submission_id)"
    " < (coalesce(u.authored, (SELECT o.authored_at FROM sluice.submissions o"
    " WHERE o.study = u.study AND o.submission_id = u.id), u.received), u.id)"
    " AND s.submission_id <> u.id AND NOT s.void AND s.status <> 'in-progress'"
    " AND s.answers IS NOT NULL ORDER BY s.authored_at DESC, s.submission_id DESC LIMIT $7::int8)"
    " AS p ORDER BY u.n, p.authored_at DESC, p.submission_id DESC"};

enum { COLUMN_STUDY, COLUMN_SUBJECT, COLUMN_NAME, COLUMN_ID, COLUMN_AUTHORED, COLUMN_RECEIVED };
#define COLUMNS 6

struct columns {
    struct array list[COLUMNS];
    struct store_params params;
};

/* The first n_columns of the forms as parameters. */
static void
columns_init(struct columns *c, const struct previous_form *forms, size_t n, size_t n_columns)
{
    static const enum store_oid oids[COLUMNS] = {OID_TEXT, OID_TEXT,        OID_TEXT,
                                                 OID_UUID, OID_TIMESTAMPTZ, OID_TIMESTAMPTZ};
    struct array *a = c->list;
    int full = BUF_OK;

    *c = (struct columns){0};
    for (size_t i = 0; i < COLUMNS; i++) {
        array_init(&a[i], FORMS_CEILING);
        array_begin(&a[i], oids[i]);
    }
    for (size_t i = 0; i < n; i++) {
        const struct previous_form *f = &forms[i];
        full |= array_add(&a[COLUMN_STUDY], f->study.at, f->study.len) |
                array_add(&a[COLUMN_SUBJECT], f->subject.at, f->subject.len) |
                array_add(&a[COLUMN_NAME], f->questionnaire.at, f->questionnaire.len) |
                array_add(&a[COLUMN_ID], f->id.bytes, sizeof(f->id.bytes)) |
                (f->authored_us != TIME_NONE ? array_add_time(&a[COLUMN_AUTHORED], f->authored_us)
                                             : array_add_null(&a[COLUMN_AUTHORED])) |
                array_add_time(&a[COLUMN_RECEIVED], f->received_us);
    }
    sluice_assert(full == BUF_OK); /* a batch has at most 4096 records with names of 320 bytes */
    for (size_t i = 0; i < COLUMNS; i++) {
        array_end(&a[i]);
        if (i < n_columns)
            store_param_bytes(&c->params, a[i].bytes.data, a[i].bytes.size);
    }
}

static void
columns_deinit(struct columns *c)
{
    for (size_t i = 0; i < COLUMNS; i++)
        array_deinit(&c->list[i]);
}

int
previous_lock(struct store *s, const struct previous_form *forms, size_t n)
{
    struct columns c;

    columns_init(&c, forms, n, COLUMN_SUBJECT + 1);
    int outcome = store_run(s, &lock, &c.params, NULL);
    columns_deinit(&c);
    if (outcome != STORE_OK)
        store_close(s); /* some of the locks may be ours already */
    return outcome;
}

void
previous_unlock(struct store *s, const struct previous_form *forms, size_t n)
{
    struct columns c;

    columns_init(&c, forms, n, COLUMN_SUBJECT + 1);
    if (store_run(s, &unlock, &c.params, NULL) != STORE_OK)
        store_close(s);
    columns_deinit(&c);
}

struct reading_rows {
    void (*each)(void *arg, const struct previous_found *found);
    void *arg;
};

static int
row_take(void *arg, const PGresult *r)
{
    const struct reading_rows *rows = arg;

    rows->each(rows->arg, &(struct previous_found){
                              .form = (size_t)store_get_bigint(r, 0, 0) - 1,
                              .authored_us = store_get_time(r, 0, 1),
                              .id = store_get_uuid(r, 0, 2),
                              .answers = {PQgetvalue(r, 0, 3), (size_t)PQgetlength(r, 0, 3)},
                          });
    return 0;
}

int
previous_read(struct store *s, const struct previous_form *forms, size_t n, int64_t limit,
              void (*each)(void *arg, const struct previous_found *found), void *arg)
{
    struct reading_rows rows = {each, arg};
    struct columns c;

    columns_init(&c, forms, n, COLUMNS);
    store_param_bigint(&c.params, limit);
    int outcome = store_run_rows(s, &look, &c.params, READ_TIMEOUT_US, row_take, &rows);
    columns_deinit(&c);
    return outcome;
}
