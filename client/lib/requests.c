/* A plain hash table without tombstones: a removal shifts back what had been pushed past the slot.
 */
#include "client/lib/requests.h"

#include "base/error.h"

#define FIRST_CAP 256

void
requests_init(struct requests *t)
{
    *t = (struct requests){.slots = mem_new(FIRST_CAP, sizeof(*t->slots)), .cap = FIRST_CAP};
}

void
requests_deinit(struct requests *t)
{
    free(t->slots);
    *t = (struct requests){0};
}

/* Four numbers that follow each other lie side by side, as they come and go together; the next four
 * far away (the top bits of a product with 2^64 over the golden ratio). Were all side by side,
 * every removal would look at all the others in search of one that had been pushed on. */
static uint32_t
slot_of(const struct requests *t, uint64_t counter)
{
    uint64_t group = (counter >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> (__builtin_clzll(t->cap) + 3);

    return (uint32_t)(group << 2 | (counter & 3));
}

static struct request *
slot_find(const struct requests *t, uint64_t counter)
{
    uint32_t i = slot_of(t, counter);

    while (t->slots[i].counter != 0 && t->slots[i].counter != counter)
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static void
requests_grow(struct requests *t)
{
    struct requests old = *t;

    t->cap *= 2;
    t->slots = mem_new(t->cap, sizeof(*t->slots));
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.slots[i].counter != 0)
            *slot_find(t, old.slots[i].counter) = old.slots[i];
    }
    free(old.slots);
}

struct request *
requests_insert(struct requests *t, uint64_t counter)
{
    if ((t->n + 1) * 2 > t->cap)
        requests_grow(t);
    struct request *r = slot_find(t, counter);
    sluice_assert(counter != 0 && r->counter == 0);
    *r = (struct request){.counter = counter};
    t->n++;
    return r;
}

struct request *
requests_find(const struct requests *t, uint64_t counter)
{
    if (counter == 0)
        return NULL;
    struct request *r = slot_find(t, counter);
    return r->counter == counter ? r : NULL;
}

void
requests_remove(struct requests *t, struct request *r)
{
    uint32_t hole = (uint32_t)(r - t->slots), mask = t->cap - 1;

    for (uint32_t i = (hole + 1) & mask; t->slots[i].counter != 0; i = (i + 1) & mask) {
        /* May the one in i stand in the hole? Only if its own slot is not behind the hole. */
        uint32_t home = slot_of(t, t->slots[i].counter);
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            t->slots[hole] = t->slots[i];
            hole = i;
        }
    }
    t->slots[hole] = (struct request){0};
    t->n--;
}
