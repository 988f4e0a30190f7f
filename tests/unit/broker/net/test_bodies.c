/* bodies: slots and bytes are bounded, dropped slots come back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/net/bodies.h"

static void
test_put_at_drop(void **state)
{
    struct bodies *b = bodies_new(4, 100);
    uint32_t length = 0;

    (void)state;
    uint32_t slot = bodies_put(b, (const uint8_t *)"hello", 5);
    assert_memory_equal(bodies_at(b, slot, &length), "hello", 5);
    assert_int_equal(length, 5);
    bodies_drop(b, slot);
    bodies_drop(b, slot); /* twice, and nonsense: nothing happens */
    bodies_drop(b, 99);
    assert_null(bodies_at(b, slot, &length));
    assert_null(bodies_at(b, BODIES_NONE, &length));
    assert_int_equal(bodies_bytes(b), 0);
    bodies_free(&b);
}

static void
test_bounds(void **state)
{
    struct bodies *b = bodies_new(4, 100);
    static const uint8_t bytes[101];

    (void)state;
    assert_int_equal(bodies_put(b, bytes, 101), BODIES_NONE);
    uint32_t all = bodies_put(b, bytes, 100);
    assert_int_not_equal(all, BODIES_NONE);
    assert_int_equal(bodies_put(b, bytes, 1), BODIES_NONE);
    bodies_drop(b, all);
    for (int round = 0; round < 3; round++) {
        uint32_t slots[4];
        for (int i = 0; i < 4; i++) {
            slots[i] = bodies_put(b, bytes, 25);
            assert_int_not_equal(slots[i], BODIES_NONE);
        }
        assert_int_equal(bodies_put(b, bytes, 1), BODIES_NONE);
        for (int i = 0; i < 4; i++)
            bodies_drop(b, slots[i]);
    }
    assert_int_equal(bodies_bytes(b), 0);
    bodies_free(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_put_at_drop),
                                       cmocka_unit_test(test_bounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
