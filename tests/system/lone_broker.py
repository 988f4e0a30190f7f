"""A broker of its own for one test: ipc sockets and journal in a short temporary folder."""

import os
import shutil
import tempfile

from fleet import BIN, Process
from protocol import Admin, Client, Worker


class LoneBroker(Process):
    """Started with short times, so that tests of silence and leases are short too."""

    SETTINGS = {"heartbeat_interval": "200ms", "lease_time": "1s", "segment_bytes": "4MiB",
                "journal_max_bytes": "64MiB", "max_record_bytes": "256KiB"}

    def __init__(self, wrap=(), **settings):
        self.dir = tempfile.mkdtemp(prefix="sb-", dir="/tmp")
        self.client_endpoint, self.worker_endpoint, self.admin_endpoint = (
            f"ipc://{self.dir}/{name}" for name in ("c", "w", "a"))
        self.journal = os.path.join(self.dir, "journal")
        values = {**self.SETTINGS, "client_endpoint": self.client_endpoint,
                  "worker_endpoint": self.worker_endpoint, "admin_endpoint": self.admin_endpoint,
                  "journal_dir": self.journal, **settings}
        argv = [os.path.join(BIN, "sluice-broker")]
        for key, value in values.items():
            argv += ["--set", f"{key}={value}"]
        # For sanitizer builds: freed memory must not look like growth, and no leaks are found under strace.
        env = {"ASAN_OPTIONS": f"quarantine_size_mb=1:detect_leaks={0 if wrap else 1}"}
        super().__init__("broker", argv, self.dir, env=env, wrap=wrap)
        self.peers = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for peer in self.peers:
            peer.close()
        if self.alive():
            self.popen.kill()
            self.popen.wait()
        shutil.rmtree(self.dir)

    def _keep(self, peer):
        self.peers.append(peer)
        return peer

    def client(self, **how):
        return self._keep(Client(self.client_endpoint, **how))

    def worker(self, *how, **more):
        return self._keep(Worker(self.worker_endpoint, *how, **more))

    def admin(self):
        return self._keep(Admin(self.admin_endpoint))

    def crash(self):
        """kill -9, and the same broker again over the same journal."""
        self.popen.kill()
        self.popen.wait()
        self.start()

    def balance(self):
        """The ledger's equation (invariants 11) must hold at any time."""
        row = self.admin().rows("ledger")[0]
        counted = sum(row[k] for k in ("stored", "duplicate", "conflict", "rejected", "held", "dead",
                                       "discarded", "damaged"))
        assert row["accepted"] == counted + row["live"], row
        return row
