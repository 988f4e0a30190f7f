/* Configuration in CZMQ's ZPL: one file with sections (edge broker worker ctl), every key in one
 * .def table (schemas/config.def). A program checks the whole file and uses its own section.
 *
 *   broker
 *       journal_dir = "/var/lib/sluice/journal"
 *
 * Precedence: default < file < --set section/key=value (or key=value for the program's own
 * section). Unknown sections and keys, values of the wrong type or out of range are errors; every
 * error names file:line (or "--set"), key and rule, and all of them are reported at once. */
#ifndef SLUICE_BASE_CONFIG_H
#define SLUICE_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_STRING, /* min, max: length */
    CONFIG_PATH,   /* "" or absolute, or relative to the config file's folder; comes out absolute */
    CONFIG_ENDPOINT, /* ipc://… or tcp://… */
    CONFIG_INTEGER,
    CONFIG_BYTES,    /* integer with optional KiB MiB GiB */
    CONFIG_DURATION, /* integer with optional ms s min h d (default ms); kept in microseconds */
    CONFIG_BOOLEAN,  /* true false */
};

struct config_key {
    const char *section;
    const char *name;
    enum config_type type;
    const char *fallback; /* the default, as it would stand in the file */
    int64_t min, max;     /* for DURATION in microseconds */
    const char *doc;
};

struct config; /* opaque */

enum config_outcome { CONFIG_OK = 0, CONFIG_INVALID = 1 };

/* file may be NULL (defaults and sets only). sets: n strings. own_section: for bare --set keys.
 * On CONFIG_INVALID *ret_errors is a malloc'd text, one "FILE:LINE: section/key: rule" a line. */
int config_load(const struct config_key *keys, size_t n_keys, const char *file,
                const char *const *sets, size_t n_sets, const char *own_section,
                struct config **ret_config, char **ret_errors);
void config_free(struct config *c);

/* A key that is not in the table is our bug (assertion). Strings live as long as the config. */
const char *config_str(const struct config *c, const char *section, const char *name);
int64_t config_int(const struct config *c, const char *section, const char *name);
bool config_bool(const struct config *c, const char *section, const char *name);
int64_t config_us(const struct config *c, const char *section, const char *name);

/* One section with the values in effect, as ZPL that config_load reads back (--print-config). */
void config_print(const struct config *c, const char *section, int fd);

#endif
