/* Reports that name origins which are not durable yet wait here, whole and in order (invariants 3).
 * Bounded per worker and in all; past the bounds the report is refused. */
#ifndef SLUICE_BROKER_NET_HELD_H
#define SLUICE_BROKER_NET_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "schemas/wire/message.h"

#define HELD_PER_WORKER_MAX 1024
#define HELD_COUNT_MAX 65536
#define HELD_BYTES_MAX ((size_t)128 << 20)

struct held_report {
    struct held_report *next;
    uint32_t worker, lease;
    bool is_void;        /* its worker is gone */
    uint64_t newest_seq; /* what must be durable */
    size_t bytes;
    struct message message;
};

struct held {
    struct held_report *first, **last;
    uint32_t count;
    size_t bytes;
};

void held_init(struct held *h);
void held_deinit(struct held *h);
/* Takes the frames of m over. */
void held_push(struct held *h, uint32_t worker, uint32_t lease, uint64_t newest_seq,
               struct message *m);
bool held_has_room(const struct held *h, const struct message *m);
/* Unlinks and frees the report at *link. */
void held_remove(struct held *h, struct held_report **link);
/* The worker is gone: its reports are void; they are removed by the next walk. */
void held_forget(struct held *h, uint32_t worker);

#endif
