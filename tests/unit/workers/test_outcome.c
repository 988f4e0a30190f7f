/* Payloads and entries as the edge reads them. */
#include "workers/submissions/outcome.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "base/log.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/mp.h"
#include "workers/submissions/batch.h"

struct rig {
    struct batch batch;
    struct job jobs[3];
    struct buf entries;
};

static int
setup(void **state)
{
    struct rig *r = mem_new(1, sizeof(*r));

    log_init("test", LOG_LEVEL_ERROR);
    r->batch.jobs = r->jobs;
    r->batch.n = 3;
    for (uint64_t i = 0; i < 3; i++)
        r->jobs[i].record = (struct record){.epoch = 2, .seq = 10 + i};
    buf_init(&r->batch.text, 1 << 20);
    buf_init(&r->batch.payloads, PAYLOADS_MAX);
    buf_init(&r->batch.scratch, 1 << 20);
    buf_init(&r->entries, 1 << 20);
    findings_init(&r->batch.findings);
    *state = r;
    return 0;
}

static int
teardown(void **state)
{
    struct rig *r = *state;

    buf_deinit(&r->batch.text);
    buf_deinit(&r->batch.payloads);
    buf_deinit(&r->batch.scratch);
    buf_deinit(&r->entries);
    findings_deinit(&r->batch.findings);
    free(r);
    return 0;
}

static struct slice
text(const char *s)
{
    return (struct slice){s, strlen(s)};
}

static void
entries_name_their_origins(void **state)
{
    struct rig *r = *state;
    struct entry e;
    size_t at = 0;
    int64_t time;
    struct mp_value v;
    struct mp_cursor inside;

    outcome_stored(&r->batch, &r->jobs[0], OUTCOME_DUPLICATE,
                   &(struct outcome_row){.stored_us = 77,
                                         .received_us = 55,
                                         .questionnaire = text("q"),
                                         .version = text("1"),
                                         .revision = 1});
    outcome_dead(&r->batch, &r->jobs[2], RULE_SEAL);
    outcome_write_entries(&r->batch, &r->entries);

    assert_int_equal(entry_read(ENTRY_KIND_REPORT, r->entries.data, r->entries.size, &at, &e),
                     ENTRY_OK);
    assert_int_equal(e.code, OUTCOME_DUPLICATE);
    assert_int_equal(e.epoch, 2);
    assert_int_equal(e.seq, 10);
    assert_int_equal(mp_check(e.payload, e.payload_len, 100), MP_OK);
    assert_true(mp_find(e.payload, e.payload_len, "received_us", &v, &inside) &&
                mp_as_int(&v, &time));
    assert_int_equal(time, 55);
    assert_true(mp_find(e.payload, e.payload_len, "version", &v, &inside) && mp_is_str(&v, "1"));

    /* what nobody decided comes again */
    assert_int_equal(entry_read(ENTRY_KIND_REPORT, r->entries.data, r->entries.size, &at, &e),
                     ENTRY_OK);
    assert_int_equal(e.code, OUTCOME_RETRY);
    assert_int_equal(e.seq, 11);
    assert_int_equal(e.payload_len, 0);

    assert_int_equal(entry_read(ENTRY_KIND_REPORT, r->entries.data, r->entries.size, &at, &e),
                     ENTRY_OK);
    assert_int_equal(e.code, OUTCOME_DEAD);
    assert_true(mp_find(e.payload, e.payload_len, "errors", &v, &inside));
    assert_int_equal(v.type, MP_ARRAY);
    assert_int_equal(entry_read(ENTRY_KIND_REPORT, r->entries.data, r->entries.size, &at, &e),
                     ENTRY_END);
}

/* msgpack of a text with len bytes of content. */
static struct slice
long_text(struct buf *b, size_t len)
{
    char *content = mem_new(len, 1);

    memset(content, 'x', len);
    buf_clear(b);
    mp_put_str(b, content, len);
    free(content);
    return (struct slice){b->data, b->size};
}

static bool
says(const struct rig *r, const struct job *j, const char *name)
{
    const uint8_t *payload = r->batch.payloads.data + j->payload_at;
    struct mp_value v;

    assert_int_equal(mp_check(payload, j->payload_len, 1000), MP_OK);
    assert_true(j->payload_len <= ENTRY_PAYLOAD_MAX);
    return mp_find(payload, j->payload_len, name, &v, NULL);
}

/* An entry holds 256 KiB: what a definition with thousands of scores makes is left out, not cut. */
static void
what_is_too_long_is_left_out(void **state)
{
    static const struct {
        size_t scores, warnings;
        bool scored, warned;
    } rows[] = {
        {100, 100, true, true},
        {ENTRY_PAYLOAD_MAX - 8192 - 5, 0, true, false},
        {ENTRY_PAYLOAD_MAX - 8192 - 4, 0, false, false},
        {ENTRY_PAYLOAD_MAX * 2, 100, false, true},
        {200 << 10, 100 << 10, true, false},
    };
    struct rig *r = *state;
    struct buf scores, warnings;

    buf_init(&scores, 1 << 20);
    buf_init(&warnings, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct job *j = &r->jobs[i % 3];
        struct outcome_row row = {.stored_us = 1,
                                  .received_us = TIME_NONE,
                                  .questionnaire = text("q"),
                                  .version = text("1"),
                                  .revision = 1,
                                  .flags = text("late"),
                                  .scores = long_text(&scores, rows[i].scores)};
        if (rows[i].warnings > 0)
            row.warnings = long_text(&warnings, rows[i].warnings);
        outcome_stored(&r->batch, j, OUTCOME_STORED, &row);
        print_message("%zu\n", i);
        assert_int_equal(says(r, j, "scores"), rows[i].scored);
        assert_int_equal(says(r, j, "warnings"), rows[i].warned);
        assert_true(says(r, j, "flags") && says(r, j, "stored_us"));
    }
    buf_deinit(&scores);
    buf_deinit(&warnings);
}

/* Every job of the largest batch is answered whole, whatever the others have to say. */
static void
a_batch_never_fills_the_payloads(void **state)
{
    struct rig *r = *state;
    struct job *j = &r->jobs[0];
    struct buf scores;
    size_t scored = 0;

    buf_init(&scores, 1 << 20);
    char name[320];
    memset(name, 'q', sizeof(name));
    struct outcome_row row = {.stored_us = INT64_MAX,
                              .received_us = INT64_MAX,
                              .questionnaire = {name, 255},
                              .version = {name, 65},
                              .status = text("entered-in-error"),
                              .revision = INT32_MAX,
                              .flags = text("late\nclock-skew\nscore-differs"),
                              .scores = long_text(&scores, 100 << 10)};
    for (size_t i = 0; i < 4096; i++) {
        outcome_stored(&r->batch, j, OUTCOME_STORED, &row);
        scored += says(r, j, "scores");
        assert_true(says(r, j, "flags") && says(r, j, "version"));
    }
    assert_in_range(scored, 60, 120);
    outcome_recorded(&r->batch, &r->jobs[1], OUTCOME_REJECTED, text("[]"), text("q"), text("1"));
    assert_int_equal(r->jobs[1].outcome, OUTCOME_NONE); /* it comes again */
    buf_deinit(&scores);
}

static void
reasons_are_json_and_come_back(void **state)
{
    static const char wanted[] =
        "[{\"pointer\":\"/answers/a\\\"b\",\"rule\":\"type\",\"detail\":\"has the wrong type\"}]";
    struct rig *r = *state;
    struct job *j = &r->jobs[0];
    struct mp_value v;
    struct mp_cursor inside;

    findings_add(&r->batch.findings, RULE_TYPE, "/answers/a\"b", 12, NULL);
    outcome_prepare_errors(&r->batch, j);
    assert_int_equal(j->reasons_len, sizeof(wanted) - 1);
    assert_memory_equal(r->batch.text.data + j->reasons_at, wanted, j->reasons_len);
    assert_int_equal(j->outcome, OUTCOME_NONE); /* not before the row is written */
    struct buf first;
    buf_init(&first, 1000);
    buf_append(&first, r->batch.payloads.data + j->payload_at, j->payload_len);

    outcome_recorded(&r->batch, j, OUTCOME_REJECTED, text(wanted), (struct slice){NULL, 0},
                     (struct slice){NULL, 0});
    assert_int_equal(j->payload_len, first.size);
    assert_memory_equal(r->batch.payloads.data + j->payload_at, first.data, first.size);
    assert_true(mp_find(first.data, first.size, "errors", &v, &inside));
    buf_deinit(&first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_name_their_origins, setup, teardown),
        cmocka_unit_test_setup_teardown(reasons_are_json_and_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_never_fills_the_payloads, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
