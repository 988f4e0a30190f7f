/* What leaves the answers, and what is left of them and of deviceEdits. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/identifiers.h"
#include "tests/unit/questionnaire/answers.h"
#include "tests/unit/questionnaire/definition.h"

#define IDENTIFIER(kind, action)                                                                   \
    EXTS(EXT(OURS "identifier", "'extension':[{'url':'kind','valueCode':'" kind                    \
                                "'},{'url':'action','valueCode':'" action "'}]"))
#define FORM                                                                                       \
    Q(ITEM("name", "string", ",'definition':'" HL7 "Patient#Patient.name'") "," ITEM(              \
        "born", "date",                                                                            \
        IDENTIFIER(                                                                                \
            "birthDate",                                                                           \
            "year")) "," ITEM("code", "string",                                                    \
                              IDENTIFIER(                                                          \
                                  "other",                                                         \
                                  "drop")) "," ITEM("g", "group",                                  \
                                                    ",'repeats':true,'item':[" ITEM(               \
                                                        "mail", "string",                          \
                                                        IDENTIFIER(                                \
                                                            "email",                               \
                                                            "encrypt")) "]") "," ITEM("pain",      \
                                                                                      "integer",   \
                                                                                      ""))
#define EDIT(id, more) "{'linkId':'" id "'" more "}"
#define AT ",'at':'2026-11-22T08:00:00+01:00'"
#define MASKED(id, more) "{'linkId':'" id "'" more ",'identity':true}"

struct told {
    char text[1024];
};

static void
tell(void *arg, const struct identifier *found)
{
    struct told *t = arg;
    size_t n = strlen(t->text);
    json_t *value = answers_unpack(found->value, found->size);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

    snprintf(t->text + n, sizeof(t->text) - n, "%s %s %u %s\n", found->kind, found->link_id,
             (unsigned)found->place, text);
    free(text);
    json_decref(value);
}

static void
same_json(const struct buf *out, const char *wanted)
{
    char *json = quoted(wanted);
    json_t *got = answers_unpack(out->data, out->size);
    json_t *expected = json_loads(json, 0, NULL);
    char *text = json_dumps(got, JSON_COMPACT);

    assert_non_null(expected);
    if (!json_equal(got, expected))
        fail_msg("expected %s\ngot %s", json, text);
    free(text);
    free(json);
    json_decref(got);
    json_decref(expected);
}

static void
values_leave_the_answers(void **state)
{
    static const struct {
        const char *answers, *left, *told;
    } rows[] = {
        {"{'pain':3}", "{'pain':3}", ""},
        {"{'name':'A B','pain':3}", "{'name':{'identity':true},'pain':3}", "name name 0 \"A B\"\n"},
        {"{'name':null}", "{'name':null}", ""},
        {"{'name':{'value':'A B'}}", "{'name':{'identity':true}}",
         "name name 0 {\"value\":\"A B\"}\n"},
        {"{'name':{'value':'A','items':{'pain':1,'name':'B'}}}",
         "{'name':{'value':{'identity':true},'items':{'pain':1,'name':{'identity':true}}}}",
         "name name 0 \"A\"\nname name 1 \"B\"\n"},
        {"{'g':[{'mail':'a'},{'mail':['b','c']}]}",
         "{'g':[{'mail':{'identity':true}},{'mail':[{'identity':true},{'identity':true}]}]}",
         "email mail 0 \"a\"\nemail mail 1 \"b\"\nemail mail 2 \"c\"\n"},
        {"{'code':'x'}", "{'code':{'identity':true}}", ""},
        {"{'born':'1961-05-06'}", "{'born':{'identity':true,'year':1961}}",
         "birthDate born 0 \"1961-05-06\"\n"},
        {"{'born':'1920-05-06'}", "{'born':{'identity':true,'year':1936}}",
         "birthDate born 0 \"1920-05-06\"\n"},
        {"{'pain':{'name':'A'}}", "{'pain':{'name':{'identity':true}}}", "name name 0 \"A\"\n"},
    };
    struct questionnaire *q = definition_good(FORM, NULL);
    struct buf in, out;

    (void)state;
    buf_init(&in, 1 << 16);
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct told told = {""};
        char *json = quoted(rows[i].answers);
        buf_clear(&in);
        buf_clear(&out);
        answers_pack_text(&in, json);
        assert_int_equal(identifiers_take(q, in.data, in.size, 2026, tell, &told, &out), BUF_OK);
        same_json(&out, rows[i].left);
        assert_string_equal(told.text, rows[i].told);
        free(json);
    }
    buf_deinit(&in);
    buf_deinit(&out);
    questionnaire_free(q);
}

/* The parts of a marked group leave, wherever they stand. */
static void
groups_leave_by_their_parts(void **state)
{
    static const char form[] =
        Q("{'linkId':'person','type':'group','text':'t','repeats':true,'definition':'" HL7
          "Patient#Patient.name','item':[" ITEM("given", "string", ",'repeats':true") "," ITEM(
              "family", "string", "") "]}," ITEM("pain", "integer", ""));
    struct questionnaire *q = definition_good(form, NULL);
    struct told told = {""};
    struct buf in, out;
    char *json = quoted("{'pain':1,'person':[{'given':['A','B'],'family':'C'},{'family':null}]}");

    (void)state;
    buf_init(&in, 1 << 16);
    buf_init(&out, 1 << 16);
    assert_true(questionnaire_identifies(q));
    answers_pack_text(&in, json);
    assert_int_equal(identifiers_take(q, in.data, in.size, 2026, tell, &told, &out), BUF_OK);
    same_json(&out, "{'pain':1,'person':[{'given':[{'identity':true},{'identity':true}],"
                    "'family':{'identity':true}},{'family':null}]}");
    assert_string_equal(told.text, "name given 0 \"A\"\nname given 1 \"B\"\nname family 0 \"C\"\n");
    free(json);
    buf_deinit(&in);
    buf_deinit(&out);
    questionnaire_free(q);
}

static void
edits_of_identifiers_say_when_only(void **state)
{
    static const char *const rows[][2] = {
        {"[]", "[]"},
        {"[" EDIT("pain", ",'from':3,'to':4" AT) "]", "[" EDIT("pain", ",'from':3,'to':4" AT) "]"},
        {"[" EDIT("name", ",'from':'A','to':'B'" AT) "]", "[" MASKED("name", AT) "]"},
        {"[" EDIT("mail", ",'at':'a@b.example, T 2026-11-22'") "]", "[" MASKED("mail", "") "]"},
        {"[" EDIT("mail", ",'at':'+491701234567890123'") "]", "[" MASKED("mail", "") "]"},
        {"[" EDIT("mail", ",'at':7") "]", "[" MASKED("mail", "") "]"},
        {"[" EDIT("g", ",'to':[{'mail':'a'}]") "]", "[" MASKED("g", "") "]"},
        {"[" EDIT("A B",
                  ",'to':1") ",'A B',7,null,['A'],{'A B':{'linkId':'pain'}},{'linkId':['pain']}]",
         "[{'identity':true},{'identity':true},{'identity':true},{'identity':true},{'identity':"
         "true},"
         "{'identity':true},{'identity':true}]"},
    };
    struct questionnaire *q = definition_good(FORM, NULL);
    struct buf in, out;

    (void)state;
    buf_init(&in, 1 << 16);
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char *json = quoted(rows[i][0]);
        buf_clear(&in);
        buf_clear(&out);
        answers_pack_text(&in, json);
        assert_int_equal(identifiers_edits(q, in.data, in.size, &out), BUF_OK);
        same_json(&out, rows[i][1]);
        free(json);
    }
    buf_deinit(&out);
    buf_init(&out, 4); /* no room */
    assert_int_equal(identifiers_edits(q, in.data, in.size, &out), BUF_FULL);
    buf_deinit(&in);
    buf_deinit(&out);
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_leave_the_answers),
        cmocka_unit_test(groups_leave_by_their_parts),
        cmocka_unit_test(edits_of_identifiers_say_when_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
