/* One DEALER a broker and one request at a time. What was taken is remembered in a small table of
 * hashes, which is only there to save PostgreSQL from being told the same every time: when it is
 * full it is emptied. */
#include "workers/notifications/dead_letters.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"

#define BROKERS_MAX 16
#define SEEN_SLOTS 65536u
#define SEEN_MAX (SEEN_SLOTS / 2)
#define ANSWER_US (5 * US_PER_S)
#define REPLY_BYTES_MAX ((int64_t)16 << 20)
#define NODES_MAX (1u << 20)
#define RECEIVE_MAX 16

static const char *const services[] = {"submissions", "notifications"};

struct broker {
    void *socket;
    uint64_t request; /* number of the last one */
    bool asked;       /* it is under way */
    size_t service;
    uint64_t after;
    int64_t at_us; /* of the next round, or when waiting for the answer ends */
};

struct dead_letters {
    void *context;
    int epoll;
    struct broker brokers[BROKERS_MAX];
    size_t n;
    int64_t interval_us;
    bool (*take)(void *arg, const struct dead_letter *list, size_t n);
    void *arg;
    uint64_t *seen; /* 0: empty slot */
    unsigned n_seen;
    struct dead_letter page[DEAD_LETTERS_PAGE];
};

/* ---- what was told ---- */

static uint64_t *
seen_slot(struct dead_letters *d, const struct uuid *alert)
{
    uint64_t hash = le64_get(alert->bytes) ^ le64_get(alert->bytes + 8);

    hash += hash == 0;
    for (uint64_t i = hash;; i++) {
        uint64_t *slot = &d->seen[i % SEEN_SLOTS];
        if (*slot == 0 || *slot == hash)
            return slot;
    }
}

static void
seen_add(struct dead_letters *d, const struct uuid *alert)
{
    if (d->n_seen == SEEN_MAX) {
        memset(d->seen, 0, SEEN_SLOTS * sizeof(*d->seen));
        d->n_seen = 0;
    }
    uint64_t hash = le64_get(alert->bytes) ^ le64_get(alert->bytes + 8);
    *seen_slot(d, alert) = hash + (hash == 0);
    d->n_seen++;
}

static bool
seen_has(struct dead_letters *d, const struct uuid *alert)
{
    return *seen_slot(d, alert) != 0;
}

/* ---- a page ---- */

static void
alert_id(const struct uuid *id, uint64_t epoch, uint64_t seq, struct uuid *ret_alert)
{
    static const char label[] = "unevaluated";
    uint8_t bytes[sizeof(label) + sizeof(id->bytes) + 16], hash[16];

    memcpy(bytes, label, sizeof(label));
    memcpy(bytes + sizeof(label), id->bytes, sizeof(id->bytes));
    le64_put(bytes + sizeof(label) + sizeof(id->bytes), epoch);
    le64_put(bytes + sizeof(label) + sizeof(id->bytes) + 8, seq);
    crypto_generichash(hash, sizeof(hash), bytes, sizeof(bytes), NULL, 0);
    uuid_v8_from_hash(hash, ret_alert);
}

static bool
row_read(struct mp_cursor *at, struct dead_letter *ret)
{
    struct mp_value map, key, v;
    uint64_t epoch = 0, seq = 0;
    bool has_id = false, has_scope = false;

    if (mp_next(at, &map) != MP_OK || map.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(at, &key) != MP_OK)
            return false;
        struct mp_cursor inside = *at;
        if (mp_next(&inside, &v) != MP_OK || mp_skip(at) != MP_OK)
            return false;
        if (mp_is_str(&key, "id") && v.type == MP_BIN && v.len == sizeof(ret->id.bytes)) {
            memcpy(ret->id.bytes, v.at, v.len);
            has_id = true;
        } else if (mp_is_str(&key, "scope") && v.type == MP_STR && v.len < sizeof(ret->study)) {
            memcpy(ret->study, v.at, v.len);
            ret->study[v.len] = '\0';
            has_scope = memchr(v.at, 0, v.len) == NULL;
        } else if (mp_is_str(&key, "epoch")) {
            mp_as_uint(&v, &epoch);
        } else if (mp_is_str(&key, "seq")) {
            mp_as_uint(&v, &seq);
        }
    }
    alert_id(&ret->id, epoch, seq, &ret->alert);
    return has_id && has_scope && seq > 0;
}

static void
page_take(struct dead_letters *d, const uint8_t *rows, size_t size)
{
    struct mp_cursor at = {rows, rows + size};
    struct mp_value list;
    size_t n = 0;

    if (size == 0 || mp_check(rows, size, NODES_MAX) != MP_OK || mp_next(&at, &list) != MP_OK ||
        list.type != MP_ARRAY)
        return;
    for (uint32_t i = 0; i < list.len && n < DEAD_LETTERS_PAGE; i++) {
        if (row_read(&at, &d->page[n]) && !seen_has(d, &d->page[n].alert))
            n++;
    }
    if (n == 0 || !d->take(d->arg, d->page, n))
        return;
    for (size_t i = 0; i < n; i++)
        seen_add(d, &d->page[i].alert);
}

/* ---- asking ---- */

static void
ask(struct broker *b, int64_t now_us)
{
    struct buf h;

    buf_init(&h, WIRE_HEADER_MAX);
    mp_put_map(&h, 5);
    mp_put_cstr(&h, "request");
    mp_put_uint(&h, ++b->request);
    mp_put_cstr(&h, "verb");
    mp_put_cstr(&h, "dead");
    mp_put_cstr(&h, "service");
    mp_put_cstr(&h, services[b->service]);
    mp_put_cstr(&h, "after");
    mp_put_uint(&h, b->after);
    mp_put_cstr(&h, "limit");
    mp_put_uint(&h, DEAD_LETTERS_PAGE);
    b->asked = message_send(b->socket, NULL, 0, COMMAND_REQUEST, &h, NULL, 0) == MESSAGE_OK;
    b->at_us = now_us + ANSWER_US;
    buf_deinit(&h);
}

static void
reply_take(struct dead_letters *d, struct broker *b, const struct message *m, int64_t now_us)
{
    size_t header_size, size;
    const uint8_t *header = message_frame(m, 2, &header_size), *rows = message_frame(m, 3, &size);
    struct mp_value more;
    uint64_t request;

    if (m->command != COMMAND_REPLY || !b->asked ||
        !mp_find_uint(header, header_size, "request", &request) || request != b->request)
        return;
    b->asked = false;
    page_take(d, rows, size);
    bool goes_on = mp_find(header, header_size, "more", &more, NULL) && more.type == MP_BOOL &&
                   more.boolean && mp_find_uint(header, header_size, "next", &b->after);
    if (!goes_on) {
        b->after = 0;
        b->service = (b->service + 1) % ARRAY_LEN(services);
        if (b->service == 0) {
            b->at_us = now_us + d->interval_us;
            return;
        }
    }
    ask(b, now_us);
}

static void
broker_turn(struct dead_letters *d, struct broker *b, int64_t now_us)
{
    struct message m;
    uint32_t events;
    size_t size = sizeof(events);

    message_init(&m);
    for (int i = 0; i < RECEIVE_MAX; i++) {
        int n = message_receive(b->socket, false, &m);
        if (n == MESSAGE_NONE)
            break;
        if (n == MESSAGE_OK)
            reply_take(d, b, &m, now_us);
    }
    message_clear(&m);
    if (now_us >= b->at_us) {
        b->after = 0;
        b->service = 0;
        if (b->asked) { /* silent: the next round comes as if it had answered */
            b->asked = false;
            b->at_us = now_us + d->interval_us;
        } else {
            ask(b, now_us);
        }
    }
    /* The descriptor tells of changes only; what is still there asks for another turn. */
    if (zmq_getsockopt(b->socket, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN) != 0)
        b->at_us = now_us;
}

/* ---- the outside ---- */

static bool
broker_new(struct dead_letters *d, const char *endpoint)
{
    struct broker *b = &d->brokers[d->n];
    struct epoll_event e = {.events = EPOLLIN};
    int zero = 0, one = 1, fd;
    int64_t most = REPLY_BYTES_MAX;
    size_t size = sizeof(fd);

    b->socket = zmq_socket(d->context, ZMQ_DEALER);
    if (b->socket == NULL)
        return false;
    d->n++;
    zmq_setsockopt(b->socket, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(b->socket, ZMQ_IMMEDIATE, &one, sizeof(one));
    zmq_setsockopt(b->socket, ZMQ_MAXMSGSIZE, &most, sizeof(most));
    return zmq_connect(b->socket, endpoint) == 0 &&
           zmq_getsockopt(b->socket, ZMQ_FD, &fd, &size) == 0 &&
           epoll_ctl(d->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

struct dead_letters *
dead_letters_new(const char *endpoints, int64_t interval_us,
                 bool (*take)(void *arg, const struct dead_letter *list, size_t n), void *arg)
{
    struct dead_letters *d = mem_new(1, sizeof(*d));
    char *copy = mem_strdup(endpoints), *rest = NULL;

    d->interval_us = interval_us;
    d->take = take;
    d->arg = arg;
    d->seen = mem_new(SEEN_SLOTS, sizeof(*d->seen));
    d->context = zmq_ctx_new();
    d->epoll = epoll_create1(EPOLL_CLOEXEC);
    bool good = d->context != NULL && d->epoll >= 0;
    for (char *e = strtok_r(copy, " \t", &rest); e != NULL && good;
         e = strtok_r(NULL, " \t", &rest))
        good = d->n < BROKERS_MAX && broker_new(d, e);
    free(copy);
    if (!good) {
        dead_letters_free(d);
        return NULL;
    }
    return d;
}

void
dead_letters_free(struct dead_letters *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->n; i++)
        zmq_close(d->brokers[i].socket);
    if (d->context != NULL)
        zmq_ctx_term(d->context);
    if (d->epoll >= 0)
        close(d->epoll);
    free(d->seen);
    free(d);
}

int
dead_letters_fd(const struct dead_letters *d)
{
    return d->epoll;
}

void
dead_letters_turn(struct dead_letters *d, int64_t now_us)
{
    for (size_t i = 0; i < d->n; i++)
        broker_turn(d, &d->brokers[i], now_us);
}

int64_t
dead_letters_deadline(const struct dead_letters *d)
{
    int64_t at_us = INT64_MAX;

    for (size_t i = 0; i < d->n; i++) {
        if (d->brokers[i].at_us < at_us)
            at_us = d->brokers[i].at_us;
    }
    return at_us;
}
