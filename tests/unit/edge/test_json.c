/* The transcoder by examples: what comes out, what is refused and where, and every bound. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/json.h"

static struct json json;
static struct buf out;

static int
setup(void **state)
{
    (void)state;
    json_init(&json);
    buf_init(&out, (size_t)64 << 20);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    json_deinit(&json);
    buf_deinit(&out);
    return 0;
}

static enum json_fault
run(const char *text, size_t size)
{
    buf_clear(&out);
    return json_transcode(&json, (const uint8_t *)text, size, &out);
}

static void
test_values(void **state)
{
    static const struct {
        const char *text, *bytes;
        size_t size;
    } cases[] = {
        {"null", "\xc0", 1},
        {" true ", "\xc3", 1},
        {"false", "\xc2", 1},
        {"0", "\x00", 1},
        {"-0", "\x00", 1},
        {"127", "\x7f", 1},
        {"128", "\xcc\x80", 2},
        {"255", "\xcc\xff", 2},
        {"256", "\xcd\x01\x00", 3},
        {"65536", "\xce\x00\x01\x00\x00", 5},
        {"4294967296", "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {"9007199254740993", "\xcf\x00\x20\x00\x00\x00\x00\x00\x01", 9},
        {"18446744073709551615", "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9},
        {"-1", "\xff", 1},
        {"-32", "\xe0", 1},
        {"-33", "\xd0\xdf", 2},
        {"-129", "\xd1\xff\x7f", 3},
        {"-32769", "\xd2\xff\xff\x7f\xff", 5},
        {"-9223372036854775808", "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9},
        {"1.50",
         "\xd6\x01"
         "1.50",
         6},
        {"1e2",
         "\xc7\x03\x01"
         "1e2",
         6},
        {"-0.0", "\xd6\x01-0.0", 6},
        {"1E+308",
         "\xc7\x06\x01"
         "1E+308",
         9},
        {"\"\"", "\xa0", 1},
        {"\"abc\"",
         "\xa3"
         "abc",
         4},
        {"\"\\u0041\\n\\\"\\/\"",
         "\xa4"
         "A\n\"/",
         5},
        {"\"\\ud83d\\ude00\"", "\xa4\xf0\x9f\x98\x80", 5},
        {"\"\xc3\xa9\"", "\xa2\xc3\xa9", 3},
        {"[]", "\xdc\x00\x00", 3},
        {"{}", "\xde\x00\x00", 3},
        {"[1,[2],{}]", "\xdc\x00\x03\x01\xdc\x00\x01\x02\xde\x00\x00", 11},
        {"{\"a\":1,\"b\":[true]}",
         "\xde\x00\x02\xa1"
         "a\x01\xa1"
         "b\xdc\x00\x01\xc3",
         12},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].text);
        assert_int_equal(run(cases[i].text, strlen(cases[i].text)), JSON_OK);
        assert_int_equal(out.size, cases[i].size);
        assert_memory_equal(out.data, cases[i].bytes, out.size);
        assert_int_equal(mp_check(out.data, out.size, 1000), MP_OK);
    }
}

static void
test_faults(void **state)
{
    static const struct {
        const char *text;
        enum json_fault fault;
        size_t at;
    } cases[] = {
        {"", JSON_SYNTAX, 0},
        {" ", JSON_SYNTAX, 1},
        {"nul", JSON_SYNTAX, 0},
        {"01", JSON_SYNTAX, 0},
        {"-", JSON_SYNTAX, 1},
        {"+1", JSON_SYNTAX, 0},
        {".5", JSON_SYNTAX, 0},
        {"1.", JSON_SYNTAX, 1},
        {"1.e1", JSON_SYNTAX, 1},
        {"1e", JSON_SYNTAX, 1},
        {"1e+", JSON_SYNTAX, 1},
        {"NaN", JSON_SYNTAX, 0},
        {"Infinity", JSON_SYNTAX, 0},
        {"'a'", JSON_SYNTAX, 0},
        {"[1,]", JSON_SYNTAX, 3},
        {"[1 2]", JSON_SYNTAX, 3},
        {"[1}", JSON_SYNTAX, 2},
        {"{\"a\" 1}", JSON_SYNTAX, 5},
        {"{\"a\":1,}", JSON_SYNTAX, 7},
        {"{a:1}", JSON_SYNTAX, 1},
        {"{\"a\"}", JSON_SYNTAX, 4},
        {"{1:2}", JSON_SYNTAX, 1},
        {"[", JSON_SYNTAX, 1},
        {"\"abc", JSON_SYNTAX, 4},
        {"\"a\nb\"", JSON_SYNTAX, 2},
        {"\"\\x\"", JSON_SYNTAX, 3},
        {"\"\\u12\"", JSON_SYNTAX, 3},
        {"1 2", JSON_TRAILING, 2},
        {"{}]", JSON_TRAILING, 2},
        {"/* c */ 1", JSON_SYNTAX, 0},
        {"\xef\xbb\xbf{}", JSON_SYNTAX, 0},
        {"{\"a\":1,\"a\":2}", JSON_DUPLICATE, 7},
        {"{\"a\":1,\"\\u0061\":2}", JSON_DUPLICATE, 7},
        {"[{\"x\":{\"k\":1,\"k\":1}}]", JSON_DUPLICATE, 13},
        {"\"\xff\"", JSON_UTF8, 1},
        {"\"\xc0\x80\"", JSON_UTF8, 1},
        {"\"\xed\xa0\x80\"", JSON_UTF8, 1},
        {"\"\xf4\x90\x80\x80\"", JSON_UTF8, 1},
        {"\"\xe2\x82\"", JSON_UTF8, 1},
        {"\"\\ud800\"", JSON_SURROGATE, 3},
        {"\"\\udc00\"", JSON_SURROGATE, 3},
        {"\"\\ud800\\u0041\"", JSON_SURROGATE, 3},
        {"\"\\u0000\"", JSON_CONTROL, 3},
        {"\"\\u0007\"", JSON_CONTROL, 3},
        {"\"\\b\"", JSON_CONTROL, 3},
        {"\"\x7f\"", JSON_CONTROL, 1},
        {"\"\xc2\x85\"", JSON_CONTROL, 1},
        {"18446744073709551616", JSON_RANGE, 0},
        {"-9223372036854775809", JSON_RANGE, 0},
        {"1e309", JSON_RANGE, 0},
        {"1e-309", JSON_RANGE, 0},
        {"10e308", JSON_RANGE, 0},
        {"0.1e-308", JSON_RANGE, 0},
        {"1e131071", JSON_RANGE, 0},
        {"1.2345678901234567890123456789012345", JSON_DIGITS, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        print_message("%s\n", cases[i].text);
        assert_int_equal(run(cases[i].text, strlen(cases[i].text)), cases[i].fault);
        assert_int_equal(json.fault_at, cases[i].at);
        assert_int_equal(out.size, 0);
    }
    assert_int_equal(run("\"a\0b\"", 5), JSON_SYNTAX);
    assert_int_equal(run("1.234567890123456789012345678901234", 35), JSON_OK); /* 34 digits */
    assert_int_equal(run("0.00000000000000000000000000000000001", 37), JSON_OK);
}

static void
test_depth(void **state)
{
    char text[2 * (JSON_DEPTH_MAX + 1)];

    (void)state;
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        assert_int_equal(run(text, 2 * depth), depth <= JSON_DEPTH_MAX ? JSON_OK : JSON_DEPTH);
    }
}

/* [1,1,…] of exactly so many nodes, the array itself included. */
static enum json_fault
run_nodes(uint32_t nodes)
{
    char *text = mem_new(nodes, 2);
    size_t n = 0;

    text[n++] = '[';
    for (uint32_t i = 1; i < nodes; i++) {
        text[n++] = '1';
        text[n++] = ',';
    }
    text[n - 1] = ']';
    enum json_fault fault = run(text, n);
    free(text);
    return fault;
}

static void
test_nodes(void **state)
{
    (void)state;
    assert_int_equal(run_nodes(JSON_NODES_MAX), JSON_OK);
    assert_int_equal(mp_check(out.data, out.size, JSON_NODES_MAX), MP_OK);
    assert_int_equal(run_nodes(JSON_NODES_MAX + 1), JSON_NODES);
}

/* An object of n members, member `twice` a second time at the end; -1: none. */
static enum json_fault
run_members(int n, int twice)
{
    struct buf text;

    buf_init(&text, (size_t)8 << 20);
    buf_append_str(&text, "{");
    for (int i = 0; i < n; i++)
        buf_printf(&text, "%s\"key%d\":{\"key%d\":%d}", i > 0 ? "," : "", i, i, i);
    if (twice >= 0)
        buf_printf(&text, ",\"key%d\":0", twice);
    buf_append_str(&text, "}");
    enum json_fault fault = run((const char *)text.data, text.size);
    buf_deinit(&text);
    return fault;
}

/* Around the size where the check changes its way, and far beyond. */
static void
test_duplicates_of_any_size(void **state)
{
    static const int sizes[] = {1, 2, 15, 16, 17, 18, 19, 33, 100, 1000, 16000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        int n = sizes[i];
        assert_int_equal(run_members(n, -1), JSON_OK);
        assert_int_equal(json.n_members, n);
        assert_int_equal(run_members(n, 0), JSON_DUPLICATE);
        assert_int_equal(run_members(n, n / 2), JSON_DUPLICATE);
        assert_int_equal(run_members(n, n - 1), JSON_DUPLICATE);
    }
}

static void
test_long_strings(void **state)
{
    static const size_t sizes[] = {31, 32, 255, 256, 65535, 65536, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int slow = 0; slow < 2; slow++) {
            size_t n = sizes[i];
            char *text = mem_new(n + 3, 1);
            memset(text, 'x', n + 2);
            text[0] = text[n + 1] = '"';
            if (slow)
                memcpy(text + n - 1, "\xc3\xa9", 2);
            assert_int_equal(run(text, n + 2), JSON_OK);
            struct mp_cursor c = {out.data, out.data + out.size};
            struct mp_value v;
            assert_int_equal(mp_next(&c, &v), MP_OK);
            assert_int_equal(v.type, MP_STR);
            assert_int_equal(v.len, n);
            assert_memory_equal(v.at, text + 1, n);
            assert_ptr_equal(c.at, c.end);
            free(text);
        }
    }
}

/* A byte that needs a look is found at every place of the eight-byte steps. */
static void
test_every_alignment(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at <= len; at++) {
            char text[64];
            memset(text, 'y', sizeof(text));
            text[0] = '"';
            text[1 + at] = 0x01;
            text[len + 2] = '"';
            assert_int_equal(run(text, len + 3), JSON_SYNTAX);
            assert_int_equal(json.fault_at, 1 + at);
            text[1 + at] = (char)0x80;
            assert_int_equal(run(text, len + 3), JSON_UTF8);
            text[1 + at] = 'z';
            assert_int_equal(run(text, len + 3), JSON_OK);
            assert_int_equal(out.data[1 + (out.data[0] == 0xd9) + at], 'z');
        }
    }
}

static void
test_truncations(void **state)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,\"\\u00e9\xc3\xa9\\ud83d\\ude00\",null,true],\"b\":{}}";

    (void)state;
    for (size_t n = 0; n < sizeof(text) - 1; n++) {
        char *exact = mem_new(n + 1, 1); /* a read past its end is seen by a sanitizer */
        exact = mem_grow(exact, n > 0 ? n : 1, 1);
        memcpy(exact, text, n);
        assert_int_not_equal(run(exact, n), JSON_OK);
        free(exact);
    }
    assert_int_equal(run(text, sizeof(text) - 1), JSON_OK);
}

static void
test_members(void **state)
{
    static const char text[] = "{\"subjectId\":\"S\", \"answers\":{\"q\":[1]} }";

    (void)state;
    assert_int_equal(run(text, sizeof(text) - 1), JSON_OK);
    assert_int_equal(json.n_members, 2);
    const struct json_member *m = &json.members[1];
    assert_int_equal(m->key_len, 7);
    assert_memory_equal(out.data + m->key_at, "answers", 7);
    assert_int_equal(out.data[m->value_at], 0xde);
    assert_int_equal(m->value_end, out.size);
    assert_memory_equal(out.data + json.members[0].value_at, "\xa1S", 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_duplicates_of_any_size),
        cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_every_alignment),
        cmocka_unit_test(test_truncations),
        cmocka_unit_test(test_members),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
