/* What the small files may say, and which subject codes look like a person's own number. */
#include "store/catalog_file.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"

static void
personal_codes(void **state)
{
    static const char *const personal[] = {"a@b.org",     "+49170123456",       "555-123-4567",
                                           "13800138000", "11010519491231002X", "078-05-1120"};
    static const char *const codes[] = {"SUB123", "CDISC001", "01-701-1015", "1115", "S-0001.2"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(personal); i++)
        assert_true(catalog_code_looks_personal(personal[i]));
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        assert_false(catalog_code_looks_personal(codes[i]));
}

static void
fault_is(const char *json, const char *wanted)
{
    static const char *const members[] = {"a", "code", "word", NULL};
    static const char *const words[] = {"one", "two", NULL};
    struct catalog_fault fault = {""};
    json_t *root = catalog_parse(json, strlen(json), &fault);

    if (root != NULL) {
        catalog_members(root, "thing", members, &fault);
        catalog_string(root, "a", 5, true, &fault);
        catalog_code(root, "code", false, &fault);
        catalog_word(root, "word", words, &fault);
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
    fault_is("{\"a\":\"x\",\"word\":\"three\"}", "'word' must be one of");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(personal_codes),
        cmocka_unit_test(faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
