/* The extension `alert` of the Questionnaire (schemas/fhir/). */
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/compile_rule.h"
#include "questionnaire/extension.h"

#define ID_MAX 64
#define SUPPRESS_HOURS_MAX (24 * 366)
#define ALERTS_MAX 200 /* those of one form fit into one report (workers/runtime/hands.h) */

#define TYPE(NAME) (1u << ITEM_##NAME)

static const struct {
    enum part_of of;
    const char *url;
} parts[] = {
#define EXTENSION_PART(OF, url, types, min, max, meaning) {PART_OF_##OF, url},
#include "questionnaire/kinds.def"
#undef EXTENSION_PART
};
static const char *const part_names[] = {
    [PART_OF_IDENTIFIER] = "identifier", [PART_OF_SCORE] = "score",
    [PART_OF_SCORE_ROW] = "score row",   [PART_OF_SCORE_BAND] = "score band",
    [PART_OF_ALERT] = "alert",
};

unsigned
code_find(const char *const *codes, unsigned first, unsigned n, const char *code)
{
    unsigned i = first;

    while (i < n && strcmp(codes[i], code) != 0)
        i++;
    return i;
}

bool
rule_parts_check(struct compiler *c, const struct item *item, const json_t *x, enum part_of of)
{
    const json_t *one;
    size_t i, j;

    json_array_foreach(json_object_get(x, "extension"), i, one)
    {
        const char *url = literal_text(json_object_get(one, "url"));
        for (j = 0; j < ARRAY_LEN(parts) && url != NULL; j++) {
            if (parts[j].of == of && strcmp(parts[j].url, url) == 0)
                break;
        }
        if (url == NULL || j == ARRAY_LEN(parts))
            return item_refuse(c, item, "%s: '%.40s' is no part of it", part_names[of],
                               url != NULL ? url : "");
    }
    return true;
}

static bool
id_is_good(const char *id)
{
    size_t len = strlen(id);

    return len > 0 && len <= ID_MAX &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static bool
subject_take(struct compiler *c, const json_t *x, struct alert *a)
{
    const json_t *of_item = extension_first(x, "item"), *of_score = extension_first(x, "score");
    const struct questionnaire *q = c->q;
    const char *link_id;

    a->item = a->score = ITEM_NONE;
    if ((of_item == NULL) == (of_score == NULL) ||
        !extension_text(of_item != NULL ? of_item : of_score, &link_id))
        return refuse(c, "alert '%s': needs the linkId of either an item or a score", a->id);
    uint32_t i = item_find(q, link_id, strlen(link_id));
    if (i == ITEM_NONE)
        return refuse(c, "alert '%s': '%.60s' is no item", a->id, link_id);
    const struct item *item = &q->items[i];
    if (of_score != NULL && item->score == ITEM_NONE)
        return refuse(c, "alert '%s': item '%s' has no score", a->id, link_id);
    if (of_item != NULL && (item->type == ITEM_GROUP || item->type == ITEM_DISPLAY))
        return refuse(c, "alert '%s': item '%s' is no question", a->id, link_id);
    if (of_item != NULL && item->identifier != IDENTIFIER_NONE)
        return refuse(c, "alert '%s': item '%s' is an identifier, which an alert would show", a->id,
                      link_id);
    a->item = of_item != NULL ? i : ITEM_NONE;
    a->score = of_score != NULL ? item->score : ITEM_NONE;
    return true;
}

/* A number, a code (text or Coding) or a boolean. */
static bool
value_read(const json_t *x, struct alert *a)
{
    const json_t *coding = json_object_get(x, "valueCoding");

    a->value_kind = ALERT_VALUE_NUMBER;
    if (extension_number(x, &a->number))
        return true;
    a->value_kind = ALERT_VALUE_BOOLEAN;
    if (extension_flag(x, &a->boolean))
        return true;
    a->value_kind = ALERT_VALUE_CODE;
    if (extension_text(x, &a->code))
        return true;
    a->system = literal_text(json_object_get(coding, "system"));
    a->code = literal_text(json_object_get(coding, "code"));
    return a->code != NULL;
}

/* Whether what the alert looks at can be compared with its value. */
static bool
value_fits(const struct questionnaire *q, const struct alert *a)
{
    const unsigned codes = TYPE(CHOICE) | TYPE(OPEN_CHOICE) | TYPE(STRING);
    const struct item *item = a->item != ITEM_NONE ? &q->items[a->item] : NULL;

    switch (a->value_kind) {
    case ALERT_VALUE_NUMBER:
        return item != NULL ? item_is_numeric(item) : q->scores[a->score].method != SCORE_PROFILE;
    case ALERT_VALUE_CODE:
        return item != NULL && (codes & (1u << item->type)) != 0;
    case ALERT_VALUE_BOOLEAN:
        break;
    }
    return item != NULL && item->type == ITEM_BOOLEAN;
}

static bool
comparison_take(struct compiler *c, const json_t *x, struct alert *a)
{
    const char *op = "", *severity = "";

    extension_text(extension_first(x, "op"), &op);
    extension_text(extension_first(x, "severity"), &severity);
    unsigned i = code_find(alert_op_codes, 0, ALERT_OP_COUNT, op);
    if (i == ALERT_OP_COUNT)
        return refuse(c, "alert '%s': op '%.20s' is none we know", a->id, op);
    a->op = (enum alert_op)i;
    i = code_find(alert_severity_codes, 0, ALERT_SEVERITY_COUNT, severity);
    if (i == ALERT_SEVERITY_COUNT)
        return refuse(c, "alert '%s': severity '%.20s' is none we know", a->id, severity);
    a->severity = (enum alert_severity)i;
    if (!value_read(extension_first(x, "value"), a))
        return refuse(c, "alert '%s': needs a value: a number, a code or a boolean", a->id);
    if (!value_fits(c->q, a))
        return refuse(c, "alert '%s': the value does not fit what it looks at", a->id);
    if (a->value_kind != ALERT_VALUE_NUMBER && a->op != ALERT_EQ && a->op != ALERT_NE)
        return refuse(c, "alert '%s': op '%s' needs a number", a->id, op);
    if (alert_op_comparative[a->op] && a->score != ITEM_NONE)
        return refuse(c, "alert '%s': op '%s' compares answers, not scores", a->id, op);
    if (alert_op_comparative[a->op] && a->number.coefficient <= 0)
        return refuse(c, "alert '%s': op '%s' needs a number above 0", a->id, op);
    return true;
}

static bool
rest_take(struct compiler *c, const json_t *x, struct alert *a)
{
    const json_t *text = extension_first(x, "text"), *hours = extension_first(x, "suppressHours");
    const json_t *always = extension_first(x, "always");
    int64_t n = 0;

    if (text != NULL && !extension_text(text, &a->text))
        return refuse(c, "alert '%s': text must be a text", a->id);
    if (hours != NULL && (!extension_integer(hours, &n) || n < 0 || n > SUPPRESS_HOURS_MAX))
        return refuse(c, "alert '%s': suppressHours must be 0 to %d", a->id, SUPPRESS_HOURS_MAX);
    a->suppress_hours = (uint32_t)n;
    if (always != NULL && !extension_flag(always, &a->always))
        return refuse(c, "alert '%s': always must be true or false", a->id);
    return !a->always || n == 0 ||
           refuse(c, "alert '%s': one that comes always is not suppressed", a->id);
}

static bool
alert_take(struct compiler *c, const json_t *x, struct alert *a)
{
    a->id = "";
    extension_text(extension_first(x, "id"), &a->id);
    if (!id_is_good(a->id))
        return refuse(c, "alert '%.70s': needs an id of 1 to %d letters, digits, '.', '_', '-'",
                      a->id, ID_MAX);
    for (uint32_t i = 0; i < c->q->n_alerts; i++) {
        if (strcmp(c->q->alerts[i].id, a->id) == 0)
            return refuse(c, "alert '%s' stands twice", a->id);
    }
    return rule_parts_check(c, NULL, x, PART_OF_ALERT) && subject_take(c, x, a) &&
           comparison_take(c, x, a) && rest_take(c, x, a);
}

bool
alerts_take(struct compiler *c)
{
    const char *url = support_rows[HAS_ALERT].key;
    struct questionnaire *q = c->q;
    size_t n = extension_count(c->root, url), at = 0;
    const json_t *x;
    bool good = true;

    if (n > ALERTS_MAX)
        return refuse(c, "more than %d alerts", ALERTS_MAX);
    q->alerts = definition_memory_take(q->memory, n, sizeof(*q->alerts));
    while ((x = extension_next(c->root, url, &at)) != NULL) {
        struct alert a = {0};
        if (!alert_take(c, x, &a)) {
            good = false;
            continue;
        }
        q->comparative = q->comparative || alert_op_comparative[a.op];
        q->alerts[q->n_alerts++] = a;
    }
    return good;
}
