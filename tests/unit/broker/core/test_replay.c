/* Replay: short journals as tables of records, and what must come out. */
#include "tests/unit/broker/core/fixture.h"

enum {
    M = RECORD_MESSAGE,
    D = RECORD_DONE,
    P = RECORD_PARKED,
    U = RECORD_UNPARKED,
    N = RECORD_NOTE
};

struct line {
    uint8_t kind;
    uint64_t seq;
    uint8_t outcome_or_attempt, kills;
};

struct expect {
    const char *what;
    uint64_t base_accepted, base_last, base_stored;
    struct line lines[8];
    uint64_t accepted, stored, dead, live;
    uint32_t offset_of_1; /* where message 1 lies, counted from 1; 0: it is over */
};

static const struct expect table[] = {
    {.what = "accepted and done",
     .lines = {{M, 1, 0, 0}, {M, 2, 0, 0}, {D, 1, OUTCOME_STORED, 0}},
     .accepted = 2,
     .stored = 1,
     .live = 1},
    {.what = "moved: the later place wins, counted once",
     .lines = {{M, 1, 0, 0}, {M, 2, 0, 0}, {M, 1, 2, 0}},
     .accepted = 2,
     .live = 2,
     .offset_of_1 = 3},
    {.what = "a survivor from before the base is counted by the base",
     .base_accepted = 5,
     .base_last = 5,
     .base_stored = 4,
     .lines = {{M, 6, 0, 0}, {M, 1, 1, 0}},
     .accepted = 6,
     .stored = 4,
     .live = 2,
     .offset_of_1 = 2},
    {.what = "done, its accept in a freed segment",
     .base_accepted = 5,
     .base_last = 5,
     .base_stored = 4,
     .lines = {{D, 1, OUTCOME_STORED, 0}},
     .accepted = 5,
     .stored = 5},
    {.what = "done, its accept lost",
     .lines = {{M, 1, 0, 0}, {D, 2, OUTCOME_STORED, 0}},
     .accepted = 2,
     .stored = 1,
     .live = 1,
     .offset_of_1 = 1},
    {.what = "everything twice",
     .lines = {{M, 1, 0, 0}, {D, 1, OUTCOME_STORED, 0}, {M, 1, 0, 0}, {D, 1, OUTCOME_STORED, 0}},
     .accepted = 1,
     .stored = 1},
    {.what = "a dead letter",
     .lines = {{M, 1, 0, 0}, {P, 1, 0, 3}},
     .accepted = 1,
     .dead = 1,
     .offset_of_1 = 1},
    {.what = "a dead letter, moved",
     .lines = {{M, 1, 0, 0}, {P, 1, 0, 3}, {M, 1, 4, 3}, {P, 1, 0, 3}},
     .accepted = 1,
     .dead = 1,
     .offset_of_1 = 3},
    {.what = "a dead letter whose move was torn",
     .lines = {{M, 1, 0, 0}, {P, 1, 0, 3}, {M, 1, 4, 3}},
     .accepted = 1,
     .dead = 1,
     .offset_of_1 = 1},
    {.what = "a dead letter's copy, the rest freed",
     .base_accepted = 1,
     .base_last = 1,
     .lines = {{P, 1, 0, 3}, {M, 1, 4, 3}, {P, 1, 0, 3}},
     .accepted = 1,
     .dead = 1,
     .offset_of_1 = 2},
    {.what = "requeued",
     .lines = {{M, 1, 0, 0}, {P, 1, 0, 3}, {U, 1, 0, 3}},
     .accepted = 1,
     .live = 1,
     .offset_of_1 = 1},
    {.what = "discarded",
     .lines = {{M, 1, 0, 0}, {P, 1, 0, 3}, {D, 1, OUTCOME_DISCARDED, 0}},
     .accepted = 1},
    {.what = "damaged, as the journal says at the end",
     .lines = {{M, 1, 0, 0}, {M, 3, 0, 0}, {D, 2, OUTCOME_DAMAGED, 0}},
     .accepted = 3,
     .live = 2,
     .offset_of_1 = 1},
    {.what = "marks of unknown messages",
     .lines = {{N, 9, 0, 1}, {U, 9, 0, 0}, {M, 1, 0, 0}, {N, 1, 0, 1}},
     .accepted = 1,
     .live = 1,
     .offset_of_1 = 3},
};

static struct core *
replayed(const struct expect *e)
{
    struct ledger base = {.accepted = e->base_accepted,
                          .last_seq = e->base_last,
                          .by_outcome = {[OUTCOME_STORED] = e->base_stored, [OUTCOME_DEAD] = 7}};
    struct core *c = core_new(&test_limits, 0, 0, NULL);

    core_replay_begin(c, &base);
    for (uint32_t i = 0; i < 8 && e->lines[i].kind != 0; i++) {
        const struct line *l = &e->lines[i];
        struct record r = {.kind = l->kind,
                           .length = 100,
                           .epoch = 1,
                           .seq = l->seq,
                           .counter = 1000 + l->seq,
                           .incarnation = 77,
                           .attempt = l->outcome_or_attempt,
                           .kills = l->kills,
                           .service = "submissions",
                           .service_len = 11};
        core_replay(c, &r, (struct place){.segment = 1, .offset = i + 1, .length = 100}, 0);
    }
    core_replay_end(c, 2, 50);
    return c;
}

static void
test_table(void **state)
{
    struct core_figures figures;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const struct expect *e = &table[i];
        struct core *c = replayed(e);
        struct fixture f = {.core = c};
        const struct ledger *l = core_ledger(c);
        core_figures(c, &figures);
        print_message("%s\n", e->what);
        assert_int_equal(l->accepted, e->accepted);
        assert_int_equal(l->by_outcome[OUTCOME_STORED], e->stored);
        assert_int_equal(l->by_outcome[OUTCOME_DEAD], e->dead);
        assert_int_equal(figures.live, e->live);
        assert_int_equal(l->accepted, ledger_outcomes(l) + figures.live);
        struct message_view v = fixture_view(&f, 1);
        assert_int_equal(v.place.offset, e->offset_of_1);
        assert_true(e->offset_of_1 == 0 || (v.durable && v.attempt >= 1));
        core_free(&c);
    }
}

/* Handed out again as a second attempt, alone if it killed; the outcome finds the client that comes
 * back. */
static void
test_after_the_restart(void **state)
{
    static const struct expect e = {.lines = {{M, 1, 0, 0}, {M, 2, 0, 0}, {N, 1, 0, 1}}};
    struct fixture f = {.core = replayed(&e)};

    (void)state;
    f.service = core_service(f.core, "submissions", 11);
    uint32_t client = core_client_hello(f.core, 77, 0);
    uint32_t w = fixture_worker(&f, "w", 0);
    core_worker_pull(f.core, w, 9, 1 << 20, 0);
    uint32_t lease = fixture_lease(&f, w, 0);
    assert_int_equal(fixture_lease_n(&f, lease), 1);
    assert_int_equal(fixture_view(&f, 1).attempt, 2);
    assert_int_equal(fixture_view(&f, 1).kills, 1);
    core_effects_clear(f.core);
    assert_true(core_report(f.core, w, lease, 1, 1, OUTCOME_STORED, 0));
    assert_int_equal(fixture_effect(&f, EFFECT_OUTCOME, 0)->client, client);
    assert_int_equal(fixture_effect(&f, EFFECT_OUTCOME, 0)->counter, 1001);
    uint64_t epoch, seq;
    core_next_origin(f.core, &epoch, &seq);
    assert_int_equal(epoch, 2);
    assert_int_equal(seq, 50);
    core_free(&f.core);
}

/* Replayed clients fill the table only as far as it goes, and give way to those that say HELLO. */
static void
test_clients_are_bounded(void **state)
{
    struct core *c = core_new(&test_limits, 0, 0, NULL);
    struct fixture f = {.core = c};
    struct core_figures figures;

    (void)state;
    core_replay_begin(c, NULL);
    for (uint64_t i = 1; i <= 6; i++) {
        struct record r = {.kind = RECORD_MESSAGE, .length = 90, .epoch = 1, .seq = i};
        r.incarnation = 100 + i;
        r.service = "s";
        r.service_len = 1;
        core_replay(c, &r, (struct place){.segment = 1, .length = 90}, 0);
    }
    core_replay_end(c, 2, 7);
    core_figures(c, &figures);
    assert_int_equal(figures.clients, test_limits.max_clients);
    assert_int_equal(fixture_view(&f, 6).client, CORE_NOBODY);
    assert_int_equal(core_client_hello(c, 102, 1), fixture_view(&f, 2).client);
    assert_int_not_equal(core_client_hello(c, 9, 1), CORE_NOBODY);
    assert_int_not_equal(fixture_view(&f, 2).client, CORE_NOBODY);
    core_free(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table),
                                       cmocka_unit_test(test_after_the_restart),
                                       cmocka_unit_test(test_clients_are_bounded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
