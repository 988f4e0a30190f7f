/* Putting the parts together and taking them apart, and the few questions all of them ask. */
#include "broker/reactor/broker.h"

#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "broker/reactor/start.h"

void
broker_fail(struct broker *b, int exit_code, const char *why)
{
    if (b->fatal != 0)
        return;
    b->fatal = exit_code;
    log_event(EVENT_FATAL, LOG_S("why", why));
}

const char *
broker_journal_why(const struct broker *b)
{
    const char *text = journal_error_text(b->journal);

    return *text != '\0' ? text : "the journal can't give a record back";
}

int
broker_room(struct broker *b, size_t messages, uint64_t bytes)
{
    int outcome = journal_room(b->journal, messages, bytes);

    if (outcome == JOURNAL_OK || outcome == JOURNAL_FULL || outcome == JOURNAL_BUSY)
        return outcome;
    broker_fail(b, EXIT_DISK, broker_journal_why(b));
    return JOURNAL_BUSY;
}

const char *
broker_intake_closed(const struct broker *b)
{
    struct core_figures core;
    struct journal_figures journal;

    core_figures(b->core, &core);
    journal_figures(b->journal, &journal);
    if (b->draining)
        return "draining";
    if (journal.full)
        return "journal-full";
    if (core.live >= b->limits.max_messages)
        return "max-messages";
    return NULL;
}

bool
broker_record(struct broker *b, const struct message_view *view, struct record *ret_record)
{
    uint32_t length = view->place.length;
    const uint8_t *volatile_body;
    uint8_t *bytes;

    if (view->place.segment == 0) {
        volatile_body = bodies_at(b->bodies, view->volatile_slot, &length);
        return volatile_body != NULL && record_read(volatile_body, length, ret_record) == RECORD_OK;
    }
    buf_clear(&b->scratch);
    if (buf_reserve(&b->scratch, length, &bytes) != BUF_OK)
        return false;
    if (journal_read(b->journal, view->place, bytes) != JOURNAL_OK) {
        broker_fail(b, EXIT_DISK, broker_journal_why(b));
        return false;
    }
    return record_read(bytes, length, ret_record) == RECORD_OK;
}

uint32_t
broker_service_find(const struct broker *b, const char *name, size_t len)
{
    struct service_view view;

    for (uint32_t s = 0; s < CORE_SERVICES_MAX; s++)
        if (core_service_view(b->core, s, b->now_us, &view) && strlen(view.name) == len &&
            memcmp(view.name, name, len) == 0)
            return s;
    return CORE_NOBODY;
}
