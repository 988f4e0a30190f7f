/* A correction as it comes by PUT: which revision it corrects, and why (clinical-rules.md, "Audit
 * and time"). The body is a whole submission with two members of its own, reason and source, which
 * are no part of the submission and leave it here. A QuestionnaireResponse has them in an extension
 * (schemas/fhir/correction.json), which stays where it is. */
#ifndef SLUICE_EDGE_REVISION_H
#define SLUICE_EDGE_REVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "client/edge/json.h"
#include "client/edge/problem.h"

#define REVISION_TEXT_MAX 1024
#define REVISION_EXTENSION "https://sluice.example/fhir/StructureDefinition/correction"
#define REVISION_NUMBER_MAX INT32_MAX

struct revision_text {
    size_t len; /* 0: not there */
    char text[REVISION_TEXT_MAX];
};

struct revision {
    uint32_t number; /* of If-Match: the one that is corrected */
    bool voids;      /* status entered-in-error */
    struct revision_text reason, source;
};

/* An entity tag that is a number, "3", or the number bare; false: a list, *, a weak tag, no number
 * of 1 to REVISION_NUMBER_MAX. */
bool revision_match_parse(const char *s, size_t len, uint32_t *ret_number);

/* Takes reason and source out of the transcoded submission: ret_revision has them, j and submission
 * are as if they had never been there. False: the rule broken is in *ret_error. */
bool revision_take(struct json *j, struct buf *submission, struct revision *ret_revision,
                   struct problem_error *ret_error);
/* The same of a transcoded resource, which is not changed. */
bool revision_read(const uint8_t *resource, size_t size, struct revision *ret_revision,
                   struct problem_error *ret_error);

#endif
