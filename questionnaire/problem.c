/* What the compiler has to say: reasons to refuse, warnings, and the table of what is supported. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/extension.h"

#define LINE_SIZE 512
#define WHY_MAX (QUESTIONNAIRE_WHYS_MAX * LINE_SIZE + 64)

static void
why_add(struct compiler *c, const char *line)
{
    if (c->n_whys == QUESTIONNAIRE_WHYS_MAX)
        buf_append_str(&c->why, "\nand more");
    if (c->n_whys++ >= QUESTIONNAIRE_WHYS_MAX)
        return;
    if (c->why.ceiling == 0)
        buf_init(&c->why, WHY_MAX);
    if (c->why.size > 0)
        buf_append_str(&c->why, "\n");
    buf_append_str(&c->why, line);
}

/* What is said, behind "item 'x': " where it is said of one. */
static void __attribute__((format(printf, 3, 0)))
line_write(char line[LINE_SIZE], const struct item *item, const char *fmt, va_list args)
{
    size_t n = item != NULL ? (size_t)snprintf(line, LINE_SIZE, "item '%s': ", item->link_id) : 0;

    vsnprintf(line + n, LINE_SIZE - n, fmt, args);
}

bool
refuse(struct compiler *c, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, fmt);
    line_write(line, NULL, fmt, args);
    va_end(args);
    why_add(c, line);
    return false;
}

bool
item_refuse(struct compiler *c, const struct item *item, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, fmt);
    line_write(line, item, fmt, args);
    va_end(args);
    why_add(c, line);
    return false;
}

static void
warning_add(struct compiler *c, const char *line)
{
    struct questionnaire *q = c->q;

    if (q->n_warnings >= QUESTIONNAIRE_WARNINGS_MAX)
        return;
    bool last = q->n_warnings == QUESTIONNAIRE_WARNINGS_MAX - 1;
    if (q->warnings == NULL)
        q->warnings = definition_memory_take(q->memory, QUESTIONNAIRE_WARNINGS_MAX, sizeof(char *));
    q->warnings[q->n_warnings++] = definition_memory_text(q->memory, last ? "and more" : line);
}

void
warn(struct compiler *c, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, fmt);
    line_write(line, NULL, fmt, args);
    va_end(args);
    warning_add(c, line);
}

void
item_warn(struct compiler *c, const struct item *item, const char *fmt, ...)
{
    char line[LINE_SIZE];
    va_list args;

    va_start(args, fmt);
    line_write(line, item, fmt, args);
    va_end(args);
    warning_add(c, line);
}

bool
unsupported(struct compiler *c, struct item *item, enum support construct, const char *what)
{
    const char *text = support_rows[construct].text;

    if (!c->options.unchecked)
        return item_refuse(c, item, "'%.100s' can't be evaluated: %s", what, text);
    item_warn(c, item, "'%.100s' can't be evaluated: %s; nothing of %s is verified", what, text,
              item != NULL ? "it and what stands below" : "the definition");
    if (item != NULL)
        item->unverified = true;
    else
        c->all_unverified = true;
    return true;
}

/* Whether a primitive's "_name" member carries an expression that computes it. */
static bool
is_expression(const json_t *primitive)
{
    static const char *const urls[] = {
        "http://hl7.org/fhir/StructureDefinition/cqf-expression",
        "http://hl7.org/fhir/StructureDefinition/cqf-calculatedValue",
    };

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        if (extension_first(primitive, urls[i]) != NULL)
            return true;
    }
    return false;
}

bool
members_take(struct compiler *c, struct item *item, const json_t *v, enum support_place place)
{
    bool good = true;
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)v, key, value)
    {
        if (key[0] == '_') {
            enum support row = support_find(place, key + 1);
            bool plays = row != SUPPORT_COUNT && support_rows[row].verdict == SUPPORT_JUDGED;
            if (plays && is_expression(value))
                good = unsupported(c, item, HAS_EXPRESSION_VALUE, key + 1) && good;
            continue;
        }
        enum support row = support_find(place, key);
        if (row == SUPPORT_COUNT)
            good = unsupported(c, item, HAS_UNKNOWN_MEMBER, key) && good;
        else if (support_rows[row].verdict == SUPPORT_REFUSED)
            good = unsupported(c, item, row, key) && good;
    }
    return good;
}

/* questionnaire-constraint is harmless unless it would make an answer wrong. */
static bool
is_error_constraint(const json_t *extension)
{
    const char *severity;

    return !extension_text(extension_first(extension, "severity"), &severity) ||
           strcmp(severity, "warning") != 0;
}

/* Where an extension that we obey may stand. */
static enum support_place
extension_home(enum support row)
{
    if (row == HAS_ALERT)
        return SUPPORT_QUESTIONNAIRE;
    if (row == HAS_OPTION_EXCLUSIVE || row == HAS_ORDINAL_VALUE || row == HAS_ITEM_WEIGHT)
        return SUPPORT_OPTION;
    return SUPPORT_ITEM;
}

static bool
judged_take(struct compiler *c, struct item *item, const json_t *x, enum support row,
            enum support_place place)
{
    const char *name = strrchr(support_rows[row].key, '/') + 1, *key;
    json_t *value;

    if (extension_home(row) != place)
        return item_refuse(c, item, "the extension %s has no meaning at this place", name);
    json_object_foreach((json_t *)x, key, value)
    {
        if (is_expression(value))
            return unsupported(c, item, HAS_EXPRESSION_VALUE, name);
    }
    if (json_object_get(x, "extension") != NULL || extension_value(x) != NULL)
        return true;
    return item_refuse(c, item, "the extension %s has no value", name);
}

static bool
extension_take(struct compiler *c, struct item *item, const json_t *x, enum support_place place)
{
    const char *url = literal_text(json_object_get(x, "url"));

    if (url == NULL)
        return item_refuse(c, item, "an extension needs a url");
    enum support row = support_find(SUPPORT_EXTENSION, url);
    if (row == SUPPORT_COUNT) {
        item_warn(c, item, "the extension %.200s is not known and ignored", url);
        return true;
    }
    if (row == HAS_CONSTRAINT && is_error_constraint(x))
        return unsupported(c, item, HAS_CONSTRAINT_ERROR, "questionnaire-constraint");
    if (support_rows[row].verdict == SUPPORT_REFUSED)
        return unsupported(c, item, row, strrchr(url, '/') + 1);
    return support_rows[row].verdict != SUPPORT_JUDGED || judged_take(c, item, x, row, place);
}

bool
extensions_take(struct compiler *c, struct item *item, const json_t *v, enum support_place place)
{
    const json_t *list = json_object_get(v, "extension"), *x;
    bool good = true;
    size_t i;

    if (list != NULL && !json_is_array(list))
        return item_refuse(c, item, "'extension' must be an array");
    json_array_foreach(list, i, x) good = extension_take(c, item, x, place) && good;
    return good;
}

bool
text_take(struct compiler *c, const struct item *item, const json_t *v, const char *name,
          const char **ret)
{
    const json_t *member = json_object_get(v, name);

    *ret = literal_text(member);
    if (member != NULL && (*ret == NULL || **ret == '\0'))
        return item_refuse(c, item, "'%s' must be a text", name);
    return true;
}

bool
flag_take(struct compiler *c, const struct item *item, const json_t *v, const char *name, bool *ret)
{
    const json_t *flag = json_object_get(v, name);

    if (flag != NULL && !json_is_boolean(flag))
        return item_refuse(c, item, "'%s' must be true or false", name);
    *ret = json_is_true(flag);
    return true;
}
