/* A question in two steps: the brokers, then the database. */
#include "client/edge/lookup.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/json_text.h"
#include "client/edge/lookup_reply.h"
#include "schemas/wire/message.h"

static const struct request_kind lookup_kind;

static bool
number_parse(const char **s, const char *end, uint64_t *ret)
{
    uint64_t v = 0;
    const char *first = *s;

    for (; *s < end && **s >= '0' && **s <= '9'; (*s)++)
        if (__builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, (uint64_t)(**s - '0'), &v))
            return false;
    *ret = v;
    return *s > first;
}

bool
lookup_receipt_parse(const char *s, size_t len, struct sluice_origin *ret_origin)
{
    struct sluice_origin origin;
    struct uuid broker;
    const char *end = s + len;

    if (len < UUID_TEXT_SIZE || !uuid_parse(s, UUID_TEXT_SIZE - 1, &broker))
        return false;
    s += UUID_TEXT_SIZE - 1;
    if (*s++ != '-' || !number_parse(&s, end, &origin.epoch) || s == end || *s++ != '-' ||
        !number_parse(&s, end, &origin.seq) || s != end)
        return false;
    memcpy(origin.broker, broker.bytes, sizeof(origin.broker));
    *ret_origin = origin;
    return true;
}

/* Nobody needs the answers that are still under way. */
static void
lookup_finish(struct request *q)
{
    for (uint64_t query = q->lookup.first_query; query < q->lookup.end_query; query++)
        waiters_take(&q->edge->brokers.queries, query);
    if (q->broker != NULL)
        broker_forget(q->broker, q->counter);
    request_free(q);
}

static void
lookup_refuse(struct request *q, enum problem p)
{
    answer_begin(q);
    answer_problem(q, p, NULL);
    lookup_finish(q);
}

static void
plain_compose(const struct request *q, struct buf *b)
{
    const struct token *token = q->lookup.token;
    int full = 0;

    buf_clear(b);
    full |= mp_put_map(b, q->lookup.has_receipt ? 4 : 3);
    full |= mp_put_cstr(b, "kind");
    full |= mp_put_cstr(b, "submission");
    full |= mp_put_cstr(b, "studies");
    full |= mp_put_array(b, (uint32_t)token->n_studies);
    for (size_t i = 0; i < token->n_studies; i++)
        full |= mp_put_cstr(b, token->studies[i]);
    full |= mp_put_cstr(b, "id");
    full |= mp_put_bin(b, q->id.bytes, sizeof(q->id.bytes));
    if (q->lookup.has_receipt) {
        full |= mp_put_cstr(b, "receipt");
        full |= mp_put_map(b, 3);
        full |= mp_put_cstr(b, "broker");
        full |= mp_put_bin(b, q->lookup.receipt.broker, 16);
        full |= mp_put_cstr(b, "epoch");
        full |= mp_put_uint(b, q->lookup.receipt.epoch);
        full |= mp_put_cstr(b, "seq");
        full |= mp_put_uint(b, q->lookup.receipt.seq);
    }
    sluice_assert(full == BUF_OK);
}

/* Asks a worker through the next broker that was not asked yet. */
static void
database_ask(struct request *q)
{
    struct buf *plain = &q->edge->scratch.plain;

    plain_compose(q, plain);
    if (!question_ask(q, &q->lookup.question, plain->data, plain->size))
        lookup_refuse(q, PROBLEM_UNAVAILABLE);
}

/* One LOCATE to b for each study that the token covers. */
static bool
broker_ask(struct request *q, struct broker *b, const struct sluice_origin *origin)
{
    struct brokers *all = &q->edge->brokers;

    for (size_t i = 0; i < q->lookup.token->n_studies; i++) {
        const char *study = q->lookup.token->studies[i];
        uint64_t query = ++all->last_query;
        if (waiters_add(&all->queries, query, q) != WAITERS_OK)
            return false;
        q->lookup.end_query = query + 1;
        q->lookup.pending++;
        if (sluice_client_locate(b->client, query, study, strlen(study), q->id.bytes, origin) !=
            SLUICE_OK)
            return false;
    }
    all->unsent++;
    return true;
}

/* The broker a receipt names, if it is one of ours. */
static struct broker *
receipt_owner(struct request *q)
{
    struct brokers *all = &q->edge->brokers;

    for (size_t i = 0; i < all->n && q->lookup.has_receipt; i++)
        if (memcmp(all->list[i].uuid, q->lookup.receipt.broker, 16) == 0)
            return &all->list[i];
    return NULL;
}

static bool
brokers_ask(struct request *q)
{
    struct brokers *all = &q->edge->brokers;
    struct broker *owner;

    if (brokers_connected(all) < all->n)
        return false;
    q->lookup.first_query = q->lookup.end_query = all->last_query + 1;
    owner = receipt_owner(q);
    if (owner != NULL)
        return broker_ask(q, owner, &q->lookup.receipt);
    for (size_t i = 0; i < all->n; i++)
        if (!broker_ask(q, &all->list[i], NULL))
            return false;
    return true;
}

static void
on_located(struct request *q, uint64_t query, enum sluice_located state,
           const struct sluice_origin *origin, int64_t accepted_us)
{
    (void)query;
    (void)origin;
    q->lookup.pending--;
    if (state == SLUICE_ABSENT) {
        if (q->lookup.pending == 0)
            database_ask(q);
        return;
    }
    answer_begin(q);
    struct buf *b = &q->edge->scratch.body;
    json_put(b, "{\"id\":");
    json_put_uuid(b, &q->id);
    json_put(b, state == SLUICE_DEAD ? ",\"status\":\"dead\"" : ",\"status\":\"accepted\"");
    json_put(b, ",\"acceptedAt\":");
    json_put_time(b, accepted_us);
    json_put(b, "}");
    answer_send(q, 200, MEDIA_JSON);
    lookup_finish(q);
}

static void
on_refused(struct request *q, unsigned refusal)
{
    (void)refusal; /* no worker there, or no room: another broker may have one */
    database_ask(q);
}

static void
on_outcome(struct request *q, unsigned outcome, const struct sluice_origin *origin,
           int64_t accepted_us, const uint8_t *payload, size_t payload_bytes)
{
    (void)origin;
    (void)accepted_us;
    if (outcome != OUTCOME_ANSWERED) {
        lookup_refuse(q, PROBLEM_UNAVAILABLE);
        return;
    }
    lookup_reply_answer(q, payload, payload_bytes);
    lookup_finish(q);
}

static void
on_expired(struct request *q)
{
    lookup_refuse(q, PROBLEM_UNAVAILABLE);
}

static const struct request_kind lookup_kind = {
    .refused = on_refused,
    .outcome = on_outcome,
    .located = on_located,
    .expired = on_expired,
    .abandoned = lookup_finish,
};

void
lookup_handle(struct request *q, const struct http_message *m, const struct route_match *match)
{
    struct edge *e = q->edge;
    size_t len;

    (void)m;
    metric_add(&e->metrics, METRIC_QUERIES, 1);
    q->lookup = (struct lookup_wait){.token = match->token};
    q->lookup.question.scope = q->lookup.token->studies[0];
    q->kind = &lookup_kind;
    const char *receipt = route_query_find(match, "receipt", &len);
    if (receipt != NULL) {
        q->lookup.has_receipt = lookup_receipt_parse(receipt, len, &q->lookup.receipt);
        if (!q->lookup.has_receipt) {
            lookup_refuse(q, PROBLEM_NOT_FOUND);
            return;
        }
    }
    if (!uuid_parse(match->param, match->param_len, &q->id)) {
        lookup_refuse(q, PROBLEM_NOT_FOUND);
        return;
    }
    ticket_start(&e->lookups, &q->ticket, e->now_us);
    if (!brokers_ask(q))
        lookup_refuse(q, PROBLEM_UNAVAILABLE);
}
