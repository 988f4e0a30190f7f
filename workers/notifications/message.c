/* One table of members: each says where its value goes and how long it may be. */
#include "workers/notifications/message.h"

#include <string.h>

#include "base/error.h"
#include "schemas/wire/mp.h"

#define NODES_MAX 256

struct member {
    const char *name;
    size_t offset;
    uint32_t max;
};

#define TEXT(name, field, max)                                                                     \
    {                                                                                              \
        name, offsetof(struct notice, field), max                                                  \
    }
static const struct member texts[] = {
    TEXT("study", study, NOTICE_CODE_MAX), TEXT("subject", subject, NOTICE_CODE_MAX),
    TEXT("rule", rule, NOTICE_CODE_MAX),   TEXT("severity", severity, NOTICE_CODE_MAX),
    TEXT("note", note, NOTICE_NOTE_MAX),
};
static const struct member actor_texts[] = {
    TEXT("user", actor, NOTICE_NAME_MAX),
    TEXT("role", role, NOTICE_NAME_MAX),
    TEXT("organisation", organisation, NOTICE_NAME_MAX),
};
#undef TEXT

/* False for a text that is too long, has a zero byte (PostgreSQL's text can't), or is none. */
static bool
text_take(struct notice *n, const struct member *m, const struct mp_value *v)
{
    if (v->type == MP_NIL)
        return true;
    if (v->type != MP_STR || v->len > m->max || memchr(v->at, 0, v->len) != NULL)
        return false;
    *(struct slice *)(void *)((uint8_t *)n + m->offset) = (struct slice){v->at, v->len};
    return true;
}

static const struct member *
member_find(const struct member *list, size_t n, const struct mp_value *key)
{
    for (size_t i = 0; i < n; i++) {
        if (mp_is_str(key, list[i].name))
            return &list[i];
    }
    return NULL;
}

static bool
actor_read(struct mp_cursor at, const struct mp_value *map, struct notice *n)
{
    if (map->type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map->len; i++) {
        struct mp_value key, v;
        if (mp_next(&at, &key) != MP_OK)
            return false;
        struct mp_cursor inside = at;
        if (mp_next(&inside, &v) != MP_OK || mp_skip(&at) != MP_OK)
            return false;
        const struct member *m = member_find(actor_texts, ARRAY_LEN(actor_texts), &key);
        if (m != NULL && !text_take(n, m, &v))
            return false;
    }
    return true;
}

static bool
id_take(const struct mp_value *v, struct uuid *ret_id)
{
    if (v->type != MP_BIN || v->len != sizeof(ret_id->bytes))
        return false;
    memcpy(ret_id->bytes, v->at, sizeof(ret_id->bytes));
    return true;
}

struct seen {
    bool kind, alert, action, at, raised;
};

static bool
member_take(struct notice *n, struct seen *seen, const struct mp_value *key,
            const struct mp_value *v, struct mp_cursor inside)
{
    const struct member *m = member_find(texts, ARRAY_LEN(texts), key);

    if (m != NULL)
        return text_take(n, m, v);
    if (mp_is_str(key, "kind")) {
        n->is_action = mp_is_str(v, "action");
        seen->kind = n->is_action || mp_is_str(v, "alert");
        return seen->kind;
    }
    if (mp_is_str(key, "alert_id"))
        return seen->alert = id_take(v, &n->alert);
    if (mp_is_str(key, "submission_id"))
        return v->type == MP_NIL || (n->has_submission = id_take(v, &n->submission));
    if (mp_is_str(key, "action")) {
        n->closes = mp_is_str(v, "close");
        return seen->action = n->closes || mp_is_str(v, "acknowledge");
    }
    if (mp_is_str(key, "actor"))
        return actor_read(inside, v, n);
    if (mp_is_str(key, "at_us"))
        return seen->at = mp_as_int(v, &n->at_us);
    if (mp_is_str(key, "raised_us"))
        return seen->raised = mp_as_int(v, &n->raised_us);
    return true;
}

static bool
severity_is_known(struct slice s)
{
    static const char *const known[] = {"info", "warning", "urgent"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (s.len == strlen(known[i]) && memcmp(s.at, known[i], s.len) == 0)
            return true;
    }
    return false;
}

int
notice_read(const uint8_t *body, size_t size, const struct record *r, struct notice *ret_notice)
{
    struct mp_cursor at = {body, body + size};
    struct mp_value map, key, v;
    struct notice n = {0};
    struct seen seen = {0};

    if (mp_check(body, size, NODES_MAX) != MP_OK || mp_next(&at, &map) != MP_OK ||
        map.type != MP_MAP)
        return NOTICE_BAD;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&at, &key) != MP_OK)
            return NOTICE_BAD;
        struct mp_cursor inside = at;
        if (mp_next(&inside, &v) != MP_OK || mp_skip(&at) != MP_OK ||
            !member_take(&n, &seen, &key, &v, inside))
            return NOTICE_BAD;
    }
    struct slice scope = {r->scope, r->scope_len};
    if (n.study.at == NULL)
        n.study = scope;
    if (n.study.len != scope.len || memcmp(n.study.at, scope.at, scope.len) != 0)
        return NOTICE_BAD;
    if (!seen.kind || !seen.alert)
        return NOTICE_BAD;
    if (n.is_action ? !seen.action || !seen.at || n.actor.at == NULL
                    : !seen.raised || n.rule.at == NULL || !severity_is_known(n.severity))
        return NOTICE_BAD;
    *ret_notice = n;
    return NOTICE_OK;
}
