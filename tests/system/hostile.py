"""What the tests of hostile input share: a fleet that is watched while it is attacked.

`Watched` is a Fleet with short deadlines. `attack()` surrounds what a test sends: while it goes on, a
well-behaved client posts over connections of its own and must be served each time; afterwards every process
is the same and alive, and rows and ledger hold exactly what the good client and the caller say they must. At
the end the fleet is drained: every program must exit 0, no log may hold a sanitizer's report, and MARK, which
is in whatever the tests send, may stand in no log and nowhere in the journal.
"""
import contextlib
import fcntl
import glob
import os
import re
import secrets
import socket
import threading
import time
import uuid

from fleet import BIN, Fleet
from protocol import Admin
from stores import until

MARK = "zqmark" + secrets.token_hex(6)
REPORTS = re.compile(rb"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|assertion|Assertion")
COUNTED = ("stored", "duplicate", "conflict", "rejected", "held", "dead", "discarded", "damaged", "live")
with open(os.path.join(BIN, "sluice-edge"), "rb") as _f:
    SANITIZED = b"__asan_init" in _f.read()
SLOWER = 4 if SANITIZED else 1


class GoodClient(threading.Thread):
    """Posts new submissions one after the other, each over a new connection; all must become 201."""

    def __init__(self, fleet):
        super().__init__(daemon=True)
        self.fleet, self.ended, self.first = fleet, threading.Event(), threading.Event()
        self.stored, self.wrong, self.longest_s = 0, [], 0.0

    def run(self):
        while not self.ended.is_set():
            self.post()
            self.first.set()
            self.ended.wait(0.02)

    def post(self):
        began = time.monotonic()
        try:
            answer = self.fleet.post(headers={"Prefer": "wait=10"})
        except OSError as error:
            self.wrong.append(repr(error))
            return
        self.longest_s = max(self.longest_s, time.monotonic() - began)
        if answer.status == 201:
            self.stored += 1
        else:
            self.wrong.append((answer.status, answer.body))


class Watched(Fleet):
    def __init__(self, stores, settings=None, **how):
        settings = settings or {}
        edge = {"request_deadline": "1s", "idle_timeout": "3s", "max_body_bytes": "64KiB",
                **settings.get("edge", {})}
        broker = {"max_record_bytes": "256KiB", **settings.get("broker", {})}
        super().__init__(stores, settings={**settings, "edge": edge, "broker": broker}, **how)

    def __exit__(self, *failure):
        try:
            if failure[:1] == (None,):
                self.drain()
        finally:
            super().__exit__(*failure)

    def drain(self):
        """Ends every program in good order and looks at what each left behind."""
        order = {"edge": 0, "worker": 1, "queries": 2, "notifications": 2, "broker": 3}
        for name in sorted(self.processes, key=lambda name: order[name.rstrip("0123456789")]):
            if self[name].alive():
                code = self[name].terminate(30)
                assert code == 0, f"{name}: exit {code}\n{self[name].tail(6000)}"
        self.search()

    def search(self):
        for path in glob.glob(self.path("*.log")) + glob.glob(self.path("journal/*")):
            with open(path, "rb") as f:
                data = f.read()
            found = REPORTS.search(data) if path.endswith(".log") else None
            assert not found, f"{path}:\n{data[found.start():][:6000].decode(errors='replace')}"
            assert MARK.encode() not in data, f"{path} holds what was submitted"

    def books(self):
        """Rows and ledger, as one dict of counts."""
        admin = Admin(self.endpoint("a"))
        try:
            ledger = admin.rows("ledger")[0]
        finally:
            admin.close()
        rows = {f"{table} rows": self.count(table) for table in ("submissions", "rejections")}
        return {**rows, "accepted": ledger["accepted"], **{k: ledger[k] for k in COUNTED}}

    @contextlib.contextmanager
    def attack(self):
        """with fleet.attack() as more: …; more["stored"] += 1 and the like for what must change."""
        before, pids = self.books(), {name: p.pid for name, p in self.processes.items()}
        good, more = GoodClient(self), dict.fromkeys(COUNTED, 0)
        good.start()
        try:
            assert good.first.wait(30)
            yield more
        finally:
            good.ended.set()
            good.join()
        good.post()  # once more, after all that
        assert not good.wrong and good.stored >= 2, good.wrong[:5]
        assert {name: p.pid for name, p in self.processes.items() if p.alive()} == pids, self.ends()
        more["stored"] += good.stored
        refused = more["rejected"] + more["held"] + more["conflict"]
        expected = {**before, "accepted": before["accepted"] + sum(more.values()),
                    "submissions rows": before["submissions rows"] + more["stored"],
                    "rejections rows": before["rejections rows"] + refused}
        expected.update((k, before[k] + n) for k, n in more.items())
        until_equal(self.books, expected)

    def ends(self):
        """What the processes that ended have left to say."""
        ended = [(name, p) for name, p in self.processes.items() if not p.alive()]
        return "\n".join(f"{name}: exit {p.popen.poll()}\n{p.tail(4000)}" for name, p in ended)


def until_equal(read, expected, deadline_s=10):
    """Fails with the difference when what is read does not become what is expected."""
    last = {}

    def same():
        last.update(read())
        return last == expected

    try:
        until("the books to be as expected", deadline_s, same)
    except TimeoutError as error:
        assert last == expected, error


def statuses(data):
    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


def raw(fleet, data, deadline_s=8, end=False):
    """Sends bytes, reads until the other side closes. None: it neither closed nor went on in time.
    end: says after the last byte that no more comes."""
    got = b""
    with socket.create_connection(("127.0.0.1", fleet.port), timeout=deadline_s * SLOWER) as s:
        try:
            s.sendall(data)
            if end:
                s.shutdown(socket.SHUT_WR)
            while piece := s.recv(65536):
                got += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
        except TimeoutError:
            return None
    return got


def high_descriptor(s):
    """The same socket at a descriptor past 4096: psycopg waits by select(), which takes 1024."""
    with s:
        high = socket.socket(fileno=fcntl.fcntl(s.fileno(), fcntl.F_DUPFD_CLOEXEC, 4096))
    high.settimeout(30)
    return high


def new_key():
    return str(uuid.uuid4())
