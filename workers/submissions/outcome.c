/* Payloads and reasons lie in two buffers of the batch, addressed by offset while they grow. */
#include "workers/submissions/outcome.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "questionnaire/answers_json.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"
#include "workers/submissions/batch.h"

#define PAYLOAD_BASE 8192 /* of an answer: all but scores and warnings */

static void
payload_begin(struct batch *b, struct job *j, uint32_t members)
{
    j->payload_at = b->payloads.size;
    mp_put_map(&b->payloads, members);
}

static void
payload_end(struct batch *b, struct job *j)
{
    j->payload_len = b->payloads.size - j->payload_at;
}

static void
member_text(struct batch *b, const char *name, struct slice text)
{
    mp_put_cstr(&b->payloads, name);
    mp_put_str(&b->payloads, text.at, text.len);
}

static void
member_time(struct batch *b, const char *name, int64_t us)
{
    mp_put_cstr(&b->payloads, name);
    mp_put_int(&b->payloads, us);
}

static void
form_write(struct batch *b, struct slice questionnaire, struct slice version)
{
    if (questionnaire.at != NULL)
        member_text(b, "questionnaire", questionnaire);
    if (version.at != NULL)
        member_text(b, "version", version);
}

/* ["late", …] of flags one a line. */
static void
flags_pack(struct batch *b, struct slice flags)
{
    const char *at = flags.at, *end = at + flags.len;
    uint32_t n = 1;

    for (const char *p = at; p < end; p++)
        n += *p == '\n';
    mp_put_cstr(&b->payloads, "flags");
    mp_put_array(&b->payloads, n);
    for (uint32_t i = 0; i < n; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        mp_put_str(&b->payloads, at, len);
        at += len + 1;
    }
}

/* The job's warnings, which are the original's where it was judged by the same definition. */
static struct slice
warnings_of(const struct job *j, const struct submission_told *told)
{
    bool same = j->form != NULL && slice_is(told->questionnaire, j->form->name) &&
                slice_is(told->version, j->form->version);

    return same ? j->warnings : (struct slice){NULL, 0};
}

/* In msgpack; those of a row are read into batch.scratch. */
static struct slice
scores_get(struct batch *b, const struct outcome_row *row)
{
    if (row->scores.at != NULL || row->scores_json.at == NULL)
        return row->scores;
    buf_clear(&b->scratch);
    if (answers_from_json(row->scores_json.at, row->scores_json.len, &b->scratch) !=
        ANSWERS_JSON_OK)
        return (struct slice){NULL, 0};
    return (struct slice){b->scratch.data, b->scratch.size};
}

/* Whether there is something to say, and room for it beside *used bytes of the same kind. */
static bool
extra_fits(const struct batch *b, struct slice extra, size_t *used)
{
    size_t all = *used + extra.len;

    if (extra.at == NULL || all > ENTRY_PAYLOAD_MAX - PAYLOAD_BASE ||
        b->payloads.size + all + PAYLOADS_RESERVE > b->payloads.ceiling)
        return false;
    *used = all;
    return true;
}

void
outcome_stored(struct batch *b, struct job *j, enum outcome outcome, const struct outcome_row *row)
{
    struct slice scores = scores_get(b, row);
    size_t used = 0;
    bool original = row->received_us != TIME_NONE, scored = extra_fits(b, scores, &used);
    bool flagged = row->flags.at != NULL && row->flags.len > 0;
    bool warned = extra_fits(b, row->warnings, &used);
    bool revised = row->revision > 1, unusual = row->status.at != NULL;

    payload_begin(b, j, 3U + original + scored + flagged + warned + 2 * revised + unusual);
    member_time(b, "stored_us", row->stored_us);
    if (original)
        member_time(b, "received_us", row->received_us);
    form_write(b, row->questionnaire, row->version);
    if (revised) {
        mp_put_cstr(&b->payloads, "revision");
        mp_put_uint(&b->payloads, (uint64_t)row->revision);
        mp_put_cstr(&b->payloads, "http");
        mp_put_uint(&b->payloads, 200);
    }
    if (unusual)
        member_text(b, "state", row->status);
    if (scored) {
        mp_put_cstr(&b->payloads, "scores");
        buf_append(&b->payloads, scores.at, scores.len);
    }
    if (flagged)
        flags_pack(b, row->flags);
    if (warned) {
        mp_put_cstr(&b->payloads, "warnings");
        buf_append(&b->payloads, row->warnings.at, row->warnings.len);
    }
    payload_end(b, j);
    j->outcome = (uint8_t)outcome;
}

enum storer
storer_of(const struct batch *b, const struct job *j, const struct uuid *broker, uint64_t epoch,
          uint64_t seq)
{
    if (!uuid_equal(&b->broker, broker) || j->record.epoch != epoch)
        return STORER_PAST;
    return j->record.seq == seq ? STORER_ITSELF : STORER_PEER;
}

void
outcome_found(struct batch *b, struct job *j, enum storer storer,
              const struct submission_told *told)
{
    bool own = storer == STORER_ITSELF;
    bool completed = slice_is(told->status, "completed");

    outcome_stored(b, j, own ? OUTCOME_STORED : OUTCOME_DUPLICATE,
                   &(struct outcome_row){
                       .stored_us = told->stored_us,
                       .received_us = own ? TIME_NONE : told->received_us,
                       .questionnaire = told->questionnaire,
                       .version = told->version,
                       .status = completed ? (struct slice){NULL, 0} : told->status,
                       .revision = told->revision,
                       .scores_json = told->scores,
                       .flags = told->flags,
                       .warnings = warnings_of(j, told),
                   });
    j->row.stored_us = told->stored_us;
    j->untold = storer == STORER_PAST;
}

static void
put_text(struct buf *out, const char *name, const char *text, size_t len)
{
    mp_put_cstr(out, name);
    mp_put_str(out, text, len);
}

static void
finding_pack(struct buf *out, const struct findings *f, const struct finding *x)
{
    const char *link_id = finding_link_id(f, x), *parameter = finding_parameter(f, x);
    const char *name = rule_parameter(x->rule), *code = rule_code(x->rule);
    bool has_parameter = parameter != NULL && *name != '\0';

    mp_put_map(out, 3U + (link_id != NULL) + has_parameter);
    put_text(out, "pointer", finding_pointer(f, x), x->pointer_len);
    put_text(out, "rule", code, strlen(code));
    put_text(out, "detail", finding_detail(f, x), x->detail_len);
    if (link_id != NULL)
        put_text(out, "linkId", link_id, x->link_id_len);
    if (has_parameter) {
        mp_put_cstr(out, "params");
        mp_put_map(out, 1);
        put_text(out, name, parameter, x->parameter_len);
    }
}

static void
errors_pack(struct batch *b)
{
    const struct findings *f = &b->findings;

    mp_put_cstr(&b->payloads, "errors");
    mp_put_array(&b->payloads, (uint32_t)f->n);
    for (size_t i = 0; i < f->n; i++)
        finding_pack(&b->payloads, f, &f->items[i]);
}

void
outcome_warnings(struct batch *b, struct job *j)
{
    const struct findings *f = &b->findings;

    if (f->n_warnings == 0)
        return;
    buf_clear(&b->scratch);
    mp_put_array(&b->scratch, (uint32_t)f->n_warnings);
    for (size_t i = 0; i < f->n_warnings; i++)
        finding_pack(&b->scratch, f, &f->warnings[i]);
    j->warnings = arena_keep(&b->arena, b->scratch.data, b->scratch.size);
}

/* ,"name":"text" */
static void
json_member(struct buf *out, const char *name, const char *text, size_t len)
{
    buf_printf(out, ",\"%s\":", name);
    json_text_string(out, text, len);
}

static void
finding_write(struct buf *out, const struct findings *f, const struct finding *x)
{
    const char *link_id = finding_link_id(f, x), *parameter = finding_parameter(f, x);
    const char *name = rule_parameter(x->rule), *code = rule_code(x->rule);

    buf_append_str(out, "{\"pointer\":");
    json_text_string(out, finding_pointer(f, x), x->pointer_len);
    json_member(out, "rule", code, strlen(code));
    json_member(out, "detail", finding_detail(f, x), x->detail_len);
    if (link_id != NULL)
        json_member(out, "linkId", link_id, x->link_id_len);
    if (parameter != NULL && *name != '\0') {
        buf_printf(out, ",\"params\":{\"%s\":", name);
        json_text_string(out, parameter, x->parameter_len);
        buf_append_str(out, "}");
    }
    buf_append_str(out, "}");
}

static void
reasons_write(struct batch *b, struct job *j)
{
    const struct findings *f = &b->findings;

    j->reasons_at = b->text.size;
    buf_append_str(&b->text, "[");
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0)
            buf_append_str(&b->text, ",");
        finding_write(&b->text, f, &f->items[i]);
    }
    buf_append_str(&b->text, "]");
    j->reasons_len = b->text.size - j->reasons_at;
}

void
outcome_prepare_errors(struct batch *b, struct job *j)
{
    uint32_t members = 1;
    struct slice questionnaire = {NULL, 0}, version = {NULL, 0};

    if (j->form != NULL) {
        questionnaire = (struct slice){j->form->name, strlen(j->form->name)};
        version = (struct slice){j->form->version, strlen(j->form->version)};
        members = 3;
    }
    payload_begin(b, j, members + (j->http != 0));
    form_write(b, questionnaire, version);
    if (j->http != 0) {
        mp_put_cstr(&b->payloads, "http");
        mp_put_uint(&b->payloads, j->http);
    }
    errors_pack(b);
    payload_end(b, j);
    reasons_write(b, j);
}

void
outcome_dead(struct batch *b, struct job *j, enum rule rule)
{
    findings_clear(&b->findings);
    findings_add(&b->findings, rule, "", 0, NULL);
    payload_begin(b, j, 1);
    errors_pack(b);
    payload_end(b, j);
    j->outcome = OUTCOME_DEAD;
    log_event(EVENT_MESSAGE_DEAD, LOG_U("epoch", j->record.epoch), LOG_U("seq", j->record.seq),
              LOG_S("rule", rule_code(rule)));
}

/* An object's texts, and of params its own object: as finding_pack wrote them. */
static void
object_pack(struct buf *out, const json_t *object)
{
    const char *name;
    json_t *v;
    uint32_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)object, name, v) n +=
        json_is_string(v) || json_is_object(v);
    mp_put_map(out, n);
    json_object_foreach((json_t *)(uintptr_t)object, name, v)
    {
        if (!json_is_string(v) && !json_is_object(v))
            continue;
        mp_put_cstr(out, name);
        if (json_is_string(v))
            mp_put_str(out, json_string_value(v), json_string_length(v));
        else
            object_pack(out, v);
    }
}

/* The row's JSON back to msgpack. Seldom: only for what comes a second time. */
static void
reasons_pack(struct batch *b, struct slice reasons)
{
    json_t *list = json_loadb(reasons.at, reasons.len, 0, NULL), *x;
    size_t i;

    mp_put_cstr(&b->payloads, "errors");
    mp_put_array(&b->payloads, (uint32_t)json_array_size(list));
    json_array_foreach(list, i, x) object_pack(&b->payloads, x);
    json_decref(list);
}

void
outcome_recorded(struct batch *b, struct job *j, enum outcome outcome, struct slice reasons,
                 struct slice questionnaire, struct slice version)
{
    if (b->payloads.size >= PAYLOADS_SOFT)
        return;
    payload_begin(b, j, 1 + (questionnaire.at != NULL) + (version.at != NULL));
    form_write(b, questionnaire, version);
    reasons_pack(b, reasons);
    payload_end(b, j);
    j->outcome = (uint8_t)outcome;
}

void
outcome_retry_alerting(struct batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        struct job *j = &b->jobs[i];
        if (j->alerts != NULL || j->record.attempt > 1 || j->untold)
            j->outcome = OUTCOME_RETRY;
    }
}

void
outcome_write_entries(const struct batch *b, struct buf *entries)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct job *j = &b->jobs[i];
        bool decided = j->outcome != OUTCOME_NONE;
        struct entry e = {
            .code = decided ? j->outcome : OUTCOME_RETRY,
            .epoch = j->record.epoch,
            .seq = j->record.seq,
            .payload = decided ? b->payloads.data + j->payload_at : NULL,
            .payload_len = decided ? (uint32_t)j->payload_len : 0,
        };
        /* What does not fit is not reported: its lease ends and it comes again. */
        if (entry_write(entries, ENTRY_KIND_REPORT, &e) != BUF_OK)
            return;
    }
}
