/* Signals through a signalfd, and the words with systemd. One per process: the state is static
 * because signal disposition is a property of the process. */
#include "base/lifecycle.h"

#include <czmq.h>
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

static int signal_fd = -1;
static enum lifecycle_wish wish = LIFECYCLE_RUN;

int
lifecycle_init(void)
{
    sigset_t mask;

    zsys_handler_set(NULL);

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    int r = pthread_sigmask(SIG_BLOCK, &mask, NULL);
    if (r != 0)
        return -r;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) < 0)
        return -errno;

    int fd = signalfd(signal_fd, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    signal_fd = fd;
    wish = LIFECYCLE_RUN;
    return 0;
}

int
lifecycle_fd(void)
{
    return signal_fd;
}

enum lifecycle_wish
lifecycle_read(void)
{
    struct signalfd_siginfo info;

    for (;;) {
        ssize_t n = read(signal_fd, &info, sizeof(info));
        if (n < 0 && errno == EINTR)
            continue;
        if (n != (ssize_t)sizeof(info))
            return wish;
        /* A hangup asks for nothing yet: no program reads its config again while it runs. */
        if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
            continue;
        wish = wish == LIFECYCLE_RUN ? LIFECYCLE_DRAIN : LIFECYCLE_STOP;
    }
}

void
lifecycle_notify_ready(const char *status)
{
    sd_notifyf(0, "READY=1\nSTATUS=%s", status != NULL ? status : "");
}

void
lifecycle_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

int64_t
lifecycle_watchdog_us(void)
{
    uint64_t usec = 0;

    if (sd_watchdog_enabled(0, &usec) <= 0)
        return 0;
    return (int64_t)(usec / 2); /* half of the limit, as sd_watchdog_enabled(3) advises */
}

void
lifecycle_notify_alive(void)
{
    sd_notify(0, "WATCHDOG=1");
}
