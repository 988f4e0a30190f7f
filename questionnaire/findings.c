/* A bounded list; what does not fit is said by one last finding, never left out silently. */
#include "questionnaire/findings.h"

#include <string.h>

#include "base/error.h"

static const struct {
    const char *code, *text;
    enum rule_verdict verdict;
} rules[] = {
#define RULE(NAME, code, level, verdict, text) [RULE_##NAME] = {code, text, VERDICT_##verdict},
#include "schemas/rules.def"
#undef RULE
};

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

void
findings_init(struct findings *f)
{
    f->items = mem_new(FINDINGS_MAX, sizeof(*f->items));
    f->n = 0;
    buf_init(&f->text, FINDINGS_TEXT_MAX);
}

void
findings_deinit(struct findings *f)
{
    free(f->items);
    buf_deinit(&f->text);
}

void
findings_clear(struct findings *f)
{
    f->n = 0;
    buf_clear(&f->text);
}

static bool
text_add(struct findings *f, const char *text, size_t len, size_t *ret_at)
{
    size_t at = f->text.size;

    if (buf_append(&f->text, text, len) != BUF_OK || buf_append(&f->text, "", 1) != BUF_OK)
        return false;
    *ret_at = at;
    return true;
}

static bool
finding_fill(struct findings *f, struct finding *x, const char *pointer, size_t pointer_len,
             const char *more)
{
    const char *text = rules[x->rule].text;
    char detail[320];
    size_t n = strlen(text);

    memcpy(detail, text, n);
    if (more != NULL) {
        size_t more_len = strnlen(more, 200);
        memcpy(detail + n, ": ", 2);
        memcpy(detail + n + 2, more, more_len);
        n += 2 + more_len;
    }
    x->pointer_len = pointer_len;
    x->detail_len = n;
    return text_add(f, pointer, pointer_len, &x->pointer_at) &&
           text_add(f, detail, n, &x->detail_at);
}

void
findings_add(struct findings *f, enum rule rule, const char *pointer, size_t pointer_len,
             const char *more)
{
    if (f->n > 0 && f->items[f->n - 1].rule == RULE_TOO_MANY)
        return;
    struct finding x = {.rule = rule};
    /* Room for the last word is kept free. */
    if (f->n < FINDINGS_MAX - 1 && f->text.size + pointer_len + 1024 < FINDINGS_TEXT_MAX &&
        finding_fill(f, &x, pointer, pointer_len, more)) {
        f->items[f->n++] = x;
        return;
    }
    x.rule = RULE_TOO_MANY;
    bool fits = finding_fill(f, &x, "", 0, NULL);
    sluice_assert(fits);
    f->items[f->n++] = x;
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

bool
findings_reject(const struct findings *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (rules[f->items[i].rule].verdict == VERDICT_REJECT)
            return true;
    }
    return false;
}
