/* The Prefer header (RFC 7240): respond-async and wait=N; all else is ignored. */
#ifndef SLUICE_EDGE_PREFER_H
#define SLUICE_EDGE_PREFER_H

#include <stdbool.h>
#include <stddef.h>

#define PREFER_WAIT_MAX 30 /* seconds */

struct prefer {
    bool respond_async;
    int wait_s; /* -1: not said; more than PREFER_WAIT_MAX comes out as PREFER_WAIT_MAX */
};

void prefer_init(struct prefer *p);
/* One header line's value; lines add up, the first word of a kind counts. */
void prefer_parse(struct prefer *p, const char *value, size_t len);

#endif
