/* msgpack to JSON text: exact output, read back by jansson as an oracle. */
#include "store/json_text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static void
written_is(struct buf *b, const struct buf *msgpack, const char *wanted)
{
    struct mp_cursor at = {msgpack->data, msgpack->data + msgpack->size};

    buf_clear(b);
    assert_int_equal(mp_check(msgpack->data, msgpack->size, 10000), MP_OK);
    assert_int_equal(json_text_write(b, &at), BUF_OK);
    assert_ptr_equal(at.at, at.end);
    assert_int_equal(b->size, strlen(wanted));
    assert_memory_equal(b->data, wanted, b->size);
    json_error_t error;
    json_t *read =
        json_loadb((char *)b->data, b->size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    assert_non_null(read);
    json_decref(read);
}

static void
every_kind_of_value(void **state)
{
    struct buf m, b;

    (void)state;
    buf_init(&m, 1 << 16);
    buf_init(&b, 1 << 16);
    mp_put_map(&m, 5);
    mp_put_cstr(&m, "a");
    mp_put_array(&m, 4);
    mp_put_nil(&m);
    mp_put_bool(&m, true);
    mp_put_int(&m, INT64_MIN);
    mp_put_uint(&m, UINT64_MAX);
    mp_put_cstr(&m, "d");
    mp_put_ext(&m, MP_DECIMAL, "36.60e-1", 8);
    mp_put_cstr(&m, "e");
    mp_put_map(&m, 0);
    mp_put_cstr(&m, "f");
    mp_put_array(&m, 1);
    mp_put_array(&m, 0);
    mp_put_cstr(&m, "");
    mp_put_bin(&m, "x", 1);
    written_is(&b, &m,
               "{\"\": null, \"a\": [null, true, -9223372036854775808, 18446744073709551615],"
               " \"d\": 3.660, \"e\": {}, \"f\": [[]]}");
    buf_deinit(&m);
    buf_deinit(&b);
}

static void
strings_are_escaped(void **state)
{
    static const char text[] = "q\" b\\ n\n t\t z\x01\x1f /\x7f \xc3\xbc\xf0\x9f\x98\x80";
    struct buf m, b;

    (void)state;
    buf_init(&m, 1 << 16);
    buf_init(&b, 1 << 16);
    mp_put_str(&m, text, sizeof(text) - 1);
    written_is(&b, &m, "\"q\\\" b\\\\ n\\n t\\t z\\u0001\\u001f /\x7f \xc3\xbc\xf0\x9f\x98\x80\"");
    json_t *read = json_loadb((char *)b.data, b.size, JSON_DECODE_ANY, NULL);
    assert_string_equal(json_string_value(read), text);
    json_decref(read);
    buf_deinit(&m);
    buf_deinit(&b);
}

/* At every place of texts of every length: they are looked at in pieces of several sizes. */
static void
what_is_escaped_is_found_anywhere(void **state)
{
    static const struct {
        char c;
        const char *escaped;
    } cases[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\x1f', "\\u001f"}, {' ', " "},      {'!', "!"},
                 {'#', "#"},    {'[', "["},     {']', "]"},          {'\x7f', "\x7f"}};
    char text[150], wanted[sizeof(text) + 16];
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    for (size_t len = 0; len < sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
                memset(text, 'x', len);
                text[at] = cases[i].c;
                int n = snprintf(wanted, sizeof(wanted), "\"%.*s%s%.*s\"", (int)at, text,
                                 cases[i].escaped, (int)(len - at - 1), text + at + 1);
                buf_clear(&b);
                assert_int_equal(json_text_string(&b, text, len), BUF_OK);
                assert_int_equal(b.size, n);
                assert_memory_equal(b.data, wanted, b.size);
            }
        }
    }
    buf_clear(&b);
    assert_int_equal(json_text_string(&b, "", 0), BUF_OK);
    assert_int_equal(b.size, 2);
    assert_memory_equal(b.data, "\"\"", 2);
    buf_deinit(&b);
}

/* As numeric prints them; tests/system/test_audit_data.py asks PostgreSQL. */
static void
numbers_lose_their_exponent(void **state)
{
    static const struct {
        const char *sent, *wanted;
    } cases[] = {
        {"1.50", "1.50"},     {"-1.50", "-1.50"},        {"1e2", "100"},     {"1E+2", "100"},
        {"1.5e1", "15"},      {"1.50e1", "15.0"},        {"1.5e3", "1500"},  {"15e-1", "1.5"},
        {"1e-3", "0.001"},    {"-1e-3", "-0.001"},       {"100e-2", "1.00"}, {"0.001e2", "0.1"},
        {"0.0010e3", "1.0"},  {"0.5e0", "0.5"},          {"-0", "0"},        {"-0.0", "0.0"},
        {"0e5", "0"},         {"0e-3", "0.000"},         {"0.00", "0.00"},   {"-0.00e1", "0.0"},
        {"0.05e-1", "0.005"}, {"12.34e-5", "0.0001234"}, {"120", "120"},     {"-12.0e1", "-120"},
    };
    struct buf m, b;

    (void)state;
    buf_init(&m, 1 << 16);
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        buf_clear(&m);
        mp_put_ext(&m, MP_DECIMAL, cases[i].sent, strlen(cases[i].sent));
        written_is(&b, &m, cases[i].wanted);
    }
    buf_deinit(&m);
    buf_deinit(&b);
}

/* Of many members, too, and in a map within a map; of a key that stands twice the last counts. */
static void
members_come_in_the_order_of_jsonb(void **state)
{
    struct buf m, b, wanted;

    (void)state;
    buf_init(&m, 1 << 16);
    buf_init(&b, 1 << 16);
    buf_init(&wanted, 1 << 16);
    buf_append_str(&wanted, "[{");
    mp_put_array(&m, 2);
    mp_put_map(&m, 200);
    for (int i = 199; i >= 0; i--) {
        char key[8];
        snprintf(key, sizeof(key), "k%03d", i);
        mp_put_cstr(&m, key);
        mp_put_map(&m, 3);
        mp_put_cstr(&m, "value");
        mp_put_uint(&m, 1);
        mp_put_cstr(&m, "unit");
        mp_put_uint(&m, (uint64_t)i);
        mp_put_cstr(&m, "value");
        mp_put_uint(&m, 2);
        buf_printf(&wanted, "%s\"k%03d\": {\"unit\": %d, \"value\": 2}", i < 199 ? ", " : "",
                   199 - i, 199 - i);
    }
    buf_append_str(&wanted, "}, 7]");
    mp_put_uint(&m, 7);
    buf_append(&wanted, "", 1);
    written_is(&b, &m, (const char *)wanted.data);
    buf_deinit(&m);
    buf_deinit(&b);
    buf_deinit(&wanted);
}

static void
deepest_nesting(void **state)
{
    struct buf m, b;
    char wanted[2 * MP_DEPTH_MAX + 1];

    (void)state;
    buf_init(&m, 1 << 16);
    buf_init(&b, 1 << 16);
    for (int i = 0; i < MP_DEPTH_MAX; i++) {
        mp_put_array(&m, i + 1 < MP_DEPTH_MAX);
        wanted[i] = '[';
        wanted[2 * MP_DEPTH_MAX - 1 - i] = ']';
    }
    wanted[2 * MP_DEPTH_MAX] = '\0';
    written_is(&b, &m, wanted);
    buf_deinit(&m);
    buf_deinit(&b);
}

static void
the_ceiling_holds(void **state)
{
    struct buf m, b;

    (void)state;
    buf_init(&m, 1 << 16);
    mp_put_array(&m, 3);
    mp_put_cstr(&m, "abc");
    mp_put_uint(&m, 12345);
    mp_put_bool(&m, false);
    for (size_t ceiling = 0; ceiling < 21; ceiling++) { /* ["abc", 12345, false] */
        struct mp_cursor at = {m.data, m.data + m.size};
        buf_init(&b, ceiling);
        assert_int_equal(json_text_write(&b, &at), BUF_FULL);
        assert_true(b.size <= ceiling);
        buf_deinit(&b);
    }
    buf_deinit(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(what_is_escaped_is_found_anywhere),
        cmocka_unit_test(numbers_lose_their_exponent),
        cmocka_unit_test(members_come_in_the_order_of_jsonb),
        cmocka_unit_test(deepest_nesting),
        cmocka_unit_test(the_ceiling_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
