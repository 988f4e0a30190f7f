/* Same id several times in a batch (invariants 4): of each group the one with the lowest origin is
 * the candidate that goes into the statement; the others are compared in memory with what then
 * stands under the id (compare.c). Hashes are compared in a later statement than the insert's. */
#include "workers/submissions/write.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "workers/submissions/compare.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/revise.h"
#include "workers/submissions/validate.h"

/* Everything that one round is to write, rows sorted by id. */
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
    /* Scratch of one statement. */
    struct alert_row **alerts;
    struct identifier_row *identifiers;
    size_t room_alerts, room_identifiers;
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
plan_init(struct plan *p, struct batch *b, const struct write_env *env)
{
    *p = (struct plan){.b = b, .env = env};
    p->valid = mem_new(b->n + 1, sizeof(struct job *));
    p->rows = mem_new(b->n + 1, sizeof(*p->rows));
    p->row_jobs = mem_new(b->n + 1, sizeof(struct job *));
    p->rejections = mem_new(b->n + 1, sizeof(*p->rejections));
    p->rejection_jobs = mem_new(b->n + 1, sizeof(struct job *));
}

static void
plan_deinit(struct plan *p)
{
    free(p->valid);
    free(p->rows);
    free(p->row_jobs);
    free(p->rejections);
    free(p->rejection_jobs);
    free(p->alerts);
    free(p->identifiers);
}

static void
plan_make(struct plan *p)
{
    struct batch *b = p->b;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (j->outcome != OUTCOME_NONE || j->submission.at == NULL)
            continue;
        if (j->valid && j->correction.revision == 0) {
            p->valid[p->n_valid++] = j;
        } else if (!j->valid && j->rejected_as != OUTCOME_NONE) {
            p->rejections[p->n_rejections] = &j->rejection;
            p->rejection_jobs[p->n_rejections++] = j;
        }
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
        outcome_stored(p->b, j, OUTCOME_STORED,
                       &(struct outcome_row){
                           .stored_us = j->row.stored_us,
                           .received_us = TIME_NONE,
                           .questionnaire = j->row.questionnaire,
                           .version = j->row.version,
                           .status = j->extra.status,
                           .revision = 1,
                           .scores = j->row.scores,
                           .flags = j->extra.flags,
                           .warnings = j->warnings,
                       });
        j->to_cache = true;
    }
}

static void
rejections_decide(struct plan *p, size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        p->rejection_jobs[i]->outcome = (uint8_t)p->rejection_jobs[i]->rejected_as;
}

static void
alerts_gather(struct plan *p, struct job *const *jobs, size_t n, size_t *n_alerts)
{
    for (size_t i = 0; i < n; i++) {
        for (struct raised *x = jobs[i]->alerts; x != NULL; x = x->next) {
            if (*n_alerts == p->room_alerts) {
                p->room_alerts = p->room_alerts > 0 ? 2 * p->room_alerts : 64;
                p->alerts = mem_grow(p->alerts, p->room_alerts, sizeof(*p->alerts));
            }
            p->alerts[(*n_alerts)++] = &x->row;
        }
    }
}

static void
identifiers_gather(struct plan *p, struct job *const *jobs, size_t n, size_t *n_identifiers)
{
    for (size_t i = 0; i < n; i++) {
        for (struct identified *x = jobs[i]->identifiers; x != NULL; x = x->next) {
            if (*n_identifiers == p->room_identifiers) {
                p->room_identifiers = p->room_identifiers > 0 ? 2 * p->room_identifiers : 64;
                p->identifiers =
                    mem_grow(p->identifiers, p->room_identifiers, sizeof(*p->identifiers));
            }
            p->identifiers[(*n_identifiers)++] = x->row;
        }
    }
}

/* Rows [row, row + n_rows) and rejections [rej, rej + n_rej) with what they bring. */
static int
part_write(struct plan *p, size_t row, size_t n_rows, size_t rej, size_t n_rej)
{
    struct submissions_batch part = {
        .broker = &p->b->broker,
        .hash_key = p->env->hash_key,
        .rows = p->rows + row,
        .n_rows = n_rows,
        .rejections = p->rejections + rej,
        .n_rejections = n_rej,
    };

    /* Only now: a row that was refused meanwhile gave its reasons, too, and the text moved. */
    for (size_t i = rej; i < rej + n_rej; i++) {
        struct job *j = p->rejection_jobs[i];
        j->rejection.reasons = (struct slice){p->b->text.data + j->reasons_at, j->reasons_len};
    }
    alerts_gather(p, p->row_jobs + row, n_rows, &part.n_alerts);
    alerts_gather(p, p->rejection_jobs + rej, n_rej, &part.n_alerts);
    identifiers_gather(p, p->row_jobs + row, n_rows, &part.n_identifiers);
    part.alerts = p->alerts;
    part.identifiers = p->identifiers;
    return submissions_write(p->env->writer, p->env->store, p->env->chain, &part);
}

/* One row that PostgreSQL refuses all alone becomes a rejection with that reason; of a rejection
 * even that failed, and it is dead. */
static void
row_refuse(struct plan *p, struct job *j)
{
    log_event(EVENT_ROW_REFUSED, LOG_U("epoch", j->record.epoch), LOG_U("seq", j->record.seq),
              LOG_S("sqlstate", store_sqlstate(p->env->store)));
    j->identifiers = NULL;
    validate_refuse(p->b, j, RULE_NOT_STORABLE, "rejected", 0);
}

/* Halves on refusal. */
static int
range_write(struct plan *p, size_t row, size_t n_rows, size_t rej, size_t n_rej)
{
    int n = part_write(p, row, n_rows, rej, n_rej);

    if (n == STORE_OK) {
        rows_decide(p, row, n_rows);
        rejections_decide(p, rej, n_rej);
        return n;
    }
    if (n != STORE_ROW && n != SUBMISSIONS_FULL)
        return n;
    if (n_rows + n_rej == 1) {
        if (n_rows == 1)
            row_refuse(p, p->row_jobs[row]); /* written by the next round */
        else
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

/* All that is undecided and may be written now. */
static int
round_write(struct batch *b, const struct write_env *env)
{
    struct plan p;
    int n = STORE_OK;

    plan_init(&p, b, env);
    plan_make(&p);
    if (p.n_rows + p.n_rejections > 0)
        n = range_write(&p, 0, p.n_rows, 0, p.n_rejections);
    plan_deinit(&p);
    return n;
}

/* Two workers found nothing open at once: who lost counts on the other's alert. */
static int
alerts_settle(struct batch *b, const struct write_env *env)
{
    struct alert_row **lost = NULL;
    size_t n = 0, room = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        bool recorded = j->to_cache || j->outcome == OUTCOME_REJECTED ||
                        j->outcome == OUTCOME_HELD || j->outcome == OUTCOME_CONFLICT;
        for (struct raised *x = j->alerts; x != NULL && recorded; x = x->next) {
            if (x->row.raised || x->row.counted)
                continue;
            if (n == room) {
                room = room > 0 ? 2 * room : 16;
                lost = mem_grow(lost, room, sizeof(struct alert_row *));
            }
            lost[n++] = &x->row;
        }
    }
    int outcome = n > 0 ? alerts_write(env->alerts, env->store, lost, n) : STORE_OK;
    free(lost);
    return outcome;
}

int
batch_write(struct batch *b, const struct write_env *env)
{
    int n = round_write(b, env);

    if (n == STORE_OK)
        n = losers_compare(b, env);
    if (n == STORE_OK)
        n = corrections_write(b, env);
    if (n == STORE_OK)
        n = round_write(b, env); /* conflicts and what else was refused meanwhile */
    return n == STORE_OK ? alerts_settle(b, env) : n;
}
