/* The state matrix, walked whole: every allowed move works, every other one is refused. */
#include "tests/unit/broker/core/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/core/message.h"

static const bool expected[MESSAGE_STATES][MESSAGE_STATES] = {
    /*                 FREE   READY  DELAYED LEASED PARKED */
    [MESSAGE_FREE] = {false, true, false, false, false},
    [MESSAGE_READY] = {true, false, false, true, true},
    [MESSAGE_DELAYED] = {false, true, false, false, false},
    [MESSAGE_LEASED] = {true, true, true, false, true},
    [MESSAGE_PARKED] = {true, true, false, false, false},
};

/* A message brought into a state by the mover alone. */
static uint32_t
message_in(struct fixture *f, enum message_state state, uint32_t *ret_lease)
{
    uint32_t worker = fixture_worker(f, "w", 0);
    uint32_t message;

    fixture_accept(f, 0, 0);
    core_list(f->core, CORE_NOBODY, MESSAGE_STATES, 0, &message, 1);
    core_worker_pull(f->core, worker, 10, 100000, 0);
    struct lease *l = lease_new(f->core, worker, 10, false);
    *ret_lease = l->number;
    if (state == MESSAGE_LEASED || state == MESSAGE_DELAYED)
        message_move(f->core, message, MESSAGE_LEASED, l->number);
    if (state == MESSAGE_DELAYED || state == MESSAGE_PARKED || state == MESSAGE_FREE)
        message_move(f->core, message, state, 0);
    return message;
}

static void
move_one(enum message_state from, enum message_state to)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t lease, message = message_in(&f, from, &lease);

    message_move(f.core, message, to, to == MESSAGE_LEASED ? lease : 0);
    assert_int_equal(messages_at(&f.core->messages, message)->state, to);
    const struct service *s = &f.core->services[f.service];
    for (int state = MESSAGE_READY; state < MESSAGE_STATES; state++)
        assert_int_equal(s->in_state[state], state == (int)to ? 1 : 0);
    assert_int_equal(queue_n(&s->ready), to == MESSAGE_READY);
    assert_int_equal(s->parked.n, to == MESSAGE_PARKED);
    assert_int_equal(fixture_lease_n(&f, lease), to == MESSAGE_LEASED);
    core_free(&f.core);
}

/* The mover aborts; a child takes that. */
static bool
move_aborts(enum message_state from, enum message_state to)
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        struct fixture f = fixture_new(&test_limits);
        uint32_t lease, message = message_in(&f, from, &lease);
        signal(SIGABRT, SIG_DFL);
        fclose(stderr);
        message_move(f.core, message, to, to == MESSAGE_LEASED ? lease : 0);
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void
test_matrix(void **state)
{
    (void)state;
    for (int from = 0; from < MESSAGE_STATES; from++)
        for (int to = 0; to < MESSAGE_STATES; to++) {
            assert_int_equal(message_may_move(from, to), expected[from][to]);
            if (expected[from][to])
                move_one(from, to);
            else
                assert_true(move_aborts(from, to));
        }
}

static void
test_slots_are_reused(void **state)
{
    struct fixture f = fixture_new(&test_limits);
    uint32_t worker = fixture_worker(&f, "w", 0);

    (void)state;
    for (int i = 0; i < 3 * (int)MESSAGE_CHUNK; i++) {
        uint64_t seq = fixture_accept(&f, 0, 0);
        core_durable(f.core, seq, 0);
        core_worker_pull(f.core, worker, 1, 1, 0);
        uint32_t lease = fixture_lease(&f, worker, 0);
        assert_true(core_report(f.core, worker, lease, 1, seq, OUTCOME_STORED, 0));
    }
    assert_int_equal(f.core->messages.used, 1);
    assert_int_equal(core_ledger(f.core)->by_outcome[OUTCOME_STORED], 3 * MESSAGE_CHUNK);
    core_free(&f.core);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_slots_are_reused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
