/* What leaves the house: webhooks and mails. */
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "tests/unit/cmocka_all.h"
#include "workers/notifications/mail.h"
#include "workers/notifications/webhook.h"

/* The example of the Standard Webhooks libraries. */
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define SIGNED "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define OTHER "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
body_set(struct buf *b)
{
    buf_init(b, 4096);
    buf_append_str(b, "{\"test\": 2432232314}");
}

static void
signatures_are_those_of_the_standard(void **state)
{
    char out[WEBHOOK_SIGNATURES_SIZE];
    struct buf body;

    (void)state;
    body_set(&body);
    assert_true(webhook_sign(SECRET, ID, 1614265330, &body, out));
    assert_string_equal(out, SIGNED);
    assert_true(webhook_sign("# old\n\n" OTHER "\r\n" SECRET "\n", ID, 1614265330, &body, out));
    assert_non_null(strstr(out, " " SIGNED));
    assert_int_equal(strlen(out), 2 * strlen(SIGNED) + 1);
    assert_true(
        webhook_sign(SECRET "\n" SECRET "\n" SECRET "\n" SECRET, ID, 1614265330, &body, out));
    assert_int_equal(strlen(out), 4 * strlen(SIGNED) + 3);
    buf_deinit(&body);
}

static void
what_is_no_secret_signs_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        "\n# only a comment\n",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",                     /* no prefix */
        "whsec_AAAA",                                           /* 3 bytes */
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",               /* no base64 */
        SECRET "\n" SECRET "\n" SECRET "\n" SECRET "\n" SECRET, /* five */
        SECRET "\nwhsec_AAAA\n",                                /* one of two */
    };
    char out[WEBHOOK_SIGNATURES_SIZE], longest[200] = "whsec_";
    struct buf body;

    (void)state;
    body_set(&body);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(webhook_sign(bad[i], ID, 1614265330, &body, out));
    for (size_t bytes = WEBHOOK_KEY_MAX; bytes <= WEBHOOK_KEY_MAX + 1; bytes++) {
        uint8_t key[WEBHOOK_KEY_MAX + 1] = {0};
        sodium_bin2base64(longest + 6, sizeof(longest) - 6, key, bytes,
                          sodium_base64_VARIANT_ORIGINAL);
        assert_int_equal(webhook_sign(longest, ID, 1614265330, &body, out),
                         bytes == WEBHOOK_KEY_MAX);
    }
    buf_deinit(&body);
}

static struct delivery_claimed
claimed(void)
{
    return (struct delivery_claimed){.study = "NCT007",
                                     .recipient = "the-name-of-a-recipient",
                                     .subject = "SUB\"1\"\\",
                                     .severity = "urgent",
                                     .kind = "clinical",
                                     .has_submission = true,
                                     .raised_us = 1795334400 * US_PER_S};
}

static void
a_body_has_ids_and_nothing_else(void **state)
{
    static const char *const members[] = {"alertId", "provisional", "severity",
                                          "study",   "subjectId",   "submissionId"};
    struct delivery_claimed d = claimed();
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    assert_int_equal(webhook_body(&d, &body), BUF_OK);
    json_t *json = json_loadb((char *)body.data, body.size, 0, NULL);
    assert_non_null(json);
    const json_t *data = json_object_get(json, "data");
    assert_int_equal(json_object_size(data), ARRAY_LEN(members));
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        assert_non_null(json_object_get(data, members[i]));
    assert_string_equal(json_string_value(json_object_get(data, "subjectId")), d.subject);
    assert_string_equal(json_string_value(json_object_get(json, "timestamp")),
                        "2026-11-22T08:00:00.000000Z");
    json_decref(json);
    buf_deinit(&body);
    buf_init(&body, 100);
    assert_int_equal(webhook_body(&d, &body), BUF_FULL);
    buf_deinit(&body);
}

static void
the_type_says_why_it_comes(void **state)
{
    static const struct {
        const char *kind;
        int step;
        const char *type;
    } table[] = {{"clinical", 0, "alert.raised"},         {"clinical", 1, "alert.escalated"},
                 {"unevaluated", 0, "alert.unevaluated"}, {"unevaluated", 2, "alert.escalated"},
                 {"canary", 0, "alert.canary"},           {"", 0, "alert.raised"}};
    struct buf body;

    (void)state;
    buf_init(&body, 4096);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct delivery_claimed d = claimed();
        d.kind = table[i].kind;
        d.step = table[i].step;
        webhook_body(&d, &body);
        json_t *json = json_loadb((char *)body.data, body.size, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(json, "type")), table[i].type);
        json_decref(json);
    }
    buf_deinit(&body);
}

static void
only_plain_addresses_are_taken(void **state)
{
    static const char *const good[] = {"a@b", "nurse.desk+7@ward-3.example.org"};
    static const char *const bad[] = {"",          "@b",    "a@",      "a",          "a@b@c",
                                      "a b@c",     "a\n@c", "a@c\r\n", "<a@b>",      "a,b@c",
                                      "\"a\"@b.c", "a;b@c", "a@[::1]", "\xc3\xa4@b", "a\\@b"};
    char longest[MAIL_ADDRESS_MAX + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_true(mail_address_is_good(good[i]));
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(mail_address_is_good(bad[i]));
    memset(longest, 'a', sizeof(longest));
    longest[1] = '@';
    longest[MAIL_ADDRESS_MAX + 1] = '\0';
    assert_false(mail_address_is_good(longest));
    longest[MAIL_ADDRESS_MAX] = '\0';
    assert_true(mail_address_is_good(longest));
}

static void
a_mail_names_nobody_and_can_not_be_broken(void **state)
{
    struct delivery_claimed d = claimed();
    struct buf m;

    (void)state;
    d.study = "S\r\nBcc: all@example.org\r\n\r\nhello";
    buf_init(&m, 4096);
    assert_int_equal(mail_write(&d, "a@b", "c@d", 1795334400 * US_PER_S, &m), BUF_OK);
    buf_append(&m, "", 1);
    const char *text = (char *)m.data;
    assert_null(strstr(text, "\r\nBcc:"));
    assert_null(strstr(text, "SUB"));
    assert_null(strstr(text, d.recipient));
    assert_non_null(strstr(text, "Date: Sun, 22 Nov 2026 08:00:00 +0000\r\n"));
    assert_non_null(strstr(text, "\r\nTo: c@d\r\n"));
    for (const char *p = strchr(text, '\n'); p != NULL; p = strchr(p + 1, '\n'))
        assert_int_equal(p[-1], '\r');
    buf_deinit(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_the_standard),
        cmocka_unit_test(what_is_no_secret_signs_nothing),
        cmocka_unit_test(a_body_has_ids_and_nothing_else),
        cmocka_unit_test(the_type_says_why_it_comes),
        cmocka_unit_test(only_plain_addresses_are_taken),
        cmocka_unit_test(a_mail_names_nobody_and_can_not_be_broken),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
