/* sluice-evaluate DEFINITION [STUDY [SITE]]: for each line of answers (a JSON object in the short
 * form) on stdin a line on stdout, said by our compiled code and by nothing else: {"findings": N,
 * "differs": bool, "scores": {linkId: {"value", "band", "differs"}}, "alerts": [{"rule",
 * "severity", "always", "linkId"}]}; numbers as texts. Comparative rules see the line before as the
 * earlier form. Not installed; tests/clinical/counts.py drives it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "questionnaire/alert.h"
#include "questionnaire/answers_json.h"
#include "questionnaire/findings.h"
#include "questionnaire/questionnaire.h"
#include "questionnaire/score.h"
#include "schemas/wire/mp.h"

#define FILE_MAX (1 << 22)
#define ANSWERS_MAX (1 << 20)

struct evaluator {
    struct questionnaire *q;
    struct study_rules *study;
    struct score_parameters parameters;
    struct readings *now, *previous;
    struct scores scores;
    struct alert_hit *hits;
    struct findings findings;
    struct buf answers, earlier;
};

static _Noreturn void
stop(const char *what, const char *why)
{
    fprintf(stderr, "sluice-evaluate: %s: %s\n", what, why);
    exit(EXIT_CONFIG);
}

static char *
file_read(const char *path, size_t *ret_len)
{
    char *text = mem_new(FILE_MAX + 1, 1);
    FILE *f = fopen(path, "re");

    if (f == NULL)
        stop(path, "can't be read");
    *ret_len = fread(text, 1, FILE_MAX, f);
    fclose(f);
    return text;
}

static json_t *
scores_json(const struct evaluator *e)
{
    json_t *all = json_object();

    for (uint32_t i = 0; i < e->scores.n; i++) {
        const struct score_value *v = &e->scores.of[i];
        char number[DECIMAL_TEXT_SIZE];
        json_t *value = json_null();
        if (v->kind == SCORE_NUMBER) {
            decimal_format(v->number, number);
            value = json_string(number);
        } else if (v->kind == SCORE_TEXT) {
            value = json_string(v->text);
        }
        json_object_set_new(
            all, questionnaire_score_link_id(e->q, i),
            json_pack("{s:o,s:s?,s:b}", "value", value, "band", v->band, "differs", v->differs));
    }
    return all;
}

static json_t *
alerts_json(struct evaluator *e, const struct readings *previous)
{
    size_t n = alerts_evaluate(e->q, e->study, e->now, &e->scores, previous, e->hits);
    json_t *all = json_array();

    for (size_t i = 0; i < n; i++) {
        const struct alert_hit *hit = &e->hits[i];
        json_array_append_new(all, json_pack("{s:s,s:s,s:b,s:s}", "rule", hit->rule_id, "severity",
                                             alert_severity_codes[hit->severity], "always",
                                             hit->always, "linkId", hit->link_id));
    }
    return all;
}

static void
line_evaluate(struct evaluator *e, const char *line, size_t len, bool first)
{
    buf_clear(&e->answers);
    if (answers_from_json(line, len, &e->answers) != ANSWERS_JSON_OK ||
        mp_check(e->answers.data, e->answers.size, ANSWERS_MAX) != MP_OK)
        stop("stdin", "a line is no answers");
    findings_clear(&e->findings);
    questionnaire_check(e->q, e->answers.data, e->answers.size, true, &e->findings);
    readings_take(e->now, e->q, e->answers.data, e->answers.size);
    score_compute(e->q, e->now, true, &e->parameters, &e->scores);
    json_t *out = json_pack("{s:i,s:b}", "findings", (int)e->findings.n, "differs",
                            scores_differ(&e->scores));
    json_object_set_new(out, "scores", scores_json(e));
    json_object_set_new(out, "alerts", alerts_json(e, first ? NULL : e->previous));
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(out);
    readings_clear(e->previous, e->q);
    readings_add_older(e->previous, e->answers.data, e->answers.size);
}

static void
evaluator_begin(struct evaluator *e, int argc, char **argv)
{
    size_t len;
    char *why = NULL, *text = file_read(argv[1], &len);

    if (questionnaire_compile(text, len, NULL, &e->q, &why) != QUESTIONNAIRE_OK)
        stop(argv[1], why);
    free(text);
    if (argc > 2) {
        text = file_read(argv[2], &len);
        if (study_rules_new(text, len, &e->study, &why) != STUDY_RULES_OK)
            stop(argv[2], why);
        free(text);
    }
    study_rules_parameters(e->study, argc > 3 ? argv[3] : NULL, &e->parameters);
    e->now = readings_new();
    e->previous = readings_new();
    e->hits = mem_new(questionnaire_alerts(e->q) + 1, sizeof(*e->hits));
    findings_init(&e->findings);
    buf_init(&e->answers, ANSWERS_MAX);
    readings_clear(e->previous, e->q);
}

static void
evaluator_end(struct evaluator *e)
{
    readings_free(e->now);
    readings_free(e->previous);
    scores_deinit(&e->scores);
    free(e->hits);
    findings_deinit(&e->findings);
    buf_deinit(&e->answers);
    study_rules_free(e->study);
    questionnaire_free(e->q);
}

int
main(int argc, char **argv)
{
    struct evaluator e = {0};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    bool first = true;

    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: sluice-evaluate DEFINITION [STUDY [SITE]] < ANSWERS\n");
        return EXIT_USAGE;
    }
    evaluator_begin(&e, argc, argv);
    while ((n = getline(&line, &room, stdin)) > 0) {
        line_evaluate(&e, line, (size_t)n, first);
        first = false;
    }
    free(line);
    evaluator_end(&e);
    return EXIT_DONE;
}
