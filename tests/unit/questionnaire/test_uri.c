/* URIs, references, texts: what is one and what is not. */
#include "questionnaire/uri.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/reference.h"
#include "questionnaire/text.h"

static void
uris(void **state)
{
    static const char *const good[] = {
        "https://x.example/a/b?c=d&e=%20#f",
        "ftp://user:pw@x.example:21/",
        "http://[2001:db8::1]:80/",
        "mailto:a@b.example",
        "tel:+1-816-555-1212",
        "../up",
        "a/b:c",
        "?q",
        "#f",
        "//x.example/y",
        "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7",
        "URN:UUID:53FEFA32-FCBB-4FF8-8A92-55EE120877B7",
        "urn:oid:1.2.840.10008",
        "urn:oid:0.0",
        "urn:isbn:0451450523",
        "x",
    };
    static const char *const bad[] = {
        "",
        "a b",
        "http://x.example/%2",
        "http://x.example/%zz",
        "http://x.example/<",
        "1http://x",
        "http://[2001:db8::1/",
        "a#b#c",
        "http://x.example:8a/",
        "über",
        "urn:uuid:53fefa32fcbb4ff88a9255ee120877b7",
        "urn:uuid:",
        "urn:oid:3.1",
        "urn:oid:1.02",
        "urn:oid:1.",
        "urn:oid:1",
        ":x",
        "http://x.example/\\",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        if (!uri_check(good[i], strlen(good[i])))
            fail_msg("'%s' is a URI", good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (uri_check(bad[i], strlen(bad[i])))
            fail_msg("'%s' is no URI", bad[i]);
    }
}

static void
references(void **state)
{
    static const struct {
        const char *text, *type; /* type "": good, none said; NULL: bad */
    } all[] = {
        {"Patient/1", "Patient"},
        {"https://x.example/fhir/Observation/a-B.9", "Observation"},
        {"Patient/1/_history/2", "Patient"},
        {"https://x.example/Patient/1/_history/2", "Patient"},
        {"#p1", ""},
        {"urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", ""},
        {"urn:oid:1.2.3", NULL},
        {"patient/1", NULL},
        {"Patients/1", NULL},
        {"Patient", NULL},
        {"Patient/", NULL},
        {"/Patient/1", NULL},
        {"fhir/Patient/1", NULL}, /* a base is absolute */
        {"Patient/1?x", NULL},
        {"Patient/1_2", NULL},
        {"Patient/1/_history/", NULL},
        {"#", NULL},
        {"", NULL},
        {"Patient/0123456789012345678901234567890123456789012345678901234567890123", "Patient"},
        {"Patient/01234567890123456789012345678901234567890123456789012345678901234", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const char *type;
        size_t len;
        bool good = reference_check(all[i].text, strlen(all[i].text), &type, &len);
        const char *wanted = all[i].type;
        if (good != (wanted != NULL) ||
            (good && (len != strlen(wanted) || (len > 0 && memcmp(type, wanted, len) != 0))))
            fail_msg("'%s'", all[i].text);
    }
    assert_true(resource_type_known("Account", 7));
    assert_true(resource_type_known("VisionPrescription", 18));
    assert_false(resource_type_known("Accoun", 6));
    assert_false(resource_type_known("", 0));
}

static void
texts(void **state)
{
    static const struct {
        const char *text;
        enum text_outcome alone, lines;
    } all[] = {
        {"plain, eight bytes and more", TEXT_OK, TEXT_OK},
        {"tab\tis fine", TEXT_OK, TEXT_OK},
        {"two\nlines and a few bytes more", TEXT_LINE_BREAK, TEXT_OK},
        {"carriage\r", TEXT_LINE_BREAK, TEXT_OK},
        {"bell\a and a line\n", TEXT_CONTROL, TEXT_CONTROL},
        {"delete\x7f", TEXT_CONTROL, TEXT_CONTROL},
        {"äöü 日本語 🙂 and on", TEXT_OK, TEXT_OK},
        {"\xc0\xaf", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
        {"\xed\xa0\x80", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
        {"\xf4\x90\x80\x80", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
        {"\xe0\x80\xaf", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
        {"cut \xe6\x97", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
        {"\x80", TEXT_NOT_UTF8, TEXT_NOT_UTF8},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        size_t len = strlen(all[i].text);
        if (text_check(all[i].text, len, false) != all[i].alone ||
            text_check(all[i].text, len, true) != all[i].lines)
            fail_msg("text %zu", i);
    }
    assert_int_equal(text_characters("äöü 日本語 🙂", strlen("äöü 日本語 🙂")), 9);
}

/* At every place of texts of every length: they are looked at in pieces of several sizes. */
static void
what_is_special_is_found_anywhere(void **state)
{
    static const struct {
        char c;
        enum text_outcome outcome;
    } cases[] = {{'\n', TEXT_LINE_BREAK}, {'\x1f', TEXT_CONTROL}, {'\x7f', TEXT_CONTROL},
                 {'\xff', TEXT_NOT_UTF8}, {' ', TEXT_OK},         {'~', TEXT_OK}};
    char text[150];

    (void)state;
    for (size_t len = 1; len < sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                memset(text, 'x', len);
                text[at] = cases[i].c;
                if (text_check(text, len, false) != cases[i].outcome)
                    fail_msg("%02x at %zu of %zu", (uint8_t)cases[i].c, at, len);
            }
        }
    }
    assert_int_equal(text_check("", 0, false), TEXT_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris),
        cmocka_unit_test(references),
        cmocka_unit_test(texts),
        cmocka_unit_test(what_is_special_is_found_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
