/* All brokers are greeted at once; the first WELCOME decides which one is used, the others are let
 * go. Lost in the middle, libsluice connects and sends again by itself until the deadline. */
#include "client/lib/courier.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/codes.h"

#define ENDPOINT_SIZE 256

struct courier {
    struct sluice_client *clients[COURIER_BROKERS_MAX];
    size_t n_clients;
    struct courier_message *messages; /* of the delivery under way */
    size_t n_messages, n_open;        /* open: not yet as far as is wanted */
    bool outcomes;
};

static struct courier_message *
message_find(struct courier *c, uint64_t counter)
{
    for (size_t i = 0; i < c->n_messages; i++) {
        if (c->messages[i].counter == counter)
            return &c->messages[i];
    }
    return NULL;
}

static void
message_settle(struct courier *c, uint64_t counter, enum courier_state state, unsigned code)
{
    struct courier_message *m = message_find(c, counter);

    if (m == NULL || m->state >= COURIER_REFUSED)
        return;
    bool was_open = m->state == COURIER_UNKNOWN || c->outcomes;
    m->state = state;
    m->code = code;
    bool is_open = state == COURIER_ACCEPTED && c->outcomes;
    c->n_open -= was_open && !is_open;
}

static void
on_accepted(void *arg, uint64_t counter, const struct sluice_origin *origin, int64_t accepted_us,
            bool stalled)
{
    (void)origin;
    (void)accepted_us;
    (void)stalled;
    message_settle(arg, counter, COURIER_ACCEPTED, 0);
}

static void
on_refused(void *arg, uint64_t counter, unsigned refusal)
{
    message_settle(arg, counter, COURIER_REFUSED, refusal);
}

static void
on_outcome(void *arg, uint64_t counter, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    (void)origin;
    (void)accepted_us;
    (void)payload;
    (void)payload_bytes;
    message_settle(arg, counter, COURIER_DECIDED, outcome);
}

struct courier_page {
    struct courier_message messages[COURIER_MESSAGES_MAX];
    size_t offsets[COURIER_MESSAGES_MAX]; /* of scope and body in texts, which moves as it grows */
    struct buf texts;
    size_t n;
};

struct courier_page *
courier_page_new(size_t ceiling)
{
    struct courier_page *p = mem_new(1, sizeof(*p));

    buf_init(&p->texts, ceiling);
    return p;
}

void
courier_page_free(struct courier_page *p)
{
    if (p == NULL)
        return;
    buf_deinit(&p->texts);
    free(p);
}

void
courier_page_clear(struct courier_page *p)
{
    buf_clear(&p->texts);
    p->n = 0;
}

bool
courier_page_add(struct courier_page *p, const char *service, const char *scope, size_t scope_len,
                 const uint8_t id[16], int64_t received_us, const void *body, size_t body_bytes)
{
    uint8_t *at;

    if (p->n == COURIER_MESSAGES_MAX ||
        buf_reserve(&p->texts, scope_len + body_bytes, &at) != BUF_OK)
        return false;
    memcpy(at, scope, scope_len);
    memcpy(at + scope_len, body, body_bytes);
    p->messages[p->n] = (struct courier_message){.message = {.service = service,
                                                             .service_len = strlen(service),
                                                             .scope_len = scope_len,
                                                             .received_us = received_us,
                                                             .body_bytes = body_bytes}};
    memcpy(p->messages[p->n].message.id, id, sizeof(p->messages[p->n].message.id));
    p->offsets[p->n++] = p->texts.size;
    buf_commit(&p->texts, scope_len + body_bytes);
    return true;
}

struct courier_message *
courier_page_messages(struct courier_page *p, size_t *ret_n)
{
    for (size_t i = 0; i < p->n; i++) {
        struct sluice_message *m = &p->messages[i].message;
        m->scope = (const char *)p->texts.data + p->offsets[i];
        m->body = p->texts.data + p->offsets[i] + m->scope_len;
    }
    *ret_n = p->n;
    return p->messages;
}

int
courier_new(const char *endpoints, const char *name, struct courier **ret_courier)
{
    struct courier *c = mem_new(1, sizeof(*c));
    const struct sluice_client_events events = {
        .arg = c, .accepted = on_accepted, .refused = on_refused, .outcome = on_outcome};
    char endpoint[ENDPOINT_SIZE];

    for (const char *at = endpoints;;) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " ");
        if (len == 0)
            break;
        struct sluice_client_options options = {.endpoint = endpoint, .name = name};
        if (len >= sizeof(endpoint) || c->n_clients == COURIER_BROKERS_MAX)
            goto bad;
        memcpy(endpoint, at, len);
        endpoint[len] = '\0';
        if (sluice_client_new(&options, &events, &c->clients[c->n_clients]) != 0)
            goto bad;
        c->n_clients++;
        at += len;
    }
    if (c->n_clients == 0)
        goto bad;
    *ret_courier = c;
    return COURIER_OK;
bad:
    courier_free(c);
    return COURIER_BAD;
}

void
courier_free(struct courier *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_clients; i++)
        sluice_client_free(c->clients[i]);
    free(c);
}

/* One turn of every client; the time of the next one. */
static int64_t
courier_turn(struct courier *c)
{
    int64_t now_us = clock_mono_us(), next_us = INT64_MAX;

    for (size_t i = 0; i < c->n_clients; i++) {
        int64_t own_us = sluice_client_turn(c->clients[i], now_us);
        if (own_us < next_us)
            next_us = own_us;
    }
    return next_us;
}

/* Until a client has something to read, or next_us or deadline_us. What a turn did must be looked
 * at before. */
static void
courier_wait(const struct courier *c, int64_t next_us, int64_t deadline_us)
{
    struct pollfd fds[COURIER_BROKERS_MAX];
    int64_t now_us = clock_mono_us();

    for (size_t i = 0; i < c->n_clients; i++)
        fds[i] = (struct pollfd){.fd = sluice_client_fd(c->clients[i]), .events = POLLIN};
    if (next_us > deadline_us)
        next_us = deadline_us;
    if (next_us > now_us)
        poll(fds, c->n_clients, (int)((next_us - now_us + US_PER_MS - 1) / US_PER_MS));
}

static bool
client_is_connected(const struct sluice_client *client)
{
    struct sluice_client_figures figures;

    sluice_client_figures(client, &figures);
    return figures.connected;
}

/* Keeps the first broker that has answered, lets the others go; false: none has. */
static bool
courier_choose(struct courier *c)
{
    for (size_t i = 0; i < c->n_clients; i++) {
        if (!client_is_connected(c->clients[i]))
            continue;
        for (size_t k = 0; k < c->n_clients; k++) {
            if (k != i)
                sluice_client_free(c->clients[k]);
        }
        c->clients[0] = c->clients[i];
        c->n_clients = 1;
        return true;
    }
    return false;
}

static bool
courier_connect(struct courier *c, int64_t deadline_us)
{
    for (;;) {
        int64_t next_us = courier_turn(c);
        if (courier_choose(c))
            return true;
        if (clock_mono_us() >= deadline_us)
            return false;
        courier_wait(c, next_us, deadline_us);
    }
}

/* Hands over as many as the client takes; where the next one is. */
static size_t
courier_submit(struct courier *c, size_t next)
{
    struct sluice_client *client = c->clients[0];

    while (next < c->n_messages) {
        struct courier_message *m = &c->messages[next];
        m->message.flags = SLUICE_ACCEPT_NOW | (c->outcomes ? 0 : SLUICE_NO_OUTCOME);
        int r = sluice_client_submit(client, &m->message, &m->counter);
        if (r == SLUICE_FULL || r == SLUICE_OFFLINE)
            break;
        if (r != SLUICE_OK) {
            m->state = COURIER_REFUSED;
            m->code = REFUSAL_TOO_LARGE;
            c->n_open--;
        }
        next++;
    }
    sluice_client_flush(client);
    return next;
}

int
courier_deliver(struct courier *c, struct courier_message *messages, size_t n, bool outcomes,
                int64_t timeout_us)
{
    int64_t deadline_us = clock_mono_us() + timeout_us;
    size_t next = 0;

    sluice_assert(n <= COURIER_MESSAGES_MAX);
    if (n == 0)
        return COURIER_OK;
    if (!courier_connect(c, deadline_us))
        return COURIER_UNREACHABLE;
    for (size_t i = 0; i < n; i++) {
        messages[i].state = COURIER_UNKNOWN;
        messages[i].counter = 0; /* no request has it */
    }
    c->messages = messages;
    c->n_messages = c->n_open = n;
    c->outcomes = outcomes;
    for (;;) {
        next = courier_submit(c, next);
        int64_t next_us = courier_turn(c);
        if (c->n_open == 0 || clock_mono_us() >= deadline_us)
            break;
        courier_wait(c, next_us, deadline_us);
    }
    for (size_t i = 0; i < next; i++) /* also a dead letter, which may come alive again */
        sluice_client_forget(c->clients[0], messages[i].counter);
    c->messages = NULL;
    c->n_messages = 0;
    return c->n_open == 0 ? COURIER_OK : COURIER_LATE;
}
