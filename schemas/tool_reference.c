/* sluice-reference: prints the tables of configuration keys, log events, rules and outcomes as
 * Markdown. It is built and never installed; tests/static/check-reference holds doc/reference.md
 * against what it says. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/config_value.h"
#include "base/error.h"
#include "schemas/config.h"

static const struct {
    const char *text, *level, *meaning;
} events[] = {
#define LOG_EVENT(NAME, text, level, meaning) {text, #level, meaning},
#include "base/log_events.def"
#undef LOG_EVENT
};

static const struct {
    const char *code, *level, *verdict, *issue, *text, *parameter;
} rules[] = {
#define RULE(NAME, code, level, verdict, issue, text, parameter)                                   \
    {code, #level, #verdict, issue, text, parameter},
#include "schemas/rules.def"
#undef RULE
};

static const struct {
    const char *text, *meaning;
    bool counted;
} outcomes[] = {
#define OUTCOME(NAME, code, text, final, counted, meaning) {text, meaning, counted},
#include "schemas/wire/outcomes.def"
#undef OUTCOME
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

static const char *
type_text(enum config_type type)
{
    switch (type) {
    case CONFIG_STRING:
        return "string";
    case CONFIG_PATH:
        return "path";
    case CONFIG_ENDPOINT:
        return "endpoint";
    case CONFIG_INTEGER:
        return "integer";
    case CONFIG_BYTES:
        return "bytes";
    case CONFIG_DURATION:
        return "duration";
    case CONFIG_BOOLEAN:
        return "boolean";
    }
    return "";
}

static void
range_print(const struct config_key *key)
{
    if (key->type == CONFIG_BOOLEAN) {
        printf("true, false");
    } else if (key->type == CONFIG_INTEGER || key->type == CONFIG_BYTES ||
               key->type == CONFIG_DURATION) {
        char *least = config_value_format(key, &(struct config_value){.number = key->min});
        char *most = config_value_format(key, &(struct config_value){.number = key->max});
        printf("%s to %s", least, most);
        free(least);
        free(most);
    } else {
        printf("%" PRId64 " to %" PRId64 " characters", key->min,
               key->max < CONFIG_TEXT_MAX ? key->max : CONFIG_TEXT_MAX);
    }
}

static void
keys_print(void)
{
    const char *section = "";

    printf("## Configuration keys\n");
    for (size_t i = 0; i < sluice_config_keys_count; i++) {
        const struct config_key *key = &sluice_config_keys[i];
        if (strcmp(section, key->section) != 0) {
            section = key->section;
            printf("\n### Section `%s`\n\n", section);
            printf("| key | type | default | range | meaning |\n|---|---|---|---|---|\n");
        }
        printf("| `%s` | %s | ", key->name, type_text(key->type));
        if (*key->fallback != '\0')
            printf("`%s`", key->fallback);
        else
            printf("empty");
        printf(" | ");
        range_print(key);
        printf(" | ");
        cell_print(key->doc);
        printf(" |\n");
    }
}

static void
events_print(void)
{
    printf("\n## Log events\n\n| event | level | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        printf("| `%s` | ", events[i].text);
        for (const char *s = events[i].level; *s != '\0'; s++)
            putchar(*s - 'A' + 'a');
        printf(" | ");
        cell_print(events[i].meaning);
        printf(" |\n");
    }
}

static void
rules_print(void)
{
    printf("\n## Rules of submissions\n\n"
           "A broken rule with verdict *reject* makes the submission `rejected`; one with *hold* "
           "makes it `held`: it is kept and judged again; one with *flag* is only noted beside it. "
           "*Issue* is FHIR's code in an OperationOutcome.\n\n"
           "| rule | level | verdict | issue | parameter | what |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        printf("| `%s` | %s | ", rules[i].code, rules[i].level);
        for (const char *s = rules[i].verdict; *s != '\0'; s++)
            putchar(*s - 'A' + 'a');
        printf(" | %s | %s | ", rules[i].issue, rules[i].parameter);
        cell_print(rules[i].text);
        printf(" |\n");
    }
}

static void
outcomes_print(void)
{
    printf("\n## Outcomes of messages\n\n| outcome | in the ledger | what |\n|---|---|---|\n");
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        printf("| `%s` | %s | ", outcomes[i].text, outcomes[i].counted ? "yes" : "no");
        cell_print(outcomes[i].meaning);
        printf(" |\n");
    }
}

int
main(void)
{
    keys_print();
    events_print();
    rules_print();
    outcomes_print();
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}
