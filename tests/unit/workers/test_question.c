/* Reading a question, and the bounds of a reply. */
#include "workers/queries/reply.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#define AFTER_MAX 100

/* {"kind": "k", "studies": ["A"], NAME: text or number} */
static void
compose(struct buf *b, const char *name, const char *text, uint64_t number)
{
    buf_clear(b);
    mp_put_map(b, 3);
    mp_put_cstr(b, "kind");
    mp_put_cstr(b, "k");
    mp_put_cstr(b, "studies");
    mp_put_array(b, 1);
    mp_put_cstr(b, "A");
    mp_put_cstr(b, name);
    if (text != NULL)
        mp_put_cstr(b, text);
    else
        mp_put_uint(b, number);
}

static void
integers_are_bounded(void **state)
{
    static const struct {
        const char *text;
        uint64_t number;
        enum question_number outcome;
        int64_t value;
    } cases[] = {
        {"0", 0, NUMBER_GIVEN, 0},
        {"100", 0, NUMBER_GIVEN, AFTER_MAX},
        {"0007", 0, NUMBER_GIVEN, 7},
        {"101", 0, NUMBER_BAD, 0},
        {"", 0, NUMBER_BAD, 0},
        {"-1", 0, NUMBER_BAD, 0},
        {"1 ", 0, NUMBER_BAD, 0},
        {"9999999999999999999", 0, NUMBER_BAD, 0},
        {"10000000000000000000", 0, NUMBER_BAD, 0},
        {NULL, 100, NUMBER_GIVEN, 100},
        {NULL, 101, NUMBER_BAD, 0},
        {NULL, UINT64_MAX, NUMBER_BAD, 0},
    };
    struct question x;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t v = -7;
        compose(&b, "after", cases[i].text, cases[i].number);
        assert_true(question_read(&b, &x));
        assert_int_equal(question_integer(&x, "after", 0, AFTER_MAX, &v), cases[i].outcome);
        assert_int_equal(v, cases[i].outcome == NUMBER_GIVEN ? cases[i].value : -7);
    }
    assert_int_equal(question_integer(&x, "other", 0, 1, NULL), NUMBER_ABSENT);
    buf_deinit(&b);
}

static void
what_is_no_question_is_refused(void **state)
{
    struct question x;
    struct buf b;

    (void)state;
    buf_init(&b, 65536);
    for (unsigned n = 0; n <= QUESTION_STUDIES_MAX + 1; n += QUESTION_STUDIES_MAX / 2) {
        buf_clear(&b);
        mp_put_map(&b, 2);
        mp_put_cstr(&b, "kind");
        mp_put_cstr(&b, "k");
        mp_put_cstr(&b, "studies");
        mp_put_array(&b, n);
        for (unsigned i = 0; i < n; i++)
            mp_put_cstr(&b, "A");
        assert_int_equal(question_read(&b, &x), n > 0);
        assert_int_equal(x.n_studies, n);
    }
    buf_clear(&b);
    mp_put_map(&b, 2);
    mp_put_cstr(&b, "kind");
    mp_put_cstr(&b, "k");
    mp_put_cstr(&b, "studies");
    mp_put_array(&b, QUESTION_STUDIES_MAX + 1);
    for (unsigned i = 0; i <= QUESTION_STUDIES_MAX; i++)
        mp_put_cstr(&b, "A");
    assert_false(question_read(&b, &x));
    b.size--; /* cut */
    assert_false(question_read(&b, &x));
    b.size = 0;
    assert_false(question_read(&b, &x));
    buf_deinit(&b);
}

static void
a_value_comes_with_its_cursor(void **state)
{
    struct question x;
    struct mp_cursor at;
    struct mp_value v;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    compose(&b, "body", "text", 0);
    assert_true(question_read(&b, &x));
    assert_true(question_value(&x, "body", &v, &at));
    assert_true(mp_is_str(&v, "text"));
    assert_true(mp_next(&at, &v) == MP_OK && mp_is_str(&v, "text"));
    assert_true(question_value(&x, "studies", &v, &at) && v.type == MP_ARRAY);
    assert_false(question_value(&x, "none", &v, &at));
    buf_deinit(&b);
}

/* A text of any length goes out in parts that join to it; the bound itself is one part. */
static void
parts_join(void **state)
{
    static const size_t lengths[] = {
        0, 1, REPLY_PART_MAX - 1, REPLY_PART_MAX, REPLY_PART_MAX + 1, 3 * REPLY_PART_MAX};
    char *text = malloc(3 * REPLY_PART_MAX);
    struct buf question, reply;
    struct question x;

    (void)state;
    for (size_t i = 0; i < 3 * REPLY_PART_MAX; i++)
        text[i] = (char)('a' + i % 23);
    buf_init(&question, 4096);
    buf_init(&reply, REPLY_MAX);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint64_t offset = 0, parts = 0;
        bool more = true;
        while (more) {
            const char *part;
            size_t len;
            compose(&question, "offset", NULL, offset);
            assert_true(question_read(&question, &x));
            reply_text(&reply, &x,
                       &(struct reply_text){.json = text,
                                            .len = lengths[i],
                                            .type = "application/fhir+json",
                                            .etag = "\"e\""});
            assert_int_equal(mp_check(reply.data, reply.size, 100), MP_OK);
            assert_true(mp_find_str(reply.data, reply.size, "json", &part, &len));
            assert_memory_equal(part, text + offset, len);
            more = mp_find_uint(reply.data, reply.size, "more", &offset);
            if (!more)
                assert_int_equal(parts * REPLY_PART_MAX + len, lengths[i]);
            parts++;
        }
        assert_int_equal(parts, lengths[i] == 0 ? 1 : (lengths[i] - 1) / REPLY_PART_MAX + 1);
    }
    buf_deinit(&question);
    buf_deinit(&reply);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_bounded),
        cmocka_unit_test(what_is_no_question_is_refused),
        cmocka_unit_test(a_value_comes_with_its_cursor),
        cmocka_unit_test(parts_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
