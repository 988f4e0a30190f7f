/* The protocol's numbers never change meaning: pinned here beside the tables. */
#include "tests/unit/cmocka_all.h"

#include "schemas/wire/codes.h"

static void
commands_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(COMMAND_HELLO, 0x01);
    assert_int_equal(COMMAND_REPORT, 0x23);
    assert_int_equal(COMMAND_REPLY, 0x41);
    assert_int_equal(COMMAND_ERROR, 0x52);
    assert_string_equal(command_text(COMMAND_DELIVER), "deliver");
    assert_null(command_text(0));
    assert_null(command_text(0xff));
    assert_null(command_text(256));
}

static void
outcomes_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME_STORED, 1);
    assert_int_equal(OUTCOME_EXPIRED, 11);
    assert_int_equal(OUTCOME_LIMIT, 12);
    assert_string_equal(outcome_text(OUTCOME_CONFLICT), "conflict");
    assert_null(outcome_text(0));
    assert_null(outcome_text(OUTCOME_LIMIT));
    assert_true(outcome_is_final(OUTCOME_REJECTED));
    assert_false(outcome_is_final(OUTCOME_RETRY));
    assert_false(outcome_is_final(OUTCOME_DEAD));
    assert_true(outcome_is_counted(OUTCOME_DEAD));
    assert_false(outcome_is_counted(OUTCOME_ANSWERED));
    assert_false(outcome_is_final(OUTCOME_LIMIT));
}

static void
refusals_are_pinned(void **state)
{
    (void)state;
    assert_int_equal(REFUSAL_FULL, 1);
    assert_int_equal(REFUSAL_NO_WORKER, 6);
    assert_string_equal(refusal_text(REFUSAL_UNKNOWN_SERVICE), "unknown-service");
    assert_null(refusal_text(0));
    assert_null(refusal_text(REFUSAL_LIMIT));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_pinned),
        cmocka_unit_test(outcomes_are_pinned),
        cmocka_unit_test(refusals_are_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
