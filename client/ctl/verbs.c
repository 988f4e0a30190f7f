/* The table of verbs and what is read off it: lookup, options, help. */
#include "client/ctl/verbs.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define O(NAME) (UINT64_C(1) << OPTION_##NAME)
_Static_assert(OPTION_COUNT <= 64, "an option is a bit");
#define BROKER NEEDS_BROKER
#define DATABASE NEEDS_DATABASE
#define EDGE NEEDS_EDGE
#define JOURNAL NEEDS_JOURNAL
#define REDIS NEEDS_REDIS
#define INTAKE NEEDS_INTAKE

static const struct verb verbs[] = {
#define VERB(function, noun, verb, arguments, least, most, needs, changes, options, help)          \
    {noun, verb, arguments, least, most, needs, CHANGES_##changes, options, function, help},
#include "client/ctl/verbs.def"
#undef VERB
};

static const struct {
    const char *text, *value, *doc;
} options[] = {
#define OPTION(NAME, text, value, doc) {text, value, doc},
#include "client/ctl/options.def"
#undef OPTION
};

static uint64_t
options_of(const struct verb *v)
{
    uint64_t set = v->options | O(JSON);

    if (v->needs & (NEEDS_BROKER | NEEDS_EDGE | NEEDS_INTAKE))
        set |= O(TIMEOUT);
    if (v->changes == CHANGES_ASKS)
        set |= O(YES) | O(DRY_RUN);
    if (v->changes == CHANGES_SENDS)
        set |= O(YES) | O(DRY_RUN); /* --yes changes nothing there, but a script may say it */
    return set;
}

size_t
verb_count(void)
{
    return ARRAY_LEN(verbs);
}

const struct verb *
verb_at(size_t i)
{
    return &verbs[i];
}

const struct verb *
verb_find(int n_words, char *const *words, size_t *ret_used)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        const struct verb *v = &verbs[i];
        size_t used = v->verb == NULL ? 1 : 2;
        if (n_words < (int)used || strcmp(words[0], v->noun) != 0)
            continue;
        if (v->verb != NULL && strcmp(words[1], v->verb) != 0)
            continue;
        *ret_used = used;
        return v;
    }
    return NULL;
}

static void
name_print(FILE *out, const struct verb *v)
{
    fprintf(out, "%s%s%s", v->noun, v->verb != NULL ? " " : "", v->verb != NULL ? v->verb : "");
}

/* Takes one option at words[0]. How many words it was; 0 after a complaint. */
static int
option_take(const struct verb *verb, char *const *words, int n_words, struct ctl *ctl)
{
    const char *name = words[0] + 2;
    size_t len = strcspn(name, "=");

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strlen(options[i].text) != len || strncmp(options[i].text, name, len) != 0)
            continue;
        if ((options_of(verb) & (UINT64_C(1) << i)) == 0)
            break;
        if (options[i].value == NULL) {
            if (name[len] == '=') {
                ctl_complain("--%s takes no value", options[i].text);
                return 0;
            }
            ctl->options[i] = "";
            return 1;
        }
        if (name[len] == '=') {
            ctl->options[i] = name + len + 1;
            return 1;
        }
        if (n_words < 2) {
            ctl_complain("--%s needs a value: %s", options[i].text, options[i].value);
            return 0;
        }
        ctl->options[i] = words[1];
        return 2;
    }
    ctl_complain("'%s%s%s' has no option '%.*s'", verb->noun, verb->verb != NULL ? " " : "",
                 verb->verb != NULL ? verb->verb : "", (int)len + 2, words[0]);
    return 0;
}

int
verb_words(const struct verb *verb, int n_words, char *const *words, struct ctl *ctl)
{
    bool only_args = false;

    sluice_assert(verb->most <= ARGS_MAX);
    for (int i = 0; i < n_words;) {
        if (!only_args && strcmp(words[i], "--") == 0) {
            only_args = true;
            i++;
        } else if (!only_args && strncmp(words[i], "--", 2) == 0) {
            int n = option_take(verb, words + i, n_words - i, ctl);
            if (n == 0)
                return EXIT_USAGE;
            i += n;
        } else if (ctl->n_args == verb->most) {
            ctl_complain("unexpected word '%s'", words[i]);
            return EXIT_USAGE;
        } else {
            ctl->args[ctl->n_args++] = words[i++];
        }
    }
    if (ctl->n_args < verb->least) {
        ctl_complain("%s%s%s: %s is missing", verb->noun, verb->verb != NULL ? " " : "",
                     verb->verb != NULL ? verb->verb : "", verb->arguments);
        return EXIT_USAGE;
    }
    ctl->json = ctl->options[OPTION_JSON] != NULL;
    return EXIT_DONE;
}

/* "dead requeue ORIGIN…"; how many columns it takes. */
static int
verb_line(const struct verb *v, char *ret, size_t size)
{
    int columns = snprintf(ret, size, "%s%s%s %s", v->noun, v->verb != NULL ? " " : "",
                           v->verb != NULL ? v->verb : "", v->arguments);

    for (const char *c = ret; (c = strstr(c, "…")) != NULL; c += strlen("…"))
        columns -= (int)strlen("…") - 1;
    return columns;
}

void
verb_list_print(FILE *out)
{
    char line[80];
    int most = 0;

    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        int columns = verb_line(&verbs[i], line, sizeof(line));
        most = columns > most ? columns : most;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        int columns = verb_line(&verbs[i], line, sizeof(line));
        fprintf(out, "  %s%*s  %s\n", line, most - columns, "", verbs[i].help);
    }
}

static void
verb_print(const struct verb *v)
{
    static const char *const needs[] = {"the broker's admin endpoint (ctl/admin_endpoints)",
                                        "PostgreSQL (ctl/postgres)",
                                        "the edge (ctl/edge_url)",
                                        "the journal folder (ctl/journal_dir), on its host",
                                        "Redis (ctl/redis)",
                                        "the broker's client endpoint (ctl/client_endpoints)"};

    printf("Usage: sluicectl ");
    name_print(stdout, v);
    printf("%s%s [OPTION]…\n%s\n\n", *v->arguments != '\0' ? " " : "", v->arguments, v->help);
    for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
        if (v->needs & (1U << i))
            printf("Talks to %s.\n", needs[i]);
    }
    if (v->changes == CHANGES_ASKS)
        printf("Changes something: asks first, or needs --yes where stdin is no terminal.\n");
    printf("\nOptions:\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if ((options_of(v) & (UINT64_C(1) << i)) == 0)
            continue;
        char text[64];
        snprintf(text, sizeof(text), "--%s%s%s", options[i].text,
                 options[i].value != NULL ? " " : "",
                 options[i].value != NULL ? options[i].value : "");
        printf("  %-24s %s\n", text, options[i].doc);
    }
    printf("\nsluicectl --help tells of the options that all verbs have.\n");
}

bool
verb_help(int n_words, char *const *words)
{
    size_t used, found = 0;

    if (n_words == 0)
        return false;
    const struct verb *v = verb_find(n_words, words, &used);
    if (v != NULL) {
        verb_print(v);
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].noun, words[0]) != 0)
            continue;
        if (found++ > 0)
            printf("\n");
        verb_print(&verbs[i]);
    }
    return found > 0;
}
