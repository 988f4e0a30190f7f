"""The stores that all systems are measured on: the system tests' private PostgreSQL and Redis on unix
sockets with the settings below, the same for everyone, full durability checked by SHOW."""
import os
import time

import stores  # tests/system

from processes import Failure

SETTINGS = {"shared_buffers": "512MB", "max_connections": "100", "max_wal_size": "4GB", "checkpoint_timeout": "15min"}
PROMISES = ("fsync", "full_page_writes", "synchronous_commit")


def servers():
    """A context manager; both servers run inside it."""
    return stores.Stores(pg_settings=SETTINGS)


def promises_check(postgres):
    for name in PROMISES:
        if postgres.query("postgres", f"SHOW {name}")[0][0] != "on":
            raise Failure(f"PostgreSQL runs with {name} off: no comparison")


def settings_text(postgres):
    names = PROMISES + tuple(SETTINGS)
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
