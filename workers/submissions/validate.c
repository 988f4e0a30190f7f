/* Every broken rule is collected before the verdict; HOLD rules hold only what nothing else
 * rejects. */
#include "workers/submissions/validate.h"

#include <string.h>

#include "questionnaire/moment.h"
#include "questionnaire/normal.h"
#include "schemas/wire/mp.h"
#include "workers/submissions/attach.h"
#include "workers/submissions/deidentify.h"
#include "workers/submissions/envelope.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/times.h"
#include "workers/submissions/unnamed.h"

#define ANSWERS_MAX ((size_t)64 << 20)

/* One submission being judged. */
struct judging {
    struct batch *b;
    struct job *j;
    const struct validate_env *env;
    struct envelope e;
    const struct study *study;
    struct slice site;
    struct flags flags;
};

/* amended and entered-in-error are what corrections make of a form, nothing else. */
static void
status_judge(struct judging *g)
{
    struct slice status = g->e.text[MEMBER_STATUS];
    struct job *j = g->j;

    j->complete = true;
    if (j->correction.revision > 0) {
        j->extra.status = j->correction.voids ? (struct slice){"entered-in-error", 16}
                                              : (struct slice){"amended", 7};
        return;
    }
    if (status.at == NULL || slice_is(status, "completed"))
        return;
    j->complete = false;
    j->extra.status = status;
    if (!slice_is(status, "in-progress") && !slice_is(status, "stopped"))
        envelope_finding(g->b, j, RULE_STATUS, MEMBER_STATUS, NULL);
}

/* Who answered: the participant, a device, or a proxy with its reason (clinical-rules "Audit and
 * time"). A QuestionnaireResponse says it by other means. */
static void
originator_judge(struct judging *g)
{
    struct slice raw = g->e.raw[MEMBER_ORIGINATOR];
    struct mp_cursor at = {raw.at, (const uint8_t *)raw.at + raw.len};
    struct mp_value map, key, v, type = {.type = MP_NIL}, reason = {.type = MP_NIL};

    if (raw.at == NULL)
        return;
    mp_take(&at, &map);
    for (uint32_t i = 0; i < map.len; i++) {
        mp_take(&at, &key);
        struct mp_cursor value = at;
        mp_take(&value, &v);
        if (mp_is_str(&key, "type"))
            type = v;
        else if (mp_is_str(&key, "reason"))
            reason = v;
        mp_skip(&at);
    }
    bool proxy = mp_is_str(&type, "proxy");
    bool known = proxy || mp_is_str(&type, "participant") || mp_is_str(&type, "device");
    if (!known || (proxy && (reason.type != MP_STR || reason.len == 0)))
        envelope_finding(g->b, g->j, RULE_ORIGINATOR, MEMBER_ORIGINATOR, NULL);
}

static void
extra_fill(struct judging *g)
{
    struct submission_extra *x = &g->j->extra;
    const struct envelope *e = &g->e;
    char zone[MOMENT_ZONE_SIZE];

    *x = (struct submission_extra){
        .started_us = envelope_moment(g->b, g->j, e, MEMBER_STARTED_AT, zone),
        .sent_us = envelope_moment(g->b, g->j, e, MEMBER_SENT_AT, zone),
        .time_zone = e->text[MEMBER_TIME_ZONE],
        .visit = e->text[MEMBER_VISIT],
        .occasion = e->text[MEMBER_OCCASION],
        .language = e->text[MEMBER_LANGUAGE],
        .originator = e->raw[MEMBER_ORIGINATOR],
        .device = e->raw[MEMBER_DEVICE],
        .device_edits = e->raw[MEMBER_DEVICE_EDITS],
        .actor = g->j->actor,
        .role = g->j->actor_role,
        .organisation = g->j->actor_organisation,
        .skew_us = TIME_NONE,
    };
    if (x->sent_us == TIME_NONE)
        x->sent_us = g->j->sent_us;
}

/* Most submissions have none of it, which the statement makes use of. */
static bool
extra_any(const struct submission_extra *x)
{
    return x->started_us != TIME_NONE || x->sent_us != TIME_NONE || x->skew_us != TIME_NONE ||
           x->status.at != NULL || x->time_zone.at != NULL || x->visit.at != NULL ||
           x->occasion.at != NULL || x->language.at != NULL || x->originator.at != NULL ||
           x->device.at != NULL || x->device_edits.at != NULL || x->flags.at != NULL ||
           x->actor.at != NULL;
}

static void
times_judge(struct judging *g, int64_t authored_us)
{
    struct job *j = g->j;
    struct times t = {authored_us, j->extra.sent_us, j->received_us};

    j->extra.skew_us = times_skew(&t);
    j->late = times_late(&t, g->study);
    times_flag(&t, g->study, &g->flags);
}

static void
form_find(struct judging *g, bool *ret_unknown)
{
    struct job *j = g->j;
    enum rule rule = catalog_find(g->env->catalog, j->row.study, g->e.text[MEMBER_QUESTIONNAIRE],
                                  g->e.text[MEMBER_VERSION], &j->form);

    j->said_questionnaire = g->e.text[MEMBER_QUESTIONNAIRE];
    j->said_version = g->e.text[MEMBER_VERSION];
    if (rule == RULE_COUNT)
        return;
    *ret_unknown = true;
    bool of_version = rule == RULE_UNKNOWN_VERSION || rule == RULE_VERSION_REQUIRED;
    envelope_finding(g->b, j, rule,
                     rule == RULE_UNKNOWN_STUDY ? MEMBER_STUDY
                     : of_version               ? MEMBER_VERSION
                                                : MEMBER_QUESTIONNAIRE,
                     NULL);
}

static void
subject_judge(struct judging *g)
{
    struct job *j = g->j;

    if (j->known == NULL) {
        j->subject_told = unnamed_subject(g->b, j, g->env->identity);
        envelope_finding(g->b, j, RULE_UNKNOWN_SUBJECT, MEMBER_SUBJECT_ID, NULL);
        return;
    }
    g->site = subjects_site(g->env->subjects, j->known);
    j->row.site = g->site;
    if (j->row.authored_us > j->known->active_until_us)
        envelope_finding(g->b, j, RULE_SUBJECT_NOT_ACTIVE, MEMBER_SUBJECT_ID, NULL);
}

/* Answers in the short form, checked; what could be read of them is there whatever the verdict. */
static void
answers_judge(struct judging *g)
{
    struct job *j = g->j;
    struct slice said = g->e.raw[MEMBER_ANSWERS];
    struct slice authored = g->e.text[MEMBER_SUBMIT_AT];

    j->answers = (struct slice){NULL, 0};
    if (j->form == NULL)
        return;
    if (j->fhir) {
        struct buf out;
        buf_init(&out, ANSWERS_MAX);
        int full =
            questionnaire_check_resource(j->form->compiled, j->submission.at, j->submission.len,
                                         j->complete, &out, &g->b->findings);
        if (full == BUF_OK && out.size > 0)
            j->answers = arena_keep(&g->b->arena, out.data, out.size);
        buf_deinit(&out);
    } else if (said.at != NULL) {
        questionnaire_check(j->form->compiled, said.at, said.len, j->complete, &g->b->findings);
        j->answers = said;
    }
    if (authored.at != NULL && j->row.authored_zone[0] != '\0')
        questionnaire_check_authored(j->form->compiled, authored.at, authored.len, &g->b->findings);
    j->row.answers = j->answers;
}

/* Warnings are flags of the row, and stand in the answer. */
static void
warnings_take(struct judging *g)
{
    const struct findings *f = &g->b->findings;

    for (size_t i = 0; i < f->n_warnings; i++) {
        enum rule rule = f->warnings[i].rule;
        if (rule_verdict(rule) == VERDICT_FLAG && g->flags.n < FLAGS_MAX)
            flags_add(&g->flags, rule_code(rule));
    }
    outcome_warnings(g->b, g->j);
}

static void
rejection_fill(struct batch *b, struct job *j, const char *kind, enum outcome rejected_as)
{
    j->valid = false;
    j->rejected_as = rejected_as;
    j->rejection = (struct rejection_row){
        .kind = kind,
        .study = j->row.study,
        .subject = j->subject_told,
        .questionnaire =
            j->form != NULL ? slice_of(j->form->name) : unnamed_text(j->said_questionnaire),
        .version = j->form != NULL ? slice_of(j->form->version) : unnamed_text(j->said_version),
        .id = j->record.id,
        .sealed = {j->record.body, j->record.body_len},
        .content_hash = {j->row.content_hash, CONTENT_HASH_BYTES},
        .received_us = j->received_us,
        .accepted_us = j->record.accepted_us,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
    };
    for (struct raised *x = j->alerts; x != NULL; x = x->next)
        x->row.provisional = true;
    outcome_prepare_errors(b, j);
}

void
validate_refuse(struct batch *b, struct job *j, enum rule rule, const char *kind, uint16_t http)
{
    findings_clear(&b->findings);
    findings_add(&b->findings, rule, "", 0, NULL);
    j->http = http;
    rejection_fill(b, j, kind, strcmp(kind, "conflict") == 0 ? OUTCOME_CONFLICT : OUTCOME_REJECTED);
    /* Nothing of an erased subject is kept, sealed or not. */
    if (rule == RULE_SUBJECT_ERASED) {
        j->rejection.sealed = (struct slice){"", 0};
        j->alerts = NULL;
    }
}

static void
row_begin(struct judging *g)
{
    struct job *j = g->j;
    char zone[MOMENT_ZONE_SIZE] = "";

    j->row = (struct submission_row){
        .study = {j->record.scope, j->record.scope_len},
        .subject = j->subject,
        .id = j->record.id,
        .received_us = j->received_us,
        .accepted_us = j->record.accepted_us,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
    };
    j->subject_told = j->subject;
    g->study = catalog_study(g->env->catalog, j->row.study);
    int64_t authored_us = envelope_moment(g->b, j, &g->e, MEMBER_SUBMIT_AT, zone);
    /* Without submitAt the time of receipt is the best we know; authored_zone stays null then. */
    j->row.authored_us = authored_us != TIME_NONE ? authored_us : j->received_us;
    memcpy(j->row.authored_zone, zone, sizeof(zone));
    extra_fill(g);
    originator_judge(g);
    status_judge(g);
    times_judge(g, authored_us);
}

/* Beside the answers as they will be stored. */
static bool
normal_take(struct batch *b, struct job *j)
{
    struct buf out;

    if (!j->form->normalises || j->row.answers.at == NULL)
        return true;
    buf_init(&out, ANSWERS_MAX);
    int full = normals_take(j->form->compiled, j->row.answers.at, j->row.answers.len, &out);
    if (full == BUF_OK && out.size > 0) {
        j->extra.normal = arena_keep(&b->arena, out.data, out.size);
        j->row.extra = &j->extra;
    }
    buf_deinit(&out);
    return full == BUF_OK;
}

static void
verdict(struct judging *g)
{
    struct batch *b = g->b;
    struct job *j = g->j;

    if (b->findings.n > 0) {
        bool reject = findings_reject(&b->findings);
        rejection_fill(b, j, reject ? "rejected" : "held",
                       reject ? OUTCOME_REJECTED : OUTCOME_HELD);
        return;
    }
    j->row.questionnaire = slice_of(j->form->name);
    j->row.version = slice_of(j->form->version);
    j->valid = true;
    warnings_take(g);
    j->extra.flags = flags_text(&g->flags, &b->arena);
    j->row.extra = extra_any(&j->extra) ? &j->extra : NULL;
    if (!deidentify_job(b, j, (int32_t)j->correction.revision + 1) ||
        !attach_job(b, j, g->env->identity) || !normal_take(b, j))
        validate_refuse(b, j, RULE_TOO_LARGE, "rejected", 0);
}

void
validate_job(struct batch *b, struct job *j, const struct validate_env *env, bool *ret_unknown)
{
    struct judging g; /* the envelope is large: envelope_read sets all of it */

    g.b = b;
    g.j = j;
    g.env = env;
    g.study = NULL;
    g.site = (struct slice){NULL, 0};
    g.flags.n = 0;
    findings_clear(&b->findings);
    j->form = NULL;
    j->alerts = NULL;
    j->identifiers = NULL;
    j->attachments = NULL;
    j->warnings = (struct slice){NULL, 0};
    j->http = 0;
    envelope_read(b, j, &g.e);
    struct slice said = g.e.text[MEMBER_SUBJECT_ID];
    if (said.at != NULL &&
        (said.len != j->subject.len || memcmp(said.at, j->subject.at, said.len) != 0)) {
        outcome_dead(b, j, RULE_MISMATCH);
        return;
    }
    row_begin(&g);
    form_find(&g, ret_unknown);
    subject_judge(&g);
    answers_judge(&g);
    if (identity_content_hash(env->identity, j->submission.at, j->submission.len, &b->scratch,
                              j->row.content_hash) != 0) {
        outcome_dead(b, j, RULE_BODY);
        return;
    }
    if (j->known != NULL && j->known->erased) {
        validate_refuse(b, j, RULE_SUBJECT_ERASED, "rejected", 410);
        return;
    }
    if (j->answers.at != NULL)
        medicine_judge(env->medicine, b, j, g.study, g.site, (int32_t)j->correction.revision + 1,
                       NULL, &g.flags);
    verdict(&g);
}
