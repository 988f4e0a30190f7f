"""The stores that all systems are measured on: the system tests' private PostgreSQL and Redis on unix
sockets with the settings below, the same for everyone, full durability checked by SHOW."""
import os
import time

import stores  # tests/system

from processes import Failure

WAL_SEGMENTS = 64  # of 16 MB
SETTINGS = {"shared_buffers": "512MB", "max_connections": "100", "min_wal_size": f"{16 * WAL_SEGMENTS}MB",
            "max_wal_size": "4GB", "checkpoint_timeout": "15min"}
# For runs of seconds: autovacuum comes once a minute and charges whoever runs then for the tables of others, too.
# Off for everyone alike; README.md says what is left out by that.
SHORT_RUNS = {"autovacuum": "off"}
PROMISES = ("fsync", "full_page_writes", "synchronous_commit")


class Servers(stores.Stores):
    def __enter__(self):
        super().__enter__()
        wal_recycle(self.postgres)
        return self


def servers(**more):
    """A context manager; both servers run inside it. more: settings besides."""
    return Servers(pg_settings={**SETTINGS, **more})


def wal_recycle(postgres):
    """A server that has run for a while writes into WAL segments it has used before. A fresh one makes each new, 16 MB of
    zeros and a sync, while everyone who commits waits; so all its segments are used once before anything is measured."""
    postgres.query("postgres", "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal()"
                   " FROM generate_series(1, %s)", (WAL_SEGMENTS,))
    postgres.query("postgres", "CHECKPOINT")


def promises_check(postgres):
    for name in PROMISES:
        if postgres.query("postgres", f"SHOW {name}")[0][0] != "on":
            raise Failure(f"PostgreSQL runs with {name} off: no comparison")


def settings_text(postgres):
    names = PROMISES + tuple(SETTINGS) + tuple(SHORT_RUNS)
    return ", ".join(f"{name}={postgres.query('postgres', f'SHOW {name}')[0][0]}" for name in names)


def sync_us(folder):
    """Median time of an 8 KB write with its fdatasync where the stores live."""
    path, times = os.path.join(folder, "sync.probe"), []
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
