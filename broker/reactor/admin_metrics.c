/* The metrics verb: name, labels (a map of texts), value. Net's counters by metrics.def; the
 * figures of core and journal by the tables below; a few per service and outcome. */
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"
#include "broker/reactor/admin.h"
#include "broker/reactor/memory.h"

enum figure_width { FIGURE_U32 = 4, FIGURE_U64 = 8 };

struct figure {
    const char *name;
    size_t at;
    enum figure_width width;
};

#define FIGURE(type, member, text)                                                                 \
    {                                                                                              \
        text, offsetof(struct type, member),                                                       \
            sizeof(((struct type *)NULL)->member) == 8 ? FIGURE_U64 : FIGURE_U32                   \
    }

static const struct figure core_table[] = {
    FIGURE(core_figures, live, "messages_live"),
    FIGURE(core_figures, parked, "messages_dead"),
    FIGURE(core_figures, volatiles, "messages_volatile"),
    FIGURE(core_figures, leases, "leases"),
    FIGURE(core_figures, stale_reports, "reports_stale"),
    FIGURE(core_figures, redelivered, "messages_redelivered"),
    FIGURE(core_figures, expired_leases, "leases_expired"),
    FIGURE(core_figures, parked_total, "messages_parked"),
    FIGURE(core_figures, memory_bytes, "core_memory_bytes"),
    FIGURE(core_figures, durable_seq, "durable_seq"),
};

static const struct figure journal_table[] = {
    FIGURE(journal_figures, bytes, "journal_bytes"),
    FIGURE(journal_figures, live_bytes, "journal_live_bytes"),
    FIGURE(journal_figures, free_bytes_until_full, "journal_free_bytes"),
    FIGURE(journal_figures, segments, "journal_segments"),
    FIGURE(journal_figures, spare_segments, "journal_spare_segments"),
    FIGURE(journal_figures, batches, "journal_batches"),
    FIGURE(journal_figures, syncs, "journal_syncs"),
    FIGURE(journal_figures, sync_us_total, "journal_sync_us_total"),
    FIGURE(journal_figures, sync_us_max, "journal_sync_us_max"),
    FIGURE(journal_figures, messages, "journal_messages"),
    FIGURE(journal_figures, appended_bytes, "journal_appended_bytes"),
    FIGURE(journal_figures, damaged_messages, "journal_damaged_messages"),
};

static void
row_metric(struct reply *reply, const char *name, const char *label, const char *label_value,
           uint64_t value)
{
    struct buf *row = reply_row(reply, 3);

    row_text(row, "name", name);
    mp_put_cstr(row, "labels");
    mp_put_map(row, label != NULL ? 1 : 0);
    if (label != NULL)
        row_text(row, label, label_value);
    row_uint(row, "value", value);
}

static void
rows_figures(struct reply *reply, const struct figure *figures, size_t n, const void *of)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *at = (const uint8_t *)of + figures[i].at;
        uint64_t value = figures[i].width == FIGURE_U64 ? *(const uint64_t *)(const void *)at
                                                        : *(const uint32_t *)(const void *)at;
        row_metric(reply, figures[i].name, NULL, NULL, value);
    }
}

static void
rows_services(struct broker *b, struct reply *reply)
{
    struct service_view v;

    for (uint32_t s = 0; s < CORE_SERVICES_MAX; s++) {
        if (!core_service_view(b->core, s, b->now_us, &v))
            continue;
        row_metric(reply, "queue_ready", "service", v.name, v.ready);
        row_metric(reply, "queue_leased", "service", v.name, v.leased);
        row_metric(reply, "queue_delayed", "service", v.name, v.delayed);
        row_metric(reply, "queue_dead", "service", v.name, v.parked);
        row_metric(reply, "queue_oldest_us", "service", v.name, (uint64_t)v.oldest_age_us);
        row_metric(reply, "queue_accepted", "service", v.name, v.accepted);
        row_metric(reply, "queue_finished", "service", v.name, v.finished);
        row_metric(reply, "queue_workers", "service", v.name, v.workers);
    }
}

enum admin_status
admin_metrics(struct broker *b, const struct message *request, struct reply *reply)
{
    const struct ledger *ledger = core_ledger(b->core);
    struct core_figures core;
    struct journal_figures journal;

    (void)request;
    core_figures(b->core, &core);
    journal_figures(b->journal, &journal);
    for (unsigned m = 0; m < METRIC_COUNT; m++)
        row_metric(reply, metric_text(m), NULL, NULL, b->metrics.counts[m]);
    rows_figures(reply, core_table, ARRAY_LEN(core_table), &core);
    rows_figures(reply, journal_table, ARRAY_LEN(journal_table), &journal);
    rows_services(b, reply);
    row_metric(reply, "accepted", NULL, NULL, ledger->accepted);
    for (unsigned o = 0; o < OUTCOME_LIMIT; o++)
        if (outcome_is_counted(o))
            row_metric(reply, "outcomes", "outcome", outcome_text(o), ledger->by_outcome[o]);
    row_metric(reply, "clients", NULL, NULL, peers_count(b->peers, PEER_CLIENT));
    row_metric(reply, "workers", NULL, NULL, peers_count(b->peers, PEER_WORKER));
    row_metric(reply, "reports_waiting", NULL, NULL, b->held.count);
    row_metric(reply, "volatile_bytes", NULL, NULL, bodies_bytes(b->bodies));
    row_metric(reply, "intake_open", NULL, NULL, broker_intake_closed(b) == NULL);
    row_metric(reply, "resident_bytes", NULL, NULL, memory_resident_bytes());
    row_metric(reply, "log_errors", NULL, NULL, log_count(LOG_LEVEL_ERROR));
    row_metric(reply, "log_warnings", NULL, NULL, log_count(LOG_LEVEL_WARNING));
    return ADMIN_OK;
}
