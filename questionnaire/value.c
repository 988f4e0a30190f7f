/* The level "type": one function for each kind of value. What an answer names among options is
 * found here too, because conditions want to know it; that it is none is a matter of limits. */
#include "questionnaire/value.h"

#include <string.h>

#include "base/error.h"
#include "questionnaire/attachment.h"
#include "questionnaire/moment.h"
#include "questionnaire/reference.h"
#include "questionnaire/text.h"
#include "questionnaire/uri.h"

#define RULE_NONE RULE_COUNT

/* The grammar of a JSON number, whatever its length. */
static bool
is_number_literal(const char *p, size_t len)
{
    size_t i = len > 0 && p[0] == '-' ? 1 : 0, start = i;

    while (i < len && p[i] >= '0' && p[i] <= '9')
        i++;
    if (i == start || (p[start] == '0' && i > start + 1))
        return false;
    if (i < len && p[i] == '.') {
        start = ++i;
        while (i < len && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == start)
            return false;
    }
    if (i < len && (p[i] == 'e' || p[i] == 'E')) {
        i++;
        i += i < len && (p[i] == '+' || p[i] == '-');
        start = i;
        while (i < len && p[i] >= '0' && p[i] <= '9')
            i++;
        if (i == start)
            return false;
    }
    return i == len;
}

int
number_read(const struct mp_value *v, struct decimal *ret)
{
    const int64_t end = 1000000000000000000; /* 10^DECIMAL_DIGITS_MAX */
    const char *text = (const char *)v->at;

    if (v->type == MP_INT || v->type == MP_UINT) {
        int64_t i;
        if (!mp_as_int(v, &i) || i >= end || i <= -end)
            return NUMBER_DIGITS;
        *ret = decimal_from_int(i);
        return NUMBER_OK;
    }
    if (v->type != MP_EXT || v->ext_type != MP_DECIMAL)
        return NUMBER_NONE;
    if (decimal_parse(text, v->len, ret))
        return NUMBER_OK;
    return is_number_literal(text, v->len) ? NUMBER_DIGITS : NUMBER_NONE;
}

static enum rule
number_judge(const struct mp_value *v)
{
    struct decimal d;

    return number_read(v, &d) != NUMBER_NONE ? RULE_NONE : RULE_TYPE;
}

static enum rule
integer_judge(const struct mp_value *v)
{
    int64_t i;

    return mp_as_int(v, &i) && i >= INT32_MIN && i <= INT32_MAX ? RULE_NONE : RULE_TYPE;
}

static enum rule
text_judge(const struct mp_value *v, bool lines)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    if (v->len == 0)
        return RULE_EMPTY;
    switch (text_check((const char *)v->at, v->len, lines)) {
    case TEXT_LINE_BREAK:
        return RULE_LINE_BREAK;
    case TEXT_CONTROL:
        return RULE_CONTROL_CHARACTER;
    case TEXT_NOT_UTF8:
        return RULE_TYPE;
    case TEXT_OK:
        break;
    }
    return RULE_NONE;
}

static enum rule
uri_judge(const struct mp_value *v)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    if (v->len == 0)
        return RULE_EMPTY;
    return uri_check((const char *)v->at, v->len) ? RULE_NONE : RULE_URI;
}

static enum rule
moment_judge(enum item_type type, const struct mp_value *v)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    if (v->len == 0)
        return RULE_EMPTY;
    const char *text = (const char *)v->at;
    int n = type == ITEM_DATE   ? moment_check_date(text, v->len)
            : type == ITEM_TIME ? moment_check_time(text, v->len)
                                : moment_check_date_time(text, v->len);
    if (n == MOMENT_OK)
        return RULE_NONE;
    if (n == MOMENT_NO_ZONE)
        return RULE_DATE_TIME_ZONE;
    return type == ITEM_DATE ? RULE_DATE : type == ITEM_TIME ? RULE_TIME : RULE_DATE_TIME;
}

static enum rule
quantity_judge(const struct mp_value *v, struct mp_cursor inside)
{
    struct quantity x;

    if (!quantity_read(v, inside, &x))
        return RULE_TYPE;
    return x.comparator ? RULE_COMPARATOR : RULE_NONE;
}

static enum rule
reference_judge(const struct mp_value *v, struct mp_cursor inside)
{
    struct reference r;
    const char *type;
    size_t type_len;

    if (!reference_read(v, inside, &r))
        return RULE_TYPE;
    if (r.reference.at == NULL)
        return RULE_NONE; /* an identifier says it */
    if (!reference_check(r.reference.at, r.reference.len, &type, &type_len))
        return RULE_REFERENCE;
    bool other = type != NULL && r.type.at != NULL &&
                 (r.type.len != type_len || memcmp(r.type.at, type, type_len) != 0);
    return other ? RULE_REFERENCE : RULE_NONE;
}

static enum rule
attachment_judge(const struct mp_value *v, struct mp_cursor inside)
{
    struct attachment x;

    if (v->type != MP_MAP)
        return RULE_TYPE;
    return attachment_read(v, inside, &x) ? RULE_NONE : RULE_ATTACHMENT;
}

/* choice and open-choice in the short form: a code, an option's value, {"system", "code"},
 * {"display"}, {"text"}. */
static enum rule
choice_judge(const struct item *item, const struct answer *a, struct mp_cursor inside)
{
    struct coding coding;
    int64_t number;

    switch (a->v.type) {
    case MP_STR:
        return a->v.len == 0 ? RULE_EMPTY : RULE_NONE;
    case MP_INT:
    case MP_UINT:
        return mp_as_int(&a->v, &number) ? RULE_NONE : RULE_TYPE;
    case MP_MAP:
        if (!coding_read(&a->v, inside, false, &coding))
            return RULE_TYPE;
        if (coding.text.at == NULL)
            return RULE_NONE;
        if (a->v.len != 1 || item->type != ITEM_OPEN_CHOICE)
            return RULE_TYPE;
        const struct mp_value text = {.type = MP_STR,
                                      .len = (uint32_t)coding.text.len,
                                      .at = (const uint8_t *)coding.text.at};
        return text_judge(&text, false);
    case MP_NIL:
    case MP_BOOL:
    case MP_FLOAT:
    case MP_BIN:
    case MP_ARRAY:
    case MP_EXT:
        break;
    }
    return RULE_TYPE;
}

/* Which value[x] an item's answer has in a QuestionnaireResponse. */
static bool
value_type_fits(const struct item *item, enum value_type type)
{
    static const enum value_type plain[ITEM_TYPE_COUNT] = {
        [ITEM_BOOLEAN] = VALUE_BOOLEAN,
        [ITEM_DECIMAL] = VALUE_DECIMAL,
        [ITEM_INTEGER] = VALUE_INTEGER,
        [ITEM_DATE] = VALUE_DATE,
        [ITEM_DATE_TIME] = VALUE_DATE_TIME,
        [ITEM_TIME] = VALUE_TIME,
        [ITEM_STRING] = VALUE_STRING,
        [ITEM_TEXT] = VALUE_STRING,
        [ITEM_URL] = VALUE_URI,
        [ITEM_ATTACHMENT] = VALUE_ATTACHMENT,
        [ITEM_REFERENCE] = VALUE_REFERENCE,
        [ITEM_QUANTITY] = VALUE_QUANTITY,
    };
    static const enum value_type of_option[] = {
        [OPTION_CODING] = VALUE_CODING,   [OPTION_STRING] = VALUE_STRING,
        [OPTION_DATE] = VALUE_DATE,       [OPTION_TIME] = VALUE_TIME,
        [OPTION_INTEGER] = VALUE_INTEGER, [OPTION_REFERENCE] = VALUE_REFERENCE,
    };

    if (item->type != ITEM_CHOICE && item->type != ITEM_OPEN_CHOICE)
        return plain[item->type] == type;
    if (item->type == ITEM_OPEN_CHOICE && type == VALUE_STRING)
        return true;
    if (item->n_options == 0)
        return type == VALUE_CODING;
    for (size_t kind = 0; kind < ARRAY_LEN(of_option); kind++) {
        if (of_option[kind] == type && (item->set->kinds & 1u << kind) != 0)
            return true;
    }
    return false;
}

static enum rule
choice_value_judge(const struct answer *a, struct mp_cursor inside)
{
    struct coding coding;

    switch ((enum value_type)a->type) {
    case VALUE_CODING:
        return coding_read(&a->v, inside, true, &coding) ? RULE_NONE : RULE_TYPE;
    case VALUE_STRING:
        return text_judge(&a->v, false);
    case VALUE_DATE:
        return moment_judge(ITEM_DATE, &a->v);
    case VALUE_TIME:
        return moment_judge(ITEM_TIME, &a->v);
    case VALUE_INTEGER:
        return integer_judge(&a->v);
    case VALUE_REFERENCE:
        return reference_judge(&a->v, inside);
    case VALUE_SHORT:
    case VALUE_BOOLEAN:
    case VALUE_DECIMAL:
    case VALUE_DATE_TIME:
    case VALUE_URI:
    case VALUE_ATTACHMENT:
    case VALUE_QUANTITY:
    case VALUE_TYPE_COUNT:
        break;
    }
    return RULE_TYPE;
}

static enum rule
type_judge(const struct item *item, const struct answer *a, struct mp_cursor inside)
{
    const struct mp_value *v = &a->v;

    if (a->type != VALUE_SHORT && !value_type_fits(item, (enum value_type)a->type))
        return RULE_TYPE;
    switch (item->type) {
    case ITEM_BOOLEAN:
        return v->type == MP_BOOL ? RULE_NONE : RULE_TYPE;
    case ITEM_DECIMAL:
        return number_judge(v);
    case ITEM_INTEGER:
        return integer_judge(v);
    case ITEM_DATE:
    case ITEM_DATE_TIME:
    case ITEM_TIME:
        return moment_judge(item->type, v);
    case ITEM_STRING:
    case ITEM_TEXT:
        return text_judge(v, item->type == ITEM_TEXT);
    case ITEM_URL:
        return uri_judge(v);
    case ITEM_CHOICE:
    case ITEM_OPEN_CHOICE:
        return a->type == VALUE_SHORT ? choice_judge(item, a, inside)
                                      : choice_value_judge(a, inside);
    case ITEM_QUANTITY:
        return quantity_judge(v, inside);
    case ITEM_ATTACHMENT:
        return attachment_judge(v, inside);
    case ITEM_REFERENCE:
        return reference_judge(v, inside);
    case ITEM_GROUP:
    case ITEM_DISPLAY:
    case ITEM_TYPE_COUNT:
        break;
    }
    return RULE_NOT_A_QUESTION;
}

enum rule
value_judge(const struct item *item, struct answer *a, const uint8_t *end, const char **ret_more)
{
    struct mp_cursor inside = {a->inside, end};
    enum rule rule = type_judge(item, a, inside);
    bool choice = item->type == ITEM_CHOICE || item->type == ITEM_OPEN_CHOICE;

    a->option = OPTION_NONE;
    a->pending = RULE_COUNT;
    if (rule == RULE_NONE && (choice || item->set != NULL))
        option_resolve(item, a, inside);
    *ret_more = rule == RULE_TYPE ? item_type_values[item->type] : NULL;
    return rule;
}
