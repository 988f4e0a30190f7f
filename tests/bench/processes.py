"""Waiting for a child's end, and reading from /proc what processes cost. A group is a set of root processes with
all their descendants; children that have exited are in their parents' cutime and cstime."""
import os
import select

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
UTIME, CSTIME, RSS, PARENT = 11, 14, 21, 1  # places in /proc/PID/stat counted from the field after the name


class Failure(Exception):
    """Something that ends the comparison with a message."""


def stat_of(pid):
    """The fields of /proc/PID/stat after the name, or None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def family(roots):
    """The fields of stat of the roots and of all their descendants."""
    stats, children = {}, {}
    for name in os.listdir("/proc"):
        fields = stat_of(name) if name.isdigit() else None
        if fields:
            stats[int(name)] = fields
            children.setdefault(int(fields[PARENT]), []).append(int(name))
    members, todo = {}, list(roots)
    while todo:
        pid = todo.pop()
        if pid in stats and pid not in members:
            members[pid] = stats[pid]
            todo.extend(children.get(pid, []))
    return members.values()


def cpu_seconds(roots):
    return sum(sum(map(int, fields[UTIME:CSTIME + 1])) for fields in family(roots)) / TICKS


def rss_mb(roots):
    return sum(int(fields[RSS]) for fields in family(roots)) * PAGE_BYTES / 1e6


def ended(process, seconds):
    """Waits for the end of a child that has not been waited for; False when the seconds are over first."""
    fd = os.pidfd_open(process.pid)
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def stop(process):
    """SIGTERM, and a kill when that takes longer than ten seconds."""
    if process.poll() is None:
        process.terminate()
        if not ended(process, 10):
            process.kill()
        process.wait()
