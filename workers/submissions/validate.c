/* Every broken rule is collected before the verdict; HOLD rules hold only what nothing else
 * rejects. */
#include "workers/submissions/validate.h"

#include <string.h>

#include "questionnaire/moment.h"
#include "schemas/wire/mp.h"
#include "workers/submissions/outcome.h"

enum member {
#define MEMBER(NAME, name, TYPE) MEMBER_##NAME,
#include "workers/submissions/members.def"
#undef MEMBER
    MEMBER_COUNT
};
static const struct {
    const char *name;
    enum mp_type type;
    uint32_t len;
} members[] = {
#define MEMBER(NAME, name, TYPE) [MEMBER_##NAME] = {name, MP_##TYPE, sizeof(name) - 1},
#include "workers/submissions/members.def"
#undef MEMBER
};

/* The members of one submission: raw msgpack of each, and text where it is one. */
struct envelope {
    struct slice raw[MEMBER_COUNT], text[MEMBER_COUNT];
};

static void
finding_at(struct batch *b, enum rule rule, const char *member, const char *more)
{
    char pointer[64] = "/";
    size_t n = strlen(member);

    memcpy(pointer + 1, member, n);
    findings_add(&b->findings, rule, pointer, n + 1, more);
}

static enum member
member_find(const struct mp_value *key)
{
    for (enum member m = 0; m < MEMBER_COUNT; m++) {
        if (key->type == MP_STR && key->len == members[m].len &&
            memcmp(key->at, members[m].name, key->len) == 0)
            return m;
    }
    return MEMBER_COUNT;
}

static void
envelope_read(struct batch *b, const struct job *j, struct envelope *e)
{
    struct mp_cursor at = {j->submission.at, (const uint8_t *)j->submission.at + j->submission.len};
    struct mp_value map, key, v;

    mp_next(&at, &map);
    for (uint32_t i = 0; i < map.len; i++) {
        mp_next(&at, &key);
        struct slice raw = {at.at, 0};
        struct mp_cursor inside = at;
        mp_next(&inside, &v);
        if (v.type == MP_MAP || v.type == MP_ARRAY)
            mp_skip(&at);
        else
            at = inside;
        raw.len = (size_t)(at.at - (const uint8_t *)raw.at);
        enum member m = member_find(&key);
        if (m == MEMBER_COUNT) {
            findings_add(&b->findings, RULE_UNKNOWN_ITEM, "", 0, NULL);
        } else if (v.type == MP_NIL && m != MEMBER_ANSWERS) {
            continue; /* null is as good as absent */
        } else if (v.type != members[m].type) {
            finding_at(b, RULE_ENVELOPE_TYPE, members[m].name, NULL);
        } else {
            e->raw[m] = raw;
            if (v.type == MP_STR)
                e->text[m] = (struct slice){v.at, v.len};
        }
    }
    if (e->raw[MEMBER_ANSWERS].at == NULL)
        finding_at(b, RULE_REQUIRED, members[MEMBER_ANSWERS].name, NULL);
}

static int64_t
moment_read(struct batch *b, const struct envelope *e, enum member m, char zone[MOMENT_ZONE_SIZE])
{
    int64_t us = TIME_NONE;

    if (e->text[m].at == NULL)
        return TIME_NONE;
    switch (moment_parse(e->text[m].at, e->text[m].len, &us, zone)) {
    case MOMENT_OK:
        return us;
    case MOMENT_NO_ZONE:
        finding_at(b, RULE_TIMESTAMP_ZONE, members[m].name, NULL);
        break;
    default:
        finding_at(b, RULE_TIMESTAMP, members[m].name, NULL);
        break;
    }
    return TIME_NONE;
}

static bool
text_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* True: required is judged. */
static bool
status_check(struct batch *b, const struct envelope *e)
{
    struct slice status = e->text[MEMBER_STATUS];

    if (status.at == NULL || text_is(status, "completed"))
        return true;
    if (!text_is(status, "in-progress") && !text_is(status, "stopped"))
        finding_at(b, RULE_STATUS, members[MEMBER_STATUS].name, NULL);
    return false;
}

static void
extra_fill(struct batch *b, struct job *j, const struct envelope *e)
{
    struct submission_extra *x = &j->extra;
    char zone[MOMENT_ZONE_SIZE];

    x->started_us = moment_read(b, e, MEMBER_STARTED_AT, zone);
    x->sent_us = moment_read(b, e, MEMBER_SENT_AT, zone);
    x->status = e->text[MEMBER_STATUS];
    x->time_zone = e->text[MEMBER_TIME_ZONE];
    x->visit = e->text[MEMBER_VISIT];
    x->occasion = e->text[MEMBER_OCCASION];
    x->language = e->text[MEMBER_LANGUAGE];
    x->originator = e->raw[MEMBER_ORIGINATOR];
    x->device = e->raw[MEMBER_DEVICE];
    x->device_edits = e->raw[MEMBER_DEVICE_EDITS];
    bool any = x->started_us != TIME_NONE || x->sent_us != TIME_NONE;
    for (enum member m = MEMBER_TIME_ZONE; m < MEMBER_COUNT && !any; m++)
        any = e->raw[m].at != NULL;
    j->row.extra = any ? x : NULL;
}

static void
form_find(struct batch *b, struct job *j, const struct envelope *e, const struct validate_env *env,
          bool *ret_unknown)
{
    struct slice study = {j->record.scope, j->record.scope_len};
    enum rule rule = catalog_find(env->catalog, study, e->text[MEMBER_QUESTIONNAIRE],
                                  e->text[MEMBER_VERSION], &j->form);

    j->said_questionnaire = e->text[MEMBER_QUESTIONNAIRE];
    j->said_version = e->text[MEMBER_VERSION];
    if (rule == RULE_COUNT)
        return;
    *ret_unknown = true;
    bool of_version = rule == RULE_UNKNOWN_VERSION || rule == RULE_VERSION_REQUIRED;
    finding_at(b, rule,
               rule == RULE_UNKNOWN_STUDY ? "study"
               : of_version               ? "version"
                                          : "questionnaire",
               NULL);
}

static void
subject_check(struct batch *b, const struct job *j, const struct validate_env *env)
{
    struct slice study = {j->record.scope, j->record.scope_len};
    int64_t active_until_us;

    if (!subjects_find(env->subjects, study, j->subject, &active_until_us))
        finding_at(b, RULE_UNKNOWN_SUBJECT, "subjectId", NULL);
    else if (j->row.authored_us > active_until_us)
        finding_at(b, RULE_SUBJECT_NOT_ACTIVE, "subjectId", NULL);
}

static struct slice
slice_or(const char *text, struct slice other)
{
    return text != NULL ? (struct slice){text, strlen(text)} : other;
}

static void
rejection_fill(struct batch *b, struct job *j)
{
    bool reject = findings_reject(&b->findings);

    j->valid = false;
    j->rejected_as = reject ? OUTCOME_REJECTED : OUTCOME_HELD;
    j->rejection = (struct rejection_row){
        .kind = reject ? "rejected" : "held",
        .study = j->row.study,
        .subject = j->subject,
        .questionnaire = slice_or(j->form != NULL ? j->form->name : NULL, j->said_questionnaire),
        .version = slice_or(j->form != NULL ? j->form->version : NULL, j->said_version),
        .id = j->record.id,
        .sealed = {j->record.body, j->record.body_len},
        .content_hash = {j->row.content_hash, CONTENT_HASH_BYTES},
        .received_us = j->received_us,
        .accepted_us = j->record.accepted_us,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
    };
    outcome_prepare_errors(b, j);
}

void
validate_job(struct batch *b, struct job *j, const struct validate_env *env, bool *ret_unknown)
{
    struct envelope e = {0};
    char zone[MOMENT_ZONE_SIZE] = "";

    findings_clear(&b->findings);
    j->form = NULL;
    envelope_read(b, j, &e);
    struct slice said = e.text[MEMBER_SUBJECT_ID];
    if (said.at != NULL &&
        (said.len != j->subject.len || memcmp(said.at, j->subject.at, said.len))) {
        outcome_dead(b, j, RULE_MISMATCH);
        return;
    }
    j->row = (struct submission_row){
        .study = {j->record.scope, j->record.scope_len},
        .subject = j->subject,
        .id = j->record.id,
        .answers = e.raw[MEMBER_ANSWERS],
        .received_us = j->received_us,
        .accepted_us = j->record.accepted_us,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
    };
    int64_t authored_us = moment_read(b, &e, MEMBER_SUBMIT_AT, zone);
    /* Without submitAt the time of receipt is the best we know; authored_zone stays null then. */
    j->row.authored_us = authored_us != TIME_NONE ? authored_us : j->received_us;
    memcpy(j->row.authored_zone, zone, sizeof(zone));
    bool complete = status_check(b, &e);
    extra_fill(b, j, &e);
    form_find(b, j, &e, env, ret_unknown);
    subject_check(b, j, env);
    if (j->form != NULL && e.raw[MEMBER_ANSWERS].at != NULL)
        questionnaire_check(j->form->compiled, e.raw[MEMBER_ANSWERS].at, e.raw[MEMBER_ANSWERS].len,
                            complete, &b->findings);
    if (identity_content_hash(env->identity, j->submission.at, j->submission.len, &b->scratch,
                              j->row.content_hash) != 0) {
        outcome_dead(b, j, RULE_BODY);
        return;
    }
    if (b->findings.n > 0) {
        rejection_fill(b, j);
        return;
    }
    j->row.questionnaire = slice_or(j->form->name, j->said_questionnaire);
    j->row.version = slice_or(j->form->version, j->said_version);
    j->valid = true;
}
