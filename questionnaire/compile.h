/* What the compiler's files share. Inner header of questionnaire/.
 *
 * Order: count and judge the frame (compile.c), fill each item (compile_item, _limit, _option),
 * then what looks at other items (compile_condition, _score, _alert). Every function that takes a
 * part returns false where it found something to refuse; it has said so then by refuse or
 * item_refuse, and the caller goes on to the next part, so that all reasons are told at once. */
#ifndef SLUICE_QUESTIONNAIRE_COMPILE_H
#define SLUICE_QUESTIONNAIRE_COMPILE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "questionnaire/item.h"
#include "questionnaire/literal.h"
#include "questionnaire/memory.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/support.h"

struct compiler {
    struct questionnaire *q;
    struct questionnaire_options options;
    const json_t *root;
    const json_t **sources;      /* each item's JSON */
    uint32_t n_items, n_options; /* counted first */
    bool all_unverified;
    struct buf why;
    unsigned n_whys;
    struct definition_sets *valuesets;
};

/* False, always. */
bool refuse(struct compiler *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool item_refuse(struct compiler *c, const struct item *item, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void warn(struct compiler *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void item_warn(struct compiler *c, const struct item *item, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Something that we can't evaluate: refused, or flagged with --unchecked. item NULL: it is of the
 * whole definition. what: the name it has there. True where it was flagged. */
bool unsupported(struct compiler *c, struct item *item, enum support construct, const char *what);

/* Judges the members of v by the table; what was flagged is no failure. */
bool members_take(struct compiler *c, struct item *item, const json_t *v, enum support_place place);
/* Judges the extensions of v: refused ones, misplaced ones, constraints, values that are
 * expressions. */
bool extensions_take(struct compiler *c, struct item *item, const json_t *v,
                     enum support_place place);

/* A member of v that must be a text; absent: true and *ret NULL. */
bool text_take(struct compiler *c, const struct item *item, const json_t *v, const char *name,
               const char **ret);
bool flag_take(struct compiler *c, const struct item *item, const json_t *v, const char *name,
               bool *ret);

/* A Quantity as a limit or a condition has it. what: for people. */
bool quantity_take(struct compiler *c, const struct item *item, const json_t *v, const char *what,
                   struct decimal *ret_number, struct unit *ret_unit);

bool item_take(struct compiler *c, const json_t *v, struct item *item);
bool limits_take(struct compiler *c, const json_t *v, struct item *item);
bool units_take(struct compiler *c, const json_t *v, struct item *item);
bool options_take(struct compiler *c, const json_t *v, struct item *item);
/* After all items are filled. */
bool conditions_take(struct compiler *c);
bool scores_take(struct compiler *c);
bool alerts_take(struct compiler *c);

#endif
