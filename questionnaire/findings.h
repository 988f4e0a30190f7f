/* The rules that one submission breaks: all of them at once, up to a bound. Reused from one
 * submission to the next. Texts never hold a submitted value; pointers only names that the
 * definition or the envelope gave. */
#ifndef SLUICE_QUESTIONNAIRE_FINDINGS_H
#define SLUICE_QUESTIONNAIRE_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define FINDINGS_MAX 256              /* then one TOO_MANY ends the list */
#define FINDINGS_TEXT_MAX (96 * 1024) /* all pointers and details together */

enum rule {
#define RULE(NAME, code, level, verdict, text) RULE_##NAME,
#include "schemas/rules.def"
#undef RULE
    RULE_COUNT
};
enum rule_verdict { VERDICT_REJECT, VERDICT_HOLD };

const char *rule_code(enum rule rule);
const char *rule_text(enum rule rule);
enum rule_verdict rule_verdict(enum rule rule);

struct finding {
    enum rule rule;
    size_t pointer_at, pointer_len; /* in findings.text */
    size_t detail_at, detail_len;
};

struct findings {
    struct finding *items; /* FINDINGS_MAX of them */
    size_t n;
    struct buf text;
};

void findings_init(struct findings *f);
void findings_deinit(struct findings *f);
void findings_clear(struct findings *f);
/* more: what the rule's text needs to be clear, e.g. "integer"; NULL for none. */
void findings_add(struct findings *f, enum rule rule, const char *pointer, size_t pointer_len,
                  const char *more);
const char *finding_pointer(const struct findings *f, const struct finding *x);
const char *finding_detail(const struct findings *f, const struct finding *x);
/* True if one of them is of the sender's making. */
bool findings_reject(const struct findings *f);

#endif
