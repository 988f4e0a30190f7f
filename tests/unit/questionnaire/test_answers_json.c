/* Stored answers back as msgpack: the bytes, and what is none. */
#include "questionnaire/answers_json.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "schemas/wire/mp.h"

static void
bytes_are_those_of_the_answers(void **state)
{
    static const char json[] = "{\"a\":[1,-1,null,true],\"b\":36.60,\"c\":{\"x\":\"\xc3\xbc\"}}";
    static const char expected[] = "\x83\xa1"
                                   "a\x94\x01\xff\xc0\xc3\xa1"
                                   "b\xc7\x05\x01"
                                   "36.60\xa1"
                                   "c\x81\xa1"
                                   "x\xa2\xc3\xbc";
    struct buf out;

    (void)state;
    buf_init(&out, sizeof(expected));
    assert_int_equal(buf_append(&out, "?", 1), BUF_OK);
    assert_int_equal(answers_from_json(json, sizeof(json) - 1, &out), ANSWERS_JSON_OK);
    assert_int_equal(out.size, sizeof(expected));
    assert_memory_equal(out.data + 1, expected, sizeof(expected) - 1);
    assert_int_equal(mp_check(out.data + 1, out.size - 1, 100), MP_OK);
    buf_deinit(&out);
}

static void
too_large_or_none_leaves_all_as_it_was(void **state)
{
    static const char *const bad[] = {"", "[]", "7", "{\"a\":}", "{\"a\":1,\"a\":2}", "{} x"};
    static const char json[] = "{\"a\":[1,{\"b\":\"text\"}],\"c\":0.5}";
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf_init(&out, 100);
        buf_append(&out, "?", 1);
        assert_int_equal(answers_from_json(bad[i], strlen(bad[i]), &out), ANSWERS_JSON_BAD);
        assert_int_equal(out.size, 1);
        buf_deinit(&out);
    }
    for (size_t room = 1; room < 21; room++) { /* 20 bytes and the one before */
        buf_init(&out, room);
        buf_append(&out, "?", 1);
        assert_int_equal(answers_from_json(json, sizeof(json) - 1, &out), ANSWERS_JSON_TOO_LARGE);
        assert_int_equal(out.size, 1);
        buf_deinit(&out);
    }
}

static void
depth_is_bounded(void **state)
{
    char json[3 * MP_DEPTH_MAX + 64];

    (void)state;
    for (size_t depth = MP_DEPTH_MAX; depth <= MP_DEPTH_MAX + 1; depth++) {
        struct buf out;
        size_t n = 0;
        memcpy(json, "{\"a\":", 5);
        n = 5;
        for (size_t i = 0; i + 2 < depth; i++)
            json[n++] = '[';
        json[n++] = '1';
        for (size_t i = 0; i + 2 < depth; i++)
            json[n++] = ']';
        json[n++] = '}';
        buf_init(&out, 4096);
        int outcome = answers_from_json(json, n, &out);
        assert_int_equal(outcome, depth == MP_DEPTH_MAX ? ANSWERS_JSON_OK : ANSWERS_JSON_BAD);
        if (outcome == ANSWERS_JSON_OK)
            assert_int_equal(mp_check(out.data, out.size, 1000), MP_OK);
        buf_deinit(&out);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_those_of_the_answers),
        cmocka_unit_test(too_large_or_none_leaves_all_as_it_was),
        cmocka_unit_test(depth_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
