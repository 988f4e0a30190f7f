/* Ceilings, token buckets and tickets. */
#include "tests/unit/cmocka_all.h"

#include "base/clock.h"
#include "client/edge/limits.h"
#include "client/edge/ticket.h"

static void
test_limit(void **state)
{
    struct limit l = {.max = 2};

    (void)state;
    assert_true(limit_take(&l));
    assert_true(limit_take(&l));
    assert_false(limit_take(&l));
    limit_give(&l);
    assert_true(limit_take(&l));
    assert_int_equal(l.now, 2);
}

static int
take_all(struct token *t, int64_t rate, int64_t now_us)
{
    int n = 0;

    while (n < 1000 && rate_take(t, rate, now_us))
        n++;
    return n;
}

static void
test_rate(void **state)
{
    struct token t = {0};
    int64_t now_us = 5 * US_PER_S;

    (void)state;
    assert_int_equal(take_all(&t, 10, now_us), 10);
    assert_int_equal(take_all(&t, 10, now_us + 99 * US_PER_MS), 0);
    assert_int_equal(take_all(&t, 10, now_us + 100 * US_PER_MS), 1);
    assert_int_equal(take_all(&t, 10, now_us + 350 * US_PER_MS), 2); /* the half one stays */
    assert_int_equal(take_all(&t, 10, now_us + 400 * US_PER_MS), 1);
    assert_int_equal(take_all(&t, 10, now_us + 3600 * US_PER_S), 10); /* no more than a second's */
    assert_int_equal(take_all(&t, 0, now_us), 1000);
}

static void
test_tickets(void **state)
{
    struct ticket_queue q;
    struct ticket a = {0}, b = {0}, c = {0};

    (void)state;
    ticket_queue_init(&q, 100);
    assert_true(ticket_next_us(&q) == TICKET_NEVER);
    ticket_start(&q, &a, 0);
    ticket_start(&q, &b, 10);
    ticket_start(&q, &c, 20);
    assert_int_equal(ticket_next_us(&q), 100);
    ticket_start(&q, &a, 30); /* anew: now the last one */
    assert_int_equal(ticket_next_us(&q), 110);
    ticket_stop(&b);
    ticket_stop(&b);
    assert_null(ticket_pop_due(&q, 119));
    assert_ptr_equal(ticket_pop_due(&q, 120), &c);
    assert_null(ticket_pop_due(&q, 129));
    assert_ptr_equal(ticket_pop_due(&q, 130), &a);
    assert_true(ticket_next_us(&q) == TICKET_NEVER);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limit), cmocka_unit_test(test_rate),
                                       cmocka_unit_test(test_tickets)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
