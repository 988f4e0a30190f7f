/* The client side: requests from submit to outcome. The connection is link's, records in flight are
 * outbox's, who waits for what is requests', what a broker says of them is client_entries'; here
 * the protocol's rules for clients join them. State is changed before a callback is called, so that
 * callbacks may call back. */
#include "client/lib/client.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

#define TURN_MESSAGES 256
#define HEADER_BYTES 1024
#define RECORD_BYTES_MAX ((uint64_t)64 << 20) /* until WELCOME says less */
#define NAME_MAX_BYTES 200

_Static_assert(SLUICE_VOLATILE == (int)RECORD_VOLATILE, "flags");
_Static_assert(SLUICE_ACCEPT_NOW == (int)RECORD_ACCEPT_NOW, "flags");
_Static_assert(SLUICE_NO_OUTCOME == (int)RECORD_NO_OUTCOME, "flags");

static uint64_t
number_or(uint64_t value, uint64_t fallback)
{
    return value != 0 ? value : fallback;
}

int
sluice_client_new(const struct sluice_client_options *options,
                  const struct sluice_client_events *events, struct sluice_client **ret_client)
{
    if (options->endpoint == NULL || options->name == NULL ||
        strlen(options->name) > NAME_MAX_BYTES ||
        (options->version != NULL && strlen(options->version) > NAME_MAX_BYTES) ||
        sodium_init() < 0)
        return -EINVAL;
    struct sluice_client *c = mem_new(1, sizeof(*c));
    int r = link_init(&c->link, options->context, options->endpoint, options->linger_ms);
    if (r < 0) {
        free(c);
        return r;
    }
    c->events = *events;
    outbox_init(&c->outbox);
    requests_init(&c->requests);
    buf_init(&c->header, HEADER_BYTES);
    c->name = mem_strdup(options->name);
    c->version = mem_strdup(options->version != NULL ? options->version : SLUICE_VERSION);
    randombytes_buf(&c->incarnation, sizeof(c->incarnation));
    c->max_in_flight = (uint32_t)number_or(options->max_in_flight, 8192);
    c->max_in_flight_bytes = number_or(options->max_in_flight_bytes, (uint64_t)32 << 20);
    c->max_offline = (uint32_t)number_or(options->max_offline, 1024);
    c->max_known = (uint32_t)number_or(options->max_known, 65536);
    c->welcome.max_record_bytes = RECORD_BYTES_MAX;
    *ret_client = c;
    return 0;
}

void
sluice_client_free(struct sluice_client *c)
{
    if (c == NULL)
        return;
    link_deinit(&c->link);
    outbox_deinit(&c->outbox);
    requests_deinit(&c->requests);
    buf_deinit(&c->header);
    free(c->name);
    free(c->version);
    free(c);
}

int
sluice_client_fd(const struct sluice_client *c)
{
    return c->link.fd;
}

uint64_t
sluice_client_incarnation(const struct sluice_client *c)
{
    return c->incarnation;
}

static void
client_greet(struct sluice_client *c)
{
    buf_clear(&c->header);
    mp_put_map(&c->header, 3);
    mp_put_cstr(&c->header, "incarnation");
    mp_put_uint(&c->header, c->incarnation);
    mp_put_cstr(&c->header, "name");
    mp_put_cstr(&c->header, c->name);
    mp_put_cstr(&c->header, "version");
    mp_put_cstr(&c->header, c->version);
    /* If it can't go now, the connection is going: there will be another to greet, or silence. */
    link_send(&c->link, COMMAND_HELLO, &c->header, NULL, 0);
}

/* Sends flushed batches while the window lets them through. After a loss that is everything in
 * flight. */
static void
client_pump(struct sluice_client *c)
{
    zmq_msg_t frame;

    if (c->link.state != LINK_UP)
        return;
    buf_clear(&c->header);
    mp_put_map(&c->header, 1);
    mp_put_cstr(&c->header, "incarnation");
    mp_put_uint(&c->header, c->incarnation);
    while (outbox_next(&c->outbox, c->welcome.window_messages, c->welcome.window_bytes, &frame)) {
        int r = link_send(&c->link, COMMAND_SUBMIT, &c->header, &frame, 1);
        zmq_msg_close(&frame);
        if (r != MESSAGE_OK)
            return;
        outbox_sent(&c->outbox);
    }
}

static void
client_lost(struct sluice_client *c)
{
    c->figures.sent_again += outbox_rewind(&c->outbox, &c->requests);
    if (!c->figures.connected)
        return;
    c->figures.connected = false;
    if (c->events.disconnected != NULL)
        c->events.disconnected(c->events.arg);
}

static bool
on_welcome(struct sluice_client *c, const struct message *m)
{
    struct welcome w = {0};

    if (!welcome_read(m, &w) || w.max_record_bytes == 0 || w.window_messages == 0 ||
        w.window_bytes == 0)
        return false;
    if (c->link.state != LINK_GREETING) /* we said HELLO twice; the first answer was enough */
        return true;
    c->welcome = w;
    link_welcomed(&c->link, w.heartbeat_us);
    c->figures.connects++;
    c->figures.connected = true;
    if (c->events.connected != NULL)
        c->events.connected(c->events.arg, w.broker, w.epoch);
    return true;
}

static bool
on_error(struct sluice_client *c, const struct message *m)
{
    struct fault_text f;

    if (!fault_read(m, &f))
        return false;
    if (c->events.fault != NULL)
        c->events.fault(c->events.arg, f.code, f.code_len, f.detail, f.detail_len);
    return true;
}

static bool
on_reset(struct sluice_client *c)
{
    client_lost(c);
    link_reset(&c->link);
    client_greet(c);
    return true;
}

static void
client_handle(struct sluice_client *c, const struct message *m)
{
    bool sound = false;

    switch (m->command) {
    case COMMAND_WELCOME:
        sound = on_welcome(c, m);
        break;
    case COMMAND_ACCEPTED:
        sound = client_on_accepted(c, m);
        break;
    case COMMAND_REFUSED:
        sound = client_on_refused(c, m);
        break;
    case COMMAND_OUTCOME:
        sound = client_on_outcome(c, m);
        break;
    case COMMAND_LOCATED:
        sound = client_on_located(c, m);
        break;
    case COMMAND_RESET:
        sound = on_reset(c);
        break;
    case COMMAND_ERROR:
        sound = on_error(c, m);
        break;
    case COMMAND_HEARTBEAT:
        sound = true;
        break;
    default: /* for workers or admins */
        break;
    }
    if (!sound)
        c->figures.malformed++;
}

/* Greets new connections, notices lost ones. Bounded: a connection can't come and go for ever. */
static void
client_look(struct sluice_client *c, int64_t now_us)
{
    for (unsigned n = 0; n < 4; n++) {
        int r = link_look(&c->link, now_us);
        if (r == LINK_OPENED)
            client_greet(c);
        else if (r == LINK_LOST || r == LINK_SILENT)
            client_lost(c);
        else
            return;
    }
}

static void
client_receive(struct sluice_client *c, int64_t now_us)
{
    struct message m;

    message_init(&m);
    for (unsigned n = 0; n < TURN_MESSAGES && c->link.readable; n++) {
        int r = link_receive(&c->link, &m, now_us);
        if (r == MESSAGE_BAD)
            c->figures.malformed++;
        else if (r == MESSAGE_OK)
            client_handle(c, &m);
        else
            break;
        client_look(c, now_us);
    }
    message_clear(&m);
}

int64_t
sluice_client_turn(struct sluice_client *c, int64_t now_us)
{
    client_look(c, now_us);
    client_receive(c, now_us);
    client_pump(c);
    int64_t next_us = link_beat(&c->link, now_us);
    if (c->link.stirred)
        client_look(c, now_us);
    return c->link.readable ? now_us : next_us;
}

static int
client_room(const struct sluice_client *c, size_t record_bytes)
{
    const struct outbox *o = &c->outbox;
    bool up = c->link.state == LINK_UP;
    uint32_t limit = c->max_in_flight;

    if (record_bytes > c->welcome.max_record_bytes)
        return SLUICE_TOO_LARGE;
    if (!up && o->n_in_flight >= c->max_offline)
        return SLUICE_OFFLINE;
    if (up && c->welcome.window_messages < limit)
        limit = c->welcome.window_messages;
    if (o->n_in_flight >= limit || c->requests.n >= c->max_known ||
        o->held_bytes + record_bytes > c->max_in_flight_bytes)
        return SLUICE_FULL;
    if (up && o->n_in_flight > 0 && o->held_bytes + record_bytes > c->welcome.window_bytes)
        return SLUICE_FULL;
    return SLUICE_OK;
}

int
sluice_client_reserve(struct sluice_client *c, const struct sluice_message *m, uint8_t **ret_body,
                      uint64_t *ret_counter)
{
    size_t names_len = m->service_len + m->scope_len;

    if (m->service_len == 0 || m->service_len > RECORD_SERVICE_MAX ||
        m->scope_len > RECORD_SCOPE_MAX || m->body_bytes > RECORD_BYTES_MAX)
        return SLUICE_TOO_LARGE;
    int r = client_room(c, RECORD_HEADER_BYTES + names_len + m->body_bytes);
    if (r != SLUICE_OK)
        return r;

    struct request *req = requests_insert(&c->requests, ++c->last_counter);
    struct record record = {
        .kind = RECORD_MESSAGE,
        .flags = m->flags & (RECORD_VOLATILE | RECORD_ACCEPT_NOW | RECORD_NO_OUTCOME),
        .incarnation = c->incarnation,
        .counter = req->counter,
        .received_us = m->received_us,
        .service = m->service,
        .service_len = (uint8_t)m->service_len,
        .scope = m->scope,
        .scope_len = (uint8_t)m->scope_len,
        .body_len = (uint32_t)m->body_bytes,
    };
    memcpy(record.id.bytes, m->id, sizeof(record.id.bytes));
    req->flags = record.flags;
    outbox_reserve(&c->outbox, &record, req, ret_body);
    c->figures.submitted++;
    *ret_counter = c->last_counter;
    return SLUICE_OK;
}

int
sluice_client_submit(struct sluice_client *c, const struct sluice_message *m, uint64_t *ret_counter)
{
    uint8_t *body;

    int r = sluice_client_reserve(c, m, &body, ret_counter);
    if (r == SLUICE_OK && m->body_bytes > 0)
        memcpy(body, m->body, m->body_bytes);
    return r;
}

void
sluice_client_flush(struct sluice_client *c)
{
    outbox_flush(&c->outbox);
    client_pump(c);
}

void
sluice_client_forget(struct sluice_client *c, uint64_t counter)
{
    struct request *req = requests_find(&c->requests, counter);

    if (req == NULL)
        return;
    if (req->batch == NULL || (req->flags & RECORD_VOLATILE) != 0)
        client_settle(c, req, false);
    else
        req->forgotten = true;
}

void
sluice_client_figures(const struct sluice_client *c, struct sluice_client_figures *ret)
{
    *ret = c->figures;
    ret->in_flight = c->outbox.n_in_flight;
    ret->in_flight_bytes = c->outbox.held_bytes;
    ret->known = c->requests.n;
}
