/* The last words of a process that can't go on: no memory, or an assertion of ours that failed.
 * Both write one line to stderr and abort; neither allocates. */
#include "base/error.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void
memory_exhausted(void)
{
    static const char words[] = "out of memory\n";
    ssize_t written = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)written;
    abort();
}

void *
mem_new(size_t n, size_t size)
{
    void *p = calloc(n > 0 ? n : 1, size > 0 ? size : 1);
    if (p == NULL)
        memory_exhausted();
    return p;
}

void *
mem_grow(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        memory_exhausted();
    void *grown = realloc(p, bytes > 0 ? bytes : 1);
    if (grown == NULL)
        memory_exhausted();
    return grown;
}

char *
mem_strdup(const char *s)
{
    char *copy = strdup(s);
    if (copy == NULL)
        memory_exhausted();
    return copy;
}

_Noreturn void
assert_failed(const char *expr, const char *file, int line, const char *func)
{
    char words[512];

    int n =
        snprintf(words, sizeof(words), "%s:%d: %s: assertion failed: %s\n", file, line, func, expr);
    if (n > 0) {
        size_t size = (size_t)n < sizeof(words) ? (size_t)n : sizeof(words) - 1;
        ssize_t written = write(STDERR_FILENO, words, size);
        (void)written;
    }
    abort();
}
