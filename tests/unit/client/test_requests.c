/* The request table beside a plain array: random inserts and removals, growth, runs that wrap
 * around. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/lib/requests.h"

#define N 5000

static void
agrees_with_a_plain_array(void **state)
{
    static bool present[N + 1];
    struct requests t;
    uint32_t n = 0;

    (void)state;
    srand(20261122);
    requests_init(&t);
    for (int step = 0; step < 200000; step++) {
        uint64_t counter = 1 + (uint64_t)rand() % N;
        struct request *r = requests_find(&t, counter);
        assert_int_equal(r != NULL, present[counter]);
        if (r == NULL && step % 3 != 0) {
            requests_insert(&t, counter)->record_bytes = (uint32_t)counter;
            present[counter] = true;
            n++;
        } else if (r != NULL) {
            assert_int_equal(r->record_bytes, counter);
            if (step % 2 == 0) {
                requests_remove(&t, r);
                present[counter] = false;
                n--;
            }
        }
        assert_int_equal(t.n, n);
    }
    for (uint64_t c = 1; c <= N; c++)
        assert_int_equal(requests_find(&t, c) != NULL, present[c]);
    requests_deinit(&t);
}

static void
colliding_counters_are_kept_apart(void **state)
{
    struct requests t;
    uint64_t counters[100];

    (void)state;
    requests_init(&t); /* 256 slots: all of these want the last one and wrap around */
    for (uint64_t i = 0, counter = 0; i < 100; i++) {
        do
            counter++;
        while ((counter >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 58 != 63 || (counter & 3) != 3);
        counters[i] = counter;
        requests_insert(&t, counters[i])->record_bytes = (uint32_t)i;
    }
    assert_int_equal(t.cap, 256);
    for (uint64_t i = 0; i < 100; i += 2)
        requests_remove(&t, requests_find(&t, counters[i]));
    for (uint64_t i = 0; i < 100; i++) {
        struct request *r = requests_find(&t, counters[i]);
        assert_int_equal(r != NULL, i % 2 == 1);
        if (r != NULL)
            assert_int_equal(r->record_bytes, i);
    }
    assert_null(requests_find(&t, 0));
    requests_deinit(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(colliding_counters_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
