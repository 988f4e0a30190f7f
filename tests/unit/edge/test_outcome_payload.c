/* A worker's payload: what is read of it, what is passed on, and that no bytes break the answer. */
#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/json_text.h"
#include "client/edge/json_value.h"
#include "client/edge/outcome_payload.h"
#include "schemas/wire/entry.h"

static void
text_is(struct buf *b, const char *text)
{
    json_put_n(b, "", 1);
    assert_string_equal((char *)b->data, text);
    buf_clear(b);
}

/* msgpack that packs a float; the writer of schemas/wire has none. */
static void
float_pack(struct buf *b, double v)
{
    uint64_t bits;
    uint8_t bytes[9] = {0xcb};

    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 8; i++)
        bytes[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    buf_append(b, bytes, sizeof(bytes));
}

static void
test_values(void **state)
{
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    mp_put_array(&in, 17);
    mp_put_nil(&in);
    mp_put_bool(&in, true);
    mp_put_bool(&in, false);
    mp_put_int(&in, INT64_MIN);
    mp_put_int(&in, -1);
    mp_put_uint(&in, UINT64_MAX);
    float_pack(&in, 0.5);
    float_pack(&in, (double)NAN);
    mp_put_str(&in, "a\"\\\n\xff", 5);
    mp_put_bin(&in, "xy", 2);
    mp_put_ext(&in, MP_DECIMAL, "-2.50E+3", 8);
    mp_put_ext(&in, MP_DECIMAL, "1,\"x\":1", 7);
    mp_put_ext(&in, MP_DECIMAL, "-", 1);
    mp_put_ext(&in, 7, "1", 1);
    mp_put_map(&in, 0);
    mp_put_array(&in, 0);
    mp_put_map(&in, 2);
    mp_put_cstr(&in, "k");
    mp_put_uint(&in, 1);
    mp_put_uint(&in, 2); /* a key that is no string */
    mp_put_uint(&in, 3);
    struct mp_cursor c = {in.data, in.data + in.size};
    json_put_value(&out, &c);
    assert_ptr_equal(c.at, c.end);
    text_is(&out, "[null,true,false,-9223372036854775808,-1,18446744073709551615,0.5,null,"
                  "\"a\\\"\\\\\\u000a\xef\xbf\xbd\",null,-2.50E+3,null,null,null,{},[],"
                  "{\"k\":1,\"\":3}]");
    buf_deinit(&in);
    buf_deinit(&out);
}

/* Decimals are JSON numbers or nothing. */
static void
test_literals(void **state)
{
    static const char *const good[] = {"0.5", "-0", "10E-3", "1e+5", "12"};
    static const char *const bad[] = {"",   "-",    "+1",  "01",  "1.",  ".5",
                                      "1e", "1e+-", "1.e", "1..", "0x1", "1 "};
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    for (size_t i = 0; i < ARRAY_LEN(good) + ARRAY_LEN(bad); i++) {
        bool sane = i < ARRAY_LEN(good);
        const char *text = sane ? good[i] : bad[i - ARRAY_LEN(good)];
        buf_clear(&in);
        mp_put_ext(&in, MP_DECIMAL, text, strlen(text));
        struct mp_cursor c = {in.data, in.data + in.size};
        json_put_value(&out, &c);
        text_is(&out, sane ? text : "null");
    }
    buf_deinit(&in);
    buf_deinit(&out);
}

static void
test_members(void **state)
{
    struct outcome_payload p;
    struct buf in, out;
    const char *s;
    uint64_t u;
    size_t len;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    mp_put_map(&in, 8);
    mp_put_cstr(&in, "flags");
    mp_put_array(&in, 1);
    mp_put_cstr(&in, "late");
    mp_put_cstr(&in, "unheard");
    mp_put_map(&in, 1);
    mp_put_cstr(&in, "http");
    mp_put_uint(&in, 1);
    mp_put_cstr(&in, "http");
    mp_put_uint(&in, 412);
    mp_put_cstr(&in, "kept");
    mp_put_bool(&in, false);
    mp_put_cstr(&in, "rule");
    mp_put_cstr(&in, "stale");
    mp_put_cstr(&in, "version");
    mp_put_cstr(&in, "1.0");
    mp_put_uint(&in, 5);
    mp_put_nil(&in);
    mp_put_cstr(&in, "state");
    mp_put_uint(&in, 9);
    outcome_payload_read(in.data, in.size, &p);
    assert_true(outcome_payload_uint(&p, PAYLOAD_HTTP, &u));
    assert_int_equal(u, 412); /* not the inner one */
    assert_false(outcome_payload_bool(&p, PAYLOAD_KEPT, true));
    assert_true(outcome_payload_bool(&p, PAYLOAD_HTTP, true)); /* no boolean: otherwise */
    assert_false(outcome_payload_text(&p, PAYLOAD_STATE, &s, &len));
    outcome_payload_write(&out, &p);
    text_is(&out, ",\"version\":\"1.0\",\"flags\":[\"late\"]");
    outcome_payload_errors(&out, &p, "told");
    text_is(&out, ",\"errors\":[{\"pointer\":\"\",\"rule\":\"stale\",\"detail\":\"told\"}]");
    buf_deinit(&in);
    buf_deinit(&out);
}

static void
test_errors(void **state)
{
    struct outcome_payload p;
    struct buf in, out;

    (void)state;
    buf_init(&in, 4096);
    buf_init(&out, 4096);
    mp_put_map(&in, 1);
    mp_put_cstr(&in, "errors");
    mp_put_array(&in, 3);
    mp_put_map(&in, 6);
    mp_put_cstr(&in, "params");
    mp_put_map(&in, 1);
    mp_put_cstr(&in, "minValue");
    mp_put_ext(&in, MP_DECIMAL, "0.50", 4);
    mp_put_cstr(&in, "value");
    mp_put_cstr(&in, "secret");
    mp_put_cstr(&in, "linkId");
    mp_put_cstr(&in, "q1");
    mp_put_cstr(&in, "rule");
    mp_put_cstr(&in, "min-value");
    mp_put_cstr(&in, "detail");
    mp_put_cstr(&in, "d");
    mp_put_cstr(&in, "pointer");
    mp_put_cstr(&in, "/a");
    mp_put_map(&in, 2);
    mp_put_cstr(&in, "linkId");
    mp_put_uint(&in, 1); /* of the wrong types: left out */
    mp_put_cstr(&in, "params");
    mp_put_cstr(&in, "x");
    mp_put_uint(&in, 7); /* no map at all */
    outcome_payload_read(in.data, in.size, &p);
    outcome_payload_errors(&out, &p, "");
    text_is(&out, ",\"errors\":["
                  "{\"pointer\":\"/a\",\"rule\":\"min-value\",\"detail\":\"d\","
                  "\"params\":{\"minValue\":0.50},\"linkId\":\"q1\"},"
                  "{\"pointer\":\"\",\"rule\":\"\",\"detail\":\"\"},"
                  "{\"pointer\":\"\",\"rule\":\"\",\"detail\":\"\"}]");
    buf_deinit(&in);
    buf_deinit(&out);
}

/* No payload, cut short, no map, past the bound: all as if it were empty. */
static void
test_broken(void **state)
{
    static uint8_t large[ENTRY_PAYLOAD_MAX + 1];
    static const uint8_t cut[] = {0x82, 0xa4, 'h', 't', 't', 'p', 0xcd, 1};
    struct outcome_payload p;
    uint64_t u;

    (void)state;
    memcpy(large, "\x81\xa4http\xc6", 7); /* {"http": bin 32 … */
    large[7] = 0;
    large[8] = (uint8_t)((sizeof(large) - 11) >> 16);
    large[9] = (uint8_t)((sizeof(large) - 11) >> 8);
    large[10] = (uint8_t)(sizeof(large) - 11);
    const struct {
        const uint8_t *data;
        size_t size;
    } cases[] = {{NULL, 0}, {cut, sizeof(cut)}, {cut + 1, 5}, {large, sizeof(large)}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        outcome_payload_read(cases[i].data, cases[i].size, &p);
        for (unsigned m = 0; m < PAYLOAD_MEMBER_COUNT; m++)
            assert_null(p.members[m].at);
        assert_false(outcome_payload_uint(&p, PAYLOAD_HTTP, &u));
    }
    large[10]--; /* one byte shorter: at the bound */
    outcome_payload_read(large, sizeof(large) - 1, &p);
    assert_non_null(p.members[PAYLOAD_HTTP].at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_literals),
        cmocka_unit_test(test_members), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_broken)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
