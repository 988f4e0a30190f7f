/* A subject is copied into its jobs at once: the cache may forget it while the same batch meets
 * others. */
#include "workers/submissions/acquaint.h"

#include <string.h>

#include "base/error.h"
#include "store/array.h"
#include "store/catalog.h"

#define SUBJECTS_AHEAD 65536
#define KEYS_MAX ((size_t)4 << 20)

struct acquaint {
    struct subjects *subjects;
    struct array studies, codes; /* parameters of a look-up */
    struct batch *batch;         /* while one is worked on */
};

struct acquaint *
acquaint_new(struct subjects *subjects)
{
    struct acquaint *a = mem_new(1, sizeof(*a));

    a->subjects = subjects;
    array_init(&a->studies, KEYS_MAX);
    array_init(&a->codes, KEYS_MAX);
    return a;
}

void
acquaint_free(struct acquaint *a)
{
    if (a == NULL)
        return;
    array_deinit(&a->studies);
    array_deinit(&a->codes);
    free(a);
}

static void
subject_take(void *arg, const struct catalog_subject *row)
{
    struct acquaint *a = arg;

    subjects_add(a->subjects, row);
}

int
acquaint_ahead(struct acquaint *a, struct store *s)
{
    return store_subjects_read(s, SUBJECTS_AHEAD, subject_take, a);
}

static void
subject_keep(struct job *j, const struct subject *found)
{
    j->subject_known = *found;
    j->known = &j->subject_known;
}

/* Whoever of the batch waited for this subject keeps it at once: the next one may push it out of
 * the cache again. */
static void
subject_learn(void *arg, const struct catalog_subject *row)
{
    struct acquaint *a = arg;
    struct slice study = {row->study, strlen(row->study)};
    struct slice code = {row->subject, strlen(row->subject)};

    subjects_add(a->subjects, row);
    const struct subject *found = subjects_find(a->subjects, study, code);
    for (size_t i = 0; i < a->batch->n; i++) {
        struct job *j = &a->batch->jobs[i];
        if (j->known == NULL && j->outcome == OUTCOME_NONE && j->submission.at != NULL &&
            slice_is(j->subject, row->subject) &&
            slice_is((struct slice){j->record.scope, j->record.scope_len}, row->study))
            subject_keep(j, found);
    }
}

int
acquaint_batch(struct acquaint *a, struct batch *b, struct store *s)
{
    a->batch = b;
    array_begin(&a->studies, OID_TEXT);
    array_begin(&a->codes, OID_TEXT);
    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        struct slice study = {j->record.scope, j->record.scope_len};
        j->known = NULL;
        /* No code is longer or has a zero byte; such a subject is unknown without asking. */
        if (j->outcome != OUTCOME_NONE || j->submission.at == NULL ||
            j->subject.len > CATALOG_CODE_MAX || memchr(j->subject.at, 0, j->subject.len) != NULL)
            continue;
        const struct subject *found = subjects_find(a->subjects, study, j->subject);
        if (found != NULL) {
            subject_keep(j, found);
            continue;
        }
        if ((array_add(&a->studies, study.at, study.len) |
             array_add(&a->codes, j->subject.at, j->subject.len)) != BUF_OK)
            return STORE_RETRY;
    }
    array_end(&a->studies);
    array_end(&a->codes);
    if (a->codes.n == 0)
        return STORE_OK;
    return store_subjects_find(s, &a->studies, &a->codes, subject_learn, a);
}
