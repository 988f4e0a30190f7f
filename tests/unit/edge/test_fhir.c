/* What is read of a QuestionnaireResponse, and how an OperationOutcome tells of it. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/fhir_outcome.h"
#include "client/edge/fhir_response.h"
#include "client/edge/json_text.h"

#define QR "{\"resourceType\":\"QuestionnaireResponse\""

static void
text_is(const struct envelope_text *t, const char *text)
{
    if (text == NULL) {
        assert_null(t->at);
        return;
    }
    assert_non_null(t->at);
    assert_int_equal(t->len, strlen(text));
    assert_memory_equal(t->at, text, t->len);
}

static void
test_read(void **state)
{
    static const struct {
        const char *text, *subject, *study, *id;
        bool authored;
    } cases[] = {
        {QR "}", NULL, NULL, NULL, false},
        {QR ",\"subject\":{\"reference\":\"Patient/a\"},\"authored\":\"2026\"}", "a", NULL, NULL,
         true},
        {QR ",\"subject\":{\"reference\":\"http://x/Patient/a-1/_history/Patient\"}}", "a-1", NULL,
         NULL, false},
        {"{\"subject\":{\"identifier\":{\"value\":\"S\",\"system\":\"urn:sluice:study:N\"}},"
         "\"resourceType\":\"QuestionnaireResponse\"}",
         "S", "N", NULL, false},
        {QR ",\"subject\":{\"identifier\":{\"value\":\"S\",\"system\":\"urn:sluice:study:\"}}}",
         "S", NULL, NULL, false},
        {QR ",\"identifier\":{\"value\":\"k\"}}", NULL, NULL, "k", false},
        {QR ",\"identifier\":{\"value\":\"k\",\"system\":\"s\"}}", NULL, NULL, "s|k", false},
        {QR ",\"identifier\":{\"system\":\"s\",\"value\":"
            "\"urn:uuid:12345678-1234-4234-8234-123456789abc\"}}",
         NULL, NULL, "12345678-1234-4234-8234-123456789abc", false},
        {QR ",\"item\":[{\"subject\":{\"reference\":\"Patient/inner\"}}]}", NULL, NULL, NULL,
         false},
    };
    static struct json j;
    struct buf out;

    (void)state;
    json_init(&j);
    buf_init(&out, 65536);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char key[KEY_CHARACTERS_MAX];
        struct envelope envelope;
        struct problem_error e = {.rule = NULL};
        print_message("%s\n", cases[i].text);
        buf_clear(&out);
        assert_int_equal(
            json_transcode(&j, (const uint8_t *)cases[i].text, strlen(cases[i].text), &out),
            JSON_OK);
        assert_true(fhir_response_read(out.data, out.size, key, &envelope, &e));
        text_is(&envelope.subject, cases[i].subject);
        text_is(&envelope.study, cases[i].study);
        text_is(&envelope.id, cases[i].id);
        assert_int_equal(envelope.has_submit_at, cases[i].authored);
    }
    json_deinit(&j);
    buf_deinit(&out);
}

/* The key that system and value make, at its bound. */
static void
test_key_bound(void **state)
{
    static struct json j;
    struct buf out;

    (void)state;
    json_init(&j);
    buf_init(&out, 65536);
    for (int over = 0; over < 2; over++) {
        char text[512], key[KEY_CHARACTERS_MAX];
        struct envelope envelope;
        struct problem_error e;
        snprintf(text, sizeof(text), QR ",\"identifier\":{\"system\":\"%0*d\",\"value\":\"%0*d\"}}",
                 63, 1, 64 + over, 2);
        buf_clear(&out);
        json_transcode(&j, (uint8_t *)text, strlen(text), &out);
        assert_int_equal(fhir_response_read(out.data, out.size, key, &envelope, &e), !over);
        assert_int_equal(over ? 0 : envelope.id.len, over ? 0 : KEY_CHARACTERS_MAX);
    }
    json_deinit(&j);
    buf_deinit(&out);
}

static void
outcome_is(struct buf *b, const char *issues)
{
    char whole[2048];

    json_put_n(b, "", 1);
    snprintf(whole, sizeof(whole), "{\"resourceType\":\"OperationOutcome\",\"issue\":[%s]}",
             issues);
    assert_string_equal((char *)b->data, whole);
    buf_clear(b);
}

/* Pointers become FHIRPaths; a text that needs escapes gets them. */
static void
test_expressions(void **state)
{
    static const struct {
        const char *pointer, *expression;
    } cases[] = {
        {"", ""},
        {"/item/0/item/12/answer/3/valueCoding/code", ".item[0].item[12].answer[3].value.code"},
        {"/value/valueX/valuex", ".value.value.valuex"},
        {"/a\"b/", ".a\\\"b."},
        {"no pointer", ""},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct problem_error e;
        char issue[512];
        problem_error_set(&e, cases[i].pointer, "some-rule", "why");
        fhir_outcome_problem(&b, PROBLEM_MALFORMED, &e);
        snprintf(issue, sizeof(issue),
                 "{\"severity\":\"error\",\"code\":\"invalid\",\"details\":{\"coding\":[{"
                 "\"system\":\"urn:sluice:rule\",\"code\":\"some-rule\"}],\"text\":\"why\"},"
                 "\"expression\":[\"QuestionnaireResponse%s\"]}",
                 cases[i].expression);
        outcome_is(&b, issue);
    }
    fhir_outcome_problem(&b, PROBLEM_NOT_FOUND, NULL);
    outcome_is(&b, "{\"severity\":\"error\",\"code\":\"not-found\",\"details\":{\"text\":\"There "
                   "is nothing here\"}}");
    buf_deinit(&b);
}

/* Whatever a worker sends, there is an issue, as FHIR wants at least one. */
static void
test_errors(void **state)
{
    struct outcome_payload p = {0};
    struct buf b, in;

    (void)state;
    buf_init(&b, 4096);
    buf_init(&in, 4096);
    fhir_outcome_errors(&b, PROBLEM_REJECTED, &p, "error");
    outcome_is(&b, "{\"severity\":\"error\",\"code\":\"processing\",\"details\":{\"text\":\"The "
                   "submission breaks rules\"}}");
    mp_put_map(&in, 2);
    mp_put_cstr(&in, "errors");
    mp_put_array(&in, 1);
    mp_put_uint(&in, 1);
    mp_put_cstr(&in, "flags");
    mp_put_array(&in, 2);
    mp_put_uint(&in, 1);
    mp_put_cstr(&in, "late");
    outcome_payload_read(in.data, in.size, &p);
    fhir_outcome_errors(&b, PROBLEM_REJECTED, &p, "warning");
    outcome_is(&b, "{\"severity\":\"warning\",\"code\":\"processing\",\"details\":{\"text\":\"\"},"
                   "\"expression\":[\"QuestionnaireResponse\"]}");
    fhir_outcome_status(&b, "stored", 6, &p);
    outcome_is(&b,
               "{\"severity\":\"information\",\"code\":\"informational\",\"details\":{\"coding\":[{"
               "\"system\":\"urn:sluice:status\",\"code\":\"stored\"}],\"text\":\"stored\"}},"
               "{\"severity\":\"warning\",\"code\":\"informational\",\"details\":{\"coding\":[{"
               "\"system\":\"urn:sluice:rule\",\"code\":\"late\"}],\"text\":\"late\"}}");
    buf_deinit(&b);
    buf_deinit(&in);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read), cmocka_unit_test(test_key_bound),
        cmocka_unit_test(test_expressions), cmocka_unit_test(test_errors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
