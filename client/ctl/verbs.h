/* verbs.def as a table: finding a verb by its words, its options, its help. */
#ifndef SLUICE_CTL_VERBS_H
#define SLUICE_CTL_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "client/ctl/ctl.h"

enum verb_needs {
    NEEDS_BROKER = 1 << 0,
    NEEDS_DATABASE = 1 << 1,
    NEEDS_EDGE = 1 << 2,
    NEEDS_JOURNAL = 1 << 3,
    NEEDS_REDIS = 1 << 4,
    NEEDS_INTAKE = 1 << 5,
};
enum verb_changes { CHANGES_READS, CHANGES_ASKS, CHANGES_SENDS };

struct verb {
    const char *noun, *verb; /* verb may be NULL */
    const char *arguments;
    size_t least, most; /* words */
    unsigned needs;
    enum verb_changes changes;
    uint64_t options; /* bits 1 << enum option, with those that come from needs and changes */
    int (*run)(struct ctl *ctl);
    const char *help;
};

#define VERB(function, noun, verb, arguments, least, most, needs, changes, options, help)          \
    int function(struct ctl *ctl);
#include "client/ctl/verbs.def"
#undef VERB

size_t verb_count(void);
const struct verb *verb_at(size_t i);
/* *ret_used: how many of the words named it. NULL: no such verb. */
const struct verb *verb_find(int n_words, char *const *words, size_t *ret_used);
/* Takes the words behind the verb apart into args and options. EXIT_DONE, or EXIT_USAGE after a
 * complaint. */
int verb_words(const struct verb *verb, int n_words, char *const *words, struct ctl *ctl);

void verb_list_print(FILE *out);
/* For program_start: prints the help of the verb (or of the noun's verbs) these words name. */
bool verb_help(int n_words, char *const *words);

#endif
