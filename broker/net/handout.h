/* What net remembers of a delivered batch while its lease lives: who each message is (id, service,
 * scope), so that a done record can name it without reading the body again, and the newest origin
 * in it, so that a report knows whether it has to wait for the disk. */
#ifndef SLUICE_BROKER_NET_HANDOUT_H
#define SLUICE_BROKER_NET_HANDOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "schemas/wire/record.h"

struct handed {
    uint64_t epoch, seq;
    struct uuid id;
    uint32_t names_at; /* service and scope, one behind the other, in names */
    uint8_t service_len, scope_len;
};

struct handout {
    uint32_t lease;
    uint32_t n, cap, cursor;
    uint64_t epoch, newest_seq; /* of what this broker process accepted itself */
    struct handed *items;
    struct buf names;
};

void handout_init(struct handout *h);
void handout_deinit(struct handout *h);
/* Empties it and begins anew for a lease of n messages. */
void handout_begin(struct handout *h, uint32_t lease, uint32_t n);
void handout_add(struct handout *h, const struct record *r);
/* Fills id, service and scope of the message; false if it is not in here. The texts point into h.
 */
bool handout_name(struct handout *h, uint64_t epoch, uint64_t seq, struct record *ret_record);

#endif
