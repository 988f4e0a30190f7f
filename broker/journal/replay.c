/* The walk over live segments at open. Writes only .corrupt files. */
#include "broker/journal/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/scan.h"

/* The kept segment nearest before index whose header can be read, without a hole between. */
static bool
replay_kept(const struct found_list *l, size_t index, uint32_t number, size_t *ret_index)
{
    while (index > 0 && l->list[index - 1].number == number - 1) {
        index--;
        number--;
        if (l->list[index].copies != 0) {
            *ret_index = index;
            return true;
        }
    }
    return false;
}

/* How many messages of before the header were neither finished nor thrown away at it. */
static uint64_t
ledger_live(const struct ledger *ledger)
{
    uint64_t finished = 0;

    for (size_t i = 0; i < OUTCOME_LIMIT; i++)
        if (i != OUTCOME_DEAD && outcome_is_counted((unsigned)i))
            finished += ledger->by_outcome[i];
    return ledger->accepted > finished ? ledger->accepted - finished : 0;
}

size_t
replay_start(struct replay *r, const struct found_list *l, const struct tail *t,
             struct ledger *ret_ledger)
{
    size_t i = 0;

    while (t->head != 0 && i < l->begun && l->list[i].number < t->head)
        i++;
    bool has_head = i < l->begun && (t->head == 0 || l->list[i].number == t->head);
    if (!has_head || l->list[i].copies == 0)
        replay_kept(l, i, has_head ? l->list[i].number : t->head, &i);

    *ret_ledger = (struct ledger){0};
    if (i >= l->begun) {
        r->expected = t->next;
        return i;
    }
    const struct found *first = &l->list[i];
    r->expected = first->first;
    if (first->copies == 0) {
        buf_printf(r->why, "%010u.seg:0: header-crc: both copies damaged, the ledger is lost; ",
                   first->number);
        return i;
    }
    *ret_ledger = first->header.ledger;
    if (t->head != 0 && first->number > t->head) {
        buf_printf(r->why, "segments %u to %u are missing; ", t->head, first->number - 1);
        damage_add(&r->damage, 1, first->first.seq, ledger_live(ret_ledger));
    }
    ret_ledger->by_outcome[OUTCOME_DEAD] = 0;
    return i;
}

void
replay_record(struct replay *r, const struct record *record, struct place place)
{
    if (record->kind == RECORD_MESSAGE || record->kind == RECORD_DONE)
        damage_told(&r->damage, record->seq);
    if (record->kind == RECORD_DONE && record->attempt < OUTCOME_LIMIT)
        r->done[record->attempt]++;
    r->fn(r->arg, record, place);
}

static int
set_aside(struct replay *r, const struct scan *s, uint64_t offset, uint64_t end, const char *rule)
{
    char name[LAYOUT_NAME_SIZE], aside[LAYOUT_NAME_SIZE + 16];

    layout_name(s->segment, name);
    snprintf(aside, sizeof(aside), "%s.corrupt", name);
    buf_printf(r->why, "%s:%" PRIu64 ": %s: %" PRIu64 " bytes set aside; ", name, offset, rule,
               end - offset);
    return folder_copy(r->folder, s->fd, offset, end - offset, aside, true);
}

/* What a walk over bytes found. */
struct tally {
    uint32_t messages, moved, bad;
    uint32_t bad_from, bad_end; /* all bad ranges lie between */
};

static struct place
place_of(const struct scan *s, uint64_t base, const struct walk_item *item)
{
    return (struct place){.segment = s->segment,
                          .offset = (uint32_t)(base + item->offset),
                          .length = item->end - item->offset};
}

static struct tally
records_tally(const struct record_walk *start, uint64_t first_new_seq)
{
    struct record_walk w = *start;
    struct walk_item item;
    struct tally t = {0};

    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item)) {
        if (k == WALK_BAD) {
            if (t.bad++ == 0)
                t.bad_from = item.offset;
            t.bad_end = item.end;
        } else if (item.record.kind == RECORD_MESSAGE) {
            if (item.record.seq >= first_new_seq)
                t.messages++;
            else
                t.moved++;
        }
    }
    return t;
}

static void
records_intact(struct replay *r, const struct record_walk *start)
{
    struct record_walk w = *start;
    struct walk_item item;

    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item))
        if (k == WALK_RECORD && item.record.kind == RECORD_MESSAGE)
            damage_intact(&r->damage, item.record.seq);
}

static void
records_replay(struct replay *r, const struct scan *s, const struct record_walk *start,
               uint64_t base)
{
    struct record_walk w = *start;
    struct walk_item item;

    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item))
        if (k == WALK_RECORD)
            replay_record(r, &item.record, place_of(s, base, &item));
}

/* Messages are missing between what was expected and next; intact (may be NULL) holds those of them
 * that were found among damaged bytes. */
static void
gap_account(struct replay *r, const struct layout_point *next, const struct record_walk *intact)
{
    uint64_t found = 0;

    if (next->batch == r->expected.batch && next->messages == r->expected.messages)
        return;
    if (intact != NULL)
        found = records_tally(intact, r->expected.seq).messages;
    uint64_t missing = next->messages - r->expected.messages;
    if (next->messages < r->expected.messages)
        missing = 0;
    if (missing <= found)
        return;
    damage_add(&r->damage, r->expected.seq, next->seq, missing - found);
    if (intact != NULL)
        records_intact(r, intact);
    buf_printf(r->why, "batches %" PRIu64 " to %" PRIu64 " are missing with %" PRIu64 " messages; ",
               r->expected.batch, next->batch - 1, missing - found);
}

static int
replay_batch(struct replay *r, struct scan *s, const struct scan_item *batch)
{
    const struct batch_header *h = &batch->header;
    uint64_t base = batch->offset + LAYOUT_BATCH_HEADER;
    const uint8_t *records;

    int rc = scan_bytes(s, base, h->bytes, &records);
    if (rc != 0)
        return rc;
    struct record_walk w = {
        .data = records, .size = h->bytes, .seed = layout_seed(s->id, s->segment)};
    struct tally t = records_tally(&w, h->start.seq);
    if (t.bad > 0) {
        uint32_t lost = h->messages > t.messages ? h->messages - t.messages : 0;
        uint32_t lost_moved = h->moved > t.moved ? h->moved - t.moved : 0;
        rc = set_aside(r, s, base + t.bad_from, base + t.bad_end, "record-crc");
        if (rc != 0)
            return rc;
        damage_add(&r->damage, h->start.seq, h->start.seq, lost_moved);
        damage_add(&r->damage, h->start.seq, h->seq_after, lost);
        if (lost > 0)
            records_intact(r, &w);
    }
    records_replay(r, s, &w, base);
    r->expected = (struct layout_point){.batch = h->start.batch + 1,
                                        .seq = h->seq_after,
                                        .messages = h->start.messages + h->messages};
    return 0;
}

/* Bytes without a valid batch: set aside, accounted up to next, searched for intact records. */
static int
replay_damaged(struct replay *r, struct scan *s, uint64_t offset, uint64_t end,
               const struct layout_point *next)
{
    const uint8_t *bytes;
    uint64_t base = offset + LAYOUT_BATCH_HEADER;

    int rc = offset < end ? set_aside(r, s, offset, end, "batch-header") : 0;
    if (rc != 0)
        return rc;
    if (base >= end) { /* not even one header: the file was cut */
        if (next != NULL)
            gap_account(r, next, NULL);
        return 0;
    }
    rc = scan_bytes(s, base, (size_t)(end - base), &bytes);
    if (rc != 0)
        return rc;
    struct record_walk w = {
        .data = bytes, .size = (uint32_t)(end - base), .seed = layout_seed(s->id, s->segment)};
    if (next != NULL)
        gap_account(r, next, &w);
    records_replay(r, s, &w, base);
    return 0;
}

/* The header that follows a gap, read without moving the scan. */
static int
gap_next(const struct scan *s, uint64_t offset, struct layout_point *ret)
{
    struct scan peek = *s;
    struct scan_item item;

    peek.window = NULL;
    peek.window_cap = peek.window_size = 0;
    peek.position = offset;
    int rc = scan_next(&peek, UINT64_MAX, &item);
    scan_deinit(&peek);
    if (rc == 0)
        *ret = item.header.start;
    return rc;
}

static bool
tail_holds(const struct tail *t, const struct scan *s, const struct scan_item *item)
{
    return t->is_held && t->held_segment == s->segment && t->held_offset == item->offset;
}

/* limit_point: where the next segment's header says that this one ends; NULL: not known. */
static int
replay_segment(struct replay *r, struct scan *s, const struct tail *t, uint64_t limit,
               const struct layout_point *limit_point)
{
    struct scan_item item;
    struct layout_point next;

    for (;;) {
        int rc = scan_next(s, limit, &item);
        if (rc != 0)
            return rc;
        if (item.kind == SCAN_END)
            break;
        if (item.kind == SCAN_GAP) {
            rc = gap_next(s, item.end, &next);
            if (rc == 0)
                rc = replay_damaged(r, s, item.offset, item.end, &next);
            if (rc == 0)
                r->expected = next;
        } else {
            gap_account(r, &item.header.start, NULL);
            r->expected = item.header.start;
            if (item.kind == SCAN_BATCH && tail_holds(t, s, &item))
                return 0;
            if (item.kind == SCAN_BATCH)
                rc = replay_batch(r, s, &item);
        }
        if (rc != 0)
            return rc;
    }
    /* The batches that should stand between here and the next segment's first are gone; if the scan
     * saw a mark, they stood in a segment that is missing. */
    if (limit == UINT64_MAX || r->expected.batch >= limit || s->after_mark)
        return 0;
    if (limit_point == NULL && !scan_torn_at(s, item.offset))
        return 0;
    int rc = replay_damaged(r, s, item.offset, s->size, limit_point);
    if (rc == 0 && limit_point != NULL)
        r->expected = *limit_point;
    return rc;
}

int
replay_run(struct replay *r, const struct found_list *l, const struct tail *t, size_t index)
{
    struct scan s;
    int rc = 0, fd;

    for (size_t i = index; i < l->begun && rc == 0; i++) {
        if (t->is_held && l->list[i].number > t->held_segment)
            break; /* a start that did not get so far as to write the held batch again */
        if (i > index && l->list[i].number != l->list[i - 1].number + 1)
            buf_printf(r->why, "segments %u to %u are missing; ", l->list[i - 1].number + 1,
                       l->list[i].number - 1);
        rc = found_open(r->folder, &l->list[i], &fd);
        if (rc != 0)
            break;
        uint64_t limit = found_limit(l, i);
        const struct layout_point *limit_point = NULL;
        if (i + 1 < l->begun && l->list[i + 1].number == l->list[i].number + 1 &&
            l->list[i + 1].first.batch == limit)
            limit_point = &l->list[i + 1].first;
        rc = scan_init(&s, r->id, fd, l->list[i].number);
        if (rc == 0) {
            rc = replay_segment(r, &s, t, limit, limit_point);
            scan_deinit(&s);
        }
        close(fd);
    }
    if (rc == 0 && r->expected.batch < t->next.batch)
        gap_account(r, &t->next, NULL);
    return rc;
}

void
replay_losses(struct replay *r)
{
    size_t range = 0;
    uint64_t seq = 0, given = 0;

    while (damage_next(&r->damage, &range, &seq, &given)) {
        bool was_moved = r->damage.ranges[range].after == r->damage.ranges[range].first;
        struct record record = {.kind = RECORD_DONE,
                                .attempt = OUTCOME_DAMAGED,
                                .seq = was_moved ? 0 : seq,
                                .service = "",
                                .scope = "",
                                .body = (const uint8_t *)""};
        r->fn(r->arg, &record, (struct place){0});
    }
}
