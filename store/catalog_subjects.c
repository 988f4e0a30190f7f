/* From a file into subjects. The whole file is judged before the first row is written. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/catalog_inner.h"

#define SUBJECTS_CEILING ((size_t)128 << 20)
#define SUBJECTS_CHUNK 10000 /* rows a statement */

static const char subjects_upsert[] =
    "i AS (INSERT INTO sluice.subjects (study, subject_id, site_id, status, status_at,"
    "  time_zone, kind)"
    "  SELECT $1::text, subject_id, site_id, status, status_at::timestamptz, time_zone, kind"
    "  FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])"
    "  AS u(subject_id, site_id, status, status_at, time_zone, kind)"
    "  ON CONFLICT (study, subject_id) DO UPDATE SET site_id = excluded.site_id,"
    "  status = excluded.status, status_at = excluded.status_at, time_zone = excluded.time_zone,"
    "  kind = excluded.kind, loaded_at = now())";

static const struct store_statement study_exists = {
    "study_exists", "SELECT 1 FROM sluice.studies WHERE study = $1::text"};

enum { SUBJECT_COLUMNS = 6 };

static void
subject_take(const json_t *v, struct array columns[SUBJECT_COLUMNS], struct catalog_fault *fault)
{
    static const char *const members[] = {"subjectId", "siteId", "status", "statusAt",
                                          "timeZone",  "kind",   NULL};
    static const char *const states[] = {"enrolled", "screening", "completed", "withdrawn", NULL};
    static const char *const kinds[] = {"real", "test", NULL};
    json_t *object =
        json_is_string(v) ? json_pack("{s:O}", "subjectId", v) : json_incref((json_t *)v);

    if (!json_is_object(object)) {
        catalog_fail(fault, "a subject must be a string or an object");
    } else {
        catalog_members(object, "subject", members, fault);
        const char *code = catalog_code(object, "subjectId", true, fault);
        if (code != NULL && catalog_code_looks_personal(code, strlen(code)))
            catalog_fail(fault, "'subjectId' looks like a phone number, e-mail or national id");
        catalog_array_add(&columns[0], code);
        catalog_array_add(&columns[1], catalog_code(object, "siteId", false, fault));
        const char *status = catalog_word(object, "status", states, fault);
        catalog_array_add(&columns[2], status);
        const char *at = catalog_string(object, "statusAt", 40, false, fault);
        if (at == NULL && strcmp(status, "withdrawn") == 0)
            catalog_fail(fault, "a withdrawn subject needs 'statusAt'");
        catalog_array_add(&columns[3], at);
        catalog_array_add(&columns[4], catalog_string(object, "timeZone", 64, false, fault));
        catalog_array_add(&columns[5], catalog_word(object, "kind", kinds, fault));
    }
    json_decref(object);
}

static int
subjects_write(struct store *s, const struct catalog_load *load, struct catalog_write *w, size_t n)
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    char what[64], detail[CATALOG_DETAIL_SIZE];

    crypto_hash_sha256(hash, (const unsigned char *)load->json, load->len);
    snprintf(what, sizeof(what), "%zu subjects of file", n);
    catalog_detail(detail, what, hash);
    return catalog_run(s, load, w, detail);
}

/* Subjects [from, to) in one statement. */
static int
subjects_chunk(struct store *s, const struct catalog_load *load, const char *study,
               const json_t *list, size_t from, size_t to, struct catalog_fault *fault)
{
    struct catalog_write w = {.name = "subjects_upsert",
                              .ctes = subjects_upsert,
                              .action = "subjects.loaded",
                              .study = study};
    struct array columns[SUBJECT_COLUMNS];

    for (int c = 0; c < SUBJECT_COLUMNS; c++) {
        array_init(&columns[c], SUBJECTS_CEILING);
        array_begin(&columns[c], OID_TEXT);
    }
    for (size_t i = from; i < to; i++) {
        catalog_place(fault, "subjects/%zu", i);
        subject_take(json_array_get(list, i), columns, fault);
    }
    catalog_place(fault, "%s", "");
    catalog_param(&w.p, study);
    for (int c = 0; c < SUBJECT_COLUMNS; c++) {
        array_end(&columns[c]);
        store_param_bytes(&w.p, columns[c].bytes.data, columns[c].bytes.size);
    }
    int n = fault->text[0] != '\0' ? catalog_refuse(s, fault)
            : load->check_only     ? STORE_OK
                                   : subjects_write(s, load, &w, to - from);
    for (int c = 0; c < SUBJECT_COLUMNS; c++)
        array_deinit(&columns[c]);
    return n;
}

static int
study_must_exist(struct store *s, const char *study)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_text(&p, study, strlen(study));
    int n = store_run(s, &study_exists, &p, &r);
    if (n != STORE_OK)
        return n;
    if (PQntuples(r) == 0) {
        store_why_set(s, "the study is not loaded: load it first");
        n = STORE_INVALID;
    }
    PQclear(r);
    return n;
}

int
store_subjects_load(struct store *s, const struct catalog_load *load,
                    struct catalog_loaded *ret_loaded)
{
    static const char *const members[] = {"study", "subjects", NULL};
    struct catalog_fault fault = {0};
    json_t *root = catalog_parse(load->json, load->len, &fault);
    int n = STORE_OK;

    if (root == NULL)
        return catalog_refuse(s, &fault);
    catalog_members(root, "subjects", members, &fault);
    const char *study = catalog_code(root, "study", true, &fault);
    const json_t *list = json_object_get(root, "subjects");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count == 0 || count > CATALOG_SUBJECTS_MAX)
        catalog_fail(&fault, "'subjects' must be an array of 1 to %d", CATALOG_SUBJECTS_MAX);
    if (fault.text[0] != '\0')
        n = catalog_refuse(s, &fault);
    if (n == STORE_OK)
        n = study_must_exist(s, study);
    for (int writing = 0; writing <= !load->check_only && n == STORE_OK; writing++) {
        struct catalog_load own = *load;
        own.check_only = !writing;
        for (size_t i = 0; i < count && n == STORE_OK; i += SUBJECTS_CHUNK) {
            size_t to = i + SUBJECTS_CHUNK < count ? i + SUBJECTS_CHUNK : count;
            n = subjects_chunk(s, &own, study, list, i, to, &fault);
        }
    }
    if (n == STORE_OK) {
        *ret_loaded = (struct catalog_loaded){.count = count};
        snprintf(ret_loaded->name, sizeof(ret_loaded->name), "%s", study);
    }
    json_decref(root);
    return n;
}
