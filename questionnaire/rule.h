/* What a definition says beside its items: scores and alerts, parsed and checked at load; score.c
 * and alert.c evaluate them. Inner header of questionnaire/. Texts belong to the definition. */
#ifndef SLUICE_QUESTIONNAIRE_RULE_H
#define SLUICE_QUESTIONNAIRE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "questionnaire/decimal.h"

/* Kinds and actions of identifiers, methods of scores, operators and severities of alerts. */
enum identifier_kind {
    IDENTIFIER_NONE,
#define IDENTIFIER_KIND(NAME, code, element) IDENTIFIER_##NAME,
#include "questionnaire/kinds.def"
#undef IDENTIFIER_KIND
    IDENTIFIER_KIND_COUNT
};
enum identifier_action {
#define IDENTIFIER_ACTION(NAME, code) IDENTIFIER_ACTION_##NAME,
#include "questionnaire/kinds.def"
#undef IDENTIFIER_ACTION
    IDENTIFIER_ACTION_COUNT
};
enum score_method {
#define SCORE_METHOD(NAME, code, meaning) SCORE_##NAME,
#include "questionnaire/kinds.def"
#undef SCORE_METHOD
    SCORE_METHOD_COUNT
};
enum score_table {
    SCORE_TABLE_NONE,
#define SCORE_TABLE(NAME, code, items, meaning) SCORE_TABLE_##NAME,
#include "questionnaire/kinds.def"
#undef SCORE_TABLE
    SCORE_TABLE_COUNT
};
enum alert_op {
#define ALERT_OP(NAME, code, comparative, meaning) ALERT_##NAME,
#include "questionnaire/kinds.def"
#undef ALERT_OP
    ALERT_OP_COUNT
};
enum alert_severity {
#define ALERT_SEVERITY(NAME, code) ALERT_SEVERITY_##NAME,
#include "questionnaire/kinds.def"
#undef ALERT_SEVERITY
    ALERT_SEVERITY_COUNT
};
/* By the enums above; identifier_kind_codes[IDENTIFIER_NONE] is NULL. */
extern const char *const identifier_kind_codes[],
    *const identifier_action_codes[], *const score_method_codes[],
                                          *const alert_op_codes[], *const alert_severity_codes[];
extern const bool alert_op_comparative[];
extern const char *const score_table_codes[]; /* [SCORE_TABLE_NONE] is NULL */
extern const uint32_t score_table_items[];    /* how many items it looks at */

/* One line of a lookup table: the values of the items in the order of `of`. */
struct score_row {
    const struct decimal *when; /* n_of of them */
    struct decimal value;
};

/* Both ends inclusive; an end that is not given is open. */
struct score_band {
    struct decimal low, high;
    bool has_low, has_high;
    const char *code;
};

struct score {
    uint32_t item; /* the readOnly item that carries the rule */
    enum score_method method;
    const uint32_t *of; /* items; each stands outside repeating groups and yields one number */
    uint32_t n_of;
    uint32_t min_answered;  /* 1 to n_of */
    enum score_table table; /* LOOKUP only: instead of rows; n_of is score_table_items[table] */
    const struct score_row *rows; /* LOOKUP only; sorted by `when`, no two alike */
    uint32_t n_rows;
    const struct score_band *bands; /* ascending, not overlapping */
    uint32_t n_bands;
};

enum alert_value { ALERT_VALUE_NUMBER, ALERT_VALUE_CODE, ALERT_VALUE_BOOLEAN };

/* Of an item (all its answers) or of a score. */
struct alert {
    const char *id;
    uint32_t item;  /* ITEM_NONE: of a score */
    uint32_t score; /* place in questionnaire.scores; ITEM_NONE: of an item */
    enum alert_op op;
    enum alert_value value_kind; /* NUMBER where op is comparative */
    struct decimal number;
    const char *system, *code; /* CODE: system may be NULL */
    bool boolean;
    enum alert_severity severity;
    const char *text; /* may be NULL */
    uint32_t suppress_hours;
    bool always;
};

#endif
