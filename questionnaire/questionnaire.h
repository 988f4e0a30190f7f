/* A FHIR R4 Questionnaire compiled to a flat form, and answers checked against it: in the short
 * form or as a QuestionnaireResponse. doc/validation.md says what is judged and how.
 *
 * Short form: one flat map from linkId to value. Non-repeating groups are transparent; a repeating
 * group is "group": [{…}, {…}], nested likewise; items under a question: {"value": …, "items":
 * {…}}. A repeating question takes an array (a scalar is one answer). null and [] say "left blank".
 *
 * A compiled questionnaire holds scratch memory for the check: one thread at a time. */
#ifndef SLUICE_QUESTIONNAIRE_QUESTIONNAIRE_H
#define SLUICE_QUESTIONNAIRE_QUESTIONNAIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "questionnaire/findings.h"

#define QUESTIONNAIRE_BYTES_MAX (16 * 1024 * 1024) /* of JSON */
#define QUESTIONNAIRE_ITEMS_MAX 10000
#define QUESTIONNAIRE_DEPTH_MAX 32
#define QUESTIONNAIRE_LINK_ID_MAX 255
#define QUESTIONNAIRE_OPTIONS_MAX 100000 /* answerOption of all items, and of a value set */
#define QUESTIONNAIRE_WHYS_MAX 20
#define QUESTIONNAIRE_WARNINGS_MAX 200
#define QUESTIONNAIRE_WEIGHT_SIZE 352

struct questionnaire; /* opaque */

enum questionnaire_outcome { QUESTIONNAIRE_OK = 0, QUESTIONNAIRE_REFUSED = 1 };

/* How a definition is to be read. NULL where it is asked for: none of this. */
struct questionnaire_options {
    bool unchecked; /* take what can't be evaluated, flagged "unverified", instead of refusing it */
    /* A value set that is loaded: canonical is url or url|version. True, and its JSON text, which
     * must stay until the compile returns. NULL: only contained value sets are known. */
    bool (*valueset)(void *arg, const char *canonical, const char **ret_json, size_t *ret_len);
    void *arg;
};

/* json: a Questionnaire resource. On QUESTIONNAIRE_REFUSED *ret_why is a malloc'd text, a line for
 * each reason (QUESTIONNAIRE_WHYS_MAX at most), each naming its item by linkId. */
int questionnaire_compile(const char *json, size_t len, const struct questionnaire_options *options,
                          struct questionnaire **ret_questionnaire, char **ret_why);
void questionnaire_free(struct questionnaire *q);
size_t questionnaire_items(const struct questionnaire *q);

/* What the operator should know about a definition that was taken, one text each. */
size_t questionnaire_warnings(const struct questionnaire *q);
const char *questionnaire_warning(const struct questionnaire *q, size_t i);

/* What the tables questionnaire_items and questionnaire_options hold of item i. Texts belong to q;
 * NULL: not given. */
struct questionnaire_item {
    const char *link_id, *type, *text;
    const char *code_system, *code;
    const char *unit;            /* default unit: its code, else its text */
    const char *identifier;      /* kind: name, phone, birthDate, … */
    const char *identifier_does; /* encrypt, drop, year */
    size_t parent;               /* SIZE_MAX: none */
    size_t options;              /* how many; those of a value set included */
    bool repeats, required, unverified;
};
struct questionnaire_option {
    const char *system, *code, *display;
    char weight[QUESTIONNAIRE_WEIGHT_SIZE]; /* a JSON number; empty: none */
    bool exclusive;
};
void questionnaire_item(const struct questionnaire *q, size_t i, struct questionnaire_item *ret);
void questionnaire_option(const struct questionnaire *q, size_t item, size_t i,
                          struct questionnaire_option *ret);

/* Whether json is a ValueSet whose codes are all written out in it. On QUESTIONNAIRE_REFUSED
 * *ret_why is a malloc'd text. On OK *ret_canonical is malloc'd: url, or url|version. */
int questionnaire_valueset_check(const char *json, size_t len, char **ret_canonical,
                                 char **ret_why);

/* answers: a msgpack map that mp_check has passed. Broken rules are added to findings, level by
 * level, their pointers below "/answers"; warnings beside them. complete: status completed (or a
 * correction of it); else what is missing or too much only warns. */
void questionnaire_check(struct questionnaire *q, const uint8_t *answers, size_t size,
                         bool complete, struct findings *findings);
/* The same for a FHIR QuestionnaireResponse (msgpack that mp_check has passed); pointers into the
 * resource. The answers in the short form are written behind what ret_answers holds, whatever
 * the verdict, as far as they are of their items' types: alerts want them. (Then an item at a wrong
 * place stands under its linkId beside the rest, and may stand there twice.) BUF_OK or BUF_FULL. */
int questionnaire_check_resource(struct questionnaire *q, const uint8_t *resource, size_t size,
                                 bool complete, struct buf *ret_answers, struct findings *findings);
/* Warnings about the definition itself: its status, and whether authored (a dateTime, well-formed)
 * lies outside its effective period. The pointer is that of the form checked last. */
void questionnaire_check_authored(const struct questionnaire *q, const char *authored, size_t len,
                                  struct findings *findings);

/* Members of a QuestionnaireResponse beside its items; NULL: left out. */
struct response_head {
    const char *questionnaire; /* canonical: url|version */
    const char *status;
    const char *authored;
    const char *identifier; /* its value */
};
/* Answers in the short form (sound ones) as a QuestionnaireResponse in msgpack, behind what
 * ret_resource holds. Codings come back as the definition has them; a
 * value that is none of the item's type (an identifier, a file kept elsewhere) as absent, "masked".
 * BUF_OK or BUF_FULL. */
int questionnaire_to_resource(struct questionnaire *q, const uint8_t *answers, size_t size,
                              const struct response_head *head, struct buf *ret_resource);

#endif
