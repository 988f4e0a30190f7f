/* Two bounded lists; what does not fit is said by one last finding, never left out silently. */
#include "questionnaire/findings.h"

#include <string.h>

#include "base/error.h"

#define DETAIL_SIZE 512
/* Kept free in the text for the finding that says TOO_MANY, once in each list. */
#define TEXT_RESERVE 1024

static const struct {
    const char *code, *issue, *text, *parameter;
    enum rule_level level;
    enum rule_verdict verdict;
} rules[] = {
#define RULE(NAME, code, level, verdict, issue, text, parameter)                                   \
    [RULE_##NAME] = {code, issue, text, parameter, LEVEL_##level, VERDICT_##verdict},
#include "schemas/rules.def"
#undef RULE
};

#define RULE(NAME, code, level, verdict, issue, text, parameter)                                   \
    _Static_assert(sizeof(text) + FINDINGS_PARAMETER_MAX + 4 < DETAIL_SIZE, "a text is too long");
#include "schemas/rules.def"
#undef RULE

const char *
rule_code(enum rule rule)
{
    return rules[rule].code;
}

const char *
rule_text(enum rule rule)
{
    return rules[rule].text;
}

enum rule_verdict
rule_verdict(enum rule rule)
{
    return rules[rule].verdict;
}

enum rule_level
rule_level(enum rule rule)
{
    return rules[rule].level;
}

const char *
rule_issue(enum rule rule)
{
    return rules[rule].issue;
}

const char *
rule_parameter(enum rule rule)
{
    return rules[rule].parameter;
}

void
findings_init(struct findings *f)
{
    f->items = mem_new(FINDINGS_MAX, sizeof(*f->items));
    f->warnings = mem_new(FINDINGS_WARNINGS_MAX, sizeof(*f->warnings));
    f->n = 0;
    f->n_warnings = 0;
    buf_init(&f->text, FINDINGS_TEXT_MAX);
}

void
findings_deinit(struct findings *f)
{
    free(f->items);
    free(f->warnings);
    buf_deinit(&f->text);
}

void
findings_clear(struct findings *f)
{
    f->n = 0;
    f->n_warnings = 0;
    buf_clear(&f->text);
}

static bool
text_add(struct findings *f, const char *text, size_t len, uint32_t *ret_at, uint32_t *ret_len)
{
    size_t at = f->text.size;

    if (buf_append(&f->text, text, len) != BUF_OK || buf_append(&f->text, "", 1) != BUF_OK)
        return false;
    *ret_at = (uint32_t)at;
    *ret_len = (uint32_t)len;
    return true;
}

/* The start of a UTF-8 character at or before n. */
static size_t
character_cut(const char *text, size_t n)
{
    while (n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static bool
finding_fill(struct findings *f, struct finding *x, const struct finding_input *in)
{
    const char *text = rules[in->rule].text;
    char detail[DETAIL_SIZE];
    size_t n = strlen(text), more = 0;

    memcpy(detail, text, n);
    if (in->parameter != NULL) {
        more = strnlen(in->parameter, FINDINGS_PARAMETER_MAX);
        if (in->parameter[more] != '\0')
            more = character_cut(in->parameter, more);
        memcpy(detail + n, ": ", 2);
        memcpy(detail + n + 2, in->parameter, more);
        n += 2 + more;
    }
    *x = (struct finding){.rule = in->rule};
    return text_add(f, in->pointer, in->pointer_len, &x->pointer_at, &x->pointer_len) &&
           text_add(f, detail, n, &x->detail_at, &x->detail_len) &&
           (in->link_id == NULL ||
            text_add(f, in->link_id, in->link_id_len, &x->link_id_at, &x->link_id_len)) &&
           (in->parameter == NULL ||
            text_add(f, in->parameter, more, &x->parameter_at, &x->parameter_len));
}

static void
list_add(struct findings *f, struct finding *list, size_t *n, size_t max,
         const struct finding_input *in)
{
    size_t before = f->text.size;
    bool full = *n > 0 && list[*n - 1].rule == RULE_TOO_MANY;

    if (full)
        return;
    size_t wanted = in->pointer_len + in->link_id_len + FINDINGS_PARAMETER_MAX + DETAIL_SIZE;
    if (*n < max - 1 && before + wanted + TEXT_RESERVE < FINDINGS_TEXT_MAX) {
        bool fits = finding_fill(f, &list[*n], in);
        sluice_assert(fits);
        ++*n;
        return;
    }
    const struct finding_input last = {.rule = RULE_TOO_MANY, .pointer = ""};
    bool fits = finding_fill(f, &list[*n], &last);
    sluice_assert(fits);
    ++*n;
}

void
findings_warn(struct findings *f, const struct finding_input *in)
{
    list_add(f, f->warnings, &f->n_warnings, FINDINGS_WARNINGS_MAX, in);
}

void
findings_add_input(struct findings *f, const struct finding_input *in)
{
    if (rules[in->rule].verdict == VERDICT_FLAG)
        findings_warn(f, in);
    else
        list_add(f, f->items, &f->n, FINDINGS_MAX, in);
}

void
findings_add(struct findings *f, enum rule rule, const char *pointer, size_t pointer_len,
             const char *parameter)
{
    findings_add_input(f, &(struct finding_input){.rule = rule,
                                                  .pointer = pointer,
                                                  .pointer_len = pointer_len,
                                                  .parameter = parameter});
}

void
findings_sort(struct findings *f, size_t from)
{
    /* Insertion: the list is short and mostly in order. TOO_MANY has the last level. */
    for (size_t i = from + 1; i < f->n; i++) {
        struct finding x = f->items[i];
        size_t k = i;
        for (; k > from && rules[f->items[k - 1].rule].level > rules[x.rule].level; k--)
            f->items[k] = f->items[k - 1];
        f->items[k] = x;
    }
}

const char *
finding_pointer(const struct findings *f, const struct finding *x)
{
    return (const char *)f->text.data + x->pointer_at;
}

const char *
finding_detail(const struct findings *f, const struct finding *x)
{
    return (const char *)f->text.data + x->detail_at;
}

const char *
finding_link_id(const struct findings *f, const struct finding *x)
{
    return x->link_id_len > 0 ? (const char *)f->text.data + x->link_id_at : NULL;
}

const char *
finding_parameter(const struct findings *f, const struct finding *x)
{
    return x->parameter_len > 0 ? (const char *)f->text.data + x->parameter_at : NULL;
}

bool
findings_full(const struct findings *f)
{
    return f->n > 0 && f->items[f->n - 1].rule == RULE_TOO_MANY;
}

bool
findings_reject(const struct findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (rules[f->items[i].rule].verdict == VERDICT_REJECT)
            return true;
    }
    return false;
}
