/* Batches and their accounts. */
#include "client/lib/outbox.h"

#include <string.h>

#include "base/error.h"

#define GATHERING_BYTES ((size_t)64 << 10) /* holds most waves: growing would copy */

void
outbox_init(struct outbox *o)
{
    *o = (struct outbox){0};
}

static void
batch_unref(struct outbox_batch *b)
{
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    buf_deinit(&b->bytes);
    free(b);
}

/* ZeroMQ has sent or dropped the frame; on any thread. */
static void
frame_free(void *data, void *batch)
{
    (void)data;
    batch_unref(batch);
}

static void
batch_unlink(struct outbox *o, struct outbox_batch *b)
{
    if (o->gathering == b)
        o->gathering = NULL;
    if (o->unsent == b)
        o->unsent = b->next;
    *(b->prev != NULL ? &b->prev->next : &o->first) = b->next;
    *(b->next != NULL ? &b->next->prev : &o->last) = b->prev;
    o->held_bytes -= b->bytes.size;
    batch_unref(b);
}

void
outbox_deinit(struct outbox *o)
{
    while (o->first != NULL)
        batch_unlink(o, o->first);
}

static struct outbox_batch *
batch_new(size_t ceiling)
{
    struct outbox_batch *b = mem_new(1, sizeof(*b));

    *b = (struct outbox_batch){0};
    atomic_init(&b->refs, 1);
    buf_init(&b->bytes, ceiling);
    return b;
}

static void
batch_begin(struct outbox *o, size_t first_record)
{
    uint8_t *room;
    size_t ceiling = first_record > OUTBOX_BATCH_BYTES ? first_record : OUTBOX_BATCH_BYTES;
    struct outbox_batch *b = batch_new(ceiling);

    buf_reserve(&b->bytes, first_record > GATHERING_BYTES ? first_record : GATHERING_BYTES, &room);
    b->prev = o->last;
    *(o->last != NULL ? &o->last->next : &o->first) = b;
    o->last = b;
    o->gathering = b;
}

void
outbox_reserve(struct outbox *o, const struct record *r, struct request *req, uint8_t **ret_body)
{
    size_t size = RECORD_HEADER_BYTES + (size_t)r->service_len + r->scope_len + r->body_len;
    struct outbox_batch *b = o->gathering;

    if (b != NULL && (b->n == OUTBOX_BATCH_MESSAGES || size > b->bytes.ceiling - b->bytes.size)) {
        outbox_flush(o);
        b = NULL;
    }
    if (b == NULL)
        batch_begin(o, size);
    b = o->gathering;
    int rc = record_write_header(&b->bytes, r, ret_body);
    sluice_assert(rc == BUF_OK);
    b->n++;
    b->n_in_flight++;
    b->in_flight_bytes += size;
    o->n_in_flight++;
    o->held_bytes += size;
    req->batch = b;
    req->record_bytes = (uint32_t)size;
}

void
outbox_flush(struct outbox *o)
{
    struct outbox_batch *b = o->gathering;

    if (b == NULL)
        return;
    b->bytes.data = mem_grow(b->bytes.data, b->bytes.size, 1); /* what is not used goes back */
    b->bytes.cap = b->bytes.size;
    if (o->unsent == NULL)
        o->unsent = b;
    o->gathering = NULL;
}

bool
outbox_next(struct outbox *o, uint32_t window_n, uint64_t window_bytes, zmq_msg_t *ret_frame)
{
    struct outbox_batch *b = o->unsent;

    if (b == NULL || b == o->gathering)
        return false;
    if (o->window_n > 0 && ((uint64_t)o->window_n + b->n_in_flight > window_n ||
                            o->window_bytes + b->in_flight_bytes > window_bytes))
        return false;
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    if (zmq_msg_init_data(ret_frame, b->bytes.data, b->bytes.size, frame_free, b) != 0) {
        batch_unref(b);
        return false;
    }
    return true;
}

void
outbox_sent(struct outbox *o)
{
    struct outbox_batch *b = o->unsent;

    b->sent = true;
    o->window_n += b->n_in_flight;
    o->window_bytes += b->in_flight_bytes;
    o->unsent = b->next != o->gathering ? b->next : NULL;
}

void
outbox_release(struct outbox *o, struct request *req)
{
    struct outbox_batch *b = req->batch;

    req->batch = NULL;
    b->n_in_flight--;
    b->in_flight_bytes -= req->record_bytes;
    o->n_in_flight--;
    if (b->sent) {
        o->window_n--;
        o->window_bytes -= req->record_bytes;
    }
    if (b->n_in_flight == 0)
        batch_unlink(o, b);
}

/* A copy of b with only the records in flight, in b's place. */
static struct outbox_batch *
batch_compact(struct outbox *o, struct outbox_batch *b, const struct requests *requests)
{
    struct outbox_batch *fresh = batch_new(b->in_flight_bytes);
    size_t at = 0;

    while (at < b->bytes.size) {
        struct record r;
        int rc = record_read(b->bytes.data + at, b->bytes.size - at, &r);
        sluice_assert(rc == RECORD_OK);
        struct request *req = requests_find(requests, r.counter);
        if (req != NULL && req->batch == b) {
            rc = buf_append(&fresh->bytes, b->bytes.data + at, r.length);
            sluice_assert(rc == BUF_OK);
            fresh->n++;
            req->batch = fresh;
        }
        at += r.length;
    }
    sluice_assert(fresh->n == b->n_in_flight);
    fresh->n_in_flight = fresh->n;
    fresh->in_flight_bytes = b->in_flight_bytes;
    fresh->next = b->next;
    fresh->prev = b;
    *(b->next != NULL ? &b->next->prev : &o->last) = fresh;
    b->next = fresh;
    o->held_bytes += fresh->bytes.size;
    batch_unlink(o, b);
    return fresh;
}

uint32_t
outbox_rewind(struct outbox *o, const struct requests *requests)
{
    uint32_t n = o->window_n;

    for (struct outbox_batch *b = o->first; b != NULL && b->sent; b = b->next) {
        if (b->n_in_flight < b->n)
            b = batch_compact(o, b, requests);
        b->sent = false;
    }
    o->unsent = o->first != o->gathering ? o->first : NULL;
    o->window_n = 0;
    o->window_bytes = 0;
    return n;
}
