/* The sets: which columns, from where. A set's statement is made from its table once, so a column
 * is named, typed and selected in one place. */
#include "store/export.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "store/slice.h"

#define EXPORT_TIMEOUT_US ((int64_t)3600 * 1000000)

/* RFC 3339 in UTC, microseconds as PostgreSQL keeps them. */
#define AT(of) "to_char(" of " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

/* COLUMN(name, "expression", TYPE, "label") */
#define FORM(COLUMN)                                                                               \
    COLUMN(study, "x.study", STRING, "Study")                                                      \
    COLUMN(site_id, "x.site_id", STRING, "Site")                                                   \
    COLUMN(subject_id, "x.subject_id", STRING, "Subject code")                                     \
    COLUMN(submission_id, "x.submission_id::text", STRING, "Submission")                           \
    COLUMN(questionnaire, "x.questionnaire", STRING, "Questionnaire")                              \
    COLUMN(version, "x.version", STRING, "Version of the questionnaire")                           \
    COLUMN(visit, "x.visit", STRING, "Visit")                                                      \
    COLUMN(occasion, "x.occasion", STRING, "Occasion")                                             \
    COLUMN(authored_at, AT("x.authored_at"), DATETIME, "Submitted by the participant (device)")

#define SUBMISSIONS(COLUMN)                                                                        \
    FORM(COLUMN)                                                                                   \
    COLUMN(authored_zone, "x.authored_zone", STRING, "UTC offset of the submission")               \
    COLUMN(received_at, AT("x.received_at"), DATETIME, "Received")                                 \
    COLUMN(stored_at, AT("x.stored_at"), DATETIME, "Stored")                                       \
    COLUMN(revision, "x.revision::text", INTEGER, "Revision")                                      \
    COLUMN(current, "x.current::text", BOOLEAN, "Is the current revision")                         \
    COLUMN(status, "x.status", STRING, "Status")                                                   \
    COLUMN(void, "x.void::text", BOOLEAN, "Entered in error")                                      \
    COLUMN(flags, "array_to_string(x.flags, ' ')", STRING, "Flags")                                \
    COLUMN(actor, "coalesce(x.actor, x.originator ->> 'type', 'participant')", PROSE, "By whom")   \
    COLUMN(role, "coalesce(x.role, 'participant')", STRING, "In which role")                       \
    COLUMN(organisation, "x.organisation", STRING, "Organisation")                                 \
    COLUMN(reason, "coalesce(x.reason, x.originator ->> 'reason')", PROSE, "Why")                  \
    COLUMN(source, "x.source", PROSE, "Source reference")                                          \
    COLUMN(device_edits, "x.device_edits::text", PROSE, "Changes on the device before submission")

#define ANSWERS(COLUMN)                                                                            \
    FORM(COLUMN)                                                                                   \
    COLUMN(revision, "x.revision::text", INTEGER, "Revision")                                      \
    COLUMN(link_id, "x.link_id", STRING, "Item")                                                   \
    COLUMN(group_index, "x.group_index", STRING, "Occurrence of the group")                        \
    COLUMN(answer_index, "x.answer_index::text", INTEGER, "Which answer of the item")              \
    COLUMN(item_text, "x.item_text", STRING, "Item text")                                          \
    COLUMN(item_code, "x.item_code", STRING, "Item code")                                          \
    COLUMN(type, "x.type", STRING, "Item type")                                                    \
    COLUMN(text, "x.text", PROSE, "Text answer")                                                   \
    COLUMN(num, "x.num::text", DECIMAL, "Numeric answer")                                          \
    COLUMN(code, "x.code", STRING, "Coded answer")                                                 \
    COLUMN(display, "x.display", STRING, "Display of the code")                                    \
    COLUMN(unit, "x.unit", STRING, "Unit")                                                         \
    COLUMN(weight, "x.weight::text", DECIMAL, "Weight of the option")                              \
    COLUMN(identity, "x.identity::text", BOOLEAN, "An identifier, kept elsewhere")                 \
    COLUMN(text_normal, "x.text_normal", PROSE, "Text answer in its usual width")                  \
    COLUMN(num_normal, "x.num_normal::text", DECIMAL, "Numeric answer in the item's unit")         \
    COLUMN(unit_normal, "x.unit_normal", STRING, "Unit of num_normal")

#define SCORES(COLUMN)                                                                             \
    FORM(COLUMN)                                                                                   \
    COLUMN(score, "x.score", STRING, "Score")                                                      \
    COLUMN(score_text, "x.score_text", STRING, "Score text")                                       \
    COLUMN(value, "x.value::text", DECIMAL, "Value")                                               \
    COLUMN(profile, "x.profile", STRING, "Profile")                                                \
    COLUMN(band, "x.band", STRING, "Band")

#define CHANGES(COLUMN)                                                                            \
    FORM(COLUMN)                                                                                   \
    COLUMN(revision, "x.revision::text", INTEGER, "Revision that changed it")                      \
    COLUMN(link_id, "x.link_id", STRING, "Item")                                                   \
    COLUMN(group_index, "x.group_index", STRING, "Occurrence of the group")                        \
    COLUMN(answer_index, "x.answer_index::text", INTEGER, "Which answer of the item")              \
    COLUMN(old_value, "x.old_value::text", PROSE, "Old value")                                     \
    COLUMN(new_value, "x.new_value::text", PROSE, "New value")                                     \
    COLUMN(changed_at, AT("x.changed_at"), DATETIME, "When")                                       \
    COLUMN(actor, "x.actor", PROSE, "By whom")                                                     \
    COLUMN(role, "x.role", STRING, "In which role")                                                \
    COLUMN(organisation, "x.organisation", STRING, "Organisation")                                 \
    COLUMN(reason, "x.reason", PROSE, "Why")                                                       \
    COLUMN(source, "x.source", PROSE, "Source reference")

#define DEVIATIONS(COLUMN)                                                                         \
    FORM(COLUMN)                                                                                   \
    COLUMN(received_at, AT("x.received_at"), DATETIME, "Received")                                 \
    COLUMN(skew_s, "x.skew_s::text", DECIMAL, "Clock skew of the device in seconds")               \
    COLUMN(kind, "x.kind", STRING, "Kind")                                                         \
    COLUMN(deviation, "x.deviation", STRING, "Deviation")

#define AUDIT(COLUMN)                                                                              \
    COLUMN(at, AT("x.at"), DATETIME, "When")                                                       \
    COLUMN(actor, "x.actor", STRING, "By whom")                                                    \
    COLUMN(role, "x.role", STRING, "In which role")                                                \
    COLUMN(organisation, "x.organisation", STRING, "Organisation")                                 \
    COLUMN(action, "x.action", STRING, "What")                                                     \
    COLUMN(study, "x.study", STRING, "Study")                                                      \
    COLUMN(subject_id, "x.subject_id", STRING, "Subject code")                                     \
    COLUMN(submission_id, "x.submission_id::text", STRING, "Submission")                           \
    COLUMN(revision, "x.revision::text", INTEGER, "Revision")                                      \
    COLUMN(reason, "x.reason", STRING, "Why")                                                      \
    COLUMN(detail, "x.detail", STRING, "Detail")                                                   \
    COLUMN(writer, "x.writer::text", STRING, "Chain")                                              \
    COLUMN(number, "x.number::text", INTEGER, "Number in the chain")                               \
    COLUMN(batch, "x.batch::text", INTEGER, "Batch in the chain")                                  \
    COLUMN(previous, "encode(x.previous, 'hex')", STRING, "Head before the batch")                 \
    COLUMN(mac, "encode(x.mac, 'hex')", STRING, "MAC of the row")

#define DESCRIBE(name, expression, type, label) {#name, label, EXPORT_##type},
#define SELECT(name, expression, type, label) expression ", "
static const struct export_column submissions_columns[] = {SUBMISSIONS(DESCRIBE)};
static const struct export_column answers_columns[] = {ANSWERS(DESCRIBE)};
static const struct export_column scores_columns[] = {SCORES(DESCRIBE)};
static const struct export_column changes_columns[] = {CHANGES(DESCRIBE)};
static const struct export_column deviations_columns[] = {DEVIATIONS(DESCRIBE)};
static const struct export_column audit_columns[] = {AUDIT(DESCRIBE)};

#define WHERE(time)                                                                                \
    " WHERE ($1::text IS NULL OR x.study = $1::text)"                                              \
    " AND ($2::text IS NULL OR x.site_id = $2::text)"                                              \
    " AND ($3::timestamptz IS NULL OR " time " >= $3::timestamptz)"
#define ORDER                                                                                      \
    " ORDER BY x.study, CASE WHEN $4::text IS NULL THEN x.subject_id"                              \
    " ELSE md5($4::text || x.subject_id) END, x.authored_at, x.submission_id"

const struct export_set export_sets[] = {
    {"submissions",
     "Every revision of every submission",
     submissions_columns,
     ARRAY_LEN(submissions_columns),
     {"export_submissions",
      "SELECT " SUBMISSIONS(SELECT) "1 FROM sluice.submission_versions x" WHERE("x.stored_at") ORDER
      ", x.revision"}},
    {"answers",
     "Every answer of current, complete forms",
     answers_columns,
     ARRAY_LEN(answers_columns),
     {"export_answers", "SELECT " ANSWERS(SELECT) "1 FROM sluice.item_answers x" WHERE(
                            "x.authored_at") ORDER ", x.ordinal, x.group_index, x.answer_index"}},
    {"scores",
     "Every score of current, complete forms",
     scores_columns,
     ARRAY_LEN(scores_columns),
     {"export_scores", "SELECT " SCORES(SELECT) "1 FROM sluice.scores_long x" WHERE("x.authored_at")
                           ORDER ", x.score"}},
    {"changes",
     "Old and new value of every field, the first entry included",
     changes_columns,
     ARRAY_LEN(changes_columns),
     {"export_changes",
      "SELECT " CHANGES(SELECT) "1 FROM sluice.field_changes x" WHERE("x.changed_at") ORDER
      ", x.revision, x.link_id, x.group_index, x.answer_index"}},
    {"deviations",
     "Flags, stopped forms and what was not stored",
     deviations_columns,
     ARRAY_LEN(deviations_columns),
     {"export_deviations", "SELECT " DEVIATIONS(SELECT) "1 FROM sluice.deviations x" WHERE(
                               "x.received_at") ORDER ", x.deviation"}},
};
const size_t export_sets_count = ARRAY_LEN(export_sets);

/* A site's rows are those of its subjects; rows of no subject are nobody's site's. */
const struct export_set export_audit = {
    "audit",
    "The audit trail",
    audit_columns,
    ARRAY_LEN(audit_columns),
    {"export_audit",
     "SELECT " AUDIT(SELECT) "1 FROM sluice.audit_events x"
                             " WHERE ($1::text IS NULL OR x.study = $1::text)"
                             " AND ($2::text IS NULL OR EXISTS (SELECT FROM sluice.subjects s"
                             "  WHERE s.study = x.study AND s.subject_id = x.subject_id"
                             "  AND s.site_id = $2::text))"
                             " AND ($3::timestamptz IS NULL OR x.at >= $3::timestamptz)"
                             " ORDER BY x.at, x.writer, x.number"}};

static void
text_param(struct store_params *p, const char *text)
{
    if (text != NULL)
        store_param_text(p, text, strlen(text));
    else
        store_param_null(p);
}

int
store_export(struct store *s, const struct export_set *set, const char *study, const char *site,
             int64_t since_us, const char *order, int (*each)(void *arg, const PGresult *row),
             void *arg)
{
    struct store_params p = {0};

    text_param(&p, study);
    text_param(&p, site);
    if (since_us != TIME_NONE)
        store_param_time(&p, since_us);
    else
        store_param_null(&p);
    if (set != &export_audit) /* which goes by time */
        text_param(&p, order);
    return store_run_long(s, &set->statement, &p, EXPORT_TIMEOUT_US, each, arg);
}
