#include "workers/submissions/compare.h"

#include <string.h>

#include "base/error.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/revise.h"
#include "workers/submissions/validate.h"

struct comparing {
    struct batch *b;
    const struct write_env *env;
};

static bool
undecided(const struct job *j)
{
    return j->outcome == OUTCOME_NONE && j->submission.at != NULL && j->valid &&
           j->correction.revision == 0;
}

static bool
in_progress(const struct submission_found *f)
{
    static const char name[] = "in-progress";

    return f->status.len == sizeof(name) - 1 && memcmp(f->status.at, name, sizeof(name) - 1) == 0;
}

static struct slice
status_unusual(const struct submission_found *f)
{
    static const char name[] = "completed";
    bool usual =
        f->status.len == sizeof(name) - 1 && memcmp(f->status.at, name, sizeof(name) - 1) == 0;

    return usual ? (struct slice){NULL, 0} : f->status;
}

/* Against what stands under the id: the same origin, the same content, the next state of a form in
 * progress, or a conflict. */
static void
job_judge(struct comparing *c, struct job *j, const struct submission_found *f)
{
    bool own =
        uuid_equal(&c->b->broker, &f->broker) && j->row.epoch == f->epoch && j->row.seq == f->seq;
    bool same = f->hash_key == c->env->hash_key &&
                memcmp(f->content_hash, j->row.content_hash, CONTENT_HASH_BYTES) == 0;
    struct outcome_row row = {
        .stored_us = f->stored_us,
        .received_us = own ? TIME_NONE : f->received_us,
        .questionnaire = f->questionnaire,
        .version = f->version,
        .status = status_unusual(f),
        .revision = f->revision,
    };

    if (own || same) {
        j->row.stored_us = f->stored_us;
        j->to_cache = own;
        outcome_stored(c->b, j, own ? OUTCOME_STORED : OUTCOME_DUPLICATE, &row);
    } else if (in_progress(f)) {
        j->continues = f->revision;
    } else {
        validate_refuse(c->b, j, RULE_CONFLICT, "conflict", 0);
    }
}

static void
found_take(void *arg, const struct submission_found *found)
{
    struct comparing *c = arg;
    struct submission_row key = {.study = found->study, .id = found->id};

    for (size_t i = 0; i < c->b->n; i++) {
        struct job *j = &c->b->jobs[i];
        if (undecided(j) && submission_row_compare(&j->row, &key) == 0)
            job_judge(c, j, found);
    }
}

int
losers_compare(struct batch *b, const struct write_env *env)
{
    struct comparing c = {b, env};
    struct submission_key *keys = mem_new(b->n + 1, sizeof(*keys));
    size_t n = 0;

    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        if (undecided(j))
            keys[n++] = (struct submission_key){j->row.study, j->row.id};
    }
    int outcome = n > 0 ? submissions_find(env->store, keys, n, false, found_take, &c) : STORE_OK;
    free(keys);
    for (size_t i = 0; i < b->n && outcome == STORE_OK; i++)
        if (undecided(&b->jobs[i]) && b->jobs[i].continues > 0)
            outcome = progress_write(b, &b->jobs[i], env);
    return outcome;
}
