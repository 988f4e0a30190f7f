/* Random definitions with random sound answers: they break nothing, come back unchanged from a
 * QuestionnaireResponse, and after exactly one rule was broken the check names that rule first.
 *
 * A form's tree is drawn once. Its answers are written by a walk whose random numbers depend on a
 * seed alone; the walk passes "spots" where a rule could be broken, and breaks it at the one it was
 * told. So the same seed gives the same answers but for that spot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/literal.h"
#include "tests/unit/questionnaire/answers.h"

#define FORMS 150
#define BREAKS_PER_FORM 12
#define NODES_MAX 40
#define GATES 2
#define DEPTH_MAX 4
#define BASE "http://hl7.org/fhir/StructureDefinition/"

/* What a question may be: members of its definition, sound values, broken ones. */
static const struct kind {
    const char *members;
    const char *good[3];
    struct {
        enum rule rule;
        const char *value; /* NULL: no more */
    } bad[5];
} kinds[] = {
    {"\"type\":\"boolean\"",
     {"true", "false", "true"},
     {{RULE_TYPE, "\"true\""}, {RULE_TYPE, "1"}}},
    {"\"type\":\"integer\",\"extension\":[{\"url\":\"" BASE "minValue\",\"valueInteger\":-5},"
     "{\"url\":\"" BASE "maxValue\",\"valueInteger\":10}]",
     {"-5", "0", "10"},
     {{RULE_TYPE, "1.0"},
      {RULE_TYPE, "99999999999"},
      {RULE_MIN_VALUE, "-6"},
      {RULE_MAX_VALUE, "11"}}},
    {"\"type\":\"decimal\",\"extension\":[{\"url\":\"" BASE
     "maxDecimalPlaces\",\"valueInteger\":2},"
     "{\"url\":\"" BASE "maxValue\",\"valueDecimal\":99.5}]",
     {"1.25", "3", "995e-1"},
     {{RULE_TYPE, "true"},
      {RULE_MAX_DECIMAL_PLACES, "1.250"},
      {RULE_MAX_VALUE, "99.51"},
      {RULE_DIGITS, "0.1234567890123456789"}}},
    {"\"type\":\"string\",\"maxLength\":5,\"extension\":[{\"url\":\"" BASE
     "minLength\",\"valueInteger\":2}]",
     {"\"ab\"", "\"äöüßé\"", "\"a b\""},
     {{RULE_EMPTY, "\"\""},
      {RULE_TYPE, "7"},
      {RULE_LINE_BREAK, "\"a\\nb\""},
      {RULE_MAX_LENGTH, "\"abcdef\""},
      {RULE_MIN_LENGTH, "\"a\""}}},
    {"\"type\":\"text\",\"extension\":[{\"url\":\"" BASE
     "regex\",\"valueString\":\"[a-z\\\\n]+\"}]",
     {"\"two\\nlines\"", "\"x\"", "\"y\""},
     {{RULE_REGEX, "\"UPPER\""}, {RULE_CONTROL_CHARACTER, "\"a\\u0007\""}}},
    {"\"type\":\"date\",\"extension\":[{\"url\":\"" BASE "minValue\",\"valueDate\":\"2026-02\"}]",
     {"\"2026\"", "\"2026-02\"", "\"2026-12-31\""},
     {{RULE_DATE, "\"2026-02-30\""}, {RULE_MIN_VALUE, "\"2026-01-31\""}, {RULE_TYPE, "2026"}}},
    {"\"type\":\"dateTime\"",
     {"\"2026-11-22T08:00:00+01:00\"", "\"2026-11\"", "\"2026-11-22T08:00:00.5Z\""},
     {{RULE_DATE_TIME_ZONE, "\"2026-11-22T08:00:00\""}, {RULE_DATE_TIME, "\"22.11.2026\""}}},
    {"\"type\":\"time\"",
     {"\"08:00:00\"", "\"23:59:59\"", "\"00:00:00\""},
     {{RULE_TIME, "\"8:00\""}}},
    {"\"type\":\"url\"",
     {"\"https://x.example/\"", "\"urn:oid:1.2\"", "\"a\""},
     {{RULE_URI, "\"a b\""}, {RULE_EMPTY, "\"\""}}},
    {"\"type\":\"choice\",\"answerOption\":[{\"valueCoding\":{\"system\":\"s1\",\"code\":\"a\"}},"
     "{\"valueCoding\":{\"system\":\"s1\",\"code\":\"x\"}},{\"valueCoding\":{\"system\":\"s2\","
     "\"code\":\"x\"}},{\"valueCoding\":{\"display\":\"no code\"}}]",
     {"\"a\"", "{\"system\":\"s2\",\"code\":\"x\"}", "{\"display\":\"no code\"}"},
     {{RULE_OPTION, "\"b\""},
      {RULE_OPTION_AMBIGUOUS, "\"x\""},
      {RULE_TYPE, "true"},
      {RULE_OPTION, "{\"system\":\"s3\",\"code\":\"x\"}"}}},
    {"\"type\":\"open-choice\",\"answerOption\":[{\"valueString\":\"a\"},{\"valueString\":\"b\"}]",
     {"\"a\"", "{\"text\":\"free\"}", "\"b\""},
     {{RULE_OPTION, "\"c\""}, {RULE_TYPE, "{\"text\":\"a\",\"code\":\"a\"}"}}},
    {"\"type\":\"integer\",\"answerOption\":[{\"valueInteger\":1},{\"valueInteger\":3}]",
     {"1", "3", "1"},
     {{RULE_OPTION, "2"}}},
    {"\"type\":\"quantity\",\"extension\":[{\"url\":\"" BASE
     "questionnaire-unit\",\"valueCoding\":{\"system\":\"http://unitsofmeasure.org\","
     "\"code\":\"kg\"}},{\"url\":\"http://hl7.org/fhir/uv/sdc/StructureDefinition/"
     "sdc-questionnaire-maxQuantity\",\"valueQuantity\":{\"value\":300,\"system\":"
     "\"http://unitsofmeasure.org\",\"code\":\"kg\"}}]",
     {"72.5", "{\"value\":150,\"code\":\"[lb_av]\"}", "300"},
     {{RULE_UNIT, "{\"value\":1,\"code\":\"m\"}"},
      {RULE_MAX_QUANTITY, "300.1"},
      {RULE_MAX_QUANTITY, "{\"value\":300001,\"code\":\"g\"}"},
      {RULE_TYPE, "\"72\""},
      {RULE_COMPARATOR, "{\"value\":1,\"comparator\":\">\"}"}}},
    {"\"type\":\"reference\"",
     {"{\"reference\":\"Patient/1\"}", "{\"reference\":\"#x\"}",
      "{\"identifier\":{\"value\":\"1\"}}"},
     {{RULE_REFERENCE, "{\"reference\":\"Nobody/1\"}"}, {RULE_TYPE, "\"Patient/1\""}}},
    {"\"type\":\"attachment\"",
     {"{\"contentType\":\"text/plain\",\"data\":\"QUI=\",\"size\":2}",
      "{\"url\":\"https://x.example/f\"}", "{\"contentType\":\"a/b\",\"data\":\"QUJD\"}"},
     {{RULE_ATTACHMENT, "{\"data\":\"QUJD\"}"},
      {RULE_ATTACHMENT_SIZE, "{\"contentType\":\"a/b\",\"data\":\"QUJD\",\"size\":2}"}}},
};

struct node {
    int parent, end; /* as in item.h */
    int kind;        /* −1: a group */
    int gate;        /* −1: none */
    bool wants;      /* what the gate must say */
    bool repeats, required;
    int max_occurs, min_occurs; /* 0: none */
};

static struct {
    struct node nodes[NODES_MAX];
    int n;
} form;

static uint64_t seed;

static unsigned
draw(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 16) % below);
}

static void
tree_draw(int parent, int depth, int room)
{
    while (form.n < NODES_MAX && room-- > 0) {
        int at = form.n++;
        struct node *x = &form.nodes[at];
        bool group = depth < DEPTH_MAX && draw(4) == 0;
        *x = (struct node){.parent = parent,
                           .kind = group ? -1 : (int)draw(ARRAY_LEN(kinds)),
                           .gate = draw(3) == 0 ? (int)draw(GATES) : -1,
                           .wants = draw(2) == 0,
                           .repeats = draw(3) == 0};
        x->required = !group && draw(2) == 0;
        if (x->repeats && draw(2) == 0) {
            x->min_occurs = draw(2) == 0 ? 2 : 0;
            x->max_occurs = 3;
        }
        if (depth < DEPTH_MAX && (group || draw(6) == 0))
            tree_draw(at, depth + 1, (int)draw(4) + group);
        form.nodes[at].end = form.n;
    }
}

static void
items_define(struct buf *b, int from, int to)
{
    for (int i = from; i < to; i = form.nodes[i].end) {
        const struct node *x = &form.nodes[i];
        const char *members = x->kind < 0 ? "\"type\":\"group\"" : kinds[x->kind].members;
        const char *list = strstr(members, "\"extension\":[");
        size_t head = list != NULL ? (size_t)(list - members) : strlen(members);
        buf_printf(b, "%s{\"linkId\":\"i%d\",", i > from ? "," : "", i);
        buf_append(b, members, head);
        if (list == NULL)
            buf_append_str(b, ",");
        buf_append_str(b, "\"extension\":[");
        if (x->max_occurs > 0)
            buf_printf(b, "{\"url\":\"" BASE "questionnaire-maxOccurs\",\"valueInteger\":%d},",
                       x->max_occurs);
        buf_printf(b, "{\"url\":\"" BASE "questionnaire-%s\",%s}%s",
                   x->min_occurs > 0 ? "minOccurs" : "hidden",
                   x->min_occurs > 0 ? "\"valueInteger\":2" : "\"valueBoolean\":false",
                   list != NULL ? "," : "]");
        if (list != NULL)
            buf_append_str(b, list + strlen("\"extension\":["));
        buf_printf(b, ",\"repeats\":%s,\"required\":%s", x->repeats ? "true" : "false",
                   x->required ? "true" : "false");
        if (x->gate >= 0)
            buf_printf(b,
                       ",\"enableWhen\":[{\"question\":\"gate%d\",\"operator\":\"=\","
                       "\"answerBoolean\":%s}]",
                       x->gate, x->wants ? "true" : "false");
        if (x->end > i + 1) {
            buf_append_str(b, ",\"item\":[");
            items_define(b, i + 1, x->end);
            buf_append_str(b, "]");
        }
        buf_append_str(b, "}");
    }
}

/* The walk over the answers. */
static struct {
    bool gates[GATES];
    int spot, wanted; /* passed so far; the one to break, or −1 */
    enum rule broken; /* by it */
} walk;

/* True at the spot that is to be broken. */
static bool
spot(enum rule rule)
{
    if (walk.spot++ != walk.wanted)
        return false;
    walk.broken = rule;
    return true;
}

static bool members_write(struct buf *b, int from, int to, bool enabled, bool any);

static void
answer_write(struct buf *b, const struct node *x, int i)
{
    const struct kind *kind = &kinds[x->kind];
    const char *value = kind->good[draw(3)];

    for (size_t k = 0; k < ARRAY_LEN(kind->bad) && kind->bad[k].value != NULL; k++) {
        if (spot(kind->bad[k].rule))
            value = kind->bad[k].value;
    }
    if (x->end == i + 1) {
        buf_append_str(b, value);
        return;
    }
    struct buf items;
    buf_init(&items, 1 << 20);
    bool any = members_write(&items, i + 1, x->end, true, false);
    buf_append(&items, "", 1);
    if (any)
        buf_printf(b, "{\"value\":%s,\"items\":{%s}}", value, (char *)items.data);
    else
        buf_append_str(b, value);
    buf_deinit(&items);
}

static int
times_draw(const struct node *x, bool group)
{
    int least = x->min_occurs > 0 ? x->min_occurs : 1, n = least + (int)draw(2);

    /* One less or more than allowed; what is written is the same kind of thing. */
    if (x->min_occurs > 0 && (!x->required || least > 1) && spot(RULE_MIN_OCCURS))
        return 1;
    if (x->max_occurs > 0 && spot(RULE_MAX_OCCURS))
        return x->max_occurs + 1;
    (void)group;
    return n;
}

static void
question_write(struct buf *b, const struct node *x, int i)
{
    if (!x->repeats) {
        bool list = spot(RULE_REPEATS);
        buf_append_str(b, list ? "[" : "");
        answer_write(b, x, i);
        buf_append_str(b, list ? "]" : "");
        return;
    }
    int n = times_draw(x, false);
    for (int k = 0; k < n; k++) {
        buf_append_str(b, k > 0 ? "," : "[");
        answer_write(b, x, i);
    }
    buf_append_str(b, "]");
}

static void
key_write(struct buf *b, int i, bool *any)
{
    buf_printf(b, "%s\"i%d\":", *any ? "," : "", i);
    *any = true;
}

/* What stands below from…to in one map; true if any member does. */
static bool
members_write(struct buf *b, int from, int to, bool enabled, bool any)
{
    if (enabled && spot(RULE_UNKNOWN_ITEM)) {
        buf_printf(b, "%s\"stranger\":1", any ? "," : "");
        any = true;
    }
    for (int i = from; i < to; i = form.nodes[i].end) {
        const struct node *x = &form.nodes[i];
        bool on = enabled && (x->gate < 0 || walk.gates[x->gate] == x->wants);
        if (x->kind < 0 && !x->repeats) {
            any = members_write(b, i + 1, x->end, on, any);
        } else if (x->kind < 0 && on) {
            key_write(b, i, &any);
            int n = times_draw(x, true);
            for (int k = 0; k < n; k++) {
                buf_append_str(b, k > 0 ? ",{" : "[{");
                members_write(b, i + 1, x->end, true, false);
                buf_append_str(b, "}");
            }
            buf_append_str(b, "]");
        } else if (x->kind >= 0 && !on) {
            if (spot(RULE_DISABLED)) {
                key_write(b, i, &any);
                buf_append_str(b, kinds[x->kind].good[0]);
            }
        } else if (x->kind >= 0) {
            bool needed = x->required || x->min_occurs > 0;
            unsigned say = needed ? 9 : draw(10);
            if (x->required && spot(RULE_REQUIRED))
                continue;
            if (say == 0)
                continue;
            key_write(b, i, &any);
            if (say == 1)
                buf_append_str(b, "null");
            else
                question_write(b, x, i);
        }
    }
    return any;
}

/* Sound answers, or with one rule broken; the seed says which ones. */
static const char *
answers_write(struct buf *b, uint64_t from_seed, int wanted)
{
    bool any = false;

    seed = from_seed;
    walk.spot = 0;
    walk.wanted = wanted;
    buf_clear(b);
    buf_append_str(b, "{");
    for (int i = 0; i < GATES; i++) {
        walk.gates[i] = draw(2) == 0;
        buf_printf(b, "%s\"gate%d\":%s", any ? "," : "", i, walk.gates[i] ? "true" : "false");
        any = true;
    }
    members_write(b, 0, form.n, true, any);
    buf_append_str(b, "}");
    buf_append(b, "", 1);
    return (const char *)b->data;
}

static struct questionnaire *
form_draw(struct buf *b)
{
    form.n = 0;
    tree_draw(-1, 1, 6);
    buf_clear(b);
    buf_append_str(b, "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\","
                      "\"version\":\"1\",\"status\":\"active\",\"item\":[");
    for (int i = 0; i < GATES; i++)
        buf_printf(b, "{\"linkId\":\"gate%d\",\"type\":\"boolean\"},", i);
    items_define(b, 0, form.n);
    buf_append_str(b, "]}");
    buf_append(b, "", 1);
    return answers_definition((const char *)b->data);
}

static void
resource_roundtrip(struct questionnaire *q, const char *json)
{
    const struct response_head head = {.questionnaire = "https://x.example/q|1",
                                       .status = "completed"};
    struct buf input, resource, answers, again;
    struct findings f;

    buf_init(&input, 1 << 22);
    buf_init(&resource, 1 << 22);
    buf_init(&answers, 1 << 22);
    buf_init(&again, 1 << 22);
    findings_init(&f);
    answers_pack_text(&input, json);
    assert_int_equal(questionnaire_to_resource(q, input.data, input.size, &head, &resource),
                     BUF_OK);
    questionnaire_check_resource(q, resource.data, resource.size, true, &answers, &f);
    if (f.n > 0)
        fail_msg("%s: as a resource %s at %s", json, rule_code(f.items[0].rule),
                 finding_pointer(&f, &f.items[0]));
    questionnaire_to_resource(q, answers.data, answers.size, &head, &again);
    json_t *before = answers_unpack(input.data, input.size);
    json_t *after = answers_unpack(answers.data, answers.size);
    if (!json_equal(before, after)) {
        char *text = literal_dump(after);
        fail_msg("%s came back as %s", json, text);
    }
    assert_int_equal(again.size, resource.size);
    assert_memory_equal(again.data, resource.data, resource.size);
    json_decref(before);
    json_decref(after);
    findings_deinit(&f);
    buf_deinit(&input);
    buf_deinit(&resource);
    buf_deinit(&answers);
    buf_deinit(&again);
}

static void
one_broken_rule_is_named_first(void **state)
{
    const char *from = getenv("SLUICE_TEST_SEED");
    uint64_t start = from != NULL ? strtoull(from, NULL, 10) : 20261122;
    struct buf definition, answers;
    size_t broken[RULE_COUNT] = {0};

    (void)state;
    printf("SLUICE_TEST_SEED=%llu\n", (unsigned long long)start);
    buf_init(&definition, 1 << 22);
    buf_init(&answers, 1 << 22);
    for (uint64_t n = 0; n < FORMS; n++) {
        struct answers_said said;
        seed = (start + n) * 0x9e3779b97f4a7c15u | 1;
        struct questionnaire *q = form_draw(&definition);
        uint64_t own = seed;
        answers_judge(q, answers_write(&answers, own, -1), true, &said);
        if (said.findings.n > 0)
            fail_msg("%s\n%s breaks\n%s", (char *)definition.data, (char *)answers.data,
                     said.broken);
        answers_said_free(&said);
        resource_roundtrip(q, (const char *)answers.data);
        int spots = walk.spot;
        for (int k = 0; k < BREAKS_PER_FORM; k++) {
            uint64_t other = (own ^ (uint64_t)k) * 0x9e3779b97f4a7c15u >> 20;
            const char *json = answers_write(&answers, own, (int)(other % (uint64_t)spots));
            answers_judge(q, json, true, &said);
            broken[walk.broken]++;
            if (said.findings.n == 0 || said.findings.items[0].rule != walk.broken)
                fail_msg("%s\n%s: not %s first but\n%s", (char *)definition.data, json,
                         rule_code(walk.broken), said.broken);
            answers_said_free(&said);
        }
        questionnaire_free(q);
    }
    for (enum rule rule = 0; rule < RULE_COUNT; rule++) {
        if (broken[rule] > 0)
            printf("%s %zu\n", rule_code(rule), broken[rule]);
    }
    /* The draw reaches what it should. */
    static const enum rule wanted[] = {RULE_UNKNOWN_ITEM, RULE_TYPE,       RULE_DISABLED,
                                       RULE_REQUIRED,     RULE_REPEATS,    RULE_MIN_OCCURS,
                                       RULE_MAX_OCCURS,   RULE_MAX_LENGTH, RULE_OPTION,
                                       RULE_MAX_QUANTITY, RULE_UNIT,       RULE_REGEX};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        if (broken[wanted[i]] == 0)
            fail_msg("%s was never drawn", rule_code(wanted[i]));
    }
    buf_deinit(&definition);
    buf_deinit(&answers);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_broken_rule_is_named_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
