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
