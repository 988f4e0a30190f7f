/* outbox: kinds stay apart, the bound refuses and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "broker/net/outbox.h"

static void
test_kinds(void **state)
{
    struct outbox o;
    struct entry e = {.counter = 1, .epoch = 2, .seq = 3}, read;
    size_t offset = 0;

    (void)state;
    outbox_init(&o);
    assert_false(o.dirty);
    assert_int_equal(outbox_put(&o, ENTRY_KIND_ACCEPTED, &e), OUTBOX_OK);
    e.code = 4;
    assert_int_equal(outbox_put(&o, ENTRY_KIND_OUTCOME, &e), OUTBOX_OK);
    assert_true(o.dirty);
    assert_int_equal(o.entries[ENTRY_KIND_REFUSED].size, 0);
    assert_int_equal(entry_read(ENTRY_KIND_OUTCOME, o.entries[ENTRY_KIND_OUTCOME].data,
                                o.entries[ENTRY_KIND_OUTCOME].size, &offset, &read),
                     ENTRY_OK);
    assert_int_equal(read.code, 4);
    assert_int_equal(read.seq, 3);
    outbox_deinit(&o);
}

static void
test_bound(void **state)
{
    struct outbox o;
    uint8_t *payload = calloc(1, ENTRY_PAYLOAD_MAX);
    struct entry e = {.payload = payload, .payload_len = ENTRY_PAYLOAD_MAX};
    size_t n = 0;

    (void)state;
    outbox_init(&o);
    while (outbox_put(&o, ENTRY_KIND_OUTCOME, &e) == OUTBOX_OK)
        n++;
    assert_int_equal(n, OUTBOX_BYTES_MAX / (ENTRY_PAYLOAD_MAX + ENTRY_OUTCOME_BYTES));
    assert_int_equal(o.entries[ENTRY_KIND_OUTCOME].size,
                     n * (ENTRY_PAYLOAD_MAX + ENTRY_OUTCOME_BYTES));
    outbox_deinit(&o);
    free(payload);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
