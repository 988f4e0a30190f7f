/* The command line that every program shares. Options are taken wherever they stand, up to "--"; a
 * program with words of its own (sluicectl) gets everything that is not ours, in order. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/lifecycle.h"
#include "base/log.h"

#define EXTRA_OPTIONS_MAX 16
#define SETS_MAX 256
#define CONFIG_VARIABLE "SLUICE_CONFIG"
#define CONFIG_FILE "/etc/sluice/sluice.conf"

enum option_id {
    OPT_HELP = 256,
    OPT_VERSION,
    OPT_CONFIG,
    OPT_CHECK,
    OPT_PRINT,
    OPT_SET,
    OPT_EXTRA
};

static const struct option common_options[] = {
    {"help", no_argument, NULL, OPT_HELP},           {"version", no_argument, NULL, OPT_VERSION},
    {"config", required_argument, NULL, OPT_CONFIG}, {"check-config", no_argument, NULL, OPT_CHECK},
    {"print-config", no_argument, NULL, OPT_PRINT},  {"set", required_argument, NULL, OPT_SET},
};

/* What the command line said. */
struct request {
    const char *file;
    const char *sets[SETS_MAX];
    size_t n_sets;
    bool check;
    bool print;
    bool help;
};

static void
help_print(const struct program *p, bool takes_words)
{
    printf("Usage: %s [OPTION]…%s\n%s\n\n", p->name, takes_words ? " COMMAND [ARGUMENT]…" : "",
           p->summary);
    if (p->usage_extra != NULL)
        printf("%s\n\n", p->usage_extra);
    printf("Options:\n"
           "  --config FILE      read this configuration (default: $" CONFIG_VARIABLE ", else\n"
           "                     " CONFIG_FILE " if it exists, else built-in values)\n"
           "  --set KEY=VALUE    override one key (KEY is 'key' or 'section/key'); repeatable,\n"
           "                     the last one counts\n"
           "  --check-config     check the whole configuration and exit (0 or 78)\n"
           "  --print-config     print this program's section as it is in effect and exit\n"
           "  --version          print name and version and exit\n"
           "  --help             print this and exit\n");
    /* usage_extra, where there is one, says more of them than their names. */
    for (const char *const *e = p->extra_options; p->usage_extra == NULL && e != NULL && *e != NULL;
         e++)
        printf("  --%s VALUE\n", *e);
    printf("\nConfiguration keys of section '%s':\n", p->section);
    for (size_t i = 0; i < p->n_keys; i++) {
        const struct config_key *key = &p->keys[i];
        if (strcmp(key->section, p->section) == 0)
            printf("  %s = %s\n      %s\n", key->name,
                   *key->fallback != '\0' ? key->fallback : "\"\"", key->doc);
    }
    printf("\nExit: 0 done, 64 usage, 69 unavailable, 70 bug, 74 disk failure, 75 try again, "
           "78 bad configuration.\n");
}

static _Noreturn void
usage_fail(const struct program *p, const char *what, const char *word)
{
    fprintf(stderr, "%s: %s '%s'\nTry '%s --help'.\n", p->name, what, word, p->name);
    exit(EXIT_USAGE);
}

static size_t
options_make(const struct program *p, struct option *options)
{
    size_t n = ARRAY_LEN(common_options);

    memcpy(options, common_options, sizeof(common_options));
    for (size_t i = 0; p->extra_options != NULL && p->extra_options[i] != NULL; i++) {
        sluice_assert(i < EXTRA_OPTIONS_MAX);
        options[n++] =
            (struct option){p->extra_options[i], required_argument, NULL, OPT_EXTRA + (int)i};
    }
    options[n] = (struct option){0};
    return n;
}

/* How many words of argv from this one on are ours: 0, 1 ("--name=value", "--flag") or 2. */
static int
words_of_ours(const struct option *options, char *const *argv)
{
    if (strncmp(argv[0], "--", 2) != 0)
        return 0;
    for (const struct option *o = options; o->name != NULL; o++) {
        size_t n = strlen(o->name);
        if (strncmp(argv[0] + 2, o->name, n) != 0)
            continue;
        if (argv[0][2 + n] == '=')
            return 1;
        if (argv[0][2 + n] == '\0')
            return o->has_arg == required_argument && argv[1] != NULL ? 2 : 1;
    }
    return 0;
}

/* Moves our options to the front of argv, in order, and what is the program's own to the back.
 * Returns the index of the first word that is not ours. */
static int
argv_part(const struct option *options, int argc, char **argv)
{
    char **theirs = mem_new((size_t)argc, sizeof(*theirs));
    int n_ours = 1, n_theirs = 0;

    for (int i = 1; i < argc;) {
        if (strcmp(argv[i], "--") == 0) {
            while (i < argc)
                theirs[n_theirs++] = argv[i++];
            break;
        }
        int n = words_of_ours(options, &argv[i]);
        if (n == 0)
            theirs[n_theirs++] = argv[i++];
        while (n-- > 0)
            argv[n_ours++] = argv[i++];
    }
    if (n_theirs > 0)
        memcpy(argv + n_ours, theirs, (size_t)n_theirs * sizeof(*theirs));
    free(theirs);
    return n_ours;
}

static void
option_take(const struct program *p, int id, char **argv, struct request *request)
{
    switch (id) {
    case OPT_HELP:
        request->help = true;
        break;
    case OPT_VERSION:
        printf("%s %s\n", p->name, SLUICE_VERSION);
        exit(EXIT_DONE);
    case OPT_CONFIG:
        request->file = optarg;
        break;
    case OPT_CHECK:
        request->check = true;
        break;
    case OPT_PRINT:
        request->print = true;
        break;
    case OPT_SET:
        if (request->n_sets == SETS_MAX)
            usage_fail(p, "too many --set: at", optarg);
        request->sets[request->n_sets++] = optarg;
        break;
    case ':':
        usage_fail(p, "a value is missing after", argv[optind - 1]);
    case '?':
        usage_fail(p, "unknown option", argv[optind - 1]);
    default:
        p->extra_values[id - OPT_EXTRA] = optarg;
        break;
    }
}

/* One error a line; a daemon tells them as events, everyone else as they are. */
static void
errors_tell(char *errors, bool as_events)
{
    if (!as_events) {
        fputs(errors, stderr);
        return;
    }
    char *rest = NULL;
    for (char *line = strtok_r(errors, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *why = strstr(line, ": ");
        if (why != NULL) {
            *why = '\0';
            why += 2;
        }
        log_event(EVENT_CONFIG_BAD, LOG_S("at", line), LOG_S("why", why));
    }
}

/* The file without --config. A variable that is set but empty: none, not even the usual one. */
static const char *
file_default(void)
{
    const char *file = getenv(CONFIG_VARIABLE);

    if (file != NULL)
        return *file != '\0' ? file : NULL;
    return access(CONFIG_FILE, F_OK) == 0 ? CONFIG_FILE : NULL;
}

struct config *
program_start(const struct program *p, int argc, char **argv, int *ret_rest, char ***ret_rest_argv)
{
    struct option options[ARRAY_LEN(common_options) + EXTRA_OPTIONS_MAX + 1];
    struct request request = {0};
    bool takes_words = ret_rest != NULL;
    int id, n_ours = argc;

    log_init(p->name, LOG_LEVEL_INFO);
    options_make(p, options);
    if (takes_words)
        n_ours = argv_part(options, argc, argv);

    optind = 0; /* glibc: start anew, also when called twice */
    opterr = 0;
    while ((id = getopt_long(n_ours, argv, ":", options, NULL)) != -1)
        option_take(p, id, argv, &request);
    if (request.help) {
        if (!takes_words || p->help == NULL || !p->help(argc - n_ours, argv + n_ours))
            help_print(p, takes_words);
        exit(EXIT_DONE);
    }
    if (!takes_words && optind < argc)
        usage_fail(p, "unexpected word", argv[optind]);
    if (request.file == NULL)
        request.file = file_default();

    struct config *config;
    char *errors;
    if (config_load(p->keys, p->n_keys, request.file, request.sets, request.n_sets, p->section,
                    &config, &errors) != CONFIG_OK) {
        errors_tell(errors, !request.check && !request.print && !takes_words);
        free(errors);
        exit(EXIT_CONFIG);
    }
    if (request.check || request.print) {
        if (request.print)
            config_print(config, p->section, STDOUT_FILENO);
        else
            puts("config ok");
        config_free(config);
        exit(EXIT_DONE);
    }
    if (takes_words) {
        *ret_rest = argc - n_ours;
        *ret_rest_argv = argv + n_ours;
    }
    return config;
}
