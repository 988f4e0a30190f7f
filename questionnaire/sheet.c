/* Arrays that grow up to their bounds, and the pointers of findings. */
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
    room_make((s), (void **)&(s)->array, &(s)->cap, (used), (n), (max), sizeof(*(s)->array))

static bool
room_make(struct sheet *s, void **array, uint32_t *cap, uint32_t used, uint32_t n, uint32_t max,
          size_t size)
{
    if (n > max - used)
        return false;
    if (used + n <= *cap)
        return true;
    uint32_t wanted = *cap > 0 ? *cap : 64;
    while (wanted < used + n)
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

struct slot *
sheet_slot(const struct sheet *s, uint32_t item, uint32_t place)
{
    return &s->slots[s->places[place].slots + s->ordinal_in_scope[item]];
}

uint32_t
sheet_first_item(const struct sheet *s, uint32_t place)
{
    uint32_t scope = s->places[place].scope;

    return scope == ITEM_NONE ? s->q->first : s->q->items[scope].first_inside;
}

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
