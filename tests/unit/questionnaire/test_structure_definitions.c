/* schemas/fhir/ says to others what the compiler takes: url, place and parts of our extensions. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

#include "base/error.h"
#include "questionnaire/support.h"

static const struct {
    const char *of, *url, *types;
    int min;
    const char *max;
} parts[] = {
#define EXTENSION_PART(OF, url, types, min, max, meaning) {#OF, url, types, min, max},
#include "questionnaire/kinds.def"
#undef EXTENSION_PART
};

static const struct {
    const char *of, *file;
    enum support row;
    const char *context;
} definitions[] = {
    {"IDENTIFIER", "identifier.json", HAS_IDENTIFIER, "Questionnaire.item"},
    {"SCORE", "score.json", HAS_SCORE, "Questionnaire.item"},
    {"ALERT", "alert.json", HAS_ALERT, "Questionnaire"},
};

static const char *
text(const json_t *v, const char *name)
{
    const char *s = json_string_value(json_object_get(v, name));

    return s != NULL ? s : "";
}

/* The types of the part's value[x], as kinds.def writes them. */
static void
types_of(const json_t *elements, const char *id, char *ret, size_t size)
{
    char wanted[160];
    const json_t *e, *type;
    size_t i, j;

    snprintf(wanted, sizeof(wanted), "%s.value[x]", id);
    *ret = '\0';
    json_array_foreach(elements, i, e)
    {
        if (strcmp(text(e, "id"), wanted) != 0)
            continue;
        if (strcmp(text(e, "max"), "0") == 0)
            snprintf(ret, size, "Extension");
        json_array_foreach(json_object_get(e, "type"), j, type)
        {
            size_t n = strlen(ret);
            snprintf(ret + n, size - n, "%s%s", j > 0 ? " " : "", text(type, "code"));
        }
    }
}

static size_t
slice_check(const json_t *elements, const json_t *slice, const char *of)
{
    char types[160];

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strcmp(parts[i].of, of) != 0 || strcmp(parts[i].url, text(slice, "sliceName")) != 0)
            continue;
        types_of(elements, text(slice, "id"), types, sizeof(types));
        assert_string_equal(types, parts[i].types);
        assert_int_equal(json_integer_value(json_object_get(slice, "min")), parts[i].min);
        assert_string_equal(text(slice, "max"), parts[i].max);
        return i;
    }
    fail_msg("%s: kinds.def has no part '%s'", of, text(slice, "sliceName"));
    return 0;
}

/* Whose part a slice is: "Extension.extension:row.extension:when" is one of SCORE_ROW. */
static const char *
owner_of(const char *id, const char *of)
{
    if (strncmp(id, "Extension.extension:row.", 24) == 0)
        return "SCORE_ROW";
    return strncmp(id, "Extension.extension:band.", 25) == 0 ? "SCORE_BAND" : of;
}

static void
they_say_what_the_table_says(void **state)
{
    bool seen[ARRAY_LEN(parts)] = {false};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(definitions); i++) {
        char path[512];
        const json_t *e;
        size_t j;
        snprintf(path, sizeof(path), "%s/schemas/fhir/%s", SOURCE_DIR, definitions[i].file);
        json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(text(root, "url"), support_rows[definitions[i].row].key);
        const json_t *context = json_array_get(json_object_get(root, "context"), 0);
        assert_string_equal(text(context, "expression"), definitions[i].context);
        const json_t *elements = json_object_get(json_object_get(root, "differential"), "element");
        json_array_foreach(elements, j, e)
        {
            if (json_object_get(e, "sliceName") != NULL)
                seen[slice_check(elements, e, owner_of(text(e, "id"), definitions[i].of))] = true;
        }
        json_decref(root);
    }
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (!seen[i])
            fail_msg("schemas/fhir lacks part '%s' of %s", parts[i].url, parts[i].of);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(they_say_what_the_table_says)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
