/* The set of seqs that are over, for replay. */
#include <stdlib.h>

#include "base/error.h"
#include "broker/core/replay.h"

static uint32_t
page_slot(const struct seq_set *s, uint64_t number)
{
    uint32_t slot = (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & s->mask;

    while (s->pages[slot].number != 0 && s->pages[slot].number != number)
        slot = (slot + 1) & s->mask;
    return slot;
}

static void
set_grow(struct seq_set *s)
{
    struct seq_set old = *s;

    s->mask = old.pages == NULL ? 63 : old.mask * 2 + 1;
    s->pages = mem_new((size_t)s->mask + 1, sizeof(*s->pages));
    for (uint32_t i = 0; old.pages != NULL && i <= old.mask; i++)
        if (old.pages[i].number != 0)
            s->pages[page_slot(s, old.pages[i].number)] = old.pages[i];
    free(old.pages);
}

bool
seq_set_has(const struct seq_set *s, uint64_t seq)
{
    if (s->pages == NULL)
        return false;
    return (s->pages[page_slot(s, seq / 512 + 1)].bits[seq / 64 % 8] >> (seq % 64) & 1) != 0;
}

void
seq_set_add(struct seq_set *s, uint64_t seq)
{
    if (s->pages == NULL || s->n > s->mask / 2)
        set_grow(s);
    struct seq_page *page = &s->pages[page_slot(s, seq / 512 + 1)];
    if (page->number == 0) {
        page->number = seq / 512 + 1;
        s->n++;
    }
    page->bits[seq / 64 % 8] |= UINT64_C(1) << (seq % 64);
}

void
seq_set_deinit(struct seq_set *s)
{
    free(s->pages);
    *s = (struct seq_set){0};
}
