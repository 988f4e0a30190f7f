/* The table of those who wait, beside an array that does the same. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>

#include "client/edge/waiter.h"

#define NUMBERS 512

static void
test_beside_array(void **state)
{
    struct waiters w;
    static int who[NUMBERS];
    void *expected[NUMBERS] = {NULL};
    size_t count = 0;
    unsigned seed = 1;

    (void)state;
    waiters_init(&w, 200);
    for (int round = 0; round < 200000; round++) {
        /* Numbers that collide: some in a row, some a power of two apart. */
        size_t i = (size_t)rand_r(&seed) % NUMBERS;
        uint64_t number = i < NUMBERS / 2 ? i : (i - NUMBERS / 2) * 4096;
        if (i >= NUMBERS / 2 && i - NUMBERS / 2 == 0)
            continue; /* 0 * 4096 is the first one's number */
        switch (rand_r(&seed) % 3) {
        case 0:
            if (expected[i] == NULL) {
                int r = waiters_add(&w, number, &who[i]);
                assert_int_equal(r, count < 200 ? WAITERS_OK : WAITERS_FULL);
                if (r == WAITERS_OK) {
                    expected[i] = &who[i];
                    count++;
                }
            }
            break;
        case 1:
            assert_ptr_equal(waiters_find(&w, number), expected[i]);
            break;
        default:
            assert_ptr_equal(waiters_take(&w, number), expected[i]);
            count -= expected[i] != NULL;
            expected[i] = NULL;
            break;
        }
        assert_int_equal(w.count, count);
    }
    waiters_deinit(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_beside_array)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
