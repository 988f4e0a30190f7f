/* A singly linked FIFO. */
#include "broker/net/held.h"

#include "base/error.h"

static size_t
frames_bytes(const struct message *m)
{
    size_t total = 0;

    for (unsigned f = 2; f < m->n_frames; f++) {
        size_t size;
        message_frame(m, f, &size);
        total += size;
    }
    return total;
}

void
held_init(struct held *h)
{
    *h = (struct held){.last = &h->first};
}

void
held_deinit(struct held *h)
{
    while (h->first != NULL)
        held_remove(h, &h->first);
}

bool
held_has_room(const struct held *h, const struct message *m)
{
    return h->count < HELD_COUNT_MAX && frames_bytes(m) <= HELD_BYTES_MAX - h->bytes;
}

void
held_push(struct held *h, uint32_t worker, uint32_t lease, uint64_t newest_seq, struct message *m)
{
    struct held_report *r = mem_new(1, sizeof(*r));

    *r = (struct held_report){.worker = worker, .lease = lease, .newest_seq = newest_seq};
    message_init(&r->message);
    for (unsigned f = 2; f < m->n_frames; f++)
        zmq_msg_move(&r->message.frames[f], &m->frames[f]);
    r->message.n_frames = m->n_frames;
    r->message.command = m->command;
    r->bytes = frames_bytes(&r->message);
    *h->last = r;
    h->last = &r->next;
    h->count++;
    h->bytes += r->bytes;
}

void
held_remove(struct held *h, struct held_report **link)
{
    struct held_report *r = *link;

    *link = r->next;
    if (h->last == &r->next)
        h->last = link;
    h->count--;
    h->bytes -= r->bytes;
    message_clear(&r->message);
    free(r);
}

void
held_forget(struct held *h, uint32_t worker)
{
    for (struct held_report *r = h->first; r != NULL; r = r->next)
        if (r->worker == worker)
            r->is_void = true;
}
