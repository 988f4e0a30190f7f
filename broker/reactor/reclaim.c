/* Emptying the journal's head: survivors are appended again at the tail with what is known of them
 * now (attempt, kills, flags), a parked one with its mark; then the old place is released
 * (invariants 9). */
#include "base/error.h"
#include "broker/reactor/broker.h"
#include "schemas/wire/record.h"

#define STEP_RECORDS 256
#define STEP_BYTES ((uint64_t)4 << 20)

/* Room in the gathering batch for this record and its mark. */
static bool
survivor_move(struct broker *b, uint32_t message, const struct record *r, struct place old)
{
    struct message_view view;
    struct place place;

    core_view(b->core, message, b->now_us, &view);
    record_set_delivery(b->move, view.flags, view.attempt, view.kills);
    if (journal_append(b->journal, b->move, r->length, &place) != JOURNAL_OK)
        return false;
    core_moved(b->core, message, place);
    journal_release(b->journal, old);
    metrics_add(&b->metrics, METRIC_MOVED, 1);
    if (view.state == MESSAGE_PARKED) {
        struct effect e = {.kind = EFFECT_PARKED,
                           .worker = CORE_NOBODY,
                           .epoch = view.epoch,
                           .seq = view.seq,
                           .kills = view.kills,
                           .place = place,
                           .reason = "moved"};
        mark_append(b, RECORD_PARKED, &e);
    }
    return true;
}

bool
reclaim_step(struct broker *b)
{
    struct record r;
    struct place place;
    uint64_t bytes = 0;

    if (!journal_wants_move(b->journal))
        return false;
    for (int i = 0; i < STEP_RECORDS && bytes < STEP_BYTES && b->fatal == 0; i++) {
        if (broker_room(b, 0, b->max_journal_record + MARK_BYTES_MAX) != JOURNAL_OK)
            return false; /* the writer's end wakes us */
        int outcome = journal_head_next(b->journal, b->move, b->max_journal_record, &r, &place);
        if (outcome == 1)
            return false;
        if (outcome != 0) {
            broker_fail(b, EXIT_DISK, broker_journal_why(b));
            return false;
        }
        uint32_t message = core_at_place(b->core, r.epoch, r.seq, place);
        if (message == CORE_NOBODY)
            continue;
        if (!survivor_move(b, message, &r, place)) {
            broker_fail(b, EXIT_DISK, "no room in the journal to move a message");
            return false;
        }
        bytes += r.length;
    }
    return b->fatal == 0;
}
