/* The two messages of the notifications: every member, its kind and its longest. */
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "tests/unit/cmocka_all.h"
#include "workers/notifications/message.h"

static const struct record alert_record = {.scope = "NCT007", .scope_len = 6};
static const uint8_t id[16] = "0123456789abcdef";

/* One member to leave out or to write otherwise. */
struct change {
    const char *name;
    bool leave_out;
    void (*write)(struct buf *b);
};

static void
value_put(struct buf *b, const char *name, const char *text, const struct change *c)
{
    if (c != NULL && strcmp(c->name, name) == 0) {
        if (c->leave_out)
            return;
        mp_put_cstr(b, name);
        c->write(b);
        return;
    }
    mp_put_cstr(b, name);
    if (strcmp(name, "alert_id") == 0 || strcmp(name, "submission_id") == 0)
        mp_put_bin(b, id, sizeof(id));
    else if (text == NULL)
        mp_put_int(b, 1795334400);
    else
        mp_put_cstr(b, text);
}

static int
alert_try(const struct change *c, struct notice *ret)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    mp_put_map(&b, 7 - (c != NULL && c->leave_out));
    value_put(&b, "kind", "alert", c);
    value_put(&b, "alert_id", NULL, c);
    value_put(&b, "study", "NCT007", c);
    value_put(&b, "rule", "phq9-item9", c);
    value_put(&b, "severity", "urgent", c);
    value_put(&b, "raised_us", NULL, c);
    value_put(&b, "subject", "SUB1", c);
    int n = notice_read(b.data, b.size, &alert_record, ret);
    buf_deinit(&b);
    return n;
}

static int
action_try(const struct change *c, struct notice *ret)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    mp_put_map(&b, 6 - (c != NULL && c->leave_out));
    value_put(&b, "kind", "action", c);
    value_put(&b, "alert_id", NULL, c);
    value_put(&b, "action", "close", c);
    value_put(&b, "at_us", NULL, c);
    value_put(&b, "note", "seen", c);
    if (c == NULL || strcmp(c->name, "actor") != 0) {
        mp_put_cstr(&b, "actor");
        mp_put_map(&b, 2);
        mp_put_cstr(&b, "user");
        mp_put_cstr(&b, "nurse1");
        mp_put_cstr(&b, "role");
        mp_put_nil(&b);
    } else {
        value_put(&b, "actor", "nurse1", c);
    }
    int n = notice_read(b.data, b.size, &alert_record, ret);
    buf_deinit(&b);
    return n;
}

static void
put_number(struct buf *b)
{
    mp_put_uint(b, 7);
}

static void
put_other(struct buf *b)
{
    mp_put_cstr(b, "other");
}

static void
put_zero(struct buf *b)
{
    mp_put_str(b, "a\0b", 3);
}

static void
put_short(struct buf *b)
{
    mp_put_bin(b, id, 15);
}

static void
text_put(struct buf *b, size_t len)
{
    char text[NOTICE_NOTE_MAX + 1];

    memset(text, 'x', sizeof(text));
    mp_put_str(b, text, len);
}

static void
put_code_longest(struct buf *b)
{
    text_put(b, NOTICE_CODE_MAX);
}

static void
put_code_too_long(struct buf *b)
{
    text_put(b, NOTICE_CODE_MAX + 1);
}

static void
put_note_longest(struct buf *b)
{
    text_put(b, NOTICE_NOTE_MAX);
}

static void
put_note_too_long(struct buf *b)
{
    text_put(b, NOTICE_NOTE_MAX + 1);
}

static void
an_alert_and_an_act_are_read(void **state)
{
    struct notice n;

    (void)state;
    assert_int_equal(alert_try(NULL, &n), NOTICE_OK);
    assert_false(n.is_action);
    assert_memory_equal(n.alert.bytes, id, sizeof(id));
    assert_int_equal(n.severity.len, 6);
    assert_false(n.has_submission);
    assert_int_equal(action_try(NULL, &n), NOTICE_OK);
    assert_true(n.is_action && n.closes);
    assert_int_equal(n.actor.len, 6);
    assert_null(n.role.at);
    assert_memory_equal(n.study.at, "NCT007", n.study.len); /* the record's */
}

static void
what_is_wrong_is_refused(void **state)
{
    static const struct {
        struct change change;
        int alert, action; /* outcome, or -1: not of that message */
    } table[] = {
        {{"kind", true, NULL}, NOTICE_BAD, NOTICE_BAD},
        {{"kind", false, put_other}, NOTICE_BAD, NOTICE_BAD},
        {{"kind", false, put_number}, NOTICE_BAD, NOTICE_BAD},
        {{"alert_id", true, NULL}, NOTICE_BAD, NOTICE_BAD},
        {{"alert_id", false, put_short}, NOTICE_BAD, NOTICE_BAD},
        {{"study", true, NULL}, NOTICE_OK, -1},
        {{"study", false, put_other}, NOTICE_BAD, -1},
        {{"rule", true, NULL}, NOTICE_BAD, -1},
        {{"rule", false, put_zero}, NOTICE_BAD, -1},
        {{"rule", false, put_number}, NOTICE_BAD, -1},
        {{"rule", false, put_code_longest}, NOTICE_OK, -1},
        {{"rule", false, put_code_too_long}, NOTICE_BAD, -1},
        {{"severity", true, NULL}, NOTICE_BAD, -1},
        {{"severity", false, put_other}, NOTICE_BAD, -1},
        {{"raised_us", true, NULL}, NOTICE_BAD, -1},
        {{"raised_us", false, put_other}, NOTICE_BAD, -1},
        {{"subject", true, NULL}, NOTICE_OK, -1},
        {{"action", true, NULL}, -1, NOTICE_BAD},
        {{"action", false, put_other}, -1, NOTICE_BAD},
        {{"at_us", true, NULL}, -1, NOTICE_BAD},
        {{"at_us", false, put_other}, -1, NOTICE_BAD},
        {{"actor", true, NULL}, -1, NOTICE_BAD},
        {{"actor", false, put_other}, -1, NOTICE_BAD},
        {{"note", true, NULL}, -1, NOTICE_OK},
        {{"note", false, put_note_longest}, -1, NOTICE_OK},
        {{"note", false, put_note_too_long}, -1, NOTICE_BAD},
        {{"note", false, put_zero}, -1, NOTICE_BAD},
    };
    struct notice n;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].alert >= 0)
            assert_int_equal(alert_try(&table[i].change, &n), table[i].alert);
        if (table[i].action >= 0)
            assert_int_equal(action_try(&table[i].change, &n), table[i].action);
    }
}

static void
cut_bytes_are_refused(void **state)
{
    struct notice n;
    struct buf b;

    (void)state;
    buf_init(&b, 4096);
    mp_put_map(&b, 2);
    mp_put_cstr(&b, "kind");
    mp_put_cstr(&b, "alert");
    mp_put_cstr(&b, "alert_id");
    mp_put_bin(&b, id, sizeof(id));
    for (size_t size = 0; size <= b.size; size++)
        assert_int_equal(notice_read(b.data, size, &alert_record, &n), NOTICE_BAD);
    buf_deinit(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alert_and_an_act_are_read),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(cut_bytes_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
