/* REQUEST and REPLY: one reply per request, rows in one frame. */
#include "broker/reactor/admin.h"

#include <string.h>

#include "base/error.h"

#define ROWS_BYTES_MAX ((size_t)16 << 20)
#define ARRAY_HEAD_BYTES 5

static const struct {
    const char *name;
    admin_fn *run;
    unsigned endpoints;
} verbs[] = {
#define ON_admin (1u << ENDPOINT_ADMIN)
#define ON_inner (ON_admin | 1u << ENDPOINT_WORKER)
#define ADMIN_VERB(name, endpoint, arguments, meaning) {#name, admin_##name, ON_##endpoint},
#include "broker/reactor/admin_verbs.def"
#undef ADMIN_VERB
#undef ON_admin
#undef ON_inner
};

static const char *const status_texts[] = {[ADMIN_OK] = "ok",
                                           [ADMIN_NOT_FOUND] = "not-found",
                                           [ADMIN_BAD_ARGUMENT] = "bad-argument",
                                           [ADMIN_REFUSED] = "refused"};

struct buf *
reply_row(struct reply *reply, uint32_t pairs)
{
    reply->n_rows++;
    mp_put_map(reply->rows, pairs);
    return reply->rows;
}

void
row_uint(struct buf *row, const char *key, uint64_t value)
{
    mp_put_cstr(row, key);
    mp_put_uint(row, value);
}

void
row_text(struct buf *row, const char *key, const char *text)
{
    mp_put_cstr(row, key);
    mp_put_cstr(row, text);
}

void
row_texts(struct buf *row, const char *key, const char *text, size_t len)
{
    mp_put_cstr(row, key);
    mp_put_str(row, text, len);
}

uint64_t
request_uint(const struct message *request, const char *key, uint64_t absent, uint64_t max)
{
    uint64_t value;

    if (!header_uint(request, key, &value))
        return absent;
    return value < max ? value : max;
}

bool
request_service(struct broker *b, const struct message *request, uint32_t *ret_service)
{
    char name[RECORD_SERVICE_MAX + 1];

    if (!header_text(request, "service", name, sizeof(name))) {
        *ret_service = CORE_NOBODY;
        return true;
    }
    *ret_service = broker_service_find(b, name, strlen(name));
    return *ret_service != CORE_NOBODY;
}

static void
reply_send(struct broker *b, const struct sender *from, uint64_t request, enum admin_status status,
           const struct reply *reply)
{
    struct buf *h = send_header(b, 3 + (reply->detail != NULL) + (reply->more && reply->next != 0));
    zmq_msg_t body;

    mp_put_cstr(h, "request");
    mp_put_uint(h, request);
    row_text(h, "status", status_texts[status]);
    if (reply->detail != NULL)
        row_text(h, "detail", reply->detail);
    mp_put_cstr(h, "more");
    mp_put_bool(h, reply->more);
    if (reply->more && reply->next != 0)
        row_uint(h, "next", reply->next);

    /* An array of 32-bit length in front, now that the rows are counted. */
    reply->rows->data[0] = 0xdd;
    for (int i = 0; i < 4; i++)
        reply->rows->data[1 + i] = (uint8_t)(reply->n_rows >> (24 - 8 * i));
    if (zmq_msg_init_size(&body, reply->rows->size) < 0)
        return;
    memcpy(zmq_msg_data(&body), reply->rows->data, reply->rows->size);
    send_message(b, from->endpoint, from->routing, from->routing_len, COMMAND_REPLY, h, &body, 1);
    zmq_msg_close(&body);
}

void
handle_REQUEST(struct broker *b, const struct sender *from, struct message *m)
{
    static const uint8_t head[ARRAY_HEAD_BYTES];
    enum admin_status status = ADMIN_BAD_ARGUMENT;
    struct buf rows;
    struct reply reply = {.rows = &rows, .detail = "no such verb"};
    uint64_t request;
    char verb[32];

    if (!header_uint(m, "request", &request) || !header_text(m, "verb", verb, sizeof(verb))) {
        send_error(b, from, "header", "REQUEST needs request, verb");
        return;
    }
    buf_init(&rows, ROWS_BYTES_MAX);
    buf_append(&rows, head, sizeof(head));
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].name, verb) != 0 || (verbs[i].endpoints & 1u << from->endpoint) == 0)
            continue;
        reply.detail = NULL;
        status = verbs[i].run(b, m, &reply);
        break;
    }
    effects_run(b);
    if (b->fatal == 0)
        reply_send(b, from, request, status, &reply);
    buf_deinit(&rows);
}
