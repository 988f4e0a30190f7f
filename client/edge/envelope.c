/* Checks the outermost object from what the transcoder remembered of it, and the few small objects
 * in it by a cursor. */
#include "client/edge/envelope.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/instant.h"

enum kind { STRING, INSTANT, OBJECT, ARRAY };

static const struct {
    const char *name;
    uint32_t len;
    enum kind kind;
    const char *children;
} members[ENVELOPE_MEMBER_COUNT] = {
#define ENVELOPE_MEMBER(NAME, text, what, inner)                                                   \
    [ENVELOPE_##NAME] = {text, sizeof(text) - 1, what, inner},
#include "client/edge/envelope.def"
#undef ENVELOPE_MEMBER
};

static int
member_find(const uint8_t *key, uint32_t len)
{
    for (int i = 0; i < ENVELOPE_MEMBER_COUNT; i++)
        if (members[i].len == len && memcmp(members[i].name, key, len) == 0)
            return i;
    return -1;
}

/* Is key one of the words in children? */
static bool
child_is_known(const char *children, const uint8_t *key, uint32_t len)
{
    while (*children != '\0') {
        size_t n = strcspn(children, " ");
        if (n == len && memcmp(children, key, len) == 0)
            return true;
        children += n;
        children += *children == ' ';
    }
    return false;
}

/* Refuses member i, or the member of it that is named by child. */
static bool
member_refuse(int i, const struct mp_value *child, const char *rule, const char *detail,
              struct problem_error *e)
{
    char pointer[PROBLEM_POINTER_SIZE];

    if (child == NULL)
        snprintf(pointer, sizeof(pointer), "/%s", members[i].name);
    else
        snprintf(pointer, sizeof(pointer), "/%s/%.*s", members[i].name, (int)child->len,
                 (const char *)child->at);
    return problem_error_set(e, pointer, rule, detail);
}

static bool
object_check(int i, struct mp_cursor c, uint32_t pairs, struct problem_error *e)
{
    struct mp_value key, value;

    for (uint32_t n = 0; n < pairs; n++) {
        if (mp_next(&c, &key) != MP_OK || !child_is_known(members[i].children, key.at, key.len))
            return member_refuse(i, NULL, "unknown-member", "has a member that is not known", e);
        if (mp_next(&c, &value) != MP_OK || value.type != MP_STR)
            return member_refuse(i, &key, "wrong-type", "must be a string", e);
        if (value.len > MEMBER_TEXT_MAX)
            return member_refuse(i, &key, "too-long", "is too long", e);
    }
    return true;
}

static bool
value_check(int i, struct mp_cursor c, struct mp_value *v, struct problem_error *e)
{
    if (mp_next(&c, v) != MP_OK)
        return member_refuse(i, NULL, "wrong-type", "is no value", e);
    switch (members[i].kind) {
    case STRING:
    case INSTANT:
        if (v->type != MP_STR)
            return member_refuse(i, NULL, "wrong-type", "must be a string", e);
        if (v->len > MEMBER_TEXT_MAX)
            return member_refuse(i, NULL, "too-long", "is too long", e);
        if (members[i].kind == INSTANT && !instant_is_sane((const char *)v->at, v->len))
            return member_refuse(i, NULL, "wrong-type",
                                 "must be a date-time with seconds and a zone (RFC 3339)", e);
        return true;
    case ARRAY:
        return v->type == MP_ARRAY || member_refuse(i, NULL, "wrong-type", "must be an array", e);
    case OBJECT:
        if (v->type != MP_MAP && i == ENVELOPE_ANSWERS)
            return member_refuse(i, NULL, "answers-not-object",
                                 "must be a JSON object, not a text or another type", e);
        if (v->type != MP_MAP)
            return member_refuse(i, NULL, "wrong-type", "must be an object", e);
        return *members[i].children == '*' || object_check(i, c, v->len, e);
    }
    return true;
}

static void
envelope_note(struct envelope *envelope, int i, const struct mp_value *v)
{
    struct envelope_text text = {.at = (const char *)v->at, .len = v->len};

    if (i == ENVELOPE_SUBJECT_ID)
        envelope->subject = text;
    else if (i == ENVELOPE_STUDY)
        envelope->study = text;
    else if (i == ENVELOPE_ID)
        envelope->id = text;
    else if (i == ENVELOPE_SUBMIT_AT)
        envelope->has_submit_at = true;
    else if (i == ENVELOPE_SENT_AT)
        envelope->has_sent_at = true;
    else if (i == ENVELOPE_OCCASION)
        envelope->has_occasion = true;
}

static bool
missing_check(const bool seen[], const struct envelope *envelope, struct problem_error *e)
{
    if (!seen[ENVELOPE_SUBJECT_ID])
        return problem_error_set(e, "/subjectId", "missing-member", "is required");
    if (envelope->subject.len == 0 || envelope->subject.len > SUBJECT_BYTES_MAX)
        return problem_error_set(e, "/subjectId", "wrong-type", "must have 1 to 128 bytes");
    if (!seen[ENVELOPE_ANSWERS])
        return problem_error_set(e, "/answers", "missing-member", "is required");
    return true;
}

bool
envelope_check(const struct json *j, const uint8_t *body, struct envelope *ret_envelope,
               struct problem_error *ret_error)
{
    struct envelope envelope = {0};
    bool seen[ENVELOPE_MEMBER_COUNT] = {false};

    if (*body != 0xde) /* map 16, the only head the transcoder writes for objects */
        return problem_error_set(ret_error, "", "body-not-object",
                                 "the body must be a JSON object");
    for (uint32_t n = 0; n < j->n_members; n++) {
        const struct json_member *m = &j->members[n];
        int i = n < JSON_MEMBERS_MAX ? member_find(body + m->key_at, m->key_len) : -1;
        if (i < 0)
            return problem_error_set(ret_error, "", "unknown-member",
                                     "has a member that is not known");
        struct mp_cursor c = {body + m->value_at, body + m->value_end};
        struct mp_value v;
        if (!value_check(i, c, &v, ret_error))
            return false;
        seen[i] = true;
        envelope_note(&envelope, i, &v);
    }
    if (!missing_check(seen, &envelope, ret_error))
        return false;
    *ret_envelope = envelope;
    return true;
}

void
envelope_fault(const struct json *j, enum json_fault fault, const uint8_t *body,
               struct problem_error *ret_error)
{
    int i = -1;

    problem_error_set(ret_error, "", json_fault_rule(fault), json_fault_detail(fault));
    ret_error->at = (long)j->fault_at;
    if (j->depth > 0 && j->frames[0].is_map && j->frames[0].count > 0)
        i = member_find(body + j->frames[0].key_at, j->frames[0].key_len);
    if (i < 0)
        return;
    int n = snprintf(ret_error->pointer, sizeof(ret_error->pointer), "/%s", members[i].name);
    if (j->depth < 2 || *members[i].children == '*' || !j->frames[1].is_map ||
        j->frames[1].count == 0)
        return;
    const struct json_frame *f = &j->frames[1];
    if (child_is_known(members[i].children, body + f->key_at, f->key_len))
        snprintf(ret_error->pointer + n, sizeof(ret_error->pointer) - (size_t)n, "/%.*s",
                 (int)f->key_len, (const char *)body + f->key_at);
}
