/* The transcoder beside jansson: over a corpus and random changes of it, what we take jansson takes
 * too and reads the same values; what jansson takes and we refuse is refused for one of the bounds
 * that are ours alone. SEED=… repeats a run. */
#include "tests/unit/cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/error.h"
#include "client/edge/json.h"

#define ROUNDS 150000
#define TEXT_MAX 512

static const char *const corpus[] = {
    "{\"subjectId\":\"SUB1\",\"answers\":{\"q1\":1,\"q2\":-2.50,\"q3\":[\"a\",\"b\"],\"t\":null}}",
    "{\"a\":{\"b\":{\"c\":[{\"d\":1e10},{\"d\":-1E-5}]}},\"e\":\"\\u00e9\\ud83d\\ude00\"}",
    "[0,-0,1,-1,127,128,255,256,65535,65536,2147483648,-2147483649,9223372036854775807]",
    "[true,false,null,\"\",\"\\\"\\\\\\/\\n\\r\\t\"]",
    "{\"n\":\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\",\"k\":{},\"l\":[]}",
    "\"plain text that is longer than a word\"",
    "-123.456e+7",
    "{\"k0\":0,\"k1\":1,\"k2\":2,\"k3\":3,\"k4\":4,\"k5\":5,\"k6\":6,\"k7\":7,\"k8\":8,\"k9\":9,"
    "\"ka\":0,\"kb\":1,\"kc\":2,\"kd\":3,\"ke\":4,\"kf\":5,\"kg\":6,\"kh\":7,\"ki\":8}",
};

static const char *const tokens[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\u",
    "\\ud800",
    "\\udc00",
    "\\u0000",
    "\\u0041",
    "0",
    "1",
    "-",
    ".",
    "e",
    "E+",
    "true",
    "null",
    "\"k1\":",
    "\"a\":1",
    " ",
    "\n",
    "\x01",
    "\x7f",
    "\x80",
    "\xc3",
    "\xc3\xa9",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "99999999999999999999",
    "1e400",
    "\"\"",
};

static uint64_t rng;

static uint32_t
random_below(uint32_t n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (uint32_t)(rng >> 32) % n;
}

static size_t
mutate(char *text, size_t size)
{
    for (uint32_t n = random_below(4) + 1; n > 0; n--) {
        const char *token = tokens[random_below(ARRAY_LEN(tokens))];
        size_t at = size > 0 ? random_below((uint32_t)size) : 0, len = strlen(token);
        switch (random_below(4)) {
        case 0: /* put in */
            if (size + len < TEXT_MAX) {
                memmove(text + at + len, text + at, size - at);
                memcpy(text + at, token, len);
                size += len;
            }
            break;
        case 1: /* write over */
            if (at + len <= size)
                memcpy(text + at, token, len);
            break;
        case 2: { /* take out */
            size_t cut = random_below(8) + 1;
            cut = cut < size - at ? cut : size - at;
            memmove(text + at, text + at + cut, size - at - cut);
            size -= cut;
            break;
        }
        default:
            if (size > 0)
                text[at] = (char)random_below(256);
            break;
        }
    }
    return size;
}

static void
compare(struct mp_cursor *c, const json_t *expected)
{
    struct mp_value v;

    assert_int_equal(mp_next(c, &v), MP_OK);
    switch (json_typeof(expected)) {
    case JSON_OBJECT:
        assert_int_equal(v.type, MP_MAP);
        assert_int_equal(v.len, json_object_size(expected));
        for (uint32_t i = v.len; i > 0; i--) {
            struct mp_value key;
            assert_int_equal(mp_next(c, &key), MP_OK);
            char *name = mem_new(key.len + 1, 1);
            memcpy(name, key.at, key.len);
            const json_t *member = json_object_get(expected, name);
            free(name);
            assert_non_null(member);
            compare(c, member);
        }
        break;
    case JSON_ARRAY:
        assert_int_equal(v.type, MP_ARRAY);
        assert_int_equal(v.len, json_array_size(expected));
        for (uint32_t i = 0, n = v.len; i < n; i++)
            compare(c, json_array_get(expected, i));
        break;
    case JSON_STRING:
        assert_int_equal(v.type, MP_STR);
        assert_int_equal(v.len, json_string_length(expected));
        assert_memory_equal(v.at, json_string_value(expected), v.len);
        break;
    case JSON_INTEGER: {
        int64_t i;
        assert_true(mp_as_int(&v, &i));
        assert_true(i == json_integer_value(expected));
        break;
    }
    case JSON_REAL: {
        char literal[1024];
        assert_true(v.type == MP_EXT && v.ext_type == MP_DECIMAL && v.len < sizeof(literal));
        memcpy(literal, v.at, v.len);
        literal[v.len] = '\0';
        assert_true(strtod(literal, NULL) == json_real_value(expected));
        break;
    }
    case JSON_TRUE:
    case JSON_FALSE:
        assert_int_equal(v.type, MP_BOOL);
        assert_int_equal(v.boolean, json_is_true(expected));
        break;
    case JSON_NULL:
        assert_int_equal(v.type, MP_NIL);
        break;
    }
}

static bool
fault_is_ours_alone(enum json_fault fault)
{
    return fault == JSON_DEPTH || fault == JSON_NODES || fault == JSON_CONTROL ||
           fault == JSON_DIGITS || fault == JSON_RANGE;
}

/* Returns whether both took it. */
static bool
judge(struct json *j, struct buf *out, const char *text, size_t size)
{
    json_error_t error;
    json_t *expected =
        json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    buf_clear(out);
    enum json_fault fault = json_transcode(j, (const uint8_t *)text, size, out);
    if (memchr(text, '\0', size) != NULL) { /* jansson passes over some of these bytes */
        assert_int_not_equal(fault, JSON_OK);
        json_decref(expected);
        return false;
    }
    bool agree = fault == JSON_OK
                     ? expected != NULL || json_error_code(&error) == json_error_numeric_overflow
                     : expected == NULL || fault_is_ours_alone(fault);
    if (!agree)
        print_message("ours: %s, jansson: %s\n%.*s\n", json_fault_rule(fault),
                      expected != NULL ? "took it" : error.text, (int)size, text);
    assert_true(agree);
    bool both = fault == JSON_OK && expected != NULL;
    if (fault == JSON_OK)
        assert_int_equal(mp_check(out->data, out->size, JSON_NODES_MAX), MP_OK);
    if (both) {
        struct mp_cursor c = {out->data, out->data + out->size};
        compare(&c, expected);
        assert_ptr_equal(c.at, c.end);
    }
    json_decref(expected);
    return both;
}

static void
test_beside_jansson(void **state)
{
    const char *seed = getenv("SEED");
    struct json j;
    struct buf out;
    size_t taken = 0;

    (void)state;
    rng = seed != NULL ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
    rng |= 1;
    print_message("SEED=%" PRIu64 "\n", rng);
    json_init(&j);
    buf_init(&out, (size_t)1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(corpus); i++)
        assert_true(judge(&j, &out, corpus[i], strlen(corpus[i])));
    for (int i = 0; i < ROUNDS; i++) {
        char text[TEXT_MAX];
        const char *start = corpus[random_below(ARRAY_LEN(corpus))];
        memcpy(text, start, strlen(start));
        taken += judge(&j, &out, text, mutate(text, strlen(start)));
    }
    assert_true(taken > ROUNDS / 100); /* else the changes are too wild to compare values */
    json_deinit(&j);
    buf_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_jansson)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
