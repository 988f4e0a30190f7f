/* What an earlier attempt has done already. */
#include <string.h>

#include "base/error.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/write.h"

static bool
again(const struct job *j)
{
    return j->outcome == OUTCOME_NONE && j->record.attempt > 1 && j->submission.at != NULL;
}

static struct slice
text_keep(struct batch *b, struct slice text)
{
    struct slice kept = {b->plain.data + b->plain.size, text.len};
    int full = buf_append(&b->plain, text.at, text.len);

    sluice_assert(full == BUF_OK); /* room was reserved: JOB_NAMES_MAX a job */
    return kept;
}

/* Redis is told again: the first attempt may have died before it was. */
static void
cache_again(struct batch *b, struct job *j, const struct submission_found *found)
{
    if (found->told.questionnaire.len + found->told.version.len > JOB_NAMES_MAX)
        return;
    j->row = (struct submission_row){
        .study = {j->record.scope, j->record.scope_len},
        .subject = j->subject,
        .questionnaire = text_keep(b, found->told.questionnaire),
        .version = text_keep(b, found->told.version),
        .id = found->id,
        .authored_us = found->authored_us,
        .stored_us = found->told.stored_us,
    };
    j->to_cache = true;
}

static void
stored_take(void *arg, const struct submission_found *found)
{
    struct batch *b = arg;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (!again(j) || storer_of(b, j, &found->broker, found->epoch, found->seq) != STORER_ITSELF)
            continue;
        outcome_found(b, j, STORER_ITSELF, &found->told);
        cache_again(b, j, found);
    }
}

static enum outcome
kind_outcome(const char *kind)
{
    if (strcmp(kind, "conflict") == 0)
        return OUTCOME_CONFLICT;
    return strcmp(kind, "held") == 0 ? OUTCOME_HELD : OUTCOME_REJECTED;
}

static void
rejection_take(void *arg, const struct rejection_found *found)
{
    struct batch *b = arg;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (again(j) && j->record.epoch == found->epoch && j->record.seq == found->seq)
            outcome_recorded(b, j, kind_outcome(found->kind), found->reasons, found->questionnaire,
                             found->version);
    }
}

int
recorded_find(struct batch *b, const struct write_env *env)
{
    struct submission_key *keys = NULL;
    uint64_t *epochs = NULL, *seqs = NULL;
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++)
        n += again(&b->jobs[i]);
    if (n == 0)
        return STORE_OK;
    keys = mem_new(n, sizeof(*keys));
    epochs = mem_new(n, sizeof(*epochs));
    seqs = mem_new(n, sizeof(*seqs));
    n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const struct record *r = &b->jobs[i].record;
        if (!again(&b->jobs[i]))
            continue;
        keys[n] = (struct submission_key){{r->scope, r->scope_len}, r->id};
        epochs[n] = r->epoch;
        seqs[n++] = r->seq;
    }
    int outcome = submissions_find(env->store, keys, n, SUBMISSIONS_SETTLED, stored_take, b);
    if (outcome == STORE_OK)
        outcome = rejections_find(env->store, &b->broker, epochs, seqs, n, rejection_take, b);
    free(keys);
    free(epochs);
    free(seqs);
    return outcome;
}
