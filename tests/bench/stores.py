"""A private PostgreSQL and a private Redis on unix sockets, with the same settings for every system:
full durability in PostgreSQL (checked by SHOW), Redis with its append-only file synced every second."""
import glob
import os
import shutil
import signal
import subprocess
import time

from processes import Failure, as_user, run, start, stop, until

POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}
PROMISES = ("fsync", "full_page_writes", "synchronous_commit")
REDIS_SETTINGS = {"port": "0", "appendonly": "yes", "appendfsync": "everysec", "save": ""}


class Stores:
    """Lives in a folder of its own under work_dir; stop() ends both servers."""

    def __init__(self, work_dir):
        self.dir = os.path.join(work_dir, "stores")
        self.user = "postgres" if os.geteuid() == 0 else None
        self.redis_socket = os.path.join(self.dir, "redis.sock")
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"), default=None,
                       key=lambda path: int(path.split("/")[4]))
        self.postgres = self.redis = None
        if not self.bin:
            raise Failure("no PostgreSQL under /usr/lib/postgresql")

    def start(self):
        os.mkdir(self.dir)
        if self.user:
            shutil.chown(self.dir, self.user)
        data = os.path.join(self.dir, "postgres")
        run(as_user(self.user, [f"{self.bin}/initdb", "-D", data, "-U", "bench", "-A", "trust",
                                "-E", "UTF8", "--locale=C"]), cwd=self.dir)
        options = [f"-c{name}={value}" for name, value in POSTGRES_SETTINGS.items()]
        self.postgres = start(as_user(self.user, [f"{self.bin}/postgres", "-D", data, "-k", self.dir] + options),
                              os.path.join(self.dir, "postgres.log"), cwd=self.dir)
        until("PostgreSQL", self._postgres_answers, self.postgres)
        for name in PROMISES:
            if self.sql("postgres", f"SHOW {name}") != "on":
                raise Failure(f"PostgreSQL runs with {name} off")
        options = [word for name, value in REDIS_SETTINGS.items() for word in (f"--{name}", value)]
        self.redis = start(as_user(self.user, ["redis-server", "--unixsocket", self.redis_socket,
                                               "--unixsocketperm", "777", "--dir", self.dir] + options),
                           os.path.join(self.dir, "redis.log"), cwd=self.dir)
        until("Redis", lambda: os.path.exists(self.redis_socket) and self.cache("PING") == "PONG", self.redis)

    def stop(self):
        if self.redis:
            stop(self.redis)
        if self.postgres:
            stop(self.postgres, signal.SIGINT)

    def _postgres_answers(self):
        return subprocess.run([f"{self.bin}/pg_isready", "-q", "-h", self.dir, "-U", "bench"],
                              check=False).returncode == 0

    def sql(self, database, text, **variables):
        """Runs SQL by psql and returns its unaligned output; variables are psql's :'name'."""
        sets = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
        return run(["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", "bench",
                    "-d", database] + sets, input=text).strip()

    def cache(self, *words):
        return run(["redis-cli", "-s", self.redis_socket, *words]).strip()

    def dsn(self, database):
        return f"host={self.dir} user=bench dbname={database}"

    def sync_us(self):
        """Median time of an 8 KB write with fdatasync where the stores live."""
        path, times = os.path.join(self.dir, "sync.probe"), []
        fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            for n in range(200):
                begin = time.perf_counter()
                os.pwrite(fd, b"x" * 8192, n % 16 * 8192)
                os.fdatasync(fd)
                times.append(time.perf_counter() - begin)
        finally:
            os.close(fd)
            os.unlink(path)
        return sorted(times)[len(times) // 2] * 1e6
