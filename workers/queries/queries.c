/* The service "queries": questions from edges, answered from PostgreSQL (and Redis where that is
 * right) by a role that only reads. Volatile messages: nothing is kept, and a question that can't
 * be answered now is said to be so at once.
 *
 * The question is sealed for service "queries" and the record's scope and id, the reply, the
 * payload of outcome "answered", for service "queries/reply" and the same scope and id. What stands
 * in them is said by question.h, reply.h and the file of each kind; kinds.def lists them. */
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"
#include "schemas/wire/record.h"
#include "workers/queries/kinds.h"
#include "workers/runtime/service.h"

#define REPLY_SERVICE "queries/reply"
#define PLAIN_MAX ((size_t)16 << 20)
#define TEXT_MAX ((size_t)16 << 20)
#define KEPT_BYTES ((size_t)1 << 20)

static const struct {
    const char *name;
    int (*ask)(struct queries *q, const struct question *x);
} kinds[] = {
#define QUERY(name, what) {#name, query_##name},
#include "workers/queries/kinds.def"
#undef QUERY
};

static void
queries_stop(void *self)
{
    struct queries *q = self;

    catalog_free(q->catalog);
    counts_free(q->counts);
    identity_wrap_free(q->wrap);
    findings_deinit(&q->findings);
    buf_deinit(&q->plain);
    buf_deinit(&q->reply);
    buf_deinit(&q->sealed);
    buf_deinit(&q->text);
    free(q);
}

static bool
wrap_load(struct queries *q, const char *path)
{
    char *why = NULL;

    if (*path == '\0' || identity_wrap_load(path, &q->wrap, &why) == 0)
        return true;
    log_event(EVENT_FATAL, LOG_S("why", why), LOG_S("path", path));
    free(why);
    return false;
}

static void *
queries_start(const struct service_env *env)
{
    struct queries *q = mem_new(1, sizeof(*q));

    q->store = env->store;
    q->keys = env->seal_keys;
    q->catalog = catalog_new();
    findings_init(&q->findings);
    buf_init(&q->plain, PLAIN_MAX);
    buf_init(&q->reply, REPLY_MAX);
    buf_init(&q->sealed, REPLY_MAX + SEAL_OVERHEAD_BYTES);
    buf_init(&q->text, TEXT_MAX);
    store_listen(q->store, CATALOG_CHANNEL);
    q->counts = counts_new(env->config);
    if (q->counts == NULL || !wrap_load(q, config_str(env->config, "worker", "wrap_key_file"))) {
        queries_stop(q);
        return NULL;
    }
    return q;
}

static int
catalog_refresh(struct queries *q)
{
    int n = store_catalog_stamp(q->store, &q->stamp);

    if (n == STORE_OK)
        n = catalog_read(q->catalog, q->store);
    if (n == STORE_OK)
        log_event(EVENT_CATALOG_READ, LOG_U("studies", catalog_studies(q->catalog)),
                  LOG_U("questionnaires", catalog_forms(q->catalog)));
    return n;
}

static int
queries_ready(void *self)
{
    return catalog_refresh(self);
}

int
queries_catalog(struct queries *q, struct slice study, struct slice questionnaire,
                struct slice version, const struct catalog_form **ret_form, enum rule *ret_rule)
{
    int64_t stamp;
    int notes = store_notifications(q->store);
    int n = notes < 0 ? STORE_RETRY : notes > 0 ? catalog_refresh(q) : STORE_OK;

    if (n != STORE_OK)
        return n;
    *ret_rule = catalog_find(q->catalog, study, questionnaire, version, ret_form);
    if (*ret_rule == RULE_COUNT)
        return STORE_OK;
    /* A load may have been committed whose notification is still on its way. */
    n = store_catalog_stamp(q->store, &stamp);
    if (n != STORE_OK || stamp == q->stamp)
        return n;
    n = catalog_refresh(q);
    if (n == STORE_OK)
        *ret_rule = catalog_find(q->catalog, study, questionnaire, version, ret_form);
    return n;
}

void
query_take(void *arg, struct slice json)
{
    struct query_taking *t = arg;

    reply_text(&t->q->reply, t->x, &(struct reply_text){.json = json.at, .len = json.len});
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

/* QUERY_NONSENSE for a kind that is not in the table, too. */
static int
question_ask(struct queries *q, const struct question *x)
{
    buf_clear(&q->reply);
    buf_trim(&q->text, KEPT_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (slice_is(x->kind, kinds[i].name))
            return kinds[i].ask(q, x);
    return QUERY_NONSENSE;
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
    struct question question;
    size_t size;

    int opened = seal_open(q->keys, &context, r->body, r->body_len, &q->plain);
    if (opened == SEAL_UNKNOWN_KEY)
        return STORE_OK;
    int n = opened == SEAL_OK && question_read(&q->plain, &question) ? question_ask(q, &question)
                                                                     : QUERY_NONSENSE;
    if (n == QUERY_NONSENSE) {
        e->code = OUTCOME_DEAD;
        return STORE_OK;
    }
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
    buf_trim(&q->plain, KEPT_BYTES);
    return n == STORE_ROW || n == STORE_INVALID ? STORE_OK : n;
}

const struct service queries_service = {
    .name = "queries",
    .start = queries_start,
    .stop = queries_stop,
    .ready = queries_ready,
    .batch = queries_batch,
};
