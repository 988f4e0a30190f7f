/* glibc has no wrapper for sched_setattr, and Debian 12's has no struct sched_attr. */
#include "base/schedule.h"

#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 3000000 /* kernels before 6.12 have one of their own */

/* struct sched_attr of linux/sched/types.h, its first version. */
struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime_ns, deadline_ns, period_ns; /* runtime: the slice */
};

void
schedule_gathering(void)
{
    const pid_t self = 0;
    struct attributes a = {.size = sizeof(a)};

    if (syscall(SYS_sched_getattr, self, &a, sizeof(a), 0) != 0 || a.policy != SCHED_OTHER)
        return; /* whoever chose another policy for us knows better */
    a.size = sizeof(a);
    a.policy = SCHED_BATCH;
    a.runtime_ns = SLICE_NS;
    if (syscall(SYS_sched_setattr, self, &a, 0) != 0) /* a sandbox can't see into it and says no */
        sched_setscheduler(self, SCHED_BATCH, &(struct sched_param){0});
}

bool
schedule_is_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

bool
schedule_give_way(int fd)
{
    if (schedule_is_readable(fd))
        return true;
    sched_yield();
    return schedule_is_readable(fd);
}
