/* Answers written as a QuestionnaireResponse: the other way round of sheet_resource.c. Items stand
 * in the definition's order; a non-repeating group stands there if something in it was shown. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/sheet.h"
#include "questionnaire/ucum.h"
#include "questionnaire/value.h"

static void items_write(const struct sheet *s, uint32_t parent, uint32_t place, struct buf *out);

static void
span_write(struct buf *out, const char *name, struct span s)
{
    if (s.at == NULL)
        return;
    mp_put_cstr(out, name);
    mp_put_str(out, s.at, s.len);
}

static void
text_write(struct buf *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    mp_put_cstr(out, name);
    mp_put_cstr(out, text);
}

static void
raw_write(const struct sheet *s, const uint8_t *raw, struct buf *out)
{
    struct mp_cursor at = {raw, s->end};
    int bad = mp_skip(&at);

    sluice_assert(bad == MP_OK);
    buf_append(out, raw, (size_t)(at.at - raw));
}

/* An option with its kind's value[x]; a scalar's value is the answer's own. */
static void
option_write(const struct sheet *s, const struct answer *a, const struct option *o, struct buf *out)
{
    static const enum value_type types[] = {
        [OPTION_CODING] = VALUE_CODING,   [OPTION_STRING] = VALUE_STRING,
        [OPTION_DATE] = VALUE_DATE,       [OPTION_TIME] = VALUE_TIME,
        [OPTION_INTEGER] = VALUE_INTEGER, [OPTION_REFERENCE] = VALUE_REFERENCE,
    };

    mp_put_cstr(out, value_type_members[types[o->kind]]);
    if (o->kind == OPTION_CODING) {
        mp_put_map(out, (o->system != NULL) + (o->code != NULL) + (o->display != NULL));
        text_write(out, "system", o->system);
        text_write(out, "code", o->code);
        text_write(out, "display", o->display);
    } else if (o->kind == OPTION_REFERENCE) {
        mp_put_map(out, 1);
        text_write(out, "reference", o->code);
    } else {
        raw_write(s, a->raw, out);
    }
}

/* A value that is kept elsewhere: an identifier, a file. */
static void
absent_write(struct buf *out)
{
    mp_put_cstr(out, "extension");
    mp_put_array(out, 1);
    mp_put_map(out, 2);
    text_write(out, "url", "http://hl7.org/fhir/StructureDefinition/data-absent-reason");
    text_write(out, "valueCode", "masked");
}

/* A choice that names no option: free text, or a coding where nothing binds. */
static void
loose_write(const struct sheet *s, const struct answer *a, struct buf *out)
{
    struct coding c = {0};

    if (a->v.type == MP_MAP)
        coding_read(&a->v, (struct mp_cursor){a->inside, s->end}, false, &c);
    if (c.text.at != NULL) {
        span_write(out, "valueString", c.text);
    } else if (a->v.type == MP_MAP) {
        mp_put_cstr(out, "valueCoding");
        mp_put_map(out, (c.system.at != NULL) + (c.code.at != NULL) + (c.display.at != NULL));
        span_write(out, "system", c.system);
        span_write(out, "code", c.code);
        span_write(out, "display", c.display);
    } else {
        mp_put_cstr(out, a->v.type == MP_STR ? "valueString" : "valueInteger");
        raw_write(s, a->raw, out);
    }
}

static struct span
span_from(const char *text)
{
    return (struct span){text, text != NULL ? strlen(text) : 0};
}

static void
quantity_write(const struct sheet *s, const struct item *item, const struct answer *a,
               struct buf *out)
{
    struct mp_cursor inside = {a->inside, s->end};
    const uint8_t *number = a->raw;
    struct mp_value key;
    struct quantity x;

    quantity_read(&a->v, inside, &x);
    for (uint32_t i = 0; a->v.type == MP_MAP && i < a->v.len; i++) {
        mp_next(&inside, &key);
        number = mp_is_str(&key, "value") ? inside.at : number;
        mp_skip(&inside);
    }
    bool nameless = x.code.at == NULL && x.unit.at == NULL;
    if (nameless && item->unit != NULL) {
        x.code = span_from(item->unit->code);
        x.unit = span_from(item->unit->text);
        x.system = span_from(item->unit->system);
    }
    /* FHIR wants a system beside a code. */
    if (x.code.at != NULL && x.system.at == NULL)
        x.system = span_from(UCUM_SYSTEM);
    mp_put_cstr(out, "valueQuantity");
    mp_put_map(out, 1 + (x.unit.at != NULL) + (x.system.at != NULL) + (x.code.at != NULL));
    mp_put_cstr(out, "value");
    raw_write(s, number, out);
    span_write(out, "unit", x.unit);
    span_write(out, "system", x.system);
    span_write(out, "code", x.code);
}

static void
value_write(const struct sheet *s, const struct item *item, const struct answer *a, struct buf *out)
{
    static const enum value_type types[ITEM_TYPE_COUNT] = {
        [ITEM_BOOLEAN] = VALUE_BOOLEAN,
        [ITEM_DECIMAL] = VALUE_DECIMAL,
        [ITEM_INTEGER] = VALUE_INTEGER,
        [ITEM_DATE] = VALUE_DATE,
        [ITEM_DATE_TIME] = VALUE_DATE_TIME,
        [ITEM_TIME] = VALUE_TIME,
        [ITEM_STRING] = VALUE_STRING,
        [ITEM_TEXT] = VALUE_STRING,
        [ITEM_URL] = VALUE_URI,
        [ITEM_ATTACHMENT] = VALUE_ATTACHMENT,
        [ITEM_REFERENCE] = VALUE_REFERENCE,
    };

    if (!a->good) {
        absent_write(out);
    } else if (item->type == ITEM_QUANTITY) {
        quantity_write(s, item, a, out);
    } else if (item->type != ITEM_CHOICE && item->type != ITEM_OPEN_CHOICE) {
        mp_put_cstr(out, value_type_members[types[item->type]]);
        raw_write(s, a->raw, out);
    } else if (a->option != OPTION_NONE) {
        option_write(s, a, &item->options[a->option], out);
    } else {
        loose_write(s, a, out);
    }
}

/* Whether an item stands in the response. */
static bool
is_present(const struct sheet *s, uint32_t i, uint32_t place)
{
    const struct item *item = &s->q->items[i];
    const struct slot *slot = sheet_slot(s, i, place);

    if (item->type == ITEM_DISPLAY)
        return false;
    if (item->type != ITEM_GROUP)
        return slot->shown;
    if (item->repeats)
        return slot->first_place != SHEET_NONE;
    for (uint32_t k = i + 1; k < item->end; k = s->q->items[k].end) {
        if (is_present(s, k, place))
            return true;
    }
    return false;
}

/* The first item directly below parent, and where those below it end. */
static uint32_t
first_below(const struct questionnaire *q, uint32_t parent, uint32_t *ret_end)
{
    *ret_end = parent == ITEM_NONE ? q->n_items : q->items[parent].end;
    return parent == ITEM_NONE ? 0 : parent + 1;
}

/* How many items stand directly below parent. */
static uint32_t
items_count(const struct sheet *s, uint32_t parent, uint32_t place)
{
    uint32_t end, n = 0;

    for (uint32_t i = first_below(s->q, parent, &end); i < end; i = s->q->items[i].end) {
        const struct item *item = &s->q->items[i];
        bool many = item->type == ITEM_GROUP && item->repeats;
        n += many ? sheet_slot(s, i, place)->n : is_present(s, i, place);
    }
    return n;
}

static void
answers_write(const struct sheet *s, uint32_t i, const struct slot *slot, struct buf *out)
{
    const struct item *item = &s->q->items[i];
    uint32_t n = 0;

    for (uint32_t a = slot->first; a != SHEET_NONE; a = s->answers[a].next)
        n++;
    mp_put_cstr(out, "answer");
    mp_put_array(out, n);
    for (uint32_t a = slot->first; a != SHEET_NONE; a = s->answers[a].next) {
        const struct answer *answer = &s->answers[a];
        bool value = answer->v.type != MP_NIL;
        bool items = answer->place != SHEET_NONE && items_count(s, i, answer->place) > 0;
        mp_put_map(out, (uint32_t)value + items);
        if (value)
            value_write(s, item, answer, out);
        if (items) {
            mp_put_cstr(out, "item");
            items_write(s, i, answer->place, out);
        }
    }
}

/* One item: inside is where what stands below a group is. */
static void
item_write(const struct sheet *s, uint32_t i, uint32_t place, uint32_t inside, struct buf *out)
{
    const struct item *item = &s->q->items[i];
    const struct slot *slot = sheet_slot(s, i, place);
    bool group = item->type == ITEM_GROUP;
    bool more = group ? items_count(s, i, inside) > 0 : slot->first != SHEET_NONE;

    mp_put_map(out, 1 + (uint32_t)more);
    mp_put_cstr(out, "linkId");
    mp_put_str(out, item->link_id, item->link_id_len);
    if (!more)
        return;
    if (!group) {
        answers_write(s, i, slot, out);
        return;
    }
    mp_put_cstr(out, "item");
    items_write(s, i, inside, out);
}

static void
items_write(const struct sheet *s, uint32_t parent, uint32_t place, struct buf *out)
{
    uint32_t end;

    mp_put_array(out, items_count(s, parent, place));
    for (uint32_t i = first_below(s->q, parent, &end); i < end; i = s->q->items[i].end) {
        const struct item *item = &s->q->items[i];
        if (item->type == ITEM_GROUP && item->repeats) {
            for (uint32_t p = sheet_slot(s, i, place)->first_place; p != SHEET_NONE;
                 p = s->places[p].next)
                item_write(s, i, place, p, out);
        } else if (is_present(s, i, place)) {
            item_write(s, i, place, place, out);
        }
    }
}

int
questionnaire_to_resource(struct questionnaire *q, const uint8_t *answers, size_t size,
                          const struct response_head *head, struct buf *ret_resource)
{
    struct sheet *s = sheet_of(q);
    size_t before = ret_resource->size;

    sheet_read(s, answers, size, NULL);
    bool items = items_count(s, ITEM_NONE, 0) > 0;
    mp_put_map(ret_resource, 1 + (head->questionnaire != NULL) + (head->status != NULL) +
                                 (head->authored != NULL) + (head->identifier != NULL) +
                                 (uint32_t)items);
    text_write(ret_resource, "resourceType", "QuestionnaireResponse");
    if (head->identifier != NULL) {
        mp_put_cstr(ret_resource, "identifier");
        mp_put_map(ret_resource, 1);
        text_write(ret_resource, "value", head->identifier);
    }
    text_write(ret_resource, "questionnaire", head->questionnaire);
    text_write(ret_resource, "status", head->status);
    text_write(ret_resource, "authored", head->authored);
    if (items) {
        mp_put_cstr(ret_resource, "item");
        items_write(s, ITEM_NONE, 0, ret_resource);
    }
    sheet_end(s);
    /* A write that did not fit left nodes out. */
    if (mp_check(ret_resource->data + before, ret_resource->size - before, SIZE_MAX) == MP_OK)
        return BUF_OK;
    ret_resource->size = before;
    return BUF_FULL;
}
