/* The envelope: which bodies are a submission, and what a refusal says without telling what was
 * sent. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/envelope.h"
#include "client/edge/instant.h"

#define REST ",\"subjectId\":\"S\",\"answers\":{}"

static void
test_bodies(void **state)
{
    static const struct {
        const char *text, *rule, *pointer;
    } cases[] = {
        {"{\"subjectId\":\"S\",\"answers\":{}}", NULL, NULL},
        {"{\"submitAt\":\"2026-02-28T08:00:00.5+01:00\"" REST "}", NULL, NULL},
        {"{\"originator\":{\"type\":\"proxy\",\"relationship\":\"mother\",\"reason\":\"x\"}" REST
         "}",
         NULL, NULL},
        {"{\"deviceEdits\":[{\"any\":1}]" REST "}", NULL, NULL},
        {"[]", "body-not-object", ""},
        {"\"{}\"", "body-not-object", ""},
        {"{\"answers\":{}}", "missing-member", "/subjectId"},
        {"{\"subjectId\":\"S\"}", "missing-member", "/answers"},
        {"{\"subjectId\":\"\",\"answers\":{}}", "wrong-type", "/subjectId"},
        {"{\"subjectId\":1,\"answers\":{}}", "wrong-type", "/subjectId"},
        {"{\"subjectId\":\"S\",\"answers\":\"{}\"}", "answers-not-object", "/answers"},
        {"{\"subjectId\":\"S\",\"answers\":[]}", "answers-not-object", "/answers"},
        {"{\"subjectId\":\"S\",\"answers\":null}", "answers-not-object", "/answers"},
        {"{\"13800138000\":1" REST "}", "unknown-member", ""},
        {"{\"Answers\":{}" REST "}", "unknown-member", ""},
        {"{\"device\":{\"13800138000\":\"x\"}" REST "}", "unknown-member", "/device"},
        {"{\"device\":{\"os\":1}" REST "}", "wrong-type", "/device/os"},
        {"{\"device\":\"x\"" REST "}", "wrong-type", "/device"},
        {"{\"deviceEdits\":{}" REST "}", "wrong-type", "/deviceEdits"},
        {"{\"submitAt\":\"2026-02-28\"" REST "}", "wrong-type", "/submitAt"},
        {"{\"submitAt\":1700000000" REST "}", "wrong-type", "/submitAt"},
        {"{\"version\":2" REST "}", "wrong-type", "/version"},
        {"{\"version\":null" REST "}", "wrong-type", "/version"},
        /* faults of the text itself */
        {"{\"answers\":{\"13800138000\":\"\\u0007\"}}", "control-character", "/answers"},
        {"{\"13800138000\":\"\\u0007\"}", "control-character", ""},
        {"{\"device\":{\"os\":\"\\u0007\"}}", "control-character", "/device/os"},
        {"{\"device\":{\"13800138000\":\"\\u0007\"}}", "control-character", "/device"},
        {"{\"answers\":{\"a\":1,\"a\":2}}", "duplicate-member", "/answers"},
        {"{", "json-syntax", ""},
    };
    struct json j;
    struct buf out;

    (void)state;
    json_init(&j);
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem_error e = {.rule = NULL};
        struct envelope envelope;
        print_message("%s\n", cases[i].text);
        buf_clear(&out);
        enum json_fault fault =
            json_transcode(&j, (const uint8_t *)cases[i].text, strlen(cases[i].text), &out);
        if (fault != JSON_OK)
            envelope_fault(&j, fault, out.data, &e);
        else
            assert_int_equal(envelope_check(&j, out.data, &envelope, &e), cases[i].rule == NULL);
        if (cases[i].rule == NULL) {
            assert_int_equal(envelope.subject.len, 1);
            assert_int_equal(*envelope.subject.at, 'S');
            continue;
        }
        assert_string_equal(e.rule, cases[i].rule);
        assert_string_equal(e.pointer, cases[i].pointer);

        struct buf text;
        buf_init(&text, 4096);
        problem_write(&text, PROBLEM_MALFORMED, &e);
        assert_null(memmem(text.data, text.size, "138001", 6));
        buf_deinit(&text);
    }
    json_deinit(&j);
    buf_deinit(&out);
}

static void
test_bounds(void **state)
{
    struct json j;
    struct buf out;
    char text[4096];

    (void)state;
    json_init(&j);
    buf_init(&out, 1 << 20);
    for (int over = 0; over < 2; over++) {
        struct problem_error e;
        struct envelope envelope;
        snprintf(text, sizeof(text), "{\"answers\":{},\"subjectId\":\"%0*d\"}",
                 SUBJECT_BYTES_MAX + over, 1);
        buf_clear(&out);
        assert_int_equal(json_transcode(&j, (uint8_t *)text, strlen(text), &out), JSON_OK);
        assert_int_equal(envelope_check(&j, out.data, &envelope, &e), !over);
        snprintf(text, sizeof(text), "{\"visit\":\"%0*d\"" REST "}", MEMBER_TEXT_MAX + over, 1);
        buf_clear(&out);
        assert_int_equal(json_transcode(&j, (uint8_t *)text, strlen(text), &out), JSON_OK);
        assert_int_equal(envelope_check(&j, out.data, &envelope, &e), !over);
    }
    /* more members than are recorded */
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"x\":0");
    for (int i = 0; i < JSON_MEMBERS_MAX + 10; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"m%d\":0", i);
    snprintf(text + n, sizeof(text) - n, "}");
    struct problem_error e;
    struct envelope envelope;
    buf_clear(&out);
    assert_int_equal(json_transcode(&j, (uint8_t *)text, strlen(text), &out), JSON_OK);
    assert_false(envelope_check(&j, out.data, &envelope, &e));
    assert_string_equal(e.rule, "unknown-member");
    json_deinit(&j);
    buf_deinit(&out);
}

static void
test_instants(void **state)
{
    static const char *const sane[] = {"2026-11-22T08:00:00Z", "2024-02-29T23:59:60+14:00",
                                       "1970-01-01T00:00:00.000000-00:30", "2026-11-22t08:00:00z"};
    static const char *const insane[] = {"2026-11-22T08:00:00",
                                         "2026-11-22 08:00:00Z",
                                         "2026-13-01T08:00:00Z",
                                         "2026-02-29T08:00:00Z",
                                         "2026-11-22T24:00:00Z",
                                         "2026-11-22T08:60:00Z",
                                         "2026-11-22T08:00:00.Z",
                                         "2026-11-22T08:00:00+1:00",
                                         "2026-11-22T08:00:00+24:00",
                                         "0000-01-01T00:00:00Z",
                                         "2026-11-22T08:00Z",
                                         "2026-11-22T08:00:00Zx",
                                         "2026-11-22T08:00:00.00000000000000000000000000Z"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sane); i++)
        assert_true(instant_is_sane(sane[i], strlen(sane[i])));
    for (size_t i = 0; i < ARRAY_LEN(insane); i++)
        assert_false(instant_is_sane(insane[i], strlen(insane[i])));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bodies), cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_instants)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
