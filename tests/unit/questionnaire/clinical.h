/* What the tests of scores and alerts share: a definition compiled from text or from
 * schemas/questionnaires, and answers written as JSON with ' for ". */
#ifndef SLUICE_TESTS_UNIT_QUESTIONNAIRE_CLINICAL_H
#define SLUICE_TESTS_UNIT_QUESTIONNAIRE_CLINICAL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "questionnaire/alert.h"
#include "questionnaire/answers_json.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/readings.h"
#include "questionnaire/score.h"
#include "questionnaire/study_rules.h"
#include "schemas/wire/mp.h"
#include "tests/unit/questionnaire/definition.h"

#define SHIPPED_MAX (1 << 20)

/* name: of a file of schemas/questionnaires, without ".json". */
static inline struct questionnaire *
definition_shipped(const char *name)
{
    char path[512], *text = malloc(SHIPPED_MAX);

    snprintf(path, sizeof(path), "%s/schemas/questionnaires/%s.json", SOURCE_DIR, name);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, SHIPPED_MAX, f);
    fclose(f);
    struct questionnaire *q = NULL;
    char *why = NULL;
    if (questionnaire_compile(text, n, NULL, &q, &why) != QUESTIONNAIRE_OK)
        fail_msg("%s: %s", name, why);
    free(text);
    return q;
}

/* A study file's rules; apostrophes as in definition.h. */
static inline struct study_rules *
study_good(const char *text)
{
    struct study_rules *rules = NULL;
    char *json = quoted(text), *why = NULL;

    if (study_rules_new(json, strlen(json), &rules, &why) != STUDY_RULES_OK)
        fail_msg("refused: %s\n%s", why, text);
    free(json);
    return rules;
}

/* Everything that one form takes, made once a test. */
struct form {
    struct questionnaire *q;
    struct readings *now, *previous;
    struct scores scores;
    struct alert_hit *hits;
    struct buf answers, out;
    bool has_previous;
};

static inline void
form_begin(struct form *f, struct questionnaire *q)
{
    *f = (struct form){.q = q, .now = readings_new(), .previous = readings_new()};
    f->hits = calloc(questionnaire_alerts(q) + 1, sizeof(*f->hits));
    buf_init(&f->answers, 1 << 20);
    buf_init(&f->out, 1 << 20);
    readings_clear(f->previous, q);
}

static inline void
form_end(struct form *f)
{
    readings_free(f->now);
    readings_free(f->previous);
    scores_deinit(&f->scores);
    free(f->hits);
    buf_deinit(&f->answers);
    buf_deinit(&f->out);
    questionnaire_free(f->q);
}

static inline void
form_pack(struct form *f, const char *text)
{
    char *json = quoted(text);

    buf_clear(&f->answers);
    if (answers_from_json(json, strlen(json), &f->answers) != ANSWERS_JSON_OK)
        fail_msg("no answers: %s", text);
    free(json);
    assert_int_equal(mp_check(f->answers.data, f->answers.size, 100000), MP_OK);
}

static inline void
form_older(struct form *f, const char *json)
{
    form_pack(f, json);
    readings_add_older(f->previous, f->answers.data, f->answers.size);
    f->has_previous = true;
}

static inline void
form_take(struct form *f, const char *json, bool complete, const struct score_parameters *p)
{
    form_pack(f, json);
    readings_take(f->now, f->q, f->answers.data, f->answers.size);
    score_compute(f->q, f->now, complete, p, &f->scores);
}

/* Score i as text, e.g. "5 mild", "null", "11231". */
static inline const char *
form_score(const struct form *f, size_t i, char text[DECIMAL_TEXT_SIZE + 64])
{
    const struct score_value *v = &f->scores.of[i];
    char number[DECIMAL_TEXT_SIZE] = "null";

    if (v->kind == SCORE_NUMBER)
        decimal_format(v->number, number);
    snprintf(text, DECIMAL_TEXT_SIZE + 64, "%s%s%s", v->kind == SCORE_TEXT ? v->text : number,
             v->band != NULL ? " " : "", v->band != NULL ? v->band : "");
    return text;
}

/* The rules that hold, e.g. "rule-a rule-b". */
static inline const char *
form_alerts(struct form *f, const struct study_rules *study, char *text, size_t size)
{
    size_t n = alerts_evaluate(f->q, study, f->now, &f->scores,
                               f->has_previous ? f->previous : NULL, f->hits);
    size_t at = 0;

    assert_true(n <= questionnaire_alerts(f->q));
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? " " : "", f->hits[i].rule_id);
    return text;
}

#endif
