/* Scores and alerts of any answers, any stored JSON, any study file. What mp_check lets through is
 * read, scored and judged without harm, twice to the same result; alerts never outnumber the rules;
 * what answers_from_json makes passes mp_check. First byte: which of the three. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/alert.h"
#include "questionnaire/answers_json.h"
#include "questionnaire/score.h"
#include "schemas/wire/mp.h"
#include "tests/fuzz/fuzz.h"

#define NODES_MAX 100000
/* clang-format off */
#define O "https://sluice.example/fhir/StructureDefinition/"
#define HL7 "http://hl7.org/fhir/StructureDefinition/"
#define PART(name, value) "{'url':'" name "'," value "}"
#define OF(link_id) PART("of", "'valueString':'" link_id "'")
#define METHOD(code) PART("method", "'valueCode':'" code "'")
#define TABLE(code) METHOD("lookup") "," PART("table", "'valueCode':'" code "'")
#define SCORED(id, type, parts) \
    ITEM(id, type, ",'readOnly':true,'extension':[{'url':'" O "score','extension':[" parts "]}]")
#define ITEM(id, type, more) "{'linkId':'" id "','text':'t','type':'" type "'" more "}"
#define ALERT(id, what, op, value) \
    "{'url':'" O "alert','extension':[" PART("id", "'valueId':'" id "'") "," what "," \
    PART("op", "'valueCode':'" op "'") "," PART("value", value) "," \
    PART("severity", "'valueCode':'info'") "]}"
#define ON(id) PART("item", "'valueString':'" id "'")
#define UNIT(code) \
    ",'extension':[{'url':'" HL7 "questionnaire-unit','valueCoding':" \
    "{'system':'http://unitsofmeasure.org','code':'" code "'}}]"

/* ' stands for ": made real once. */
static char definition[] =
    "{'resourceType':'Questionnaire','status':'active','extension':["
    ALERT("over", ON("n"), ">", "'valueDecimal':1.5") ","
    ALERT("rise", ON("n"), "rise", "'valueDecimal':0.1") ","
    ALERT("fall", ON("f"), "fall", "'valueInteger':1") ","
    ALERT("code", ON("pick"), "=", "'valueCode':'a'") ","
    ALERT("not", ON("yes"), "!=", "'valueBoolean':true") ","
    ALERT("text", ON("note"), "=", "'valueString':'x'") ","
    ALERT("many", ON("many"), "<=", "'valueInteger':0") ","
    ALERT("grade", PART("score", "'valueString':'bp'"), ">=", "'valueInteger':2")
    "],'item':["
    ITEM("n", "decimal", "") ","
    ITEM("f", "integer", "") ","
    ITEM("yes", "boolean", "") ","
    ITEM("note", "string", "") ","
    ITEM("many", "integer", ",'repeats':true") ","
    ITEM("pick", "choice",
         ",'answerOption':[{'valueCoding':{'code':'a'}},{'valueCoding':{'code':'b'}}]") ","
    ITEM("g", "group", ",'repeats':true,'item':[" ITEM("in", "integer", "") "]") ","
    ITEM("s", "quantity", UNIT("mm[Hg]")) ","
    ITEM("d", "quantity", UNIT("mm[Hg]")) ","
    ITEM("glucose", "quantity", UNIT("mmol/L")) ","
    SCORED("sum", "decimal", METHOD("sum") "," OF("n") "," OF("f")) ","
    SCORED("profile", "string", METHOD("profile") "," OF("f") "," OF("n")) ","
    SCORED("fs", "integer", TABLE("pro-ctcae-frequency-severity") "," OF("f") "," OF("n")) ","
    SCORED("bp", "integer", TABLE("blood-pressure-ctcae-v5") "," OF("s") "," OF("d")) ","
    SCORED("high", "integer", TABLE("glucose-high-ctcae-v4") "," OF("glucose") "," OF("yes")) ","
    SCORED("low", "integer", TABLE("glucose-low") "," OF("glucose"))
    "]}";
/* clang-format on */

static struct questionnaire *q;
static struct readings *now, *previous;
static struct alert_hit *hits;
static struct scores scores;

static void
all_begin(void)
{
    char *why;

    for (char *p = definition; *p != '\0'; p++) {
        if (*p == '\'')
            *p = '"';
    }
    int r = questionnaire_compile(definition, sizeof(definition) - 1, NULL, &q, &why);
    sluice_assert(r == QUESTIONNAIRE_OK);
    now = readings_new();
    previous = readings_new();
    hits = mem_new(questionnaire_alerts(q), sizeof(*hits));
}

static size_t
judge(const uint8_t *answers, size_t size, const struct study_rules *study, struct buf *out)
{
    struct score_parameters parameters;

    study_rules_parameters(study, "S01", &parameters);
    readings_take(now, q, answers, size);
    score_compute(q, now, true, &parameters, &scores);
    buf_clear(out);
    int r = scores_write(q, &scores, out);
    sluice_assert(r == BUF_OK);
    sluice_assert(mp_check(out->data, out->size, NODES_MAX) == MP_OK);
    size_t n = alerts_evaluate(q, study, now, &scores, previous, hits);
    sluice_assert(n <= questionnaire_alerts(q));
    return n;
}

static void
answers_judge(const uint8_t *data, size_t size, const struct study_rules *study)
{
    struct buf out, again;

    if (mp_check(data, size, NODES_MAX) != MP_OK)
        return;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    readings_clear(previous, q);
    size_t first = judge(data, size, study, &out);
    sluice_assert(judge(data, size, study, &again) == first);
    sluice_assert(out.size == again.size && memcmp(out.data, again.data, out.size) == 0);
    readings_add_older(previous, data, size);
    readings_add_older(previous, data, size);
    judge(data, size, study, &out);
    buf_deinit(&out);
    buf_deinit(&again);
}

static void
json_judge(const char *text, size_t size)
{
    struct buf out;

    buf_init(&out, 1 << 20);
    if (answers_from_json(text, size, &out) == ANSWERS_JSON_OK) {
        sluice_assert(mp_check(out.data, out.size, out.size + 1) == MP_OK);
        answers_judge(out.data, out.size, NULL);
    }
    buf_deinit(&out);
}

static void
study_judge(const char *text, size_t size)
{
    static const uint8_t answers[] = "\x82\xa1n\x05\xa3yes\xc3";
    struct study_rules *study;
    char *why = NULL;

    if (study_rules_new(text, size, &study, &why) == STUDY_RULES_OK) {
        answers_judge(answers, sizeof(answers) - 1, study);
        study_rules_check(study, q, &why);
        study_rules_free(study);
    }
    free(why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (q == NULL)
        all_begin();
    if (size == 0)
        return 0;
    if (data[0] == 'j')
        json_judge((const char *)data + 1, size - 1);
    else if (data[0] == 's')
        study_judge((const char *)data + 1, size - 1);
    else
        answers_judge(data + 1, size - 1, NULL);
    return 0;
}
