#include "workers/submissions/revise.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"
#include "workers/submissions/outcome.h"
#include "workers/submissions/validate.h"

#define JSON_MAX ((size_t)64 << 20)

enum judgement { JUDGE_CORRECT, JUDGE_REFUSED, JUDGE_DONE };

struct correcting {
    struct batch *b;
    struct job *j;
    const struct write_env *env;
    enum judgement judgement;
};

/* Stored by this message. */
static void
revision_say(struct batch *b, struct job *j, const struct revision_written *written)
{
    outcome_stored(b, j, OUTCOME_STORED,
                   &(struct outcome_row){
                       .stored_us = written->stored_us,
                       .received_us = TIME_NONE,
                       .questionnaire = j->row.questionnaire,
                       .version = j->row.version,
                       .status = j->extra.status,
                       .revision = written->revision,
                       .scores = j->correction.voids ? (struct slice){NULL, 0} : j->row.scores,
                       .flags = j->extra.flags,
                       .warnings = j->warnings,
                   });
    j->row.stored_us = written->stored_us;
    j->to_cache = true;
}

static void
audit_fill(struct audit_row *a, const struct job *j, int32_t revision)
{
    *a = (struct audit_row){
        .at_us = clock_wall_us(),
        .actor = j->actor.at != NULL ? j->actor : (struct slice){AUDIT_ACTOR_NONE, 1},
        .role = j->actor_role,
        .organisation = j->actor_organisation,
        .action = {AUDIT_ACTION_REVISED, sizeof(AUDIT_ACTION_REVISED) - 1},
        .study = j->row.study,
        .subject = j->subject,
        .submission = j->record.id,
        .has_submission = true,
        .revision = revision,
        .reason = j->correction.reason,
    };
}

/* Lists of the job as arrays in the arena. */
static struct alert_row **
alerts_list(struct batch *b, const struct job *j, size_t *ret_n)
{
    size_t n = 0;

    for (struct raised *x = j->alerts; x != NULL; x = x->next)
        n++;
    struct alert_row **list = arena_new(&b->arena, (n + 1) * sizeof(struct alert_row *));
    n = 0;
    for (struct raised *x = j->alerts; x != NULL; x = x->next)
        list[n++] = &x->row;
    *ret_n = n;
    return list;
}

static struct identifier_row *
identifiers_list(struct batch *b, const struct job *j, int32_t revision, size_t *ret_n)
{
    size_t n = 0;

    for (struct identified *x = j->identifiers; x != NULL; x = x->next)
        n++;
    struct identifier_row *list = arena_new(&b->arena, (n + 1) * sizeof(*list));
    n = 0;
    for (struct identified *x = j->identifiers; x != NULL; x = x->next) {
        list[n] = x->row;
        list[n++].revision = revision;
    }
    *ret_n = n;
    return list;
}

/* msgpack as JSON text; null stays null. */
static struct slice
json_keep(struct batch *b, struct slice msgpack)
{
    struct mp_cursor at = {msgpack.at, (const uint8_t *)msgpack.at + msgpack.len};
    struct slice text = {NULL, 0};
    struct buf json;

    if (msgpack.at == NULL)
        return text;
    buf_init(&json, JSON_MAX);
    if (json_text_write(&json, &at) == BUF_OK)
        text = arena_keep(&b->arena, json.data, json.size);
    buf_deinit(&json);
    return text;
}

/* One statement. REVISION_STALE beside the store's outcomes. */
static int
revision_write(struct batch *b, struct job *j, const struct write_env *env, int32_t expected,
               bool only_in_progress)
{
    static const struct slice completed = {"completed", 9};
    struct slice status = j->extra.status.at != NULL ? j->extra.status : completed;
    struct revision_row row = {
        .study = j->row.study,
        .id = j->record.id,
        .expected = expected,
        .only_in_progress = only_in_progress,
        .status = status,
        .is_void = j->correction.voids,
        .questionnaire = j->row.questionnaire,
        .version = j->row.version,
        .answers = j->correction.voids ? (struct slice){NULL, 0} : j->row.answers,
        .normal = j->correction.voids ? (struct slice){NULL, 0} : json_keep(b, j->extra.normal),
        .scores = j->correction.voids ? (struct slice){NULL, 0} : json_keep(b, j->row.scores),
        .content_hash = j->row.content_hash,
        .hash_key = env->hash_key,
        /* When it was answered stays what it was, unless the correction says so. */
        .authored_us = j->row.authored_zone[0] != '\0' ? j->row.authored_us : TIME_NONE,
        .received_us = j->row.received_us,
        .accepted_us = j->row.accepted_us,
        .sent_us = j->extra.sent_us,
        .actor = j->actor,
        .role = j->actor_role,
        .organisation = j->actor_organisation,
        .reason = j->correction.reason,
        .source = j->correction.source,
        .flags = j->extra.flags,
        .broker = b->broker,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
    };
    struct audit_row audit;
    struct revision_written written;
    size_t n_alerts, n_identifiers;

    medicine_renumber(env->medicine, j, expected + 1);
    struct alert_row **alerts = alerts_list(b, j, &n_alerts);
    struct identifier_row *identifiers = identifiers_list(b, j, expected + 1, &n_identifiers);
    audit_fill(&audit, j, expected + 1);
    int n = submission_revise(env->revisions, env->store, env->chain, &row, &audit, alerts,
                              n_alerts, identifiers, n_identifiers, &written);
    if (n == STORE_OK)
        revision_say(b, j, &written);
    return n;
}

/* The same correction once more, because its answer was lost: it is the current revision. */
static bool
correction_repeats(const struct job *j, const struct revision_found *f)
{
    return f->told.revision == j->correction.revision + 1 && f->is_void == j->correction.voids &&
           memcmp(f->content_hash, j->row.content_hash, CONTENT_HASH_BYTES) == 0;
}

static void
current_judge(void *arg, const struct revision_found *f)
{
    struct correcting *c = arg;
    struct job *j = c->j;
    const struct study *study = catalog_study(c->env->catalog, j->row.study);
    enum storer storer = storer_of(c->b, j, &f->broker, f->epoch, f->seq);
    bool participant = j->actor_role.at == NULL || slice_is(j->actor_role, "participant");

    c->judgement = JUDGE_REFUSED;
    if (storer == STORER_ITSELF) {
        outcome_found(c->b, j, storer, &f->told);
        j->to_cache = true;
        c->judgement = JUDGE_DONE;
    } else if (f->subject.len != j->subject.len ||
               memcmp(f->subject.at, j->subject.at, f->subject.len) != 0) {
        validate_refuse(c->b, j, RULE_UNKNOWN_SUBMISSION, "rejected", 404);
    } else if (correction_repeats(j, f)) {
        outcome_found(c->b, j, storer, &f->told);
        c->judgement = JUDGE_DONE;
    } else if (f->is_void) {
        validate_refuse(c->b, j, RULE_SUBMISSION_VOID, "conflict", 409);
    } else if (f->told.revision != j->correction.revision) {
        validate_refuse(c->b, j, RULE_STALE_REVISION, "conflict", 412);
    } else if (participant && study != NULL &&
               !study_corrects(study, f->told.stored_us, clock_wall_us())) {
        validate_refuse(c->b, j, RULE_CORRECTION_CLOSED, "rejected", 403);
    } else {
        c->judgement = JUDGE_CORRECT;
    }
}

/* An earlier attempt may have stored it, and another revision may follow it already. */
static int
recorded_look(struct batch *b, struct job *j, const struct write_env *env, bool *ret_recorded)
{
    struct revision_written written;

    *ret_recorded = false;
    if (j->record.attempt < 2)
        return STORE_OK;
    int n = revision_recorded(env->store, j->row.study, &j->record.id, &b->broker, j->record.epoch,
                              j->record.seq, &written, ret_recorded);
    if (n == STORE_OK && *ret_recorded)
        revision_say(b, j, &written);
    return n;
}

static int
correction_write(struct batch *b, struct job *j, const struct write_env *env)
{
    struct correcting c = {.b = b, .j = j, .env = env, .judgement = JUDGE_REFUSED};
    bool found, recorded;
    int n = recorded_look(b, j, env, &recorded);

    if (n != STORE_OK || recorded)
        return n;
    n = submission_current(env->store, j->row.study, &j->record.id, current_judge, &c, &found);
    if (n != STORE_OK)
        return n;
    if (!found)
        validate_refuse(b, j, RULE_UNKNOWN_SUBMISSION, "rejected", 404);
    if (!found || c.judgement != JUDGE_CORRECT)
        return STORE_OK;
    if (j->correction.voids)
        j->alerts = NULL; /* it says that what stands there was not so */
    n = revision_write(b, j, env, (int32_t)j->correction.revision, false);
    if (n == REVISION_STALE)
        validate_refuse(b, j, RULE_STALE_REVISION, "conflict", 412);
    else if (n == STORE_ROW || n == SUBMISSIONS_FULL)
        validate_refuse(b, j, RULE_NOT_STORABLE, "rejected", 0);
    else
        return n;
    return STORE_OK;
}

int
corrections_write(struct batch *b, const struct write_env *env)
{
    int n = STORE_OK;

    for (size_t i = 0; i < b->n && n == STORE_OK; i++) {
        struct job *j = &b->jobs[i];
        if (j->outcome == OUTCOME_NONE && j->submission.at != NULL && j->valid &&
            j->correction.revision > 0)
            n = correction_write(b, j, env);
    }
    return n;
}

int
progress_write(struct batch *b, struct job *j, const struct write_env *env)
{
    bool recorded;
    int n = recorded_look(b, j, env, &recorded);

    if (n != STORE_OK || recorded)
        return n;
    n = revision_write(b, j, env, j->continues, true);
    if (n == STORE_ROW || n == SUBMISSIONS_FULL)
        validate_refuse(b, j, RULE_NOT_STORABLE, "rejected", 0);
    else if (n != REVISION_STALE)
        return n;
    return STORE_OK;
}
