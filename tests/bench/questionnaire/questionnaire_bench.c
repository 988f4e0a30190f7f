/* What judging costs: questionnaire_bench [ROUNDS]. One line for each form: nanoseconds for a form
 * and for an item, of sound answers in the short form and as a QuestionnaireResponse, and of
 * answers that all break a rule. Forms: all types with limits; every second item with enableWhen;
 * repeating groups. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "questionnaire/questionnaire.h"
#include "schemas/wire/mp.h"

#define ROUNDS 2000
#define ITEMS 120
#define CEILING (4 << 20)
#define BASE "http://hl7.org/fhir/StructureDefinition/"

static const struct kind {
    const char *members;
    const char *sound; /* text; NULL: the integer 3 */
} kinds[] = {
    {"\"type\":\"integer\",\"extension\":[{\"url\":\"" BASE "minValue\",\"valueInteger\":0},"
     "{\"url\":\"" BASE "maxValue\",\"valueInteger\":10}]",
     NULL},
    {"\"type\":\"string\",\"maxLength\":60,\"extension\":[{\"url\":\"" BASE
     "regex\",\"valueString\":\"[a-zA-Z ,.]+\"}]",
     "A sentence of some length, as a patient writes it."},
    {"\"type\":\"choice\",\"answerOption\":[{\"valueCoding\":{\"code\":\"never\"}},{"
     "\"valueCoding\":"
     "{\"code\":\"rarely\"}},{\"valueCoding\":{\"code\":\"often\"}},{\"valueCoding\":{\"code\":"
     "\"always\"}}]",
     "always"},
    {"\"type\":\"dateTime\"", "2026-11-22T08:00:00+01:00"},
    {"\"type\":\"quantity\",\"extension\":[{\"url\":\"" BASE
     "questionnaire-unit\",\"valueCoding\":{\"system\":\"http://unitsofmeasure.org\",\"code\":"
     "\"kg\"}},{\"url\":\"http://hl7.org/fhir/uv/sdc/StructureDefinition/"
     "sdc-questionnaire-maxQuantity\",\"valueQuantity\":{\"value\":300,\"system\":"
     "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}]",
     NULL},
    {"\"type\":\"text\"", "Zwei Zeilen,\ndie zweite mit Umlauten: äöü."},
};

enum shape { PLAIN, CONDITIONAL, GROUPS };
static const char *const shape_names[] = {"plain", "conditional", "groups"};

static struct questionnaire *
form_make(enum shape shape)
{
    struct questionnaire *q;
    struct buf b;
    char *why;

    buf_init(&b, CEILING);
    buf_append_str(&b, "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\","
                       "\"version\":\"1\",\"status\":\"active\",\"item\":[");
    if (shape == GROUPS)
        buf_append_str(&b, "{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":true,\"item\":[");
    int n = shape == GROUPS ? ITEMS / 10 : ITEMS;
    for (int i = 0; i < n; i++) {
        buf_printf(&b, "%s{\"linkId\":\"item-%d\",\"required\":true,%s", i > 0 ? "," : "", i,
                   kinds[(size_t)i % ARRAY_LEN(kinds)].members);
        if (shape == CONDITIONAL && i % 2 == 1)
            buf_printf(&b,
                       ",\"enableWhen\":[{\"question\":\"item-%d\",\"operator\":\"exists\","
                       "\"answerBoolean\":true}]",
                       i - 1);
        buf_append_str(&b, "}");
    }
    buf_append_str(&b, shape == GROUPS ? "]}]}" : "]}");
    int r = questionnaire_compile((char *)b.data, b.size, NULL, &q, &why);
    if (r != QUESTIONNAIRE_OK) {
        fprintf(stderr, "%s\n", why);
        exit(EXIT_FAILED);
    }
    buf_deinit(&b);
    return q;
}

static void
items_answer(struct buf *b, int n, bool sound)
{
    char link_id[32];

    mp_put_map(b, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        const char *text = kinds[(size_t)i % ARRAY_LEN(kinds)].sound;
        snprintf(link_id, sizeof(link_id), "item-%d", i);
        mp_put_cstr(b, link_id);
        if (!sound)
            mp_put_bool(b, true);
        else if (text == NULL)
            mp_put_uint(b, 3);
        else
            mp_put_cstr(b, text);
    }
}

static void
answers_make(struct buf *b, enum shape shape, bool sound)
{
    buf_clear(b);
    if (shape != GROUPS) {
        items_answer(b, ITEMS, sound);
        return;
    }
    mp_put_map(b, 1);
    mp_put_cstr(b, "g");
    mp_put_array(b, 10);
    for (int k = 0; k < 10; k++)
        items_answer(b, ITEMS / 10, sound);
}

static void
report(enum shape shape, const char *what, int64_t us, int rounds, size_t findings)
{
    double form_ns = (double)us * 1000 / rounds;

    printf("%-12s %-16s %8.0f ns a form  %6.0f ns an item  %zu findings\n", shape_names[shape],
           what, form_ns, form_ns / ITEMS, findings);
}

static void
shape_run(enum shape shape, int rounds)
{
    struct questionnaire *q = form_make(shape);
    const struct response_head head = {.status = "completed"};
    struct buf answers, resource, out;
    struct findings f;

    findings_init(&f);
    buf_init(&answers, CEILING);
    buf_init(&resource, CEILING);
    buf_init(&out, CEILING);
    for (int sound = 1; sound >= 0; sound--) {
        answers_make(&answers, shape, sound);
        int64_t start = clock_mono_us();
        for (int i = 0; i < rounds; i++) {
            findings_clear(&f);
            questionnaire_check(q, answers.data, answers.size, true, &f);
        }
        report(shape, sound ? "short" : "short, broken", clock_mono_us() - start, rounds, f.n);
    }
    answers_make(&answers, shape, true);
    questionnaire_to_resource(q, answers.data, answers.size, &head, &resource);
    int64_t start = clock_mono_us();
    for (int i = 0; i < rounds; i++) {
        findings_clear(&f);
        buf_clear(&out);
        questionnaire_check_resource(q, resource.data, resource.size, true, &out, &f);
    }
    report(shape, "resource", clock_mono_us() - start, rounds, f.n);
    findings_deinit(&f);
    buf_deinit(&answers);
    buf_deinit(&resource);
    buf_deinit(&out);
    questionnaire_free(q);
}

int
main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;

    if (rounds < 1) {
        fprintf(stderr, "usage: questionnaire_bench [ROUNDS]\n");
        return EXIT_USAGE;
    }
    for (enum shape shape = PLAIN; shape <= GROUPS; shape++)
        shape_run(shape, rounds);
    return EXIT_DONE;
}
