/* Finding items and options in the flat form, and what the outside may see of them. */
#include "questionnaire/item.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/memory.h"
#include "questionnaire/questionnaire.h"

#define SET_WALK_MAX 8 /* up to here a walk is faster than a table */

_Static_assert(QUESTIONNAIRE_WEIGHT_SIZE >= DECIMAL_TEXT_SIZE, "a weight fits");

const char *const item_type_values[] = {
#define ITEM_TYPE(NAME, code, value, question) [ITEM_##NAME] = value,
#include "questionnaire/types.def"
#undef ITEM_TYPE
};
const char *const item_type_codes[] = {
#define ITEM_TYPE(NAME, code, value, question) [ITEM_##NAME] = code,
#include "questionnaire/types.def"
#undef ITEM_TYPE
};
const char *const identifier_kind_codes[] = {
#define IDENTIFIER_KIND(NAME, code, element) [IDENTIFIER_##NAME] = code,
#include "questionnaire/kinds.def"
#undef IDENTIFIER_KIND
};
const char *const identifier_action_codes[] = {
#define IDENTIFIER_ACTION(NAME, code) [IDENTIFIER_ACTION_##NAME] = code,
#include "questionnaire/kinds.def"
#undef IDENTIFIER_ACTION
};
const char *const score_method_codes[] = {
#define SCORE_METHOD(NAME, code, meaning) [SCORE_##NAME] = code,
#include "questionnaire/kinds.def"
#undef SCORE_METHOD
};
const char *const score_table_codes[] = {
#define SCORE_TABLE(NAME, code, items, meaning) [SCORE_TABLE_##NAME] = code,
#include "questionnaire/kinds.def"
#undef SCORE_TABLE
};
const uint32_t score_table_items[] = {
#define SCORE_TABLE(NAME, code, items, meaning) [SCORE_TABLE_##NAME] = items,
#include "questionnaire/kinds.def"
#undef SCORE_TABLE
};
const char *const alert_op_codes[] = {
#define ALERT_OP(NAME, code, comparative, meaning) [ALERT_##NAME] = code,
#include "questionnaire/kinds.def"
#undef ALERT_OP
};
const bool alert_op_comparative[] = {
#define ALERT_OP(NAME, code, comparative, meaning) [ALERT_##NAME] = comparative,
#include "questionnaire/kinds.def"
#undef ALERT_OP
};
const char *const alert_severity_codes[] = {
#define ALERT_SEVERITY(NAME, code) [ALERT_SEVERITY_##NAME] = code,
#include "questionnaire/kinds.def"
#undef ALERT_SEVERITY
};

/* Eight bytes at a time, the last ones with some that were taken before: keys are short, and chosen
 * by the definition, not by a sender. FNV-1a took five times the instructions. */
static uint64_t
hash_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

static uint32_t
text_hash(const char *text, size_t len)
{
    uint64_t h = len, word = 0;
    uint32_t half;

    if (len >= sizeof(word)) {
        for (size_t i = 0; i + sizeof(word) < len; i += sizeof(word)) {
            memcpy(&word, text + i, sizeof(word));
            h = hash_mix(h, word);
        }
        memcpy(&word, text + len - sizeof(word), sizeof(word));
    } else if (len >= sizeof(half)) {
        memcpy(&half, text, sizeof(half));
        word = (uint64_t)half << 32;
        memcpy(&half, text + len - sizeof(half), sizeof(half));
        word |= half;
    } else {
        for (size_t i = 0; i < len; i++)
            word = word << 8 | (uint8_t)text[i];
    }
    return (uint32_t)hash_mix(h, word);
}

static uint32_t *
table_new(struct definition_memory *memory, uint32_t n, uint32_t *ret_mask)
{
    uint32_t slots = 16;

    while (slots < n * 2)
        slots *= 2;
    uint32_t *table = definition_memory_take(memory, slots, sizeof(*table));
    memset(table, 0xff, slots * sizeof(*table));
    *ret_mask = slots - 1;
    return table;
}

void
item_table_make(struct questionnaire *q, uint32_t n_items, struct definition_memory *memory)
{
    q->table = table_new(memory, n_items, &q->table_mask);
}

/* Slot of this linkId, or the empty one where it would stand. */
static uint32_t
item_slot(const struct questionnaire *q, const char *link_id, size_t len)
{
    uint32_t at = text_hash(link_id, len) & q->table_mask;

    while (q->table[at] != ITEM_NONE) {
        const struct item *item = &q->items[q->table[at]];
        if (item->link_id_len == len && memcmp(item->link_id, link_id, len) == 0)
            break;
        at = (at + 1) & q->table_mask;
    }
    return at;
}

uint32_t
item_find(const struct questionnaire *q, const char *link_id, size_t len)
{
    return q->table[item_slot(q, link_id, len)];
}

bool
item_table_add(struct questionnaire *q, uint32_t i)
{
    uint32_t at = item_slot(q, q->items[i].link_id, q->items[i].link_id_len);

    if (q->table[at] != ITEM_NONE)
        return false;
    q->table[at] = i;
    return true;
}

static const char *
option_key(const struct option *o)
{
    return o->code != NULL ? o->code : o->display;
}

static uint32_t
option_slot(const struct option_set *set, const char *text, size_t len)
{
    uint32_t at = text_hash(text, len) & set->table_mask;

    while (set->table[at] != OPTION_NONE) {
        const char *key = option_key(&set->options[set->table[at]]);
        if (strncmp(key, text, len) == 0 && key[len] == '\0')
            break;
        at = (at + 1) & set->table_mask;
    }
    return at;
}

uint32_t
option_find(const struct option_set *set, const char *text, size_t len)
{
    if (text == NULL) /* a coding without code and display */
        return OPTION_NONE;
    if (set->table != NULL)
        return set->table[option_slot(set, text, len)];
    for (uint32_t i = 0; i < set->n; i++) {
        const char *key = option_key(&set->options[i]);
        if (strncmp(key, text, len) == 0 && key[len] == '\0')
            return i;
    }
    return OPTION_NONE;
}

void
option_set_index(struct option_set *set, struct definition_memory *memory)
{
    bool walk = set->n <= SET_WALK_MAX;

    if (!walk)
        set->table = table_new(memory, set->n, &set->table_mask);
    /* From the back, so that each chain runs forwards. */
    for (uint32_t i = set->n; i-- > 0;) {
        struct option *o = &set->options[i];
        const char *key = option_key(o);
        o->next_alike = OPTION_NONE;
        set->kinds |= 1u << o->kind;
        if (walk) {
            for (uint32_t j = i + 1; j < set->n && o->next_alike == OPTION_NONE; j++) {
                if (strcmp(option_key(&set->options[j]), key) == 0)
                    o->next_alike = j;
            }
        } else {
            uint32_t at = option_slot(set, key, strlen(key));
            o->next_alike = set->table[at];
            set->table[at] = i;
        }
    }
}

size_t
questionnaire_items(const struct questionnaire *q)
{
    return q->n_items;
}

size_t
questionnaire_warnings(const struct questionnaire *q)
{
    return q->n_warnings;
}

const char *
questionnaire_warning(const struct questionnaire *q, size_t i)
{
    sluice_assert(i < q->n_warnings);
    return q->warnings[i];
}

void
questionnaire_item(const struct questionnaire *q, size_t i, struct questionnaire_item *ret)
{
    sluice_assert(i < q->n_items);
    const struct item *item = &q->items[i];
    bool identifies = item->identifier != IDENTIFIER_NONE;

    *ret = (struct questionnaire_item){
        .link_id = item->link_id,
        .type = item_type_codes[item->type],
        .text = item->text,
        .code_system = item->code_system,
        .code = item->code,
        .identifier = identifier_kind_codes[item->identifier],
        .identifier_does = identifies ? identifier_action_codes[item->identifier_action] : NULL,
        .parent = item->parent == ITEM_NONE ? SIZE_MAX : item->parent,
        .options = item->n_options,
        .repeats = item->repeats,
        .required = item->required,
        .unverified = item->unverified,
    };
    if (item->unit != NULL)
        ret->unit = item->unit->code != NULL ? item->unit->code : item->unit->text;
}

void
questionnaire_option(const struct questionnaire *q, size_t item, size_t i,
                     struct questionnaire_option *ret)
{
    sluice_assert(item < q->n_items && i < q->items[item].n_options);
    const struct option *o = &q->items[item].options[i];

    *ret = (struct questionnaire_option){
        .system = o->system, .code = o->code, .display = o->display, .exclusive = o->exclusive};
    if (o->has_weight)
        decimal_format(o->weight, ret->weight);
}
