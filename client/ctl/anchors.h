/* Anchors of the audit chain, gathered from where they were written down: a broker's journal (its
 * folder) or a book (a file of earlier "audit verify --json" output). */
#ifndef SLUICE_CTL_ANCHORS_H
#define SLUICE_CTL_ANCHORS_H

#include <stdbool.h>
#include <stddef.h>

#include "store/audit.h"

struct anchors {
    struct audit_anchor *list;
    size_t n, cap;
};

/* Adds those of one place; an exit code, after a complaint. */
int anchors_read(struct anchors *a, const char *place);
void anchors_free(struct anchors *a);
/* Some file or folder is there. */
bool anchors_place_exists(const char *place);

#endif
