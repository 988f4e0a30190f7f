/* The verb shape: how many messages of a service are how old, by study, state or reason. An answer
 * covers one step of a walk over all messages; whoever asks adds the steps up.
 *
 * What a step may cost, however much waits: SLICE_SLOTS messages looked at; where the study is
 * wanted, which stands in the record only, SLICE_US and the reading of one record; and no more than
 * ADMIN_PAGE_MAX groups. Between two steps the broker does its turn. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/reactor/admin.h"

#define SLICE_SLOTS 16384
#define SLICE_US (2 * US_PER_MS)
#define AGES 12 /* below 1 s, 1–2 s, … 512–1024 s, older */
#define TABLE_SLOTS 2048
_Static_assert(TABLE_SLOTS >= 2 * ADMIN_PAGE_MAX, "a search ends at a free slot");

enum shape_by { BY_STUDY, BY_STATE, BY_REASON };

struct group {
    char name[RECORD_SCOPE_MAX];
    uint8_t name_len;
    enum message_state state;
    int64_t oldest_us;
    uint64_t ages[AGES];
};

struct shape {
    struct broker *b;
    enum shape_by by;
    int64_t until_us;
    bool begun; /* a step takes one message at least, however late it is: the walk comes to its end
                 */
    struct group *groups; /* ADMIN_PAGE_MAX */
    size_t n;
    uint16_t table[TABLE_SLOTS]; /* group + 1 by hash of name and state; 0: free */
};

/* NULL: there are as many groups as an answer holds. */
static struct group *
group_find(struct shape *s, const char *name, size_t len, enum message_state state)
{
    uint32_t slot = (crc32c(name, len) ^ (uint32_t)state * 0x9e3779b1u) % TABLE_SLOTS;

    for (; s->table[slot] != 0; slot = (slot + 1) % TABLE_SLOTS) {
        struct group *g = &s->groups[s->table[slot] - 1];
        if (g->state == state && g->name_len == len && memcmp(g->name, name, len) == 0)
            return g;
    }
    if (s->n == ADMIN_PAGE_MAX)
        return NULL;
    struct group *g = &s->groups[s->n++];
    s->table[slot] = (uint16_t)s->n;
    memcpy(g->name, name, len);
    g->name_len = (uint8_t)len;
    g->state = state;
    return g;
}

static const char *
reason_text(const struct broker *b, const struct message_view *v)
{
    if (v->state == MESSAGE_PARKED)
        return admin_dead_reason(b, v);
    if (v->state == MESSAGE_DELAYED)
        return "retried later";
    if (v->flags & RECORD_ALONE)
        return "alone: its worker died";
    /* attempt counts deliveries, the one that is under way, too. */
    return v->attempt > (v->state == MESSAGE_LEASED) ? "tried before" : "first attempt";
}

static size_t
age_bucket(int64_t age_us)
{
    size_t bucket = 0;

    for (int64_t s = age_us / US_PER_S; s > 0 && bucket < AGES - 1; s >>= 1)
        bucket++;
    return bucket;
}

static bool
message_count(void *arg, const struct message_view *v)
{
    struct shape *s = arg;
    struct record r = {.scope = ""};
    const char *name = "";
    size_t len = 0;

    if (s->by == BY_STUDY) {
        if (s->begun && clock_mono_us() > s->until_us)
            return false;
        s->begun = true;
        if (!broker_record(s->b, v, &r))
            return s->b->fatal == 0; /* a volatile body that is gone: as if it were, too */
        name = r.scope;
        len = r.scope_len;
    } else if (s->by == BY_REASON) {
        name = reason_text(s->b, v);
        len = strlen(name);
    }
    struct group *g = group_find(s, name, len, v->state);
    if (g == NULL)
        return false;
    g->ages[age_bucket(v->age_us)]++;
    if (v->age_us > g->oldest_us)
        g->oldest_us = v->age_us;
    return true;
}

static void
row_group(struct reply *reply, const struct group *g)
{
    struct buf *row = reply_row(reply, 4);

    row_texts(row, "name", g->name, g->name_len);
    row_text(row, "state", admin_state_text(g->state));
    row_uint(row, "oldest_us", (uint64_t)g->oldest_us);
    mp_put_cstr(row, "ages");
    mp_put_array(row, AGES);
    for (size_t i = 0; i < AGES; i++)
        mp_put_uint(row, g->ages[i]);
}

static bool
request_by(const struct message *request, enum shape_by *ret)
{
    static const char *const names[] = {
        [BY_STUDY] = "study", [BY_STATE] = "state", [BY_REASON] = "reason"};
    char name[16];

    for (size_t i = 0; header_text(request, "by", name, sizeof(name)) && i < ARRAY_LEN(names);
         i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *ret = (enum shape_by)i;
        return true;
    }
    return false;
}

enum admin_status
admin_shape(struct broker *b, const struct message *request, struct reply *reply)
{
    uint32_t from = (uint32_t)request_uint(request, "after", 0, UINT32_MAX);
    uint32_t service;
    enum shape_by by;

    if (!request_service(b, request, &service)) {
        reply->detail = "no such service";
        return ADMIN_NOT_FOUND;
    }
    if (!request_by(request, &by)) {
        reply->detail = "by must be study, state or reason";
        return ADMIN_BAD_ARGUMENT;
    }
    struct shape *s = mem_new(1, sizeof(*s));
    s->b = b;
    s->by = by;
    s->groups = mem_new(ADMIN_PAGE_MAX, sizeof(*s->groups));
    s->until_us = clock_mono_us() + SLICE_US;
    uint32_t next = core_walk(b->core, service, b->now_us, from, SLICE_SLOTS, message_count, s);
    for (size_t i = 0; i < s->n; i++)
        row_group(reply, &s->groups[i]);
    reply->more = next != CORE_NOBODY;
    reply->next = reply->more ? next : 0;
    free(s->groups);
    free(s);
    return ADMIN_OK;
}
