/* Arrays that grow up to their bounds. */
#include "questionnaire/sheet.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

const char *const value_type_members[] = {
    [VALUE_SHORT] = "",
#define VALUE_TYPE(NAME, member) [VALUE_##NAME] = member,
#include "questionnaire/value_types.def"
#undef VALUE_TYPE
};

enum value_type
value_type_find(const struct mp_value *key)
{
    if (key->type != MP_STR || key->len < 8 || memcmp(key->at, "value", 5) != 0)
        return VALUE_SHORT;
    for (enum value_type t = VALUE_SHORT + 1; t < VALUE_TYPE_COUNT; t++) {
        if (mp_is_str(key, value_type_members[t]))
            return t;
    }
    return VALUE_SHORT;
}

/* Room for n more elements of an array. */
#define ROOM(s, array, cap, used, n, max)                                                          \
    ((n) <= (max) - (used) &&                                                                      \
     ((used) + (n) <= (s)->cap ||                                                                  \
      room_grow((s), (void **)&(s)->array, &(s)->cap, (used) + (n), sizeof(*(s)->array))))

/* True. */
static bool __attribute__((cold))
room_grow(struct sheet *s, void **array, uint32_t *cap, uint32_t needed, size_t size)
{
    uint32_t wanted = *cap > 0 ? *cap : 64;
    while (wanted < needed)
        wanted *= 2;
    *array = mem_grow(*array, wanted, size);
    s->bytes += (wanted - *cap) * size;
    *cap = wanted;
    return true;
}

static void
scope_number(struct sheet *s, uint32_t first, uint32_t *ret_n)
{
    uint32_t n = 0;

    for (uint32_t i = first; i != ITEM_NONE; i = s->q->items[i].next_in_scope)
        s->ordinal_in_scope[i] = n++;
    *ret_n = n;
}

struct sheet *
sheet_new(const struct questionnaire *q)
{
    struct sheet *s = mem_new(1, sizeof(*s));
    uint32_t n = q->n_items;

    s->q = q;
    s->ordinal_in_scope = mem_new(n + 1, sizeof(uint32_t));
    s->n_in_scope = mem_new(n + 1, sizeof(uint32_t));
    s->first_of_scope = mem_new(n + 1, sizeof(uint32_t));
    s->last_of_scope = mem_new(n + 1, sizeof(uint32_t));
    s->misplaced = mem_new(n + 1, 1);
    buf_init(&s->orphans, SHEET_ORPHANS_MAX);
    scope_number(s, q->first, &s->n_in_scope[n]);
    for (uint32_t i = 0; i < n; i++)
        scope_number(s, q->items[i].first_inside, &s->n_in_scope[i]);
    return s;
}

static void
arrays_free(struct sheet *s)
{
    free(s->places);
    free(s->slots);
    free(s->answers);
    free(s->steps);
    s->places = NULL;
    s->slots = NULL;
    s->answers = NULL;
    s->steps = NULL;
    s->cap_places = s->cap_slots = s->cap_answers = s->cap_steps = 0;
    s->bytes = 0;
}

void
sheet_end(struct sheet *s)
{
    if (s->bytes > SHEET_KEEP_BYTES)
        arrays_free(s);
    buf_trim(&s->orphans, SHEET_KEEP_BYTES);
}

void
sheet_free(struct sheet *s)
{
    if (s == NULL)
        return;
    arrays_free(s);
    free(s->ordinal_in_scope);
    free(s->n_in_scope);
    free(s->first_of_scope);
    free(s->last_of_scope);
    free(s->misplaced);
    buf_deinit(&s->orphans);
    free(s);
}

struct sheet *
sheet_of(struct questionnaire *q)
{
    if (q->sheet == NULL)
        q->sheet = sheet_new(q);
    return q->sheet;
}

void
sheet_begin(struct sheet *s, const uint8_t *end, bool resource, struct findings *findings)
{
    uint32_t n = s->q->n_items;

    s->end = end;
    s->resource = resource;
    s->findings = findings;
    s->full = false;
    s->undecided = s->n_orphans = 0;
    buf_clear(&s->orphans);
    s->n_places = s->n_slots = s->n_answers = s->n_steps = 0;
    memset(s->first_of_scope, 0xff, (n + 1) * sizeof(uint32_t));
    memset(s->last_of_scope, 0xff, (n + 1) * sizeof(uint32_t));
    memset(s->misplaced, 0, n + 1);
    uint32_t form = sheet_place_add(s, ITEM_NONE, SHEET_NONE, SHEET_NONE);
    sluice_assert(form == 0);
}

static uint32_t
full(struct sheet *s, uint32_t max)
{
    char most[16];

    if (!s->full && s->findings != NULL) {
        snprintf(most, sizeof(most), "%u", max);
        findings_add(s->findings, RULE_TOO_LARGE, s->resource ? "" : "/answers",
                     s->resource ? 0 : 8, most);
    }
    s->full = true;
    return SHEET_NONE;
}

static void
place_link(struct sheet *s, uint32_t item, uint32_t at)
{
    struct place *p = &s->places[at];
    struct slot *slot = sheet_slot(s, item, p->parent);

    p->previous = slot->last_place;
    if (slot->last_place == SHEET_NONE)
        slot->first_place = at;
    else
        s->places[slot->last_place].next = at;
    slot->last_place = at;
    if (p->answer != SHEET_NONE)
        s->answers[p->answer].place = at;
}

uint32_t
sheet_place_add(struct sheet *s, uint32_t item, uint32_t parent, uint32_t answer)
{
    uint32_t scope = item == ITEM_NONE ? s->q->n_items : item;
    uint32_t n = s->n_in_scope[scope], at = s->n_places;

    if (!ROOM(s, places, cap_places, s->n_places, 1, SHEET_SLOTS_MAX) ||
        !ROOM(s, slots, cap_slots, s->n_slots, n, SHEET_SLOTS_MAX))
        return full(s, SHEET_SLOTS_MAX);
    s->places[at] = (struct place){.scope = item,
                                   .parent = parent,
                                   .answer = answer,
                                   .slots = s->n_slots,
                                   .next = SHEET_NONE,
                                   .previous = SHEET_NONE,
                                   .next_of_scope = SHEET_NONE,
                                   .step = SHEET_NONE};
    for (uint32_t i = 0; i < n; i++)
        s->slots[s->n_slots + i] = (struct slot){.first = SHEET_NONE,
                                                 .last = SHEET_NONE,
                                                 .first_place = SHEET_NONE,
                                                 .last_place = SHEET_NONE,
                                                 .step = SHEET_NONE};
    s->n_slots += n;
    s->n_places++;
    if (s->first_of_scope[scope] == SHEET_NONE)
        s->first_of_scope[scope] = at;
    else
        s->places[s->last_of_scope[scope]].next_of_scope = at;
    s->last_of_scope[scope] = at;
    if (item != ITEM_NONE)
        place_link(s, item, at);
    return at;
}

uint32_t
sheet_answer_add(struct sheet *s, uint32_t item, uint32_t place)
{
    uint32_t at = s->n_answers;

    if (!ROOM(s, answers, cap_answers, s->n_answers, 1, SHEET_ANSWERS_MAX))
        return full(s, SHEET_ANSWERS_MAX);
    struct slot *slot = sheet_slot(s, item, place);
    s->answers[at] = (struct answer){.next = SHEET_NONE,
                                     .place = SHEET_NONE,
                                     .option = OPTION_NONE,
                                     .step = SHEET_NONE,
                                     .pending = RULE_COUNT};
    if (slot->last == SHEET_NONE)
        slot->first = at;
    else
        s->answers[slot->last].next = at;
    slot->last = at;
    s->n_answers++;
    return at;
}

uint32_t
sheet_step_add(struct sheet *s, uint32_t parent, bool answer, uint32_t position)
{
    if (!ROOM(s, steps, cap_steps, s->n_steps, 1, SHEET_STEPS_MAX))
        return full(s, SHEET_STEPS_MAX);
    s->steps[s->n_steps] = (struct step){parent, position, answer};
    return s->n_steps++;
}

uint32_t
sheet_first_item(const struct sheet *s, uint32_t place)
{
    uint32_t scope = s->places[place].scope;

    return scope == ITEM_NONE ? s->q->first : s->q->items[scope].first_inside;
}
