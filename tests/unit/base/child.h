/* Runs a piece of a test in a child process and gathers what it wrote and how it ended. */
#ifndef SLUICE_TESTS_BASE_CHILD_H
#define SLUICE_TESTS_BASE_CHILD_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    int status; /* as waitpid gives it */
    char out[65536];
    char err[65536];
};

static inline void
child_slurp(FILE *f, char *text, size_t size)
{
    rewind(f);
    size_t n = fread(text, 1, size - 1, f);
    text[n] = '\0';
    fclose(f);
}

/* body runs in the child; if it returns, the child exits 0. */
static inline void
child_run(struct child *child, void (*body)(void *), void *arg)
{
    FILE *out = tmpfile(), *err = tmpfile();
    if (out == NULL || err == NULL)
        abort();
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        body(arg);
        fflush(NULL);
        _exit(0);
    }
    if (waitpid(pid, &child->status, 0) != pid)
        abort();
    child_slurp(out, child->out, sizeof(child->out));
    child_slurp(err, child->err, sizeof(child->err));
}

#endif
