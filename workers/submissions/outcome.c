/* Payloads and reasons lie in two buffers of the batch, addressed by offset while they grow. */
#include "workers/submissions/outcome.h"

#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/mp.h"
#include "store/json_text.h"

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

void
outcome_stored(struct batch *b, struct job *j, enum outcome outcome, int64_t stored_us,
               int64_t received_us, struct slice questionnaire, struct slice version)
{
    bool original = received_us != TIME_NONE;

    payload_begin(b, j, 3 + original);
    member_time(b, "stored_us", stored_us);
    if (original)
        member_time(b, "received_us", received_us);
    form_write(b, questionnaire, version);
    payload_end(b, j);
    j->outcome = (uint8_t)outcome;
}

static void
errors_pack(struct batch *b)
{
    const struct findings *f = &b->findings;

    mp_put_cstr(&b->payloads, "errors");
    mp_put_array(&b->payloads, (uint32_t)f->n);
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->items[i];
        mp_put_map(&b->payloads, 3);
        member_text(b, "pointer", (struct slice){finding_pointer(f, x), x->pointer_len});
        mp_put_cstr(&b->payloads, "rule");
        mp_put_cstr(&b->payloads, rule_code(x->rule));
        member_text(b, "detail", (struct slice){finding_detail(f, x), x->detail_len});
    }
}

static void
reasons_write(struct batch *b, struct job *j)
{
    const struct findings *f = &b->findings;

    j->reasons_at = b->text.size;
    buf_append_str(&b->text, "[");
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *x = &f->items[i];
        const char *code = rule_code(x->rule);
        buf_append_str(&b->text, i > 0 ? ",{\"pointer\":" : "{\"pointer\":");
        json_text_string(&b->text, finding_pointer(f, x), x->pointer_len);
        buf_append_str(&b->text, ",\"rule\":");
        json_text_string(&b->text, code, strlen(code));
        buf_append_str(&b->text, ",\"detail\":");
        json_text_string(&b->text, finding_detail(f, x), x->detail_len);
        buf_append_str(&b->text, "}");
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
    payload_begin(b, j, members);
    form_write(b, questionnaire, version);
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

/* The row's JSON back to msgpack. Seldom: only for what comes a second time. */
static void
reasons_pack(struct batch *b, struct slice reasons)
{
    static const char *const names[] = {"pointer", "rule", "detail"};
    json_t *list = json_loadb(reasons.at, reasons.len, 0, NULL), *x;
    size_t i;

    mp_put_cstr(&b->payloads, "errors");
    mp_put_array(&b->payloads, (uint32_t)json_array_size(list));
    json_array_foreach(list, i, x)
    {
        mp_put_map(&b->payloads, 3);
        for (size_t k = 0; k < ARRAY_LEN(names); k++) {
            const char *text = json_string_value(json_object_get(x, names[k]));
            mp_put_cstr(&b->payloads, names[k]);
            mp_put_cstr(&b->payloads, text != NULL ? text : "");
        }
    }
    json_decref(list);
}

void
outcome_recorded(struct batch *b, struct job *j, enum outcome outcome, struct slice reasons,
                 struct slice questionnaire, struct slice version)
{
    payload_begin(b, j, 1 + (questionnaire.at != NULL) + (version.at != NULL));
    form_write(b, questionnaire, version);
    reasons_pack(b, reasons);
    payload_end(b, j);
    j->outcome = (uint8_t)outcome;
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
