/* The flat form's frame: parents, scopes and ends, and what the outside sees of items and options.
 */
#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"

/* g holds a and the repeating r; r holds b and the question c, below which stands d; then e. */
static const char nested[] =
    Q(ITEM("g", "group",
           ",'item':[" ITEM("a", "string", "") "," ITEM(
               "r", "group",
               ",'repeats':true,'item':[" ITEM("b", "string", "") "," ITEM(
                   "c", "boolean",
                   ",'item':[" ITEM("d", "string", "") "]") "]") "]") "," ITEM("e", "string", ""));

enum { G, A, R, B, C, D, E };

static const struct {
    uint32_t parent, scope, end, next, first, last;
} frames[] = {
    [G] = {ITEM_NONE, ITEM_NONE, 6, A, ITEM_NONE, ITEM_NONE},
    [A] = {G, ITEM_NONE, 2, R, ITEM_NONE, ITEM_NONE},
    [R] = {G, ITEM_NONE, 6, E, B, C},
    [B] = {R, R, 4, C, ITEM_NONE, ITEM_NONE},
    [C] = {R, R, 6, ITEM_NONE, D, D},
    [D] = {C, C, 6, ITEM_NONE, ITEM_NONE, ITEM_NONE},
    [E] = {ITEM_NONE, ITEM_NONE, 7, ITEM_NONE, ITEM_NONE, ITEM_NONE},
};

static void
items_know_their_place(void **state)
{
    struct questionnaire *q = definition_good(nested, NULL);
    struct questionnaire_item shown;

    (void)state;
    assert_int_equal(q->first, G);
    assert_int_equal(q->last, E);
    for (uint32_t i = 0; i < ARRAY_LEN(frames); i++) {
        const struct item *item = &q->items[i];
        assert_int_equal(item->ordinal, i);
        assert_int_equal(item->parent, frames[i].parent);
        assert_int_equal(item->scope, frames[i].scope);
        assert_int_equal(item->end, frames[i].end);
        assert_int_equal(item->next_in_scope, frames[i].next);
        assert_int_equal(item->first_inside, frames[i].first);
        assert_int_equal(item->last_inside, frames[i].last);
        assert_int_equal(item_find(q, item->link_id, item->link_id_len), i);
        questionnaire_item(q, i, &shown);
        assert_int_equal(shown.parent, frames[i].parent == ITEM_NONE ? SIZE_MAX : frames[i].parent);
    }
    assert_int_equal(item_find(q, "z", 1), ITEM_NONE);
    assert_int_equal(item_find(q, "ab", 2), ITEM_NONE);
    questionnaire_free(q);
}

/* clang-format off */
static const char shown_form[] =
    "{'resourceType':'Questionnaire','url':'http://q','version':'1','name':'n',"
     "'status':'active','effectivePeriod':{'start':'2026-01','end':'2026-12-31'},"
     "'item':[{'linkId':'a','text':'How much?','type':'choice','required':true,"
     "'repeats':true,'readOnly':true,'code':[{'system':'s','code':'c','display':'d'},"
     "{'code':'other'}],'answerOption':[{'valueCoding':{'system':'o','code':'1',"
     "'display':'One'},'extension':[{'url':'" HL7
     "questionnaire-optionExclusive','valueBoolean':true}]},{'valueDate':'2026-01-01'},"
     "{'valueTime':'10:00:00'},{'valueReference':{'reference':'Device/1',"
     "'display':'Cuff'}}]},{'linkId':'b','type':'integer','extension':[{'url':'" HL7
     "questionnaire-hidden','valueBoolean':true},{'url':'" HL7
     "questionnaire-unit','valueCoding':{'display':'points'}}]}]}";
/* clang-format on */

static void
the_outside_sees_items_and_options(void **state)
{
    struct questionnaire *q = definition_good(shown_form, NULL);
    struct questionnaire_item item;
    struct questionnaire_option o;

    (void)state;
    assert_string_equal(q->url, "http://q");
    assert_string_equal(q->version, "1");
    assert_string_equal(q->name, "n");
    assert_string_equal(q->effective_start, "2026-01");
    assert_string_equal(q->effective_end, "2026-12-31");
    questionnaire_item(q, 0, &item);
    assert_string_equal(item.link_id, "a");
    assert_string_equal(item.type, "choice");
    assert_string_equal(item.text, "How much?");
    assert_string_equal(item.code_system, "s");
    assert_string_equal(item.code, "c");
    assert_true(item.required && item.repeats && !item.unverified);
    assert_int_equal(item.options, 4);
    assert_null(item.unit);
    assert_true(q->items[0].read_only && !q->items[0].hidden);
    questionnaire_option(q, 0, 0, &o);
    assert_string_equal(o.system, "o");
    assert_string_equal(o.display, "One");
    assert_true(o.exclusive);
    assert_int_equal(q->items[0].options[1].kind, OPTION_DATE);
    assert_int_equal(q->items[0].options[2].kind, OPTION_TIME);
    questionnaire_option(q, 0, 3, &o);
    assert_string_equal(o.code, "Device/1");
    assert_string_equal(o.display, "Cuff");
    assert_false(o.exclusive);
    questionnaire_item(q, 1, &item);
    assert_null(item.text);
    assert_string_equal(item.unit, "points");
    assert_true(q->items[1].hidden);
    questionnaire_free(q);
}

static const struct {
    const char *condition;
    enum condition_kind kind;
    const char *type;
} asks[] = {
    {"'answerBoolean':true", CONDITION_BOOLEAN, "boolean"},
    {"'answerDecimal':1.50", CONDITION_NUMBER, "decimal"},
    {"'answerInteger':1", CONDITION_NUMBER, "integer"},
    {"'answerInteger':1", CONDITION_NUMBER, "decimal"},
    {"'answerDate':'2026-01'", CONDITION_DATE, "date"},
    {"'answerDate':'2026-01'", CONDITION_DATE, "dateTime"},
    {"'answerDateTime':'2026-01-01T10:00:00Z'", CONDITION_DATE_TIME, "dateTime"},
    {"'answerTime':'10:00:00'", CONDITION_TIME, "time"},
    {"'answerString':'x'", CONDITION_TEXT, "string"},
    {"'answerString':'x'", CONDITION_TEXT, "text"},
    {"'answerString':'x'", CONDITION_TEXT, "url"},
    {"'answerString':'x'", CONDITION_TEXT, "open-choice"},
    {"'answerCoding':{'system':'s','code':'x'}", CONDITION_CODING, "open-choice"},
    {"'answerQuantity':{'value':1,'code':'kg'}", CONDITION_QUANTITY, "quantity"},
    {"'answerReference':{'reference':'Device/1'}", CONDITION_REFERENCE, "reference"},
};

static void
conditions_stand_in_the_flat_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 Q("{'linkId':'a','text':'t','type':'%s'},{'linkId':'b','text':'t','type':'string',"
                   "'enableBehavior':'any','enableWhen':[{'question':'a','operator':'!=',%s},"
                   "{'question':'a','operator':'exists','answerBoolean':true}]}"),
                 asks[i].type, asks[i].condition);
        struct questionnaire *q = definition_good(text, NULL);
        const struct item *item = &q->items[1];
        assert_int_equal(item->n_conditions, 2);
        assert_true(item->any);
        assert_int_equal(item->conditions[0].question, 0);
        assert_int_equal(item->conditions[0].op, CONDITION_NE);
        assert_int_equal(item->conditions[0].kind, asks[i].kind);
        assert_int_equal(item->conditions[1].op, CONDITION_EXISTS);
        assert_true(item->conditions[1].boolean);
        questionnaire_free(q);
    }
}

/* Every operator, as it is written. */
static void
operators_are_told_apart(void **state)
{
    static const char *const texts[] = {
        [CONDITION_EQ] = "=", [CONDITION_NE] = "!=", [CONDITION_GT] = ">",
        [CONDITION_LT] = "<", [CONDITION_GE] = ">=", [CONDITION_LE] = "<=",
    };

    (void)state;
    for (size_t i = CONDITION_EQ; i < ARRAY_LEN(texts); i++) {
        char text[512];
        snprintf(text, sizeof(text),
                 Q(ITEM("a", "integer",
                        "") ",{'linkId':'b','text':'t','type':'string',"
                            "'enableWhen':[{'question':'a','operator':'%s','answerInteger':1}]}"),
                 texts[i]);
        struct questionnaire *q = definition_good(text, NULL);
        assert_int_equal(q->items[1].conditions[0].op, i);
        assert_false(q->items[1].any);
        questionnaire_free(q);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_know_their_place),
        cmocka_unit_test(the_outside_sees_items_and_options),
        cmocka_unit_test(conditions_stand_in_the_flat_form),
        cmocka_unit_test(operators_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
