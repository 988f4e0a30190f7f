/* What bounds an item's answers: values, lengths, patterns, how many, attachments, references,
 * units. A limit on a type that it does not fit is refused: it would never be obeyed. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/extension.h"
#include "questionnaire/moment.h"
#include "questionnaire/reference.h"
#include "questionnaire/valueset.h"

#define TYPE(NAME) (1u << ITEM_##NAME)
#define TYPES_TEXT (TYPE(STRING) | TYPE(TEXT) | TYPE(URL) | TYPE(OPEN_CHOICE))
#define TYPES_MOMENT (TYPE(DATE) | TYPE(DATE_TIME) | TYPE(TIME))
#define BYTES_PER_MEGABYTE 1000000

static const char *
name_of(enum support row)
{
    return strrchr(support_rows[row].key, '/') + 1;
}

/* The one extension of this kind; NULL and true where there is none. False: said why not. */
static bool
limit_find(struct compiler *c, const json_t *v, const struct item *item, enum support row,
           unsigned types, const json_t **ret)
{
    *ret = extension_first(v, support_rows[row].key);
    if (*ret == NULL)
        return true;
    if ((types & (1u << item->type)) == 0)
        return item_refuse(c, item, "%s does not fit type %s", name_of(row),
                           item_type_codes[item->type]);
    if (extension_count(v, support_rows[row].key) > 1)
        return item_refuse(c, item, "%s stands twice", name_of(row));
    /* Without a value it is an expression that was flagged. */
    if (extension_value(*ret) == NULL)
        *ret = NULL;
    return true;
}

/* A whole number from min to max; *ret is left alone where there is none. */
static bool
count_take(struct compiler *c, const json_t *v, const struct item *item, enum support row,
           unsigned types, int64_t min, int64_t max, int64_t *ret)
{
    const json_t *x;
    int64_t n;

    if (!limit_find(c, v, item, row, types, &x))
        return false;
    if (x == NULL)
        return true;
    if (!extension_integer(x, &n) || n < min || n > max)
        return item_refuse(c, item, "%s must be an integer from %lld to %lld", name_of(row),
                           (long long)min, (long long)max);
    *ret = n;
    return true;
}

static bool
moment_take(struct compiler *c, const json_t *x, const struct item *item, enum support row,
            struct limit *limit)
{
    const char *text = literal_text(extension_value(x));
    size_t len = text != NULL ? strlen(text) : 0;
    int n = text == NULL              ? MOMENT_BAD
            : item->type == ITEM_DATE ? moment_check_date(text, len)
            : item->type == ITEM_TIME ? moment_check_time(text, len)
                                      : moment_check_date_time(text, len);

    if (n != MOMENT_OK)
        return item_refuse(c, item, "%s must be a %s", name_of(row), item_type_codes[item->type]);
    *limit = (struct limit){.kind = LIMIT_MOMENT, .text = text, .text_len = len};
    return true;
}

static bool
value_take(struct compiler *c, const json_t *v, const struct item *item, enum support row,
           struct limit *limit)
{
    const json_t *x;

    if (!limit_find(c, v, item, row, TYPES_MOMENT | TYPE(INTEGER) | TYPE(DECIMAL), &x))
        return false;
    if (x == NULL)
        return true;
    if ((TYPES_MOMENT & (1u << item->type)) != 0)
        return moment_take(c, x, item, row, limit);
    limit->kind = LIMIT_NUMBER;
    return extension_number(x, &limit->number) ||
           item_refuse(c, item, "%s must be a number of 18 digits at most", name_of(row));
}

bool
quantity_take(struct compiler *c, const struct item *item, const json_t *v, const char *what,
              struct decimal *ret_number, struct unit *ret_unit)
{
    static const char *const known[] = {"value", "system", "code", "unit", "id", "extension"};
    const char *key;
    json_t *member;

    if (!json_is_object(v) || !literal_number(json_object_get(v, "value"), ret_number))
        return item_refuse(c, item, "%s must be a quantity with a value of 18 digits at most",
                           what);
    json_object_foreach((json_t *)v, key, member)
    {
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_LEN(known); i++)
            is_known = is_known || strcmp(known[i], key) == 0;
        if (!is_known)
            return item_refuse(c, item, "%s: a quantity with '%.40s' is no limit", what, key);
    }
    return text_take(c, item, v, "system", &ret_unit->system) &&
           text_take(c, item, v, "code", &ret_unit->code) &&
           text_take(c, item, v, "unit", &ret_unit->text);
}

static bool
quantity_limit_take(struct compiler *c, const json_t *v, const struct item *item, enum support row,
                    struct limit *limit)
{
    const json_t *x;

    if (!limit_find(c, v, item, row, TYPE(QUANTITY), &x))
        return false;
    if (x == NULL)
        return true;
    limit->kind = LIMIT_QUANTITY;
    return quantity_take(c, item, json_object_get(x, "valueQuantity"), name_of(row), &limit->number,
                         &limit->unit);
}

static bool
max_length_take(struct compiler *c, const json_t *v, struct item *item)
{
    const unsigned numbers = TYPE(BOOLEAN) | TYPE(INTEGER) | TYPE(DECIMAL);
    const json_t *max = json_object_get(v, "maxLength");

    if (max == NULL)
        return true;
    if (!json_is_integer(max) || json_integer_value(max) < 1 || json_integer_value(max) > INT32_MAX)
        return item_refuse(c, item, "'maxLength' must be a positive integer");
    if ((numbers & (1u << item->type)) != 0)
        return unsupported(c, item, HAS_LENGTH_OF_NUMBER, "maxLength");
    if ((TYPES_TEXT & (1u << item->type)) == 0)
        return item_refuse(c, item, "maxLength does not fit type %s", item_type_codes[item->type]);
    item->max_length = (int32_t)json_integer_value(max);
    return true;
}

static bool
regex_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *x;
    const char *pattern;
    char why[REGEX_WHY_SIZE];

    if (!limit_find(c, v, item, HAS_REGEX, ~0u, &x))
        return false;
    if (x == NULL)
        return true;
    if ((TYPES_TEXT & (1u << item->type)) == 0)
        return unsupported(c, item, HAS_REGEX_OF_OTHER, "regex");
    if (!extension_text(x, &pattern))
        return item_refuse(c, item, "regex must be a text");
    return definition_memory_regex(c->q->memory, pattern, &item->regex, why) == REGEX_OK ||
           item_refuse(c, item, "regex: %s", why);
}

static bool
lengths_take(struct compiler *c, const json_t *v, struct item *item)
{
    int64_t min = 0, places = -1, least = 0, most = 0;
    bool good = max_length_take(c, v, item);

    good = count_take(c, v, item, HAS_MIN_LENGTH, TYPES_TEXT, 0, INT32_MAX, &min) && good;
    good = count_take(c, v, item, HAS_MAX_DECIMAL_PLACES,
                      TYPE(DECIMAL) | TYPE(INTEGER) | TYPE(QUANTITY), 0, INT32_MAX, &places) &&
           good;
    good = count_take(c, v, item, HAS_MIN_OCCURS, ~TYPE(DISPLAY), 0, INT32_MAX, &least) && good;
    good = count_take(c, v, item, HAS_MAX_OCCURS, ~TYPE(DISPLAY), 1, INT32_MAX, &most) && good;
    item->min_length = (int32_t)min;
    item->max_decimal_places = (int32_t)places;
    item->min_occurs = (uint32_t)least;
    item->max_occurs = (uint32_t)most;
    return good;
}

/* All texts of a repeated extension, as an array of the definition's. */
static bool
texts_take(struct compiler *c, const json_t *v, const struct item *item, enum support row,
           unsigned types, const char *const **ret, uint32_t *ret_n)
{
    size_t n = extension_count(v, support_rows[row].key), at = 0;
    const json_t *x;

    if (n == 0)
        return true;
    if ((types & (1u << item->type)) == 0)
        return item_refuse(c, item, "%s does not fit type %s", name_of(row),
                           item_type_codes[item->type]);
    const char **texts = definition_memory_take(c->q->memory, n, sizeof(*texts));
    *ret = texts;
    while ((x = extension_next(v, support_rows[row].key, &at)) != NULL) {
        if (extension_value(x) == NULL)
            continue;
        if (!extension_text(x, &texts[*ret_n]))
            return item_refuse(c, item, "%s must be a code", name_of(row));
        ++*ret_n;
    }
    return true;
}

static bool
files_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *x;
    struct decimal megabytes, bytes;
    bool good = texts_take(c, v, item, HAS_MIME_TYPE, TYPE(ATTACHMENT), &item->mime_types,
                           &item->n_mime_types);

    good = texts_take(c, v, item, HAS_REFERENCE_RESOURCE, TYPE(REFERENCE), &item->reference_types,
                      &item->n_reference_types) &&
           good;
    for (uint32_t i = 0; i < item->n_reference_types; i++) {
        const char *type = item->reference_types[i];
        if (!resource_type_known(type, strlen(type)))
            good = item_refuse(c, item, "referenceResource: '%.60s' is no resource of R4", type);
    }
    if (!limit_find(c, v, item, HAS_MAX_SIZE, TYPE(ATTACHMENT), &x))
        return false;
    if (x == NULL)
        return good;
    const struct decimal megabyte = decimal_from_int(BYTES_PER_MEGABYTE);
    const struct decimal limit = decimal_from_int(1000000);
    if (!extension_number(x, &megabytes) || megabytes.coefficient <= 0 ||
        decimal_compare(megabytes, limit) > 0 || !decimal_multiply(megabytes, megabyte, &bytes))
        return item_refuse(c, item, "maxSize must be a number of megabytes above 0");
    for (; bytes.exponent > 0; bytes.exponent--)
        bytes.coefficient *= 10;
    for (; bytes.exponent < 0; bytes.exponent++)
        bytes.coefficient /= 10;
    item->max_bytes = bytes.coefficient > 0 ? (uint64_t)bytes.coefficient : 1;
    return good;
}

static void
limits_advise(struct compiler *c, const struct item *item)
{
    const struct limit *min = &item->min, *max = &item->max;
    bool crossed = false;

    if (min->kind == LIMIT_NUMBER && max->kind == LIMIT_NUMBER)
        crossed = decimal_compare(min->number, max->number) > 0;
    else if (min->kind == LIMIT_MOMENT && max->kind == LIMIT_MOMENT)
        crossed = moment_compare(min->text, min->text_len, max->text, max->text_len) > 0;
    else if (min->kind == LIMIT_QUANTITY && max->kind == LIMIT_QUANTITY && min->unit.code != NULL &&
             max->unit.code != NULL && strcmp(min->unit.code, max->unit.code) == 0)
        crossed = decimal_compare(min->number, max->number) > 0;
    if (crossed)
        item_warn(c, item, "the least value is above the greatest: no answer is right");
    if (item->max_length > 0 && item->min_length > item->max_length)
        item_warn(c, item, "minLength is above maxLength: no answer is right");
    if (!item->repeats && item->max_occurs > 1)
        item_warn(c, item, "maxOccurs is above 1 and the item does not repeat: one answer at most");
    uint32_t most = item->repeats ? item->max_occurs : 1;
    if (most > 0 && item->min_occurs > most)
        item_warn(c, item, "minOccurs is above what it may have: no form can be complete");
}

bool
limits_take(struct compiler *c, const json_t *v, struct item *item)
{
    bool good = value_take(c, v, item, HAS_MIN_VALUE, &item->min);

    good = value_take(c, v, item, HAS_MAX_VALUE, &item->max) && good;
    good = quantity_limit_take(c, v, item, HAS_MIN_QUANTITY, &item->min) && good;
    good = quantity_limit_take(c, v, item, HAS_MAX_QUANTITY, &item->max) && good;
    good = lengths_take(c, v, item) && good;
    good = regex_take(c, v, item) && good;
    good = files_take(c, v, item) && good;
    if (good)
        limits_advise(c, item);
    return good;
}
