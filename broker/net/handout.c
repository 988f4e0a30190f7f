/* Reports name messages mostly in the order they were handed out, so the search goes on from where
 * the last one was found. */
#include "broker/net/handout.h"

#include "base/error.h"

#define NAMES_MAX ((size_t)1 << 20)

void
handout_init(struct handout *h)
{
    *h = (struct handout){0};
    buf_init(&h->names, NAMES_MAX);
}

void
handout_deinit(struct handout *h)
{
    free(h->items);
    buf_deinit(&h->names);
    handout_init(h);
}

void
handout_begin(struct handout *h, uint32_t lease, uint32_t n)
{
    if (n > h->cap) {
        h->items = mem_grow(h->items, n, sizeof(*h->items));
        h->cap = n;
    }
    buf_clear(&h->names);
    h->lease = lease;
    h->n = h->cursor = 0;
    h->epoch = h->newest_seq = 0;
}

void
handout_add(struct handout *h, const struct record *r)
{
    struct handed *item = &h->items[h->n];

    sluice_assert(h->n < h->cap);
    *item = (struct handed){.epoch = r->epoch,
                            .seq = r->seq,
                            .id = r->id,
                            .names_at = (uint32_t)h->names.size,
                            .service_len = r->service_len,
                            .scope_len = r->scope_len};
    /* Past the ceiling the message is named from the journal instead. */
    if (buf_append(&h->names, r->service, (size_t)r->service_len + r->scope_len) != BUF_OK)
        return;
    h->n++;
    if ((r->flags & RECORD_VOLATILE) != 0)
        return; /* never waits for the disk */
    if (r->epoch > h->epoch) {
        h->epoch = r->epoch;
        h->newest_seq = r->seq;
    } else if (r->epoch == h->epoch && r->seq > h->newest_seq) {
        h->newest_seq = r->seq;
    }
}

bool
handout_name(struct handout *h, uint64_t epoch, uint64_t seq, struct record *ret_record)
{
    for (uint32_t tried = 0; tried < h->n; tried++) {
        const struct handed *item = &h->items[h->cursor];
        h->cursor = h->cursor + 1 < h->n ? h->cursor + 1 : 0;
        if (item->seq != seq || item->epoch != epoch)
            continue;
        const char *names = (const char *)h->names.data + item->names_at;
        ret_record->id = item->id;
        ret_record->service = names;
        ret_record->service_len = item->service_len;
        ret_record->scope = names + item->service_len;
        ret_record->scope_len = item->scope_len;
        return true;
    }
    return false;
}
