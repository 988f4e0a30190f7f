/* Answers against one form that has every kind of place a value can stand in. Each case gives the
 * answers as JSON and the broken rules as "pointer rule" lines. */
#include "questionnaire/questionnaire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "schemas/wire/mp.h"

static const char form[] =
    "{\"resourceType\":\"Questionnaire\",\"item\":["
    "{\"linkId\":\"int\",\"type\":\"integer\",\"required\":true},"
    "{\"linkId\":\"plain\",\"type\":\"group\",\"item\":["
    "  {\"linkId\":\"dec\",\"type\":\"decimal\"},"
    "  {\"linkId\":\"note\",\"type\":\"display\"},"
    "  {\"linkId\":\"rep\",\"type\":\"group\",\"repeats\":true,\"item\":["
    "    {\"linkId\":\"in\",\"type\":\"string\",\"required\":true,\"maxLength\":3},"
    "    {\"linkId\":\"deep\",\"type\":\"group\",\"repeats\":true,\"item\":["
    "      {\"linkId\":\"leaf\",\"type\":\"boolean\",\"required\":true}]}]}]},"
    "{\"linkId\":\"many\",\"type\":\"date\",\"repeats\":true},"
    "{\"linkId\":\"a/b~c\",\"type\":\"text\"},"
    "{\"linkId\":\"pick\",\"type\":\"choice\",\"answerOption\":[{\"valueCoding\":{\"system\":"
    "\"s1\",\"code\":\"x\"}},"
    "  "
    "{\"valueCoding\":{\"system\":\"s2\",\"code\":\"x\"}},{\"valueCoding\":{\"system\":\"s1\","
    "\"code\":\"y\"}},"
    "  {\"valueCoding\":{\"display\":\"none\"}}]},"
    "{\"linkId\":\"open\",\"type\":\"open-choice\",\"answerOption\":[{\"valueString\":\"a\"}]},"
    "{\"linkId\":\"level\",\"type\":\"integer\",\"answerOption\":[{\"valueInteger\":0},{"
    "\"valueInteger\":1}]},"
    "{\"linkId\":\"amount\",\"type\":\"quantity\"},"
    "{\"linkId\":\"under\",\"type\":\"boolean\",\"item\":[{\"linkId\":\"why\",\"type\":\"string\","
    "\"required\":true}]},"
    "{\"linkId\":\"when\",\"type\":\"string\",\"required\":true,\"enableWhen\":[{\"question\":"
    "\"int\","
    "  \"operator\":\"exists\",\"answerBoolean\":true}]}]}";

static void
pack(struct buf *b, const json_t *v)
{
    const char *key;
    json_t *x;
    size_t i;
    char literal[40];

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        mp_put_map(b, (uint32_t)json_object_size(v));
        json_object_foreach((json_t *)v, key, x)
        {
            mp_put_cstr(b, key);
            pack(b, x);
        }
        break;
    case JSON_ARRAY:
        mp_put_array(b, (uint32_t)json_array_size(v));
        json_array_foreach(v, i, x) pack(b, x);
        break;
    case JSON_STRING:
        mp_put_str(b, json_string_value(v), json_string_length(v));
        break;
    case JSON_INTEGER:
        mp_put_int(b, json_integer_value(v));
        break;
    case JSON_REAL:
        mp_put_ext(b, MP_DECIMAL, literal,
                   (size_t)snprintf(literal, sizeof(literal), "%.17g", json_real_value(v)));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        mp_put_bool(b, json_is_true(v));
        break;
    case JSON_NULL:
        mp_put_nil(b);
        break;
    }
}

static const struct {
    const char *answers;
    const char *broken; /* "pointer rule\n"… in order */
} cases[] = {
    {"{\"int\":1}", ""},
    {"{}", "/answers/int required\n"},
    {"{\"int\":null}", "/answers/int required\n"},
    {"{\"int\":[]}", "/answers/int required\n"},
    {"{\"int\":1.5}", "/answers/int type\n"},
    {"{\"int\":2147483647}", ""},
    {"{\"int\":2147483648}", "/answers/int type\n"},
    {"{\"int\":-2147483649}", "/answers/int type\n"},
    {"{\"int\":\"1\"}", "/answers/int type\n"},
    {"{\"int\":[1]}", "/answers/int repeats\n"},
    {"{\"int\":1,\"dec\":1}", ""},
    {"{\"int\":1,\"dec\":1.5}", ""},
    {"{\"int\":1,\"dec\":true}", "/answers/dec type\n"},
    {"{\"int\":1,\"plain\":{}}", "/answers/plain not-a-question\n"},
    {"{\"int\":1,\"note\":\"x\"}", "/answers/note not-a-question\n"},
    {"{\"int\":1,\"stranger\":1}", "/answers unknown-item\n"},
    {"{\"int\":1,\"leaf\":true}", "/answers/leaf misplaced-item\n"},
    {"{\"int\":1,\"rep\":[]}", ""},
    {"{\"int\":1,\"rep\":[{\"in\":\"abc\"},{\"in\":\"d\"}]}", ""},
    {"{\"int\":1,\"rep\":[{\"in\":\"abcd\"},{}]}",
     "/answers/rep/0/in max-length\n/answers/rep/1/in required\n"},
    {"{\"int\":1,\"rep\":[{\"in\":\"äöü\"}]}", ""},
    {"{\"int\":1,\"rep\":{\"in\":\"a\"}}", "/answers/rep type\n"},
    {"{\"int\":1,\"rep\":[7]}", "/answers/rep/0 type\n"},
    {"{\"int\":1,\"rep\":[{\"in\":\"a\",\"deep\":[{\"leaf\":true},{}]}]}",
     "/answers/rep/0/deep/1/leaf required\n"},
    {"{\"int\":1,\"many\":\"2026-11\"}", ""},
    {"{\"int\":1,\"many\":[\"2026-11\",\"2026-02-30\",null]}",
     "/answers/many/1 date\n/answers/many/2 type\n"},
    {"{\"int\":1,\"a/b~c\":\"\"}", "/answers/a~1b~0c empty\n"},
    {"{\"int\":1,\"a/b~c\":\"two\\nlines\"}", ""},
    {"{\"int\":1,\"pick\":\"y\"}", ""},
    {"{\"int\":1,\"pick\":\"x\"}", "/answers/pick option-ambiguous\n"},
    {"{\"int\":1,\"pick\":{\"system\":\"s2\",\"code\":\"x\"}}", ""},
    {"{\"int\":1,\"pick\":{\"system\":\"s3\",\"code\":\"x\"}}", "/answers/pick option\n"},
    {"{\"int\":1,\"pick\":{\"display\":\"none\"}}", ""},
    {"{\"int\":1,\"pick\":{\"text\":\"free\"}}", "/answers/pick option\n"},
    {"{\"int\":1,\"pick\":7}", "/answers/pick option\n"},
    {"{\"int\":1,\"open\":{\"text\":\"free\"}}", ""},
    {"{\"int\":1,\"open\":\"a\"}", ""},
    {"{\"int\":1,\"open\":\"free\"}", "/answers/open option\n"},
    {"{\"int\":1,\"level\":1}", ""},
    {"{\"int\":1,\"level\":2}", "/answers/level option\n"},
    {"{\"int\":1,\"amount\":2.5}", ""},
    {"{\"int\":1,\"amount\":{\"value\":2,\"code\":\"kg\"}}", ""},
    {"{\"int\":1,\"amount\":{\"code\":\"kg\"}}", "/answers/amount type\n"},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":{\"why\":\"x\"}}}", ""},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":{}}}", "/answers/under/items/why required\n"},
    {"{\"int\":1,\"under\":true}", "/answers/under/items/why required\n"},
    {"{\"int\":1,\"under\":{\"value\":3,\"items\":{\"why\":1}}}",
     "/answers/under/value type\n/answers/under/items/why type\n"},
    {"{\"int\":1,\"under\":{\"value\":true,\"items\":7}}",
     "/answers/under/items type\n/answers/under/items/why required\n"},
    {"[]", "/answers type\n"},
};

static struct questionnaire *
form_compile(void)
{
    struct questionnaire *q = NULL;
    char *why = NULL;

    if (questionnaire_compile(form, sizeof(form) - 1, NULL, &q, &why) != QUESTIONNAIRE_OK)
        fail_msg("%s", why);
    return q;
}

static void
broken_read(const struct findings *f, struct buf *text)
{
    buf_clear(text);
    for (size_t i = 0; i < f->n; i++)
        buf_printf(text, "%s %s\n", finding_pointer(f, &f->items[i]), rule_code(f->items[i].rule));
    buf_append(text, "", 1);
}

static void
every_case(void **state)
{
    struct questionnaire *q = form_compile();
    struct buf answers, text;
    struct findings f;

    (void)state;
    buf_init(&answers, 1 << 20);
    buf_init(&text, 1 << 20);
    findings_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        json_t *json = json_loads(cases[i].answers, 0, NULL);
        assert_non_null(json);
        buf_clear(&answers);
        pack(&answers, json);
        findings_clear(&f);
        questionnaire_check(q, answers.data, answers.size, true, &f);
        broken_read(&f, &text);
        if (strcmp((char *)text.data, cases[i].broken) != 0)
            fail_msg("%s:\n%s not\n%s", cases[i].answers, (char *)text.data, cases[i].broken);
        json_decref(json);
    }
    findings_deinit(&f);
    buf_deinit(&answers);
    buf_deinit(&text);
    questionnaire_free(q);
}

static void
incomplete_forms_lack_nothing(void **state)
{
    struct questionnaire *q = form_compile();
    const uint8_t empty[] = {0x80};
    struct findings f;

    (void)state;
    findings_init(&f);
    questionnaire_check(q, empty, sizeof(empty), false, &f);
    assert_int_equal(f.n, 0);
    questionnaire_check(q, empty, sizeof(empty), true, &f);
    assert_int_equal(f.n, 1);
    findings_deinit(&f);
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case),
        cmocka_unit_test(incomplete_forms_lack_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
