/* Which Attachments are sound, and that inline ones leave the answers whole. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/attachment.h"
#include "questionnaire/attachments_take.h"
#include "questionnaire/literal.h"
#include "schemas/wire/mp.h"
#include "tests/unit/questionnaire/answers.h"

static void
only_sound_ones_are_taken(void **state)
{
    static const struct {
        const char *json;
        bool sound;
        uint64_t bytes;
    } all[] = {
        {"{\"contentType\":\"a/b\",\"data\":\"QUJD\"}", true, 3},
        {"{\"contentType\":\"a/b\",\"data\":\"QUI=\"}", true, 2},
        {"{\"contentType\":\"a/b\",\"data\":\"QQ==\"}", true, 1},
        {"{\"contentType\":\"a/b\",\"data\":\"QU JD\\nQUI=\"}", true, 5},
        {"{\"url\":\"https://x.example/f\",\"size\":9}", true, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"QUJ\"}", false, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"QUK=\"}", false, 0}, /* bits past the end */
        {"{\"contentType\":\"a/b\",\"data\":\"QR==\"}", false, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"Q===\"}", false, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"Q=JD\"}", false, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"Q-_D\"}", false, 0},
        {"{\"contentType\":\"a/b\",\"data\":\"\"}", false, 0},
        {"{\"contentType\":\"a/b\"}", false, 0},
        {"{\"data\":\"QUJD\"}", false, 0},
        {"{\"url\":\"a b\"}", false, 0},
        {"{\"url\":\"x\",\"size\":-1}", false, 0},
        {"{\"url\":\"x\",\"stranger\":1}", false, 0},
    };
    struct buf b;

    (void)state;
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct attachment x;
        struct mp_value v;
        buf_clear(&b);
        answers_pack_text(&b, all[i].json);
        struct mp_cursor at = {b.data, b.data + b.size};
        mp_next(&at, &v);
        if (attachment_read(&v, at, &x) != all[i].sound ||
            (all[i].sound && x.data_bytes != all[i].bytes))
            fail_msg("%s", all[i].json);
    }
    buf_deinit(&b);
}

static void
media_types_match(void **state)
{
    static const struct {
        const char *type, *pattern;
        bool matches;
    } all[] = {
        {"image/png", "image/png", true},        {"IMAGE/PNG", "image/png", true},
        {"image/png", "image/*", true},          {"text/plain; charset=utf-8", "text/plain", true},
        {"text/plain ;x=y", "text/plain", true}, {"image/png", "image/jpeg", false},
        {"image/pngx", "image/png", false},      {"image/", "image/*", false},
        {"imagepng", "image/*", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        const struct span type = {all[i].type, strlen(all[i].type)};
        if (mime_type_matches(type, all[i].pattern) != all[i].matches)
            fail_msg("%s, %s", all[i].type, all[i].pattern);
    }
}

struct kept {
    int n;
    char text[256]; /* "linkId content-type content\n"… */
};

static void
keep(void *arg, const struct attachment_taken *x, uint8_t ret_hash[ATTACHMENT_HASH_BYTES])
{
    struct kept *kept = arg;
    size_t at = strlen(kept->text);

    snprintf(kept->text + at, sizeof(kept->text) - at, "%s %.*s %.*s\n", x->link_id,
             (int)x->content_type_len, x->content_type, (int)x->size, (const char *)x->content);
    memset(ret_hash, ++kept->n, ATTACHMENT_HASH_BYTES);
}

#define HASH(digits) digits digits digits digits digits digits digits digits
#define NAME_1 HASH("01010101")
#define NAME_2 HASH("02020202")

static void
inline_data_leaves_the_answers(void **state)
{
    static const char definition[] =
        "{\"resourceType\":\"Questionnaire\",\"url\":\"https://x.example/q\",\"version\":\"1\","
        "\"status\":\"active\",\"item\":[{\"linkId\":\"g\",\"type\":\"group\",\"repeats\":true,"
        "\"item\":[{\"linkId\":\"f\",\"type\":\"attachment\",\"repeats\":true,\"item\":[{"
        "\"linkId\":"
        "\"q\",\"type\":\"quantity\"}]}]},{\"linkId\":\"s\",\"type\":\"string\"}]}";
    static const char before[] =
        "{\"g\":[{\"f\":[{\"contentType\":\"text/plain\",\"data\":\"QUJD\",\"title\":\"t\"},"
        "{\"value\":{\"contentType\":\"a/b\",\"data\":\"QQ==\",\"size\":1},\"items\":{\"q\":"
        "{\"value\":1.50,\"code\":\"kg\"}}},{\"url\":\"x\"}]},{\"f\":null}],\"s\":\"data\"}";
    static const char after[] =
        "{\"g\":[{\"f\":[{\"contentType\":\"text/"
        "plain\",\"title\":\"t\",\"size\":3,\"stored\":\"" NAME_1
        "\"},{\"value\":{\"contentType\":\"a/b\",\"size\":1,\"stored\":\"" NAME_2
        "\"},\"items\":{\"q\":{\"value\":1.50,\"code\":\"kg\"}}},{\"url\":\"x\"}]},{\"f\":null}],"
        "\"s\":\"data\"}";
    struct questionnaire *q = answers_definition(definition);
    struct kept kept = {0};
    struct buf in, out;
    json_error_t error;

    (void)state;
    buf_init(&in, 1 << 16);
    buf_init(&out, 1 << 16);
    assert_true(questionnaire_attaches(q));
    answers_pack_text(&in, before);
    assert_int_equal(attachments_take(q, in.data, in.size, keep, &kept, &out), BUF_OK);
    assert_string_equal(kept.text, "f text/plain ABC\nf a/b A\n");
    json_t *got = answers_unpack(out.data, out.size);
    json_t *wanted = literal_load(after, sizeof(after) - 1, &error);
    assert_true(json_equal(got, wanted));
    json_decref(got);
    json_decref(wanted);
    struct buf small;
    buf_init(&small, out.size - 1);
    assert_int_equal(attachments_take(q, in.data, in.size, keep, &kept, &small), BUF_FULL);
    buf_deinit(&small);
    buf_deinit(&in);
    buf_deinit(&out);
    questionnaire_free(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_sound_ones_are_taken),
        cmocka_unit_test(media_types_match),
        cmocka_unit_test(inline_data_leaves_the_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
