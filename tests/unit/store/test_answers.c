/* Answers on their way to jsonb: members in its order, one long text beside them. */
#include "store/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "tests/unit/cmocka_all.h"

struct fixture {
    struct buf msgpack, json;
    struct answers_beside beside;
    char long_text[ANSWERS_LONG_MIN + 2];
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    buf_init(&f->msgpack, 1 << 16);
    buf_init(&f->json, 1 << 16);
    memset(f->long_text, 'x', sizeof(f->long_text));
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;

    buf_deinit(&f->msgpack);
    buf_deinit(&f->json);
    free(f);
    return 0;
}

static int
write_it(struct fixture *f)
{
    buf_clear(&f->json);
    return answers_write(&f->json, (struct slice){f->msgpack.data, f->msgpack.size}, &f->beside);
}

static void
json_is(const struct fixture *f, const char *wanted)
{
    assert_int_equal(f->json.size, strlen(wanted));
    assert_memory_equal(f->json.data, wanted, f->json.size);
}

static void
members_come_in_the_order_of_jsonb(void **state)
{
    struct fixture *f = *state;
    static const char *const keys[] = {"pain", "b", "sleep", "a", "nausea", "zz", "", "aa"};

    mp_put_map(&f->msgpack, ARRAY_LEN(keys));
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        mp_put_cstr(&f->msgpack, keys[i]);
        mp_put_array(&f->msgpack, 1);
        mp_put_uint(&f->msgpack, i);
    }
    assert_int_equal(write_it(f), BUF_OK);
    json_is(f, "{\"\": [6], \"a\": [3], \"b\": [1], \"aa\": [7], \"zz\": [5], \"pain\": [0],"
               " \"sleep\": [2], \"nausea\": [4]}");
    assert_null(f->beside.key.at);
    assert_null(f->beside.text.at);
}

/* Around the length up to which length and first bytes are compared together; same beginnings. */
static void
long_keys_come_in_the_order_of_jsonb(void **state)
{
    struct fixture *f = *state;
    static const struct {
        size_t len;
        char first, last;
    } keys[] = {{300, 'a', 'a'}, {255, 'z', 'b'}, {255, 'z', 'a'}, {254, 'z', 'z'},
                {256, 'b', 'a'}, {8, 'x', 'b'},   {8, 'x', 'a'},   {7, 'y', 'y'}};
    static const uint32_t order[] = {7, 6, 5, 3, 2, 1, 4, 0};
    char key[300];
    struct buf wanted;

    buf_init(&wanted, 1 << 16);
    mp_put_map(&f->msgpack, ARRAY_LEN(keys));
    for (uint32_t i = 0; i < ARRAY_LEN(keys); i++) {
        memset(key, keys[i].first, sizeof(key));
        key[keys[i].len - 1] = keys[i].last;
        mp_put_str(&f->msgpack, key, keys[i].len);
        mp_put_uint(&f->msgpack, i);
    }
    for (uint32_t n = 0; n < ARRAY_LEN(order); n++) {
        uint32_t i = order[n];
        memset(key, keys[i].first, sizeof(key));
        key[keys[i].len - 1] = keys[i].last;
        buf_printf(&wanted, "%s\"%.*s\": %u", n > 0 ? ", " : "{", (int)keys[i].len, key, i);
    }
    buf_append(&wanted, "}", 2);
    assert_int_equal(write_it(f), BUF_OK);
    json_is(f, (const char *)wanted.data);
    buf_deinit(&wanted);
}

static void
the_longest_long_text_goes_beside(void **state)
{
    struct fixture *f = *state;

    mp_put_map(&f->msgpack, 3);
    mp_put_cstr(&f->msgpack, "notes");
    mp_put_str(&f->msgpack, f->long_text, ANSWERS_LONG_MIN + 1);
    mp_put_cstr(&f->msgpack, "pain");
    mp_put_uint(&f->msgpack, 3);
    mp_put_cstr(&f->msgpack, "more");
    mp_put_str(&f->msgpack, f->long_text, ANSWERS_LONG_MIN);
    assert_int_equal(write_it(f), BUF_OK);
    assert_int_equal(f->beside.key.len, 5);
    assert_memory_equal(f->beside.key.at, "notes", 5);
    assert_int_equal(f->beside.text.len, ANSWERS_LONG_MIN + 1);
    assert_memory_equal(f->beside.text.at, f->long_text, f->beside.text.len);
    char wanted[ANSWERS_LONG_MIN + 64];
    snprintf(wanted, sizeof(wanted), "{\"more\": \"%.*s\", \"pain\": 3, \"notes\": null}",
             ANSWERS_LONG_MIN, f->long_text);
    json_is(f, wanted);
    assert_memory_equal(f->json.data + f->beside.at, "null}", 5);
}

static void
a_shorter_text_stays(void **state)
{
    struct fixture *f = *state;

    mp_put_map(&f->msgpack, 1);
    mp_put_cstr(&f->msgpack, "notes");
    mp_put_str(&f->msgpack, f->long_text, ANSWERS_LONG_MIN - 1);
    assert_int_equal(write_it(f), BUF_OK);
    assert_null(f->beside.key.at);
    assert_int_equal(f->json.size, strlen("{\"notes\": \"\"}") + ANSWERS_LONG_MIN - 1);
}

static void
of_a_key_that_stands_twice_the_last_one_counts(void **state)
{
    struct fixture *f = *state;

    mp_put_map(&f->msgpack, 3);
    mp_put_cstr(&f->msgpack, "notes");
    mp_put_str(&f->msgpack, f->long_text, ANSWERS_LONG_MIN);
    mp_put_cstr(&f->msgpack, "a");
    mp_put_nil(&f->msgpack);
    mp_put_cstr(&f->msgpack, "notes");
    mp_put_cstr(&f->msgpack, "last");
    assert_int_equal(write_it(f), BUF_OK);
    assert_null(f->beside.key.at);
    json_is(f, "{\"a\": null, \"notes\": \"last\"}");
}

/* At the bound sorted beforehand, past it afterwards; both whole. */
static void
members_are_bounded(void **state)
{
    struct fixture *f = *state;

    for (unsigned n = ANSWERS_SORTED_MAX; n <= ANSWERS_SORTED_MAX + 1; n++) {
        buf_clear(&f->msgpack);
        mp_put_map(&f->msgpack, n);
        for (unsigned i = n; i > 0; i--) {
            char key[8];
            snprintf(key, sizeof(key), "%03u", i);
            mp_put_cstr(&f->msgpack, key);
            mp_put_nil(&f->msgpack);
        }
        assert_int_equal(write_it(f), BUF_OK);
        assert_int_equal(f->json.size, n * strlen("\"001\": null, "));
        assert_memory_equal(f->json.data, "{\"001\"", 6);
    }
}

static void
what_is_no_object_stays(void **state)
{
    struct fixture *f = *state;

    mp_put_array(&f->msgpack, 1);
    mp_put_str(&f->msgpack, f->long_text, 3);
    assert_int_equal(write_it(f), BUF_OK);
    json_is(f, "[\"xxx\"]");
    buf_clear(&f->msgpack);
    mp_put_map(&f->msgpack, 0);
    assert_int_equal(write_it(f), BUF_OK);
    json_is(f, "{}");
}

static void
a_full_buffer_is_said(void **state)
{
    struct fixture *f = *state;

    mp_put_map(&f->msgpack, 2);
    mp_put_cstr(&f->msgpack, "b");
    mp_put_uint(&f->msgpack, 1);
    mp_put_cstr(&f->msgpack, "a");
    mp_put_uint(&f->msgpack, 2);
    for (size_t ceiling = 0; ceiling < 16; ceiling++) {
        f->json.ceiling = ceiling;
        buf_clear(&f->json);
        assert_int_equal(write_it(f), BUF_FULL);
        assert_null(f->beside.key.at);
        buf_deinit(&f->json);
        buf_init(&f->json, 1 << 16);
    }
    assert_int_equal(write_it(f), BUF_OK);
    json_is(f, "{\"a\": 2, \"b\": 1}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members_come_in_the_order_of_jsonb, setup, teardown),
        cmocka_unit_test_setup_teardown(long_keys_come_in_the_order_of_jsonb, setup, teardown),
        cmocka_unit_test_setup_teardown(the_longest_long_text_goes_beside, setup, teardown),
        cmocka_unit_test_setup_teardown(a_shorter_text_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_key_that_stands_twice_the_last_one_counts, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(members_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_object_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_buffer_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
