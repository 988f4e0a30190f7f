/* Normal values: which answers have one, under which key, and that the normal form of a normal form
 * is itself. */
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/normal.h"
#include "questionnaire/phone.h"
#include "questionnaire/width.h"
#include "tests/unit/questionnaire/answers.h"
#include "tests/unit/questionnaire/definition.h"

#define UNIT(code)                                                                                 \
    EXTS(EXT(HL7 "questionnaire-unit",                                                             \
             "'valueCoding':{'system':'http://unitsofmeasure.org','code':'" code "'}"))
#define NAME EXTS(EXT(OURS "identifier", "'extension':[{'url':'kind','valueCode':'name'}]"))
#define OPTIONS(type) ",'answerOption':[{'" type "':'Ａ'}]"

static const char form[] =
    Q(ITEM("kg", "quantity", UNIT("kg")) "," ITEM("any", "quantity", "") "," ITEM(
        "note", "string",
        "") "," ITEM("name", "string",
                     NAME) "," ITEM("bound", "string",
                                    OPTIONS(
                                        "valueString")) ","
                                                        "{'linkId':'pick','type':'open-choice','"
                                                        "text':'t','answerOption':[{'valueCoding':{"
                                                        "'code':'x',"
                                                        "'display':'Ｘ'}}]},"
                                                        "{'linkId':'g','type':'group','text':'t','"
                                                        "repeats':true,'item':[" ITEM(
                                                            "c", "quantity",
                                                            ",'repeats':true,'extension':[{'url':"
                                                            "'" HL7
                                                            "questionnaire-unit','valueCoding':{'"
                                                            "code':'Cel'}}]") ",{'linkId':'q','"
                                                                              "type':'boolean',"
                                                                              "'text':'t','repeats'"
                                                                              ":false,'item':"
                                                                              "[" ITEM("why",
                                                                                       "text",
                                                                                       "") "]}]}");

/* What is written for answers, as JSON; "" for nothing. */
static void
gives(struct questionnaire *q, const char *answers, const char *wanted)
{
    struct buf in, out;
    char *json = quoted(answers), *expected = quoted(wanted);

    buf_init(&in, 1 << 16);
    buf_init(&out, 1 << 16);
    answers_pack_text(&in, json);
    assert_int_equal(normals_take(q, in.data, in.size, &out), BUF_OK);
    char *text = mem_strdup("");
    if (out.size > 0) {
        json_t *got = answers_unpack(out.data, out.size);
        free(text);
        text = json_dumps(got, JSON_COMPACT);
        json_decref(got);
    }
    /* A literal stands as a string behind its mark. */
    for (char *p = text; *p != '\0'; p++)
        if (strncmp(p, "\\u0001", 6) == 0)
            memmove(p, p + 6, strlen(p + 6) + 1);
    if (strcmp(text, expected) != 0)
        fail_msg("%s\ngives %s\nnot   %s", json, text, expected);
    free(text);
    free(expected);
    free(json);
    buf_deinit(&in);
    buf_deinit(&out);
}

static void
only_what_differs_has_one(void **state)
{
    static const char *const rows[][2] = {
        {"{'kg':70}", ""},
        {"{'kg':{'value':70,'code':'kg'}}", ""},
        {"{'kg':{'value':70,'unit':'Kilo'}}", ""},
        {"{'kg':{'value':154.0,'code':'[lb_av]'}}",
         "{'/1/kg':{'value':'69.85322498','code':'kg'}}"},
        {"{'kg':{'value':70000,'unit':'g','code':'g'}}", "{'/1/kg':{'value':'70','code':'kg'}}"},
        {"{'any':{'value':154,'code':'[lb_av]'}}", ""},
        {"{'kg':null,'note':null,'g':[]}", ""},
        {"{'note':'plain'}", ""},
        {"{'note':'日本語、漢字'}", ""},
        {"{'note':'ＡＢＣ　１２３'}", "{'/1/note':{'text':'ABC 123'}}"},
        {"{'name':{'identity':true},'note':'ｶﾞｯｺｳ'}", "{'/1/note':{'text':'ガッコウ'}}"},
        {"{'name':'Ａ'}", ""},
        {"{'bound':'Ａ'}", ""},
        {"{'pick':'x'}", ""},
        {"{'pick':{'display':'Ｘ'}}", ""},
        {"{'pick':{'text':'Ｙ'}}", "{'/1/pick':{'text':'Y'}}"},
        {"{'g':[{'c':36.6},{'c':[37,{'value':98.6,'code':'[degF]'}]}]}",
         "{'2/2/c':{'value':'37','code':'Cel'}}"},
        {"{'g':[{'q':{'value':true,'items':{'why':'１'}}}]}", "{'1.1/1/why':{'text':'1'}}"},
        {"{'g':[{'q':{'items':{'why':{'value':'１'}},'value':null}}]}",
         "{'1.1/1/why':{'text':'1'}}"},
        {"{'g':{'c':{'value':98.6,'code':'[degF]'}},'note':'＋'}",
         "{'1/1/c':{'value':'37','code':'Cel'},'/1/note':{'text':'+'}}"},
        {"{'unknown':'１','note':'a'}", ""},
    };
    struct questionnaire *q = definition_good(form, NULL);

    (void)state;
    assert_true(questionnaire_normalises(q));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        gives(q, rows[i][0], rows[i][1]);
    questionnaire_free(q);
    q = definition_good(Q(ITEM("a", "integer", "") "," ITEM("b", "string", NAME)), NULL);
    assert_false(questionnaire_normalises(q));
    questionnaire_free(q);
}

static void
too_much_is_refused(void **state)
{
    struct questionnaire *q = definition_good(form, NULL);
    struct buf in, out;

    (void)state;
    buf_init(&in, 1 << 16);
    answers_pack_text(&in, "{\"note\":\"ＡＡＡＡＡＡＡＡ\"}");
    /* 1 map, key 1 + 7, value 1 + 5 + 1 + 8 */
    buf_init(&out, 24);
    assert_int_equal(normals_take(q, in.data, in.size, &out), BUF_OK);
    assert_int_equal(out.size, 24);
    buf_deinit(&out);
    buf_init(&out, 23);
    assert_int_equal(normals_take(q, in.data, in.size, &out), BUF_FULL);
    buf_deinit(&out);
    buf_deinit(&in);
    questionnaire_free(q);
}

static size_t
utf8_put(uint32_t c, char *at)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        at[i] = (char)(0x80 | (c & 0x3f));
    at[0] = (char)(lead[n] | c);
    return n;
}

static void
width_is(const char *text, size_t len, const char *wanted)
{
    struct buf once, twice;
    bool differs, again;

    buf_init(&once, 4096);
    buf_init(&twice, 4096);
    assert_int_equal(width_normal(text, len, &once, &differs), BUF_OK);
    assert_int_equal(differs, once.size != len || memcmp(once.data, text, len) != 0);
    assert_true(!differs || width_may_differ(text, len));
    assert_int_equal(width_normal((const char *)once.data, once.size, &twice, &again), BUF_OK);
    assert_false(again);
    if (wanted != NULL &&
        (once.size != strlen(wanted) || memcmp(once.data, wanted, once.size) != 0))
        fail_msg("%.*s becomes %.*s, not %s", (int)len, text, (int)once.size, (char *)once.data,
                 wanted);
    buf_deinit(&once);
    buf_deinit(&twice);
}

static void
widths_are_those_of_unicode(void **state)
{
    static const char *const rows[][2] = {
        {"Ａｚ０９！～", "Az09!~"},
        {"　", " "},
        {"ｶﾞｷﾞﾊﾟﾍﾟｳﾞﾜﾞ", "ガギパペヴヷ"},
        {"カﾞ", "ガ"},
        {"はﾟ", "ぱ"},
        {"ﾞ", "\u3099"},
        {"aﾟ", "a\u309a"},
        {"か\u3099", "か\u3099"}, /* no width in it: as it is */
        {"ｱﾟ", "ア\u309a"},
        {"￠￡￢￣￤￥￦", "¢£¬¯¦¥₩"},
        {"ﾡﾾￂￇￊￗￚￜﾠ", "ㄱㅎㅏㅔㅕㅠㅡㅣㅤ"},
        {"￨￩￬￭￮", "│←↓■○"},
        {"｟｠｡｢｣､･ｦｰ", "⦅⦆。「」、・ヲー"},
        {"ﬁ①㎏²", "ﬁ①㎏²"}, /* NFKC would change these: no width */
        {"\xff\xe3\x80", "\xff\xe3\x80"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        width_is(rows[i][0], strlen(rows[i][0]), rows[i][1]);
}

/* Every character, and every one before and behind a half-width voiced mark. */
static void
normal_of_normal_is_itself(void **state)
{
    static const char mark[] = "ﾞ";
    char text[16];

    (void)state;
    for (uint32_t c = 1; c < 0x110000; c++) {
        size_t n = utf8_put(c, text);
        width_is(text, n, NULL);
        if (c < 0x3000 || c > 0xffef)
            continue;
        memcpy(text + n, mark, 3);
        width_is(text, n + 3, NULL);
        memcpy(text, mark, 3);
        width_is(text, 3 + utf8_put(c, text + 3), NULL);
    }
}

static void
phones_have_one_format(void **state)
{
    static const char *const rows[][2] = {
        {"+49 151 2345-6789", "+4915123456789"},
        {"0049 (151) 2345.6789", "+4915123456789"},
        {"+49 (0)151 23456789", "+4915123456789"},
        {"0049(0)151/23456789", "+4915123456789"},
        {"tel:+49-151-2345-6789", "+4915123456789"},
        {"＋８６　１３８ ００１３ ８０００", "+8613800138000"},
        {"+٤٩ ١٥١ ٢٣٤٥٦٧٨٩", "+4915123456789"},
        {"۱۳۸۰۰۱۳۸۰۰۰", "13800138000"},
        {"138–0013\u00a08000", "13800138000"},
        {"0151 23456789", "015123456789"},
        {"(0)151 23456789", "015123456789"},
        {"0001234", "0001234"},
        {"12345", "12345"},
        {"1234", NULL},
        {"12345678901234567890", "12345678901234567890"},
        {"123456789012345678901", NULL},
        {"+4915123456789 ext 5", NULL},
        {"1+23456", NULL},
        {"++1234567", NULL},
        {"anna@example.org", NULL},
        {"", NULL},
        {"tel:", NULL},
        {"\xd9", NULL},
    };
    char once[PHONE_NORMAL_SIZE], twice[PHONE_NORMAL_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool good = phone_normal(rows[i][0], strlen(rows[i][0]), once);
        if (good != (rows[i][1] != NULL))
            fail_msg("%s: %s", rows[i][0], good ? once : "none");
        if (!good)
            continue;
        assert_string_equal(once, rows[i][1]);
        assert_true(phone_normal(once, strlen(once), twice));
        assert_string_equal(twice, once);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_has_one),   cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(widths_are_those_of_unicode), cmocka_unit_test(normal_of_normal_is_itself),
        cmocka_unit_test(phones_have_one_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
