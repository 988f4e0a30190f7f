/* Codings, and which option an answer names. Codings are equal by system and code, by the code
 * alone where either lacks a system; an option without a code is named by its display. */
#include <stdio.h>
#include <string.h>

#include "questionnaire/reference.h"
#include "questionnaire/value.h"

#define DISPLAYS_MAX 1000

bool
span_is(struct span s, const char *text)
{
    return s.at != NULL && text != NULL && strncmp(text, s.at, s.len) == 0 && text[s.len] == '\0';
}

static struct span
span_of(const struct mp_value *v)
{
    return (struct span){(const char *)v->at, v->len};
}

bool
coding_read(const struct mp_value *v, struct mp_cursor inside, bool resource, struct coding *ret)
{
    *ret = (struct coding){0};
    if (v->type != MP_MAP)
        return false;
    for (uint32_t i = 0; i < v->len; i++) {
        struct mp_value key, value;
        struct span *part = NULL;
        if (mp_next(&inside, &key) != MP_OK)
            return false;
        if (mp_is_str(&key, "system"))
            part = &ret->system;
        else if (mp_is_str(&key, "code"))
            part = &ret->code;
        else if (mp_is_str(&key, "display"))
            part = &ret->display;
        else if (!resource && mp_is_str(&key, "text"))
            part = &ret->text;
        else if (!resource || !(mp_is_str(&key, "version") || mp_is_str(&key, "userSelected") ||
                                mp_is_str(&key, "id") || mp_is_str(&key, "extension")))
            return false;
        if (part == NULL) {
            if (mp_skip(&inside) != MP_OK)
                return false;
            continue;
        }
        if (mp_next(&inside, &value) != MP_OK || value.type != MP_STR || value.len == 0)
            return false;
        *part = span_of(&value);
    }
    return ret->code.at != NULL || ret->display.at != NULL || ret->text.at != NULL;
}

/* Counts options with this key that fits says yes to; the first one is kept. */
struct search {
    uint32_t first, hits;
};

static void
search_hit(struct search *s, uint32_t i)
{
    if (s->hits++ == 0)
        s->first = i;
}

static struct search
coding_search(const struct option_set *set, const struct coding *coding)
{
    struct search s = {OPTION_NONE, 0};
    struct span key = coding->code.at != NULL ? coding->code : coding->display;

    for (uint32_t i = option_find(set, key.at, key.len); i != OPTION_NONE;
         i = set->options[i].next_alike) {
        const struct option *o = &set->options[i];
        bool by_code = coding->code.at != NULL;
        bool system =
            coding->system.at == NULL || o->system == NULL || span_is(coding->system, o->system);
        if (o->kind == OPTION_CODING && (o->code != NULL) == by_code && system)
            search_hit(&s, i);
    }
    return s;
}

static struct search
value_search(const struct option_set *set, struct span key, const struct answer *a)
{
    struct search s = {OPTION_NONE, 0};
    bool integer = a->v.type == MP_INT || a->v.type == MP_UINT;

    for (uint32_t i = option_find(set, key.at, key.len); i != OPTION_NONE;
         i = set->options[i].next_alike) {
        const struct option *o = &set->options[i];
        bool resource_coding = o->kind == OPTION_CODING && a->type != VALUE_SHORT;
        if (o->code != NULL && (o->kind == OPTION_INTEGER) == integer && !resource_coding)
            search_hit(&s, i);
    }
    return s;
}

/* A string that is bound to codings: one of their codes or displays, whichever system. Displays are
 * not indexed; those of a large set are not looked through. */
static struct search
string_search(const struct option_set *set, struct span text)
{
    struct search s = {option_find(set, text.at, text.len), 1};

    for (uint32_t i = 0; i < set->n && set->n <= DISPLAYS_MAX && s.first == OPTION_NONE; i++) {
        if (set->options[i].display != NULL && span_is(text, set->options[i].display))
            s.first = i;
    }
    s.hits = s.first != OPTION_NONE;
    return s;
}

void
option_resolve(const struct item *item, struct answer *a, struct mp_cursor inside)
{
    bool open = item->type == ITEM_OPEN_CHOICE;
    bool choice = open || item->type == ITEM_CHOICE;
    const struct option_set none = {0}, *set = item->set != NULL ? item->set : &none;
    struct search s = {OPTION_NONE, 0};
    struct coding coding;
    struct reference r;
    int64_t number;
    char digits[24];

    if (a->v.type == MP_MAP && choice && a->type != VALUE_REFERENCE) {
        coding_read(&a->v, inside, a->type != VALUE_SHORT, &coding);
        if (coding.text.at != NULL || (open && item->set == NULL))
            return; /* free text; or nothing that binds */
        s = coding_search(set, &coding);
    } else if (a->v.type == MP_MAP) {
        if (!reference_read(&a->v, inside, &r) || r.reference.at == NULL)
            r.reference = (struct span){"", 0};
        s = value_search(set, r.reference, a);
    } else if (a->v.type == MP_STR && (item->type == ITEM_STRING || item->type == ITEM_TEXT)) {
        s = string_search(set, span_of(&a->v));
    } else if (a->v.type == MP_STR) {
        s = value_search(set, span_of(&a->v), a);
        if (s.hits == 0 && open && a->type == VALUE_STRING)
            return; /* free text */
    } else if (mp_as_int(&a->v, &number)) {
        size_t n = (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)number);
        s = value_search(set, (struct span){digits, n}, a);
    }
    a->option = s.first;
    a->pending = s.hits == 1 ? RULE_COUNT : s.hits == 0 ? RULE_OPTION : RULE_OPTION_AMBIGUOUS;
    if (s.hits != 1)
        a->option = OPTION_NONE;
}
