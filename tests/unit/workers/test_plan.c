/* Who hears of an alert, and who next: the study file's rules, without a database. */
#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "tests/unit/cmocka_all.h"
#include "workers/notifications/plan.h"

#define HOOK "\"webhook\": {\"url\": \"https://h/x\", \"secretFile\": \"s\"}"

struct rig {
    struct recipients *recipients;
    struct alert_plan plan;
    int full;
};

static void
rig_init(struct rig *r, const char *recipients, const char *alerts, const char *escalation)
{
    r->recipients = recipients_new();
    recipients_add(r->recipients, &(struct alert_study){"NCT007", recipients, alerts, escalation});
    alert_plan_init(&r->plan);
    alert_plan_begin(&r->plan);
    r->full = BUF_OK;
}

static void
rig_deinit(struct rig *r)
{
    assert_int_equal(r->full, BUF_OK);
    alert_plan_deinit(&r->plan);
    recipients_free(r->recipients);
}

/* The elements of a text array, joined by spaces; "~" for null. */
static const char *
texts(const struct array *a)
{
    static char out[1024];
    size_t at = 20, n = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < a->n; i++) {
        const uint8_t *p = a->bytes.data + at;
        int32_t len =
            (int32_t)((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s", i > 0 ? " " : "",
                              len < 0 ? 1 : (int)len, len < 0 ? "~" : (const char *)p + 4);
        at += 4 + (len < 0 ? 0 : (size_t)len);
    }
    return out;
}

static struct alert_found
alert(const char *rule, const char *site)
{
    return (struct alert_found){.study = "NCT007",
                                .rule = rule,
                                .severity = "urgent",
                                .state = "open",
                                .kind = "clinical",
                                .site = site};
}

static void
the_recipients_of_an_alert(void **state)
{
    static const char list[] =
        "{\"one\": {" HOOK ", \"email\": \"a@b\", \"sites\": [\"S1\"]},"
        " \"two\": {" HOOK ", \"sites\": [\"S2\"]},"
        " \"chief\": {" HOOK ", \"roles\": [\"investigator\", \"operator\"]},"
        " \"ops\": {" HOOK ", \"roles\": [\"operator\"]},"
        " \"watch\": {\"email\": \"c@d\", \"roles\": [\"canary\"]}}";
    static const char rules[] = "{\"named\": {\"recipients\": [\"two\"]},"
                                " \"role\": {\"recipients\": [\"investigator\"]},"
                                " \"strange\": {\"recipients\": [\"nobody-of-that-name\"]},"
                                " \"empty\": {\"recipients\": []}}";
    static const struct {
        const char *rule, *site, *kind, *own, *wanted;
    } table[] = {
        {"any", "S1", "clinical", NULL, "one one chief"},
        {"any", "S2", "clinical", NULL, "two chief"},
        {"any", "S3", "clinical", NULL, "chief"},
        {"any", "", "clinical", NULL, "one one two chief"},
        {"named", "S2", "clinical", NULL, "two"},
        {"named", "S1", "clinical", NULL, "one one two chief"}, /* it would have been nobody */
        {"role", "S1", "clinical", NULL, "chief"},
        {"strange", "S1", "clinical", NULL, "one one two chief"},
        {"empty", "S2", "clinical", NULL, "two chief"},
        {"named", "S1", "clinical", "one\nops", "one one ops"},
        {"any", "", "unevaluated", NULL, "chief ops"},
        {"any", "", "canary", NULL, "watch"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct rig r;
        struct alert_found a = alert(table[i].rule, table[i].site);
        rig_init(&r, list, rules, NULL);
        a.kind = table[i].kind;
        a.recipients = table[i].own;
        plan_alert(&r.plan, r.recipients, &a, 0, &r.full);
        assert_string_equal(texts(&r.plan.recipients), table[i].wanted);
        /* A canary goes its own way; all else of severity urgent is escalated by default. */
        assert_int_equal(r.plan.escalated.n, strcmp(a.kind, "canary") != 0);
        rig_deinit(&r);
    }
}

static void
a_canary_that_nobody_wants_is_measured_all_the_same(void **state)
{
    struct alert_found a = {.study = NOBODY_STUDY, .kind = "canary", .site = "", .state = "open"};
    struct rig r;

    (void)state;
    rig_init(&r, "{\"one\": {" HOOK "}}", NULL, NULL);
    plan_alert(&r.plan, r.recipients, &a, 0, &r.full);
    assert_string_equal(texts(&r.plan.recipients), NOBODY_NAME);
    assert_string_equal(texts(&r.plan.channels), "none");
    rig_deinit(&r);
}

static void
contacts_follow_one_another(void **state)
{
    static const char *const wanted[] = {"b", "a", "~"};
    struct rig r;

    (void)state;
    for (int step = 0; step < 3; step++) {
        struct escalation_due due = {.found = alert("any", "S1"), .step = step};
        rig_init(&r, "{\"a\": {" HOOK "}, \"b\": {" HOOK "}}", NULL,
                 "{\"urgent\": \"10min\", \"contacts\": [\"b\", \"a\"]}");
        plan_escalation(&r.plan, r.recipients, &due, &r.full);
        assert_string_equal(texts(&r.plan.contacts), wanted[step]);
        assert_string_equal(texts(&r.plan.recipients), step < 2 ? wanted[step] : "");
        rig_deinit(&r);
    }
}

static void
without_contacts_everybody_hears_once_more(void **state)
{
    struct rig r;

    (void)state;
    for (int step = 0; step < 2; step++) {
        struct escalation_due due = {.found = alert("any", "S1"), .step = step};
        rig_init(&r, "{\"a\": {" HOOK "}, \"b\": {" HOOK "}}", NULL, NULL);
        plan_escalation(&r.plan, r.recipients, &due, &r.full);
        assert_string_equal(texts(&r.plan.contacts), step == 0 ? "everyone" : "~");
        assert_string_equal(texts(&r.plan.recipients), step == 0 ? "a b" : "");
        rig_deinit(&r);
    }
}

static void
only_what_is_open_and_has_a_limit_is_escalated(void **state)
{
    static const struct {
        const char *severity, *state, *escalation;
        unsigned wanted;
    } table[] = {
        {"urgent", "open", NULL, 1},
        {"urgent", "acknowledged", NULL, 0},
        {"urgent", "closed", NULL, 0},
        {"warning", "open", NULL, 0},
        {"info", "open", NULL, 0},
        {"warning", "open", "{\"warning\": \"2h\"}", 1},
        {"urgent", "open", "{\"urgent\": \"soon\"}", 1}, /* refused: the default stays */
    };
    struct rig r;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct alert_found a = alert("any", "");
        a.severity = table[i].severity;
        a.state = table[i].state;
        rig_init(&r, "{\"a\": {" HOOK "}}", NULL, table[i].escalation);
        plan_alert(&r.plan, r.recipients, &a, 0, &r.full);
        assert_int_equal(r.plan.escalated.n, table[i].wanted);
        rig_deinit(&r);
    }
}

static void
what_can_not_be_used_is_left_out_alone(void **state)
{
    static const char list[] =
        "{\"ok\": {" HOOK "},"
        " \"ftp\": {\"webhook\": {\"url\": \"ftp://h/\", \"secretFile\": \"s\"}},"
        " \"path\": {\"webhook\": {\"url\": \"https://h/\", \"secretFile\": \"../../etc/shadow\"}},"
        " \"dot\": {\"webhook\": {\"url\": \"https://h/\", \"secretFile\": \".\"}},"
        " \"none\": {\"webhook\": {\"url\": \"https://h/\"}},"
        " \"mail\": {\"email\": \"a@b\\r\\nBcc: c@d\"},"
        " \"half\": {\"webhook\": 7, \"email\": \"a@b\"},"
        " \"two\\nlines\": {" HOOK "}}";
    struct alert_found a = alert("any", "");
    struct rig r;

    (void)state;
    rig_init(&r, list, NULL, NULL);
    plan_alert(&r.plan, r.recipients, &a, 0, &r.full);
    assert_string_equal(texts(&r.plan.recipients), "ok half");
    assert_string_equal(texts(&r.plan.channels), "webhook email");
    rig_deinit(&r);
}

static void
a_deliverys_id_names_what_and_whom(void **state)
{
    struct uuid alerts[2] = {{{1}}, {{2}}}, first, other;

    (void)state;
    alert_delivery_id(&alerts[0], "S", "ab", CHANNEL_WEBHOOK, 0, &first);
    alert_delivery_id(&alerts[0], "S", "ab", CHANNEL_WEBHOOK, 0, &other);
    assert_true(uuid_equal(&first, &other));
    alert_delivery_id(&alerts[1], "S", "ab", CHANNEL_WEBHOOK, 0, &other);
    assert_false(uuid_equal(&first, &other));
    alert_delivery_id(&alerts[0], "Sa", "b", CHANNEL_WEBHOOK, 0, &other);
    assert_false(uuid_equal(&first, &other));
    alert_delivery_id(&alerts[0], "S", "ab", CHANNEL_EMAIL, 0, &other);
    assert_false(uuid_equal(&first, &other));
    alert_delivery_id(&alerts[0], "S", "ab", CHANNEL_WEBHOOK, 1, &other);
    assert_false(uuid_equal(&first, &other));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_recipients_of_an_alert),
        cmocka_unit_test(a_canary_that_nobody_wants_is_measured_all_the_same),
        cmocka_unit_test(contacts_follow_one_another),
        cmocka_unit_test(without_contacts_everybody_hears_once_more),
        cmocka_unit_test(only_what_is_open_and_has_a_limit_is_escalated),
        cmocka_unit_test(what_can_not_be_used_is_left_out_alone),
        cmocka_unit_test(a_deliverys_id_names_what_and_whom),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
