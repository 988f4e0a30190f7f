/* Masks on reading: clear values stand in one buffer, which is wiped before the reply is written.
 */
#include "workers/queries/person.h"

#include <sodium.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

/* Where a member comes from; of two kinds that stand for one member the first one wins. */
static const struct {
    const char *kind;
    enum person_part part;
} kinds[] = {
    {"name", PERSON_NAME},
    {"phone", PERSON_PHONE},
    {"telecom", PERSON_PHONE},
    {"birthDate", PERSON_AGE},
};

struct person {
    struct queries *q;
    struct slice study, subject;
    unsigned parts;
    json_t *json;
    struct buf clear, masked;
    int opened; /* enum identity_result: the worst one */
};

static void
text_set(struct person *p, const char *member)
{
    json_object_set_new(p->json, member,
                        json_stringn((const char *)p->masked.data, p->masked.size));
}

/* A telecom may be an e-mail address, which is no phone. */
static bool
value_is_phone(struct slice value)
{
    return memchr(value.at, '@', value.len) == NULL;
}

static void
part_show(struct person *p, enum person_part part)
{
    struct slice value = {p->clear.data, p->clear.size};

    buf_clear(&p->masked);
    switch (part) {
    case PERSON_NAME:
        if (identity_mask_name(value, &p->masked) == BUF_OK)
            text_set(p, "name");
        break;
    case PERSON_PHONE:
        if (value_is_phone(value) && identity_mask_phone(value, &p->masked) == BUF_OK)
            text_set(p, "phone");
        break;
    case PERSON_AGE: {
        int age = identity_age(value, clock_wall_us());
        if (age >= 0)
            json_object_set_new(p->json, "age", json_integer(age));
        break;
    }
    }
}

static int
value_open(struct person *p, const struct identifier_found *f)
{
    struct identity_subject key;

    int n = identity_key_open(p->q->wrap, p->study, p->subject, f->key_id, f->wrapped_key, &key);
    if (n != IDENTITY_OPENED)
        return n;
    buf_clear(&p->clear);
    n = identity_value_open(&key, p->study, p->subject, f->kind, f->value_sealed, &p->clear);
    sodium_memzero(&key, sizeof(key));
    return n;
}

static void
identifier_take(void *arg, const struct identifier_found *f)
{
    struct person *p = arg;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!slice_is(f->kind, kinds[i].kind) || (p->parts & kinds[i].part) == 0)
            continue;
        int n = value_open(p, f);
        if (n != IDENTITY_OPENED)
            p->opened = n;
        else if (kinds[i].part != PERSON_PHONE || strcmp(kinds[i].kind, "phone") == 0 ||
                 json_is_null(json_object_get(p->json, "phone")))
            part_show(p, kinds[i].part);
    }
}

int
person_add(struct queries *q, struct slice study, struct slice subject, unsigned parts,
           json_t *json, bool *ret_shown)
{
    struct person p = {.q = q, .study = study, .subject = subject, .parts = parts, .json = json};

    *ret_shown = true;
    if (q->wrap == NULL)
        return STORE_OK;
    buf_init(&p.clear, IDENTITY_VALUE_MAX + 1); /* the opener asks for one more */
    buf_init(&p.masked, IDENTITY_VALUE_MAX);
    int n = store_identifiers_read(q->store, study, subject, identifier_take, &p);
    if (p.clear.data != NULL)
        sodium_memzero(p.clear.data, p.clear.cap);
    buf_deinit(&p.clear);
    buf_deinit(&p.masked);
    *ret_shown = p.opened == IDENTITY_OPENED;
    if (!*ret_shown)
        log_event(EVENT_IDENTITY_CLOSED,
                  LOG_S("why", p.opened == IDENTITY_KEY_UNKNOWN ? "key" : "broken"));
    return n;
}

void
person_reply(struct queries *q, const struct question *x, const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    sluice_assert(text != NULL);
    reply_text(&q->reply, x, &(struct reply_text){.json = text, .len = strlen(text)});
    free(text);
}
