/* Jobs stand sorted by subject, form and time, so a job's predecessors in the batch stand before
 * it; stored ones come newest first from one statement, and both are merged. Nearly always the form
 * before tells all that is asked; who asks for an item that was answered long ago gets a second,
 * longer look. */
#include "workers/submissions/previous.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/answers_json.h"
#include "store/previous.h"

#define LOOK_FORMS 4
#define LOOK_FAR_FORMS 256
#define ANSWERS_MAX ((size_t)64 << 20)
#define ANSWERS_KEPT ((size_t)1 << 20)

struct previous {
    struct job **jobs; /* sorted */
    struct previous_form *forms;
    size_t *hungry; /* indices into jobs: those that need another look */
    size_t n, n_hungry, room;
    struct previous_form *asked; /* forms of one statement */
    size_t *places;              /* their indices into jobs */
    size_t n_asked;
    uint64_t locked; /* the connection that has the locks; 0: none has */
    struct readings *now, *before;
    struct buf answers;
};

/* One look: the job that rows are being merged for. */
struct looking {
    struct previous *p;
    struct batch *b;
    const struct catalog *catalog;
    struct medicine *medicine;
    int64_t limit;
    size_t at;      /* of asked */
    int64_t n_rows; /* that it got */
    size_t older;   /* jobs below this index may be its predecessors in the batch */
};

struct previous *
previous_new(void)
{
    struct previous *p = mem_new(1, sizeof(*p));

    p->now = readings_new();
    p->before = readings_new();
    buf_init(&p->answers, ANSWERS_MAX);
    return p;
}

void
previous_free(struct previous *p)
{
    if (p == NULL)
        return;
    readings_free(p->now);
    readings_free(p->before);
    buf_deinit(&p->answers);
    free(p->jobs);
    free(p->forms);
    free(p->hungry);
    free(p->asked);
    free(p->places);
    free(p);
}

static int
slice_compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.at, b.at, n) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
subject_form_compare(const struct job *a, const struct job *b)
{
    int order = slice_compare(a->row.study, b->row.study);

    if (order == 0)
        order = slice_compare(a->subject, b->subject);
    return order != 0 ? order : strcmp(a->form->name, b->form->name);
}

static int
time_compare(int64_t a_us, const struct uuid *a, int64_t b_us, const struct uuid *b)
{
    if (a_us != b_us)
        return a_us < b_us ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static int
job_compare(const void *pa, const void *pb)
{
    const struct job *a = *(struct job *const *)pa, *b = *(struct job *const *)pb;
    int order = subject_form_compare(a, b);

    if (order == 0)
        order = time_compare(a->row.authored_us, &a->record.id, b->row.authored_us, &b->record.id);
    return order != 0 ? order : (a->record.seq > b->record.seq) - (a->record.seq < b->record.seq);
}

/* Of a subject that is not there nothing is stored. */
static bool
job_compares(struct previous *p, const struct job *j)
{
    if (j->outcome != OUTCOME_NONE || j->submission.at == NULL || j->form == NULL ||
        !j->form->comparative || j->answers.at == NULL || j->known == NULL || j->known->erased ||
        (!j->valid && j->rejected_as == OUTCOME_NONE))
        return false;
    readings_take(p->now, j->form->compiled, j->answers.at, j->answers.len);
    readings_clear(p->before, j->form->compiled);
    return alerts_want_older(j->form->compiled, p->now, p->before);
}

static void
jobs_gather(struct previous *p, struct batch *b)
{
    p->n = p->n_hungry = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (!job_compares(p, j))
            continue;
        if (p->n == p->room) {
            p->room = p->room > 0 ? 2 * p->room : 64;
            p->jobs = mem_grow(p->jobs, p->room, sizeof(struct job *));
            p->forms = mem_grow(p->forms, p->room, sizeof(*p->forms));
            p->asked = mem_grow(p->asked, p->room, sizeof(*p->asked));
            p->hungry = mem_grow(p->hungry, p->room, sizeof(*p->hungry));
            p->places = mem_grow(p->places, p->room, sizeof(*p->places));
        }
        p->jobs[p->n++] = j;
    }
    if (p->n > 1)
        qsort(p->jobs, p->n, sizeof(struct job *), job_compare);
    for (size_t i = 0; i < p->n; i++) {
        const struct job *j = p->jobs[i];
        p->forms[i] = (struct previous_form){
            .study = j->row.study,
            .subject = j->subject,
            .questionnaire = {j->form->name, strlen(j->form->name)},
            .id = j->record.id,
            .authored_us = j->row.authored_zone[0] != '\0' ? j->row.authored_us : TIME_NONE,
            .received_us = j->received_us,
        };
        p->hungry[p->n_hungry++] = i;
    }
}

static struct job *
job_now(const struct looking *l)
{
    return l->p->jobs[l->p->places[l->at]];
}

static bool
wants_older(const struct looking *l)
{
    return alerts_want_older(job_now(l)->form->compiled, l->p->now, l->p->before);
}

static void
job_begin(struct looking *l)
{
    const struct job *j = job_now(l);

    readings_take(l->p->now, j->form->compiled, j->answers.at, j->answers.len);
    readings_clear(l->p->before, j->form->compiled);
    l->n_rows = 0;
    l->older = l->p->places[l->at];
}

/* What will stand there as a form of its own: a correction only changes what is stored. */
static bool
is_predecessor(const struct job *j, const struct uuid *id)
{
    static const char unfinished[] = "in-progress";
    struct slice status = j->extra.status;

    return j->valid && j->correction.revision == 0 && !uuid_equal(&j->record.id, id) &&
           (status.at == NULL || status.len != sizeof(unfinished) - 1 ||
            memcmp(status.at, unfinished, status.len) != 0);
}

/* Predecessors in the batch, newest first; of a stored one only those after it. */
static void
batch_merge(struct looking *l, const struct previous_found *found)
{
    const struct job *now = job_now(l);

    while (l->older > 0 && wants_older(l)) {
        const struct job *j = l->p->jobs[l->older - 1];
        if (subject_form_compare(j, now) != 0 ||
            (found != NULL &&
             time_compare(j->row.authored_us, &j->record.id, found->authored_us, &found->id) < 0))
            return;
        l->older--;
        if (is_predecessor(j, &now->record.id) &&
            (found == NULL || !uuid_equal(&j->record.id, &found->id)))
            readings_add_older(l->p->before, j->answers.at, j->answers.len);
    }
}

static void
job_judge(struct looking *l)
{
    struct job *j = job_now(l);
    struct flags known = {0}; /* as they were found before */

    medicine_judge(l->medicine, l->b, j, catalog_study(l->catalog, j->row.study), j->row.site,
                   (int32_t)j->correction.revision + 1, l->p->before, &known);
    for (struct raised *x = j->alerts; x != NULL; x = x->next)
        x->row.provisional = !j->valid;
}

static void
job_end(struct looking *l)
{
    if (l->n_rows == l->limit && l->limit < LOOK_FAR_FORMS && wants_older(l)) {
        l->p->hungry[l->p->n_hungry++] = l->p->places[l->at];
        return;
    }
    batch_merge(l, NULL);
    job_judge(l);
}

static void
found_take(void *arg, const struct previous_found *found)
{
    struct looking *l = arg;
    struct buf *answers = &l->p->answers;

    for (; l->at < found->form; l->at++, job_begin(l))
        job_end(l);
    l->n_rows++;
    batch_merge(l, found);
    if (!wants_older(l))
        return;
    buf_trim(answers, ANSWERS_KEPT);
    if (answers_from_json(found->answers.at, found->answers.len, answers) == ANSWERS_JSON_OK)
        readings_add_older(l->p->before, answers->data, answers->size);
}

/* Judges the hungry ones; those that remain hungry are listed anew. */
static int
look(struct looking *l, struct store *s)
{
    struct previous *p = l->p;

    p->n_asked = p->n_hungry;
    p->n_hungry = 0;
    if (p->n_asked == 0)
        return STORE_OK;
    for (size_t i = 0; i < p->n_asked; i++) {
        p->places[i] = p->hungry[i];
        p->asked[i] = p->forms[p->hungry[i]];
    }
    l->at = 0;
    job_begin(l);
    int n = previous_read(s, p->asked, p->n_asked, l->limit, found_take, l);
    if (n != STORE_OK)
        return n;
    for (; l->at + 1 < p->n_asked; l->at++, job_begin(l))
        job_end(l);
    job_end(l);
    return STORE_OK;
}

int
previous_judge(struct previous *p, struct batch *b, struct store *s, const struct catalog *c,
               struct medicine *m)
{
    struct looking l = {.p = p, .b = b, .catalog = c, .medicine = m, .limit = LOOK_FORMS};

    jobs_gather(p, b);
    if (p->n == 0)
        return STORE_OK;
    int n = previous_lock(s, p->forms, p->n);
    if (n != STORE_OK)
        return n;
    p->locked = store_generation(s);
    n = look(&l, s);
    l.limit = LOOK_FAR_FORMS;
    return n == STORE_OK ? look(&l, s) : n;
}

void
previous_release(struct previous *p, struct store *s)
{
    if (p->locked != 0 && store_is_open(s) && p->locked == store_generation(s))
        previous_unlock(s, p->forms, p->n);
    p->locked = 0;
}
