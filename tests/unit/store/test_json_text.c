/* msgpack to JSON text: exact output, read back by jansson as an oracle. */
#include "store/json_text.h"

#include <jansson.h>
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
               "{\"a\":[null,true,-9223372036854775808,18446744073709551615],\"d\":36.60e-1,"
               "\"e\":{},\"f\":[[]],\"\":null}");
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
    written_is(&b, &m,
               "\"q\\\" b\\\\ n\\u000a t\\u0009 z\\u0001\\u001f /\x7f \xc3\xbc\xf0\x9f\x98\x80\"");
    json_t *read = json_loadb((char *)b.data, b.size, JSON_DECODE_ANY, NULL);
    assert_string_equal(json_string_value(read), text);
    json_decref(read);
    buf_deinit(&m);
    buf_deinit(&b);
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
    for (size_t ceiling = 0; ceiling < 19; ceiling++) { /* ["abc",12345,false] */
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
        cmocka_unit_test(deepest_nesting),
        cmocka_unit_test(the_ceiling_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
