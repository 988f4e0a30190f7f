/* What a large or hostile definition costs: CPU time within what doc/fhir-support.md states, also
 * under sanitizers. */
#include <time.h>

#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"

#define CPU_MS_MAX 5000 /* with sanitizers on a slow machine; plain builds stay below a second */

struct text {
    char *data;
    size_t size, room;
};

static void __attribute__((format(printf, 2, 3))) put(struct text *t, const char *fmt, ...)
{
    va_list args;

    if (t->room - t->size < 4096) {
        t->room = t->room * 2 + 65536;
        t->data = mem_grow(t->data, t->room, 1);
    }
    va_start(args, fmt);
    t->size += (size_t)vsnprintf(t->data + t->size, t->room - t->size, fmt, args);
    va_end(args);
}

/* Compiles and frees it; returns the outcome. */
static int
compile_within(struct text *t, const char *what)
{
    struct questionnaire *q = NULL;
    char *why = NULL;
    clock_t start = clock();
    int n = definition_compile(t->data, NULL, &q, &why);
    long ms = (long)((clock() - start) * 1000 / CLOCKS_PER_SEC);

    print_message("%s: %zu bytes, %ld ms, %s\n", what, t->size, ms,
                  n == QUESTIONNAIRE_OK ? "taken" : why);
    assert_true(ms < CPU_MS_MAX);
    if (n == QUESTIONNAIRE_OK)
        questionnaire_free(q);
    free(why);
    free(t->data);
    return n;
}

static void
five_thousand_items_with_everything(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','status':'active','item':[");
    put(&t, "{'linkId':'i0','text':'t','type':'choice','answerOption':[{'valueString':'x'}]}");
    for (int i = 1; i < 5000; i++) {
        put(&t, ",{'linkId':'i%d','text':'Question %d','type':'choice','required':true,", i, i);
        put(&t, "'enableBehavior':'any','enableWhen':[");
        for (int j = 1; j <= 3; j++)
            put(&t, "%s{'question':'i%d','operator':'=','answerString':'x'}", j > 1 ? "," : "",
                i / (j + 1));
        put(&t, "],'answerOption':[");
        for (int j = 0; j < 10; j++)
            put(&t,
                "%s{'valueString':'%c','extension':[{'url':'" HL7
                "ordinalValue','valueDecimal':%d.5}]}",
                j > 0 ? "," : "", 'o' + j, j);
        put(&t, "]}");
    }
    put(&t, "]}");
    assert_int_equal(compile_within(&t, "5,000 items"), QUESTIONNAIRE_OK);
}

static void
a_chain_of_conditions_and_the_circle_that_closes_it(void **state)
{
    (void)state;
    for (int circle = 0; circle < 2; circle++) {
        struct text t = {NULL, 0, 0};
        put(&t, "{'resourceType':'Questionnaire','status':'active','item':[");
        for (int i = 0; i < QUESTIONNAIRE_ITEMS_MAX; i++) {
            bool last = i == QUESTIONNAIRE_ITEMS_MAX - 1;
            put(&t, "%s{'linkId':'i%d','text':'t','type':'boolean'", i > 0 ? "," : "", i);
            if (!last || circle)
                put(&t, ",'enableWhen':[{'question':'i%d','operator':'=','answerBoolean':true}]",
                    last ? 0 : i + 1);
            put(&t, "}");
        }
        put(&t, "]}");
        assert_int_equal(compile_within(&t, circle ? "a circle of 10,000" : "a chain of 10,000"),
                         circle ? QUESTIONNAIRE_REFUSED : QUESTIONNAIRE_OK);
    }
}

static void
many_conditions_on_one_question(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','status':'active','item':["
            "{'linkId':'a','text':'t','type':'integer'},"
            "{'linkId':'b','text':'t','type':'string','enableBehavior':'any','enableWhen':[");
    for (int i = 0; i < 50000; i++)
        put(&t, "%s{'question':'a','operator':'=','answerInteger':%d}", i > 0 ? "," : "", i);
    put(&t, "]}]}");
    assert_int_equal(compile_within(&t, "50,000 conditions"), QUESTIONNAIRE_OK);
}

/* Options that are all alike are the worst case of the table of options. */
static void
options_at_the_bound(void **state)
{
    (void)state;
    for (int variant = 0; variant < 3; variant++) {
        struct text t = {NULL, 0, 0};
        int n = QUESTIONNAIRE_OPTIONS_MAX + (variant == 2);
        put(&t, "{'resourceType':'Questionnaire','status':'active','item':["
                "{'linkId':'a','text':'t','type':'choice','answerOption':[");
        for (int i = 0; i < n; i++)
            put(&t, "%s{'valueCoding':{'system':'s%d','code':'%d'}}", i > 0 ? "," : "", i,
                variant == 1 ? 0 : i);
        put(&t, "]}]}");
        assert_int_equal(compile_within(&t, variant == 1 ? "100,000 codes alike" : "100,000 codes"),
                         variant == 2 ? QUESTIONNAIRE_REFUSED : QUESTIONNAIRE_OK);
    }
}

/* Each item names a value set of its own, and each set is the same whole code system. */
static void
value_sets_that_multiply(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','status':'active','contained':["
            "{'resourceType':'CodeSystem','url':'s','concept':[{'code':'a'}");
    for (int i = 0; i < 10000; i++)
        put(&t, ",{'code':'c%d'}", i);
    put(&t, "]}");
    for (int i = 0; i < 1000; i++)
        put(&t, ",{'resourceType':'ValueSet','id':'v%d','compose':{'include':[{'system':'s'}]}}",
            i);
    put(&t, "],'item':[{'linkId':'a','text':'t','type':'display'}");
    for (int i = 0; i < 1000; i++)
        put(&t, ",{'linkId':'i%d','text':'t','type':'choice','answerValueSet':'#v%d'}", i, i);
    put(&t, "]}");
    assert_int_equal(compile_within(&t, "1,000 sets of 10,000 codes"), QUESTIONNAIRE_REFUSED);
}

/* Each pattern compiles to nearly what PCRE2 allows one; all differ. */
static void
patterns_that_swell(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','status':'active','item':["
            "{'linkId':'a','text':'t','type':'display'}");
    for (int i = 0; i < 2000; i++)
        put(&t,
            ",{'linkId':'i%d','text':'t','type':'string','extension':[{'url':'" HL7
            "regex','valueString':'(?:(a|%d){60}){50}'}]}",
            i, i);
    put(&t, "]}");
    assert_int_equal(compile_within(&t, "2,000 patterns"), QUESTIONNAIRE_REFUSED);
}

static void
patterns_that_nest(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','status':'active','item':[{'linkId':'a','text':'t',"
            "'type':'string','extension':[{'url':'" HL7 "regex','valueString':'");
    for (int i = 0; i < 200; i++)
        put(&t, "(");
    put(&t, "a");
    for (int i = 0; i < 200; i++)
        put(&t, "){1,9}");
    put(&t, "'}]}]}");
    assert_int_equal(compile_within(&t, "a pattern 200 deep"), QUESTIONNAIRE_REFUSED);
}

static void
json_that_nests(void **state)
{
    struct text t = {NULL, 0, 0};

    (void)state;
    put(&t, "{'resourceType':'Questionnaire','item':");
    for (int i = 0; i < 100000; i++)
        put(&t, "[");
    assert_int_equal(compile_within(&t, "100,000 brackets"), QUESTIONNAIRE_REFUSED);
}

static void
bytes_are_bounded(void **state)
{
    struct questionnaire *q = NULL;
    char *why = NULL, *json = mem_new(QUESTIONNAIRE_BYTES_MAX + 1, 1);
    char *form = quoted(Q(ITEM("a", "string", "")));

    (void)state;
    memset(json, ' ', QUESTIONNAIRE_BYTES_MAX + 1);
    memcpy(json, form, strlen(form));
    assert_int_equal(questionnaire_compile(json, QUESTIONNAIRE_BYTES_MAX, NULL, &q, &why),
                     QUESTIONNAIRE_OK);
    questionnaire_free(q);
    assert_int_equal(questionnaire_compile(json, QUESTIONNAIRE_BYTES_MAX + 1, NULL, &q, &why),
                     QUESTIONNAIRE_REFUSED);
    assert_non_null(strstr(why, "larger than"));
    free(why);
    free(json);
    free(form);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_thousand_items_with_everything),
        cmocka_unit_test(a_chain_of_conditions_and_the_circle_that_closes_it),
        cmocka_unit_test(many_conditions_on_one_question),
        cmocka_unit_test(options_at_the_bound),
        cmocka_unit_test(value_sets_that_multiply),
        cmocka_unit_test(patterns_that_swell),
        cmocka_unit_test(patterns_that_nest),
        cmocka_unit_test(json_that_nests),
        cmocka_unit_test(bytes_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
