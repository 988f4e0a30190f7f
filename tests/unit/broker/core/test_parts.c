/* Queue, index, seq set: the structures under the core, against what they must equal. */
#include "tests/unit/broker/core/fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define N 5000

static uint64_t
shuffled(uint64_t i)
{
    return i * 2654435761u % N; /* a permutation: N and the factor share no divisor */
}

static uint32_t
slot_new(struct messages *ms, uint64_t seq)
{
    uint32_t handle = messages_new(ms);

    messages_at(ms, handle)->seq = seq;
    messages_at(ms, handle)->place.length = 10;
    return handle;
}

/* However they come, they leave lowest first; pushes and pops mixed. */
static void
test_queue_orders(void **state)
{
    struct messages ms;
    struct queue q;
    uint64_t last = 0, taken = 0;

    (void)state;
    messages_init(&ms);
    queue_init(&q);
    for (uint64_t i = 0; i < N; i++)
        queue_push(&ms, &q, slot_new(&ms, 1 + shuffled(i)));
    assert_int_equal(queue_n(&q), N);
    assert_int_equal(q.bytes, N * 10);
    while (queue_n(&q) > 0) {
        uint32_t first = queue_first(&ms, &q);
        assert_true(messages_at(&ms, first)->seq > last);
        last = messages_at(&ms, first)->seq;
        queue_pop(&ms, &q, first);
        if (++taken % 3 == 0 && taken < 3000) { /* it comes back */
            queue_push(&ms, &q, first);
            last--;
        }
    }
    assert_int_equal(q.bytes, 0);
    assert_int_equal(queue_first(&ms, &q), NO_HANDLE);
    messages_deinit(&ms);
}

static void
test_index_finds_all(void **state)
{
    struct messages ms;
    struct index ix;
    struct uuid id = {{0}};
    uint32_t handles[N];

    (void)state;
    messages_init(&ms);
    index_init(&ix, 42);
    for (uint64_t i = 0; i < N; i++) {
        handles[i] = slot_new(&ms, 1 + i * 977);
        le64_put(id.bytes, i % 100 == 0 ? 7 : i); /* some ids come often */
        messages_at(&ms, handles[i])->id_hash = index_id_hash(&ix, &id);
        index_seq_add(&ix, &ms, handles[i]);
        index_id_add(&ix, &ms, handles[i]);
    }
    for (uint64_t i = 0; i < N; i += 2) {
        uint32_t h = handles[shuffled(i)];
        index_seq_remove(&ix, &ms, h);
        index_id_remove(&ix, &ms, h);
        messages_at(&ms, h)->seq |= UINT64_C(1) << 60; /* so that it is known below */
    }
    size_t left = 0, same = 0, expected_same = 0;
    le64_put(id.bytes, 7);
    uint32_t seven = index_id_hash(&ix, &id);
    for (uint64_t i = 0; i < N; i++) {
        bool removed = messages_at(&ms, handles[i])->seq >> 60 != 0;
        assert_int_equal(index_seq_find(&ix, &ms, 1 + i * 977), removed ? NO_HANDLE : handles[i]);
        left += !removed;
        expected_same += !removed && (i % 100 == 0 || i == 7);
    }
    for (uint32_t h = index_id_chain(&ix, seven); h != NO_HANDLE; h = messages_at(&ms, h)->id_next)
        same += messages_at(&ms, h)->id_hash == seven;
    assert_int_equal(same, expected_same);
    assert_int_equal(ix.by_seq.n, left);
    assert_int_equal(index_seq_find(&ix, &ms, 999999999), NO_HANDLE);
    index_deinit(&ix);
    messages_deinit(&ms);
}

static void
test_seed_changes_hashes(void **state)
{
    struct index a, b;
    struct uuid id = {{1, 2, 3}};

    (void)state;
    index_init(&a, 1);
    index_init(&b, 2);
    assert_int_not_equal(index_id_hash(&a, &id), index_id_hash(&b, &id));
    index_deinit(&a);
    index_deinit(&b);
}

static void
test_seq_set(void **state)
{
    struct seq_set s = {0};

    (void)state;
    assert_false(seq_set_has(&s, 5));
    for (uint64_t i = 0; i < N; i++)
        seq_set_add(&s, i * 331);
    for (uint64_t seq = 0; seq < N * 331; seq++)
        assert_int_equal(seq_set_has(&s, seq), seq % 331 == 0);
    seq_set_deinit(&s);
}

static void
test_retry_classes(void **state)
{
    static const int64_t expected[] = {100000, 200000, 400000, 800000, 1600000, 3200000, 5000000};
    struct messages ms;
    struct retry r;

    (void)state;
    messages_init(&ms);
    retry_init(&r);
    for (uint32_t i = 0; i < RETRY_CLASSES; i++) {
        assert_int_equal(retry_delay_us(i), expected[i]);
        retry_link(&ms, &r, slot_new(&ms, RETRY_CLASSES - i), i, 50);
    }
    for (uint32_t i = 0; i < RETRY_CLASSES; i++) {
        assert_int_equal(retry_next_us(&ms, &r), 50 + expected[i]);
        assert_int_equal(retry_due(&ms, &r, 49 + expected[i]), NO_HANDLE);
        assert_int_equal(retry_due(&ms, &r, 50 + expected[i]), i);
        retry_unlink(&ms, &r, i);
    }
    assert_int_equal(retry_next_us(&ms, &r), INT64_MAX);
    messages_deinit(&ms);
}

static void
test_services_are_bounded(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    char name[40];

    (void)state;
    assert_int_equal(core_service(f.core, "submissions", 11), f.service);
    assert_int_equal(core_service(f.core, "", 0), CORE_NOBODY);
    assert_int_equal(core_service(f.core, "a b", 3), CORE_NOBODY);
    memset(name, 'x', sizeof(name));
    assert_int_equal(core_service(f.core, name, 33), CORE_NOBODY);
    for (uint32_t i = 1; i < CORE_SERVICES_MAX; i++)
        assert_int_equal(core_service(f.core, name, (size_t)sprintf(name, "s%u", i)), i);
    assert_int_equal(core_service(f.core, "one-more", 8), CORE_NOBODY);
    assert_int_equal(core_service(f.core, "s5", 2), 5);
    core_free(&f.core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_orders),        cmocka_unit_test(test_index_finds_all),
        cmocka_unit_test(test_seed_changes_hashes), cmocka_unit_test(test_seq_set),
        cmocka_unit_test(test_retry_classes),       cmocka_unit_test(test_services_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
