/* peers: both directions, replacement, the bound, forgetting while walking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/net/peers.h"

static struct peer *
bind(struct peers *p, enum peer_role role, const char *routing, uint32_t handle,
     uint64_t incarnation)
{
    return peers_bind(p, role, routing, strlen(routing), handle, incarnation, 1);
}

static void
test_both_directions(void **state)
{
    struct peers *p = peers_new(8);

    (void)state;
    struct peer *a = bind(p, PEER_CLIENT, "aaaaa", 0, 1);
    struct peer *w = bind(p, PEER_WORKER, "aaaaa", 0, 1); /* another socket, another space */
    assert_non_null(a);
    assert_non_null(w);
    assert_ptr_not_equal(a, w);
    assert_ptr_equal(peers_find(p, PEER_CLIENT, "aaaaa", 5), a);
    assert_ptr_equal(peers_find(p, PEER_WORKER, "aaaaa", 5), w);
    assert_ptr_equal(peers_of(p, PEER_CLIENT, 0), a);
    assert_null(peers_of(p, PEER_CLIENT, 1));
    assert_null(peers_find(p, PEER_CLIENT, "aaaa", 4));
    assert_int_equal(peers_count(p, PEER_CLIENT), 1);
    peers_forget(p, a);
    assert_null(peers_find(p, PEER_CLIENT, "aaaaa", 5));
    assert_null(peers_of(p, PEER_CLIENT, 0));
    assert_ptr_equal(peers_of(p, PEER_WORKER, 0), w);
    peers_free(&p);
    assert_null(p);
}

/* The newest introduction wins, in both directions. */
static void
test_rebinding(void **state)
{
    struct peers *p = peers_new(8);
    struct entry e = {.counter = 7};

    (void)state;
    struct peer *a = bind(p, PEER_CLIENT, "old", 5, 1);
    outbox_put(&a->outbox, ENTRY_KIND_REFUSED, &e);
    /* The same incarnation over a new connection keeps what is gathered. */
    struct peer *b = bind(p, PEER_CLIENT, "new", 5, 1);
    assert_ptr_equal(a, b);
    assert_int_equal(b->outbox.entries[ENTRY_KIND_REFUSED].size, ENTRY_REFUSED_BYTES);
    assert_null(peers_find(p, PEER_CLIENT, "old", 3));
    /* Another incarnation under the same handle starts empty. */
    b = bind(p, PEER_CLIENT, "new", 5, 2);
    assert_int_equal(b->outbox.entries[ENTRY_KIND_REFUSED].size, 0);
    /* A connection that now speaks for another handle leaves the first one. */
    b = bind(p, PEER_CLIENT, "new", 6, 3);
    assert_null(peers_of(p, PEER_CLIENT, 5));
    assert_ptr_equal(peers_find(p, PEER_CLIENT, "new", 3), b);
    assert_int_equal(peers_count(p, PEER_CLIENT), 1);
    peers_free(&p);
}

static void
test_bound(void **state)
{
    struct peers *p = peers_new(3);
    char routing[] = "r0";
    uint8_t long_id[PEER_ROUTING_MAX + 1] = {0};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        routing[1] = (char)('0' + i);
        assert_non_null(bind(p, PEER_WORKER, routing, i, 1));
    }
    assert_null(bind(p, PEER_WORKER, "r9", 9, 1));
    assert_null(peers_bind(p, PEER_WORKER, long_id, sizeof(long_id), 0, 1, 1));
    assert_int_equal(peers_count(p, PEER_WORKER), 3);
    peers_forget(p, peers_of(p, PEER_WORKER, 1));
    assert_non_null(bind(p, PEER_WORKER, "r9", 9, 1));
    assert_non_null(peers_bind(p, PEER_WORKER, long_id, PEER_ROUTING_MAX, 9, 1, 1));
    peers_free(&p);
}

static void
test_walk_and_forget(void **state)
{
    struct peers *p = peers_new(1000);
    uint32_t cursor = 0, n = 0;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++)
        assert_non_null(peers_bind(p, PEER_CLIENT, &i, sizeof(i), i, 1, 1));
    for (struct peer *peer; (peer = peers_next(p, &cursor)) != NULL; n++)
        if (peer->handle % 2 == 0)
            peers_forget(p, peer);
    assert_int_equal(n, 1000);
    assert_int_equal(peers_count(p, PEER_CLIENT), 500);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(peers_find(p, PEER_CLIENT, &i, sizeof(i)) != NULL, i % 2);
        assert_int_equal(peers_of(p, PEER_CLIENT, i) != NULL, i % 2);
    }
    peers_free(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_directions),
        cmocka_unit_test(test_rebinding),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_walk_and_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
