/* From a Questionnaire's JSON to the flat form. The JSON tree stays: it owns the texts. Two passes:
 * count, then fill. */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/item.h"
#include "questionnaire/questionnaire.h"

#define WHY_SIZE 256

/* Members whose meaning we can't judge: the definition is refused rather than half obeyed. */
static const char *const unjudged[] = {"modifierExtension", "implicitRules", "answerValueSet"};

struct compiler {
    struct questionnaire *q;
    uint32_t n_items, n_options; /* counted first */
    char why[WHY_SIZE];
};

static bool __attribute__((format(printf, 2, 3))) refuse(struct compiler *c, const char *fmt, ...)
{
    va_list args;

    if (c->why[0] == '\0') {
        va_start(args, fmt);
        vsnprintf(c->why, sizeof(c->why), fmt, args);
        va_end(args);
    }
    return false;
}

static bool
item_index(struct compiler *c, uint32_t i)
{
    return item_table_add(c->q, i) ||
           refuse(c, "item '%s': the linkId stands twice", c->q->items[i].link_id);
}

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
        c->n_options += (uint32_t)json_array_size(json_object_get(v, "answerOption"));
        if (!items_count(c, json_object_get(v, "item"), depth + 1))
            return false;
    }
    return true;
}

static bool
flag_take(struct compiler *c, const json_t *v, const char *name, const char *link_id, bool *ret)
{
    const json_t *flag = json_object_get(v, name);

    if (flag != NULL && !json_is_boolean(flag))
        return refuse(c, "item '%s': '%s' must be true or false", link_id, name);
    *ret = json_is_true(flag);
    return true;
}

static bool
option_take(struct compiler *c, const json_t *v, const char *link_id, struct option *o)
{
    const json_t *coding = json_object_get(v, "valueCoding"), *text;

    if (json_is_object(coding)) {
        o->kind = OPTION_CODING;
        o->system = json_string_value(json_object_get(coding, "system"));
        o->code = json_string_value(json_object_get(coding, "code"));
        o->display = json_string_value(json_object_get(coding, "display"));
        if (o->code == NULL && o->display == NULL)
            return refuse(c, "item '%s': an option needs a code or a display", link_id);
        return true;
    }
    if (json_is_integer(text = json_object_get(v, "valueInteger"))) {
        o->kind = OPTION_INTEGER;
        o->integer = json_integer_value(text);
        return true;
    }
    static const char *const texts[] = {"valueString", "valueDate", "valueTime"};
    static const enum option_kind kinds[] = {OPTION_STRING, OPTION_DATE, OPTION_TIME};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (json_is_string(text = json_object_get(v, texts[i]))) {
            o->kind = kinds[i];
            o->code = json_string_value(text);
            return true;
        }
    }
    return refuse(c, "item '%s': an option has a value we can't judge", link_id);
}

static bool
options_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *list = json_object_get(v, "answerOption"), *o;
    struct questionnaire *q = c->q;
    size_t i;

    item->options = q->options + q->n_options;
    json_array_foreach(list, i, o)
    {
        if (!option_take(c, o, item->link_id, &q->options[q->n_options]))
            return false;
        q->n_options++;
        item->n_options++;
    }
    if (item->type == ITEM_CHOICE && item->n_options == 0)
        return refuse(c, "item '%s': a choice needs answerOption", item->link_id);
    return true;
}

static bool
type_take(struct compiler *c, const json_t *v, struct item *item)
{
    const char *type = json_string_value(json_object_get(v, "type"));

    for (size_t i = 0; type != NULL && i < ITEM_TYPE_COUNT; i++) {
        if (strcmp(item_type_codes[i], type) == 0) {
            item->type = (enum item_type)i;
            return true;
        }
    }
    return refuse(c, "item '%s': type '%.40s' is none we know", item->link_id,
                  type != NULL ? type : "");
}

static bool
item_fill(struct compiler *c, const json_t *v, struct item *item)
{
    item->link_id = json_string_value(json_object_get(v, "linkId"));
    size_t len = json_string_length(json_object_get(v, "linkId"));
    if (item->link_id == NULL || len == 0 || len > QUESTIONNAIRE_LINK_ID_MAX ||
        strlen(item->link_id) != len)
        return refuse(c, "every item needs a linkId of 1 to %d bytes", QUESTIONNAIRE_LINK_ID_MAX);
    item->link_id_len = (uint32_t)len;
    for (size_t i = 0; i < ARRAY_LEN(unjudged); i++) {
        if (json_object_get(v, unjudged[i]) != NULL)
            return refuse(c, "item '%s': '%s' is not supported", item->link_id, unjudged[i]);
    }
    if (!type_take(c, v, item) || !flag_take(c, v, "required", item->link_id, &item->required) ||
        !flag_take(c, v, "repeats", item->link_id, &item->repeats) || !options_take(c, v, item))
        return false;
    const json_t *max = json_object_get(v, "maxLength");
    if (max != NULL && (!json_is_integer(max) || json_integer_value(max) < 1 ||
                        json_integer_value(max) > INT32_MAX))
        return refuse(c, "item '%s': 'maxLength' must be a positive integer", item->link_id);
    item->max_length = (int32_t)json_integer_value(max);
    item->conditional = item->conditional || json_object_get(v, "enableWhen") != NULL;
    return true;
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
    size_t i;

    json_array_foreach(list, i, v)
    {
        uint32_t at = q->n_items++;
        struct item *item = &q->items[at];

        *item = (struct item){
            .parent = parent,
            .scope = scope,
            .next_in_scope = ITEM_NONE,
            .first_inside = ITEM_NONE,
            .last_inside = ITEM_NONE,
            .max_decimal_places = -1,
            .score = ITEM_NONE,
            .conditional = parent != ITEM_NONE && q->items[parent].conditional,
        };
        if (!item_fill(c, v, item) || !item_index(c, at))
            return false;
        scope_append(q, scope, at);
        const json_t *inside = json_object_get(v, "item");
        if (item->type == ITEM_DISPLAY && inside != NULL)
            return refuse(c, "item '%s': a display has no items", item->link_id);
        bool opens = item->type != ITEM_GROUP || item->repeats;
        if (!items_fill(c, inside, at, opens ? at : scope))
            return false;
    }
    return true;
}

static void
memory_take(struct compiler *c)
{
    struct questionnaire *q = c->q;

    q->items = mem_new(c->n_items + 1, sizeof(*q->items));
    q->options = mem_new(c->n_options + 1, sizeof(*q->options));
    q->answered = mem_new(c->n_items + 1, sizeof(*q->answered));
    item_table_make(q, c->n_items);
    q->first = q->last = ITEM_NONE;
}

static bool
root_check(struct compiler *c, const json_t *root)
{
    const char *type = json_string_value(json_object_get(root, "resourceType"));

    if (type == NULL || strcmp(type, "Questionnaire") != 0)
        return refuse(c, "resourceType must be Questionnaire");
    for (size_t i = 0; i < ARRAY_LEN(unjudged); i++) {
        if (json_object_get(root, unjudged[i]) != NULL)
            return refuse(c, "'%s' is not supported", unjudged[i]);
    }
    if (json_array_size(json_object_get(root, "item")) == 0)
        return refuse(c, "a questionnaire needs at least one item");
    return true;
}

int
questionnaire_compile(const char *json, size_t len, const struct questionnaire_options *options,
                      struct questionnaire **ret_questionnaire, char **ret_why)
{
    (void)options;
    struct compiler c = {.q = mem_new(1, sizeof(*c.q))};
    json_error_t error;
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);

    c.q->definition = root;
    bool good =
        root != NULL ? root_check(&c, root) : refuse(&c, "line %d: %s", error.line, error.text);
    const json_t *list = json_object_get(root, "item");
    if (good && items_count(&c, list, 1)) {
        memory_take(&c);
        good = items_fill(&c, list, ITEM_NONE, ITEM_NONE);
    } else {
        good = false;
    }
    if (good) {
        *ret_questionnaire = c.q;
        return QUESTIONNAIRE_OK;
    }
    questionnaire_free(c.q);
    *ret_why = mem_strdup(c.why);
    return QUESTIONNAIRE_REFUSED;
}

void
questionnaire_free(struct questionnaire *q)
{
    if (q == NULL)
        return;
    free(q->items);
    free(q->options);
    free(q->answered);
    free(q->table);
    json_decref(q->definition);
    free(q);
}
