/* Types, then options and length: a value that has the wrong type is not judged further. */
#include "questionnaire/value.h"

#include <string.h>

#include "questionnaire/moment.h"

#define RULE_NONE RULE_COUNT

static bool
is_number(const struct mp_value *v)
{
    return v->type == MP_INT || v->type == MP_UINT ||
           (v->type == MP_EXT && v->ext_type == MP_DECIMAL);
}

static enum rule
integer_judge(const struct mp_value *v)
{
    int64_t i;

    return mp_as_int(v, &i) && i >= INT32_MIN && i <= INT32_MAX ? RULE_NONE : RULE_TYPE;
}

/* Characters, not bytes: the text is well-formed UTF-8 (the edge refuses anything else). */
static size_t
characters(const struct mp_value *v)
{
    size_t n = 0;

    for (uint32_t i = 0; i < v->len; i++)
        n += (v->at[i] & 0xc0) != 0x80;
    return n;
}

/* Whether one of eight bytes is a control character (below 0x20, or 0x7f). */
static bool
word_has_control(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t x;

    memcpy(&x, at, sizeof(x));
    uint64_t del = x ^ (ones * 0x7f);
    return (((x - ones * 0x20) & ~x) | ((del - ones) & ~del)) & (ones * 0x80);
}

static enum rule
text_judge(const struct item *item, const struct mp_value *v)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    if (v->len == 0)
        return RULE_EMPTY;
    bool lines = item->type == ITEM_TEXT;
    for (uint32_t i = 0; i < v->len; i++) {
        while (v->len - i >= 8 && !word_has_control(v->at + i))
            i += 8;
        if (i == v->len)
            break;
        uint8_t c = v->at[i];
        if ((c < 0x20 && c != '\t' && !(lines && (c == '\n' || c == '\r'))) || c == 0x7f)
            return RULE_LINE_BREAK;
    }
    if (item->max_length > 0 && characters(v) > (size_t)item->max_length)
        return RULE_MAX_LENGTH;
    return RULE_NONE;
}

static enum rule
uri_judge(const struct mp_value *v)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    if (v->len == 0)
        return RULE_EMPTY;
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->at[i] <= 0x20 || v->at[i] == 0x7f || strchr("<>\"{}|\\^`", v->at[i]) != NULL)
            return RULE_TYPE;
    }
    return RULE_NONE;
}

static enum rule
moment_judge(enum item_type type, const struct mp_value *v)
{
    if (v->type != MP_STR)
        return RULE_TYPE;
    const char *text = (const char *)v->at;
    int n = type == ITEM_DATE   ? moment_check_date(text, v->len)
            : type == ITEM_TIME ? moment_check_time(text, v->len)
                                : moment_check_date_time(text, v->len);
    if (n == MOMENT_NO_ZONE)
        return RULE_TIMESTAMP_ZONE;
    if (n == MOMENT_OK)
        return RULE_NONE;
    return type == ITEM_DATE ? RULE_DATE : type == ITEM_TIME ? RULE_TIME : RULE_TIMESTAMP;
}

/* Members of a small object by name; false if one is unknown or a name stands for no text. */
struct coding {
    struct mp_value system, code, display, text;
};

static bool
coding_read(const struct mp_value *v, struct mp_cursor inside, struct coding *ret)
{
    *ret = (struct coding){0};
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        if (mp_next(&inside, &key) != MP_OK || mp_next(&inside, &value) != MP_OK ||
            value.type != MP_STR || value.len == 0)
            return false;
        if (mp_is_str(&key, "system"))
            ret->system = value;
        else if (mp_is_str(&key, "code"))
            ret->code = value;
        else if (mp_is_str(&key, "display"))
            ret->display = value;
        else if (mp_is_str(&key, "text"))
            ret->text = value;
        else
            return false;
    }
    return v->len > 0;
}

static bool
text_equal(const char *a, const struct mp_value *b)
{
    return a != NULL && strlen(a) == b->len && memcmp(a, b->at, b->len) == 0;
}

static enum rule
coding_judge(const struct item *item, const struct mp_value *v, struct mp_cursor inside)
{
    struct coding coding;

    if (!coding_read(v, inside, &coding))
        return RULE_TYPE;
    if (coding.text.at != NULL) {
        bool alone = v->len == 1;
        return item->type == ITEM_OPEN_CHOICE && alone ? RULE_NONE : RULE_OPTION;
    }
    for (uint32_t i = 0; i < item->n_options; i++) {
        const struct option *o = &item->options[i];
        if (o->kind != OPTION_CODING)
            continue;
        if (coding.code.at != NULL) {
            bool system = coding.system.at == NULL || o->system == NULL ||
                          text_equal(o->system, &coding.system);
            if (text_equal(o->code, &coding.code) && system)
                return RULE_NONE;
        } else if (o->code == NULL && coding.display.at != NULL &&
                   text_equal(o->display, &coding.display)) {
            return RULE_NONE;
        }
    }
    return RULE_OPTION;
}

static enum rule
scalar_option_judge(const struct item *item, const struct mp_value *v)
{
    unsigned hits = 0;
    int64_t number;
    bool is_integer = mp_as_int(v, &number);

    for (uint32_t i = 0; i < item->n_options; i++) {
        const struct option *o = &item->options[i];
        if (o->kind == OPTION_INTEGER)
            hits += is_integer && number == o->integer;
        else
            hits += v->type == MP_STR && text_equal(o->code, v);
    }
    return hits == 1 ? RULE_NONE : hits == 0 ? RULE_OPTION : RULE_OPTION_AMBIGUOUS;
}

static enum rule
choice_judge(const struct item *item, const struct mp_value *v, struct mp_cursor inside)
{
    int64_t number;

    if (v->type == MP_MAP)
        return coding_judge(item, v, inside);
    if (v->type == MP_STR)
        return v->len == 0 ? RULE_EMPTY : scalar_option_judge(item, v);
    return mp_as_int(v, &number) ? scalar_option_judge(item, v) : RULE_TYPE;
}

static enum rule
quantity_judge(const struct mp_value *v, struct mp_cursor inside)
{
    bool has_value = false;

    if (is_number(v))
        return RULE_NONE;
    if (v->type != MP_MAP)
        return RULE_TYPE;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        if (mp_next(&inside, &key) != MP_OK || mp_next(&inside, &value) != MP_OK)
            return RULE_TYPE;
        if (mp_is_str(&key, "value")) {
            has_value = is_number(&value);
            if (!has_value)
                return RULE_TYPE;
        } else if (!(mp_is_str(&key, "code") || mp_is_str(&key, "unit") ||
                     mp_is_str(&key, "system")) ||
                   value.type != MP_STR || value.len == 0) {
            return RULE_TYPE;
        }
    }
    return has_value ? RULE_NONE : RULE_TYPE;
}

static enum rule
type_judge(const struct item *item, const struct mp_value *v, struct mp_cursor inside)
{
    switch (item->type) {
    case ITEM_BOOLEAN:
        return v->type == MP_BOOL ? RULE_NONE : RULE_TYPE;
    case ITEM_DECIMAL:
        return is_number(v) ? RULE_NONE : RULE_TYPE;
    case ITEM_INTEGER:
        return integer_judge(v);
    case ITEM_DATE:
    case ITEM_DATE_TIME:
    case ITEM_TIME:
        return moment_judge(item->type, v);
    case ITEM_STRING:
    case ITEM_TEXT:
        return text_judge(item, v);
    case ITEM_URL:
        return uri_judge(v);
    case ITEM_CHOICE:
    case ITEM_OPEN_CHOICE:
        return choice_judge(item, v, inside);
    case ITEM_QUANTITY:
        return quantity_judge(v, inside);
    case ITEM_ATTACHMENT:
    case ITEM_REFERENCE:
        return v->type == MP_MAP && v->len > 0 ? RULE_NONE : RULE_TYPE;
    case ITEM_GROUP:
    case ITEM_DISPLAY:
    case ITEM_TYPE_COUNT:
        break;
    }
    return RULE_NOT_A_QUESTION;
}

enum rule
value_judge(const struct item *item, const struct mp_value *v, struct mp_cursor inside,
            const char **ret_more)
{
    enum rule rule = type_judge(item, v, inside);
    bool choice = item->type == ITEM_CHOICE || item->type == ITEM_OPEN_CHOICE;

    /* answerOption binds every type that carries it. */
    if (rule == RULE_NONE && !choice && item->n_options > 0)
        rule = scalar_option_judge(item, v);
    *ret_more = rule == RULE_TYPE ? item_type_values[item->type] : NULL;
    return rule;
}
