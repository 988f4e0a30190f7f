/* Asks the kernel for our process id once: getpid of this program stands before libc's.
 *
 * libzmq (4.3.4) asks for it at every signal between its threads and every look for one, to notice
 * that it was forked: about twenty times for a batch that passes through, a third of the broker's
 * system calls, since glibc keeps it no longer. We fork nobody; a child would ask anew. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic pid_t known; /* 0: to be asked for */
static bool is_kept;        /* a child will be noticed */

static void
pid_forget(void)
{
    atomic_store_explicit(&known, 0, memory_order_relaxed);
}

__attribute__((constructor)) static void
pid_watch_fork(void)
{
    is_kept = pthread_atfork(NULL, NULL, pid_forget) == 0;
}

__attribute__((visibility("default"))) pid_t
getpid(void)
{
    pid_t pid = atomic_load_explicit(&known, memory_order_relaxed);

    if (pid != 0)
        return pid;
    pid = (pid_t)syscall(SYS_getpid);
    if (is_kept)
        atomic_store_explicit(&known, pid, memory_order_relaxed);
    return pid;
}
