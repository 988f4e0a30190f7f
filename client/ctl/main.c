/* sluicectl: the admin's tool. Finds the verb in the table and runs it; the work is in each noun's
 * file. */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "base/lifecycle.h"
#include "client/ctl/verbs.h"
#include "schemas/config.h"

static void
text_free(char **text)
{
    free(*text);
}

/* What --help says beside the options: the verbs. malloc'd. */
static char *
verbs_text(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    sluice_assert(out != NULL);
    fprintf(out, "Commands:\n");
    verb_list_print(out);
    fprintf(
        out,
        "\nsluicectl COMMAND --help tells of one. Tables are for people, --json is for scripts.\n"
        "What changes something takes --dry-run, and --yes where stdin is no terminal.\n"
        "Exit 1: the answer is no (not balanced, not found, refused).");
    fclose(out);
    return text;
}

int
main(int argc, char **argv)
{
    int n_words;
    char **words;
    size_t used;
    _cleanup_(text_free) char *verbs = verbs_text();
    const struct program program = {
        .name = "sluicectl",
        .section = "ctl",
        .summary = "Shows what a Sluice fleet does, and mends it safely.",
        .usage_extra = verbs,
        .keys = sluice_config_keys,
        .n_keys = sluice_config_keys_count,
        .help = verb_help,
    };

    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        setlocale(LC_CTYPE, "");
    struct config *config = program_start(&program, argc, argv, &n_words, &words);
    signal(SIGPIPE, SIG_DFL); /* sluicectl … | head ends quietly */
    const struct verb *verb = verb_find(n_words, words, &used);
    struct ctl ctl = {.config = config};
    int code = EXIT_USAGE;
    if (n_words == 0)
        ctl_complain("say what to do: sluicectl --help lists the commands");
    else if (verb == NULL)
        ctl_complain("no command '%s%s%s': sluicectl --help lists them", words[0],
                     n_words > 1 ? " " : "", n_words > 1 ? words[1] : "");
    else if (verb_words(verb, n_words - (int)used, words + used, &ctl) == EXIT_DONE &&
             ctl_duration(&ctl, OPTION_TIMEOUT, 5 * INT64_C(1000000), &ctl.timeout_us))
        code = verb->run(&ctl);
    config_free(config);
    if (fflush(stdout) != 0 && code == EXIT_DONE) {
        ctl_complain("stdout can't be written");
        code = EXIT_TEMPFAIL;
    }
    return code;
}
