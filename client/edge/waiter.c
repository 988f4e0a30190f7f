/* Open addressing; a taken slot is closed up, so there are no tombstones. */
#include "client/edge/waiter.h"

#include "base/error.h"

#define SLOTS_FIRST ((size_t)64)

void
waiters_init(struct waiters *w, size_t count_max)
{
    *w = (struct waiters){.n_slots = SLOTS_FIRST, .count_max = count_max};
    w->slots = mem_new(w->n_slots, sizeof(*w->slots));
}

void
waiters_deinit(struct waiters *w)
{
    free(w->slots);
    *w = (struct waiters){0};
}

/* Four numbers that follow each other lie side by side, as they come and go together; the next four
 * far away (the top bits of a product with 2^64 over the golden ratio). Were all side by side,
 * every removal would look at all the others in search of one that had been pushed on. */
static size_t
home_of(const struct waiters *w, uint64_t number)
{
    uint64_t group =
        (number >> 2) * UINT64_C(0x9e3779b97f4a7c15) >> (__builtin_clzll(w->n_slots) + 3);

    return (size_t)(group << 2 | (number & 3));
}

static size_t
slot_of(const struct waiters *w, uint64_t number)
{
    size_t slot = home_of(w, number);

    while (w->slots[slot].who != NULL && w->slots[slot].number != number)
        slot = (slot + 1) & (w->n_slots - 1);
    return slot;
}

static void
grow(struct waiters *w)
{
    struct waiter_slot *old = w->slots;
    size_t n_old = w->n_slots;

    w->n_slots *= 2;
    w->slots = mem_new(w->n_slots, sizeof(*w->slots));
    for (size_t i = 0; i < n_old; i++)
        if (old[i].who != NULL)
            w->slots[slot_of(w, old[i].number)] = old[i];
    free(old);
}

int
waiters_add(struct waiters *w, uint64_t number, void *who)
{
    if (w->count == w->count_max)
        return WAITERS_FULL;
    if (2 * (w->count + 1) > w->n_slots)
        grow(w);
    size_t slot = slot_of(w, number);
    sluice_assert(w->slots[slot].who == NULL);
    w->slots[slot] = (struct waiter_slot){number, who};
    w->count++;
    return WAITERS_OK;
}

void *
waiters_find(const struct waiters *w, uint64_t number)
{
    return w->slots[slot_of(w, number)].who;
}

void *
waiters_take(struct waiters *w, uint64_t number)
{
    size_t mask = w->n_slots - 1, hole = slot_of(w, number);
    void *who = w->slots[hole].who;

    if (who == NULL)
        return NULL;
    for (size_t i = (hole + 1) & mask; w->slots[i].who != NULL; i = (i + 1) & mask) {
        size_t home = home_of(w, w->slots[i].number);
        if (((i - home) & mask) < ((i - hole) & mask))
            continue; /* it would come to stand before its home */
        w->slots[hole] = w->slots[i];
        hole = i;
    }
    w->slots[hole].who = NULL;
    w->count--;
    return who;
}
