/* Frames in and out over zmq_msg, one multipart message at a time, never blocking. What
 * message_receive lets through has the version, a known command and a header that is a well-formed
 * msgpack map; what keys it must have is for the one who handles the command. */
#include "schemas/wire/message.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

#define HEADER_NODES_MAX 4096

void
message_init(struct message *m)
{
    memset(m, 0, sizeof(*m));
    zmq_msg_init(&m->peer);
    for (unsigned f = 0; f < WIRE_FRAMES_MAX; f++)
        zmq_msg_init(&m->frames[f]);
}

/* As message_init, for one that holds frames. Messages never touched cost next to nothing to close.
 */
void
message_clear(struct message *m)
{
    zmq_msg_close(&m->peer);
    for (unsigned f = 0; f < WIRE_FRAMES_MAX; f++)
        zmq_msg_close(&m->frames[f]);
    message_init(m);
}

static int
frame_receive(void *socket, zmq_msg_t *frame)
{
    int r;

    do {
        r = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* The frames behind the peer; what is too many is read and dropped. */
static int
frames_receive(void *socket, struct message *m, bool *ret_too_many)
{
    zmq_msg_t spare;
    bool more = true;
    int r = 0;

    zmq_msg_init(&spare);
    while (r == 0 && more) {
        bool fits = m->n_frames < WIRE_FRAMES_MAX;
        zmq_msg_t *frame = fits ? &m->frames[m->n_frames] : &spare;
        r = frame_receive(socket, frame);
        if (r < 0)
            break;
        more = zmq_msg_more(frame) != 0;
        if (fits)
            m->n_frames++;
        else
            *ret_too_many = true;
    }
    zmq_msg_close(&spare);
    return r;
}

static const char *
frames_fault(struct message *m, bool too_many)
{
    size_t size;

    if (zmq_msg_size(&m->frames[0]) != WIRE_VERSION_BYTES ||
        memcmp(zmq_msg_data(&m->frames[0]), WIRE_VERSION, WIRE_VERSION_BYTES) != 0)
        return "version";
    if (m->n_frames < 2 || zmq_msg_size(&m->frames[1]) != 1)
        return "command";
    uint8_t command = *(const uint8_t *)zmq_msg_data(&m->frames[1]);
    if (command_text(command) == NULL)
        return "command";
    m->command = command;
    const uint8_t *header = message_frame(m, 2, &size);
    if (too_many || size == 0 || size > WIRE_HEADER_MAX)
        return "header";
    bool is_map = (header[0] & 0xf0) == 0x80 || header[0] == 0xde || header[0] == 0xdf;
    if (!is_map || mp_check(header, size, HEADER_NODES_MAX) != MP_OK)
        return "header";
    return NULL;
}

int
message_receive(void *socket, bool router, struct message *m)
{
    bool too_many = false;
    int r;

    message_clear(m);
    if (router) {
        r = frame_receive(socket, &m->peer);
        if (r == -EAGAIN)
            return MESSAGE_NONE;
        if (r < 0)
            return r;
        m->has_peer = true;
        if (!zmq_msg_more(&m->peer)) { /* a ROUTER hands out none of these */
            m->fault = "version";
            return MESSAGE_BAD;
        }
    }
    r = frames_receive(socket, m, &too_many);
    if (r == -EAGAIN && !router)
        return MESSAGE_NONE;
    if (r < 0)
        return r;
    m->fault = frames_fault(m, too_many);
    bool sound = m->fault == NULL;
    for (unsigned f = 0; f < (sound ? 2 : WIRE_FRAMES_MAX); f++) {
        zmq_msg_close(&m->frames[f]);
        zmq_msg_init(&m->frames[f]);
    }
    if (!sound)
        m->n_frames = 0;
    return sound ? MESSAGE_OK : MESSAGE_BAD;
}

const uint8_t *
message_frame(const struct message *m, unsigned f, size_t *ret_size)
{
    sluice_assert(f >= 2 && f < WIRE_FRAMES_MAX);
    if (f >= m->n_frames) {
        *ret_size = 0;
        return NULL;
    }
    /* zmq_msg_data takes no const but changes nothing. */
    zmq_msg_t *frame = (zmq_msg_t *)(uintptr_t)&m->frames[f];
    *ret_size = zmq_msg_size(frame);
    return zmq_msg_data(frame);
}

static int
bytes_send(void *socket, const void *data, size_t size, int flags)
{
    int r;

    do {
        r = zmq_send(socket, data, size, ZMQ_DONTWAIT | flags);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static int
body_send(void *socket, zmq_msg_t *body, int flags)
{
    int r;

    do {
        r = zmq_msg_send(body, socket, ZMQ_DONTWAIT | flags);
    } while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

/* All but the last body go as shared copies, so that a pipe which dies half-way leaves them whole.
 */
static int
bodies_send(void *socket, zmq_msg_t *bodies, unsigned n_bodies)
{
    for (unsigned i = 0; i + 1 < n_bodies; i++) {
        zmq_msg_t copy;
        zmq_msg_init(&copy);
        zmq_msg_copy(&copy, &bodies[i]);
        int r = body_send(socket, &copy, ZMQ_SNDMORE);
        zmq_msg_close(&copy);
        if (r < 0)
            return r;
    }
    if (n_bodies > 0) {
        int r = body_send(socket, &bodies[n_bodies - 1], 0);
        if (r < 0)
            return r;
    }
    for (unsigned i = 0; i + 1 < n_bodies; i++) {
        zmq_msg_close(&bodies[i]);
        zmq_msg_init(&bodies[i]);
    }
    return 0;
}

int
message_send(void *socket, const void *peer, size_t peer_size, uint8_t command,
             const struct buf *header, zmq_msg_t *bodies, unsigned n_bodies)
{
    int r = 0;

    sluice_assert(n_bodies <= WIRE_FRAMES_MAX - 3 && header->size <= WIRE_HEADER_MAX);
    if (peer != NULL)
        r = bytes_send(socket, peer, peer_size, ZMQ_SNDMORE);
    if (r == 0)
        r = bytes_send(socket, WIRE_VERSION, WIRE_VERSION_BYTES, ZMQ_SNDMORE);
    if (r == 0)
        r = bytes_send(socket, &command, 1, ZMQ_SNDMORE);
    if (r == 0)
        r = bytes_send(socket, header->data, header->size, n_bodies > 0 ? ZMQ_SNDMORE : 0);
    if (r == 0)
        r = bodies_send(socket, bodies, n_bodies);
    if (r == -EAGAIN)
        return MESSAGE_NONE;
    return r == -EHOSTUNREACH ? MESSAGE_GONE : r;
}
