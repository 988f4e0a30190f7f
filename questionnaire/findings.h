/* The rules that one submission breaks: all of them at once, up to a bound; and beside them the
 * warnings, which reject nothing. Reused from one submission to the next. Texts never hold a
 * submitted value; pointers only names that the definition or the envelope gave. */
#ifndef SLUICE_QUESTIONNAIRE_FINDINGS_H
#define SLUICE_QUESTIONNAIRE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FINDINGS_MAX 256              /* then one TOO_MANY ends the list */
#define FINDINGS_WARNINGS_MAX 64      /* likewise */
#define FINDINGS_TEXT_MAX (96 * 1024) /* all pointers and details together */
#define FINDINGS_PARAMETER_MAX 200    /* a longer parameter is cut */

enum rule {
#define RULE(NAME, code, level, verdict, issue, text, parameter) RULE_##NAME,
#include "schemas/rules.def"
#undef RULE
    RULE_COUNT
};
enum rule_verdict { VERDICT_REJECT, VERDICT_HOLD, VERDICT_FLAG };
enum rule_level {
    LEVEL_envelope,
    LEVEL_structure,
    LEVEL_type,
    LEVEL_enablement,
    LEVEL_cardinality,
    LEVEL_limit,
    LEVEL_store,
};

const char *rule_code(enum rule rule);
const char *rule_text(enum rule rule);
enum rule_verdict rule_verdict(enum rule rule);
enum rule_level rule_level(enum rule rule);
/* The issue-type for an OperationOutcome. */
const char *rule_issue(enum rule rule);
/* The name of the parameter that its findings carry; "" for none. */
const char *rule_parameter(enum rule rule);

struct finding {
    enum rule rule;
    uint32_t pointer_at, pointer_len; /* all in findings.text, each with a NUL behind it */
    uint32_t detail_at, detail_len;
    uint32_t link_id_at, link_id_len;
    uint32_t parameter_at, parameter_len; /* 0: none */
};

struct findings {
    struct finding *items; /* FINDINGS_MAX of them */
    size_t n;
    struct finding *warnings; /* FINDINGS_WARNINGS_MAX of them */
    size_t n_warnings;
    struct buf text;
};

/* What one finding says. link_id: NULL for none; parameter: NULL for none. */
struct finding_input {
    enum rule rule;
    const char *pointer, *link_id, *parameter;
    size_t pointer_len, link_id_len;
};

void findings_init(struct findings *f);
void findings_deinit(struct findings *f);
void findings_clear(struct findings *f);
/* parameter: what the rule's text needs to be clear, e.g. "an integer"; NULL for none. A rule with
 * verdict FLAG goes to the warnings. */
void findings_add(struct findings *f, enum rule rule, const char *pointer, size_t pointer_len,
                  const char *parameter);
void findings_add_input(struct findings *f, const struct finding_input *in);
/* The same among the warnings, whatever the rule's verdict. */
void findings_warn(struct findings *f, const struct finding_input *in);
/* The broken rules from index from on in the order of levels; within one as they were added. */
void findings_sort(struct findings *f, size_t from);
const char *finding_pointer(const struct findings *f, const struct finding *x);
const char *finding_detail(const struct findings *f, const struct finding *x);
const char *finding_link_id(const struct findings *f, const struct finding *x);   /* or NULL */
const char *finding_parameter(const struct findings *f, const struct finding *x); /* or NULL */
/* True once TOO_MANY ends the list of broken rules: looking further is of no use. */
bool findings_full(const struct findings *f);
/* True if one of them is of the sender's making. */
bool findings_reject(const struct findings *f);

#endif
