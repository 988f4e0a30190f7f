/* Kind "questionnaire": "ref": str (url, url|version, name or id), "version"?: str,
 * "if_none_match"?: str. The definition as it was loaded, in the study's active version unless one
 * is named. Its ETag comes from the definition's hash, so it is the same from every worker. */
#include <stdio.h>
#include <string.h>

#include "workers/queries/kinds.h"

#define ETAG_SIZE 80

struct taking {
    struct queries *q;
    const struct question *x;
};

/* RFC 9110 13.1.2: a list of tags, compared weakly, or "*". */
static bool
etag_matches(struct slice list, const char *etag)
{
    return slice_is(list, "*") ||
           (list.at != NULL && memmem(list.at, list.len, etag, strlen(etag)) != NULL);
}

static void
definition_take(void *arg, struct slice definition, struct slice hash)
{
    struct taking *t = arg;
    struct slice known = {NULL, 0};
    char etag[ETAG_SIZE];

    snprintf(etag, sizeof(etag), "\"%.*s\"", (int)hash.len, (const char *)hash.at);
    if (question_text(t->x, "if_none_match", &known) && etag_matches(known, etag)) {
        reply_status(&t->q->reply, 304, etag);
        return;
    }
    reply_text(&t->q->reply, t->x,
               &(struct reply_text){.json = definition.at,
                                    .len = definition.len,
                                    .type = "application/fhir+json",
                                    .etag = etag});
}

int
query_questionnaire(struct queries *q, const struct question *x)
{
    struct taking t = {q, x};
    struct slice ref, version = {NULL, 0};
    const struct catalog_form *form;
    enum rule rule = RULE_COUNT;

    if (!question_text(x, "ref", &ref))
        return QUERY_NONSENSE;
    question_text(x, "version", &version);
    int n = queries_catalog(q, x->studies[0], ref, version, &form, &rule);
    if (n != STORE_OK)
        return n;
    if (rule == RULE_VERSION_REQUIRED)
        reply_refuse(&q->reply, 400, "", rule_code(rule), rule_text(rule));
    else
        reply_status(&q->reply, 404, NULL);
    if (rule != RULE_COUNT)
        return STORE_OK;
    return store_definition_read(q->store, form->url, form->version, definition_take, &t);
}
