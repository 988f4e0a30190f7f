"""A private PostgreSQL and Redis on unix sockets, as an unprivileged user, with full durability.

One pair serves a whole test session; every fleet gets a database and a Redis of its own. `kill` is a
real kill -9; `start` after it recovers. Nothing here waits by sleeping: PostgreSQL's and Redis' own
readiness is polled to a deadline.
"""
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import psycopg
import redis

PG_BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]


def unprivileged():
    """The command prefix and uid that run a server without root's rights (initdb refuses root)."""
    if os.getuid() != 0:
        return [], os.getuid()
    user = pwd.getpwnam(os.environ.get("SLUICE_TEST_USER", "nobody"))
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"], user.pw_uid


def until(what, deadline_s, probe, *args):
    """Polls probe until it returns something true; says what it waited for when it gives up."""
    end = time.monotonic() + deadline_s
    last = None
    while time.monotonic() < end:
        try:
            result = probe(*args)
            if result:
                return result
        except Exception as error:  # the last one is shown below
            last = error
        select_pause(0.01)
    raise TimeoutError(f"waited {deadline_s} s for {what}" + (f"; last: {last!r}" if last else ""))


def select_pause(seconds):
    """The pause between two probes of something that sends no event."""
    import select

    select.select([], [], [], seconds)


class Postgres:
    def __init__(self, folder, settings=None):
        self.folder = folder
        self.data = os.path.join(folder, "pg")
        self.port = "5432"
        self.user = "sluice"
        self.prefix, uid = unprivileged()
        self.settings = {
            "unix_socket_directories": f"'{folder}'",
            "listen_addresses": "''",
            "shared_buffers": "128MB",
            "max_connections": "60",
            "max_wal_size": "1GB",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            **(settings or {}),
        }
        os.chown(folder, uid, -1)
        self._run("initdb", "-D", self.data, "-U", self.user, "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.writelines(f"{k}={v}\n" for k, v in self.settings.items())

    def _run(self, program, *args):
        subprocess.run(self.prefix + [os.path.join(PG_BIN, program), *args], check=True, cwd=self.folder,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "HOME": self.folder})

    def start(self):
        def attempt():
            self._run("pg_ctl", "-w", "-s", "-D", self.data, "-l", os.path.join(self.folder, "pg.log"), "start")
            return True

        until("PostgreSQL to start", 30, attempt)
        return self

    @property
    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid")) as f:
            return int(f.readline())

    def kill(self):
        """kill -9 of the postmaster; its children notice and end by themselves."""
        os.kill(self.pid, signal.SIGKILL)

    def stop(self, mode="immediate"):
        try:
            self._run("pg_ctl", "-s", "-D", self.data, "-m", mode, "stop")
        except subprocess.CalledProcessError:
            pass

    def dsn(self, database="postgres", user=None):
        return f"host={self.folder} port={self.port} user={user or self.user} dbname={database}"

    def query(self, database, sql, params=None):
        with psycopg.connect(self.dsn(database), autocommit=True) as c:
            cursor = c.execute(sql, params)
            return cursor.fetchall() if cursor.description else None

    def create_database(self, name):
        self.query("postgres", f'create database "{name}"')


class Redis:
    def __init__(self, folder, name="redis"):
        self.folder = folder
        self.socket = os.path.join(folder, f"{name}.sock")
        self.log = os.path.join(folder, f"{name}.log")
        self.appenddir = f"{name}-aof"
        self.prefix, _ = unprivileged()
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            self.prefix + ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.folder,
                           "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
                           "--appenddirname", self.appenddir, "--logfile", self.log],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until("Redis to answer", 15, lambda: self.client().ping())
        return self

    @property
    def pid(self):
        return self.process.pid

    def client(self):
        return redis.Redis(unix_socket_path=self.socket, decode_responses=True)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Stores:
    """PostgreSQL and Redis in one temporary folder; a context manager."""

    def __init__(self, pg_settings=None):
        self.folder = tempfile.mkdtemp(prefix="slst-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        self.postgres = Postgres(self.folder, pg_settings)
        self.redis = Redis(self.folder)

    def __enter__(self):
        self.postgres.start()
        self.redis.start()
        return self

    def __exit__(self, *_):
        self.redis.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
