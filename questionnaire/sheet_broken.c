/* What is broken, and where: JSON Pointers from the layout. In the short form a place's pointer
 * comes from linkIds and positions, in a resource from the steps that were walked. */
#include <stdio.h>
#include <string.h>

#include "questionnaire/sheet.h"

/* A pointer that grows; past its end it stays a shorter one, to the same neighbourhood. */
struct pointer {
    char *text;
    size_t len;
    bool cut;
};

static void
pointer_step(struct pointer *p, const char *step, size_t len)
{
    if (p->cut || p->len + 2 * len + 2 > SHEET_POINTER_SIZE) {
        p->cut = true;
        return;
    }
    p->text[p->len++] = '/';
    for (size_t i = 0; i < len; i++) {
        if (step[i] == '~' || step[i] == '/') {
            p->text[p->len++] = '~';
            p->text[p->len++] = step[i] == '~' ? '0' : '1';
        } else {
            p->text[p->len++] = step[i];
        }
    }
}

static void
pointer_number(struct pointer *p, uint32_t n)
{
    char text[12];

    pointer_step(p, text, (size_t)snprintf(text, sizeof(text), "%u", n));
}

static void
pointer_chain(struct pointer *p, const struct sheet *s, uint32_t step)
{
    if (step == SHEET_NONE)
        return;
    pointer_chain(p, s, s->steps[step].parent);
    if (s->steps[step].answer)
        pointer_step(p, "answer", 6);
    else
        pointer_step(p, "item", 4);
    pointer_number(p, s->steps[step].position);
}

static void pointer_answer(struct pointer *p, const struct sheet *s, uint32_t item, uint32_t place,
                           uint32_t answer);

static void
pointer_place(struct pointer *p, const struct sheet *s, uint32_t at)
{
    const struct place *place = &s->places[at];

    if (s->resource) {
        pointer_chain(p, s, place->step);
    } else if (place->scope == ITEM_NONE) {
        pointer_step(p, "answers", 7);
    } else if (place->answer != SHEET_NONE) {
        pointer_answer(p, s, place->scope, place->parent, place->answer);
        pointer_step(p, "items", 5);
    } else {
        const struct item *group = &s->q->items[place->scope];
        pointer_place(p, s, place->parent);
        pointer_step(p, group->link_id, group->link_id_len);
        pointer_number(p, place->position);
    }
}

static void
pointer_item(struct pointer *p, const struct sheet *s, uint32_t item, uint32_t place)
{
    bool own = s->q->items[item].scope == s->places[place].scope;

    if (s->resource && own && sheet_slot(s, item, place)->step != SHEET_NONE) {
        pointer_chain(p, s, sheet_slot(s, item, place)->step);
        return;
    }
    pointer_place(p, s, place);
    if (!s->resource)
        pointer_step(p, s->q->items[item].link_id, s->q->items[item].link_id_len);
}

/* Of the answer as a whole: without its "value". */
static void
pointer_answer(struct pointer *p, const struct sheet *s, uint32_t item, uint32_t place,
               uint32_t answer)
{
    if (s->resource) {
        pointer_chain(p, s, s->answers[answer].step);
        return;
    }
    pointer_item(p, s, item, place);
    if (sheet_slot(s, item, place)->array)
        pointer_number(p, s->answers[answer].position);
}

static void
pointer_value(struct pointer *p, const struct sheet *s, uint32_t item, uint32_t place,
              uint32_t answer)
{
    const struct answer *a = &s->answers[answer];

    pointer_answer(p, s, item, place, answer);
    if (s->resource && a->type != VALUE_SHORT)
        pointer_step(p, value_type_members[a->type], strlen(value_type_members[a->type]));
    else if (a->wrapped)
        pointer_step(p, "value", 5);
}

/* Adds one; true if it counts against the item. */
static bool
say(struct sheet *s, enum rule rule, const struct pointer *p, uint32_t item, bool warn,
    const char *parameter)
{
    const struct item *x = item == ITEM_NONE ? NULL : &s->q->items[item];
    bool only_warn = warn || (x != NULL && x->unverified);

    if (s->findings == NULL)
        return !only_warn;
    const struct finding_input in = {.rule = rule,
                                     .pointer = p->text,
                                     .pointer_len = p->len,
                                     .link_id = x != NULL ? x->link_id : NULL,
                                     .link_id_len = x != NULL ? x->link_id_len : 0,
                                     .parameter = parameter};
    if (only_warn)
        findings_warn(s->findings, &in);
    else
        findings_add_input(s->findings, &in);
    return !only_warn;
}

void
sheet_broken_place(struct sheet *s, enum rule rule, uint32_t place, const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_place(&p, s, place);
    say(s, rule, &p, s->places[place].scope, false, parameter);
}

void
sheet_broken_item(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                  const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_item(&p, s, item, place);
    bool counts = say(s, rule, &p, item, false, parameter);
    if (counts && s->q->items[item].scope == s->places[place].scope)
        sheet_slot(s, item, place)->failed = true;
}

void
sheet_broken_answer(struct sheet *s, enum rule rule, uint32_t item, uint32_t place, uint32_t answer,
                    const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_value(&p, s, item, place, answer);
    if (say(s, rule, &p, item, false, parameter))
        sheet_slot(s, item, place)->failed = true;
}

void
sheet_broken_step(struct sheet *s, enum rule rule, uint32_t step, const char *member, uint32_t item,
                  const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_chain(&p, s, step);
    if (*member != '\0')
        pointer_step(&p, member, strlen(member));
    say(s, rule, &p, item, false, parameter);
}

void
sheet_warn_item(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_item(&p, s, item, place);
    say(s, rule, &p, item, true, parameter);
}

void
sheet_warn_answer(struct sheet *s, enum rule rule, uint32_t item, uint32_t place, uint32_t answer,
                  const char *parameter)
{
    struct pointer p = {.text = s->pointer};

    pointer_value(&p, s, item, place, answer);
    say(s, rule, &p, item, true, parameter);
}

static void
pointer_absent(struct pointer *p, const struct sheet *s, uint32_t item, uint32_t group,
               uint32_t place)
{
    uint32_t scope = s->q->items[item].scope;

    if (item == group) {
        pointer_item(p, s, item, place);
        return;
    }
    pointer_absent(p, s, scope, group, place);
    if (s->resource)
        return;
    pointer_number(p, 0);
    pointer_step(p, s->q->items[item].link_id, s->q->items[item].link_id_len);
}

void
sheet_broken_absent(struct sheet *s, enum rule rule, uint32_t item, uint32_t group, uint32_t place,
                    bool warn)
{
    struct pointer p = {.text = s->pointer};

    pointer_absent(&p, s, item, group, place);
    say(s, rule, &p, item, warn, NULL);
}
