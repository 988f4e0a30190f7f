/* Issues are written one by one into the answer; nothing is built before. */
#include "client/edge/fhir_outcome.h"

#include <string.h>

#include "base/error.h"
#include "client/edge/json_text.h"
#include "client/edge/json_value.h"

#define DIAGNOSTICS_MAX ((size_t)2 << 20)

static const struct {
    const char *code, *issue;
} rules[] = {
#define RULE(NAME, code_text, level, verdict, issue_text, text, parameter) {code_text, issue_text},
#include "schemas/rules.def"
#undef RULE
};

/* A text of an answer's making: not NUL-terminated. */
struct text {
    const char *at;
    size_t len;
};

static struct text
text_of(const char *s)
{
    return (struct text){s, strlen(s)};
}

static const char *
rule_issue(struct text rule, const char *otherwise)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (strlen(rules[i].code) == rule.len && memcmp(rules[i].code, rule.at, rule.len) == 0)
            return rules[i].issue;
    return otherwise;
}

static void
outcome_begin(struct buf *b)
{
    json_put(b, "{\"resourceType\":\"OperationOutcome\",\"issue\":[");
}

static void
outcome_end(struct buf *b)
{
    json_put(b, "]}");
}

/* {"severity","code","details" and leaves the issue open. */
static void
issue_begin(struct buf *b, const char *severity, const char *code, const char *system,
            struct text coded, struct text text)
{
    json_put(b, "{\"severity\":\"");
    json_put(b, severity);
    json_put(b, "\",\"code\":\"");
    json_put(b, code);
    json_put(b, "\",\"details\":{");
    if (coded.len > 0) {
        json_put(b, "\"coding\":[{\"system\":\"");
        json_put(b, system);
        json_put(b, "\",\"code\":");
        json_put_string(b, coded.at, coded.len);
        json_put(b, "}],");
    }
    json_put(b, "\"text\":");
    json_put_string(b, text.at, text.len);
    json_put(b, "}");
}

static bool
is_index(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (s[i] < '0' || s[i] > '9')
            return false;
    return len > 0;
}

/* A pointer's segment is an element's name; of a choice of types (valueInteger) only its stem. */
static size_t
element_length(const char *s, size_t len)
{
    static const char stem[] = "value";
    size_t n = sizeof(stem) - 1;

    return len > n && memcmp(s, stem, n) == 0 && s[n] >= 'A' && s[n] <= 'Z' ? n : len;
}

/* ,"expression":["QuestionnaireResponse.item[0]…"] from a JSON Pointer. */
static void
expression_write(struct buf *b, struct text pointer)
{
    const char *at = pointer.at, *end = pointer.at + pointer.len;
    struct buf path;

    buf_init(&path, DIAGNOSTICS_MAX);
    json_put(&path, "QuestionnaireResponse");
    while (at < end && *at == '/') {
        const char *stop = memchr(at + 1, '/', (size_t)(end - at - 1));
        size_t len = (size_t)((stop != NULL ? stop : end) - at - 1);
        if (is_index(at + 1, len)) {
            json_put(&path, "[");
            json_put_n(&path, at + 1, len);
            json_put(&path, "]");
        } else {
            json_put(&path, ".");
            json_put_n(&path, at + 1, element_length(at + 1, len));
        }
        at += 1 + len;
    }
    json_put(b, ",\"expression\":[");
    json_put_string(b, (const char *)path.data, path.size);
    json_put(b, "]");
    buf_deinit(&path);
}

/* ,"diagnostics":"{\"linkId\":…,\"params\":…}", if the error has either. */
static void
diagnostics_write(struct buf *b, const uint8_t *map, size_t size)
{
    static const char *const names[] = {"linkId", "params"};
    struct mp_cursor c = {map, map + size};
    struct mp_value head, key;
    struct buf text;

    if (mp_next(&c, &head) != MP_OK || head.type != MP_MAP)
        return;
    buf_init(&text, DIAGNOSTICS_MAX);
    for (uint32_t i = 0; i < head.len; i++) {
        if (mp_next(&c, &key) != MP_OK)
            break;
        struct mp_cursor value = c;
        if (mp_skip(&c) != MP_OK)
            break;
        for (unsigned k = 0; k < ARRAY_LEN(names); k++) {
            if (!mp_is_str(&key, names[k]))
                continue;
            json_put(&text, text.size == 0 ? "{\"" : ",\"");
            json_put(&text, names[k]);
            json_put(&text, "\":");
            json_put_value(&text, &value);
        }
    }
    if (text.size > 0) {
        json_put(&text, "}");
        json_put(b, ",\"diagnostics\":");
        json_put_string(b, (const char *)text.data, text.size);
    }
    buf_deinit(&text);
}

static struct text
text_find(const uint8_t *map, size_t size, const char *key)
{
    struct text text = {"", 0};

    mp_find_str(map, size, key, &text.at, &text.len);
    return text;
}

void
fhir_outcome_problem(struct buf *b, enum problem p, const struct problem_error *error)
{
    bool told = error != NULL && error->rule != NULL;
    struct text rule = told ? text_of(error->rule) : text_of("");

    outcome_begin(b);
    issue_begin(b, "error", problem_issue(p), FHIR_RULE_SYSTEM, rule,
                text_of(told ? error->detail : problem_title(p)));
    if (told)
        expression_write(b, text_of(error->pointer));
    json_put(b, "}");
    outcome_end(b);
}

void
fhir_outcome_errors(struct buf *b, enum problem p, const struct outcome_payload *payload,
                    const char *severity)
{
    struct mp_cursor c = payload->members[PAYLOAD_ERRORS];
    struct text rule = {"", 0};
    struct mp_value v;
    uint32_t n = 0;

    if (c.at != NULL && mp_next(&c, &v) == MP_OK && v.type == MP_ARRAY)
        n = v.len;
    outcome_begin(b);
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *map = c.at;
        if (mp_skip(&c) != MP_OK)
            break;
        size_t size = (size_t)(c.at - map);
        rule = text_find(map, size, "rule");
        if (i > 0)
            json_put(b, ",");
        issue_begin(b, severity, rule_issue(rule, problem_issue(p)), FHIR_RULE_SYSTEM, rule,
                    text_find(map, size, "detail"));
        expression_write(b, text_find(map, size, "pointer"));
        diagnostics_write(b, map, size);
        json_put(b, "}");
    }
    if (n == 0) {
        outcome_payload_text(payload, PAYLOAD_RULE, &rule.at, &rule.len);
        issue_begin(b, severity, rule_issue(rule, problem_issue(p)), FHIR_RULE_SYSTEM, rule,
                    text_of(problem_title(p)));
        json_put(b, "}");
    }
    outcome_end(b);
}

void
fhir_outcome_status(struct buf *b, const char *status, size_t status_len,
                    const struct outcome_payload *payload)
{
    struct text text = {status, status_len};
    struct mp_cursor c = payload->members[PAYLOAD_FLAGS];
    struct mp_value v, flag;

    outcome_begin(b);
    issue_begin(b, "information", "informational", FHIR_STATUS_SYSTEM, text, text);
    json_put(b, "}");
    if (c.at == NULL || mp_next(&c, &v) != MP_OK || v.type != MP_ARRAY)
        v.len = 0;
    for (uint32_t i = 0; i < v.len; i++) {
        struct mp_cursor one = c;
        if (mp_skip(&c) != MP_OK)
            break;
        if (mp_next(&one, &flag) != MP_OK || flag.type != MP_STR)
            continue;
        struct text code = {(const char *)flag.at, flag.len};
        json_put(b, ",");
        issue_begin(b, "warning", rule_issue(code, "informational"), FHIR_RULE_SYSTEM, code, code);
        json_put(b, "}");
    }
    outcome_end(b);
}
