/* What looks at other items: enableWhen, scores, alerts. */
#include "tests/unit/questionnaire/definition.h"

#include "questionnaire/item.h"

#define WHEN(list) ",'enableWhen':[" list "]"
#define COND(question, op, answer) "{'question':'" question "','operator':'" op "'," answer "}"
/* Item b with a condition on a of this type. */
#define ASKS(type, more, condition)                                                                \
    Q(ITEM("a", type, more) "," ITEM("b", "string", WHEN(condition)))

/* clang-format off */
static const struct refusal conditions[] = {
    {Q(ITEM("a", "string", ",'enableWhen':{}")), "item 'a': 'enableWhen'"},
    {Q(ITEM("a", "string", ",'enableWhen':[]")), "item 'a': 'enableWhen'"},
    {Q(ITEM("a", "string", WHEN("7"))), "item 'a': an enableWhen must be an object"},
    {Q(ITEM("a", "string", WHEN("{'operator':'='}"))), "item 'a': enableWhen needs a question"},
    {Q(ITEM("b", "string", WHEN(COND("z", "=", "'answerString':'x'")))),
     "item 'b': enableWhen asks 'z', which is no item"},
    {Q(ITEM("b", "string", WHEN(COND("b", "=", "'answerString':'x'")))),
     "item 'b': enableWhen asks 'b', which is the item itself"},
    {Q(ITEM("b", "group", WHEN(COND("c", "=", "'answerString':'x'")) ",'item':[" ITEM("c",
     "string", "") "]")), "item 'b': enableWhen asks 'c', which is the item itself or below"},
    {ASKS("group", ",'item':[" ITEM("c", "string", "") "]", COND("a", "exists",
     "'answerBoolean':true")), "item 'b': enableWhen asks 'a', which is no question"},
    {ASKS("display", "", COND("a", "exists", "'answerBoolean':true")),
     "item 'b': enableWhen asks 'a', which is no question"},
    {ASKS("string", "", COND("a", "~", "'answerString':'x'")),
     "item 'b': enableWhen: operator '~'"},
    {ASKS("string", "", "{'question':'a','answerString':'x'}"),
     "item 'b': enableWhen: operator ''"},
    {ASKS("string", "", COND("a", "exists", "'answerString':'x'")),
     "item 'b': enableWhen: exists needs answerBoolean"},
    {ASKS("string", "", "{'question':'a','operator':'exists'}"),
     "item 'b': enableWhen: exists needs answerBoolean"},
    {ASKS("string", "", "{'question':'a','operator':'='}"),
     "item 'b': enableWhen needs an answer"},
    {ASKS("string", "", COND("a", "=", "'answerInteger':1")),
     "item 'b': enableWhen: answerInteger does not fit"},
    {ASKS("integer", "", COND("a", "=", "'answerString':'1'")),
     "item 'b': enableWhen: answerString does not fit"},
    {ASKS("boolean", "", COND("a", ">", "'answerBoolean':true")),
     "item 'b': enableWhen: answerBoolean has no order"},
    {ASKS("string", "", COND("a", "<", "'answerString':'x'")),
     "item 'b': enableWhen: answerString has no order"},
    {ASKS("boolean", "", COND("a", "=", "'answerBoolean':1")),
     "item 'b': enableWhen: answerBoolean must be"},
    {ASKS("decimal", "", COND("a", "=", "'answerDecimal':'1'")),
     "item 'b': enableWhen: answerDecimal must be"},
    {ASKS("date", "", COND("a", ">", "'answerDate':'soon'")),
     "item 'b': enableWhen: answerDate is malformed"},
    {ASKS("dateTime", "", COND("a", ">", "'answerDateTime':'2026-01-01T10:00:00'")),
     "item 'b': enableWhen: answerDateTime is malformed"},
    {ASKS("time", "", COND("a", ">", "'answerTime':'9'")),
     "item 'b': enableWhen: answerTime is malformed"},
    {ASKS("string", "", COND("a", "=", "'answerString':''")),
     "item 'b': enableWhen: answerString must be a text"},
    {ASKS("reference", "", COND("a", "=", "'answerReference':{}")),
     "item 'b': enableWhen: answerReference must be a text"},
    {ASKS("quantity", "", COND("a", "<", "'answerQuantity':{'code':'kg'}")),
     "item 'b': enableWhen: answerQuantity must be a quantity"},
    {Q(CHOICE("a") "," ITEM("b", "string", WHEN(COND("a", "=", "'answerCoding':7")))),
     "item 'b': enableWhen: answerCoding must be an object"},
    {Q(CHOICE("a") "," ITEM("b", "string", WHEN(COND("a", "=", "'answerCoding':{'system':'s'}")))),
     "item 'b': enableWhen: answerCoding needs a code"},
    {ASKS("string", "", COND("a", "=", "'answerString':'x'") "," COND("a", "=",
     "'answerString':'y'")), "item 'b': several enableWhen need enableBehavior"},
    {Q(ITEM("a", "string", "") "," ITEM("b", "string", WHEN(COND("a", "=", "'answerString':'x'"))
     ",'enableBehavior':'some'")), "item 'b': enableBehavior must be"},
    {Q(ITEM("a", "string", WHEN(COND("b", "=", "'answerString':'x'"))) "," ITEM("b", "string", WHEN
     (COND("a", "=", "'answerString':'x'")))), "enableWhen runs in a circle"},
    /* Through the groups above: q is in a, asks r; r is in b; b asks q. */
    {Q(ITEM("a", "group", WHEN(COND("r", "=", "'answerString':'x'")) ",'item':[" ITEM("q",
     "string", "") "]") "," ITEM("b", "group", WHEN(COND("q", "=", "'answerString':'x'"))
     ",'item':[" ITEM("r", "string", "") "]")), "enableWhen runs in a circle"},
};
/* clang-format on */

#define PART(url, value) "{'url':'" url "'," value "}"
#define SCORE(parts) ",'readOnly':true" EXTS(EXT(OURS "score", "'extension':[" parts "]"))
#define METHOD(code) PART("method", "'valueCode':'" code "'")
#define OF(id) PART("of", "'valueString':'" id "'")
#define ROW(whens, value) PART("row", "'extension':[" whens ",{'url':'value'," value "}]")
#define ROW_WHEN(n) PART("when", "'valueInteger':" n)
#define BAND(parts) PART("band", "'extension':[" parts "]")
#define SCORED(more)                                                                               \
    Q(ITEM("a", "integer", "") "," ITEM("b", "integer", "") "," ITEM("s", "integer", more))

/* clang-format off */
static const struct refusal scores[] = {
    {SCORED(EXTS(EXT(OURS "score", "'extension':[" METHOD("sum") "," OF("a") "]"))),
     "item 's': score: the item must be readOnly"},
    {Q(ITEM("a", "integer", "") "," ITEM("s", "integer", ",'repeats':true" SCORE(METHOD("sum") ","
     OF("a")))), "item 's': score: the item must not repeat"},
    {SCORED(SCORE(OF("a"))), "item 's': score: method ''"},
    {SCORED(SCORE(METHOD("mean") "," OF("a"))), "item 's': score: method 'mean'"},
    {SCORED(SCORE(METHOD("sum"))), "item 's': score: at least one 'of'"},
    {SCORED(SCORE(METHOD("sum") ",{'url':'of','valueInteger':1}")),
     "item 's': score: 'of' must be"},
    {SCORED(SCORE(METHOD("sum") "," OF("z"))), "item 's': score: 'z' is no item"},
    {SCORED(SCORE(METHOD("sum") "," OF("s"))), "item 's': score: 's' has no number"},
    {Q(ITEM("a", "string", "") "," ITEM("s", "integer", SCORE(METHOD("sum") "," OF("a")))),
     "item 's': score: 'a' has no number or weight"},
    {Q(CHOICE("a") "," ITEM("s", "integer", SCORE(METHOD("sum") "," OF("a")))),
     "item 's': score: 'a' has no number or weight"},
    {Q(ITEM("a", "integer", ",'repeats':true") "," ITEM("s", "integer", SCORE(METHOD("sum") "," OF(
     "a")))), "item 's': score: 'a' may have several answers"},
    {Q(ITEM("g", "group", ",'repeats':true,'item':[" ITEM("a", "integer", "") "]") "," ITEM("s",
     "integer", SCORE(METHOD("sum") "," OF("a")))),
     "item 's': score: 'a' may have several answers"},
    {Q(ITEM("a", "integer", ",'definition':'" HL7 "Patient#Patient.identifier'") "," ITEM("s",
     "integer", SCORE(METHOD("sum") "," OF("a")))), "item 's': score: 'a' is an identifier"},
    {Q(ITEM("a", "integer", "") "," ITEM("s", "date", SCORE(METHOD("sum") "," OF("a")))),
     "item 's': score: method sum does not fit type date"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") ",{'url':'minAnswred','valueInteger':1}")),
     "item 's': score: 'minAnswred' is no part"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") ",{'url':'minAnswered','valueInteger':2}")),
     "item 's': score: minAnswered must be 1 to 1"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") ",{'url':'minAnswered','valueInteger':1}," ROW(
     ROW_WHEN("1"), "'valueInteger':1"))), "item 's': score: only method sum has minAnswered"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a"))), "item 's': score: method lookup needs rows"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") "," ROW(ROW_WHEN("1"), "'valueInteger':1"))),
     "item 's': score: only method lookup"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") "," OF("b") "," ROW(ROW_WHEN("1"),
     "'valueInteger':1"))), "item 's': score: a row needs 2 numbers"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") "," ROW(ROW_WHEN("1") "," ROW_WHEN("2"),
     "'valueInteger':1"))), "item 's': score: a row needs 1 numbers"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") "," ROW(ROW_WHEN("1"), "'valueString':'1'"))),
     "item 's': score: a row needs a number 'value'"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") "," ROW(ROW_WHEN("1"), "'valueInteger':1") "," ROW(
     ROW_WHEN("1"), "'valueInteger':2"))), "item 's': score: two rows"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a") ",{'url':'table','valueCode':'apgar'}")),
     "item 's': score: table 'apgar'"},
    {SCORED(SCORE(METHOD("lookup") "," OF("a")
     ",{'url':'table','valueCode':'pro-ctcae-frequency-severity'}")),
     "item 's': score: table pro-ctcae-frequency-severity is of 2 items"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") ",{'url':'table','valueCode':'pro-ctcae-frequency'}")),
     "item 's': score: only method lookup names a table"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") "," BAND("{'url':'low','valueInteger':1}"))),
     "item 's': score: a band needs a code"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") "," BAND(
     "{'url':'low','valueCode':'x'},{'url':'code','valueCode':'x'}"))),
     "item 's': score: a band's ends"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") "," BAND(
     "{'url':'low','valueInteger':2},{'url':'high','valueInteger':1},{'url':'code',"
     "'valueCode':'x'}"))), "item 's': score: a band's low end"},
    {SCORED(SCORE(METHOD("sum") "," OF("a") "," BAND(
     "{'url':'high','valueInteger':4},{'url':'code','valueCode':'x'}") "," BAND(
     "{'url':'low','valueInteger':4},{'url':'code','valueCode':'y'}"))),
     "item 's': score: the bands 'x' and 'y' overlap"},
};
/* clang-format on */

#define ALERTED(parts)                                                                             \
    "{'resourceType':'Questionnaire','status':'active','extension':[{'url':'" OURS                 \
    "alert','extension':[" parts                                                                   \
    "]}],'item':[" ITEM("a", "integer", "") "," ITEM("b", "boolean", "") "," ITEM(                 \
        "t", "text",                                                                               \
        "") "," ITEM("g", "group",                                                                 \
                     ",'item':[" ITEM("c", "choice",                                               \
                                      ",'answerOption':[{'valueCoding':{'code':'x'}}]") "]") "]}"
#define ID PART("id", "'valueId':'r1'") ","
#define ON(id) PART("item", "'valueString':'" id "'") ","
#define OP(op) PART("op", "'valueCode':'" op "'") ","
#define VAL(value) PART("value", value) ","
#define URGENT PART("severity", "'valueCode':'urgent'")

/* clang-format off */
static const struct refusal alerts[] = {
    {ALERTED(ON("a") OP(">") VAL("'valueInteger':1") URGENT), "alert '': needs an id"},
    {ALERTED(PART("id", "'valueString':'a b'") "," ON("a") OP(">") VAL("'valueInteger':1") URGENT),
     "alert 'a b': needs an id"},
    {ALERTED(ID OP(">") VAL("'valueInteger':1") URGENT), "alert 'r1': needs the linkId"},
    {ALERTED(ID ON("a") PART("score", "'valueString':'a'") "," OP(">") VAL("'valueInteger':1")
     URGENT), "alert 'r1': needs the linkId of either"},
    {ALERTED(ID ON("z") OP(">") VAL("'valueInteger':1") URGENT), "alert 'r1': 'z' is no item"},
    {ALERTED(ID ON("g") OP(">") VAL("'valueInteger':1") URGENT),
     "alert 'r1': item 'g' is no question"},
    {"{'resourceType':'Questionnaire','status':'active','extension':[{'url':'" OURS
     "alert','extension':[" ID ON("n") OP(">") VAL("'valueInteger':1") URGENT "]}],'item':["
     ITEM("n", "integer", ",'definition':'" HL7 "Patient#Patient.identifier'") "]}",
     "alert 'r1': item 'n' is an identifier"},
    {ALERTED(ID PART("score", "'valueString':'a'") "," OP(">") VAL("'valueInteger':1") URGENT),
     "alert 'r1': item 'a' has no score"},
    {ALERTED(ID ON("a") OP("~") VAL("'valueInteger':1") URGENT), "alert 'r1': op '~'"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") PART("severity", "'valueCode':'red'")),
     "alert 'r1': severity 'red'"},
    {ALERTED(ID ON("a") OP(">") URGENT), "alert 'r1': needs a value"},
    {ALERTED(ID ON("a") OP("=") VAL("'valueCode':'x'") URGENT),
     "alert 'r1': the value does not fit"},
    {ALERTED(ID ON("t") OP("=") VAL("'valueInteger':1") URGENT),
     "alert 'r1': the value does not fit"},
    {ALERTED(ID ON("c") OP(">") VAL("'valueInteger':1") URGENT),
     "alert 'r1': the value does not fit"},
    {ALERTED(ID ON("a") OP("=") VAL("'valueBoolean':true") URGENT),
     "alert 'r1': the value does not"},
    {ALERTED(ID ON("b") OP(">") VAL("'valueBoolean':true") URGENT),
     "alert 'r1': op '>' needs a number"},
    {ALERTED(ID ON("c") OP("rise") VAL("'valueCode':'x'") URGENT), "alert 'r1': op 'rise' needs"},
    {ALERTED(ID ON("a") OP("rise") VAL("'valueInteger':0") URGENT), "alert 'r1': op 'rise' needs"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT ",{'url':'text','valueInteger':1}"),
     "alert 'r1': text"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT
     ",{'url':'suppressHours','valueInteger':-1}"), "alert 'r1': suppressHours"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT
     ",{'url':'always','valueInteger':1}"), "alert 'r1': always"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT
     ",{'url':'always','valueBoolean':true},{'url':'suppressHours','valueInteger':1}"),
     "alert 'r1': one that comes always"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT
     ",{'url':'supressHours','valueInteger':1}"), "alert: 'supressHours' is no part"},
    {ALERTED(ID ON("a") OP(">") VAL("'valueInteger':1") URGENT "]},{'url':'" OURS
     "alert','extension':[" ID ON("b") OP("=") VAL("'valueBoolean':true") URGENT),
     "alert 'r1' stands twice"},
};
/* clang-format on */

static void
conditions_are_refused_by_name(void **state)
{
    (void)state;
    refusals_check(conditions, ARRAY_LEN(conditions), NULL);
}

static void
scores_are_refused_by_name(void **state)
{
    (void)state;
    refusals_check(scores, ARRAY_LEN(scores), NULL);
}

static void
alerts_are_refused_by_id(void **state)
{
    (void)state;
    refusals_check(alerts, ARRAY_LEN(alerts), NULL);
}

/* b asks d, which stands later and in a group that asks a. */
static void
the_order_of_enabling_respects_every_need(void **state)
{
    struct questionnaire *q = definition_good(
        Q(ITEM("a", "string", "") "," ITEM(
            "b", "string",
            WHEN(COND("d", "=",
                      "'answerString':'x'"))) "," ITEM("c", "group",
                                                       WHEN(COND(
                                                           "a", "exists",
                                                           "'answerBoolean':false")) ",'item':"
                                                                                     "[" ITEM(
                                                                                         "d",
                                                                                         "strin"
                                                                                         "g",
                                                                                         "") "]")),
        NULL);
    uint32_t place[4];

    (void)state;
    for (uint32_t i = 0; i < 4; i++)
        place[q->enable_order[i]] = i;
    assert_true(place[0] < place[2]); /* a before c */
    assert_true(place[2] < place[3]); /* c before d */
    assert_true(place[3] < place[1]); /* d before b */
    assert_true(q->conditional);
    assert_false(q->items[0].conditional);
    assert_true(q->items[3].conditional); /* by its group */
    assert_int_equal(q->items[2].conditions[0].op, CONDITION_EXISTS);
    assert_false(q->items[2].conditions[0].boolean);
    questionnaire_free(q);
}

/* clang-format off */
static const char scored_form[] =
    "{'resourceType':'Questionnaire','status':'active','extension':[{'url':'" OURS
     "alert','extension':[" ID PART("score", "'valueString':'s'") "," OP(">=") VAL(
     "'valueDecimal':2.50") URGENT ",{'url':'text','valueString':'high'}]},{'url':'" OURS
     "alert','extension':[{'url':'id','valueString':'r2'}," ON("a") OP("rise") VAL(
     "'valueInteger':2")
     "{'url':'severity','valueCode':'info'},{'url':'suppressHours','valueInteger':24}]}],"
     "'item':[" ITEM("a", "integer", "") "," ITEM("s", "decimal", SCORE(METHOD("lookup") "," OF(
     "a") "," ROW(ROW_WHEN("3"), "'valueDecimal':0.3") "," ROW(ROW_WHEN("1"), "'valueDecimal':0.1")
     "," BAND("{'url':'low','valueInteger':5},{'url':'high','valueInteger':5},{'url':'code',"
     "'valueCode':'high'}") "," BAND(
     "{'url':'high','valueInteger':4},{'url':'code','valueCode':'low'}"))) "]}";
/* clang-format on */

static void
scores_and_alerts_stand_in_the_flat_form(void **state)
{
    struct questionnaire *q = definition_good(scored_form, NULL);
    const struct score *s = &q->scores[0];

    (void)state;
    assert_int_equal(q->n_scores, 1);
    assert_int_equal(s->item, 1);
    assert_int_equal(q->items[1].score, 0);
    assert_int_equal(q->items[0].score, ITEM_NONE);
    assert_int_equal(s->min_answered, 1);
    assert_int_equal(s->n_rows, 2);
    assert_int_equal(decimal_compare(s->rows[0].when[0], decimal_from_int(1)), 0); /* sorted */
    assert_string_equal(s->bands[0].code, "low");
    assert_false(s->bands[0].has_low);
    assert_int_equal(q->n_alerts, 2);
    assert_int_equal(q->alerts[0].score, 0);
    assert_int_equal(q->alerts[0].item, ITEM_NONE);
    assert_int_equal(q->alerts[0].number.coefficient, 250);
    assert_int_equal(q->alerts[0].severity, ALERT_SEVERITY_URGENT);
    assert_string_equal(q->alerts[0].text, "high");
    assert_int_equal(q->alerts[1].suppress_hours, 24);
    assert_true(q->comparative);
    questionnaire_free(q);
}

/* {members of the item, kind, what is done; NULL: it is no identifier} */
/* clang-format off */
static const char *const identifiers[][3] = {
    {",'definition':'" HL7 "Patient#Patient.name'", "name", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.name.family'", "name", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.telecom'", "telecom", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.address'", "address", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.birthDate'", "birthDate", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.identifier'", "identifier", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.photo'", "photo", "encrypt"},
    {",'definition':'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient#Patient"
     ".name'", "name", "encrypt"},
    {",'definition':'" HL7 "Patient#Patient.gender'", NULL, NULL},
    {",'definition':'" HL7 "Observation#Observation.value'", NULL, NULL},
    {EXTS(EXT(OURS "identifier", "'extension':[{'url':'kind','valueCode':'phone'}]")), "phone",
     "encrypt"},
    {EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'birthDate'},{'url':'action',"
     "'valueCode':'year'}]")), "birthDate", "year"},
    /* Ours says more than the definition. */
    {",'definition':'" HL7 "Patient#Patient.birthDate'" EXTS(EXT(OURS "identifier",
     "'extension':[{'url':'kind','valueCode':'other'},{'url':'action','valueCode':'drop'}]")),
     "other", "drop"},
};
/* clang-format on */

static void
identifiers_are_marked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(identifiers); i++) {
        char text[2048];
        struct questionnaire_item item;
        snprintf(text, sizeof(text),
                 "{'resourceType':'Questionnaire','status':'active','item':["
                 "{'linkId':'a','text':'t','type':'date'%s}]}",
                 identifiers[i][0]);
        struct questionnaire *q = definition_good(text, NULL);
        questionnaire_item(q, 0, &item);
        if (identifiers[i][1] == NULL) {
            assert_null(item.identifier);
            assert_null(item.identifier_does);
        } else {
            assert_string_equal(item.identifier, identifiers[i][1]);
            assert_string_equal(item.identifier_does, identifiers[i][2]);
        }
        questionnaire_free(q);
    }
}

/* clang-format off */
#define MARKED(of) ",'definition':'" HL7 "Patient#Patient." of "'"
static const char grouped_form[] =
    Q("{'linkId':'person','type':'group','text':'t'" MARKED("name") ",'item':["
          ITEM("given", "string", "") ","
          ITEM("born", "date", MARKED("birthDate")) ","
          ITEM("use", "choice", MARKED("gender") ",'answerOption':[{'valueString':'x'}],'item':["
               ITEM("why", "string", "") "]") ","
          ITEM("hint", "display", "") ","
          "{'linkId':'home','type':'group','text':'t','repeats':true" MARKED("address") ",'item':["
              ITEM("line", "string", "") ","
              ITEM("mail", "string", EXTS(EXT(OURS "identifier",
                   "'extension':[{'url':'kind','valueCode':'email'},{'url':'action','valueCode':'drop'}]"))) "]},"
          "{'linkId':'inner','type':'group','text':'t','item':[" ITEM("family", "string", "") "]}]},"
      ITEM("pain", "integer", "") ","
      ITEM("nick", "string", MARKED("name") ",'item':[" ITEM("since", "date", "") "]"));
/* clang-format on */

/* A group marks the questions below it; a question does not. */
static void
groups_mark_what_is_below(void **state)
{
    static const char *const rows[][3] = {
        {"person", NULL, NULL},
        {"given", "name", "encrypt"},
        {"born", "birthDate", "encrypt"},
        {"use", "name", "encrypt"},
        {"why", "name", "encrypt"},
        {"hint", NULL, NULL},
        {"home", NULL, NULL},
        {"line", "address", "encrypt"},
        {"mail", "email", "drop"},
        {"inner", NULL, NULL},
        {"family", "name", "encrypt"},
        {"pain", NULL, NULL},
        {"nick", "name", "encrypt"},
        {"since", NULL, NULL},
    };
    struct questionnaire *q = definition_good(grouped_form, NULL);
    struct questionnaire_item item;

    (void)state;
    assert_int_equal(questionnaire_items(q), ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        questionnaire_item(q, i, &item);
        assert_string_equal(item.link_id, rows[i][0]);
        if (rows[i][1] == NULL)
            assert_null(item.identifier);
        else if (item.identifier == NULL || strcmp(item.identifier, rows[i][1]) != 0 ||
                 strcmp(item.identifier_does, rows[i][2]) != 0)
            fail_msg("%s: %s", rows[i][0], item.identifier != NULL ? item.identifier : "none");
    }
    questionnaire_free(q);
}

/* clang-format off */
static const char weighted_form[] =
    Q(ITEM("a", "choice", ",'answerOption':[{'valueCoding':{'code':'x'" EXTS(EXT(HL7
     "ordinalValue", "'valueDecimal':1")) "}},{'valueCoding':{'code':'?'}}]") "," ITEM("s",
     "integer", SCORE(METHOD("sum") "," OF("a"))));
/* clang-format on */

static void
a_choice_counts_by_its_weights(void **state)
{
    struct questionnaire *q = definition_good(weighted_form, NULL);

    (void)state;
    assert_int_equal(questionnaire_warnings(q), 1);
    assert_non_null(strstr(questionnaire_warning(q, 0), "item 'a': the option '?' has no weight"));
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conditions_are_refused_by_name),
        cmocka_unit_test(scores_are_refused_by_name),
        cmocka_unit_test(alerts_are_refused_by_id),
        cmocka_unit_test(the_order_of_enabling_respects_every_need),
        cmocka_unit_test(scores_and_alerts_stand_in_the_flat_form),
        cmocka_unit_test(identifiers_are_marked),
        cmocka_unit_test(groups_mark_what_is_below),
        cmocka_unit_test(a_choice_counts_by_its_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
