/* ACCEPTED, REFUSED and OUTCOME: each entry is about one request. State is changed before a
 * callback is called, so that callbacks may call back. */
#include "client/lib/client.h"

#include <string.h>

#include "schemas/wire/entry.h"
#include "schemas/wire/record.h"

void
client_settle(struct sluice_client *c, struct request *req, bool more_to_come)
{
    if (req->batch != NULL)
        outbox_release(&c->outbox, req);
    if (!more_to_come)
        requests_remove(&c->requests, req);
}

static struct sluice_origin
origin_of(const struct sluice_client *c, const struct entry *e)
{
    struct sluice_origin o = {.epoch = e->epoch, .seq = e->seq};

    memcpy(o.broker, c->welcome.broker, sizeof(o.broker));
    return o;
}

static void
entry_accepted(struct sluice_client *c, struct request *req, const struct entry *e)
{
    bool first = req->batch != NULL; /* sent again and accepted twice: said once */
    bool tell = first && !req->forgotten && c->events.accepted != NULL;

    if (first)
        c->figures.accepted++;
    client_settle(c, req, !req->forgotten && (req->flags & RECORD_NO_OUTCOME) == 0);
    if (!tell)
        return;
    struct sluice_origin o = origin_of(c, e);
    c->events.accepted(c->events.arg, e->counter, &o, e->accepted_us,
                       (e->flags & ENTRY_STALLED) != 0);
}

static void
entry_refused(struct sluice_client *c, struct request *req, const struct entry *e)
{
    /* A second copy may be refused although the first one was accepted: that one counts. */
    bool tell = req->batch != NULL && !req->forgotten && c->events.refused != NULL;

    if (req->batch == NULL)
        return;
    c->figures.refused++;
    client_settle(c, req, false);
    if (tell)
        c->events.refused(c->events.arg, e->counter, e->code);
}

static void
entry_outcome(struct sluice_client *c, struct request *req, const struct entry *e)
{
    bool tell = !req->forgotten && c->events.outcome != NULL;
    bool final = outcome_is_final(e->code);

    if (final)
        c->figures.finished++;
    client_settle(c, req, !final && !req->forgotten);
    if (!tell)
        return;
    struct sluice_origin o = origin_of(c, e);
    c->events.outcome(c->events.arg, e->counter, e->code, &o, e->accepted_us, e->payload,
                      e->payload_len);
}

typedef void entry_fn(struct sluice_client *c, struct request *req, const struct entry *e);

/* Entries before a malformed one count: they say what is true. */
static bool
on_entries(struct sluice_client *c, const struct message *m, enum entry_kind kind, entry_fn *apply)
{
    size_t size, offset = 0;
    const uint8_t *data = message_frame(m, 3, &size);
    struct entry e;
    int r;

    while ((r = entry_read(kind, data, size, &offset, &e)) == ENTRY_OK) {
        struct request *req = requests_find(&c->requests, e.counter);
        if (req != NULL)
            apply(c, req, &e);
        else
            c->figures.unknown++;
    }
    return r == ENTRY_END;
}

bool
client_on_accepted(struct sluice_client *c, const struct message *m)
{
    return on_entries(c, m, ENTRY_KIND_ACCEPTED, entry_accepted);
}

bool
client_on_refused(struct sluice_client *c, const struct message *m)
{
    return on_entries(c, m, ENTRY_KIND_REFUSED, entry_refused);
}

bool
client_on_outcome(struct sluice_client *c, const struct message *m)
{
    return on_entries(c, m, ENTRY_KIND_OUTCOME, entry_outcome);
}
