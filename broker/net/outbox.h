/* What is gathered for one client during a turn: entries of ACCEPTED, OUTCOME and REFUSED, each
 * kind in a frame of its own. Bounded per client; past the bound the client is forgotten as if it
 * had vanished (it comes back by RESET and sends again what it lacks). */
#ifndef SLUICE_BROKER_NET_OUTBOX_H
#define SLUICE_BROKER_NET_OUTBOX_H

#include <stdbool.h>

#include "base/buf.h"
#include "schemas/wire/entry.h"

#define OUTBOX_KINDS 3 /* ACCEPTED, REFUSED, OUTCOME: the first ones of enum entry_kind */
#define OUTBOX_BYTES_MAX ((size_t)8 << 20)
#define OUTBOX_BYTES_KEPT ((size_t)256 << 10)

struct outbox {
    struct buf entries[OUTBOX_KINDS];
    bool dirty; /* something must go this turn */
};

enum outbox_outcome { OUTBOX_OK = 0, OUTBOX_FULL = 1 };

void outbox_init(struct outbox *o);
void outbox_deinit(struct outbox *o);
/* OUTBOX_FULL changes nothing. */
int outbox_put(struct outbox *o, enum entry_kind kind, const struct entry *e);

#endif
