/* Texts as JSON strings: what is escaped, what is replaced, wherever it stands in the text. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/json_text.h"

#define CEILING 4096

static const struct {
    const char *text, *json;
} pieces[] = {
    {"", ""},
    {"plain ~", "plain ~"},
    {"\"", "\\\""},
    {"\\", "\\\\"},
    {"\n", "\\u000a"},
    {"\x7f", "\\u007f"},
    {"\x01\x1f", "\\u0001\\u001f"},
    {"/", "/"},
    {"\xc3\xa4", "\xc3\xa4"},
    {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    {"\xff", "\xef\xbf\xbd"},
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
};

/* Each piece before, behind and between plain text and each other piece. */
static void
strings_are_escaped_everywhere(void **state)
{
    struct buf b;
    char text[64], json[128];

    (void)state;
    buf_init(&b, CEILING);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
            snprintf(text, sizeof(text), "%smid%s%send", pieces[i].text, pieces[k].text,
                     pieces[i].text);
            snprintf(json, sizeof(json), "\"%smid%s%send\"", pieces[i].json, pieces[k].json,
                     pieces[i].json);
            buf_clear(&b);
            json_put_string(&b, text, strlen(text));
            assert_int_equal(b.size, strlen(json));
            assert_memory_equal(b.data, json, b.size);
        }
    }
    buf_deinit(&b);
}

/* A character that the end cuts off is replaced, and nothing behind the end is read. */
static void
a_cut_character_is_replaced(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, CEILING);
    json_put_string(&b, "a\xf0\x9f\x98\x80", 2);
    assert_int_equal(b.size, 6);
    assert_memory_equal(b.data, "\"a\xef\xbf\xbd\"", 6);
    buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_are_escaped_everywhere),
        cmocka_unit_test(a_cut_character_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
