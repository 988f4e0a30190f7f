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
    uint64_t numbers[NUMBERS], number = 0;
    size_t count = 0;
    unsigned seed = 1;

    (void)state;
    /* Half of them in a row, half that all want the last slot and wrap around. */
    for (size_t i = 0; i < NUMBERS; i++) {
        do
            number++;
        while (i >= NUMBERS / 2 &&
               ((number >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> 57 != 127 || (number & 3) != 3));
        numbers[i] = number;
    }
    waiters_init(&w, 200);
    for (int round = 0; round < 200000; round++) {
        size_t i = (size_t)rand_r(&seed) % NUMBERS;
        number = numbers[i];
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
