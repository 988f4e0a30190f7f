/* Gathering only; sending is broker.c's. */
#include "broker/net/outbox.h"

#include "base/error.h"

void
outbox_init(struct outbox *o)
{
    for (int k = 0; k < OUTBOX_KINDS; k++)
        buf_init(&o->entries[k], OUTBOX_BYTES_MAX);
    o->dirty = false;
}

void
outbox_deinit(struct outbox *o)
{
    for (int k = 0; k < OUTBOX_KINDS; k++)
        buf_deinit(&o->entries[k]);
}

int
outbox_put(struct outbox *o, enum entry_kind kind, const struct entry *e)
{
    sluice_assert((unsigned)kind < OUTBOX_KINDS);
    o->dirty = true;
    return entry_write(&o->entries[kind], kind, e) == BUF_OK ? OUTBOX_OK : OUTBOX_FULL;
}
