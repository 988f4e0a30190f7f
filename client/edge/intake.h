/* One submission from its text to a sealed record in a broker's batch: how it came (alone, in a
 * batch, as a correction, as a FHIR resource) is the caller's, what holds for all of them is here.
 */
#ifndef SLUICE_EDGE_INTAKE_H
#define SLUICE_EDGE_INTAKE_H

#include <stddef.h>
#include <stdint.h>

#include "client/edge/envelope.h"
#include "client/edge/http.h"
#include "client/edge/media.h"
#include "client/edge/outcome.h"
#include "client/edge/request.h"
#include "client/edge/revision.h"
#include "client/edge/submission_id.h"

#define SUBMIT_SERVICE "submissions"

struct intake {
    struct request *q;
    const struct http_message *m;
    struct token *token;
    enum media media;
    bool media_told_inside; /* a resource by its resourceType, whatever media says */
    const uint8_t *text;
    size_t text_bytes;
    const char *path_subject; /* NULL: the body says it alone */
    size_t path_subject_len;
    struct revision *revision; /* NULL: no correction; else its number is there, and q->id */
    /* found on the way */
    struct envelope envelope;
    const char *study;
    size_t study_len;
    struct submission_key key;
    char fhir_key[KEY_CHARACTERS_MAX];
    struct problem_error error; /* rule == NULL: none to tell */
};

/* The whole body of m, sent by whom the token names. Every member not set here is 0. */
void intake_begin(struct intake *in, struct request *q, const struct http_message *m,
                  struct token *token);
/* Reads, identifies, seals, sends. PROBLEM_NONE: q waits now and will be answered in this style;
 * else nothing was sent and q is the caller's to answer. */
enum problem intake_run(struct intake *in, const struct outcome_style *style);
/* Answers with p and what in->error tells, and frees the request. */
void intake_refuse(struct intake *in, enum problem p);

#endif
