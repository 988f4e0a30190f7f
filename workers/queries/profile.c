/* Kind "profile": "subject": str. {"subjectId", "name", "phone" (both masked), "trialCode"}. */
#include <jansson.h>

#include "base/error.h"
#include "workers/queries/kinds.h"
#include "workers/queries/person.h"

static void
found_take(void *arg, const struct subject_found *f)
{
    json_t **json = arg;

    *json = json_pack("{s:s%, s:n, s:n, s:n}", "subjectId", f->subject.at, f->subject.len, "name",
                      "phone", "trialCode");
    sluice_assert(*json != NULL);
    if (f->trial_code.at != NULL)
        json_object_set_new(*json, "trialCode", json_stringn(f->trial_code.at, f->trial_code.len));
}

int
query_profile(struct queries *q, const struct question *x)
{
    struct slice subject;
    json_t *json = NULL;
    bool shown = true;

    if (!question_text(x, "subject", &subject))
        return QUERY_NONSENSE;
    reply_status(&q->reply, 404, NULL);
    int n = store_subject_read(q->store, x->studies[0], subject, found_take, &json);
    if (n == STORE_OK && json != NULL)
        n = person_add(q, x->studies[0], subject, PERSON_NAME | PERSON_PHONE, json, &shown);
    if (!shown)
        reply_status(&q->reply, 503, NULL);
    if (n == STORE_OK && shown && json != NULL)
        person_reply(q, x, json);
    json_decref(json);
    return n;
}
