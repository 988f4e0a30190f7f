/* The levels one after the other: structure and types while the answers are laid out, then
 * enablement, cardinality, limits. An item that fails a level is not judged at later ones. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/item.h"
#include "questionnaire/limit.h"
#include "questionnaire/moment.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/sheet.h"

struct check {
    struct sheet *s;
    bool complete; /* else what is missing only warns */
};

static void
cardinality_broken(struct check *c, enum rule rule, uint32_t i, uint32_t place, uint32_t limit)
{
    char number[12], *text = limit > 0 ? number : NULL;

    snprintf(number, sizeof(number), "%u", limit);
    if (c->complete)
        sheet_broken_item(c->s, rule, i, place, text);
    else
        sheet_warn_item(c->s, rule, i, place, text);
}

/* Whether some question below a group (in the definition) was answered, in this place or in the
 * occurrences inside it. */
static bool
group_answered(const struct sheet *s, uint32_t group, uint32_t place)
{
    const struct questionnaire *q = s->q;
    uint32_t end = q->items[group].end;

    /* Items of other scopes below the group are reached through their occurrences. */
    for (uint32_t i = group + 1; i < end;) {
        const struct item *item = &q->items[i];
        if (item->scope != s->places[place].scope) {
            i++;
            continue;
        }
        const struct slot *slot = sheet_slot(s, i, place);
        if (item->type != ITEM_GROUP && slot->n > 0 && slot->enabling != DISABLED)
            return true;
        if (item->type == ITEM_GROUP && item->repeats) {
            for (uint32_t p = slot->first_place; p != SHEET_NONE; p = s->places[p].next) {
                if (group_answered(s, i, p))
                    return true;
            }
        }
        i = item->type == ITEM_GROUP && !item->repeats ? i + 1 : item->end;
    }
    return false;
}

static bool
repeating_group_answered(const struct sheet *s, uint32_t group, const struct slot *slot)
{
    for (uint32_t p = slot->first_place; p != SHEET_NONE; p = s->places[p].next) {
        if (group_answered(s, group, p))
            return true;
    }
    return false;
}

/* What an absent repeating group that is due should have held: its required items, as if it stood
 * there once. Items with conditions are not due: nobody knows what they would say. */
static void
absent_check(struct check *c, uint32_t group, uint32_t place)
{
    const struct questionnaire *q = c->s->q;

    for (uint32_t i = group + 1; i < q->items[group].end;) {
        const struct item *item = &q->items[i];
        bool repeating_group = item->type == ITEM_GROUP && item->repeats;
        bool value = item->type != ITEM_DISPLAY && item->type != ITEM_GROUP;
        bool due = item->required || item->min_occurs > 0;
        bool own = item->n_conditions > 0;
        if (due && !own && (value || repeating_group))
            sheet_broken_absent(c->s, item->required ? RULE_REQUIRED : RULE_MIN_OCCURS, i, group,
                                place, !c->complete);
        bool into = item->type == ITEM_GROUP && !own && (!item->repeats || due);
        i = into ? i + 1 : item->end;
    }
}

static void
cardinality_check(struct check *c, uint32_t i, uint32_t place, const struct slot *slot)
{
    const struct sheet *s = c->s;
    const struct item *item = &s->q->items[i];
    uint32_t n = slot->n;

    if (item->type == ITEM_DISPLAY)
        return;
    if (item->type == ITEM_GROUP && !item->repeats) {
        if (item->required && slot->enabling == ENABLED && !group_answered(s, i, place))
            cardinality_broken(c, RULE_REQUIRED, i, place, 0);
        return;
    }
    bool group = item->type == ITEM_GROUP;
    bool missing = item->required && (group ? !repeating_group_answered(s, i, slot) : n == 0);
    if (slot->enabling == ENABLED) {
        if (missing)
            cardinality_broken(c, RULE_REQUIRED, i, place, 0);
        if (n < item->min_occurs && !(missing && n == 0))
            cardinality_broken(c, RULE_MIN_OCCURS, i, place, item->min_occurs);
        if (group && n == 0 && (item->required || item->min_occurs > 0))
            absent_check(c, i, place);
    }
    if (!item->repeats && (s->resource ? slot->first != slot->last : slot->array))
        cardinality_broken(c, RULE_REPEATS, i, place, 0);
    else if (item->max_occurs > 0 && n > item->max_occurs)
        cardinality_broken(c, RULE_MAX_OCCURS, i, place, item->max_occurs);
}

static void
slot_check(struct check *c, uint32_t i, uint32_t place)
{
    struct sheet *s = c->s;
    const struct item *item = &s->q->items[i];
    struct slot *slot = sheet_slot(s, i, place);
    bool answered = item->type != ITEM_GROUP && slot->n > 0;

    if (item->unverified && answered)
        sheet_warn_item(s, RULE_UNVERIFIED, i, place, NULL);
    if (slot->failed || s->misplaced[i])
        return;
    if (slot->enabling == DISABLED) {
        if (answered)
            sheet_broken_item(s, RULE_DISABLED, i, place, NULL);
        return;
    }
    cardinality_check(c, i, place, slot);
    if (answered && item->limited && !slot->failed)
        limits_check(s, i, place);
}

static void
levels_check(struct questionnaire *q, bool complete, struct findings *findings, size_t from)
{
    struct check c = {.s = q->sheet, .complete = complete};

    if (c.s->full)
        return; /* what was not laid out would seem to be missing */
    sheet_enable(c.s);
    for (uint32_t p = 0; p < c.s->n_places && !findings_full(findings); p++) {
        if (c.s->places[p].failed)
            continue;
        for (uint32_t i = sheet_first_item(c.s, p); i != ITEM_NONE; i = q->items[i].next_in_scope)
            slot_check(&c, i, p);
    }
    findings_sort(findings, from);
}

void
questionnaire_check(struct questionnaire *q, const uint8_t *answers, size_t size, bool complete,
                    struct findings *findings)
{
    size_t from = findings->n;

    sheet_read(sheet_of(q), answers, size, findings);
    levels_check(q, complete, findings, from);
    sheet_end(q->sheet);
}

int
questionnaire_check_resource(struct questionnaire *q, const uint8_t *resource, size_t size,
                             bool complete, struct buf *ret_answers, struct findings *findings)
{
    size_t from = findings->n;

    sheet_read_resource(sheet_of(q), resource, size, findings);
    levels_check(q, complete, findings, from);
    int full = sheet_write(q->sheet, ret_answers);
    sheet_end(q->sheet);
    return full;
}

void
questionnaire_check_authored(const struct questionnaire *q, const char *authored, size_t len,
                             struct findings *findings)
{
    const char *start = q->effective_start, *end = q->effective_end;
    bool before = start != NULL && moment_compare(authored, len, start, strlen(start)) < 0;
    bool after = end != NULL && moment_compare(authored, len, end, strlen(end)) > 0;
    char period[80];

    if (before || after) {
        snprintf(period, sizeof(period), "%.32s/%.32s", start != NULL ? start : "",
                 end != NULL ? end : "");
        const char *pointer = q->sheet != NULL && q->sheet->resource ? "/authored" : "/submitAt";
        findings_add(findings, RULE_OUTSIDE_PERIOD, pointer, strlen(pointer), period);
    }
    if (q->status != NULL && (strcmp(q->status, "draft") == 0 || strcmp(q->status, "retired") == 0))
        findings_add(findings, RULE_DEFINITION_NOT_ACTIVE, "/questionnaire", 14, q->status);
}
