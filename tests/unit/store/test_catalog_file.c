/* What the small files may say, and which subject codes look like a person's own number. */
#include "store/catalog_file.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

static void
personal_codes(void **state)
{
    static const char *const personal[] = {"a@b.org",
                                           "+49170123456",
                                           "555-123-4567",
                                           "１３８００１３８０００",
                                           "ａ＠ｂ．ｄｅ",
                                           "13800138000",
                                           "11010519491231002X",
                                           "078-05-1120",
                                           "S13800138000",
                                           "CN-11010519491231002X-1",
                                           "AB123456C",
                                           "900101-1234567",
                                           "123.456.789-09",
                                           "RSSMRA85T10A562S",
                                           "12345678Z",
                                           "01.23.45.67.89",
                                           "0301-2345678"};
    static const char *const codes[] = {
        "SUB123",       "CDISC001",       "01-701-1015", "1115",        "S-0001.2",
        "DE-0012-0345", "SUB23800138000", "S1234567890", "110105-1949", "A-20260131-01"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(personal); i++)
        assert_true(catalog_code_looks_personal(personal[i], strlen(personal[i])));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_false(catalog_code_looks_personal(codes[i], strlen(codes[i])));
    static char long_code[CATALOG_TEXT_MAX + 1];
    memset(long_code, 'S', sizeof(long_code));
    assert_false(catalog_code_looks_personal(long_code, CATALOG_TEXT_MAX));
    assert_true(catalog_code_looks_personal(long_code, CATALOG_TEXT_MAX + 1));
    assert_true(catalog_code_looks_personal("S\0", 2));
    assert_false(catalog_code_looks_personal("", 0));
}

static void
fault_is(const char *json, const char *wanted)
{
    static const char *const words[] = {"one", "two", NULL};
    static const char *const more[] = {"a", "code", "word", "n", "o", "l", NULL};
    struct catalog_fault fault = {0};
    json_t *root = catalog_parse(json, strlen(json), &fault);

    if (root != NULL) {
        catalog_members(root, "thing", more, &fault);
        catalog_string(root, "a", 5, true, &fault);
        catalog_code(root, "code", false, &fault);
        catalog_word(root, "word", words, &fault);
        catalog_place(&fault, "at/%d", 7);
        catalog_integer(root, "n", 1, 5, 3, &fault);
        catalog_object(root, "o", 1, &fault);
        catalog_array(root, "l", 2, &fault);
        json_decref(root);
    }
    if (*wanted == '\0')
        assert_string_equal(fault.text, "");
    else if (strstr(fault.text, wanted) == NULL)
        fail_msg("%s: '%s', not '%s'", json, fault.text, wanted);
}

static void
faults_are_named(void **state)
{
    (void)state;
    fault_is("{\"a\":\"x\"}", "");
    fault_is("{\"a\":\"12345\",\"code\":\"A.b-c_9\",\"word\":\"two\"}", "");
    fault_is("", "line");
    fault_is("[]", "one JSON object");
    fault_is("{\"a\":\"x\",\"a\":\"y\"}", "duplicate");
    fault_is("{\"a\":\"x\"} x", "line");
    fault_is("{\"a\":\"x\",\"b\":1}", "unknown member 'b'");
    fault_is("{}", "'a' is missing");
    fault_is("{\"a\":7}", "'a' must be a string");
    fault_is("{\"a\":\"\"}", "1 to 5");
    fault_is("{\"a\":\"123456\"}", "1 to 5");
    fault_is("{\"a\":\"x\",\"code\":\"a:b\"}", "'code' may have");
    fault_is("{\"a\":\"x\",\"word\":\"three\"}", "'word' must be one of: one, two");
    fault_is("{\"a\":\"x\",\"n\":5,\"o\":{\"x\":1},\"l\":[1,2]}", "");
    fault_is("{\"a\":\"x\",\"n\":6}", "at/7: 'n' must be a whole number from 1 to 5");
    fault_is("{\"a\":\"x\",\"n\":1.0}", "at/7: 'n'");
    fault_is("{\"a\":\"x\",\"o\":[]}", "at/7: 'o' must be an object");
    fault_is("{\"a\":\"x\",\"o\":{\"x\":1,\"y\":2}}", "at most 1");
    fault_is("{\"a\":\"x\",\"l\":{}}", "at/7: 'l' must be an array");
    fault_is("{\"a\":\"x\",\"l\":[1,2,3]}", "at most 2");
}

static void
durations(void **state)
{
    static const char *const bad[] = {"", "7", "d", "7 days", "-7d", "400d", "1.5.2h", "1000000d"};
    int64_t us;

    (void)state;
    assert_true(catalog_duration("30min", &us) && us == INT64_C(1800000000));
    assert_true(catalog_duration("7d", &us) && us == INT64_C(7) * 86400 * 1000000);
    assert_true(catalog_duration("366d", &us));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(catalog_duration(bad[i], &us));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(personal_codes),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
