/* Giving space back. The head passes over segments without survivors at once; a finished segment's
 * file is given away only when a synced batch says that the head is past it, so that a head segment
 * that is missing at open is damage and never our own doing. */
#include "base/clock.h"
#include "broker/journal/inner.h"

#define MOVE_SEGMENTS 4u /* fewer live segments than this and one more are never worth moving */

void
journal_reclaim(struct journal *j)
{
    struct segments *s = &j->segments;

    if (!j->serving || s->n < 2)
        return;
    const struct segment *head = segments_find(s, s->head);
    if (s->list[0].number == s->head && head->survivors > 0)
        return;
    int64_t now_us = clock_mono_us();
    segments_pass_head(s, now_us);
    while (s->list[0].number < s->head && s->list[0].number < j->durable_head) {
        uint64_t kept_bytes = (uint64_t)(s->head - s->list[0].number) * j->segment_bytes;
        bool pressure = j->spares.stuck && j->spares.recycling == 0;
        if (kept_bytes <= j->keep_bytes && now_us - s->list[0].finished_us < j->keep_us &&
            !pressure)
            return;
        uint32_t number = s->list[0].number;
        journal_move_end(j);
        segments_drop_first(s);
        spare_offer(&j->spare, number, number + 1);
        j->spares.recycling++;
    }
}

bool
journal_wants_move(const struct journal *j)
{
    const struct segments *s = &j->segments;
    const struct segment *tail = segments_tail(s);
    uint32_t live_segments = tail->number - s->head + 1;

    if (live_segments < 2 || j->move.useless == s->head || j->error != 0)
        return false;
    uint64_t held_bytes = s->held_bytes - tail->bytes;
    if (live_segments > MOVE_SEGMENTS && s->live_bytes * 2 < held_bytes)
        return true;
    bool nothing_kept = s->list[0].number == s->head;
    return nothing_kept && j->spares.files >= j->max_files && j->spares.ready < SPARE_TARGET &&
           held_bytes >= s->live_bytes + 2 * (uint64_t)j->segment_bytes;
}
