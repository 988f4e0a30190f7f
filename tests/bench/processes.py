"""Starting processes and reading what they cost from /proc. A group is a set of root processes with all
their descendants; children that have exited are in their parents' cutime and cstime."""
import os
import signal
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


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
    """{pid: fields of stat} of the roots and all their descendants."""
    stats, children = {}, {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = stat_of(name)
            if fields:
                stats[int(name)] = fields
                children.setdefault(int(fields[1]), []).append(int(name))
    members, todo = {}, list(roots)
    while todo:
        pid = todo.pop()
        if pid in stats and pid not in members:
            members[pid] = stats[pid]
            todo.extend(children.get(pid, []))
    return members


def cpu_seconds(roots):
    """utime + stime + cutime + cstime of the whole group."""
    return sum(sum(int(x) for x in fields[11:15]) for fields in family(roots).values()) / TICKS


def rss_mb(roots):
    return sum(int(fields[21]) for fields in family(roots).values()) * PAGE / 1e6


def as_user(user, command):
    """The command run as another user when we are root, else as we are."""
    if os.geteuid() != 0 or not user:
        return command
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--"] + command


def start(command, log_path, env=None, cwd=None):
    """Starts a server with its output in log_path; the caller ends it with stop()."""
    with open(log_path, "ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cwd,
                                env={**os.environ, **(env or {})}, start_new_session=True)


def stop(process, how=signal.SIGTERM, seconds=10):
    """Ends a process that start() began and waits for it."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(what, ready, process=None, seconds=20.0):
    """Polls ready() to a deadline; fails at once when the process behind it has ended."""
    deadline = time.monotonic() + seconds
    while not ready():
        if process is not None and process.poll() is not None:
            raise Failure(f"{what}: the process ended with status {process.returncode}")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not ready after {seconds:.0f} s")
        time.sleep(0.02)


def run(command, **options):
    """Runs a command to its end; a failure shows its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
