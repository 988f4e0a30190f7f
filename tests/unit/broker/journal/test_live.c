/* The journal while it runs: append, hand over, read from all three sources, roll, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/broker/journal/fixture.h"

static int
setup(void **state)
{
    static struct fixture f;

    fixture_init(&f);
    *state = &f;
    return 0;
}

static int
teardown(void **state)
{
    fixture_deinit(*state);
    return 0;
}

static void
test_round_trip(void **state)
{
    struct fixture *f = *state;
    uint64_t seq;

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 1);
    assert_int_equal(f->opened.next_seq, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(fixture_message(f, 200, &seq), 0);
    fixture_sync(f);
    for (uint64_t s = 1; s <= 50; s++)
        assert_int_equal(fixture_done(f, s, OUTCOME_STORED), 0);
    fixture_sync(f);
    fixture_close(f);

    assert_int_equal(fixture_open(f), 0);
    assert_int_equal(f->opened.epoch, 2);
    assert_int_equal(f->opened.next_seq, 101);
    assert_int_equal(fixture_alive(f), 50);
    assert_int_equal(f->replayed_messages, 100);
    assert_int_equal(f->replayed_done, 50);
    assert_int_equal(f->opened.torn_bytes, 0);
    assert_null(f->why);
    fixture_check_bodies(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
