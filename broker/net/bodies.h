/* Bodies of volatile messages: whole records in memory, named by a slot. Bounded in number and
 * bytes. */
#ifndef SLUICE_BROKER_NET_BODIES_H
#define SLUICE_BROKER_NET_BODIES_H

#include <stddef.h>
#include <stdint.h>

struct bodies; /* opaque */

#define BODIES_NONE UINT32_MAX

struct bodies *bodies_new(uint32_t slots, size_t bytes_max);
void bodies_free(struct bodies **bodies_p);
/* Copies the record; BODIES_NONE when slots or bytes are used up. */
uint32_t bodies_put(struct bodies *b, const uint8_t *record, uint32_t length);
/* NULL for a slot that holds nothing. */
const uint8_t *bodies_at(const struct bodies *b, uint32_t slot, uint32_t *ret_length);
void bodies_drop(struct bodies *b, uint32_t slot);
size_t bodies_bytes(const struct bodies *b);

#endif
