/* Members leave a transcoded body by closing the gap: the outermost object's head has a fixed size,
 * and the members stand behind it one after the other. */
#include "client/edge/revision.h"

#include <string.h>

#include "client/edge/json_scalar.h"

#define HEAD_BYTES 3

bool
revision_match_parse(const char *s, size_t len, uint32_t *ret_number)
{
    uint64_t number = 0;

    if (len >= 2 && *s == '"' && s[len - 1] == '"') {
        s++;
        len -= 2;
    }
    if (len == 0 || len > 10 || *s == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(s[i] - '0');
    }
    if (number > REVISION_NUMBER_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

/* The index of the member called name; n_members: it is not there. */
static uint32_t
member_find(const struct json *j, const uint8_t *body, const char *name)
{
    uint32_t n = j->n_members < JSON_MEMBERS_MAX ? j->n_members : JSON_MEMBERS_MAX;

    for (uint32_t i = 0; i < n; i++)
        if (j->members[i].key_len == strlen(name) &&
            memcmp(body + j->members[i].key_at, name, strlen(name)) == 0)
            return i;
    return j->n_members;
}

static void
member_remove(struct json *j, struct buf *body, uint32_t i)
{
    uint32_t begin = i == 0 ? HEAD_BYTES : j->members[i - 1].value_end;
    uint32_t end = j->members[i].value_end, gone = end - begin;

    memmove(body->data + begin, body->data + end, body->size - end);
    body->size -= gone;
    for (uint32_t k = i + 1; k < j->n_members; k++) {
        struct json_member *m = &j->members[k];
        j->members[k - 1] = (struct json_member){m->key_at - gone, m->key_len, m->value_at - gone,
                                                 m->value_end - gone};
    }
    j->n_members--;
    be16_write(body->data + 1, j->n_members);
}

/* Copies member name out and removes it. */
static bool
text_take(struct json *j, struct buf *body, const char *name, const char *pointer,
          struct revision_text *ret, struct problem_error *e)
{
    uint32_t i = member_find(j, body->data, name);
    struct mp_value v;

    ret->len = 0;
    if (i == j->n_members)
        return true;
    struct mp_cursor c = {body->data + j->members[i].value_at,
                          body->data + j->members[i].value_end};
    if (mp_next(&c, &v) != MP_OK || v.type != MP_STR || v.len == 0)
        return problem_error_set(e, pointer, "wrong-type", "must be a string, not empty");
    if (v.len > REVISION_TEXT_MAX)
        return problem_error_set(e, pointer, "too-long", "is too long");
    memcpy(ret->text, v.at, v.len);
    ret->len = v.len;
    member_remove(j, body, i);
    return true;
}

static bool
status_voids(const struct json *j, const uint8_t *body)
{
    uint32_t i = member_find(j, body, "status");
    struct mp_value v;

    if (i == j->n_members)
        return false;
    struct mp_cursor c = {body + j->members[i].value_at, body + j->members[i].value_end};
    return mp_next(&c, &v) == MP_OK && mp_is_str(&v, "entered-in-error");
}

bool
revision_take(struct json *j, struct buf *submission, struct revision *ret_revision,
              struct problem_error *ret_error)
{
    if (*submission->data != 0xde)
        return problem_error_set(ret_error, "", "body-not-object",
                                 "the body must be a JSON object");
    if (j->n_members > JSON_MEMBERS_MAX)
        return problem_error_set(ret_error, "", "unknown-member", "has a member that is not known");
    if (!text_take(j, submission, "reason", "/reason", &ret_revision->reason, ret_error) ||
        !text_take(j, submission, "source", "/source", &ret_revision->source, ret_error))
        return false;
    if (ret_revision->reason.len == 0)
        return problem_error_set(ret_error, "/reason", "missing-member", "is required");
    ret_revision->voids = status_voids(j, submission->data);
    return true;
}

/* The bytes of the member called name of the map at the front of data; false: it is not there. */
static bool
value_find(struct mp_cursor data, const char *name, struct mp_cursor *ret_value)
{
    struct mp_value map, key;

    if (mp_next(&data, &map) != MP_OK || map.type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < map.len; i++) {
        if (mp_next(&data, &key) != MP_OK)
            return false;
        const uint8_t *begin = data.at;
        if (mp_skip(&data) != MP_OK)
            return false;
        if (mp_is_str(&key, name)) {
            *ret_value = (struct mp_cursor){begin, data.at};
            return true;
        }
    }
    return false;
}

typedef bool extension_fn(struct revision *r, const struct mp_value *url, struct mp_cursor whole,
                          struct problem_error *e);

/* Calls take for each Extension of the map's "extension" that has a url; false: take said so. */
static bool
extensions_walk(struct mp_cursor map, extension_fn *take, struct revision *r,
                struct problem_error *e)
{
    struct mp_cursor list, value;
    struct mp_value array, url;

    if (!value_find(map, "extension", &list) || mp_next(&list, &array) != MP_OK ||
        array.type != MP_ARRAY)
        return true;
    for (uint32_t i = 0; i < array.len; i++) {
        struct mp_cursor whole = list;
        if (mp_skip(&list) != MP_OK)
            return true;
        whole.end = list.at;
        if (value_find(whole, "url", &value) && mp_next(&value, &url) == MP_OK &&
            !take(r, &url, whole, e))
            return false;
    }
    return true;
}

/* "reason" or "source" with its valueString, each once. */
static bool
part_take(struct revision *r, const struct mp_value *url, struct mp_cursor whole,
          struct problem_error *e)
{
    struct revision_text *to = mp_is_str(url, "reason")   ? &r->reason
                               : mp_is_str(url, "source") ? &r->source
                                                          : NULL;
    struct mp_cursor value;
    struct mp_value v;

    if (to == NULL || to->len > 0)
        return problem_error_set(e, "/extension", "unknown-member",
                                 "the correction has one reason, at most one source, nothing else");
    if (!value_find(whole, "valueString", &value) || mp_next(&value, &v) != MP_OK ||
        v.type != MP_STR || v.len == 0)
        return problem_error_set(e, "/extension", "wrong-type",
                                 "each part of the correction is a valueString, not empty");
    if (v.len > REVISION_TEXT_MAX)
        return problem_error_set(e, "/extension", "too-long", "is too long");
    memcpy(to->text, v.at, v.len);
    to->len = v.len;
    return true;
}

static bool
extension_take(struct revision *r, const struct mp_value *url, struct mp_cursor whole,
               struct problem_error *e)
{
    return !mp_is_str(url, REVISION_EXTENSION) || extensions_walk(whole, part_take, r, e);
}

bool
revision_read(const uint8_t *resource, size_t size, struct revision *ret_revision,
              struct problem_error *ret_error)
{
    struct mp_cursor whole = {resource, resource + size}, value;
    struct mp_value v;

    ret_revision->reason.len = ret_revision->source.len = 0;
    if (!extensions_walk(whole, extension_take, ret_revision, ret_error))
        return false;
    if (ret_revision->reason.len == 0)
        return problem_error_set(ret_error, "/extension", "missing-member",
                                 "must say the reason, in the extension correction");
    ret_revision->voids = value_find(whole, "status", &value) && mp_next(&value, &v) == MP_OK &&
                          mp_is_str(&v, "entered-in-error");
    return true;
}
