/* enableWhen: each condition against the question that it asks, then an order in which enabling can
 * be decided. One depth-first walk finds that order or the cycle that forbids it: linear in items
 * and conditions. */
#include <string.h>

#include "base/error.h"
#include "questionnaire/compile.h"
#include "questionnaire/moment.h"

#define TYPE(NAME) (1u << ITEM_##NAME)
#define TYPES_CHOICE (TYPE(CHOICE) | TYPE(OPEN_CHOICE))

/* answer[x] and the types of questions that it can be compared with. */
static const struct {
    const char *name;
    enum condition_kind kind;
    unsigned types;
    bool ordered;
} answers[] = {
    {"answerBoolean", CONDITION_BOOLEAN, TYPE(BOOLEAN), false},
    {"answerDecimal", CONDITION_NUMBER, TYPE(DECIMAL) | TYPE(INTEGER), true},
    {"answerInteger", CONDITION_NUMBER, TYPE(INTEGER) | TYPE(DECIMAL) | TYPES_CHOICE, true},
    {"answerDate", CONDITION_DATE, TYPE(DATE) | TYPE(DATE_TIME) | TYPES_CHOICE, true},
    {"answerDateTime", CONDITION_DATE_TIME, TYPE(DATE_TIME) | TYPE(DATE), true},
    {"answerTime", CONDITION_TIME, TYPE(TIME) | TYPES_CHOICE, true},
    {"answerString", CONDITION_TEXT, TYPE(STRING) | TYPE(TEXT) | TYPE(URL) | TYPES_CHOICE, false},
    {"answerCoding", CONDITION_CODING, TYPES_CHOICE, false},
    {"answerQuantity", CONDITION_QUANTITY, TYPE(QUANTITY), true},
    {"answerReference", CONDITION_REFERENCE, TYPE(REFERENCE) | TYPES_CHOICE, false},
};

static const char *const operators[] = {
    [CONDITION_EXISTS] = "exists", [CONDITION_EQ] = "=", [CONDITION_NE] = "!=",
    [CONDITION_GT] = ">",          [CONDITION_LT] = "<", [CONDITION_GE] = ">=",
    [CONDITION_LE] = "<=",
};

static bool
is_order(enum condition_op op)
{
    return op == CONDITION_GT || op == CONDITION_LT || op == CONDITION_GE || op == CONDITION_LE;
}

static bool
question_take(struct compiler *c, const json_t *v, const struct item *item, struct condition *ret)
{
    const char *link_id;
    uint32_t self = item->ordinal;

    if (!text_take(c, item, v, "question", &link_id))
        return false;
    if (link_id == NULL)
        return item_refuse(c, item, "enableWhen needs a question");
    ret->question = item_find(c->q, link_id, strlen(link_id));
    if (ret->question == ITEM_NONE)
        return item_refuse(c, item, "enableWhen asks '%.60s', which is no item", link_id);
    if (ret->question >= self && ret->question < item->end)
        return item_refuse(c, item, "enableWhen asks '%.60s', which is the item itself or below it",
                           link_id);
    enum item_type type = c->q->items[ret->question].type;
    if (type == ITEM_GROUP || type == ITEM_DISPLAY)
        return item_refuse(c, item, "enableWhen asks '%.60s', which is no question", link_id);
    return true;
}

static bool
operator_take(struct compiler *c, const json_t *v, const struct item *item, struct condition *ret)
{
    const char *text;

    if (!text_take(c, item, v, "operator", &text))
        return false;
    for (size_t i = 0; text != NULL && i < ARRAY_LEN(operators); i++) {
        if (strcmp(operators[i], text) == 0) {
            ret->op = (enum condition_op)i;
            return true;
        }
    }
    return item_refuse(c, item, "enableWhen: operator '%.20s' is none we know",
                       text != NULL ? text : "");
}

static bool
coding_take(struct compiler *c, const json_t *v, const struct item *item, struct condition *ret)
{
    const struct option_set *set = c->q->items[ret->question].set;

    if (!json_is_object(v))
        return item_refuse(c, item, "enableWhen: answerCoding must be an object");
    if (!text_take(c, item, v, "system", &ret->system) ||
        !text_take(c, item, v, "code", &ret->code) ||
        !text_take(c, item, v, "display", &ret->display))
        return false;
    const char *key = ret->code != NULL ? ret->code : ret->display;
    if (key == NULL)
        return item_refuse(c, item, "enableWhen: answerCoding needs a code or a display");
    if (set != NULL && option_find(set, key, strlen(key)) == OPTION_NONE)
        item_warn(c, item, "enableWhen: '%.60s' is none of the question's options", key);
    return true;
}

/* The texts: dates and times must be well-formed. */
static bool
text_answer_take(struct compiler *c, const json_t *v, const struct item *item, const char *name,
                 struct condition *ret)
{
    int n = MOMENT_OK;

    if (ret->kind == CONDITION_REFERENCE)
        v = json_object_get(v, "reference");
    ret->text = literal_text(v);
    ret->text_len = ret->text != NULL ? strlen(ret->text) : 0;
    if (ret->text_len == 0)
        return item_refuse(c, item, "enableWhen: %s must be a text", name);
    if (ret->kind == CONDITION_DATE)
        n = moment_check_date(ret->text, ret->text_len);
    else if (ret->kind == CONDITION_DATE_TIME)
        n = moment_check_date_time(ret->text, ret->text_len);
    else if (ret->kind == CONDITION_TIME)
        n = moment_check_time(ret->text, ret->text_len);
    return n == MOMENT_OK || item_refuse(c, item, "enableWhen: %s is malformed", name);
}

static bool
answer_take(struct compiler *c, const json_t *v, const struct item *item, const char *name,
            struct condition *ret)
{
    switch (ret->kind) {
    case CONDITION_BOOLEAN:
        ret->boolean = json_is_true(v);
        return json_is_boolean(v) ||
               item_refuse(c, item, "enableWhen: %s must be true or false", name);
    case CONDITION_NUMBER:
        return literal_number(v, &ret->number) ||
               item_refuse(c, item, "enableWhen: %s must be a number of 18 digits at most", name);
    case CONDITION_CODING:
        return coding_take(c, v, item, ret);
    case CONDITION_QUANTITY:
        return quantity_take(c, item, v, "enableWhen: answerQuantity", &ret->number, &ret->unit);
    case CONDITION_DATE:
    case CONDITION_DATE_TIME:
    case CONDITION_TIME:
    case CONDITION_TEXT:
    case CONDITION_REFERENCE:
        break;
    }
    return text_answer_take(c, v, item, name, ret);
}

static bool
condition_take(struct compiler *c, const json_t *v, struct item *item, struct condition *ret)
{
    const json_t *answer = NULL;
    size_t i = 0;

    if (!json_is_object(v))
        return item_refuse(c, item, "an enableWhen must be an object");
    if (!members_take(c, item, v, SUPPORT_CONDITION) || !question_take(c, v, item, ret) ||
        !operator_take(c, v, item, ret))
        return false;
    const struct item *question = &c->q->items[ret->question];
    while (i < ARRAY_LEN(answers) && (answer = json_object_get(v, answers[i].name)) == NULL)
        i++;
    if (ret->op == CONDITION_EXISTS && (i == ARRAY_LEN(answers) || i != 0))
        return item_refuse(c, item, "enableWhen: exists needs answerBoolean");
    if (i == ARRAY_LEN(answers))
        return item_refuse(c, item, "enableWhen needs an answer");
    ret->kind = answers[i].kind;
    if (ret->op != CONDITION_EXISTS && (answers[i].types & (1u << question->type)) == 0)
        return item_refuse(c, item, "enableWhen: %s does not fit the question's type %s",
                           answers[i].name, item_type_codes[question->type]);
    if (is_order(ret->op) && !answers[i].ordered)
        return item_refuse(c, item, "enableWhen: %s has no order for '%s'", answers[i].name,
                           operators[ret->op]);
    return answer_take(c, answer, item, answers[i].name, ret);
}

static bool
behavior_take(struct compiler *c, const json_t *v, struct item *item)
{
    const char *text;

    if (!text_take(c, item, v, "enableBehavior", &text))
        return false;
    if (text == NULL && item->n_conditions > 1)
        return item_refuse(c, item, "several enableWhen need enableBehavior");
    item->any = text != NULL && strcmp(text, "any") == 0;
    return text == NULL || item->any || strcmp(text, "all") == 0 ||
           item_refuse(c, item, "enableBehavior must be all or any");
}

static bool
item_conditions_take(struct compiler *c, const json_t *v, struct item *item)
{
    const json_t *list = json_object_get(v, "enableWhen"), *one;
    bool good = true;
    size_t i;

    if (list == NULL)
        return true;
    if (!json_is_array(list) || json_array_size(list) == 0)
        return item_refuse(c, item, "'enableWhen' must be an array of conditions");
    struct condition *conditions =
        definition_memory_take(c->q->memory, json_array_size(list), sizeof(*conditions));
    item->conditions = conditions;
    json_array_foreach(list, i, one)
    {
        if (condition_take(c, one, item, &conditions[item->n_conditions]))
            item->n_conditions++;
        else
            good = false;
    }
    return behavior_take(c, v, item) && good;
}

/* The walk: what item i needs first is its parent (0), then the questions of its conditions. */
struct walk {
    struct compiler *c;
    uint32_t *stack, *next; /* path, and for each item the need to look at next */
    uint8_t *seen;          /* 0 new, 1 on the path, 2 placed */
    uint32_t depth, placed;
};

static uint32_t
need_of(const struct item *item, uint32_t n)
{
    return n == 0 ? item->parent : item->conditions[n - 1].question;
}

static void
walk_enter(struct walk *w, uint32_t i)
{
    w->seen[i] = 1;
    w->stack[w->depth++] = i;
}

static bool
walk_from(struct walk *w, uint32_t start)
{
    struct questionnaire *q = w->c->q;

    walk_enter(w, start);
    while (w->depth > 0) {
        uint32_t i = w->stack[w->depth - 1];
        const struct item *item = &q->items[i];
        if (w->next[i] > item->n_conditions) {
            w->seen[i] = 2;
            q->enable_order[w->placed++] = i;
            w->depth--;
            continue;
        }
        uint32_t need = need_of(item, w->next[i]++);
        if (need == ITEM_NONE || w->seen[need] == 2)
            continue;
        if (w->seen[need] == 1)
            return item_refuse(w->c, item, "enableWhen runs in a circle through '%.60s'",
                               q->items[need].link_id);
        walk_enter(w, need);
    }
    return true;
}

static bool
order_make(struct compiler *c)
{
    struct questionnaire *q = c->q;
    struct walk w = {.c = c};
    bool good = true;

    q->enable_order = definition_memory_take(q->memory, q->n_items, sizeof(*q->enable_order));
    w.stack = mem_new(q->n_items, sizeof(*w.stack));
    w.next = mem_new(q->n_items, sizeof(*w.next));
    w.seen = mem_new(q->n_items, sizeof(*w.seen));
    for (uint32_t i = 0; i < q->n_items && good; i++) {
        if (w.seen[i] == 0)
            good = walk_from(&w, i);
    }
    free(w.stack);
    free(w.next);
    free(w.seen);
    return good;
}

bool
conditions_take(struct compiler *c)
{
    struct questionnaire *q = c->q;
    bool good = true;

    for (uint32_t i = 0; i < q->n_items; i++) {
        struct item *item = &q->items[i];
        good = item_conditions_take(c, c->sources[i], item) && good;
        bool above = item->parent != ITEM_NONE && q->items[item->parent].conditional;
        item->conditional = above || item->n_conditions > 0;
        q->conditional = q->conditional || item->conditional;
    }
    return good && order_make(c);
}
