#include "workers/submissions/compare.h"

#include <string.h>

#include "base/error.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/revise.h"
#include "workers/submissions/validate.h"

struct comparing {
    struct batch *b;
    const struct write_env *env;
    size_t n_revised; /* jobs that meet a later revision than the first */
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
    return slice_is(f->told.status, "in-progress");
}

static bool
same_subject(const struct job *j, const struct submission_found *f)
{
    return f->subject.len == j->subject.len &&
           memcmp(f->subject.at, j->subject.at, f->subject.len) == 0;
}

/* The same origin, or the same content of the same subject (whom a resource need not name): then it
 * is decided. */
static bool
job_settle(struct comparing *c, struct job *j, const struct submission_found *f)
{
    enum storer storer = storer_of(c->b, j, &f->broker, f->epoch, f->seq);
    bool same = f->hash_key == c->env->hash_key && same_subject(j, f) &&
                memcmp(f->content_hash, j->row.content_hash, CONTENT_HASH_BYTES) == 0;

    if (storer != STORER_ITSELF && !same)
        return false;
    outcome_found(c->b, j, storer, &f->told);
    j->to_cache = storer == STORER_ITSELF;
    return true;
}

/* Against what stands under the id; what is not settled is the next state of a form in progress, or
 * a conflict, unless it is what stood there before. */
static void
job_judge(struct comparing *c, struct job *j, const struct submission_found *f)
{
    if (job_settle(c, j, f))
        return;
    j->clash = same_subject(j, f) ? CLASH_OTHER : CLASH_FOREIGN;
    j->continues = in_progress(f) && same_subject(j, f) ? f->told.revision : 0;
    c->n_revised += f->told.revision > 1;
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

/* What was corrected or continued since is no conflict with what it was (a report that was lost, an
 * app that sends once more). */
static void
older_take(void *arg, const struct submission_found *found)
{
    struct comparing *c = arg;
    struct submission_row key = {.study = found->study, .id = found->id};

    for (size_t i = 0; i < c->b->n; i++) {
        struct job *j = &c->b->jobs[i];
        if (undecided(j) && j->clash != CLASH_NONE && submission_row_compare(&j->row, &key) == 0)
            job_settle(c, j, found);
    }
}

/* An alert of another subject is another alert: no revision of the submission that stands there. */
static void
conflicts_refuse(struct comparing *c)
{
    for (size_t i = 0; i < c->b->n; i++) {
        struct job *j = &c->b->jobs[i];
        if (!undecided(j) || j->clash == CLASH_NONE || j->continues > 0)
            continue;
        if (j->clash == CLASH_FOREIGN)
            medicine_renumber(c->env->medicine, j, 0);
        validate_refuse(c->b, j, RULE_CONFLICT, "conflict", 0);
    }
}

/* The next states of forms in progress. *ret_again: some were written, and others are the next ones
 * of those. */
static int
progress_all(struct batch *b, const struct write_env *env, bool *ret_again)
{
    bool written = false, left = false;

    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (!undecided(j) || j->continues == 0)
            continue;
        int n = progress_write(b, j, env);
        if (n != STORE_OK)
            return n;
        j->continues = 0;
        written = written || j->outcome != OUTCOME_NONE;
        left = left || undecided(j);
    }
    *ret_again = written && left;
    return STORE_OK;
}

int
losers_compare(struct batch *b, const struct write_env *env)
{
    struct comparing c = {.b = b, .env = env};
    struct submission_key *keys = mem_new(b->n + 1, sizeof(*keys));
    bool again = true;
    int outcome = STORE_OK;

    while (again && outcome == STORE_OK) {
        size_t n = 0;
        again = false;
        for (size_t i = 0; i < b->n; i++) {
            const struct job *j = &b->jobs[i];
            if (undecided(j))
                keys[n++] = (struct submission_key){j->row.study, j->row.id};
        }
        c.n_revised = 0;
        if (n > 0)
            outcome = submissions_find(env->store, keys, n, SUBMISSIONS_CURRENT, found_take, &c);
        if (c.n_revised > 0 && outcome == STORE_OK)
            outcome = submissions_find(env->store, keys, n, SUBMISSIONS_OLDER, older_take, &c);
        if (outcome != STORE_OK)
            break;
        conflicts_refuse(&c);
        outcome = progress_all(b, env, &again);
    }
    free(keys);
    return outcome;
}
