/* The journal's format is the broker's: its program, which stands beside us, prints the notes. */
#include "client/ctl/anchors.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "client/ctl/ctl.h"

#define ANCHORS_MAX 10000000
#define NOTE_MAX 4096

bool
anchors_place_exists(const char *place)
{
    struct stat st;

    return stat(place, &st) == 0;
}

void
anchors_free(struct anchors *a)
{
    free(a->list);
    *a = (struct anchors){0};
}

static void
anchor_add(struct anchors *a, const struct audit_anchor *anchor)
{
    if (a->n == ANCHORS_MAX)
        return;
    if (a->n == a->cap) {
        a->cap = a->cap == 0 ? 64 : 2 * a->cap;
        a->list = mem_grow(a->list, a->cap, sizeof(*a->list));
    }
    a->list[a->n++] = *anchor;
}

static bool
hex_take(const json_t *line, const char *key, uint8_t *ret, size_t size, size_t *ret_len)
{
    const char *hex = json_string_value(json_object_get(line, key));

    return hex != NULL && sodium_hex2bin(ret, size, hex, strlen(hex), NULL, ret_len, NULL) == 0;
}

/* A note of a journal, or a chain's line of a book; other lines are nothing to us. */
static void
line_take(struct anchors *a, const json_t *line)
{
    const char *writer = json_string_value(json_object_get(line, "writer"));
    struct audit_anchor anchor = {0};
    uint8_t note[NOTE_MAX];
    size_t len;

    if (hex_take(line, "note", note, sizeof(note), &len)) {
        if (audit_note_read(note, len, &anchor))
            anchor_add(a, &anchor);
        return;
    }
    anchor.batch = json_integer_value(json_object_get(line, "batch"));
    anchor.number = json_integer_value(json_object_get(line, "number"));
    if (writer != NULL && uuid_parse(writer, strlen(writer), &anchor.writer) && anchor.batch > 0 &&
        hex_take(line, "head", anchor.head, sizeof(anchor.head), &len) &&
        len == sizeof(anchor.head))
        anchor_add(a, &anchor);
}

static int
lines_read(struct anchors *a, FILE *in, const char *place)
{
    char *text = NULL;
    size_t cap = 0;
    int code = EXIT_DONE;

    for (size_t n = 1; code == EXIT_DONE && getline(&text, &cap, in) >= 0; n++) {
        json_t *line = json_loads(text, 0, NULL);
        if (line == NULL) {
            ctl_complain("%s: line %zu is no JSON", place, n);
            code = EXIT_USAGE;
        } else {
            line_take(a, line);
        }
        json_decref(line);
    }
    free(text);
    return code;
}

/* sluice-broker --journal-notes; its stdout is *ret_out. */
static int
broker_spawn(const char *dir, pid_t *ret_pid, FILE **ret_out)
{
    char path[PATH_MAX];
    const char name[] = "sluice-broker";
    char *argv[] = {path, (char *)"--journal-notes", (char *)(uintptr_t)dir, NULL};
    char *environment[] = {(char *)"SLUICE_CONFIG=", NULL};
    posix_spawn_file_actions_t actions;
    int fds[2];

    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
    if (n <= 0)
        return errno;
    path[n] = '\0';
    memcpy(strrchr(path, '/') + 1, name, sizeof(name));
    if (pipe(fds) != 0)
        return errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    int r = posix_spawn(ret_pid, path, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    *ret_out = r == 0 ? fdopen(fds[0], "r") : NULL;
    if (*ret_out == NULL)
        close(fds[0]);
    return r;
}

static int
journal_read(struct anchors *a, const char *dir)
{
    pid_t pid = -1;
    FILE *out = NULL;
    int status = 0;

    int r = broker_spawn(dir, &pid, &out);
    if (r != 0) {
        ctl_complain("sluice-broker --journal-notes: %s", strerror(r));
        return EXIT_UNAVAILABLE;
    }
    int code = lines_read(a, out, dir);
    fclose(out);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (code == EXIT_DONE && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        code = EXIT_UNAVAILABLE; /* it has said why */
    return code;
}

int
anchors_read(struct anchors *a, const char *place)
{
    struct stat st;

    if (stat(place, &st) == 0 && S_ISDIR(st.st_mode))
        return journal_read(a, place);
    FILE *in = fopen(place, "re");
    if (in == NULL) {
        ctl_complain("%s: %s", place, strerror(errno));
        return EXIT_UNAVAILABLE;
    }
    int code = lines_read(a, in, place);
    fclose(in);
    return code;
}
