/* Giving way looks at the fd before and after, and neither sleeps nor reads. */
#include "tests/unit/cmocka_all.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/schedule.h"

static void
a_silent_fd_is_no_wait(void **state)
{
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    int64_t begin_us = clock_mono_us();
    for (int i = 0; i < 100; i++)
        assert_false(schedule_is_readable(ends[0]) || schedule_give_way(ends[0]));
    assert_true(clock_mono_us() - begin_us < 10 * US_PER_S);
    close(ends[0]);
    close(ends[1]);
}

static void
what_is_there_stays_there(void **state)
{
    int ends[2];
    char c;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(schedule_is_readable(ends[0]) && schedule_give_way(ends[0]));
    assert_int_equal(read(ends[0], &c, 1), 1);
    assert_false(schedule_give_way(ends[0]));
    close(ends[1]);
    assert_true(schedule_give_way(ends[0])); /* an end is news too */
    close(ends[0]);
}

static void
gathering_changes_nothing_but_the_policy(void **state)
{
    (void)state;
    schedule_gathering();
    schedule_gathering(); /* twice is once */
    assert_false(schedule_give_way(-1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_fd_is_no_wait),
        cmocka_unit_test(what_is_there_stays_there),
        cmocka_unit_test(gathering_changes_nothing_but_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
