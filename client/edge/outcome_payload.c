/* Keys are told apart by length first: of thirteen names few share one. */
#include "client/edge/outcome_payload.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/json_text.h"
#include "client/edge/json_value.h"
#include "schemas/wire/entry.h"

#define PAYLOAD_NODES_MAX 100000

enum shown { HIDDEN, SHOWN };

static const struct {
    const char *key;
    uint32_t len;
    enum shown shown;
} members[PAYLOAD_MEMBER_COUNT] = {
#define PAYLOAD_MEMBER(NAME, text, where) [PAYLOAD_##NAME] = {text, sizeof(text) - 1, where},
#include "client/edge/outcome_payload.def"
#undef PAYLOAD_MEMBER
};

static int
member_find(const struct mp_value *key)
{
    for (int i = 0; key->type == MP_STR && i < PAYLOAD_MEMBER_COUNT; i++)
        if (members[i].len == key->len && memcmp(members[i].key, key->at, key->len) == 0)
            return i;
    return -1;
}

void
outcome_payload_read(const uint8_t *data, size_t size, struct outcome_payload *ret)
{
    struct mp_cursor c = {data, data + size};
    struct mp_value head, key;

    *ret = (struct outcome_payload){0};
    if (size > ENTRY_PAYLOAD_MAX || mp_check(data, size, PAYLOAD_NODES_MAX) != MP_OK ||
        mp_next(&c, &head) != MP_OK || head.type != MP_MAP)
        return;
    for (uint32_t i = 0; i < head.len; i++) {
        struct mp_cursor at_key = c;
        if (mp_skip(&c) != MP_OK || mp_next(&at_key, &key) != MP_OK)
            return;
        const uint8_t *begin = c.at;
        if (mp_skip(&c) != MP_OK)
            return;
        int m = member_find(&key);
        if (m >= 0)
            ret->members[m] = (struct mp_cursor){begin, c.at};
    }
}

static bool
member_get(const struct outcome_payload *p, enum payload_member m, struct mp_value *ret_value)
{
    struct mp_cursor c = p->members[m];

    return c.at != NULL && mp_next(&c, ret_value) == MP_OK;
}

bool
outcome_payload_uint(const struct outcome_payload *p, enum payload_member m, uint64_t *ret)
{
    struct mp_value v;

    return member_get(p, m, &v) && mp_as_uint(&v, ret);
}

bool
outcome_payload_bool(const struct outcome_payload *p, enum payload_member m, bool otherwise)
{
    struct mp_value v;

    return member_get(p, m, &v) && v.type == MP_BOOL ? v.boolean : otherwise;
}

bool
outcome_payload_text(const struct outcome_payload *p, enum payload_member m, const char **ret,
                     size_t *ret_len)
{
    struct mp_value v;

    if (!member_get(p, m, &v) || v.type != MP_STR)
        return false;
    *ret = (const char *)v.at;
    *ret_len = v.len;
    return true;
}

void
outcome_payload_write(struct buf *b, const struct outcome_payload *p)
{
    for (unsigned i = 0; i < PAYLOAD_MEMBER_COUNT; i++) {
        struct mp_cursor c = p->members[i];
        if (c.at == NULL || members[i].shown == HIDDEN)
            continue;
        json_put(b, ",\"");
        json_put_n(b, members[i].key, members[i].len);
        json_put(b, "\":");
        json_put_value(b, &c);
    }
}

/* One error: the three that every one has, then what only some have. */
static void
error_write(struct buf *b, const uint8_t *map, size_t size)
{
    static const char *const texts[] = {"pointer", "rule", "detail"};
    struct mp_cursor c = {map, map + size};
    struct mp_value head, key, v;
    const char *s;
    size_t len;

    for (unsigned k = 0; k < ARRAY_LEN(texts); k++) {
        if (!mp_find_str(map, size, texts[k], &s, &len))
            len = 0;
        json_put(b, k > 0 ? ",\"" : "{\"");
        json_put(b, texts[k]);
        json_put(b, "\":");
        json_put_string(b, len > 0 ? s : "", len);
    }
    if (mp_next(&c, &head) != MP_OK || head.type != MP_MAP)
        head.len = 0;
    for (uint32_t i = 0; i < head.len; i++) {
        struct mp_cursor at_key = c;
        if (mp_skip(&c) != MP_OK || mp_next(&at_key, &key) != MP_OK)
            break;
        struct mp_cursor value = c;
        if (mp_skip(&c) != MP_OK || mp_next(&at_key, &v) != MP_OK)
            break;
        bool link = mp_is_str(&key, "linkId") && v.type == MP_STR;
        bool params = mp_is_str(&key, "params") && v.type == MP_MAP;
        if (!link && !params)
            continue;
        json_put(b, link ? ",\"linkId\":" : ",\"params\":");
        json_put_value(b, &value);
    }
    json_put(b, "}");
}

void
outcome_errors_write(struct buf *b, struct mp_cursor c, uint32_t n)
{
    json_put(b, ",\"errors\":[");
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *start = c.at;
        if (mp_skip(&c) != MP_OK)
            break;
        if (i > 0)
            json_put(b, ",");
        error_write(b, start, (size_t)(c.at - start));
    }
    json_put(b, "]");
}

bool
outcome_payload_broken(const struct outcome_payload *p, const char *rule)
{
    struct mp_cursor c = p->members[PAYLOAD_ERRORS];
    struct mp_value list;
    const char *text;
    size_t len;

    if (c.at == NULL || mp_next(&c, &list) != MP_OK || list.type != MP_ARRAY)
        return outcome_payload_text(p, PAYLOAD_RULE, &text, &len) && len == strlen(rule) &&
               memcmp(text, rule, len) == 0;
    for (uint32_t i = 0; i < list.len; i++) {
        const uint8_t *begin = c.at;
        if (mp_skip(&c) != MP_OK)
            break;
        if (mp_find_str(begin, (size_t)(c.at - begin), "rule", &text, &len) &&
            len == strlen(rule) && memcmp(text, rule, len) == 0)
            return true;
    }
    return false;
}

void
outcome_payload_errors(struct buf *b, const struct outcome_payload *p, const char *detail)
{
    struct mp_cursor c = p->members[PAYLOAD_ERRORS];
    struct mp_value v;
    const char *rule;
    size_t len;

    if (c.at != NULL && mp_next(&c, &v) == MP_OK && v.type == MP_ARRAY) {
        outcome_errors_write(b, c, v.len);
        return;
    }
    json_put(b, ",\"errors\":[");
    if (outcome_payload_text(p, PAYLOAD_RULE, &rule, &len)) {
        json_put(b, "{\"pointer\":\"\",\"rule\":");
        json_put_string(b, rule, len);
        json_put(b, ",\"detail\":");
        json_put_string(b, detail, strlen(detail));
        json_put(b, "}");
    }
    json_put(b, "]");
}
