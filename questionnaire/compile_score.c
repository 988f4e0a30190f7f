/* The extension `score` of items (schemas/fhir/). */
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/compile_rule.h"
#include "questionnaire/extension.h"

#define TYPE(NAME) (1u << ITEM_##NAME)

static bool
option_is_numeric(const struct option *o)
{
    return o->has_weight || o->kind == OPTION_INTEGER;
}

bool
item_is_numeric(const struct item *item)
{
    const unsigned numbers = TYPE(BOOLEAN) | TYPE(INTEGER) | TYPE(DECIMAL) | TYPE(QUANTITY);
    bool numeric = false;

    if ((numbers & (1u << item->type)) != 0)
        return true;
    if (item->type != ITEM_CHOICE && item->type != ITEM_OPEN_CHOICE)
        return false;
    for (uint32_t i = 0; i < item->n_options; i++)
        numeric = numeric || option_is_numeric(&item->options[i]);
    return numeric;
}

/* An option that is worth nothing ("prefer not to answer") leaves the score without a value. */
static void
worthless_warn(struct compiler *c, const struct item *item)
{
    for (uint32_t i = 0; i < item->n_options; i++) {
        const struct option *o = &item->options[i];
        if (!option_is_numeric(o)) {
            item_warn(c, item, "the option '%.60s' has no weight: chosen, it counts as no answer",
                      o->code != NULL ? o->code : o->display);
            return;
        }
    }
}

/* Whether it may have several answers in one form. */
static bool
item_is_plural(const struct questionnaire *q, const struct item *item)
{
    bool plural = item->repeats;

    for (uint32_t up = item->parent; up != ITEM_NONE && !plural; up = q->items[up].parent)
        plural = q->items[up].repeats;
    return plural;
}

static bool
of_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    const struct questionnaire *q = c->q;
    size_t n = extension_count(x, "of"), at = 0;
    uint32_t *of = definition_memory_take(q->memory, n, sizeof(*of));
    const json_t *one;
    const char *link_id;

    score->of = of;
    if (n == 0)
        return item_refuse(c, item, "score: at least one 'of' is needed");
    while ((one = extension_next(x, "of", &at)) != NULL) {
        if (!extension_text(one, &link_id))
            return item_refuse(c, item, "score: 'of' must be a linkId");
        uint32_t i = item_find(q, link_id, strlen(link_id));
        if (i == ITEM_NONE)
            return item_refuse(c, item, "score: '%.60s' is no item", link_id);
        if (i == item->ordinal || !item_is_numeric(&q->items[i]))
            return item_refuse(c, item, "score: '%.60s' has no number or weight", link_id);
        if (item_is_plural(q, &q->items[i]))
            return item_refuse(c, item, "score: '%.60s' may have several answers", link_id);
        if (q->items[i].identifier != IDENTIFIER_NONE)
            return item_refuse(c, item, "score: '%.60s' is an identifier", link_id);
        if (q->items[i].type == ITEM_CHOICE || q->items[i].type == ITEM_OPEN_CHOICE)
            worthless_warn(c, &q->items[i]);
        of[score->n_of++] = i;
    }
    return true;
}

static bool
method_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    const char *method = "", *table = NULL;
    const json_t *named = extension_first(x, "table");

    extension_text(extension_first(x, "method"), &method);
    unsigned i = code_find(score_method_codes, 0, SCORE_METHOD_COUNT, method);
    if (i == SCORE_METHOD_COUNT)
        return item_refuse(c, item, "score: method '%.40s' is none we know", method);
    score->method = (enum score_method)i;
    if (named == NULL)
        return true;
    if (score->method != SCORE_LOOKUP || !extension_text(named, &table))
        return item_refuse(c, item, "score: only method lookup names a table");
    i = code_find(score_table_codes, 1, SCORE_TABLE_COUNT, table);
    if (i == SCORE_TABLE_COUNT)
        return item_refuse(c, item, "score: table '%.60s' is none we know", table);
    score->table = (enum score_table)i;
    return score->n_of == score_table_items[i] ||
           item_refuse(c, item, "score: table %s is of %u items", table,
                       (unsigned)score_table_items[i]);
}

static int
row_compare(const void *a, const void *b, void *arg)
{
    const struct score_row *x = a, *y = b;
    const uint32_t *n = arg;
    int order = 0;

    for (uint32_t i = 0; i < *n && order == 0; i++)
        order = decimal_compare(x->when[i], y->when[i]);
    return order;
}

static bool
row_take(struct compiler *c, const json_t *x, const struct item *item, uint32_t n_of,
         struct score_row *row)
{
    struct decimal *when = definition_memory_take(c->q->memory, n_of, sizeof(*when));
    const json_t *one;
    size_t at = 0;
    uint32_t n = 0;

    row->when = when;
    if (!rule_parts_check(c, item, x, PART_OF_SCORE_ROW))
        return false;
    while ((one = extension_next(x, "when", &at)) != NULL) {
        if (n == n_of || !extension_number(one, &when[n++]))
            return item_refuse(c, item, "score: a row needs %u numbers 'when'", (unsigned)n_of);
    }
    if (n != n_of)
        return item_refuse(c, item, "score: a row needs %u numbers 'when'", (unsigned)n_of);
    return extension_number(extension_first(x, "value"), &row->value) ||
           item_refuse(c, item, "score: a row needs a number 'value'");
}

static bool
rows_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    size_t n = extension_count(x, "row"), at = 0;
    bool wants = score->method == SCORE_LOOKUP && score->table == SCORE_TABLE_NONE;
    const json_t *one;

    if (wants != (n > 0))
        return item_refuse(c, item,
                           wants ? "score: method lookup needs rows or a table"
                                 : "score: only method lookup without a table has rows");
    struct score_row *rows = definition_memory_take(c->q->memory, n, sizeof(*rows));
    while ((one = extension_next(x, "row", &at)) != NULL) {
        if (!row_take(c, one, item, score->n_of, &rows[score->n_rows++]))
            return false;
    }
    qsort_r(rows, n, sizeof(*rows), row_compare, &score->n_of);
    for (size_t i = 1; i < n; i++) {
        if (row_compare(&rows[i - 1], &rows[i], &score->n_of) == 0)
            return item_refuse(c, item, "score: two rows are of the same values");
    }
    score->rows = rows;
    return true;
}

static int
band_compare(const void *a, const void *b)
{
    const struct score_band *x = a, *y = b;

    if (!x->has_low || !y->has_low)
        return x->has_low - y->has_low;
    return decimal_compare(x->low, y->low);
}

static bool
band_take(struct compiler *c, const json_t *x, const struct item *item, struct score_band *band)
{
    const json_t *low = extension_first(x, "low"), *high = extension_first(x, "high");

    if (!rule_parts_check(c, item, x, PART_OF_SCORE_BAND))
        return false;
    band->has_low = low != NULL;
    band->has_high = high != NULL;
    if ((low != NULL && !extension_number(low, &band->low)) ||
        (high != NULL && !extension_number(high, &band->high)))
        return item_refuse(c, item, "score: a band's ends must be numbers");
    if (low != NULL && high != NULL && decimal_compare(band->low, band->high) > 0)
        return item_refuse(c, item, "score: a band's low end is above its high end");
    return extension_text(extension_first(x, "code"), &band->code) ||
           item_refuse(c, item, "score: a band needs a code");
}

static bool
bands_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    size_t n = extension_count(x, "band"), at = 0;
    struct score_band *bands = definition_memory_take(c->q->memory, n, sizeof(*bands));
    const json_t *one;

    while ((one = extension_next(x, "band", &at)) != NULL) {
        if (!band_take(c, one, item, &bands[score->n_bands++]))
            return false;
    }
    qsort(bands, n, sizeof(*bands), band_compare);
    for (size_t i = 1; i < n; i++) {
        if (!bands[i - 1].has_high || !bands[i].has_low ||
            decimal_compare(bands[i - 1].high, bands[i].low) >= 0)
            return item_refuse(c, item, "score: the bands '%.40s' and '%.40s' overlap",
                               bands[i - 1].code, bands[i].code);
    }
    score->bands = bands;
    return true;
}

static bool
least_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    const json_t *least = extension_first(x, "minAnswered");
    int64_t n = score->n_of;

    if (least != NULL && (!extension_integer(least, &n) || n < 1 || n > score->n_of))
        return item_refuse(c, item, "score: minAnswered must be 1 to %u", (unsigned)score->n_of);
    if (least != NULL && score->method != SCORE_SUM)
        return item_refuse(c, item, "score: only method sum has minAnswered");
    score->min_answered = (uint32_t)n;
    return true;
}

static bool
score_take(struct compiler *c, const json_t *x, const struct item *item, struct score *score)
{
    const unsigned numbers = TYPE(INTEGER) | TYPE(DECIMAL) | TYPE(QUANTITY);

    if (!rule_parts_check(c, item, x, PART_OF_SCORE))
        return false;
    if (!item->read_only)
        return item_refuse(c, item, "score: the item must be readOnly");
    if (item_is_plural(c->q, item))
        return item_refuse(c, item, "score: the item must not repeat");
    if (!of_take(c, x, item, score) || !method_take(c, x, item, score))
        return false;
    unsigned types = score->method == SCORE_PROFILE ? numbers | TYPE(STRING) : numbers;
    if ((types & (1u << item->type)) == 0)
        return item_refuse(c, item, "score: method %s does not fit type %s",
                           score_method_codes[score->method], item_type_codes[item->type]);
    return least_take(c, x, item, score) && rows_take(c, x, item, score) &&
           bands_take(c, x, item, score);
}

bool
scores_take(struct compiler *c)
{
    const char *url = support_rows[HAS_SCORE].key;
    struct questionnaire *q = c->q;
    uint32_t n = 0;
    bool good = true;

    for (uint32_t i = 0; i < q->n_items; i++)
        n += extension_first(c->sources[i], url) != NULL;
    q->scores = definition_memory_take(q->memory, n, sizeof(*q->scores));
    for (uint32_t i = 0; i < q->n_items; i++) {
        struct item *item = &q->items[i];
        const json_t *x = extension_first(c->sources[i], url);
        if (x == NULL)
            continue;
        if (extension_count(c->sources[i], url) > 1)
            good = item_refuse(c, item, "score stands twice");
        struct score *score = &q->scores[q->n_scores];
        score->item = i;
        if (score_take(c, x, item, score))
            item->score = q->n_scores++;
        else
            good = false;
    }
    return good;
}
