/* The epochs of this journal and what was found of each: the file "epochs", only ever appended to.
 * Two entries an epoch: one when it is raised (last_seq 0), one at the next start, when it is known
 * how far it got. The later entry of an epoch counts. */
#ifndef SLUICE_BROKER_JOURNAL_EPOCHS_H
#define SLUICE_BROKER_JOURNAL_EPOCHS_H

#include "broker/journal/folder.h"
#include "broker/journal/journal.h"

struct epochs {
    struct journal_epoch *list; /* ascending */
    size_t n;
};

/* ret_bad: entries with a wrong CRC (offset of the first in *ret_offset); a torn last one is none.
 */
int epochs_load(const struct folder *f, struct epochs *ret, size_t *ret_bad, uint64_t *ret_offset);
void epochs_deinit(struct epochs *e);
/* Ends the newest epoch at next_seq - 1 and begins another, above all that are known and at_least;
 * synced before it returns. */
int epochs_raise(const struct folder *f, struct epochs *e, uint64_t at_least, uint64_t next_seq);

#endif
