/* One DEALER a broker. Nothing is sent twice: a request that is not answered in time is reported as
 * such, and an answer that comes later is known by its number and dropped. */
#include "client/ctl/admin.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/rows.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"

#define REPLY_BYTES_MAX ((int64_t)64 << 20)
#define PAGE_ROWS 1000

struct admin {
    void *context, *socket;
    char *endpoint;
    int64_t timeout_us;
    uint64_t request; /* number of the last one */
    char detail[256]; /* of the last answer that was not ok */
};

static struct admin *
admin_new(void *context, const char *endpoint, size_t len, int64_t timeout_us)
{
    struct admin *a = mem_new(1, sizeof(*a));
    int zero = 0, one = 1;
    int64_t most = REPLY_BYTES_MAX;

    a->context = context;
    a->timeout_us = timeout_us;
    a->endpoint = mem_new(len + 1, 1);
    memcpy(a->endpoint, endpoint, len);
    a->socket = zmq_socket(context, ZMQ_DEALER);
    sluice_assert(a->socket != NULL);
    zmq_setsockopt(a->socket, ZMQ_LINGER, &zero, sizeof(zero));
    zmq_setsockopt(a->socket, ZMQ_IMMEDIATE, &one, sizeof(one));
    zmq_setsockopt(a->socket, ZMQ_MAXMSGSIZE, &most, sizeof(most));
    if (zmq_connect(a->socket, a->endpoint) == 0)
        return a;
    ctl_complain("ctl/admin_endpoints: '%s': %s", a->endpoint, zmq_strerror(zmq_errno()));
    zmq_close(a->socket);
    free(a->endpoint);
    free(a);
    return NULL;
}

struct admin **
admin_open_all(const struct ctl *ctl, size_t *ret_n)
{
    const char *at = config_str(ctl->config, "ctl", "admin_endpoints");
    struct admin **all = mem_new(ADMIN_ENDPOINTS_MAX, sizeof(struct admin *));
    void *context = zmq_ctx_new();
    size_t n = 0;

    sluice_assert(context != NULL);
    while (*(at += strspn(at, " \t")) != '\0') {
        size_t len = strcspn(at, " \t");
        if (n == ADMIN_ENDPOINTS_MAX)
            ctl_complain("ctl/admin_endpoints: more than %d brokers", ADMIN_ENDPOINTS_MAX);
        struct admin *a =
            n < ADMIN_ENDPOINTS_MAX ? admin_new(context, at, len, ctl->timeout_us) : NULL;
        if (a == NULL) {
            admin_close_all(all, n);
            if (n == 0)
                zmq_ctx_term(context);
            return NULL;
        }
        all[n++] = a;
        at += len;
    }
    if (n == 0) {
        ctl_complain("ctl/admin_endpoints names no broker");
        zmq_ctx_term(context);
        free(all);
        return NULL;
    }
    *ret_n = n;
    return all;
}

void
admin_close_all(struct admin **all, size_t n)
{
    void *context = n > 0 ? all[0]->context : NULL;

    for (size_t i = 0; i < n; i++) {
        zmq_close(all[i]->socket);
        free(all[i]->endpoint);
        free(all[i]);
    }
    if (context != NULL)
        zmq_ctx_term(context);
    free(all);
}

const char *
admin_endpoint(const struct admin *a)
{
    return a->endpoint;
}

void
admin_deadline(struct admin *a, int64_t timeout_us)
{
    a->timeout_us = timeout_us;
}

static int
header_write(struct buf *h, uint64_t request, const char *verb, const struct admin_argument *args)
{
    uint32_t n = 2;
    int full = 0;

    for (const struct admin_argument *a = args; a != NULL && a->key != NULL; a++)
        n++;
    full |= mp_put_map(h, n);
    full |= mp_put_cstr(h, "request");
    full |= mp_put_uint(h, request);
    full |= mp_put_cstr(h, "verb");
    full |= mp_put_cstr(h, verb);
    for (const struct admin_argument *a = args; a != NULL && a->key != NULL; a++) {
        full |= mp_put_cstr(h, a->key);
        if (a->text != NULL)
            full |= mp_put_cstr(h, a->text);
        else if (a->id != NULL)
            full |= mp_put_bin(h, a->id->bytes, sizeof(a->id->bytes));
        else
            full |= mp_put_uint(h, a->number);
    }
    return full;
}

/* Waits until the socket can do events, or the deadline has passed (false). */
static bool
socket_wait(struct admin *a, short events, int64_t deadline_us)
{
    for (;;) {
        zmq_pollitem_t item = {.socket = a->socket, .events = events};
        int64_t left = deadline_us - clock_mono_us();
        if (left < 0)
            return false;
        int n = zmq_poll(&item, 1, (long)(left / US_PER_MS) + 1);
        if (n > 0)
            return true;
        if (n < 0 && zmq_errno() != EINTR)
            return false;
    }
}

/* Takes what an answer says. */
static int
reply_take(struct admin *a, const struct message *m, json_t *rows, uint64_t *ret_next)
{
    static const struct {
        const char *text;
        int outcome;
    } statuses[] = {{"ok", ADMIN_OK},
                    {"not-found", ADMIN_NOT_FOUND},
                    {"bad-argument", ADMIN_BAD_ARGUMENT},
                    {"refused", ADMIN_REFUSED}};
    struct mp_value value;
    size_t size, len;
    const uint8_t *header = message_frame(m, 2, &size);
    const char *text;

    if (mp_find_str(header, size, "detail", &text, &len))
        snprintf(a->detail, sizeof(a->detail), "%.*s", (int)(len < 250 ? len : 250), text);
    if (ret_next != NULL &&
        (!mp_find(header, size, "more", &value, NULL) || value.type != MP_BOOL || !value.boolean ||
         !mp_find_uint(header, size, "next", ret_next)))
        *ret_next = 0;
    if (!mp_find_str(header, size, "status", &text, &len))
        return ADMIN_GARBLED;
    int outcome = ADMIN_GARBLED;
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        if (strlen(statuses[i].text) == len && memcmp(statuses[i].text, text, len) == 0)
            outcome = statuses[i].outcome;
    }
    const uint8_t *body = message_frame(m, 3, &size);
    if (outcome == ADMIN_OK && rows != NULL && size > 0 && !rows_read(body, size, rows))
        return ADMIN_GARBLED;
    return outcome;
}

/* Is m the answer to the request that is under way? ERROR counts as one. */
static bool
reply_is_ours(const struct admin *a, const struct message *m)
{
    uint64_t request;
    size_t size;
    const uint8_t *header = message_frame(m, 2, &size);

    if (m->command == COMMAND_ERROR)
        return true;
    return m->command == COMMAND_REPLY && mp_find_uint(header, size, "request", &request) &&
           request == a->request;
}

static int
reply_await(struct admin *a, int64_t deadline_us, json_t *rows, uint64_t *ret_next)
{
    struct message m;
    int outcome = ADMIN_SILENT;

    message_init(&m);
    while (outcome == ADMIN_SILENT) {
        int r = message_receive(a->socket, false, &m);
        if (r == MESSAGE_NONE) {
            if (!socket_wait(a, ZMQ_POLLIN, deadline_us))
                break;
            continue;
        }
        if (r != MESSAGE_OK)
            outcome = ADMIN_GARBLED;
        else if (m.command == COMMAND_ERROR)
            outcome = ADMIN_GARBLED;
        else if (reply_is_ours(a, &m))
            outcome = reply_take(a, &m, rows, ret_next);
    }
    message_clear(&m);
    return outcome;
}

int
admin_request(struct admin *a, const char *verb, const struct admin_argument *arguments,
              json_t *rows, uint64_t *ret_next)
{
    int64_t deadline_us = clock_mono_us() + a->timeout_us;
    struct buf header;
    int r;

    a->detail[0] = '\0';
    buf_init(&header, WIRE_HEADER_MAX);
    if (header_write(&header, ++a->request, verb, arguments) != 0) {
        buf_deinit(&header);
        snprintf(a->detail, sizeof(a->detail), "an argument is too long");
        return ADMIN_BAD_ARGUMENT;
    }
    do {
        r = message_send(a->socket, NULL, 0, COMMAND_REQUEST, &header, NULL, 0);
    } while (r == MESSAGE_NONE && socket_wait(a, ZMQ_POLLOUT, deadline_us));
    buf_deinit(&header);
    if (r != MESSAGE_OK)
        return ADMIN_SILENT;
    return reply_await(a, deadline_us, rows, ret_next);
}

int
admin_pages(struct admin *a, const char *verb, const struct admin_argument *arguments,
            int (*each)(void *arg, json_t *row), void *arg)
{
    struct admin_argument all[8] = {0};
    uint64_t after = 0, next = 0;
    size_t n = 0, i;
    int outcome = ADMIN_OK;

    for (; arguments != NULL && arguments[n].key != NULL; n++) {
        sluice_assert(n + 3 < ARRAY_LEN(all));
        all[n] = arguments[n];
    }
    all[n + 1] = (struct admin_argument){.key = "limit", .number = PAGE_ROWS};
    do {
        json_t *rows = json_array(), *row;
        after = next;
        all[n] = (struct admin_argument){.key = "after", .number = after};
        outcome = admin_request(a, verb, all, rows, &next);
        json_array_foreach(rows, i, row)
        {
            if (outcome != ADMIN_OK)
                break;
            outcome = each(arg, row);
        }
        json_decref(rows);
    } while (outcome == ADMIN_OK && next > after); /* a cursor that stands still would never end */
    return outcome;
}

int
admin_exit(const struct admin *a, int outcome)
{
    switch (outcome) {
    case ADMIN_OK:
        return EXIT_DONE;
    case ADMIN_SILENT:
        ctl_complain("broker %s does not answer", a->endpoint);
        return EXIT_UNAVAILABLE;
    case ADMIN_NOT_FOUND:
        ctl_complain("broker %s: %s", a->endpoint, *a->detail != '\0' ? a->detail : "not found");
        return EXIT_FAILED;
    case ADMIN_BAD_ARGUMENT:
        ctl_complain("broker %s: %s", a->endpoint, *a->detail != '\0' ? a->detail : "bad argument");
        return EXIT_USAGE;
    case ADMIN_REFUSED:
        ctl_complain("broker %s refuses: %s", a->endpoint,
                     *a->detail != '\0' ? a->detail : "not now");
        return EXIT_TEMPFAIL;
    case ADMIN_GARBLED:
    default:
        ctl_complain("broker %s answers what is no answer: is it another version?", a->endpoint);
        return EXIT_UNAVAILABLE;
    }
}

int
admin_gather(const struct ctl *ctl, const char *verb, const struct admin_argument *arguments,
             json_t *rows)
{
    size_t n;
    struct admin **all = admin_open_all(ctl, &n);
    int code = EXIT_DONE;

    if (all == NULL)
        return EXIT_CONFIG;
    for (size_t b = 0; b < n; b++) {
        size_t first = json_array_size(rows);
        int own = admin_exit(all[b], admin_request(all[b], verb, arguments, rows, NULL));
        if (own != EXIT_DONE)
            code = own;
        for (size_t i = first; n > 1 && i < json_array_size(rows); i++)
            json_object_set_new(json_array_get(rows, i), "endpoint", json_string(all[b]->endpoint));
    }
    admin_close_all(all, n);
    return code;
}

bool
origin_parse(const char *text, struct uuid *ret_broker, bool *ret_has_broker, uint64_t *ret_epoch,
             uint64_t *ret_seq)
{
    struct uuid broker = {0};
    bool has_broker = false;
    uint64_t epoch, seq;
    char end;

    if (strlen(text) > UUID_TEXT_SIZE && text[UUID_TEXT_SIZE - 1] == '-' &&
        uuid_parse(text, UUID_TEXT_SIZE - 1, &broker)) {
        has_broker = true;
        text += UUID_TEXT_SIZE;
    }
    /* digits only: scanf alone would take signs and blanks */
    if (strspn(text, "0123456789-") != strlen(text) || *text == '-' || strstr(text, "--") != NULL ||
        strlen(text) > 41 || sscanf(text, "%" SCNu64 "-%" SCNu64 "%c", &epoch, &seq, &end) != 2)
        return false;
    *ret_broker = broker;
    *ret_has_broker = has_broker;
    *ret_epoch = epoch;
    *ret_seq = seq;
    return true;
}
