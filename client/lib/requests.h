/* The requests somebody may still hear about, by counter. Open addressing. Inner header of
 * client/lib. */
#ifndef SLUICE_CLIENT_LIB_REQUESTS_H
#define SLUICE_CLIENT_LIB_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

struct outbox_batch;

struct request {
    uint64_t counter;           /* 0: an empty slot */
    struct outbox_batch *batch; /* holds its record; NULL: accepted, the outcome is awaited */
    uint32_t record_bytes;
    uint8_t flags;  /* of the record */
    bool forgotten; /* no callback names it */
};

struct requests {
    struct request *slots;
    uint32_t n, cap; /* cap: a power of two, at least 2n */
};

void requests_init(struct requests *t);
void requests_deinit(struct requests *t);
/* counter must be new. The pointer holds until the next insert or remove. */
struct request *requests_insert(struct requests *t, uint64_t counter);
struct request *requests_find(const struct requests *t, uint64_t counter);
void requests_remove(struct requests *t, struct request *r);

#endif
