/* Which id a submission gets. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/json.h"
#include "client/edge/submission_id.h"

#define UUID1 "12345678-9ABC-4def-8000-0123456789ab"

static void
test_keys(void **state)
{
    char long_key[KEY_CHARACTERS_MAX + 1];
    const struct {
        const char *text;
        bool quotes;
        enum submission_key_outcome outcome;
        const char *key;
    } cases[] = {
        {UUID1, true, SUBMISSION_KEY_UUID, ""},
        {"\"" UUID1 "\"", true, SUBMISSION_KEY_UUID, ""},
        {"\"" UUID1 "\"", false, SUBMISSION_KEY_TEXT, "\"" UUID1 "\""},
        {"abc", true, SUBMISSION_KEY_TEXT, "abc"},
        {"\"abc\"", true, SUBMISSION_KEY_TEXT, "abc"},
        {"\"a\\\"b\\\\\"", true, SUBMISSION_KEY_TEXT, "a\"b\\"},
        {"a b", true, SUBMISSION_KEY_TEXT, "a b"},
        {"", true, SUBMISSION_KEY_BAD, NULL},
        {"\"\"", true, SUBMISSION_KEY_BAD, NULL},
        {"\"abc", true, SUBMISSION_KEY_BAD, NULL},
        {"\"", true, SUBMISSION_KEY_BAD, NULL},
        {"\"a\"b\"", true, SUBMISSION_KEY_BAD, NULL},
        {"\"a\\x\"", true, SUBMISSION_KEY_BAD, NULL},
        {"\"a\\\"", true, SUBMISSION_KEY_BAD, NULL},
        {"a\tb", true, SUBMISSION_KEY_BAD, NULL},
        {"caf\xc3\xa9", false, SUBMISSION_KEY_BAD, NULL},
    };
    struct submission_key key;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(
            submission_key_parse(cases[i].text, strlen(cases[i].text), cases[i].quotes, &key),
            cases[i].outcome);
        if (cases[i].key != NULL)
            assert_string_equal(key.text, cases[i].key);
    }
    memset(long_key, 'k', sizeof(long_key));
    assert_int_equal(submission_key_parse(long_key, KEY_CHARACTERS_MAX, true, &key),
                     SUBMISSION_KEY_TEXT);
    assert_int_equal(submission_key_parse(long_key, KEY_CHARACTERS_MAX + 1, true, &key),
                     SUBMISSION_KEY_BAD);
}

static const struct identity_key identity = {.id = 1, .bytes = {1, 2, 3}};

/* Chooses for a body and header in a study; returns the rule broken, or NULL. */
static const char *
choose(const char *study, const char *header, const char *text, struct uuid *ret_id)
{
    struct json j;
    struct buf out, scratch;
    struct envelope envelope;
    struct submission_key key;
    struct problem_error e = {.rule = NULL};

    json_init(&j);
    buf_init(&out, 65536);
    buf_init(&scratch, 65536);
    assert_int_equal(json_transcode(&j, (const uint8_t *)text, strlen(text), &out), JSON_OK);
    assert_true(envelope_check(&j, out.data, &envelope, &e));
    struct submission_id_input in = {.study = study,
                                     .study_len = strlen(study),
                                     .header = header,
                                     .header_len = header != NULL ? strlen(header) : 0,
                                     .envelope = &envelope,
                                     .id_pointer = "/id",
                                     .submission = out.data,
                                     .submission_bytes = out.size};
    bool chosen = submission_id_choose(&identity, &in, &scratch, ret_id, &key, &e);
    assert_int_equal(chosen, e.rule == NULL);
    json_deinit(&j);
    buf_deinit(&out);
    buf_deinit(&scratch);
    return e.rule;
}

#define BODY(more) "{\"subjectId\":\"S\",\"answers\":{\"q\":1}" more "}"
#define AT ",\"submitAt\":\"2026-11-22T08:00:00Z\""

static void
test_choice(void **state)
{
    struct uuid a, b;

    (void)state;
    assert_null(choose("X", UUID1, BODY(), &a));
    char text[UUID_TEXT_SIZE];
    uuid_format(&a, text);
    assert_string_equal(text, "12345678-9abc-4def-8000-0123456789ab");
    assert_null(choose("X", NULL, BODY(",\"id\":\"" UUID1 "\""), &b));
    assert_true(uuid_equal(&a, &b));
    assert_null(choose("X", "\"" UUID1 "\"", BODY(",\"id\":\"" UUID1 "\""), &b));
    assert_true(uuid_equal(&a, &b));
    assert_string_equal(choose("X", "other", BODY(",\"id\":\"" UUID1 "\""), &b), "id-mismatch");
    assert_string_equal(choose("X", "", BODY(), &b), "idempotency-key");
    assert_string_equal(choose("X", NULL, BODY(), &b), "identity-required");
    assert_null(choose("X", NULL, BODY(",\"occasion\":\"d1\""), &b));
}

static void
test_derived(void **state)
{
    struct uuid a, b;

    (void)state;
    /* order, spelling of strings, and sentAt do not matter; content, study and subject do */
    assert_null(choose("X", NULL, BODY(AT), &a));
    assert_null(
        choose("X", NULL,
               "{ \"submitAt\":\"2026-11-22T08:00:00Z\",\"sentAt\":\"2026-11-22T09:00:00Z\","
               "\"answers\":{\"\\u0071\":1},\"subjectId\":\"S\"}",
               &b));
    assert_true(uuid_equal(&a, &b));
    assert_int_equal(a.bytes[6] >> 4, 8);
    assert_null(choose("Y", NULL, BODY(AT), &b));
    assert_false(uuid_equal(&a, &b));
    assert_null(choose("X", NULL, BODY(AT ",\"visit\":\"v\""), &b));
    assert_false(uuid_equal(&a, &b));
    /* a key that is no UUID is one of its study */
    assert_null(choose("X", "k1", BODY(), &a));
    assert_null(choose("X", "\"k1\"", BODY(AT), &b));
    assert_true(uuid_equal(&a, &b));
    assert_null(choose("Y", "k1", BODY(), &b));
    assert_false(uuid_equal(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_keys), cmocka_unit_test(test_choice),
                                       cmocka_unit_test(test_derived)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
