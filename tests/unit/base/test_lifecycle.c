/* Signals and systemd's socket. Signals are raised for real; nothing waits by sleeping. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <poll.h>

#include <czmq.h>

#include "base/lifecycle.h"

static bool
fd_readable(void)
{
    struct pollfd p = {.fd = lifecycle_fd(), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void
test_wishes_only_rise(void **state)
{
    (void)state;
    assert_int_equal(lifecycle_init(), 0);
    assert_true(lifecycle_fd() >= 0);
    assert_int_equal(lifecycle_read(), LIFECYCLE_RUN);
    assert_false(fd_readable());

    kill(getpid(), SIGHUP);
    assert_true(fd_readable());
    assert_int_equal(lifecycle_read(), LIFECYCLE_RUN); /* read and passed over */
    assert_false(fd_readable());

    kill(getpid(), SIGTERM);
    assert_int_equal(lifecycle_read(), LIFECYCLE_DRAIN);
    assert_int_equal(lifecycle_read(), LIFECYCLE_DRAIN);
    kill(getpid(), SIGINT);
    assert_int_equal(lifecycle_read(), LIFECYCLE_STOP);
    kill(getpid(), SIGTERM);
    assert_int_equal(lifecycle_read(), LIFECYCLE_STOP);
}

static void
test_two_signals_at_once_stop(void **state)
{
    (void)state;
    assert_int_equal(lifecycle_init(), 0);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    assert_int_equal(lifecycle_read(), LIFECYCLE_STOP);
}

static void
test_sigpipe_is_ignored(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(lifecycle_init(), 0);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    assert_int_equal(write(fds[1], "x", 1), -1);
    assert_int_equal(errno, EPIPE);
    close(fds[1]);
}

static void
test_czmq_takes_no_signals(void **state)
{
    struct sigaction before, after;

    (void)state;
    assert_int_equal(lifecycle_init(), 0);
    sigaction(SIGTERM, NULL, &before);
    zsock_t *s = zsock_new(ZMQ_DEALER); /* starts CZMQ up */
    assert_non_null(s);
    zsock_destroy(&s);
    sigaction(SIGTERM, NULL, &after);
    assert_ptr_equal(before.sa_handler, after.sa_handler);
    assert_ptr_equal(after.sa_handler, SIG_DFL);
    kill(getpid(), SIGTERM);
    assert_int_equal(lifecycle_read(), LIFECYCLE_DRAIN);
    assert_false(zsys_interrupted);
}

static void
test_systemd_is_told(void **state)
{
    char folder[] = "/tmp/sluice-notify-XXXXXX", text[256];
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)state;
    unsetenv("NOTIFY_SOCKET");
    lifecycle_notify_ready("nobody listens"); /* does nothing */

    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);

    static const char *const words[] = {"READY=1\nSTATUS=serving", "STOPPING=1", "WATCHDOG=1"};
    lifecycle_notify_ready("serving");
    lifecycle_notify_stopping();
    lifecycle_notify_alive();
    for (int i = 0; i < 3; i++) {
        ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
        assert_true(n > 0);
        text[n] = '\0';
        assert_string_equal(text, words[i]);
    }
    unsetenv("NOTIFY_SOCKET");
    close(fd);
    unlink(address.sun_path);
    rmdir(folder);
}

static void
test_watchdog_interval(void **state)
{
    char pid[32];

    (void)state;
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(lifecycle_watchdog_us(), 0);
    setenv("WATCHDOG_USEC", "10000000", 1);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(lifecycle_watchdog_us(), 5000000);
    setenv("WATCHDOG_PID", "1", 1); /* meant for somebody else */
    assert_int_equal(lifecycle_watchdog_us(), 0);
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wishes_only_rise),   cmocka_unit_test(test_two_signals_at_once_stop),
        cmocka_unit_test(test_sigpipe_is_ignored), cmocka_unit_test(test_czmq_takes_no_signals),
        cmocka_unit_test(test_systemd_is_told),    cmocka_unit_test(test_watchdog_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
