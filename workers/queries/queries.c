/* The service "queries": where a submission is, for GET. Volatile messages: nothing is kept, and a
 * question that can't be answered now is said to be so at once.
 *
 * Request, sealed (service "queries", the record's scope and id):
 *   {"kind": "submission", "studies": [str …], "id": bin16,
 *    "receipt"?: {"broker": bin16, "epoch": uint, "seq": uint}}
 * Reply, the payload of outcome "answered", sealed with service "queries/reply", same scope and id:
 *   {"found": bool, "state"?, "study"?, "questionnaire"?, "version"?, "received_us"?,
 *    "accepted_us"?, "stored_us"?, "errors"?: [{"pointer", "rule", "detail"}]} */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"
#include "schemas/wire/mp.h"
#include "schemas/wire/record.h"
#include "store/status.h"
#include "workers/runtime/service.h"

#define REPLY_SERVICE "queries/reply"
#define REQUEST_MAX ((size_t)64 << 10)
#define REPLY_MAX ((size_t)200 << 10)
#define STUDIES_MAX 256
#define NODES_MAX 2048

struct queries {
    struct store *store;
    const struct seal_keys *keys;
    struct buf request, reply, sealed;
};

struct question {
    struct slice studies[STUDIES_MAX];
    size_t n_studies;
    struct uuid id;
    bool has_id, has_receipt;
    struct status_receipt receipt;
};

static void
queries_stop(void *self)
{
    struct queries *q = self;

    buf_deinit(&q->request);
    buf_deinit(&q->reply);
    buf_deinit(&q->sealed);
    free(q);
}

static void *
queries_start(const struct service_env *env)
{
    struct queries *q = mem_new(1, sizeof(*q));

    q->store = env->store;
    q->keys = env->seal_keys;
    buf_init(&q->request, REQUEST_MAX);
    buf_init(&q->reply, REPLY_MAX);
    buf_init(&q->sealed, REPLY_MAX + SEAL_OVERHEAD_BYTES);
    return q;
}

static int
queries_ready(void *self)
{
    (void)self; /* nothing is cached */
    return STORE_OK;
}

static bool
uuid_read(const struct mp_value *v, struct uuid *ret)
{
    if (v->type != MP_BIN || v->len != sizeof(ret->bytes))
        return false;
    memcpy(ret->bytes, v->at, sizeof(ret->bytes));
    return true;
}

static bool
studies_read(struct mp_cursor at, const struct mp_value *list, struct question *q)
{
    if (list->type != MP_ARRAY || list->len > STUDIES_MAX)
        return false;
    for (uint32_t i = 0; i < list->len; i++) {
        struct mp_value v;
        if (mp_next(&at, &v) != MP_OK || v.type != MP_STR)
            return false;
        q->studies[q->n_studies++] = (struct slice){v.at, v.len};
    }
    return true;
}

static bool
receipt_read(struct mp_cursor at, const struct mp_value *map, struct question *q)
{
    unsigned seen = 0;

    if (map->type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map->len; i++) {
        struct mp_value key, v;
        if (mp_next(&at, &key) != MP_OK || mp_next(&at, &v) != MP_OK)
            return false;
        if (mp_is_str(&key, "broker") && uuid_read(&v, &q->receipt.broker))
            seen |= 1;
        else if (mp_is_str(&key, "epoch") && mp_as_uint(&v, &q->receipt.epoch))
            seen |= 2;
        else if (mp_is_str(&key, "seq") && mp_as_uint(&v, &q->receipt.seq))
            seen |= 4;
    }
    q->has_receipt = seen == 7 && q->receipt.epoch <= INT64_MAX && q->receipt.seq <= INT64_MAX;
    return seen == 7;
}

static bool
question_read(const struct buf *request, struct question *q)
{
    struct mp_cursor at = {request->data, request->data + request->size};
    struct mp_value map, key, v;
    bool kind = false, studies = false;

    if (mp_check(request->data, request->size, NODES_MAX) != MP_OK || mp_next(&at, &map) != MP_OK ||
        map.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&at, &key) != MP_OK)
            return false;
        struct mp_cursor inside = at;
        mp_next(&inside, &v);
        mp_skip(&at);
        if (mp_is_str(&key, "kind"))
            kind = mp_is_str(&v, "submission");
        else if (mp_is_str(&key, "id"))
            q->has_id = uuid_read(&v, &q->id);
        else if (mp_is_str(&key, "studies"))
            studies = studies_read(inside, &v, q);
        else if (mp_is_str(&key, "receipt") && v.type != MP_NIL && !receipt_read(inside, &v, q))
            return false;
    }
    return kind && studies && q->has_id;
}

/* ---- the reply ---- */

static void
text_put(struct buf *b, const char *name, struct slice text)
{
    mp_put_cstr(b, name);
    mp_put_str(b, text.at, text.len);
}

static void
time_put(struct buf *b, const char *name, int64_t us)
{
    mp_put_cstr(b, name);
    mp_put_int(b, us);
}

static int
errors_put(struct buf *b, struct slice reasons)
{
    static const char *const names[] = {"pointer", "rule", "detail"};
    json_t *list = json_loadb(reasons.at, reasons.len, 0, NULL), *x;
    int full = mp_put_cstr(b, "errors") | mp_put_array(b, (uint32_t)json_array_size(list));
    size_t i;

    json_array_foreach(list, i, x)
    {
        full |= mp_put_map(b, 3);
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            const char *text = json_string_value(json_object_get(x, names[k]));
            full |= mp_put_cstr(b, names[k]);
            full |= mp_put_cstr(b, text != NULL ? text : "");
        }
    }
    json_decref(list);
    return full;
}

static void
found_write(struct buf *b, const struct status_found *f, bool errors)
{
    buf_clear(b);
    mp_put_map(b, (uint32_t)(5 + (f->questionnaire.at != NULL) + (f->version.at != NULL) +
                             (f->stored_us != TIME_NONE) + errors));
    mp_put_cstr(b, "found");
    mp_put_bool(b, true);
    text_put(b, "state", (struct slice){f->state, strlen(f->state)});
    text_put(b, "study", f->study);
    if (f->questionnaire.at != NULL)
        text_put(b, "questionnaire", f->questionnaire);
    if (f->version.at != NULL)
        text_put(b, "version", f->version);
    time_put(b, "received_us", f->received_us);
    time_put(b, "accepted_us", f->accepted_us);
    if (f->stored_us != TIME_NONE)
        time_put(b, "stored_us", f->stored_us);
}

static void
found_take(void *arg, const struct status_found *f)
{
    struct queries *q = arg;
    bool errors = f->reasons.at != NULL;

    found_write(&q->reply, f, errors);
    if (errors && errors_put(&q->reply, f->reasons) != BUF_OK)
        found_write(&q->reply, f, false); /* too long for one reply: the state still goes out */
}

static const uint8_t *
reply_seal(struct queries *q, const struct record *r, size_t *ret_size)
{
    struct seal_context context = {.service = REPLY_SERVICE,
                                   .service_len = sizeof(REPLY_SERVICE) - 1,
                                   .scope = r->scope,
                                   .scope_len = r->scope_len,
                                   .id = r->id};
    uint8_t *out;

    buf_clear(&q->sealed);
    int full = buf_reserve(&q->sealed, q->reply.size + SEAL_OVERHEAD_BYTES, &out);
    sluice_assert(full == BUF_OK);
    seal_close(q->keys, &context, q->reply.data, q->reply.size, out);
    *ret_size = q->reply.size + SEAL_OVERHEAD_BYTES;
    return out;
}

/* Answers one record; DEAD for what is no question. */
static int
question_answer(struct queries *q, const struct record *r, struct entry *e)
{
    struct seal_context context = {.service = r->service,
                                   .service_len = r->service_len,
                                   .scope = r->scope,
                                   .scope_len = r->scope_len,
                                   .id = r->id};
    struct question question = {0};
    size_t size;

    int opened = seal_open(q->keys, &context, r->body, r->body_len, &q->request);
    if (opened == SEAL_UNKNOWN_KEY)
        return STORE_OK;
    if (opened != SEAL_OK || !question_read(&q->request, &question)) {
        e->code = OUTCOME_DEAD;
        return STORE_OK;
    }
    buf_clear(&q->reply);
    mp_put_map(&q->reply, 1);
    mp_put_cstr(&q->reply, "found");
    mp_put_bool(&q->reply, false);
    int n = store_status_find(q->store, question.studies, question.n_studies, &question.id,
                              question.has_receipt ? &question.receipt : NULL, found_take, q);
    if (n != STORE_OK)
        return n;
    e->code = OUTCOME_ANSWERED;
    e->payload = reply_seal(q, r, &size);
    e->payload_len = (uint32_t)size;
    return STORE_OK;
}

static int
queries_batch(void *self, const struct service_batch *batch, struct service_report *report)
{
    struct queries *q = self;
    size_t at = 0;
    int n = STORE_OK;

    while (at < batch->size) {
        struct record r;
        if (record_read(batch->data + at, batch->size - at, &r) != RECORD_OK)
            break;
        at += r.length;
        struct entry e = {.code = OUTCOME_RETRY, .epoch = r.epoch, .seq = r.seq};
        if (n == STORE_OK)
            n = question_answer(q, &r, &e);
        if (n == STORE_SCHEMA || entry_write(&report->entries, ENTRY_KIND_REPORT, &e) != BUF_OK)
            break;
    }
    return n == STORE_ROW || n == STORE_INVALID ? STORE_OK : n;
}

const struct service queries_service = {
    .name = "queries",
    .start = queries_start,
    .stop = queries_stop,
    .ready = queries_ready,
    .batch = queries_batch,
};
