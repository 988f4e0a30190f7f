/* Kind "subject": "subject": str, "counts"?: "true". {"subjectId", "name" (masked), "age",
 * "status"}; with counts also {"submissions", "lastSubmission"}, from Redis if it can say, else
 * counted. */
#include <jansson.h>

#include "base/error.h"
#include "workers/queries/kinds.h"
#include "workers/queries/person.h"

struct taking {
    struct queries *q;
    const struct question *x;
    struct slice study;
    json_t *json; /* NULL: there is no such subject */
};

static void
found_take(void *arg, const struct subject_found *f)
{
    struct taking *t = arg;

    t->json = json_pack("{s:s%, s:n, s:n, s:s%}", "subjectId", f->subject.at, f->subject.len,
                        "name", "age", "status", f->status.at, f->status.len);
    sluice_assert(t->json != NULL);
}

static void
counts_take(void *arg, struct slice json)
{
    struct taking *t = arg;
    json_t *counts = json_loadb(json.at, json.len, 0, NULL);

    json_object_update_new(t->json, counts);
}

static int
counts_add(struct taking *t, struct slice subject)
{
    struct buf *text = &t->q->text;

    if (!counts_find(t->q->counts, t->study, subject, text))
        return store_subject_counts(t->q->store, t->study, subject, counts_take, t);
    counts_take(t, (struct slice){text->data, text->size});
    return STORE_OK;
}

int
query_subject(struct queries *q, const struct question *x)
{
    struct taking t = {.q = q, .x = x, .study = x->studies[0]};
    struct slice subject, counts = {NULL, 0};
    bool shown = true;

    if (!question_text(x, "subject", &subject))
        return QUERY_NONSENSE;
    question_text(x, "counts", &counts);
    reply_status(&q->reply, 404, NULL);
    int n = store_subject_read(q->store, t.study, subject, found_take, &t);
    if (n == STORE_OK && t.json != NULL)
        n = person_add(q, t.study, subject, PERSON_NAME | PERSON_AGE, t.json, &shown);
    if (!shown)
        reply_status(&q->reply, 503, NULL);
    if (n == STORE_OK && shown && t.json != NULL && slice_is(counts, "true"))
        n = counts_add(&t, subject);
    if (n == STORE_OK && shown && t.json != NULL)
        person_reply(q, x, t.json);
    json_decref(t.json);
    return n;
}
