/* handout: names come back in any order; the newest origin is this epoch's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/net/handout.h"

static void
add(struct handout *h, uint64_t epoch, uint64_t seq, uint8_t flags)
{
    char names[64];
    int n = snprintf(names, sizeof(names), "servicescope%u", (unsigned)seq);
    struct record r = {.epoch = epoch,
                       .seq = seq,
                       .flags = flags,
                       .service = names,
                       .service_len = 7,
                       .scope = names + 7,
                       .scope_len = (uint8_t)(n - 7)};

    r.id.bytes[0] = (uint8_t)seq;
    handout_add(h, &r);
}

static void
test_names(void **state)
{
    static const uint64_t order[] = {3, 1, 2, 0, 4, 4, 0};
    struct handout h;
    struct record r = {0};

    (void)state;
    handout_init(&h);
    assert_false(handout_name(&h, 1, 1, &r));
    handout_begin(&h, 9, 5);
    for (uint64_t seq = 0; seq < 5; seq++)
        add(&h, 2, seq, 0);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        char scope[16];
        snprintf(scope, sizeof(scope), "scope%u", (unsigned)order[i]);
        assert_true(handout_name(&h, 2, order[i], &r));
        assert_int_equal(r.id.bytes[0], order[i]);
        assert_int_equal(r.service_len, 7);
        assert_memory_equal(r.service, "service", 7);
        assert_int_equal(r.scope_len, strlen(scope));
        assert_memory_equal(r.scope, scope, r.scope_len);
    }
    assert_false(handout_name(&h, 2, 5, &r));
    assert_false(handout_name(&h, 1, 3, &r));
    handout_begin(&h, 10, 1);
    assert_false(handout_name(&h, 2, 3, &r));
    handout_deinit(&h);
}

static void
test_newest(void **state)
{
    struct handout h;

    (void)state;
    handout_init(&h);
    handout_begin(&h, 1, 5);
    add(&h, 1, 100, 0);
    add(&h, 2, 101, 0);
    add(&h, 2, 109, 0);
    add(&h, 1, 99, 0);
    add(&h, 2, UINT64_MAX, RECORD_VOLATILE); /* never waits for the disk */
    assert_int_equal(h.epoch, 2);
    assert_int_equal(h.newest_seq, 109);
    assert_int_equal(h.n, 5);
    handout_deinit(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_newest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
