/* Kind "validate": "body": {"questionnaire"?, "version"?, "status"?, "answers": {…}}, or a FHIR
 * QuestionnaireResponse. Judges the answers as a submission would be, against the same compiled
 * definition; stores nothing.
 *
 * Answer: {"valid", "questionnaire"?, "version"?, "errors": [finding …], "warnings": [finding …]},
 * a finding {"pointer", "rule", "detail", "linkId"?, and its parameter by name}. */
#include <string.h>

#include "base/error.h"
#include "store/json_text.h"
#include "workers/queries/kinds.h"

/* What is asked. */
struct trial {
    struct slice questionnaire, version, status;
    const uint8_t *answers; /* or the resource */
    size_t answers_bytes;
    bool fhir;
};

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"questionnaire", offsetof(struct trial, questionnaire)},
    {"version", offsetof(struct trial, version)},
    {"status", offsetof(struct trial, status)},
};

/* False, and the reply says what is wrong with the body. */
static bool
trial_member(struct queries *q, const struct mp_value *key, struct mp_cursor *at,
             struct trial *trial)
{
    struct mp_cursor value = *at;
    struct mp_value v;

    mp_next(&value, &v);
    const uint8_t *start = at->at;
    mp_skip(at);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (!mp_is_str(key, texts[i].name))
            continue;
        if (v.type != MP_STR) {
            reply_refuse(&q->reply, 400, "", "type", "questionnaire, version, status are strings");
            return false;
        }
        *(struct slice *)(void *)((char *)trial + texts[i].at) = (struct slice){v.at, v.len};
        return true;
    }
    if (!mp_is_str(key, "answers")) {
        reply_refuse(&q->reply, 400, "", "unknown-member", "has a member that is not known");
        return false;
    }
    if (v.type != MP_MAP) {
        reply_refuse(&q->reply, 400, "/answers", "answers-not-object", "must be an object");
        return false;
    }
    trial->answers = start;
    trial->answers_bytes = (size_t)(at->at - start);
    return true;
}

static struct slice
resource_text(const struct trial *trial, const char *name)
{
    const char *s;
    size_t len;

    if (!mp_find_str(trial->answers, trial->answers_bytes, name, &s, &len))
        return (struct slice){NULL, 0};
    return (struct slice){s, len};
}

/* False: that is no resource, and the reply is untouched. */
static bool
resource_read(struct mp_cursor at, struct trial *trial)
{
    struct mp_cursor end = at;

    mp_skip(&end);
    *trial = (struct trial){.answers = at.at, .answers_bytes = (size_t)(end.at - at.at)};
    trial->fhir = slice_is(resource_text(trial, "resourceType"), "QuestionnaireResponse");
    if (trial->fhir) {
        trial->questionnaire = resource_text(trial, "questionnaire");
        trial->status = resource_text(trial, "status");
    } else {
        *trial = (struct trial){.fhir = false};
    }
    return trial->fhir;
}

static bool
trial_read(struct queries *q, struct mp_cursor at, struct trial *trial)
{
    struct mp_value map, key;

    if (resource_read(at, trial))
        return true;
    if (mp_next(&at, &map) != MP_OK || map.type != MP_MAP) {
        reply_refuse(&q->reply, 400, "", "type", "must be an object");
        return false;
    }
    for (uint32_t i = 0; i < map.len; i++)
        if (mp_next(&at, &key) != MP_OK || !trial_member(q, &key, &at, trial))
            return false;
    if (trial->answers == NULL) {
        reply_refuse(&q->reply, 400, "/answers", "missing-member", "is required");
        return false;
    }
    return true;
}

static int
text_put(struct buf *b, const char *before, const char *text)
{
    return buf_append_str(b, before) | json_text_string(b, text, strlen(text));
}

static int
finding_put(struct buf *b, const struct findings *f, const struct finding *x)
{
    const char *link_id = finding_link_id(f, x), *parameter = finding_parameter(f, x);
    const char *name = rule_parameter(x->rule);
    int full = text_put(b, "{\"pointer\":", finding_pointer(f, x)) |
               text_put(b, ",\"rule\":", rule_code(x->rule)) |
               text_put(b, ",\"detail\":", finding_detail(f, x));

    if (link_id != NULL)
        full |= text_put(b, ",\"linkId\":", link_id);
    if (parameter != NULL && *name != '\0')
        full |= text_put(b, ",", name) | text_put(b, ":", parameter);
    return full | buf_append_str(b, "}");
}

static int
findings_put(struct buf *b, const struct findings *f, const struct finding *list, size_t n)
{
    int full = 0;

    for (size_t i = 0; i < n; i++)
        full |= buf_append_str(b, i > 0 ? "," : "") | finding_put(b, f, &list[i]);
    return full;
}

static void
verdict_reply(struct queries *q, const struct question *x, const struct catalog_form *form)
{
    const struct findings *f = &q->findings;
    struct buf *b = &q->text;
    int full = 0;

    buf_clear(b);
    full |= buf_append_str(b, f->n == 0 ? "{\"valid\":true" : "{\"valid\":false");
    if (form != NULL)
        full |= text_put(b, ",\"questionnaire\":", form->name) |
                text_put(b, ",\"version\":", form->version);
    full |= buf_append_str(b, ",\"errors\":[") | findings_put(b, f, f->items, f->n);
    full |= buf_append_str(b, "],\"warnings\":[") | findings_put(b, f, f->warnings, f->n_warnings) |
            buf_append_str(b, "]}");
    sluice_assert(full == BUF_OK);
    reply_text(&q->reply, x, &(struct reply_text){.json = (const char *)b->data, .len = b->size});
}

static void
trial_judge(struct queries *q, const struct trial *trial, const struct catalog_form *form,
            enum rule rule)
{
    bool of_version = rule == RULE_UNKNOWN_VERSION || rule == RULE_VERSION_REQUIRED;
    const char *pointer = of_version && !trial->fhir ? "/version" : "/questionnaire";
    bool complete = trial->status.at == NULL || slice_is(trial->status, "completed");

    if (rule != RULE_COUNT) {
        findings_add(&q->findings, rule, pointer, strlen(pointer), NULL);
    } else if (!complete && !slice_is(trial->status, "in-progress") &&
               !slice_is(trial->status, "stopped")) {
        findings_add(&q->findings, RULE_STATUS, "/status", sizeof("/status") - 1, NULL);
    } else if (trial->fhir) {
        buf_clear(&q->text); /* the short form, which nobody wants here */
        questionnaire_check_resource(form->compiled, trial->answers, trial->answers_bytes, complete,
                                     &q->text, &q->findings);
    } else {
        questionnaire_check(form->compiled, trial->answers, trial->answers_bytes, complete,
                            &q->findings);
    }
}

int
query_validate(struct queries *q, const struct question *x)
{
    const struct catalog_form *form = NULL;
    struct trial trial = {0};
    struct mp_value body;
    struct mp_cursor at;
    enum rule rule = RULE_COUNT;

    if (!question_value(x, "body", &body, &at))
        return QUERY_NONSENSE;
    if (!trial_read(q, at, &trial))
        return STORE_OK;
    int n = queries_catalog(q, x->studies[0], trial.questionnaire, trial.version, &form, &rule);
    if (n != STORE_OK)
        return n;
    findings_clear(&q->findings);
    trial_judge(q, &trial, form, rule);
    verdict_reply(q, x, form);
    return STORE_OK;
}
