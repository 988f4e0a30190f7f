/* What every verb of sluicectl is given, and how it says how it went.
 *
 * A verb is a function of its own noun's file. It writes its result to stdout (a table, or JSON
 * Lines with
 * --json), faults to stderr, and returns the exit code: EXIT_DONE, EXIT_FAILED (the answer is no),
 * EXIT_USAGE, EXIT_UNAVAILABLE (broker, edge or database not reached; stderr says which),
 * EXIT_TEMPFAIL, EXIT_CONFIG. */
#ifndef SLUICE_CTL_CTL_H
#define SLUICE_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

enum option {
#define OPTION(NAME, text, value, doc) OPTION_##NAME,
#include "client/ctl/options.def"
#undef OPTION
    OPTION_COUNT
};

#define ARGS_MAX 100

struct ctl {
    const struct config *config;
    const char *args[ARGS_MAX]; /* the words behind noun and verb */
    size_t n_args;
    const char *options[OPTION_COUNT]; /* NULL: not given; "" for flags */
    bool json;
    int64_t timeout_us; /* --timeout */
};

/* "sluicectl: …" on stderr, one line. */
void ctl_complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The options' values in their own units; false after a complaint. fallback is used when not given.
 */
bool ctl_duration(const struct ctl *ctl, enum option option, int64_t fallback_us, int64_t *ret_us);
bool ctl_count(const struct ctl *ctl, enum option option, uint64_t fallback, uint64_t most,
               uint64_t *ret);

/* May the change be made? Says what (a sentence without a full stop, "load study NCT007") and with
 * --dry-run only that. CONFIRM_NO: *ret_exit is what the verb returns. */
enum confirm { CONFIRM_GO, CONFIRM_NO };
enum confirm ctl_confirm(const struct ctl *ctl, int *ret_exit, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* After a change: the sentence for people, or one JSON object {"done": …}. */
void ctl_done(const struct ctl *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A whole file, or stdin for "-"; malloc'd, NUL-terminated. NULL after a complaint. */
#define CTL_FILE_MAX ((size_t)256 << 20)
char *ctl_file_read(const char *path, size_t max, size_t *ret_len);

#endif
