/* held: order, removal anywhere, the bound in bytes, forgetting a worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/net/held.h"

static void
message_make(struct message *m, size_t bytes)
{
    message_init(m);
    zmq_msg_close(&m->frames[3]);
    zmq_msg_init_size(&m->frames[3], bytes);
    memset(zmq_msg_data(&m->frames[3]), 'e', bytes);
    m->n_frames = 4;
    m->command = COMMAND_REPORT;
}

static void
push(struct held *h, uint32_t worker, uint64_t seq, size_t bytes)
{
    struct message m;

    message_make(&m, bytes);
    held_push(h, worker, 1, seq, &m);
    message_clear(&m);
}

static void
test_order_and_removal(void **state)
{
    struct held h;

    (void)state;
    held_init(&h);
    for (uint64_t seq = 1; seq <= 4; seq++)
        push(&h, 0, seq, 10);
    assert_int_equal(h.count, 4);
    assert_int_equal(h.bytes, 40);
    held_remove(&h, &h.first->next); /* the second */
    assert_int_equal(h.first->newest_seq, 1);
    assert_int_equal(h.first->next->newest_seq, 3);
    held_remove(&h, &h.first->next->next); /* the last: pushing still works */
    push(&h, 0, 5, 7);
    assert_int_equal(h.first->next->next->newest_seq, 5);
    held_remove(&h, &h.first);
    held_remove(&h, &h.first);
    held_remove(&h, &h.first);
    assert_null(h.first);
    assert_int_equal(h.bytes, 0);
    push(&h, 0, 6, 1);
    assert_int_equal(h.first->newest_seq, 6);
    size_t size;
    assert_int_equal(message_frame(&h.first->message, 3, &size)[0], 'e');
    held_deinit(&h);
    assert_int_equal(h.count, 0);
}

static void
test_bound(void **state)
{
    struct held h;
    struct message m;

    (void)state;
    held_init(&h);
    message_make(&m, HELD_BYTES_MAX / 2);
    assert_true(held_has_room(&h, &m));
    held_push(&h, 0, 1, 1, &m);
    message_clear(&m);
    message_make(&m, HELD_BYTES_MAX / 2);
    assert_true(held_has_room(&h, &m));
    held_push(&h, 0, 1, 1, &m);
    message_clear(&m);
    message_make(&m, 1);
    assert_false(held_has_room(&h, &m));
    message_clear(&m);
    held_deinit(&h);
}

static void
test_bound_in_number(void **state)
{
    struct held h;
    struct message m;

    (void)state;
    held_init(&h);
    for (uint64_t seq = 1; seq <= HELD_COUNT_MAX; seq++)
        push(&h, 0, seq, 1);
    message_make(&m, 1);
    assert_false(held_has_room(&h, &m));
    held_remove(&h, &h.first);
    assert_true(held_has_room(&h, &m));
    message_clear(&m);
    held_deinit(&h);
}

static void
test_forget(void **state)
{
    struct held h;

    (void)state;
    held_init(&h);
    push(&h, 1, 1, 1);
    push(&h, 2, 2, 1);
    push(&h, 1, 3, 1);
    held_forget(&h, 1);
    assert_true(h.first->is_void);
    assert_false(h.first->next->is_void);
    assert_true(h.first->next->next->is_void);
    assert_int_equal(h.count, 3); /* the walk removes them */
    held_deinit(&h);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_removal), cmocka_unit_test(test_bound),
        cmocka_unit_test(test_bound_in_number), cmocka_unit_test(test_forget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
