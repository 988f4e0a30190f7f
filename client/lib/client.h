/* A client and what its files do for each other. Inner header of client/lib. */
#ifndef SLUICE_CLIENT_LIB_CLIENT_H
#define SLUICE_CLIENT_LIB_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/link.h"
#include "client/lib/outbox.h"
#include "client/lib/requests.h"
#include "client/lib/sluice.h"
#include "client/lib/welcome.h"

struct sluice_client {
    struct link link;
    struct sluice_client_events events;
    struct outbox outbox;
    struct requests requests;
    struct buf header; /* of the message being sent */
    char *name, *version;
    uint64_t incarnation, last_counter;
    uint32_t max_in_flight, max_offline, max_known;
    uint64_t max_in_flight_bytes;
    struct welcome welcome; /* of the last connection */
    struct sluice_client_figures figures;
};

/* client_entries.c: what a broker says of requests. false: a malformed entry; those before it
 * count. */
bool client_on_accepted(struct sluice_client *c, const struct message *m);
bool client_on_refused(struct sluice_client *c, const struct message *m);
bool client_on_outcome(struct sluice_client *c, const struct message *m);
/* The record of req need not be sent again; if nobody waits for more, the request is forgotten too.
 */
void client_settle(struct sluice_client *c, struct request *req, bool more_to_come);

/* client_locate.c: the answer to a LOCATE. false: malformed. */
bool client_on_located(struct sluice_client *c, const struct message *m);

#endif
