/* Any multipart message before message_receive, as a broker's ROUTER gets it: it is a message with
 * a sound header, or it is dropped whole with its fault named; either way nothing of it is left. */
#include <string.h>
#include <zmq.h>

#include "base/error.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/fuzz.h"

static void *router, *dealer;

static void
sockets_open(void)
{
    void *context = zmq_ctx_new();

    router = zmq_socket(context, ZMQ_ROUTER);
    dealer = zmq_socket(context, ZMQ_DEALER);
    int r = zmq_bind(router, "inproc://fuzz");
    sluice_assert(r == 0);
    r = zmq_connect(dealer, "inproc://fuzz");
    sluice_assert(r == 0);
}

static void
received_is_sound(const struct message *m, const struct frames *f)
{
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);

    sluice_assert(f->n >= 3 && f->n <= WIRE_FRAMES_MAX && m->n_frames == f->n);
    sluice_assert(command_text(m->command) != NULL && m->command == f->data[1][0]);
    sluice_assert(mp_check(header, size, WIRE_HEADER_MAX) == MP_OK);
    for (unsigned i = 2; i < f->n; i++) {
        const uint8_t *data = message_frame(m, i, &size);
        sluice_assert(size == f->size[i] && memcmp(data, f->data[i], size) == 0);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message m;
    struct frames f;

    if (router == NULL) {
        sockets_open();
        message_init(&m);
    }
    frames_split(data, size, &f);
    if (f.n == 0)
        return 0;
    for (unsigned i = 0; i < f.n; i++) {
        int sent = zmq_send(dealer, f.data[i], f.size[i], i + 1 < f.n ? ZMQ_SNDMORE : 0);
        sluice_assert(sent == (int)f.size[i]);
    }
    int r = message_receive(router, true, &m);
    sluice_assert(m.has_peer);
    if (r == MESSAGE_OK) {
        received_is_sound(&m, &f);
    } else {
        sluice_assert(r == MESSAGE_BAD && m.fault != NULL && m.n_frames == 0);
    }
    r = message_receive(router, true, &m);
    sluice_assert(r == MESSAGE_NONE);
    return 0;
}
