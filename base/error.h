/* How Sluice reports failure, and what a process says with its exit code.
 *
 * A function returns 0 when done, a negative errno for a condition that nobody nearby can handle
 * (forwarded unchanged to main), or a positive named outcome of its own module, on which the
 * immediate caller must switch. Output arguments are named ret_… and stay untouched unless 0.
 * A function logs an error or returns it, never both. */
#ifndef SLUICE_BASE_ERROR_H
#define SLUICE_BASE_ERROR_H

#include <stdlib.h>

/* Exit codes of every program (sysexits.h names them the same way). */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1, /* a check ran and the answer is no (ctl only) */
    EXIT_USAGE = 64,
    EXIT_UNAVAILABLE = 69,
    EXIT_BUG = 70,
    EXIT_DISK = 74, /* never restarted by a supervisor */
    EXIT_TEMPFAIL = 75,
    EXIT_CONFIG = 78, /* never restarted by a supervisor */
};

/* Out of memory is not handled piecemeal: the process says so on stderr and aborts; the journal and
 * the leases make that as safe as any other death. n*size is checked for overflow. Never NULL. */
void *mem_new(size_t n, size_t size) __attribute__((malloc, alloc_size(1, 2), returns_nonnull));
void *mem_grow(void *p, size_t n, size_t size) __attribute__((alloc_size(2, 3), returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));

/* For our own bugs only: always compiled in, free of side effects, aborts with file and line. */
#define sluice_assert(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__, __func__))
_Noreturn void assert_failed(const char *expr, const char *file, int line, const char *func);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define _cleanup_(f) __attribute__((cleanup(f)))

#endif
