/* Same id several times in a batch (invariants 4): of each group the one with the lowest origin is
 * the candidate that goes into the statement; the others are compared in memory with what then
 * stands under the id. Hashes are compared in a later statement than the insert's. */
#include "workers/submissions/write.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "workers/submissions/outcome.h"

/* Everything that is to be written, rows sorted by id. */
struct plan {
    struct batch *b;
    const struct write_env *env;
    struct job **valid; /* by (study, id), then origin */
    size_t n_valid;
    struct submission_row **rows; /* candidates, in that order */
    struct job **row_jobs;
    size_t n_rows;
    const struct rejection_row **rejections;
    struct job **rejection_jobs;
    size_t n_rejections;
};

static int
job_compare(const void *pa, const void *pb)
{
    const struct job *a = *(struct job *const *)pa, *b = *(struct job *const *)pb;
    int order = submission_row_compare(&a->row, &b->row);

    if (order != 0)
        return order;
    if (a->row.epoch != b->row.epoch)
        return a->row.epoch < b->row.epoch ? -1 : 1;
    return a->row.seq < b->row.seq ? -1 : a->row.seq > b->row.seq;
}

static void
rejection_plan(struct plan *p, struct job *j)
{
    j->rejection.reasons = (struct slice){p->b->text.data + j->reasons_at, j->reasons_len};
    p->rejections[p->n_rejections] = &j->rejection;
    p->rejection_jobs[p->n_rejections++] = j;
}

static void
plan_make(struct plan *p)
{
    struct batch *b = p->b;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (j->outcome != OUTCOME_NONE || j->submission.at == NULL)
            continue;
        if (j->valid)
            p->valid[p->n_valid++] = j;
        else if (j->rejected_as != OUTCOME_NONE)
            rejection_plan(p, j);
    }
    qsort(p->valid, p->n_valid, sizeof(*p->valid), job_compare);
    for (size_t i = 0; i < p->n_valid; i++) {
        if (i > 0 && submission_row_compare(&p->valid[i - 1]->row, &p->valid[i]->row) == 0)
            continue;
        p->row_jobs[p->n_rows] = p->valid[i];
        p->rows[p->n_rows++] = &p->valid[i]->row;
    }
}

static void
rows_decide(struct plan *p, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++) {
        struct job *j = p->row_jobs[i];
        if (!j->row.inserted)
            continue;
        outcome_stored(p->b, j, OUTCOME_STORED, j->row.stored_us, TIME_NONE, j->row.questionnaire,
                       j->row.version);
        j->to_cache = true;
    }
}

static void
rejections_decide(struct plan *p, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        p->rejection_jobs[i]->outcome = (uint8_t)p->rejection_jobs[i]->rejected_as;
}

/* A row that was valid and is kept as a rejection all the same; its reasons are the caller's. */
static struct rejection_row
row_rejection(const struct job *j, const char *kind)
{
    return (struct rejection_row){
        .kind = kind,
        .study = j->row.study,
        .id = j->row.id,
        .subject = j->row.subject,
        .questionnaire = j->row.questionnaire,
        .version = j->row.version,
        .sealed = {j->record.body, j->record.body_len},
        .content_hash = {j->row.content_hash, CONTENT_HASH_BYTES},
        .received_us = j->row.received_us,
        .accepted_us = j->row.accepted_us,
        .epoch = j->row.epoch,
        .seq = j->row.seq,
    };
}

/* One row that PostgreSQL refuses all alone becomes a rejection with that reason. */
static int
row_refuse(struct plan *p, struct job *j)
{
    struct batch *b = p->b;

    log_event(EVENT_ROW_REFUSED, LOG_U("epoch", j->record.epoch), LOG_U("seq", j->record.seq),
              LOG_S("sqlstate", store_sqlstate(p->env->store)));
    findings_clear(&b->findings);
    findings_add(&b->findings, RULE_NOT_STORABLE, "/answers", 8, NULL);
    outcome_prepare_errors(b, j);
    j->valid = false;
    j->rejected_as = OUTCOME_REJECTED;
    j->rejection = row_rejection(j, "rejected");
    j->rejection.reasons = (struct slice){b->text.data + j->reasons_at, j->reasons_len};
    const struct rejection_row *one = &j->rejection;
    int n = submissions_write(p->env->writer, p->env->store, &b->broker, p->env->hash_key, NULL, 0,
                              &one, 1);
    if (n == STORE_OK)
        j->outcome = OUTCOME_REJECTED;
    else if (n == STORE_ROW)
        outcome_dead(b, j, RULE_NOT_STORABLE);
    return n == STORE_ROW ? STORE_OK : n;
}

/* Writes rows [row, row + n_rows) and rejections [rej, rej + n_rej); halves on refusal. */
static int
range_write(struct plan *p, size_t row, size_t n_rows, size_t rej, size_t n_rej)
{
    int n = submissions_write(p->env->writer, p->env->store, &p->b->broker, p->env->hash_key,
                              p->rows + row, n_rows, p->rejections + rej, n_rej);

    if (n == STORE_OK) {
        rows_decide(p, row, n_rows);
        rejections_decide(p, rej, n_rej);
        return n;
    }
    if (n != STORE_ROW && n != SUBMISSIONS_FULL)
        return n;
    if (n_rows + n_rej == 1) {
        if (n_rows == 1)
            return row_refuse(p, p->row_jobs[row]);
        outcome_dead(p->b, p->rejection_jobs[rej], RULE_NOT_STORABLE);
        return STORE_OK;
    }
    if (n_rows > 0 && n_rej > 0) {
        n = range_write(p, row, n_rows, rej, 0);
        return n == STORE_OK ? range_write(p, row, 0, rej, n_rej) : n;
    }
    n = range_write(p, row, n_rows / 2, rej, n_rej / 2);
    return n == STORE_OK ? range_write(p, row + n_rows / 2, n_rows - n_rows / 2, rej + n_rej / 2,
                                       n_rej - n_rej / 2)
                         : n;
}

/* ---- what stood there already ---- */

/* Against what stands under the id: the same origin, the same content, or a conflict. */
static void
job_judge(struct plan *p, struct job *j, const struct submission_found *f)
{
    bool own =
        uuid_equal(&p->b->broker, &f->broker) && j->row.epoch == f->epoch && j->row.seq == f->seq;

    if (own) {
        j->row.stored_us = f->stored_us;
        j->to_cache = true;
        outcome_stored(p->b, j, OUTCOME_STORED, f->stored_us, TIME_NONE, f->questionnaire,
                       f->version);
    } else if (f->hash_key == p->env->hash_key &&
               memcmp(f->content_hash, j->row.content_hash, CONTENT_HASH_BYTES) == 0) {
        outcome_stored(p->b, j, OUTCOME_DUPLICATE, f->stored_us, f->received_us, f->questionnaire,
                       f->version);
    } else {
        struct findings *findings = &p->b->findings;
        findings_clear(findings);
        findings_add(findings, RULE_CONFLICT, "", 0, NULL);
        outcome_prepare_errors(p->b, j);
        j->rejected_as = OUTCOME_CONFLICT;
        j->rejection = row_rejection(j, "conflict");
    }
}

static void
found_take(void *arg, const struct submission_found *found)
{
    struct plan *p = arg;
    struct submission_row key = {.study = found->study, .id = found->id};

    for (size_t i = 0; i < p->n_valid; i++) {
        struct job *j = p->valid[i];
        if (j->outcome == OUTCOME_NONE && j->valid && submission_row_compare(&j->row, &key) == 0)
            job_judge(p, j, found);
    }
}

static int
losers_compare(struct plan *p)
{
    struct submission_key *keys = mem_new(p->n_valid + 1, sizeof(*keys));
    size_t n = 0;

    for (size_t i = 0; i < p->n_valid; i++) {
        const struct job *j = p->valid[i];
        if (j->outcome == OUTCOME_NONE && j->valid)
            keys[n++] = (struct submission_key){j->row.study, j->row.id};
    }
    int outcome = n > 0 ? submissions_find(p->env->store, keys, n, false, found_take, p) : STORE_OK;
    free(keys);
    return outcome;
}

static int
conflicts_write(struct plan *p)
{
    p->n_rejections = 0;
    for (size_t i = 0; i < p->n_valid; i++) {
        struct job *j = p->valid[i];
        if (j->outcome == OUTCOME_NONE && j->rejected_as == OUTCOME_CONFLICT)
            rejection_plan(p, j);
    }
    return p->n_rejections > 0 ? range_write(p, 0, 0, 0, p->n_rejections) : STORE_OK;
}

int
batch_write(struct batch *b, const struct write_env *env)
{
    struct plan p = {.b = b, .env = env};
    int n = STORE_OK;

    p.valid = mem_new(b->n + 1, sizeof(struct job *));
    p.rows = mem_new(b->n + 1, sizeof(*p.rows));
    p.row_jobs = mem_new(b->n + 1, sizeof(struct job *));
    p.rejections = mem_new(b->n + 1, sizeof(*p.rejections));
    p.rejection_jobs = mem_new(b->n + 1, sizeof(struct job *));
    plan_make(&p);
    if (p.n_rows + p.n_rejections > 0)
        n = range_write(&p, 0, p.n_rows, 0, p.n_rejections);
    if (n == STORE_OK)
        n = losers_compare(&p);
    if (n == STORE_OK)
        n = conflicts_write(&p);
    free(p.valid);
    free(p.rows);
    free(p.row_jobs);
    free(p.rejections);
    free(p.rejection_jobs);
    return n;
}
