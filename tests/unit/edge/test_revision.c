/* If-Match, and the members of a correction that leave the submission. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/envelope.h"
#include "client/edge/revision.h"

static void
test_match(void **state)
{
    static const struct {
        const char *text;
        uint32_t number; /* 0: refused */
    } cases[] = {
        {"1", 1},
        {"\"1\"", 1},
        {"\"2147483647\"", REVISION_NUMBER_MAX},
        {"2147483647", REVISION_NUMBER_MAX},
        {"2147483648", 0},
        {"4294967297", 0},
        {"99999999999", 0},
        {"0", 0},
        {"01", 0},
        {"", 0},
        {"\"", 0},
        {"\"\"", 0},
        {"*", 0},
        {"W/\"1\"", 0},
        {"\"1\",\"2\"", 0},
        {"1 ", 0},
        {"-1", 0},
        {"\"1", 0},
        {"1\"", 0},
        {"1a", 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t number = 0;
        print_message("%s\n", cases[i].text);
        bool good = revision_match_parse(cases[i].text, strlen(cases[i].text), &number);
        assert_int_equal(good, cases[i].number != 0);
        assert_int_equal(number, cases[i].number);
    }
}

/* After reason and source have left, body and members are what they would have been without. */
static void
test_take(void **state)
{
    static const char *const with[] = {
        "{\"reason\":\"r\",\"source\":\"s\",\"subjectId\":\"S\",\"answers\":{\"a\":[1,{\"b\":2}]}}",
        "{\"subjectId\":\"S\",\"reason\":\"r\",\"answers\":{\"a\":[1,{\"b\":2}]},\"source\":\"s\"}",
        "{\"source\":\"s\",\"subjectId\":\"S\",\"answers\":{\"a\":[1,{\"b\":2}]},\"reason\":\"r\"}",
    };
    static const char without[] = "{\"subjectId\":\"S\",\"answers\":{\"a\":[1,{\"b\":2}]}}";
    static struct json j, plain_j;
    struct buf out, plain;

    (void)state;
    json_init(&j);
    json_init(&plain_j);
    buf_init(&out, 65536);
    buf_init(&plain, 65536);
    assert_int_equal(json_transcode(&plain_j, (const uint8_t *)without, strlen(without), &plain),
                     JSON_OK);
    for (size_t i = 0; i < ARRAY_LEN(with); i++) {
        struct revision r = {.number = 1};
        struct problem_error e = {.rule = NULL};
        struct envelope envelope;
        buf_clear(&out);
        assert_int_equal(json_transcode(&j, (const uint8_t *)with[i], strlen(with[i]), &out),
                         JSON_OK);
        assert_true(revision_take(&j, &out, &r, &e));
        assert_memory_equal(r.reason.text, "r", r.reason.len);
        assert_memory_equal(r.source.text, "s", r.source.len);
        assert_int_equal(r.reason.len + r.source.len, 2);
        assert_int_equal(out.size, plain.size);
        assert_memory_equal(out.data, plain.data, plain.size);
        assert_int_equal(j.n_members, plain_j.n_members);
        assert_memory_equal(j.members, plain_j.members, j.n_members * sizeof(j.members[0]));
        assert_true(envelope_check(&j, out.data, &envelope, &e));
    }
    json_deinit(&j);
    json_deinit(&plain_j);
    buf_deinit(&out);
    buf_deinit(&plain);
}

static void
test_bounds(void **state)
{
    static struct json j;
    static struct revision r;
    static char text[8192];
    struct problem_error e;
    struct buf out;

    (void)state;
    json_init(&j);
    buf_init(&out, 65536);
    for (int over = 0; over < 2; over++) {
        snprintf(text, sizeof(text), "{\"reason\":\"%0*d\",\"source\":\"%0*d\"}",
                 REVISION_TEXT_MAX + over, 1, REVISION_TEXT_MAX, 1);
        buf_clear(&out);
        json_transcode(&j, (uint8_t *)text, strlen(text), &out);
        assert_int_equal(revision_take(&j, &out, &r, &e), !over);
        /* as many members as are recorded, and one more */
        size_t n = (size_t)snprintf(text, sizeof(text), "{\"reason\":\"r\"");
        for (int i = 1; i < JSON_MEMBERS_MAX + over; i++)
            n += (size_t)snprintf(text + n, sizeof(text) - n, ",\"m%d\":0", i);
        snprintf(text + n, sizeof(text) - n, "}");
        buf_clear(&out);
        json_transcode(&j, (uint8_t *)text, strlen(text), &out);
        assert_int_equal(revision_take(&j, &out, &r, &e), !over);
        if (over)
            assert_string_equal(e.rule, "unknown-member");
        else
            assert_int_equal(mp_check(out.data, out.size, 1000), MP_OK);
    }
    json_deinit(&j);
    buf_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_take),
                                       cmocka_unit_test(test_bounds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
