/* What an answer means, and the pauses between attempts. */
#include "workers/notifications/retry.h"

#include "base/clock.h"
#include "base/error.h"
#include "tests/unit/cmocka_all.h"

static void
every_status_has_one_meaning(void **state)
{
    static const struct {
        int from, to;
        enum attempt_verdict verdict;
    } table[] = {
        {0, 0, ATTEMPT_AGAIN},     {200, 299, ATTEMPT_DELIVERED}, {300, 399, ATTEMPT_AGAIN},
        {400, 407, ATTEMPT_FINAL}, {408, 408, ATTEMPT_AGAIN},     {409, 409, ATTEMPT_FINAL},
        {410, 410, ATTEMPT_GONE},  {411, 424, ATTEMPT_FINAL},     {425, 425, ATTEMPT_AGAIN},
        {426, 428, ATTEMPT_FINAL}, {429, 429, ATTEMPT_AGAIN},     {430, 499, ATTEMPT_FINAL},
        {500, 599, ATTEMPT_AGAIN},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        for (int code = table[i].from; code <= table[i].to; code++)
            assert_int_equal(attempt_judge_http(code), table[i].verdict);
    }
}

static void
mail_is_refused_for_now_or_for_ever(void **state)
{
    (void)state;
    assert_int_equal(attempt_judge_smtp(true, 250), ATTEMPT_DELIVERED);
    assert_int_equal(attempt_judge_smtp(false, 0), ATTEMPT_AGAIN);
    assert_int_equal(attempt_judge_smtp(false, 250), ATTEMPT_AGAIN); /* broke off before the end */
    assert_int_equal(attempt_judge_smtp(false, 451), ATTEMPT_AGAIN);
    assert_int_equal(attempt_judge_smtp(false, 550), ATTEMPT_FINAL);
}

static void
pauses_double_up_to_the_longest(void **state)
{
    const int64_t min_us = 5 * US_PER_S, max_us = 3600 * US_PER_S;
    int64_t last_us = 0;

    (void)state;
    for (int n = 1; n <= 1000; n++) {
        int64_t longest_us = attempt_pause_us(n, min_us, max_us, 0, 0);
        int64_t shortest_us = attempt_pause_us(n, min_us, max_us, 0, UINT32_MAX);
        assert_true(longest_us >= last_us && longest_us <= max_us);
        assert_true(shortest_us >= longest_us / 2 && shortest_us <= longest_us / 2 + 1);
        last_us = longest_us;
    }
    assert_true(attempt_pause_us(1, min_us, max_us, 0, 0) == min_us);
    assert_true(attempt_pause_us(2, min_us, max_us, 0, 0) == 2 * min_us);
    assert_true(last_us == max_us);
}

static void
what_the_receiver_asks_for_is_heard_within_bounds(void **state)
{
    (void)state;
    assert_true(attempt_pause_us(1, 10, 1000, 500, 0) == 500);
    assert_true(attempt_pause_us(1, 10, 1000, 5000, 0) == 1000);
    assert_true(attempt_pause_us(1, 10, 1000, 5, 0) == 10);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_one_meaning),
        cmocka_unit_test(mail_is_refused_for_now_or_for_ever),
        cmocka_unit_test(pauses_double_up_to_the_longest),
        cmocka_unit_test(what_the_receiver_asks_for_is_heard_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
