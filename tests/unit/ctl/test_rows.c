/* msgpack rows to JSON, and bytes that are no rows. */
#include "client/ctl/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "tests/unit/cmocka_all.h"

static void
test_every_kind(void **state)
{
    static const uint8_t id[16] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
                                   0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
    struct buf b;
    json_t *rows = json_array();

    (void)state;
    buf_init(&b, 4096);
    mp_put_array(&b, 1);
    mp_put_map(&b, 9);
    mp_put_cstr(&b, "id");
    mp_put_bin(&b, id, sizeof(id));
    mp_put_cstr(&b, "bytes");
    mp_put_bin(&b, id, 2);
    mp_put_cstr(&b, "most");
    mp_put_uint(&b, INT64_MAX);
    mp_put_cstr(&b, "past");
    mp_put_uint(&b, UINT64_MAX);
    mp_put_cstr(&b, "less");
    mp_put_int(&b, -5);
    mp_put_cstr(&b, "yes");
    mp_put_bool(&b, true);
    mp_put_cstr(&b, "nil");
    mp_put_nil(&b);
    mp_put_cstr(&b, "text");
    mp_put_str(&b, "a\xff", 2);
    mp_put_cstr(&b, "list");
    mp_put_array(&b, 1);
    mp_put_map(&b, 0);
    assert_true(rows_read(b.data, b.size, rows));
    char *text = json_dumps(rows, JSON_COMPACT);
    assert_string_equal(text,
                        "[{\"id\":\"12345678-9abc-def0-1234-56789abcdef0\",\"bytes\":\"1234\","
                        "\"most\":9223372036854775807,\"past\":\"18446744073709551615\","
                        "\"less\":-5,\"yes\":true,\"nil\":null,\"text\":\"a?\","
                        "\"list\":[{}]}]");
    free(text);
    json_decref(rows);
    buf_deinit(&b);
}

static void
test_not_rows(void **state)
{
    static const struct {
        size_t size;
        const char *bytes;
    } bad[] = {
        {0, ""},
        {1, "\x80"},                 /* a map */
        {1, "\x91"},                 /* cut short */
        {2, "\x91\x01"},             /* a row that is no map */
        {3, "\x92\x80\x01"},         /* one that is, one that is not */
        {5, "\xdd\xff\xff\xff\xff"}, /* four billion rows */
        {4, "\x91\x81\x01\x01"},     /* a key that is no text */
        {3, "\x91\x80\x80"},         /* bytes behind */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        json_t *rows = json_array();
        assert_false(rows_read((const uint8_t *)bad[i].bytes, bad[i].size, rows));
        assert_int_equal(json_array_size(rows), 0);
        json_decref(rows);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_not_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
