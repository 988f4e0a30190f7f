/* Keeps descriptors back from connections: accept4 of this program stands before libc's.
 *
 * libzmq 4.3.4 aborts the process when accepting on an ipc endpoint meets EMFILE (ipc_listener.cpp)
 * and spins on tcp; and a journal that can't open its next segment ends the broker. Whoever may
 * connect could bring that about by connections that never speak, and libzmq has no option against
 * it. So a connection whose descriptor lies past the limit less a reserve is closed at once and
 * reported as ECONNABORTED, which every listener takes for a peer that left. Nothing of ours calls
 * it: libzmq does. */
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RESERVE 64 /* for the journal's segments and all else that is opened later */

__attribute__((visibility("default"))) int
accept4(int listener, __SOCKADDR_ARG address, socklen_t *restrict size, int flags)
{
    struct rlimit limit;

    int fd = (int)syscall(SYS_accept4, listener, address.__sockaddr__, size, flags);
    if (fd < 0) {
        if (errno == EMFILE)
            errno = ECONNABORTED;
        return fd;
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && (rlim_t)fd + RESERVE >= limit.rlim_cur) {
        close(fd);
        errno = ECONNABORTED;
        return -1;
    }
    return fd;
}
