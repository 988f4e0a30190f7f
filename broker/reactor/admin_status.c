/* Verbs about the broker itself: status, ledger, epochs. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "broker/reactor/admin.h"
#include "broker/reactor/memory.h"

static void
row_broker(struct buf *row, const struct broker *b)
{
    char text[UUID_TEXT_SIZE];

    uuid_format(&b->uuid, text);
    row_text(row, "broker", text);
}

enum admin_status
admin_status(struct broker *b, const struct message *request, struct reply *reply)
{
    struct core_figures core;
    struct journal_figures journal;
    const char *closed = broker_intake_closed(b);

    (void)request;
    core_figures(b->core, &core);
    journal_figures(b->journal, &journal);
    struct buf *row = reply_row(reply, 15);
    row_broker(row, b);
    row_uint(row, "epoch", b->epoch);
    row_text(row, "version", SLUICE_VERSION);
    row_uint(row, "uptime_us", (uint64_t)(b->now_us - b->started_us));
    row_uint(row, "clients", peers_count(b->peers, PEER_CLIENT));
    row_uint(row, "workers", peers_count(b->peers, PEER_WORKER));
    row_uint(row, "live", core.live);
    row_uint(row, "dead", core.parked);
    row_uint(row, "volatile", core.volatiles);
    row_uint(row, "journal_bytes", journal.bytes);
    row_uint(row, "segments", journal.segments);
    row_uint(row, "durable_seq", core.durable_seq);
    row_text(row, "intake", closed != NULL ? closed : "open");
    row_uint(row, "resident_bytes", memory_resident_bytes());
    row_uint(row, "damaged", journal.damaged_messages);
    return ADMIN_OK;
}

enum admin_status
admin_ledger(struct broker *b, const struct message *request, struct reply *reply)
{
    const struct ledger *ledger = core_ledger(b->core);
    struct core_figures core;
    const struct journal_loss *losses;
    uint32_t counted = 0;

    (void)request;
    core_figures(b->core, &core);
    size_t n_losses = journal_losses(b->journal, &losses);
    if (n_losses > ADMIN_PAGE_MAX)
        n_losses = ADMIN_PAGE_MAX;
    for (unsigned o = 0; o < OUTCOME_LIMIT; o++)
        counted += outcome_is_counted(o);
    struct buf *row = reply_row(reply, 8 + counted);
    row_broker(row, b);
    row_uint(row, "epoch", b->epoch);
    row_uint(row, "first_seq", b->first_seq);
    row_uint(row, "last_seq", core.next_seq - 1);
    row_uint(row, "durable_seq", core.durable_seq);
    mp_put_cstr(row, "unacknowledged_damage");
    mp_put_array(row, (uint32_t)n_losses);
    for (size_t i = 0; i < n_losses; i++) {
        mp_put_map(row, 3);
        row_uint(row, "first_seq", losses[i].first_seq);
        row_uint(row, "last_seq", losses[i].last_seq);
        row_uint(row, "messages", losses[i].messages);
    }
    row_uint(row, "accepted", ledger->accepted);
    row_uint(row, "live", core.live);
    for (unsigned o = 0; o < OUTCOME_LIMIT; o++)
        if (outcome_is_counted(o))
            row_uint(row, outcome_text(o), ledger->by_outcome[o]);
    return ADMIN_OK;
}

enum admin_status
admin_epochs(struct broker *b, const struct message *request, struct reply *reply)
{
    const struct journal_epoch *epochs;
    size_t n = journal_epochs(b->journal, &epochs);
    size_t first = n > ADMIN_PAGE_MAX ? n - ADMIN_PAGE_MAX : 0; /* the newest ones */

    (void)request;
    for (size_t i = first; i < n; i++) {
        struct buf *row = reply_row(reply, 3);
        row_uint(row, "epoch", epochs[i].epoch);
        row_uint(row, "first_seq", epochs[i].first_seq);
        row_uint(row, "last_seq", epochs[i].last_seq);
    }
    reply->more = first > 0;
    return ADMIN_OK;
}
