/* sluice-fhir-support: prints support.def and the lists of our extensions as Markdown. It is built
 * and never installed; tests/static/check-reference holds doc/fhir-support.md against what it says.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "questionnaire/support.h"

static const struct {
    const char *code, *value;
} types[] = {
#define ITEM_TYPE(NAME, code, value, question) {code, value},
#include "questionnaire/types.def"
#undef ITEM_TYPE
};

static const struct {
    const char *place, *title;
} sections[] = {
    [SUPPORT_QUESTIONNAIRE] = {"Questionnaire", "Members of the Questionnaire"},
    [SUPPORT_ITEM] = {"item", "Members of an item"},
    [SUPPORT_OPTION] = {"answerOption", "Members of an answerOption"},
    [SUPPORT_CONDITION] = {"enableWhen", "Members of an enableWhen"},
    [SUPPORT_EXTENSION] = {"extension", "Extensions"},
    [SUPPORT_CONSTRUCT] = {"construct", "Ways to say something"},
};
static const char *const verdicts[] = {
    [SUPPORT_JUDGED] = "judged",
    [SUPPORT_KEPT] = "kept",
    [SUPPORT_IGNORED] = "ignored",
    [SUPPORT_REFUSED] = "**refused**",
};

/* A cell of a Markdown table: a bar would end it. */
static void
cell_print(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|')
            putchar('\\');
        putchar(*text);
    }
}

static void
row_print(const struct support_row *row)
{
    printf(row->place == SUPPORT_CONSTRUCT ? "| %s | %s | " : "| `%s` | %s | ", row->key,
           verdicts[row->verdict]);
    cell_print(row->text);
    printf(" |\n");
}

/* What can't be evaluated, first: it is what an author must know. */
static void
refused_print(void)
{
    printf("## What can't be evaluated\n\n| where | what | why |\n|---|---|---|\n");
    for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
        const struct support_row *row = &support_rows[i];
        if (row->verdict != SUPPORT_REFUSED)
            continue;
        const char *slash = strrchr(row->key, '/');
        printf("| %s | %s | ", sections[row->place].place, slash != NULL ? slash + 1 : row->key);
        cell_print(row->text);
        printf(" |\n");
    }
}

static void
sections_print(void)
{
    for (size_t place = 0; place < ARRAY_LEN(sections); place++) {
        printf("\n## %s\n\n| what | verdict | how |\n|---|---|---|\n", sections[place].title);
        for (unsigned i = 0; i < SUPPORT_COUNT; i++) {
            if (support_rows[i].place == place)
                row_print(&support_rows[i]);
        }
    }
}

static void
types_print(void)
{
    printf("\n## Item types, and what an answer is in the short form\n\n"
           "| type | answer |\n|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        printf("| `%s` | %s |\n", types[i].code, types[i].value);
}

static void
part_print(const char *of, const char *url, const char *value, int min, const char *max,
           const char *meaning)
{
    printf("| ");
    for (; *of != '\0'; of++)
        putchar(*of == '_' ? ' ' : *of - 'A' + 'a');
    printf(" | `%s` | %s | %d..%s | %s |\n", url, value, min, max, meaning);
}

static void
kinds_print(void)
{
    printf("\n## Parts of our own extensions\n\n| of | part | value | how often | what |\n"
           "|---|---|---|---|---|\n");
#define EXTENSION_PART(OF, url, value, min, max, meaning)                                          \
    part_print(#OF, url, value, min, max, meaning);
#include "questionnaire/kinds.def"
#undef EXTENSION_PART
    printf("\n## Codes of our own extensions\n\n| list | code | what |\n|---|---|---|\n");
#define IDENTIFIER_KIND(NAME, code, element) printf("| identifier, kind | `%s` | |\n", code);
#include "questionnaire/kinds.def"
#undef IDENTIFIER_KIND
#define IDENTIFIER_ACTION(NAME, code) printf("| identifier, action | `%s` | |\n", code);
#include "questionnaire/kinds.def"
#undef IDENTIFIER_ACTION
#define SCORE_METHOD(NAME, code, meaning) printf("| score, method | `%s` | %s |\n", code, meaning);
#include "questionnaire/kinds.def"
#undef SCORE_METHOD
#define SCORE_TABLE(NAME, code, items, meaning)                                                    \
    printf("| score, table | `%s` | %s |\n", code, meaning);
#include "questionnaire/kinds.def"
#undef SCORE_TABLE
#define ALERT_OP(NAME, code, comparative, meaning)                                                 \
    printf("| alert, op | `%s` | %s |\n", code, meaning);
#include "questionnaire/kinds.def"
#undef ALERT_OP
#define ALERT_SEVERITY(NAME, code) printf("| alert, severity | `%s` | |\n", code);
#include "questionnaire/kinds.def"
#undef ALERT_SEVERITY
}

int
main(void)
{
    refused_print();
    sections_print();
    types_print();
    kinds_print();
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
