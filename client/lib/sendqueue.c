/* A plain list of messages. */
#include "client/lib/sendqueue.h"

#include <string.h>

#include "base/error.h"

#define ITEM_SHARE 256

struct sendqueue_item {
    struct sendqueue_item *next;
    struct buf header;
    zmq_msg_t bodies[2];
    unsigned n_bodies;
    uint64_t bytes;
    uint8_t command;
};

void
sendqueue_init(struct sendqueue *q, uint64_t max_bytes)
{
    *q = (struct sendqueue){.max_bytes = max_bytes};
    q->last_p = &q->first;
}

static void
first_drop(struct sendqueue *q)
{
    struct sendqueue_item *item = q->first;

    q->first = item->next;
    if (q->first == NULL)
        q->last_p = &q->first;
    q->bytes -= item->bytes;
    for (unsigned i = 0; i < item->n_bodies; i++)
        zmq_msg_close(&item->bodies[i]);
    buf_deinit(&item->header);
    free(item);
}

void
sendqueue_clear(struct sendqueue *q)
{
    while (q->first != NULL)
        first_drop(q);
}

void
sendqueue_deinit(struct sendqueue *q)
{
    sendqueue_clear(q);
}

bool
sendqueue_push(struct sendqueue *q, uint8_t command, const struct buf *header, zmq_msg_t *bodies,
               unsigned n_bodies)
{
    uint64_t bytes = header->size + ITEM_SHARE;

    sluice_assert(n_bodies <= 2);
    for (unsigned i = 0; i < n_bodies; i++)
        bytes += zmq_msg_size(&bodies[i]);
    if (q->bytes + bytes > q->max_bytes)
        return false;
    struct sendqueue_item *item = mem_new(1, sizeof(*item));
    item->command = command;
    item->bytes = bytes;
    item->n_bodies = n_bodies;
    buf_init(&item->header, header->size);
    buf_append(&item->header, header->data, header->size);
    for (unsigned i = 0; i < n_bodies; i++) {
        zmq_msg_init(&item->bodies[i]);
        zmq_msg_move(&item->bodies[i], &bodies[i]);
    }
    *q->last_p = item;
    q->last_p = &item->next;
    q->bytes += bytes;
    return true;
}

void
sendqueue_pump(struct sendqueue *q, struct link *l)
{
    while (q->first != NULL) {
        struct sendqueue_item *item = q->first;
        if (link_send(l, item->command, &item->header, item->bodies, item->n_bodies) != MESSAGE_OK)
            return;
        first_drop(q);
    }
}
