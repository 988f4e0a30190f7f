/* From a Questionnaire's JSON to the flat form. The JSON tree stays: it owns the texts. First the
 * frame is counted, so that arrays are taken once; then every item is filled; then what looks at
 * other items. All that is wrong is told at once, except where a later step would stumble over
 * what an earlier one found. */
#include "questionnaire/compile.h"

#include <ctype.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/moment.h"
#include "questionnaire/normal.h"
#include "questionnaire/sheet.h"
#include "questionnaire/valueset.h"

static bool
items_count(struct compiler *c, const json_t *list, unsigned depth)
{
    const json_t *v;
    size_t i;

    if (list == NULL)
        return true;
    if (!json_is_array(list))
        return refuse(c, "'item' must be an array");
    if (depth > QUESTIONNAIRE_DEPTH_MAX)
        return refuse(c, "items are nested deeper than %d", QUESTIONNAIRE_DEPTH_MAX);
    json_array_foreach(list, i, v)
    {
        if (!json_is_object(v))
            return refuse(c, "an item must be an object");
        if (++c->n_items > QUESTIONNAIRE_ITEMS_MAX)
            return refuse(c, "more than %d items", QUESTIONNAIRE_ITEMS_MAX);
        size_t n = json_array_size(json_object_get(v, "answerOption"));
        if (n > QUESTIONNAIRE_OPTIONS_MAX - c->n_options)
            return refuse(c, "more than %d options", QUESTIONNAIRE_OPTIONS_MAX);
        c->n_options += (uint32_t)n;
        if (!items_count(c, json_object_get(v, "item"), depth + 1))
            return false;
    }
    return true;
}

static bool
link_id_is_good(const char *link_id)
{
    size_t len = strlen(link_id);
    bool control = false;

    for (size_t i = 0; i < len; i++)
        control = control || iscntrl((unsigned char)link_id[i]);
    return len > 0 && len <= QUESTIONNAIRE_LINK_ID_MAX && !control;
}

static bool
link_id_take(struct compiler *c, const json_t *v, uint32_t at)
{
    struct item *item = &c->q->items[at];
    const char *link_id = literal_text(json_object_get(v, "linkId"));

    item->link_id = "";
    if (link_id == NULL || !link_id_is_good(link_id))
        return refuse(c, "every item needs a linkId of 1 to %d bytes without control characters",
                      QUESTIONNAIRE_LINK_ID_MAX);
    item->link_id = link_id;
    item->link_id_len = (uint32_t)strlen(link_id);
    return item_table_add(c->q, at) || item_refuse(c, item, "the linkId stands twice");
}

static void
scope_append(struct questionnaire *q, uint32_t scope, uint32_t i)
{
    uint32_t *first = scope == ITEM_NONE ? &q->first : &q->items[scope].first_inside;
    uint32_t *last = scope == ITEM_NONE ? &q->last : &q->items[scope].last_inside;

    if (*first == ITEM_NONE)
        *first = i;
    else
        q->items[*last].next_in_scope = i;
    *last = i;
}

static bool
items_fill(struct compiler *c, const json_t *list, uint32_t parent, uint32_t scope)
{
    struct questionnaire *q = c->q;
    const json_t *v;
    bool good = true;
    size_t i;

    json_array_foreach(list, i, v)
    {
        uint32_t at = q->n_items++;
        struct item *item = &q->items[at];

        *item = (struct item){
            .ordinal = at,
            .parent = parent,
            .scope = scope,
            .next_in_scope = ITEM_NONE,
            .first_inside = ITEM_NONE,
            .last_inside = ITEM_NONE,
            .max_decimal_places = -1,
            .score = ITEM_NONE,
        };
        c->sources[at] = v;
        good = link_id_take(c, v, at) && item_take(c, v, item) && good;
        scope_append(q, scope, at);
        bool opens = item->type != ITEM_GROUP || item->repeats;
        good = items_fill(c, json_object_get(v, "item"), at, opens ? at : scope) && good;
        item->end = q->n_items;
    }
    return good;
}

static void
arrays_take(struct compiler *c)
{
    struct questionnaire *q = c->q;

    q->items = definition_memory_take(q->memory, c->n_items, sizeof(*q->items));
    q->options = definition_memory_take(q->memory, c->n_options, sizeof(*q->options));
    c->sources = mem_new(c->n_items, sizeof(*c->sources));
    item_table_make(q, c->n_items, q->memory);
    q->first = q->last = ITEM_NONE;
}

static bool
period_take(struct compiler *c)
{
    const json_t *period = json_object_get(c->root, "effectivePeriod");
    const char **ends[] = {&c->q->effective_start, &c->q->effective_end};
    static const char *const names[] = {"start", "end"};

    if (period != NULL && !json_is_object(period))
        return refuse(c, "'effectivePeriod' must be an object");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (!text_take(c, NULL, period, names[i], ends[i]))
            return false;
        const char *text = *ends[i];
        if (text != NULL && moment_check_date_time(text, strlen(text)) != MOMENT_OK)
            return refuse(c, "effectivePeriod.%s is no dateTime", names[i]);
    }
    return true;
}

static void
status_advise(struct compiler *c)
{
    const char *status = c->q->status;

    if (status == NULL)
        warn(c, "the definition has no status");
    else if (strcmp(status, "active") != 0)
        warn(c, "the definition's status is %.20s", status);
}

static bool
root_take(struct compiler *c)
{
    struct questionnaire *q = c->q;
    const json_t *root = c->root;
    const char *type = literal_text(json_object_get(root, "resourceType"));

    if (type == NULL || strcmp(type, "Questionnaire") != 0)
        return refuse(c, "resourceType must be Questionnaire");
    bool good = members_take(c, NULL, root, SUPPORT_QUESTIONNAIRE);
    good = extensions_take(c, NULL, root, SUPPORT_QUESTIONNAIRE) && good;
    good = text_take(c, NULL, root, "url", &q->url) && good;
    good = text_take(c, NULL, root, "version", &q->version) && good;
    good = text_take(c, NULL, root, "name", &q->name) && good;
    good = text_take(c, NULL, root, "status", &q->status) && good;
    good = period_take(c) && good;
    status_advise(c);
    const json_t *list = json_object_get(root, "item");
    if (list == NULL || (json_is_array(list) && json_array_size(list) == 0))
        return refuse(c, "a questionnaire needs at least one item");
    return good;
}

/* What can't be evaluated above makes everything below unverified. */
static void
unverified_spread(struct compiler *c)
{
    struct questionnaire *q = c->q;

    for (uint32_t i = 0; i < q->n_items; i++) {
        struct item *item = &q->items[i];
        bool above = item->parent != ITEM_NONE && q->items[item->parent].unverified;
        item->unverified = item->unverified || above || c->all_unverified;
        q->n_unverified += item->unverified;
    }
}

/* Whether limits_check has anything to look at: a number may have too many digits, a choice may be
 * none of the options, a quantity may have the wrong unit, whatever the definition says. */
static bool
is_limited(const struct item *item)
{
    switch (item->type) {
    case ITEM_BOOLEAN:
    case ITEM_DATE:
    case ITEM_DATE_TIME:
    case ITEM_TIME:
    case ITEM_INTEGER:
    case ITEM_STRING:
    case ITEM_TEXT:
    case ITEM_URL:
        return item->set != NULL || item->min.kind != LIMIT_NONE || item->max.kind != LIMIT_NONE ||
               item->min_length > 0 || item->max_length > 0 || item->regex != NULL;
    case ITEM_DECIMAL:
    case ITEM_CHOICE:
    case ITEM_OPEN_CHOICE:
    case ITEM_QUANTITY:
    case ITEM_REFERENCE:
    case ITEM_ATTACHMENT:
    case ITEM_GROUP:
    case ITEM_DISPLAY:
    case ITEM_TYPE_COUNT:
        break;
    }
    return true;
}

static bool
definition_take(struct compiler *c)
{
    const json_t *list = json_object_get(c->root, "item");
    bool good = root_take(c);

    if (!items_count(c, list, 1) || c->n_items == 0)
        return false;
    arrays_take(c);
    good = items_fill(c, list, ITEM_NONE, ITEM_NONE) && good;
    if (!good)
        return false;
    good = conditions_take(c);
    /* Alerts may look at scores. */
    good = scores_take(c) && good;
    good = good && alerts_take(c);
    unverified_spread(c);
    for (uint32_t i = 0; i < c->q->n_items; i++) {
        c->q->items[i].limited = is_limited(&c->q->items[i]);
        c->q->converts = c->q->converts || normal_has_unit(&c->q->items[i]);
    }
    return good;
}

int
questionnaire_compile(const char *json, size_t len, const struct questionnaire_options *options,
                      struct questionnaire **ret_questionnaire, char **ret_why)
{
    struct compiler c = {.q = mem_new(1, sizeof(*c.q))};
    json_error_t error = {.text = ""};
    bool good = len <= QUESTIONNAIRE_BYTES_MAX ||
                refuse(&c, "larger than %d bytes", QUESTIONNAIRE_BYTES_MAX);

    if (options != NULL)
        c.options = *options;
    c.q->memory = definition_memory_new();
    if (good) {
        c.root = c.q->definition = literal_load(json, len, &error);
        c.valuesets = definition_sets_new(c.root, &c.options, c.q->memory);
        good = c.root != NULL ? definition_take(&c)
                              : refuse(&c, "line %d: %s", error.line, error.text);
    }
    definition_sets_free(c.valuesets);
    free(c.sources);
    /* A reason that was told refuses, whatever became of its return value. */
    if (good && c.n_whys == 0) {
        *ret_questionnaire = c.q;
        return QUESTIONNAIRE_OK;
    }
    questionnaire_free(c.q);
    buf_append(&c.why, "", 1);
    *ret_why = mem_strdup((const char *)c.why.data);
    buf_deinit(&c.why);
    return QUESTIONNAIRE_REFUSED;
}

void
questionnaire_free(struct questionnaire *q)
{
    if (q == NULL)
        return;
    sheet_free(q->sheet);
    definition_memory_free(q->memory);
    json_decref(q->definition);
    free(q);
}
