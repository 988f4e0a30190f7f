/* What the edge can refuse, as RFC 9457 problem documents. Nothing a client sent is repeated. */
#ifndef SLUICE_EDGE_PROBLEM_H
#define SLUICE_EDGE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum problem {
    PROBLEM_NONE = 0,
#define PROBLEM(NAME, status, slug, issue, title) PROBLEM_##NAME,
#include "client/edge/problems.def"
#undef PROBLEM
    PROBLEM_COUNT
};

#define PROBLEM_MEDIA_TYPE_TEXT "application/problem+json"
#define PROBLEM_POINTER_SIZE 128

/* One broken rule. rule == NULL: none to tell. */
struct problem_error {
    char pointer[PROBLEM_POINTER_SIZE];
    const char *rule;
    const char *detail;
    long at; /* byte of the body, or -1 */
};

/* Fills *e (no byte is named). Returns false, so that a check can end with it. */
bool problem_error_set(struct problem_error *e, const char *pointer, const char *rule,
                       const char *detail);

unsigned problem_status(enum problem p);
const char *problem_title(enum problem p);
const char *problem_issue(enum problem p); /* FHIR's issue-type */
/* What a worker says by an HTTP status; otherwise for a status that it has no business to say. */
enum problem problem_of_status(uint64_t status, enum problem otherwise);

/* Writes {"type","title","status" and leaves the object open for more members. */
void problem_begin(struct buf *b, enum problem p);
void problem_error_write(struct buf *b, const struct problem_error *e);
/* The whole document with at most one error; error may be NULL. */
void problem_write(struct buf *b, enum problem p, const struct problem_error *e);

#endif
