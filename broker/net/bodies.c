/* A table of slots with a free list through the unused ones. */
#include "broker/net/bodies.h"

#include <string.h>

#include "base/error.h"

struct body {
    uint8_t *record; /* NULL: free */
    uint32_t length;
    uint32_t next_free;
};

struct bodies {
    struct body *slots;
    uint32_t n_slots, first_free;
    size_t bytes, bytes_max;
};

struct bodies *
bodies_new(uint32_t slots, size_t bytes_max)
{
    struct bodies *b = mem_new(1, sizeof(*b));

    *b = (struct bodies){.slots = mem_new(slots, sizeof(*b->slots)),
                         .n_slots = slots,
                         .first_free = slots > 0 ? 0 : BODIES_NONE,
                         .bytes_max = bytes_max};
    for (uint32_t i = 0; i < slots; i++)
        b->slots[i] = (struct body){.next_free = i + 1 < slots ? i + 1 : BODIES_NONE};
    return b;
}

void
bodies_free(struct bodies **bodies_p)
{
    struct bodies *b = *bodies_p;

    if (b == NULL)
        return;
    for (uint32_t i = 0; i < b->n_slots; i++)
        free(b->slots[i].record);
    free(b->slots);
    free(b);
    *bodies_p = NULL;
}

uint32_t
bodies_put(struct bodies *b, const uint8_t *record, uint32_t length)
{
    uint32_t slot = b->first_free;

    if (slot == BODIES_NONE || length > b->bytes_max - b->bytes)
        return BODIES_NONE;
    struct body *body = &b->slots[slot];
    b->first_free = body->next_free;
    body->record = mem_new(length, 1);
    memcpy(body->record, record, length);
    body->length = length;
    b->bytes += length;
    return slot;
}

const uint8_t *
bodies_at(const struct bodies *b, uint32_t slot, uint32_t *ret_length)
{
    if (slot >= b->n_slots || b->slots[slot].record == NULL)
        return NULL;
    *ret_length = b->slots[slot].length;
    return b->slots[slot].record;
}

void
bodies_drop(struct bodies *b, uint32_t slot)
{
    if (slot >= b->n_slots || b->slots[slot].record == NULL)
        return;
    struct body *body = &b->slots[slot];
    b->bytes -= body->length;
    free(body->record);
    *body = (struct body){.next_free = b->first_free};
    b->first_free = slot;
}

size_t
bodies_bytes(const struct bodies *b)
{
    return b->bytes;
}
