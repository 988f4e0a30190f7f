/* Value sets, contained and loaded: which codes they give, and which are refused or open. */
#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"

#define SET(content)                                                                               \
    "{'resourceType':'ValueSet','id':'v','url':'http://v','version':'2'," content "}"
#define CONTAINED(resources, item)                                                                 \
    "{'resourceType':'Questionnaire','status':'active','contained':[" resources "],'item':[" item  \
    "]}"
#define BOUND(canonical) ITEM("a", "choice", ",'answerValueSet':'" canonical "'")
#define COMPOSE(includes) "'compose':{'include':[" includes "]}"
#define CODES                                                                                      \
    "{'resourceType':'CodeSystem','url':'s','concept':[{'code':'x','extension':[{'url':'" HL7      \
    "ordinalValue','valueDecimal':1.5}],'concept':[{'code':'y','display':'Why'}]}]}"

/* {contained resources, name, codes that are right, a code that is not} */
static const struct {
    const char *text, *codes[4], *other;
} good[] = {
    {CONTAINED(SET(COMPOSE("{'system':'s','concept':[{'code':'x'},{'code':'y'}]}")), BOUND("#v")),
     {"x", "y"},
     "z"},
    {CONTAINED(SET(COMPOSE("{'system':'s','concept':[{'code':'x'}]}")), BOUND("http://v")),
     {"x"},
     "y"},
    {CONTAINED(SET(COMPOSE("{'system':'s','concept':[{'code':'x'}]}")), BOUND("http://v|2")),
     {"x"},
     "y"},
    {CONTAINED(SET("'compose':{'include':[{'system':'s','concept':[{'code':'x'},{'code':'y'}]}],"
                   "'exclude':[{'system':'s','concept':[{'code':'y'}]}]}"),
               BOUND("#v")),
     {"x"},
     "y"},
    {CONTAINED(SET("'expansion':{'contains':[{'abstract':true,'code':'top','contains':["
                   "{'system':'s','code':'x'},{'system':'s','code':'old','inactive':true}]}]}"),
               BOUND("#v")),
     {"x"},
     "old"},
    {CONTAINED(CODES "," SET(COMPOSE("{'system':'s'}")), BOUND("#v")), {"x", "y"}, "z"},
    /* Ten codes: by the table, not by a walk. */
    {CONTAINED(SET(COMPOSE("{'concept':[{'code':'0'},{'code':'1'},{'code':'2'},{'code':'3'},"
                           "{'code':'4'},{'code':'5'},{'code':'6'},{'code':'7'},{'code':'8'},"
                           "{'code':'x'}]}")),
               BOUND("#v")),
     {"x", "0", "8"},
     "9"},
};

static void
codes_that_are_written_out_are_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct questionnaire *q = definition_good(good[i].text, NULL);
        const struct option_set *set = q->items[0].set;
        for (const char *const *code = good[i].codes; *code != NULL; code++)
            assert_int_not_equal(option_find(set, *code, strlen(*code)), OPTION_NONE);
        assert_int_equal(option_find(set, good[i].other, strlen(good[i].other)), OPTION_NONE);
        assert_int_equal(q->items[0].n_options, set->n);
        questionnaire_free(q);
    }
}

/* clang-format off */
static const struct refusal refusals[] = {
    {CONTAINED("", BOUND("#v")), "item 'a': answerValueSet #v: it is not contained"},
    {CONTAINED("", BOUND("http://v")), "item 'a': answerValueSet http://v: it is not loaded"},
    {CONTAINED(SET(COMPOSE("")), BOUND("http://v|3")), "http://v|3: it is not loaded"},
    {CONTAINED(SET(COMPOSE("")), BOUND("#v")), "#v: it has no codes"},
    {CONTAINED(SET(COMPOSE("{'concept':[{'display':'x'}]}")), BOUND("#v")),
     "#v: it has a concept without a code"},
    {CONTAINED(SET(COMPOSE("{'concept':[{'code':'x'" EXTS(EXT(HL7 "ordinalValue",
     "'valueString':'1'")) "}]}")), BOUND("#v")), "#v: the weight of 'x' is no decimal"},
    {CONTAINED(SET("'expansion':{'contains':[{'code':''},{'code':'x'}]}"), BOUND("#v")),
     "#v: it has a concept without a code"},
};
/* clang-format on */

/* n levels of expansion.contains, one code in each. */
static int
nested_try(int n)
{
    char text[8192], *p = text;
    struct questionnaire *q = NULL;
    char *why = NULL;

    p += sprintf(p, "{'resourceType':'Questionnaire','contained':[{'resourceType':'ValueSet',"
                    "'id':'v','expansion':{");
    for (int i = 0; i < n; i++)
        p += sprintf(p, "%s'contains':[{'code':'c%d'", i > 0 ? "," : "", i);
    for (int i = 0; i < n; i++)
        p += sprintf(p, "}]");
    sprintf(p, "}}],'item':[" BOUND("#v") "]}");
    int outcome = definition_compile(text, NULL, &q, &why);
    if (outcome == QUESTIONNAIRE_OK) {
        assert_int_equal(q->items[0].n_options, n);
        questionnaire_free(q);
    } else {
        assert_non_null(strstr(why, "nested deeper"));
    }
    free(why);
    return outcome;
}

static void
nesting_of_an_expansion_is_bounded(void **state)
{
    (void)state;
    assert_int_equal(nested_try(32), QUESTIONNAIRE_OK);
    assert_int_equal(nested_try(33), QUESTIONNAIRE_REFUSED);
}

/* clang-format off */
static const struct refusal open[] = {
    {CONTAINED(SET(COMPOSE("{'system':'s'}")), BOUND("#v")),
     "'answerValueSet' can't be evaluated"},
    {CONTAINED(SET(COMPOSE("{'system':'s','filter':[{}]}")), BOUND("#v")), "can't be evaluated"},
    {CONTAINED(SET(COMPOSE("{'valueSet':['http://w']}")), BOUND("#v")), "can't be evaluated"},
    {CONTAINED(SET("'implicitRules':'x'," COMPOSE("{'concept':[{'code':'x'}]}")), BOUND("#v")),
     "can't be evaluated"},
    {CONTAINED(SET(
     "'compose':{'include':[{'concept':[{'code':'x'}]}],'exclude':[{'system':'s'}]}"), BOUND(
     "#v")), "can't be evaluated"},
    {CONTAINED(SET("'expansion':{'total':2,'contains':[{'code':'x'}]}"), BOUND("#v")),
     "can't be evaluated"},
};
/* clang-format on */

static void
unsound_sets_are_refused_even_unchecked(void **state)
{
    const struct questionnaire_options unchecked = {.unchecked = true};

    (void)state;
    refusals_check(refusals, ARRAY_LEN(refusals), NULL);
    refusals_check(refusals, ARRAY_LEN(refusals), &unchecked);
}

static void
open_sets_are_refused_or_flagged(void **state)
{
    const struct questionnaire_options unchecked = {.unchecked = true};

    (void)state;
    refusals_check(open, ARRAY_LEN(open), NULL);
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        struct questionnaire *q = definition_good(open[i].text, &unchecked);
        assert_true(q->items[0].unverified);
        assert_null(q->items[0].set);
        questionnaire_free(q);
    }
}

static const char weights[] = CONTAINED(
    CODES, ITEM("a", "choice",
                ",'answerOption':[{'valueCoding':{'system':'s','code':'x'}},"
                "{'valueCoding':{'system':'s','code':'y'" EXTS(EXT(
                    HL7 "itemWeight",
                    "'valueDecimal':2")) "}},"
                                         "{'valueCoding':{'system':'s','code':'z'" EXTS(EXT(
                                             HL7 "itemWeight",
                                             "'valueDecimal':2")) "}" EXTS(EXT(HL7 "ordinalValue",
                                                                               "'valueDecimal':3."
                                                                               "25")) "},"
                                                                                      "{'"
                                                                                      "valueCoding'"
                                                                                      ":{'code':'x'"
                                                                                      "}},{'"
                                                                                      "valueInteger"
                                                                                      "':4}]"));

static void
weights_come_from_option_coding_or_concept(void **state)
{
    static const char *const expected[] = {"1.5", "2", "3.25", "", ""};
    struct questionnaire *q = definition_good(weights, NULL);
    struct questionnaire_option o;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        questionnaire_option(q, 0, i, &o);
        assert_string_equal(o.weight, expected[i]);
    }
    assert_string_equal(o.code, "4");
    /* Two options with code x: one after the other. */
    assert_int_equal(option_find(q->items[0].set, "x", 1), 0);
    assert_int_equal(q->items[0].options[0].next_alike, 3);
    questionnaire_free(q);
}

struct shelf {
    const char *canonical;
    char *json;
    unsigned asked;
};

static bool
shelf_look(void *arg, const char *canonical, const char **ret_json, size_t *ret_len)
{
    struct shelf *shelf = arg;

    shelf->asked++;
    if (strcmp(canonical, shelf->canonical) != 0)
        return false;
    *ret_json = shelf->json;
    *ret_len = strlen(shelf->json);
    return true;
}

static void
a_loaded_set_is_asked_for_once_and_shared(void **state)
{
    struct shelf shelf = {"http://v", quoted(SET(COMPOSE("{'concept':[{'code':'x'}]}"))), 0};
    struct questionnaire_options options = {.valueset = shelf_look, .arg = &shelf};
    struct questionnaire *q = definition_good(
        Q(BOUND("http://v") "," ITEM("b", "string", ",'answerValueSet':'http://v'") "," ITEM(
            "u", "quantity",
            EXTS(EXT(HL7 "questionnaire-unitValueSet", "'valueCanonical':'http://v'")))),
        &options);

    (void)state;
    memset(shelf.json, '#', strlen(shelf.json)); /* it is the lender's again */
    assert_int_equal(shelf.asked, 1);
    assert_ptr_equal(q->items[0].set, q->items[1].set);
    assert_string_equal(q->items[0].options[0].code, "x");
    assert_int_equal(q->items[2].n_units, 1);
    assert_string_equal(q->items[2].units[0].code, "x");
    questionnaire_free(q);
    free(shelf.json);
}

static void
a_loaded_set_that_is_none_is_refused(void **state)
{
    static const char *const texts[] = {"{", "{'resourceType':'CodeSystem'}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct shelf shelf = {"http://v", quoted(texts[i]), 0};
        struct questionnaire_options options = {.valueset = shelf_look, .arg = &shelf};
        const struct refusal row = {Q(BOUND("http://v")),
                                    "item 'a': answerValueSet http://v: it is no"};
        refusals_check(&row, 1, &options);
        free(shelf.json);
    }
}

static void
sets_are_checked_by_themselves(void **state)
{
    static const struct {
        const char *text, *canonical, *why;
    } rows[] = {
        {SET(COMPOSE("{'concept':[{'code':'x'}]}")), "http://v|2", NULL},
        {"{'resourceType':'ValueSet','url':'http://w'," COMPOSE("{'concept':[{'code':'x'}]}") "}",
         "http://w", NULL},
        {"{'resourceType':'ValueSet'," COMPOSE("{'concept':[{'code':'x'}]}") "}", NULL, "no url"},
        {SET(COMPOSE("{'system':'s'}")), NULL, "all of a code system"},
        {"{'resourceType':'Patient','url':'http://v'}", NULL, "no ValueSet"},
        {"[", NULL, "line 1"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *json = quoted(rows[i].text), *canonical = NULL, *why = NULL;
        int n = questionnaire_valueset_check(json, strlen(json), &canonical, &why);
        assert_int_equal(n, rows[i].why == NULL ? QUESTIONNAIRE_OK : QUESTIONNAIRE_REFUSED);
        if (n == QUESTIONNAIRE_OK)
            assert_string_equal(canonical, rows[i].canonical);
        else if (strstr(why, rows[i].why) == NULL)
            fail_msg("%s: %s", rows[i].text, why);
        free(json);
        free(canonical);
        free(why);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_that_are_written_out_are_options),
        cmocka_unit_test(nesting_of_an_expansion_is_bounded),
        cmocka_unit_test(unsound_sets_are_refused_even_unchecked),
        cmocka_unit_test(open_sets_are_refused_or_flagged),
        cmocka_unit_test(weights_come_from_option_coding_or_concept),
        cmocka_unit_test(a_loaded_set_is_asked_for_once_and_shared),
        cmocka_unit_test(a_loaded_set_that_is_none_is_refused),
        cmocka_unit_test(sets_are_checked_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
