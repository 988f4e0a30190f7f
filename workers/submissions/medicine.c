/* One readings and one scores for all forms; hits grow to the largest definition met. */
#include "workers/submissions/medicine.h"

#include <string.h>

#include "base/error.h"

#define HOUR_S 3600u
#define SCORES_MAX ((size_t)1 << 20)
#define NAMES_MAX ((size_t)64 << 10)

struct medicine {
    const struct identity_key *identity;
    struct readings *readings;
    struct scores scores;
    struct alert_hit *hits;
    size_t room;
    struct buf buf;
};

struct medicine *
medicine_new(const struct identity_key *identity)
{
    struct medicine *m = mem_new(1, sizeof(*m));

    m->identity = identity;
    m->readings = readings_new();
    buf_init(&m->buf, SCORES_MAX);
    return m;
}

void
medicine_free(struct medicine *m)
{
    if (m == NULL)
        return;
    readings_free(m->readings);
    scores_deinit(&m->scores);
    buf_deinit(&m->buf);
    free(m->hits);
    free(m);
}

/* One a line, or null: as the study says by default. */
static struct slice
recipients_keep(struct medicine *m, struct batch *b, const struct study_rule *rule)
{
    const char *const *names = rule != NULL ? study_rule_recipients(rule) : NULL;

    if (names == NULL)
        return (struct slice){NULL, 0};
    buf_clear(&m->buf);
    for (size_t i = 0; names[i] != NULL && m->buf.size < NAMES_MAX; i++) {
        if (i > 0)
            buf_append(&m->buf, "\n", 1);
        buf_append_str(&m->buf, names[i]);
    }
    return arena_keep(&b->arena, m->buf.data, m->buf.size);
}

static void
id_make(const struct medicine *m, const struct job *j, struct alert_row *row)
{
    identity_from_alert(m->identity, row->study.at, row->study.len, &j->record.id,
                        (uint32_t)row->revision, row->rule.at, row->rule.len, &row->id);
}

static void
alert_add(struct medicine *m, struct batch *b, struct job *j, const struct alert_hit *hit,
          struct slice site, int32_t revision)
{
    struct raised *x = arena_new(&b->arena, sizeof(*x));
    char measure[DECIMAL_TEXT_SIZE];

    x->row = (struct alert_row){
        .study = j->row.study,
        .subject = j->subject_told,
        .site = site,
        .questionnaire = slice_of(j->form->name),
        .version = slice_of(j->form->version),
        .rule = slice_of(hit->rule_id),
        .link_id = slice_of(hit->link_id),
        .severity = slice_of(alert_severity_codes[hit->severity]),
        .submission = j->record.id,
        .revision = revision,
        .always = hit->always,
        .late = j->late,
        .lower_is_worse = hit->lower_is_worse,
        .epoch = j->record.epoch,
        .seq = j->record.seq,
        .authored_us = j->row.authored_us,
        .age_s = j->late ? (double)(j->received_us - j->row.authored_us) / 1e6 : 0,
        .suppress_s = hit->suppress_hours * HOUR_S,
        .recipients = recipients_keep(m, b, hit->study),
    };
    if (hit->has_measure) {
        size_t n = decimal_format(hit->measure, measure);
        x->row.measure = arena_keep(&b->arena, measure, n);
    }
    id_make(m, j, &x->row);
    x->next = j->alerts;
    j->alerts = x;
}

void
medicine_judge(struct medicine *m, struct batch *b, struct job *j, const struct study *study,
               struct slice site, int32_t revision, const struct readings *previous,
               struct flags *flags)
{
    const struct catalog_form *f = j->form;
    const struct study_rules *rules = study != NULL ? study->rules : NULL;
    struct score_parameters parameters = {0};

    j->alerts = NULL;
    if (!f->scored && !f->alerting)
        return;
    readings_take(m->readings, f->compiled, j->answers.at, j->answers.len);
    if (rules != NULL)
        study_rules_parameters(rules, site.at, &parameters);
    score_compute(f->compiled, m->readings, j->complete, &parameters, &m->scores);
    if (f->scored) {
        buf_clear(&m->buf);
        if (scores_write(f->compiled, &m->scores, &m->buf) == BUF_OK)
            j->row.scores = arena_keep(&b->arena, m->buf.data, m->buf.size);
        if (scores_differ(&m->scores))
            flags_add(flags, SCORE_FLAG_DIFFERS);
    }
    size_t most = questionnaire_alerts(f->compiled);
    if (most > m->room) {
        m->hits = mem_grow(m->hits, most, sizeof(*m->hits));
        m->room = most;
    }
    size_t n = alerts_evaluate(f->compiled, rules, m->readings, &m->scores, previous, m->hits);
    for (size_t i = 0; i < n; i++)
        alert_add(m, b, j, &m->hits[i], site, revision);
}

void
medicine_renumber(struct medicine *m, struct job *j, int32_t revision)
{
    for (struct raised *x = j->alerts; x != NULL; x = x->next) {
        x->row.revision = revision;
        id_make(m, j, &x->row);
    }
}
