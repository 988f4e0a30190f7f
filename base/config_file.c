/* CZMQ's zconfig reads the file, but it keeps no line numbers, stops at the first fault and takes
 * some spellings otherwise than they look. So the text is scanned line by line first: every fault
 * gets its line, and zconfig sees only what is sound. Then the n-th sound line is the n-th node of
 * zconfig's tree, which is how a value finds its line number. */
#include "base/config_file.h"

#include <czmq.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define LINE_BYTES_MAX 1023

enum section_state {
    SECTION_NONE,
    SECTION_OPEN,
    SECTION_FAULTY, /* its keys are passed over: they belong nowhere */
};

struct scan {
    const char *path;
    struct buf *errors;
    struct buf sound; /* what zconfig gets: faulty lines are left out */
    int *lines;       /* line number of the n-th sound entry */
    size_t n_lines;
    enum section_state section;
};

static int
text_read(const char *path, struct buf *text)
{
    uint8_t *p;

    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int r = 0;
    while (r == 0) {
        if (buf_reserve(text, 4096, &p) != BUF_OK) {
            r = -EFBIG;
            break;
        }
        ssize_t n = read(fd, p, 4096);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            r = -errno;
        if (n > 0)
            buf_commit(text, (size_t)n);
    }
    close(fd);
    return r;
}

static bool
name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* What is wrong with the text behind a name ("" or "= value"), or NULL. */
static const char *
tail_fault(const char *s, bool *ret_has_value)
{
    s += strspn(s, " ");
    *ret_has_value = *s == '=';
    if (*s == '\0' || *s == '#')
        return NULL;
    if (*s != '=')
        return "expected '=' and a value after the name";
    s++;
    s += strspn(s, " ");
    if (*s != '"' && *s != '\'') {
        /* bare: up to the end or a comment; zconfig reads a#b as "a" and #b as "#b" */
        const char *hash = strchr(s, '#');
        if (hash != NULL && (hash == s || hash[-1] != ' '))
            return "a value that holds '#' must stand in quotation marks";
        return NULL;
    }
    const char *end = strchr(s + 1, *s);
    if (end == NULL)
        return "quotation mark is not closed";
    end++;
    end += strspn(end, " ");
    if (*end != '\0' && *end != '#')
        return "text after the closing quotation mark";
    return NULL;
}

/* Judges one line without its newline; returns the fault or NULL. *ret_is_entry: neither blank nor
 * to be passed over. */
static const char *
line_fault(struct scan *scan, const char *s, size_t size, bool *ret_is_entry)
{
    bool has_value;

    *ret_is_entry = false;
    if (size > LINE_BYTES_MAX)
        return "line is longer than 1023 bytes";
    for (size_t i = 0; i < size; i++) {
        if (s[i] == '\t')
            return "tab: indent with 4 spaces and separate with spaces";
        if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
            return "control character";
    }
    size_t indent = strspn(s, " ");
    if (s[indent] == '\0' || s[indent] == '#')
        return NULL;
    if (indent == 0)
        scan->section = SECTION_FAULTY; /* until its line has proved sound */

    const char *name = s + indent;
    size_t n = 0;
    while (name_char(name[n]))
        n++;
    if (n == 0 || (name[n] != '\0' && name[n] != ' ' && name[n] != '=' && name[n] != '#'))
        return "a name of letters, digits and '_' must come first";
    if (indent != 0 && indent != 4)
        return "a section starts at the margin, its keys are indented by 4 spaces";
    const char *fault = tail_fault(name + n, &has_value);
    if (fault != NULL)
        return fault;
    if (indent == 0 && has_value)
        return "a key must stand under a section, indented by 4 spaces";
    if (indent == 0) {
        scan->section = SECTION_OPEN;
        *ret_is_entry = true;
        return NULL;
    }
    if (!has_value)
        return "expected '=' and a value after the name";
    if (scan->section == SECTION_NONE)
        return "a key must stand under a section";
    *ret_is_entry = scan->section == SECTION_OPEN;
    return NULL;
}

static void
scan_text(struct scan *scan, char *text, size_t size)
{
    int line_no = 0;

    for (size_t at = 0; at < size;) {
        char *line = text + at;
        char *newline = memchr(line, '\n', size - at);
        size_t line_size = newline != NULL ? (size_t)(newline - line) : size - at;
        bool is_entry;

        at += line_size + 1;
        line_no++;
        if (line_size > 0 && line[line_size - 1] == '\r')
            line_size--;
        line[line_size] = '\0'; /* there is room behind the last line, see config_file_read */
        const char *fault = line_fault(scan, line, line_size, &is_entry);
        if (fault != NULL) {
            buf_printf(scan->errors, "%s:%d: %s\n", scan->path, line_no, fault);
            continue;
        }
        if (!is_entry)
            continue;
        scan->lines = mem_grow(scan->lines, scan->n_lines + 1, sizeof(*scan->lines));
        scan->lines[scan->n_lines++] = line_no;
        buf_append(&scan->sound, line, line_size);
        buf_append(&scan->sound, "\n", 1);
    }
}

static void
file_add(struct config_file *file, const struct scan *scan, const char *section, zconfig_t *node)
{
    sluice_assert(file->n_entries < scan->n_lines);
    file->entries[file->n_entries] = (struct config_entry){
        .section = section != NULL ? mem_strdup(section) : NULL,
        .name = mem_strdup(zconfig_name(node)),
        .value = mem_strdup(zconfig_value(node)),
        .line = scan->lines[file->n_entries],
    };
    file->n_entries++;
}

static void
file_take_tree(struct config_file *file, const struct scan *scan, zconfig_t *root)
{
    file->entries = mem_new(scan->n_lines, sizeof(*file->entries));
    for (zconfig_t *s = zconfig_child(root); s != NULL; s = zconfig_next(s)) {
        file_add(file, scan, NULL, s);
        for (zconfig_t *k = zconfig_child(s); k != NULL; k = zconfig_next(k))
            file_add(file, scan, zconfig_name(s), k);
    }
    sluice_assert(file->n_entries == scan->n_lines);
}

void
config_file_read(const char *path, struct config_file *ret_file, struct buf *errors)
{
    struct buf text;
    struct scan scan = {.path = path, .errors = errors};

    *ret_file = (struct config_file){0};
    buf_init(&text, CONFIG_FILE_MAX + 4096);
    buf_init(&scan.sound, CONFIG_FILE_MAX + 4096);
    int r = text_read(path, &text);
    if (r < 0) {
        buf_printf(errors, "%s: can't be read: %s\n", path, strerror(-r));
    } else if (text.size > 0) {
        uint8_t *end;
        r = buf_reserve(&text, 1, &end);
        sluice_assert(r == BUF_OK); /* reading stops while 4096 bytes are free */
        *end = '\0';
        scan_text(&scan, (char *)text.data, text.size);
        zconfig_t *root = NULL;
        if (scan.n_lines > 0) {
            buf_append(&scan.sound, "", 1);
            root = zconfig_str_load((const char *)scan.sound.data);
            sluice_assert(root != NULL);
            file_take_tree(ret_file, &scan, root);
        }
        zconfig_destroy(&root);
    }
    free(scan.lines);
    buf_deinit(&scan.sound);
    buf_deinit(&text);
}

void
config_file_deinit(struct config_file *file)
{
    for (size_t i = 0; i < file->n_entries; i++) {
        free(file->entries[i].section);
        free(file->entries[i].name);
        free(file->entries[i].value);
    }
    free(file->entries);
    *file = (struct config_file){0};
}
