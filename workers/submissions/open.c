/* Nothing in the body is trusted before mp_check: the edge may be of another version, and a seal
 * only says who wrote it. */
#include "workers/submissions/open.h"

#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"
#include "workers/submissions/outcome.h"

#define WALL_MAX_US INT64_C(253402300799999999) /* the end of the year 9999 */
#define NODES_MAX (2u << 20)                    /* a body of 2 MiB has no more */

static struct slice
slice_text(const struct mp_value *v)
{
    return v->type == MP_STR ? (struct slice){v->at, v->len} : (struct slice){NULL, 0};
}

static bool
slice_equal(struct slice a, const void *b, size_t b_len)
{
    return a.at != NULL && a.len == b_len && memcmp(a.at, b, b_len) == 0;
}

/* {"user", "role"?, "organisation"?}: texts only. */
static void
actor_read(struct mp_cursor at, const struct mp_value *map, struct job *j)
{
    struct mp_value key, v;

    for (uint32_t i = 0; i < map->len; i++) {
        mp_take(&at, &key);
        struct mp_cursor value = at;
        mp_take(&value, &v);
        if (mp_is_str(&key, "user"))
            j->actor = slice_text(&v);
        else if (mp_is_str(&key, "role"))
            j->actor_role = slice_text(&v);
        else if (mp_is_str(&key, "organisation"))
            j->actor_organisation = slice_text(&v);
        mp_skip(&at);
    }
}

/* {"revision", "reason", "source"?, "kind"}; without a sound revision it is none. */
static void
correction_read(struct mp_cursor at, const struct mp_value *map, struct job *j)
{
    struct mp_value key, v;
    struct correction *c = &j->correction;

    for (uint32_t i = 0; i < map->len; i++) {
        mp_take(&at, &key);
        struct mp_cursor value = at;
        mp_take(&value, &v);
        if (mp_is_str(&key, "revision") &&
            (!mp_as_int(&v, &c->revision) || c->revision < 1 || c->revision >= INT32_MAX))
            c->revision = -1;
        else if (mp_is_str(&key, "reason"))
            c->reason = slice_text(&v);
        else if (mp_is_str(&key, "source"))
            c->source = slice_text(&v);
        else if (mp_is_str(&key, "kind"))
            c->voids = mp_is_str(&v, "entered-in-error");
        mp_skip(&at);
    }
    if (c->revision == 0 || c->reason.at == NULL)
        c->revision = -1;
}

/* A time of ours, told by whoever sealed the body; else the next best one. */
static void
times_settle(struct job *j)
{
    const struct record *r = &j->record;
    int64_t told[] = {j->received_us, r->received_us, r->accepted_us};
    size_t i = 0;

    while (i + 1 < ARRAY_LEN(told) && (told[i] < 0 || told[i] > WALL_MAX_US))
        i++;
    j->received_us = told[i];
    if (j->sent_us < 0 || j->sent_us > WALL_MAX_US)
        j->sent_us = TIME_NONE;
}

/* Reads the envelope; false: it is not of the form. */
static bool
envelope_read(struct job *j, struct slice *ret_study, struct slice *ret_id)
{
    struct mp_cursor at = {j->plain.at, (const uint8_t *)j->plain.at + j->plain.len};
    struct mp_value map, key, v;

    if (mp_next(&at, &map) != MP_OK || map.type != MP_MAP)
        return false;
    j->received_us = j->record.received_us;
    j->sent_us = TIME_NONE;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&at, &key) != MP_OK || key.type == MP_MAP || key.type == MP_ARRAY)
            return false;
        const uint8_t *begin = at.at;
        struct mp_cursor inside = at;
        if (mp_next(&inside, &v) != MP_OK)
            return false;
        if (v.type != MP_MAP && v.type != MP_ARRAY)
            at = inside;
        else if (i + 1 == map.len)
            at.at = at.end; /* the edge writes the submission last: no need to walk it */
        else if (mp_skip(&at) != MP_OK)
            return false;
        if (mp_is_str(&key, "study"))
            *ret_study = slice_text(&v);
        else if (mp_is_str(&key, "subject"))
            j->subject = slice_text(&v);
        else if (mp_is_str(&key, "id") && v.type == MP_BIN)
            *ret_id = (struct slice){v.at, v.len};
        else if (mp_is_str(&key, "received_us"))
            mp_as_int(&v, &j->received_us);
        else if (mp_is_str(&key, "submission") && v.type == MP_MAP)
            j->submission = (struct slice){begin, (size_t)(at.at - begin)};
        else if (mp_is_str(&key, "sent_us"))
            mp_as_int(&v, &j->sent_us);
        else if (mp_is_str(&key, "format"))
            j->fhir = mp_is_str(&v, "fhir");
        else if (mp_is_str(&key, "actor") && v.type == MP_MAP)
            actor_read(inside, &v, j);
        else if (mp_is_str(&key, "revise") && v.type == MP_MAP)
            correction_read(inside, &v, j);
    }
    times_settle(j);
    return j->correction.revision >= 0 && ret_study->at != NULL && ret_id->at != NULL &&
           j->subject.at != NULL && j->submission.at != NULL;
}

bool
open_job(struct batch *b, struct job *j, const struct seal_keys *keys)
{
    const struct record *r = &j->record;
    struct seal_context context = {.service = r->service,
                                   .service_len = r->service_len,
                                   .scope = r->scope,
                                   .scope_len = r->scope_len,
                                   .id = r->id};
    struct slice study = {NULL, 0}, id = {NULL, 0};

    switch (seal_open(keys, &context, r->body, r->body_len, &b->opened)) {
    case SEAL_OK:
        break;
    case SEAL_UNKNOWN_KEY:
        return false;
    default:
        outcome_dead(b, j, RULE_SEAL);
        return false;
    }
    j->plain = (struct slice){b->plain.data + b->plain.size, b->opened.size};
    if (buf_append(&b->plain, b->opened.data, b->opened.size) != BUF_OK)
        return false;
    if (mp_check(j->plain.at, j->plain.len, NODES_MAX) != MP_OK || !envelope_read(j, &study, &id)) {
        outcome_dead(b, j, RULE_BODY);
        return false;
    }
    if (!slice_equal(study, r->scope, r->scope_len) ||
        !slice_equal(id, r->id.bytes, sizeof(r->id.bytes))) {
        outcome_dead(b, j, RULE_MISMATCH);
        return false;
    }
    return true;
}
