/* How every daemon starts, is told to end, and ends.
 *
 * Signals are ours: CZMQ's handler is off (zsys_handler_set(NULL)), SIGPIPE is ignored, SIGTERM,
 * SIGINT and SIGHUP are blocked in every thread and read from a signalfd by the main loop. The
 * first SIGTERM or SIGINT asks to drain, the second one stops at once. systemd is told READY,
 * STOPPING and WATCHDOG by sd_notify; without a NOTIFY_SOCKET these do nothing. */
#ifndef SLUICE_BASE_LIFECYCLE_H
#define SLUICE_BASE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

enum lifecycle_wish { LIFECYCLE_RUN = 0, LIFECYCLE_DRAIN = 1, LIFECYCLE_STOP = 2 };

/* Blocks the signals and makes the signalfd. Call before any thread or socket exists. */
int lifecycle_init(void);
int lifecycle_fd(void);
/* Reads what is pending; says what is wished now (it only ever rises). */
enum lifecycle_wish lifecycle_read(void);

void lifecycle_notify_ready(const char *status);
void lifecycle_notify_stopping(void);
/* Interval at which lifecycle_notify_alive must be called, in microseconds; 0: no watchdog. */
int64_t lifecycle_watchdog_us(void);
void lifecycle_notify_alive(void);

/* The options every program has: --help --version --config FILE --check-config --print-config
 * --set KEY=VALUE (repeatable, the last one counts); our options are taken wherever they stand.
 * Without --config the file is $SLUICE_CONFIG (empty: none), else /etc/sluice/sluice.conf if that
 * exists, else none.
 * Programs with words of their own (sluicectl) get what is left over in rest. */
struct program {
    const char *name;        /* "sluice-broker" */
    const char *section;     /* "broker" */
    const char *summary;     /* one line for --help */
    const char *usage_extra; /* more lines for --help, or NULL */
    const struct config_key *keys;
    size_t n_keys;
    /* extra options "--name" with a value, e.g. {"service"}; NULL-terminated; values in
     * extra_values */
    const char *const *extra_options;
    const char **extra_values;
    /* For words of their own: prints the help of these words; false: it has none, so the program's
     * is printed. May be NULL. */
    bool (*help)(int n_words, char *const *words);
};

/* Parses argv, loads the config. Exits the process for --help, --version (0), --check-config (0 or
 * 78), wrong usage (64) and a bad config (78, errors on stderr). A daemon passes NULL, NULL: any
 * word and any unknown option is wrong usage. A program with words of its own passes both and
 * judges what it gets: *ret_rest_argv points into argv (reordered) and ends with NULL; "--" and
 * what follows it is left in. */
struct config *program_start(const struct program *p, int argc, char **argv, int *ret_rest,
                             char ***ret_rest_argv);

#endif
