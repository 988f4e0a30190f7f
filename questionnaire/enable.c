/* enableWhen. Items are walked so that what one depends on was decided before, so nothing recurses.
 *
 * Which occurrence of the question a condition looks at: the nearest place above the item (its own
 * first) that contains the question. If the question stands in that place itself, that is the one,
 * answered or not. If it stands deeper, in repeating groups beside the item, the nearest one that
 * was shown counts: the last before the item where the definition has the group before it, else the
 * first after it. A question above the item is found on the way up: all answers of it count.
 *
 * Three values: where the question's own answer is broken at an earlier level, or can't be
 * compared, nobody knows whether the item is enabled, and it is not judged for that. */
#include "base/error.h"
#include "questionnaire/moment.h"
#include "questionnaire/reference.h"
#include "questionnaire/sheet.h"
#include "questionnaire/value.h"

#define MEMORY 64 /* what was found for the last conditions, by their place in the list */

enum truth { NO, YES, UNKNOWN };

/* What one condition of the item at hand found last: many occurrences ask the same question, and it
 * may have as many answers. */
struct memory {
    uint32_t nth;
    uint32_t place; /* below which slot was looked for */
    const struct slot *slot;
    const struct slot *asked;
    enum truth truth;
};

struct enable {
    struct sheet *s;
    struct memory memory[MEMORY];
};

/* Whether an item of this scope stands in a place of scope above, or below one. */
static bool
scope_within(const struct questionnaire *q, uint32_t scope, uint32_t above)
{
    while (scope != above && scope != ITEM_NONE)
        scope = q->items[scope].scope;
    return scope == above;
}

/* The last (or first) shown slot of question below place. */
static const struct slot *
slot_below(const struct sheet *s, uint32_t place, uint32_t question, bool last)
{
    const struct questionnaire *q = s->q;
    uint32_t scope = q->items[question].scope, at = scope;

    if (s->places[place].scope == scope) {
        const struct slot *slot = sheet_slot(s, question, place);
        return slot->shown ? slot : NULL;
    }
    while (q->items[at].scope != s->places[place].scope)
        at = q->items[at].scope;
    const struct slot *step = sheet_slot(s, at, place);
    for (uint32_t p = last ? step->last_place : step->first_place; p != SHEET_NONE;
         p = last ? s->places[p].previous : s->places[p].next) {
        const struct slot *found = slot_below(s, p, question, last);
        if (found != NULL)
            return found;
    }
    return NULL;
}

static struct memory *
memory_of(struct enable *e, uint32_t nth)
{
    struct memory *m = &e->memory[nth % MEMORY];

    if (m->nth != nth)
        *m = (struct memory){.nth = nth, .place = SHEET_NONE};
    return m;
}

static const struct slot *
slot_nearest(struct enable *e, uint32_t item, uint32_t place, uint32_t question, uint32_t nth)
{
    const struct sheet *s = e->s;
    uint32_t scope = s->q->items[question].scope;

    while (!scope_within(s->q, scope, s->places[place].scope))
        place = s->places[place].parent;
    if (s->places[place].scope == scope)
        return sheet_slot(s, question, place);
    struct memory *m = memory_of(e, nth);
    if (m->place != place) {
        m->place = place;
        m->slot = slot_below(s, place, question, question < item);
    }
    return m->slot;
}

static bool
text_equal(const struct mp_value *v, const char *text, size_t len)
{
    return v->type == MP_STR && v->len == len && memcmp(v->at, text, len) == 0;
}

static enum truth
order_holds(enum condition_op op, int order)
{
    switch (op) {
    case CONDITION_EQ:
    case CONDITION_NE: /* asked for equality; the caller turns it round */
        return order == 0 ? YES : NO;
    case CONDITION_GT:
        return order > 0 ? YES : NO;
    case CONDITION_LT:
        return order < 0 ? YES : NO;
    case CONDITION_GE:
        return order >= 0 ? YES : NO;
    case CONDITION_LE:
        return order <= 0 ? YES : NO;
    case CONDITION_EXISTS:
        break;
    }
    return UNKNOWN;
}

static bool
coding_equal(const struct sheet *s, const struct item *question, const struct answer *a,
             const struct condition *c)
{
    struct coding own = {0};

    if (a->option != OPTION_NONE) {
        const struct option *o = &question->options[a->option];
        if (o->code == NULL || c->code == NULL)
            return o->code == NULL && c->code == NULL && o->display != NULL && c->display != NULL &&
                   strcmp(o->display, c->display) == 0;
        bool system = o->system == NULL || c->system == NULL || strcmp(o->system, c->system) == 0;
        return system && strcmp(o->code, c->code) == 0;
    }
    if (a->v.type != MP_MAP) /* a code in the short form that is no option */
        return c->code != NULL && text_equal(&a->v, c->code, strlen(c->code)) &&
               a->type == VALUE_SHORT;
    coding_read(&a->v, (struct mp_cursor){a->inside, s->end}, a->type != VALUE_SHORT, &own);
    if (own.code.at == NULL || c->code == NULL)
        return own.code.at == NULL && c->code == NULL && span_is(own.display, c->display);
    bool system = own.system.at == NULL || c->system == NULL || span_is(own.system, c->system);
    return system && span_is(own.code, c->code);
}

static enum truth
quantity_holds(const struct sheet *s, const struct item *question, const struct answer *a,
               const struct condition *c)
{
    struct quantity x;
    struct decimal value;
    int order;

    if (!quantity_read(&a->v, (struct mp_cursor){a->inside, s->end}, &x) ||
        number_read(&x.number, &value) != NUMBER_OK)
        return UNKNOWN;
    if (!quantity_compare(&x, value, question->unit, c->number, &c->unit, &order))
        return NO; /* another kind of thing satisfies nothing */
    return order_holds(c->op, order);
}

static enum truth
text_holds(const struct sheet *s, const struct answer *a, const struct condition *c)
{
    struct coding coding;

    if (a->v.type == MP_MAP &&
        coding_read(&a->v, (struct mp_cursor){a->inside, s->end}, false, &coding))
        return span_is(coding.text, c->text) ? YES : NO;
    return text_equal(&a->v, c->text, c->text_len) ? YES : NO;
}

/* Whether one answer satisfies the condition (NE: equals its value). */
static enum truth
answer_holds(const struct sheet *s, const struct item *question, const struct answer *a,
             const struct condition *c)
{
    struct decimal value;
    struct reference r;

    switch (c->kind) {
    case CONDITION_BOOLEAN:
        return a->v.type == MP_BOOL && a->v.boolean == c->boolean ? YES : NO;
    case CONDITION_NUMBER:
        if (number_read(&a->v, &value) != NUMBER_OK)
            return UNKNOWN;
        return order_holds(c->op, decimal_compare(value, c->number));
    case CONDITION_DATE:
    case CONDITION_DATE_TIME:
    case CONDITION_TIME:
        if (a->v.type != MP_STR)
            return NO;
        return order_holds(c->op,
                           moment_compare((const char *)a->v.at, a->v.len, c->text, c->text_len));
    case CONDITION_TEXT:
        return text_holds(s, a, c);
    case CONDITION_CODING:
        return coding_equal(s, question, a, c) ? YES : NO;
    case CONDITION_QUANTITY:
        return quantity_holds(s, question, a, c);
    case CONDITION_REFERENCE:
        if (a->v.type == MP_STR)
            return text_equal(&a->v, c->text, c->text_len) ? YES : NO;
        return reference_read(&a->v, (struct mp_cursor){a->inside, s->end}, &r) &&
                       span_is(r.reference, c->text)
                   ? YES
                   : NO;
    }
    return UNKNOWN;
}

static enum truth
slot_holds(const struct sheet *s, const struct condition *c, const struct slot *slot)
{
    const struct item *question = &s->q->items[c->question];
    enum truth any = NO;
    uint32_t n = 0;

    if (s->misplaced[c->question] ||
        (slot != NULL && (slot->failed || slot->enabling == UNDECIDED)))
        return UNKNOWN;
    bool counts = slot != NULL && slot->enabling == ENABLED;
    for (uint32_t a = counts ? slot->first : SHEET_NONE; a != SHEET_NONE; a = s->answers[a].next) {
        if (s->answers[a].v.type == MP_NIL)
            continue;
        if (!s->answers[a].good)
            return UNKNOWN;
        n++;
        if (c->op == CONDITION_EXISTS || any == YES)
            continue;
        enum truth one = answer_holds(s, question, &s->answers[a], c);
        any = one != NO ? one : any;
    }
    if (c->op == CONDITION_EXISTS)
        return (n > 0) == c->boolean ? YES : NO;
    if (c->op == CONDITION_NE && any != UNKNOWN)
        return n > 0 && any == NO ? YES : NO;
    return any;
}

static enum truth
condition_holds(struct enable *e, uint32_t item, uint32_t place, uint32_t nth)
{
    const struct condition *c = &e->s->q->items[item].conditions[nth];
    const struct slot *slot = slot_nearest(e, item, place, c->question, nth);
    struct memory *m = memory_of(e, nth);

    if (slot == NULL)
        return slot_holds(e->s, c, NULL);
    if (m->asked != slot) {
        m->asked = slot;
        m->truth = slot_holds(e->s, c, slot);
    }
    return m->truth;
}

static enum enabling
conditions_decide(struct enable *e, uint32_t i, uint32_t place)
{
    const struct item *item = &e->s->q->items[i];
    bool unknown = false;

    for (uint32_t n = 0; n < item->n_conditions; n++) {
        enum truth t = condition_holds(e, i, place, n);
        if (t == UNKNOWN)
            unknown = true;
        else if ((t == YES) == item->any)
            return item->any ? ENABLED : DISABLED;
    }
    return unknown ? UNDECIDED : item->any && item->n_conditions > 0 ? DISABLED : ENABLED;
}

/* What the item above says: in the same place, or the one that the place stands under. */
static enum enabling
above(const struct sheet *s, uint32_t i, uint32_t place)
{
    uint32_t parent = s->q->items[i].parent;

    if (parent == ITEM_NONE)
        return ENABLED;
    bool outside = parent == s->places[place].scope;
    return (enum enabling)sheet_slot(s, parent, outside ? s->places[place].parent : place)
        ->enabling;
}

void
sheet_enable(struct sheet *s)
{
    const struct questionnaire *q = s->q;

    if (!q->conditional)
        return; /* ENABLED is what slots start with */
    struct enable e = {.s = s};
    for (uint32_t n = 0; n < q->n_items; n++) {
        uint32_t i = q->enable_order[n];
        const struct item *item = &q->items[i];
        if (!item->conditional)
            continue;
        for (uint32_t m = 0; m < MEMORY && m < item->n_conditions; m++)
            e.memory[m] = (struct memory){.nth = m, .place = SHEET_NONE};
        uint32_t scope = item->scope == ITEM_NONE ? q->n_items : item->scope;
        for (uint32_t p = s->first_of_scope[scope]; p != SHEET_NONE;
             p = s->places[p].next_of_scope) {
            enum enabling up = above(s, i, p);
            /* What an unverified item says of its enabling may not be all there is. */
            enum enabling own = item->unverified ? UNDECIDED : conditions_decide(&e, i, p);
            bool certain = up == DISABLED || own == DISABLED;
            sheet_slot(s, i, p)->enabling = certain                               ? DISABLED
                                            : up == UNDECIDED || own == UNDECIDED ? UNDECIDED
                                                                                  : ENABLED;
        }
    }
}
