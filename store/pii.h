/* Suspects of personal data in text that somebody typed. Judged by shape alone: what is found is to
 * be looked at by people, what is not found is no proof. */
#ifndef SLUICE_STORE_PII_H
#define SLUICE_STORE_PII_H

#include <stddef.h>

#include "store/connection.h"
#include "store/slice.h"

/* PII(NAME, "kind") */
#define PII_KINDS(PII)                                                                             \
    PII(EMAIL, "email")                                                                            \
    PII(PHONE, "phone")                                                                            \
    PII(NUMBER, "id-number")                                                                       \
    PII(DATE, "birth-date")                                                                        \
    PII(TITLE, "name-with-title")

enum pii_kind {
#define PII(NAME, text) PII_##NAME,
    PII_KINDS(PII)
#undef PII
        PII_COUNT
};
const char *pii_kind_text(enum pii_kind kind);

/* Which kinds are suspected: a set of bits 1 << kind. */
unsigned pii_judge(struct slice text);

struct pii_place {
    const char *study, *site, *subject, *submission, *questionnaire, *link_id, *group_index;
    int answer_index;
    const char *column; /* "answers"; or the name of the column of submissions */
    unsigned kinds;
};
/* Every free text of the current forms, and reasons that people typed. */
int pii_scan(struct store *s, const char *study, const char *site,
             int (*each)(void *arg, const struct pii_place *place), void *arg);

#endif
