/* The flat form that a definition is compiled to. Inner header of questionnaire/; outside, the door
 * is questionnaire.h.
 *
 * Invariants: items stand in the definition's order, parents before what they contain; every index
 * is below n_items or ITEM_NONE; texts end with NUL and belong to q->definition (or to a value set
 * that q keeps). All that can be refused was refused at load: what stands here is consistent. */
#ifndef SLUICE_QUESTIONNAIRE_ITEM_H
#define SLUICE_QUESTIONNAIRE_ITEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/decimal.h"
#include "questionnaire/rule.h"

#define ITEM_NONE UINT32_MAX   /* as a scope: the whole form */
#define OPTION_NONE UINT32_MAX /* no option */

enum item_type {
#define ITEM_TYPE(NAME, code, value, question) ITEM_##NAME,
#include "questionnaire/types.def"
#undef ITEM_TYPE
    ITEM_TYPE_COUNT
};
extern const char *const item_type_values[]; /* what a value must be, for people */
extern const char *const item_type_codes[];  /* FHIR's code */

/* The FHIR type of an answerOption's value[x]. */
enum option_kind {
    OPTION_CODING,
    OPTION_STRING,
    OPTION_DATE,
    OPTION_TIME,
    OPTION_INTEGER,
    OPTION_REFERENCE,
};

struct option {
    enum option_kind kind;
    /* CODING: each may be NULL, code or display is there. Else code is the value as text (of
     * INTEGER: its digits; of REFERENCE: its reference), display may be NULL. */
    const char *system, *code, *display;
    int64_t integer; /* INTEGER only */
    struct decimal weight;
    bool has_weight;
    bool exclusive;      /* optionExclusive */
    uint32_t next_alike; /* next option of the set with the same key (code, else display) */
};

/* Options of one item, or of a value set that several items share. Never changed after load. */
struct option_set {
    struct option *options;
    uint32_t n;
    uint32_t kinds;  /* bit 1 << kind for each kind that it has */
    uint32_t *table; /* open addressing by key, or NULL where n is small */
    uint32_t table_mask;
};

/* First option whose code is text (where it has no code: whose display is), or OPTION_NONE; further
 * ones by next_alike, in the definition's order. Constant time on average. text NULL: none. */
uint32_t option_find(const struct option_set *set, const char *text, size_t len);

/* A unit of a quantity, e.g. UCUM mm[Hg]. */
struct unit {
    const char *system, *code, *text; /* each may be NULL; code or text is there */
};

enum condition_op {
    CONDITION_EXISTS,
    CONDITION_EQ,
    CONDITION_NE,
    CONDITION_GT,
    CONDITION_LT,
    CONDITION_GE,
    CONDITION_LE,
};
/* The type of answer[x]. */
enum condition_kind {
    CONDITION_BOOLEAN,
    CONDITION_NUMBER, /* answerDecimal, answerInteger */
    CONDITION_DATE,
    CONDITION_DATE_TIME,
    CONDITION_TIME,
    CONDITION_TEXT, /* answerString */
    CONDITION_CODING,
    CONDITION_QUANTITY,
    CONDITION_REFERENCE,
};

/* One enableWhen. The kind fits the question's type; EXISTS has BOOLEAN; order operators have
 * NUMBER, DATE, DATE_TIME, TIME or QUANTITY. */
struct condition {
    uint32_t question; /* a question, neither this item nor below it */
    enum condition_op op;
    enum condition_kind kind;
    bool boolean;
    struct decimal number; /* NUMBER, QUANTITY */
    const char *text;      /* DATE … TEXT, REFERENCE */
    size_t text_len;
    const char *system, *code; /* CODING: each may be NULL */
    const char *display;       /* CODING without code */
    struct unit unit;          /* QUANTITY: all NULL where it names none */
};

/* minValue or maxValue, inclusive. */
enum limit_kind { LIMIT_NONE, LIMIT_NUMBER, LIMIT_MOMENT, LIMIT_QUANTITY };
struct limit {
    enum limit_kind kind;
    struct decimal number; /* NUMBER (integer, decimal items), QUANTITY */
    const char *text;      /* MOMENT: well-formed, of the item's type (a dateTime may be a date) */
    size_t text_len;
    struct unit unit; /* QUANTITY: all NULL means the item's default unit */
};

struct regex; /* questionnaire/regex.h */

struct item {
    const char *link_id;
    uint32_t link_id_len;
    uint32_t ordinal;       /* place among all items, from 0: its own index */
    uint32_t parent;        /* item or ITEM_NONE */
    uint32_t end;           /* items [own index + 1, end) stand below this one */
    uint32_t scope;         /* nearest repeating group or question above: where its value stands */
    uint32_t next_in_scope; /* list of all items of one scope, in the definition's order */
    uint32_t first_inside;  /* of the scope that this item makes, or ITEM_NONE */
    uint32_t last_inside;
    enum item_type type;
    bool required, repeats, conditional; /* conditional: it or an ancestor has enableWhen */
    bool read_only, hidden;
    bool limited;    /* a value of its type may break a limit */
    bool unverified; /* it or an ancestor says what we can't judge (--unchecked): never rejected */

    const char *text;                              /* may be NULL */
    const char *code_system, *code, *code_display; /* item.code[0]; each may be NULL */

    const struct condition *conditions; /* enableWhen */
    uint32_t n_conditions;
    bool any; /* enableBehavior any; else all */

    uint32_t min_occurs, max_occurs; /* 0: not given. max_occurs > 1 only where it repeats */

    const struct option_set *set; /* answerOption or answerValueSet; NULL: none */
    const struct option *options; /* set->options, for a walk */
    uint32_t n_options;

    struct limit min, max;
    int32_t max_decimal_places;     /* -1: no limit */
    int32_t min_length, max_length; /* characters; 0: no limit */
    struct regex *regex;            /* NULL: none */

    const struct unit *unit;  /* quantity: the default unit, or NULL */
    const struct unit *units; /* the allowed ones, the default included; n_units 0: any */
    uint32_t n_units;

    const char *const *mime_types; /* attachment; n 0: any */
    uint32_t n_mime_types;
    uint64_t max_bytes;                 /* attachment; 0: no limit */
    const char *const *reference_types; /* reference: names of resources; n 0: any */
    uint32_t n_reference_types;

    enum identifier_kind identifier; /* IDENTIFIER_NONE: none */
    enum identifier_action identifier_action;
    enum identifier_kind identifier_below; /* what an unmarked question below it is */
    uint32_t score;                        /* place in questionnaire.scores, or ITEM_NONE */
};

struct definition_memory; /* questionnaire/memory.h */

struct questionnaire {
    struct item *items;
    uint32_t n_items;
    uint32_t first, last; /* of the whole form's scope */
    uint32_t *table;      /* open addressing: item or ITEM_NONE */
    uint32_t table_mask;
    /* All items so that each comes after its parent and after the questions that its conditions
     * ask: enabling can be decided in one walk. */
    uint32_t *enable_order;
    bool conditional; /* some item has enableWhen */
    bool converts;    /* some item has normal_has_unit */

    const char *url, *version, *name, *status;   /* each may be NULL */
    const char *effective_start, *effective_end; /* effectivePeriod; each may be NULL */

    struct score *scores;
    uint32_t n_scores;
    struct alert *alerts;
    uint32_t n_alerts;
    bool comparative; /* some alert compares with the previous answer */
    uint32_t n_unverified;

    char **warnings; /* for people; each names its item */
    uint32_t n_warnings;

    struct sheet *sheet; /* scratch of the check, or NULL; questionnaire/sheet.h */

    struct option *options; /* of all answerOption */
    uint32_t n_options;
    struct definition_memory *memory; /* owns what the pointers above point at */
    void *definition;                 /* the JSON tree that owns all texts */
};

/* The item with this linkId, or ITEM_NONE. */
uint32_t item_find(const struct questionnaire *q, const char *link_id, size_t len);

/* For the compiler only. item_table_add: false where the linkId stands already. Every option of a
 * set that is indexed has a code or a display. */
void item_table_make(struct questionnaire *q, uint32_t n_items, struct definition_memory *memory);
bool item_table_add(struct questionnaire *q, uint32_t i);
void option_set_index(struct option_set *set, struct definition_memory *memory);

#endif
