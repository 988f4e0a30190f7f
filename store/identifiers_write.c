/* Inserted only: nobody who writes here can read what was written (no column named in a conflict
 * clause, no RETURNING). */
#include "store/identifiers_write.h"

#include <stdlib.h>

#include "base/error.h"
#include "store/array.h"

static const struct {
    const char *name, *type;
    enum store_oid oid;
} columns[IDENTIFIERS_PARAMS] = {
    {"study", "text", OID_TEXT},         {"subject_id", "text", OID_TEXT},
    {"kind", "text", OID_TEXT},          {"submission_id", "uuid", OID_UUID},
    {"revision", "int8", OID_INT8},      {"link_id", "text", OID_TEXT},
    {"place", "int8", OID_INT8},         {"value_sealed", "bytea", OID_BYTEA},
    {"blind_index", "bytea", OID_BYTEA},
};

struct identifiers_writer {
    struct array columns[IDENTIFIERS_PARAMS];
};

struct identifiers_writer *
identifiers_writer_new(size_t ceiling)
{
    struct identifiers_writer *w = mem_new(1, sizeof(*w));

    for (size_t c = 0; c < IDENTIFIERS_PARAMS; c++)
        array_init(&w->columns[c], ceiling);
    return w;
}

void
identifiers_writer_free(struct identifiers_writer *w)
{
    if (w == NULL)
        return;
    for (size_t c = 0; c < IDENTIFIERS_PARAMS; c++)
        array_deinit(&w->columns[c]);
    free(w);
}

int
identifiers_sql_write(struct buf *sql, int first)
{
    int full = buf_append_str(sql, "identifiers AS (INSERT INTO identity.identifiers (study,"
                                   " subject_id, kind, submission_id, revision, link_id, place,"
                                   " value_sealed, blind_index) SELECT u.study, u.subject_id,"
                                   " u.kind, u.submission_id, u.revision::int, u.link_id,"
                                   " u.place::int, u.value_sealed, u.blind_index FROM unnest(");

    for (int c = 0; c < IDENTIFIERS_PARAMS; c++)
        full |= buf_printf(sql, "%s$%d::%s[]", c > 0 ? ", " : "", first + c, columns[c].type);
    full |= buf_append_str(sql, ") AS u(");
    for (int c = 0; c < IDENTIFIERS_PARAMS; c++)
        full |= buf_printf(sql, "%s%s", c > 0 ? ", " : "", columns[c].name);
    return full | buf_append_str(sql, ") JOIN stored s ON s.study = u.study"
                                      " AND s.submission_id = u.submission_id"
                                      " ON CONFLICT DO NOTHING)");
}

int
identifiers_params_fill(struct identifiers_writer *w, const struct identifier_row *rows, size_t n,
                        struct store_params *p)
{
    int full = BUF_OK;

    for (size_t c = 0; c < IDENTIFIERS_PARAMS; c++)
        array_begin(&w->columns[c], columns[c].oid);
    for (size_t i = 0; i < n && full == BUF_OK; i++) {
        const struct identifier_row *r = &rows[i];
        full = array_add(&w->columns[0], r->study.at, r->study.len) |
               array_add(&w->columns[1], r->subject.at, r->subject.len) |
               array_add(&w->columns[2], r->kind.at, r->kind.len) |
               array_add(&w->columns[3], r->submission.bytes, sizeof(r->submission.bytes)) |
               array_add_bigint(&w->columns[4], r->revision) |
               array_add(&w->columns[5], r->link_id.at, r->link_id.len) |
               array_add_bigint(&w->columns[6], r->place) |
               array_add(&w->columns[7], r->value_sealed.at, r->value_sealed.len) |
               array_add(&w->columns[8], r->blind_index, sizeof(r->blind_index));
    }
    for (size_t c = 0; c < IDENTIFIERS_PARAMS && full == BUF_OK; c++) {
        array_end(&w->columns[c]);
        store_param_bytes(p, w->columns[c].bytes.data, w->columns[c].bytes.size);
    }
    return full;
}
