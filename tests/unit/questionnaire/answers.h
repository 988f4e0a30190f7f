/* Definitions and answers from JSON texts, and what a check says of them as lines of text. */
#ifndef SLUICE_TESTS_UNIT_QUESTIONNAIRE_ANSWERS_H
#define SLUICE_TESTS_UNIT_QUESTIONNAIRE_ANSWERS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "questionnaire/questionnaire.h"

/* Fails the test where the definition is refused. */
struct questionnaire *answers_definition(const char *json);
/* JSON as msgpack, decimals as their literal. */
void answers_pack(struct buf *b, const json_t *v);
void answers_pack_text(struct buf *b, const char *json);
/* msgpack as JSON, decimals marked as literal.h has it. A new reference. */
json_t *answers_unpack(const uint8_t *data, size_t size);

struct answers_said {
    struct findings findings;
    struct buf answers;    /* what a resource became */
    char *broken, *warned; /* "pointer rule\n"… */
};
/* Judges answers (or, with "resourceType", a QuestionnaireResponse). */
void answers_judge(struct questionnaire *q, const char *json, bool complete,
                   struct answers_said *ret);
void answers_said_free(struct answers_said *s);

#endif
