/* One item by itself: its frame, flags and code; limits and options stand in files of their own. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/compile_rule.h"
#include "questionnaire/extension.h"

#define PATIENT_ELEMENT "#Patient." /* of whatever profile of Patient */

static bool
type_take(struct compiler *c, const json_t *v, struct item *item)
{
    const char *type;

    if (!text_take(c, item, v, "type", &type))
        return false;
    for (size_t i = 0; type != NULL && i < ITEM_TYPE_COUNT; i++) {
        if (strcmp(item_type_codes[i], type) == 0) {
            item->type = (enum item_type)i;
            return true;
        }
    }
    return item_refuse(c, item, "type '%.40s' is none we know", type != NULL ? type : "");
}

/* The first of item.code, for the table of items. */
static bool
code_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *list = json_object_get(v, "code"), *code = json_array_get(list, 0);

    if (list != NULL && !json_is_object(code))
        return item_refuse(c, item, "'code' must be an array of Codings");
    return text_take(c, item, code, "system", &item->code_system) &&
           text_take(c, item, code, "code", &item->code) &&
           text_take(c, item, code, "display", &item->code_display);
}

static bool
hidden_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *x = extension_first(v, support_rows[HAS_HIDDEN].key);

    return x == NULL || extension_flag(x, &item->hidden) ||
           item_refuse(c, item, "questionnaire-hidden must be true or false");
}

/* "…Patient#Patient.name" or an element below it; a profile of Patient marks a person no less. */
static enum identifier_kind
kind_of_definition(const char *definition)
{
    static const char *const elements[] = {
#define IDENTIFIER_KIND(NAME, code, element) [IDENTIFIER_##NAME] = element,
#include "questionnaire/kinds.def"
#undef IDENTIFIER_KIND
    };
    const char *element = definition != NULL ? strstr(definition, PATIENT_ELEMENT) : NULL;

    if (element == NULL)
        return IDENTIFIER_NONE;
    element += sizeof(PATIENT_ELEMENT) - 1;
    size_t len = strcspn(element, ".[:");
    for (size_t i = 0; i < ARRAY_LEN(elements); i++) {
        if (elements[i] != NULL && strlen(elements[i]) == len &&
            strncmp(elements[i], element, len) == 0)
            return (enum identifier_kind)i;
    }
    return IDENTIFIER_NONE;
}

/* What a group is marked as holds for every question below it that is not marked itself: the parts
 * of a name, the lines of an address. Parents come first. */
static void
identifier_inherit(const struct compiler *c, struct item *item)
{
    enum identifier_kind above =
        item->parent != ITEM_NONE ? c->q->items[item->parent].identifier_below : IDENTIFIER_NONE;

    item->identifier_below = above;
    if (item->type == ITEM_GROUP && item->identifier != IDENTIFIER_NONE)
        item->identifier_below = item->identifier;
    if (item->type == ITEM_GROUP || item->type == ITEM_DISPLAY)
        item->identifier = IDENTIFIER_NONE; /* it has no answer */
    else if (item->identifier == IDENTIFIER_NONE)
        item->identifier = above;
}

static bool
identifier_take(struct compiler *c, const json_t *v, struct item *item)
{
    const char *definition, *kind = "", *action = "encrypt";
    const json_t *x = extension_first(v, support_rows[HAS_IDENTIFIER].key);

    if (!text_take(c, item, v, "definition", &definition))
        return false;
    item->identifier = kind_of_definition(definition);
    if (x != NULL) {
        if (!rule_parts_check(c, item, x, PART_OF_IDENTIFIER))
            return false;
        extension_text(extension_first(x, "kind"), &kind);
        const json_t *does = extension_first(x, "action");
        if (does != NULL && !extension_text(does, &action))
            action = "";
        item->identifier = code_find(identifier_kind_codes, 1, IDENTIFIER_KIND_COUNT, kind);
        item->identifier_action =
            code_find(identifier_action_codes, 0, IDENTIFIER_ACTION_COUNT, action);
        if (item->identifier == IDENTIFIER_KIND_COUNT) {
            item->identifier = IDENTIFIER_NONE;
            return item_refuse(c, item, "identifier: kind '%.40s' is none we know", kind);
        }
        if (item->identifier_action == IDENTIFIER_ACTION_COUNT) {
            item->identifier_action = IDENTIFIER_ACTION_ENCRYPT;
            return item_refuse(c, item, "identifier: action '%.40s' is none we know", action);
        }
    }
    identifier_inherit(c, item);
    if (item->type == ITEM_GROUP || item->type == ITEM_DISPLAY)
        return x == NULL || item_refuse(c, item, "identifier: only a question has an answer");
    if (item->identifier_action == IDENTIFIER_ACTION_YEAR &&
        (item->identifier != IDENTIFIER_BIRTH_DATE || item->type != ITEM_DATE))
        return item_refuse(c, item, "identifier: only a birthDate of type date keeps its year");
    return true;
}

static void
item_advise(struct compiler *c, const json_t *v, const struct item *item)
{
    if (item->text == NULL && item->type != ITEM_GROUP && !item->hidden)
        item_warn(c, item, "has no text");
    if (item->type == ITEM_GROUP && json_array_size(json_object_get(v, "item")) == 0)
        item_warn(c, item, "a group without items");
    if (item->type == ITEM_DISPLAY && (item->required || item->repeats))
        item_warn(c, item, "a display takes no answer: required and repeats are ignored");
}

bool
item_take(struct compiler *c, const json_t *v, struct item *item)
{
    bool good = members_take(c, item, v, SUPPORT_ITEM);

    good = extensions_take(c, item, v, SUPPORT_ITEM) && good;
    if (!type_take(c, v, item))
        return false;
    good = text_take(c, item, v, "text", &item->text) && good;
    good = code_take(c, v, item) && good;
    good = flag_take(c, item, v, "required", &item->required) && good;
    good = flag_take(c, item, v, "repeats", &item->repeats) && good;
    good = flag_take(c, item, v, "readOnly", &item->read_only) && good;
    good = hidden_take(c, v, item) && good;
    good = limits_take(c, v, item) && good;
    good = units_take(c, v, item) && good;
    good = options_take(c, v, item) && good;
    good = identifier_take(c, v, item) && good;
    if (item->type == ITEM_DISPLAY && json_object_get(v, "item") != NULL)
        good = item_refuse(c, item, "a display has no items");
    item_advise(c, v, item);
    return good;
}
