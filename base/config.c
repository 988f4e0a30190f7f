/* Defaults, then the file, then --set: each layer overwrites the values of the one before. All
 * layers are gone through to the end, so that every error is told at once. */
#include "base/config.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/config_file.h"
#include "base/config_value.h"
#include "base/error.h"

struct config {
    const struct config_key *keys;
    size_t n_keys;
    struct config_value *values; /* one for each key */
    int *lines;                  /* where the file says it; 0: it does not */
};

static ssize_t
key_find(const struct config *c, const char *section, const char *name)
{
    for (size_t i = 0; i < c->n_keys; i++) {
        if (strcmp(c->keys[i].name, name) == 0 && strcmp(c->keys[i].section, section) == 0)
            return (ssize_t)i;
    }
    return -1;
}

static bool
section_exists(const struct config *c, const char *section)
{
    for (size_t i = 0; i < c->n_keys; i++) {
        if (strcmp(c->keys[i].section, section) == 0)
            return true;
    }
    return false;
}

static void
error_add(struct buf *errors, const char *place, const char *section, const char *name,
          const char *rule)
{
    buf_printf(errors, "%s: %s/%s: %s\n", place, section, name, rule);
}

/* Checks one value and keeps it; a fault becomes a line of errors. */
static void
value_take(struct config *c, size_t i, const char *text, const char *folder, const char *place,
           struct buf *errors)
{
    const struct config_key *key = &c->keys[i];
    struct config_value value;
    char rule[CONFIG_RULE_SIZE];

    if (config_value_parse(key, text, folder, &value, rule) != CONFIG_OK) {
        error_add(errors, place, key->section, key->name, rule);
        return;
    }
    free(c->values[i].text);
    c->values[i] = value;
}

static void
defaults_take(struct config *c)
{
    struct buf errors;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    for (size_t i = 0; i < c->n_keys; i++)
        value_take(c, i, c->keys[i].fallback, "/", "default", &errors);
    sluice_assert(errors.size == 0); /* a default that breaks its own rule */
    buf_deinit(&errors);
}

/* The folder a file stands in, absolute; malloc'd. */
static char *
folder_of(const char *file)
{
    char cwd[PATH_MAX];
    const char *slash = file != NULL ? strrchr(file, '/') : NULL;
    size_t n = slash == NULL ? 0 : slash == file ? 1 : (size_t)(slash - file);
    char *folder = NULL;

    if (slash != NULL && file[0] == '/') {
        folder = mem_new(n + 1, 1);
        memcpy(folder, file, n);
        return folder;
    }
    if (getcwd(cwd, sizeof(cwd)) == NULL)
        strcpy(cwd, "/");
    size_t size = strlen(cwd) + n + 2;
    folder = mem_new(size, 1);
    snprintf(folder, size, "%s%s%.*s", cwd, n > 0 && cwd[1] != '\0' ? "/" : "", (int)n,
             n > 0 ? file : "");
    return folder;
}

static void
section_check(const struct config *c, const struct config_file *file, size_t at, const char *place,
              struct buf *errors)
{
    const struct config_entry *entry = &file->entries[at];

    if (!section_exists(c, entry->name)) {
        buf_printf(errors, "%s: %s: unknown section\n", place, entry->name);
        return;
    }
    for (size_t i = 0; i < at; i++) {
        const struct config_entry *other = &file->entries[i];
        if (other->section == NULL && strcmp(other->name, entry->name) == 0) {
            buf_printf(errors, "%s: %s: section stands already in line %d\n", place, entry->name,
                       other->line);
            return;
        }
    }
}

static void
file_take(struct config *c, const char *path, struct buf *errors)
{
    struct config_file file;
    char *folder = folder_of(path);

    config_file_read(path, &file, errors);
    for (size_t i = 0; i < file.n_entries; i++) {
        const struct config_entry *entry = &file.entries[i];
        char place[PATH_MAX + 16];

        snprintf(place, sizeof(place), "%s:%d", path, entry->line);
        if (entry->section == NULL) {
            section_check(c, &file, i, place, errors);
            continue;
        }
        if (!section_exists(c, entry->section))
            continue; /* told at the section's own line */
        ssize_t k = key_find(c, entry->section, entry->name);
        if (k < 0) {
            error_add(errors, place, entry->section, entry->name, "unknown key");
        } else if (c->lines[k] != 0) {
            char rule[CONFIG_RULE_SIZE];
            snprintf(rule, sizeof(rule), "stands already in line %d", c->lines[k]);
            error_add(errors, place, entry->section, entry->name, rule);
        } else {
            c->lines[k] = entry->line;
            value_take(c, (size_t)k, entry->value, folder, place, errors);
        }
    }
    config_file_deinit(&file);
    free(folder);
}

static void
set_take(struct config *c, const char *set, const char *own_section, const char *folder,
         struct buf *errors)
{
    char section[64], name[64];
    const char *equals = strchr(set, '=');

    if (equals == NULL || equals == set) {
        buf_printf(errors, "--set: %.64s: must be [section/]key=value\n", set);
        return;
    }
    const char *slash = memchr(set, '/', (size_t)(equals - set));
    const char *key = slash != NULL ? slash + 1 : set;
    snprintf(section, sizeof(section), "%.*s", slash != NULL ? (int)(slash - set) : 63,
             slash != NULL ? set : own_section);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - key), key);
    if (!section_exists(c, section)) {
        buf_printf(errors, "--set: %s/%s: unknown section\n", section, name);
        return;
    }
    ssize_t k = key_find(c, section, name);
    if (k < 0) {
        error_add(errors, "--set", section, name, "unknown key");
        return;
    }
    value_take(c, (size_t)k, equals + 1, folder, "--set", errors);
}

int
config_load(const struct config_key *keys, size_t n_keys, const char *file, const char *const *sets,
            size_t n_sets, const char *own_section, struct config **ret_config, char **ret_errors)
{
    struct config *c = mem_new(1, sizeof(*c));
    struct buf errors;
    uint8_t *end;

    buf_init(&errors, CONFIG_ERRORS_MAX);
    c->keys = keys;
    c->n_keys = n_keys;
    c->values = mem_new(n_keys, sizeof(*c->values));
    c->lines = mem_new(n_keys, sizeof(*c->lines));

    defaults_take(c);
    if (file != NULL)
        file_take(c, file, &errors);
    char *cwd = folder_of(NULL);
    for (size_t i = 0; i < n_sets; i++)
        set_take(c, sets[i], own_section, cwd, &errors);
    free(cwd);

    if (errors.size == 0) {
        *ret_config = c;
        return CONFIG_OK;
    }
    config_free(c);
    if (buf_reserve(&errors, 1, &end) != BUF_OK)
        end = errors.data + errors.size - 1;
    *end = '\0';
    *ret_errors = (char *)errors.data;
    return CONFIG_INVALID;
}

void
config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_keys; i++)
        free(c->values[i].text);
    free(c->values);
    free(c->lines);
    free(c);
}

static const struct config_value *
value_get(const struct config *c, const char *section, const char *name, bool is_text)
{
    ssize_t k = key_find(c, section, name);

    sluice_assert(k >= 0);
    sluice_assert((c->values[k].text != NULL) == is_text);
    return &c->values[k];
}

const char *
config_str(const struct config *c, const char *section, const char *name)
{
    return value_get(c, section, name, true)->text;
}

int64_t
config_int(const struct config *c, const char *section, const char *name)
{
    return value_get(c, section, name, false)->number;
}

bool
config_bool(const struct config *c, const char *section, const char *name)
{
    return value_get(c, section, name, false)->number != 0;
}

int64_t
config_us(const struct config *c, const char *section, const char *name)
{
    return value_get(c, section, name, false)->number;
}

void
config_print(const struct config *c, const char *section, int fd)
{
    dprintf(fd, "%s\n", section);
    for (size_t i = 0; i < c->n_keys; i++) {
        if (strcmp(c->keys[i].section, section) != 0)
            continue;
        char *text = config_value_format(&c->keys[i], &c->values[i]);
        dprintf(fd, "    %s = %s\n", c->keys[i].name, text);
        free(text);
    }
}
