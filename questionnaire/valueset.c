#include "questionnaire/valueset.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/extension.h"
#include "questionnaire/literal.h"
#include "questionnaire/support.h"

#define NESTING_MAX 32 /* of contained concepts */

/* One value set that was asked for. */
struct expanded {
    int outcome;
    const struct option_set *set;
    char why[160];
};

struct definition_sets {
    struct questionnaire_options options;
    struct definition_memory *memory;
    json_t *contained; /* "#id", url, url|version → resource */
    json_t *concepts;  /* url of a contained code system → (code → concept) */
    json_t *places;    /* canonical → place in expanded */
    struct expanded **expanded;
    size_t n_expanded;
    unsigned n_codes; /* of all together */
};

/* An expansion in the making. */
struct expansion {
    struct definition_sets *sets;
    struct expanded *result;
    struct option *options; /* grows */
    uint32_t n, room;
};

static const char *
text_of(const json_t *v, const char *name)
{
    return literal_text(json_object_get(v, name));
}

static bool
is_resource(const json_t *v, const char *type)
{
    const char *its = text_of(v, "resourceType");

    return its != NULL && strcmp(its, type) == 0;
}

/* Concepts of a code system by their code, those below others included. False: nested too deep. */
static bool
concepts_index(json_t *into, const json_t *list, unsigned depth)
{
    json_t *concept;
    size_t i;

    if (list != NULL && depth > NESTING_MAX)
        return false;
    json_array_foreach(list, i, concept)
    {
        const char *code = text_of(concept, "code");
        if (code != NULL)
            json_object_set(into, code, concept);
        if (!concepts_index(into, json_object_get(concept, "concept"), depth + 1))
            return false;
    }
    return true;
}

static void
contained_index(struct definition_sets *s, json_t *resource)
{
    const char *id = text_of(resource, "id"), *url = text_of(resource, "url");
    const char *version = text_of(resource, "version");
    char name[1200];

    if (is_resource(resource, "CodeSystem") && url != NULL) {
        json_t *concepts = json_object();
        if (concepts_index(concepts, json_object_get(resource, "concept"), 1))
            json_object_set(s->concepts, url, concepts);
        json_decref(concepts);
    }
    if (!is_resource(resource, "ValueSet"))
        return;
    if (id != NULL && snprintf(name, sizeof(name), "#%s", id) < (int)sizeof(name))
        json_object_set(s->contained, name, resource);
    if (url != NULL)
        json_object_set(s->contained, url, resource);
    if (url != NULL && version != NULL &&
        snprintf(name, sizeof(name), "%s|%s", url, version) < (int)sizeof(name))
        json_object_set(s->contained, name, resource);
}

struct definition_sets *
definition_sets_new(const json_t *root, const struct questionnaire_options *options,
                    struct definition_memory *memory)
{
    struct definition_sets *s = mem_new(1, sizeof(*s));
    json_t *resource;
    size_t i;

    *s = (struct definition_sets){.options = *options,
                                  .memory = memory,
                                  .contained = json_object(),
                                  .concepts = json_object(),
                                  .places = json_object()};
    json_array_foreach(json_object_get(root, "contained"), i, resource)
        contained_index(s, resource);
    return s;
}

void
definition_sets_free(struct definition_sets *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->n_expanded; i++)
        free(s->expanded[i]);
    free(s->expanded);
    json_decref(s->contained);
    json_decref(s->concepts);
    json_decref(s->places);
    free(s);
}

bool
weight_read(const json_t *v, struct option *option)
{
    static const enum support rows[] = {HAS_ORDINAL_VALUE, HAS_ITEM_WEIGHT};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const json_t *x = extension_first(v, support_rows[rows[i]].key);
        if (x == NULL)
            continue;
        if (!extension_number(x, &option->weight))
            return false;
        option->has_weight = true;
        return true;
    }
    return true;
}

bool
weight_inherit(struct definition_sets *s, struct option *option)
{
    if (option->has_weight || option->system == NULL || option->code == NULL)
        return true;
    const json_t *concepts = json_object_get(s->concepts, option->system);
    return weight_read(json_object_get(concepts, option->code), option);
}

static int __attribute__((format(printf, 3, 4)))
fault(struct expansion *e, int outcome, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(e->result->why, sizeof(e->result->why), fmt, args);
    va_end(args);
    return outcome;
}

/* concept: of an expansion, of compose or of a code system; they name code and display alike. */
static int
concept_add(struct expansion *e, const char *system, const json_t *concept)
{
    struct option o = {.kind = OPTION_CODING, .system = system};

    o.code = text_of(concept, "code");
    o.display = text_of(concept, "display");
    if (o.code == NULL || *o.code == '\0')
        return fault(e, VALUESET_REFUSED, "it has a concept without a code");
    if (!weight_read(concept, &o) || !weight_inherit(e->sets, &o))
        return fault(e, VALUESET_REFUSED, "the weight of '%.60s' is no decimal", o.code);
    if (++e->sets->n_codes > QUESTIONNAIRE_OPTIONS_MAX)
        return fault(e, VALUESET_REFUSED, "there are more than %d codes",
                     QUESTIONNAIRE_OPTIONS_MAX);
    if (e->n == e->room) {
        e->room = e->room > 0 ? e->room * 2 : 64;
        e->options = mem_grow(e->options, e->room, sizeof(*e->options));
    }
    e->options[e->n++] = o;
    return VALUESET_OK;
}

/* expansion.contains: abstract and inactive entries only group or warn. */
static int
contains_take(struct expansion *e, const json_t *list, unsigned depth)
{
    const json_t *v;
    size_t i;
    int n = VALUESET_OK;

    if (list != NULL && depth > NESTING_MAX)
        return fault(e, VALUESET_REFUSED, "it is nested deeper than %d", NESTING_MAX);
    json_array_foreach(list, i, v)
    {
        bool chosen = !json_is_true(json_object_get(v, "abstract")) &&
                      !json_is_true(json_object_get(v, "inactive")) &&
                      json_object_get(v, "code") != NULL;
        if (chosen)
            n = concept_add(e, text_of(v, "system"), v);
        if (n == VALUESET_OK)
            n = contains_take(e, json_object_get(v, "contains"), depth + 1);
        if (n != VALUESET_OK)
            return n;
    }
    return VALUESET_OK;
}

static int
expansion_take(struct expansion *e, const json_t *v)
{
    const json_t *total = json_object_get(v, "total");
    int n = contains_take(e, json_object_get(v, "contains"), 1);

    if (n == VALUESET_OK && json_is_integer(total) && json_integer_value(total) > (json_int_t)e->n)
        return fault(e, VALUESET_OPEN, "its expansion is only a part of it");
    return n;
}

/* One include: its concepts, or all of a contained code system. */
static int
include_take(struct expansion *e, const json_t *v)
{
    const char *system = text_of(v, "system"), *code;
    const json_t *concepts = json_object_get(v, "concept"), *all, *concept;
    int n = VALUESET_OK;
    size_t i;

    if (json_object_get(v, "filter") != NULL || json_object_get(v, "valueSet") != NULL)
        return fault(e, VALUESET_OPEN, "it is made by filter or import");
    json_array_foreach(concepts, i, concept)
    {
        n = concept_add(e, system, concept);
        if (n != VALUESET_OK)
            return n;
    }
    if (concepts != NULL)
        return VALUESET_OK;
    all = system != NULL ? json_object_get(e->sets->concepts, system) : NULL;
    if (all == NULL)
        return fault(e, VALUESET_OPEN, "it includes all of a code system that is not contained");
    json_t *each;
    json_object_foreach((json_t *)all, code, each)
    {
        n = concept_add(e, system, each);
        if (n != VALUESET_OK)
            return n;
    }
    return VALUESET_OK;
}

/* Takes the excluded codes out again. */
static int
exclude_take(struct expansion *e, const json_t *v)
{
    const char *system = text_of(v, "system");
    const json_t *concepts = json_object_get(v, "concept"), *concept;
    size_t i;

    if (json_object_get(v, "filter") != NULL || json_object_get(v, "valueSet") != NULL ||
        concepts == NULL)
        return fault(e, VALUESET_OPEN, "it excludes by filter, import or code system");
    json_t *codes = json_object();
    json_array_foreach(concepts, i, concept)
    {
        if (text_of(concept, "code") != NULL)
            json_object_set_new(codes, text_of(concept, "code"), json_true());
    }
    uint32_t kept = 0;
    for (uint32_t j = 0; j < e->n; j++) {
        const struct option *o = &e->options[j];
        bool same = system == NULL || o->system == NULL || strcmp(system, o->system) == 0;
        if (!same || json_object_get(codes, o->code) == NULL)
            e->options[kept++] = *o;
    }
    e->n = kept;
    json_decref(codes);
    return VALUESET_OK;
}

static int
compose_take(struct expansion *e, const json_t *compose)
{
    const json_t *v;
    int n = VALUESET_OK;
    size_t i;

    json_array_foreach(json_object_get(compose, "include"), i, v)
    {
        n = include_take(e, v);
        if (n != VALUESET_OK)
            return n;
    }
    const json_t *excludes = json_object_get(compose, "exclude");
    if (json_array_size(excludes) > NESTING_MAX)
        return fault(e, VALUESET_REFUSED, "it has more than %d excludes", NESTING_MAX);
    json_array_foreach(excludes, i, v)
    {
        n = exclude_take(e, v);
        if (n != VALUESET_OK)
            return n;
    }
    return VALUESET_OK;
}

static int
resource_take(struct expansion *e, const json_t *v)
{
    int n;

    if (!is_resource(v, "ValueSet"))
        return fault(e, VALUESET_REFUSED, "it is no ValueSet");
    if (json_object_get(v, "modifierExtension") != NULL ||
        json_object_get(v, "implicitRules") != NULL)
        return fault(e, VALUESET_OPEN, "modifierExtension or implicitRules may change its meaning");
    if (json_object_get(v, "expansion") != NULL)
        n = expansion_take(e, json_object_get(v, "expansion"));
    else
        n = compose_take(e, json_object_get(v, "compose"));
    if (n == VALUESET_OK && e->n == 0)
        return fault(e, VALUESET_REFUSED, "it has no codes");
    return n;
}

/* The resource of that name: contained, or looked up and then kept. */
static const json_t *
resource_find(struct expansion *e, const char *canonical)
{
    struct definition_sets *s = e->sets;
    const json_t *v = json_object_get(s->contained, canonical);
    const char *text;
    json_error_t error;
    size_t len;

    if (v != NULL)
        return v;
    if (canonical[0] == '#' || s->options.valueset == NULL ||
        !s->options.valueset(s->options.arg, canonical, &text, &len)) {
        fault(e, VALUESET_REFUSED,
              canonical[0] == '#' ? "it is not contained" : "it is not loaded");
        return NULL;
    }
    json_t *tree = literal_load(text, len, &error);
    if (tree == NULL)
        fault(e, VALUESET_REFUSED, "it is no JSON: %.80s", error.text);
    else
        definition_memory_keep(s->memory, tree);
    return tree;
}

static void
set_make(struct expansion *e)
{
    struct definition_memory *m = e->sets->memory;
    struct option_set *set = definition_memory_take(m, 1, sizeof(*set));

    set->n = e->n;
    set->options = definition_memory_take(m, e->n, sizeof(*set->options));
    memcpy(set->options, e->options, e->n * sizeof(*set->options));
    option_set_index(set, m);
    e->result->set = set;
}

int
valueset_get(struct definition_sets *s, const char *canonical, const struct option_set **ret_set,
             const char **ret_why)
{
    const json_t *place = json_object_get(s->places, canonical);
    struct expanded *x;

    if (place != NULL) {
        x = s->expanded[json_integer_value(place)];
    } else {
        x = mem_new(1, sizeof(*x));
        struct expansion e = {.sets = s, .result = x};
        const json_t *resource = resource_find(&e, canonical);
        x->outcome = resource != NULL ? resource_take(&e, resource) : VALUESET_REFUSED;
        if (x->outcome == VALUESET_OK)
            set_make(&e);
        free(e.options);
        json_object_set_new(s->places, canonical, json_integer((json_int_t)s->n_expanded));
        s->expanded = mem_grow(s->expanded, s->n_expanded + 1, sizeof(struct expanded *));
        s->expanded[s->n_expanded++] = x;
    }
    if (x->outcome == VALUESET_OK)
        *ret_set = x->set;
    else
        *ret_why = x->why;
    return x->outcome;
}

/* "url" or "url|version", malloc'd; NULL: it has no url. */
static char *
canonical_of(const json_t *v)
{
    const char *url = text_of(v, "url"), *version = text_of(v, "version");

    if (url == NULL || *url == '\0' || strchr(url, '|') != NULL)
        return NULL;
    size_t size = strlen(url) + (version != NULL ? strlen(version) : 0) + 2;
    char *text = mem_new(size, 1);
    snprintf(text, size, "%s%s%s", url, version != NULL ? "|" : "", version != NULL ? version : "");
    return text;
}

int
questionnaire_valueset_check(const char *json, size_t len, char **ret_canonical, char **ret_why)
{
    struct questionnaire_options none = {0};
    struct definition_memory *m = definition_memory_new();
    struct definition_sets *s = definition_sets_new(NULL, &none, m);
    struct expanded x = {.why = "it has no url"};
    struct expansion e = {.sets = s, .result = &x};
    json_error_t error = {.text = ""};
    json_t *root = literal_load(json, len, &error);
    char *canonical = canonical_of(root);
    int n = QUESTIONNAIRE_REFUSED;

    if (root == NULL)
        fault(&e, VALUESET_REFUSED, "line %d: %.100s", error.line, error.text);
    else if (canonical != NULL && resource_take(&e, root) == VALUESET_OK)
        n = QUESTIONNAIRE_OK;
    if (n == QUESTIONNAIRE_OK) {
        *ret_canonical = canonical;
    } else {
        *ret_why = mem_strdup(x.why);
        free(canonical);
    }
    free(e.options);
    json_decref(root);
    definition_sets_free(s);
    definition_memory_free(m);
    return n;
}
