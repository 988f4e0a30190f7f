/* Nothing is copied. A short form has no member but these; of a QuestionnaireResponse only the
 * members named in the table are looked at, all others are questionnaire/'s or nobody's. */
#include "workers/submissions/envelope.h"

#include <string.h>

#include "questionnaire/moment.h"
#include "schemas/wire/mp.h"

#define POINTER_MAX 64

static const struct {
    const char *name, *fhir;
    enum mp_type type;
    uint32_t len, fhir_len;
} members[] = {
#define MEMBER(NAME, name, fhir, TYPE)                                                             \
    [MEMBER_##NAME] = {name, fhir, MP_##TYPE, sizeof(name) - 1, sizeof(fhir) - 1},
#include "workers/submissions/members.def"
#undef MEMBER
};

void
envelope_finding(struct batch *b, const struct job *j, enum rule rule, enum member m,
                 const char *parameter)
{
    char pointer[POINTER_MAX] = "/";
    const char *name = j->fhir ? members[m].fhir : members[m].name;
    size_t n = strlen(name);

    memcpy(pointer + 1, name, n);
    findings_add(&b->findings, rule, pointer, n > 0 ? n + 1 : 0, parameter);
}

static enum member
member_find(const struct mp_value *key, bool fhir)
{
    for (enum member m = 0; m < MEMBER_COUNT; m++) {
        uint32_t len = fhir ? members[m].fhir_len : members[m].len;
        if (len == key->len && len > 0 &&
            memcmp(key->at, fhir ? members[m].fhir : members[m].name, len) == 0)
            return m;
    }
    return MEMBER_COUNT;
}

static void
member_take(struct batch *b, const struct job *j, struct envelope *e, enum member m,
            const struct mp_value *v, struct slice raw)
{
    if (v->type == MP_NIL && m != MEMBER_ANSWERS)
        return; /* null is as good as absent */
    if (v->type != members[m].type) {
        envelope_finding(b, j, RULE_ENVELOPE_TYPE, m, NULL);
        return;
    }
    e->raw[m] = raw;
    if (v->type == MP_STR)
        e->text[m] = (struct slice){v->at, v->len};
}

void
envelope_read(struct batch *b, const struct job *j, struct envelope *ret)
{
    struct mp_cursor at = {j->submission.at, (const uint8_t *)j->submission.at + j->submission.len};
    struct mp_value map, key, v;

    *ret = (struct envelope){0};
    mp_take(&at, &map);
    for (uint32_t i = 0; i < map.len; i++) {
        mp_take(&at, &key);
        struct slice raw = {at.at, 0};
        struct mp_cursor inside = at;
        mp_take(&inside, &v);
        if (v.type != MP_MAP && v.type != MP_ARRAY)
            at = inside;
        else if (i + 1 == map.len)
            at.at = at.end; /* nearly always the answers */
        else
            mp_skip(&at);
        raw.len = (size_t)(at.at - (const uint8_t *)raw.at);
        enum member m = key.type == MP_STR ? member_find(&key, j->fhir) : MEMBER_COUNT;
        if (m < MEMBER_COUNT)
            member_take(b, j, ret, m, &v, raw);
        else if (!j->fhir)
            findings_add(&b->findings, RULE_UNKNOWN_ITEM, "", 0, NULL);
    }
    if (ret->raw[MEMBER_ANSWERS].at == NULL && !j->fhir)
        envelope_finding(b, j, RULE_REQUIRED, MEMBER_ANSWERS, NULL);
}

int64_t
envelope_moment(struct batch *b, const struct job *j, const struct envelope *e, enum member m,
                char ret_zone[])
{
    int64_t us = TIME_NONE;

    if (e->text[m].at == NULL)
        return TIME_NONE;
    switch (moment_parse(e->text[m].at, e->text[m].len, &us, ret_zone)) {
    case MOMENT_OK:
        return us;
    case MOMENT_NO_ZONE:
        envelope_finding(b, j, RULE_TIMESTAMP_ZONE, m, NULL);
        break;
    default:
        envelope_finding(b, j, RULE_TIMESTAMP, m, NULL);
        break;
    }
    return TIME_NONE;
}
