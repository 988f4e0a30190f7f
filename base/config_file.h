/* A ZPL file as a flat list of entries with line numbers. Inner header of base/config. */
#ifndef SLUICE_BASE_CONFIG_FILE_H
#define SLUICE_BASE_CONFIG_FILE_H

#include "base/buf.h"
#include "base/config.h"

struct config_entry {
    char *section; /* NULL: a section's own line */
    char *name;
    char *value;
    int line;
};

struct config_file {
    struct config_entry *entries;
    size_t n_entries;
};

#define CONFIG_FILE_MAX ((size_t)1 << 20)
#define CONFIG_ERRORS_MAX ((size_t)64 << 10)

/* Reads and parses; every fault of form goes as a line into errors. Entries that are sound are
 * there even when others are not. Only what zconfig reads the same way is let through. */
void config_file_read(const char *path, struct config_file *ret_file, struct buf *errors);
void config_file_deinit(struct config_file *file);

#endif
