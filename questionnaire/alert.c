/* A rule as it holds in the study, then the answers of its item one by one, or its score. */
#include "questionnaire/alert.h"

#include <string.h>

#include "questionnaire/item.h"
#include "questionnaire/readings_inner.h"
#include "questionnaire/study_rules_inner.h"

size_t
questionnaire_alerts(const struct questionnaire *q)
{
    return q->n_alerts;
}

const char *
questionnaire_alert_id(const struct questionnaire *q, size_t i)
{
    return q->alerts[i].id;
}

bool
questionnaire_has_comparative(const struct questionnaire *q)
{
    return q->comparative;
}

/* The rule with the study's changes. False: switched off. */
static bool
rule_in_study(const struct alert *a, const struct study_rule *r, struct alert *ret)
{
    *ret = *a;
    if (r == NULL)
        return true;
    if (r->has_severity)
        ret->severity = r->severity;
    /* A value of another kind was refused at load; should one stand there, the instrument's own
     * threshold is the safer one. */
    if (r->has_value && r->value_kind == a->value_kind) {
        ret->number = r->number;
        ret->boolean = r->boolean;
        if (a->value_kind == ALERT_VALUE_CODE) {
            ret->code = r->code;
            ret->system = NULL;
        }
    }
    return !r->off;
}

static bool
number_holds(const struct alert *a, struct decimal number, const struct decimal *previous)
{
    struct decimal limit;
    int order = decimal_compare(number, a->number);

    switch (a->op) {
    case ALERT_EQ:
        return order == 0;
    case ALERT_NE:
        return order != 0;
    case ALERT_GT:
        return order > 0;
    case ALERT_GE:
        return order >= 0;
    case ALERT_LT:
        return order < 0;
    case ALERT_LE:
        return order <= 0;
    case ALERT_RISE:
        return previous != NULL && decimal_add(*previous, a->number, &limit) &&
               decimal_compare(number, limit) >= 0;
    case ALERT_FALL:
        return previous != NULL && decimal_add(number, a->number, &limit) &&
               decimal_compare(*previous, limit) >= 0;
    case ALERT_OP_COUNT:
        break;
    }
    return false;
}

static bool
text_is(const char *text, size_t len, const char *other)
{
    return text != NULL && other != NULL && strlen(other) == len && memcmp(text, other, len) == 0;
}

/* EQ and NE are all that a code or a boolean can be asked. */
static bool
code_is(const struct alert *a, const struct reading *x)
{
    const struct option *o = x->option;

    if (o == NULL)
        return text_is(x->text, x->text_len, a->code);
    if (a->system != NULL && o->system != NULL && strcmp(a->system, o->system) != 0)
        return false;
    return a->code != NULL && o->code != NULL && strcmp(a->code, o->code) == 0;
}

static bool
reading_holds(const struct alert *a, const struct reading *x, const struct decimal *previous)
{
    switch (a->value_kind) {
    case ALERT_VALUE_NUMBER:
        return x->has_number && number_holds(a, x->number, previous);
    case ALERT_VALUE_CODE:
        return code_is(a, x) == (a->op == ALERT_EQ);
    case ALERT_VALUE_BOOLEAN:
        return x->is_boolean && ((x->number.coefficient != 0) == a->boolean) == (a->op == ALERT_EQ);
    }
    return false;
}

static bool
lower_is_worse(enum alert_op op)
{
    return op == ALERT_LT || op == ALERT_LE || op == ALERT_FALL;
}

static void
measure_take(struct alert_hit *hit, struct decimal number)
{
    int order = hit->has_measure ? decimal_compare(number, hit->measure) : 0;

    if (!hit->has_measure || (hit->lower_is_worse ? order < 0 : order > 0))
        hit->measure = number;
    hit->has_measure = true;
}

/* The latest earlier number of the item; of several in one form the last. */
static const struct decimal *
previous_number(const struct readings *previous, uint32_t item)
{
    const struct decimal *number = NULL;

    if (previous == NULL)
        return NULL;
    for (const struct reading *x = readings_of(previous, item); x != NULL;
         x = readings_next(previous, x)) {
        if (x->has_number)
            number = &x->number;
    }
    return number;
}

static bool
item_holds(const struct alert *a, const struct readings *now, const struct readings *previous,
           struct alert_hit *hit)
{
    const struct decimal *before = previous_number(previous, a->item);
    bool holds = false;

    for (const struct reading *x = readings_of(now, a->item); x != NULL;
         x = readings_next(now, x)) {
        if (!reading_holds(a, x, before))
            continue;
        holds = true;
        if (x->has_number)
            measure_take(hit, x->number);
    }
    return holds;
}

static bool
score_holds(const struct alert *a, const struct scores *scores, struct alert_hit *hit)
{
    const struct score_value *v = scores != NULL ? &scores->of[a->score] : NULL;

    /* Of a score only its number can be asked, and not against an earlier one. */
    if (v == NULL || v->kind != SCORE_NUMBER || a->value_kind != ALERT_VALUE_NUMBER ||
        !number_holds(a, v->number, NULL))
        return false;
    measure_take(hit, v->number);
    return true;
}

bool
alerts_want_older(const struct questionnaire *q, const struct readings *now,
                  const struct readings *previous)
{
    for (uint32_t i = 0; i < q->n_alerts; i++) {
        const struct alert *a = &q->alerts[i];
        if (alert_op_comparative[a->op] && readings_of(now, a->item) != NULL &&
            previous_number(previous, a->item) == NULL)
            return true;
    }
    return false;
}

size_t
alerts_evaluate(const struct questionnaire *q, const struct study_rules *study,
                const struct readings *now, const struct scores *scores,
                const struct readings *previous, struct alert_hit *out)
{
    struct alert rule;
    size_t n = 0;

    for (uint32_t i = 0; i < q->n_alerts; i++) {
        const struct alert *a = &q->alerts[i];
        const struct study_rule *changed = study_rules_find(study, a->id);
        if (!rule_in_study(a, changed, &rule))
            continue;
        bool of_score = rule.score != ITEM_NONE;
        uint32_t item = of_score ? q->scores[rule.score].item : rule.item;
        out[n] = (struct alert_hit){
            .rule_id = rule.id,
            .link_id = q->items[item].link_id,
            .of_score = of_score,
            .severity = rule.severity,
            .suppress_hours = rule.suppress_hours,
            .always = rule.always,
            .text = rule.text,
            .study = changed,
            .lower_is_worse = lower_is_worse(rule.op),
        };
        if (of_score ? score_holds(&rule, scores, &out[n])
                     : item_holds(&rule, now, previous, &out[n]))
            n++;
    }
    return n;
}
