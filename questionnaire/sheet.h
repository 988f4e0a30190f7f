/* One submission's answers laid out over its definition: what all later levels look at. Inner
 * header of questionnaire/.
 *
 * A place is what one map of the short form may hold: the whole form, one occurrence of a repeating
 * group, or the items under one answer of a question. Every place has a slot for each item of its
 * scope, in the definition's order, whether something was said there or not. A slot holds the
 * answers of a question, or the occurrences of a repeating group (and of a question with items
 * below it: the place under each answer). Everything is an index, so that arrays may grow.
 *
 * Values point into the bytes that were read, which must outlive the use of the sheet. Reused from
 * one submission to the next; belongs to its questionnaire. */
#ifndef SLUICE_QUESTIONNAIRE_SHEET_H
#define SLUICE_QUESTIONNAIRE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "questionnaire/findings.h"
#include "questionnaire/item.h"
#include "schemas/wire/mp.h"

#define SHEET_NONE UINT32_MAX
#define SHEET_SLOTS_MAX (1u << 18) /* of all places together */
#define SHEET_ANSWERS_MAX (1u << 17)
#define SHEET_STEPS_MAX (1u << 18)
#define SHEET_POINTER_SIZE 4096
#define SHEET_ORPHANS_MAX (4 << 20)   /* bytes */
#define SHEET_KEEP_BYTES (256 * 1024) /* more is given back after use */
#define SHEET_UNDECIDED_MAX 8         /* patterns that may reach their limit in one form */

enum value_type {
    VALUE_SHORT, /* the short form: told by the item */
#define VALUE_TYPE(NAME, member) VALUE_##NAME,
#include "questionnaire/value_types.def"
#undef VALUE_TYPE
    VALUE_TYPE_COUNT
};
extern const char *const value_type_members[];
/* The value[x] that a member's name stands for, or VALUE_SHORT. */
enum value_type value_type_find(const struct mp_value *key);

enum enabling { ENABLED, DISABLED, UNDECIDED };

struct answer {
    struct mp_value v;           /* NIL: no value */
    const uint8_t *raw, *inside; /* before and behind v's head */
    uint32_t next;               /* answer of the same slot */
    uint32_t place;              /* of the items below, or SHEET_NONE */
    uint32_t option;             /* that it names, or OPTION_NONE */
    uint32_t step;               /* resource only */
    uint32_t position;
    uint8_t type;    /* enum value_type */
    uint8_t pending; /* enum rule of level limit that finding its option broke, or RULE_COUNT */
    bool wrapped;    /* {"value": …, "items": {…}} */
    bool good;       /* it has a value of the right type */
};

struct slot {
    uint32_t first, last;             /* answers of a question */
    uint32_t first_place, last_place; /* occurrences */
    uint32_t n;                       /* answers with a value, or occurrences of a group */
    uint32_t step;                    /* resource only, or SHEET_NONE */
    uint8_t enabling;                 /* enum enabling */
    bool shown;                       /* something was said, if only null */
    bool array;                       /* an array with elements (resource: several answers) */
    bool failed;                      /* at some level: not judged further */
};

struct place {
    uint32_t scope;  /* item, or ITEM_NONE for the form */
    uint32_t parent; /* place, or SHEET_NONE */
    uint32_t answer; /* that it stands under, or SHEET_NONE */
    uint32_t position;
    uint32_t slots;          /* the first of its slots */
    uint32_t next, previous; /* place of the same slot */
    uint32_t next_of_scope;  /* all places of one scope in the order of the answers */
    uint32_t step;           /* resource only */
    bool failed;             /* it is none: nothing in it is judged */
};

/* One step of a place in a resource; the chain of parents is the pointer. */
struct step {
    uint32_t parent; /* or SHEET_NONE */
    uint32_t position;
    bool answer; /* "/answer/N", else "/item/N" */
};

struct sheet {
    const struct questionnaire *q;
    const uint8_t *end; /* of the bytes read */
    bool resource;      /* a QuestionnaireResponse; else the short form */
    struct findings *findings;
    bool full;          /* a bound was reached; nothing more is laid out */
    uint32_t undecided; /* patterns that reached their limit */
    size_t bytes;       /* memory held */

    struct place *places;
    struct slot *slots;
    struct answer *answers;
    struct step *steps;
    uint32_t n_places, n_slots, n_answers, n_steps;
    uint32_t cap_places, cap_slots, cap_answers, cap_steps;

    /* Of the definition, made once. [n_items] stands for the whole form. */
    uint32_t *ordinal_in_scope, *n_in_scope;
    /* Of this submission, by scope and by item. */
    uint32_t *first_of_scope, *last_of_scope;
    uint8_t *misplaced; /* the item was met where it does not belong */

    /* Resource only: linkId and value of answers that belong elsewhere. */
    struct buf orphans;
    uint32_t n_orphans;

    char pointer[SHEET_POINTER_SIZE]; /* scratch */
};

struct sheet *sheet_new(const struct questionnaire *q);
void sheet_free(struct sheet *s);
/* The questionnaire's own, made when first asked for. */
struct sheet *sheet_of(struct questionnaire *q);
/* Empty, but for the place of the whole form. findings may be NULL: nobody wants to know. */
void sheet_begin(struct sheet *s, const uint8_t *end, bool resource, struct findings *findings);

/* After use: gives a large form's memory back. */
void sheet_end(struct sheet *s);

/* SHEET_NONE where a bound is reached: said once in the findings. */
uint32_t sheet_place_add(struct sheet *s, uint32_t item, uint32_t parent, uint32_t answer);
uint32_t sheet_answer_add(struct sheet *s, uint32_t item, uint32_t place);
uint32_t sheet_step_add(struct sheet *s, uint32_t parent, bool answer, uint32_t position);

/* The slot of item in a place of its scope. Valid until the next place is added. */
static inline struct slot *
sheet_slot(const struct sheet *s, uint32_t item, uint32_t place)
{
    return &s->slots[s->places[place].slots + s->ordinal_in_scope[item]];
}

/* The first item of the place's scope, or ITEM_NONE. */
uint32_t sheet_first_item(const struct sheet *s, uint32_t place);

/* Findings, with the pointer of a place, of an item there, or of one of its answers. What stands at
 * an unverified item only warns. The slot is marked as failed, unless it is only warned. */
void sheet_broken_place(struct sheet *s, enum rule rule, uint32_t place, const char *parameter);
void sheet_broken_item(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                       const char *parameter);
void sheet_broken_answer(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                         uint32_t answer, const char *parameter);
/* At a step of the resource, with a further member ("/linkId") or "". */
void sheet_broken_step(struct sheet *s, enum rule rule, uint32_t step, const char *member,
                       uint32_t item, const char *parameter);
/* The same as sheet_broken_item, as a warning and nothing more. */
void sheet_warn_item(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                     const char *parameter);
void sheet_warn_answer(struct sheet *s, enum rule rule, uint32_t item, uint32_t place,
                       uint32_t answer, const char *parameter);
/* An item that no place has yet, below an absent occurrence of group (which has place): as if it
 * had one. */
void sheet_broken_absent(struct sheet *s, enum rule rule, uint32_t item, uint32_t group,
                         uint32_t place, bool warn);

/* Lays out answers in the short form (a msgpack value that mp_check has passed): structure and
 * types. */
void sheet_read(struct sheet *s, const uint8_t *answers, size_t size, struct findings *findings);
/* The same for a QuestionnaireResponse. */
void sheet_read_resource(struct sheet *s, const uint8_t *resource, size_t size,
                         struct findings *findings);
/* Keeps, for alerts, what is sound in an item or a list of items, or in one answer of item i (or of
 * none), that could not be laid out. at stands before it. */
void sheet_orphan_items(struct sheet *s, struct mp_cursor at);
void sheet_orphan_answer(struct sheet *s, uint32_t i, struct mp_cursor at);
/* Decides slot.enabling for all slots. */
void sheet_enable(struct sheet *s);
/* The short form of what is laid out, behind what out holds: BUF_OK or BUF_FULL. A repeating
 * question is an array, an absent repeating group is left out. Orphans stand beside the form's own
 * members. */
int sheet_write(const struct sheet *s, struct buf *out);
/* One answer's value as the short form has it. */
int sheet_write_value(const struct sheet *s, const struct item *item, const struct answer *a,
                      struct buf *out);

#endif
