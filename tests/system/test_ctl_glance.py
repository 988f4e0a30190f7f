"""sluicectl at a glance: shape (ages), top (a screen), check (health), against brokers, doubles and a fleet."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest
from ctl_double import Double, reply
from fleet import BIN, STUDY, Fleet
from lone_broker import LoneBroker
from protocol import ACCEPT_NOW, ACCEPTED
from stores import until

AGES = ["<1s", "1-2", "2-4", "4-8", "8-16", "16-32", "32-64", "1m", "2m", "4m", "8m", "17m+"]


def ctl(endpoint, *args, check=True):
    done = subprocess.run([os.path.join(BIN, "sluicectl"), "--set", f"admin_endpoints={endpoint}", *args],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
                          env={**os.environ, "SLUICE_CONFIG": ""})
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


def rows(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def fill(broker, *scopes):
    client = broker.client()
    for scope, n in scopes:
        for first in range(0, n, 2000):
            part = min(2000, n - first)
            client.submit(*[b"x" * 200] * part, flags=ACCEPT_NOW, scope=scope)
            client.await_entries(ACCEPTED, part)
    return client


# --- shape ---

def test_shape_by_study_state_reason():
    with LoneBroker(lease_time="60s", heartbeat_interval="5s") as broker:
        fill(broker, ("ALPHA", 5), ("BETA", 4), ("GAMMA", 3))
        worker = broker.worker()
        worker.pull(messages=4)
        batch = worker.take()
        worker.report(worker.lease, [(batch[0].origin, "dead"), (batch[1].origin, "retry")])
        at = broker.admin_endpoint
        until("a dead letter", 10, lambda: broker.admin().rows("queues")[0]["dead"] == 1)

        total, *studies = rows(ctl(at, "shape", "submissions", "--json"))
        assert total["type"] == "total" and total["n"] == 12 == sum(total["ages"]) and len(total["ages"]) == len(AGES)
        assert [(s["name"], s["n"]) for s in studies] == [("ALPHA", 5), ("BETA", 4), ("GAMMA", 3)]
        assert studies[0]["states"]["dead"] == 1, studies
        assert total["oldest_us"] == max(s["oldest_us"] for s in studies) > 0

        _, *states = rows(ctl(at, "shape", "submissions", "--by", "state", "--json"))
        assert {s["name"]: s["n"] for s in states}["dead"] == 1 and sum(s["n"] for s in states) == 12
        _, *reasons = rows(ctl(at, "shape", "submissions", "--by", "reason", "--json"))
        by_reason = {s["name"]: s["n"] for s in reasons}
        again = by_reason.pop("retried later", 0) + by_reason.pop("tried before", 0)  # its delay is short
        assert again == 1 and by_reason == {"reported dead": 1, "first attempt": 10}

        head, all_line, *lines = ctl(at, "shape", "submissions").stdout.splitlines()
        titles = re.split(r"  +", head.strip())
        assert titles[:3] == ["study", "T", "oldest"] and titles[-12:] == AGES and "dead" in titles
        assert all_line.split()[:2] == ["TOTAL", "12"] and lines[0].split()[:2] == ["ALPHA", "5"]
        limited = rows(ctl(at, "shape", "submissions", "--limit", "1", "--json"))
        assert [r["type"] for r in limited] == ["total", "group", "others"] and limited[2]["n"] == 7

        assert ctl(at, "shape", "nothing", check=False).returncode == 1
        assert ctl(at, "shape", "submissions", "--by", "colour", check=False).returncode == 64
        assert ctl(at, "shape", "notifications", "--by", "form", check=False).returncode == 64


def test_shape_doubles_and_sums_over_brokers(tmp_path):
    """Two brokers of other ages, one answering in steps: every bucket is where its age belongs."""
    def one(verb, header):
        step = header["after"]
        row = {"name": "S", "state": "ready", "oldest_us": 3_000_000 + step, "ages": [0] * 12}
        row["ages"][2 + step] = 7
        return reply(header, [row], more=step == 0, next=1)

    def two(verb, header):
        row = {"name": "T\x1b[2J", "state": "dead", "oldest_us": 10**10, "ages": [0] * 11 + [2]}
        return reply(header, [row])

    def broken(verb, header):
        return reply(header, [{"name": "S", "state": "ready", "oldest_us": 0, "ages": [1]}])

    with Double(tmp_path / "a", one) as a, Double(tmp_path / "b", two) as b:
        total, s, t = rows(ctl(f"{a.endpoint} {b.endpoint}", "shape", "submissions", "--json"))
        assert total["ages"] == [0, 0, 7, 7, 0, 0, 0, 0, 0, 0, 0, 2] and total["oldest_us"] == 10**10
        assert (s["n"], s["oldest_us"], t["states"]) == (14, 3_000_001, {"dead": 2})
        text = ctl(f"{a.endpoint} {b.endpoint}", "shape", "submissions").stdout
        assert "\x1b" not in text and re.search(r"17m\+\n", text)
    with Double(tmp_path / "c", broken) as c:
        assert ctl(c.endpoint, "shape", "submissions", check=False).returncode == 69


def test_shape_is_bounded_by_groups():
    """More studies than an answer holds: the step ends there, and the next goes on."""
    with LoneBroker(heartbeat_interval="5s") as broker:
        client, n = broker.client(), 2500
        for first in range(0, n, 500):
            client.submit_records(*[client.make(scope=f"STUDY-{i:05}", flags=ACCEPT_NOW)
                                    for i in range(first, first + 500)])
            client.await_entries(ACCEPTED, 500)
        _, first, header = broker.admin().ask("shape", service="submissions", by="study")
        assert 0 < len(first) <= 1000 and header["more"] is True and header["next"] >= len(first)
        found = rows(ctl(broker.admin_endpoint, "shape", "submissions", "--limit", "5000", "--json"))
        assert found[0]["n"] == n and len({r["name"] for r in found[1:]}) == n


def test_shape_of_a_backlog_in_steps():
    """Steps stay short however much waits; between two of them the broker goes on taking in."""
    n = 60000
    with LoneBroker(journal_max_bytes="256MiB", heartbeat_interval="5s") as broker:
        fill(broker, ("ONE", n // 2), ("TWO", n // 2))
        admin, client = broker.admin(), broker.client()
        counted, after, times, steps = 0, 0, [], 0
        while True:
            begun = time.monotonic()
            status, found, header = admin.ask("shape", service="submissions", by="study", after=after)
            times.append(time.monotonic() - begun)
            assert status == "ok"
            counted += sum(sum(row["ages"]) for row in found)
            steps += 1
            if steps == 3:
                client.submit(b"x", flags=ACCEPT_NOW)
                client.await_entries(ACCEPTED, 1)
            if not header["more"]:
                break
            assert header["next"] > after
            after = header["next"]
        assert n <= counted <= n + 1 and steps > 3
        assert sorted(times)[len(times) // 2] < 0.1, times
        status, found, header = admin.ask("shape", service="submissions", by="state")
        assert sum(sum(row["ages"]) for row in found) == 16384 == header["next"] and header["more"] is True
        assert rows(ctl(broker.admin_endpoint, "shape", "submissions", "--json"))[0]["n"] == n + 1


# --- top ---

class Screen:
    """sluicectl top on a terminal of its own, 80 columns wide, `lines` high."""

    def __init__(self, endpoint, *args, lines=40):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.popen = subprocess.Popen([os.path.join(BIN, "sluicectl"), "--set", f"admin_endpoints={endpoint}",
                                       "--set", "ctl/redis=", "--set", "ctl/postgres=host=/nowhere", "top", *args],
                                      stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                      env={**os.environ, "SLUICE_CONFIG": ""})
        self.seen = b""

    def read_until(self, text, count=1, timeout_s=20):
        end = time.monotonic() + timeout_s
        while self.seen.count(text) < count:
            assert select.select([self.master], [], [], end - time.monotonic())[0], self.seen
            self.seen += os.read(self.master, 65536)

    def ended(self):
        code = self.popen.wait(20)
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.mark.parametrize("ending", ["q", "interrupt"])
def test_top_refreshes_until_told_and_gives_the_terminal_back(ending):
    with LoneBroker() as broker:
        fill(broker, ("ONE", 10))
        with Screen(broker.admin_endpoint, "--interval", "300ms") as top:
            begun = time.monotonic()
            top.read_until(b"\x1b[H", 4)
            assert time.monotonic() - begun > 0.8  # three intervals lie between four looks
            top.read_until(b"accepted/s")
            if ending == "q":
                os.write(top.master, b"xq")
            else:
                os.kill(top.popen.pid, signal.SIGINT)
            assert top.ended() == 0
            assert top.seen.startswith(b"\x1b[?1049h") and top.seen.endswith(b"\x1b[?1049l")
            assert b"submissions" in top.seen and b"PostgreSQL away" in top.seen and b"Redis unused" in top.seen
            assert termios.tcgetattr(top.slave)[3] == top.before[3]


def test_top_fits_a_small_window():
    with LoneBroker() as broker:
        with Screen(broker.admin_endpoint, "--interval", "300ms", lines=4) as top:
            top.read_until(b"\x1b[J", 2)
            frame = top.seen.split(b"\x1b[H")[1].split(b"\x1b[J")[0]
            assert frame.count(b"\r\n") == 3
            os.write(top.master, b"q")
            assert top.ended() == 0


def test_top_once_and_rates():
    with LoneBroker() as broker:
        fill(broker, ("ONE", 10))
        aside = ["--set", "ctl/redis=", "--set", "ctl/postgres=host=/nowhere"]
        (look,) = rows(ctl(broker.admin_endpoint, *aside, "top", "--once", "--json"))
        (queue,) = look["queues"]
        assert queue["ready"] == 10 and queue["accepted_per_s"] is None and look["brokers"][0]["reachable"] is True
        assert look["postgres"]["state"] == "away" and look["alerts"] is None and look["redis"]["state"] == "unused"
        ask = subprocess.Popen([os.path.join(BIN, "sluicectl"), "--set", f"admin_endpoints={broker.admin_endpoint}",
                                *aside, "top", "--once", "--json", "--interval", "3s"], stdout=subprocess.PIPE,
                               env={**os.environ, "SLUICE_CONFIG": ""})
        client = broker.client()
        while ask.poll() is None:
            client.submit(b"x", flags=ACCEPT_NOW)
            client.await_entries(ACCEPTED, 1)
        assert json.loads(ask.stdout.read())["queues"][0]["accepted_per_s"] > 0
        text = ctl(broker.admin_endpoint, *aside, "top").stdout  # no terminal: one look
        assert text.startswith("sluice ") and "\x1b" not in text and "open alerts unknown" in text
        assert ctl(broker.admin_endpoint, "top", "--interval", "10ms", check=False).returncode == 64
    gone = ctl(broker.admin_endpoint, *aside, "top", "--timeout", "200ms", check=False)
    assert gone.returncode == 69 and "no answer" in gone.stdout


# --- check ---

METRIC = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-z]+="(?:[^"\\]|\\["\\n])*",?)*)\} (-?[0-9.]+)$')
LABEL = re.compile(r'([a-z]+)="((?:[^"\\]|\\["\\n])*)"')


def prometheus(text):
    """The text format, read strictly: HELP and TYPE once before a family's samples, no sample twice."""
    found, typed, family = {}, set(), None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in typed and len(line.split()) > 3, line
        elif line.startswith("# TYPE "):
            assert line.split()[2:] == [family, "gauge"]
            typed.add(family)
        else:
            name, labels, value = METRIC.match(line).groups()
            assert name == family and name in typed, line
            key = (name, tuple(sorted(LABEL.findall(labels))))
            assert key not in found, line
            found[key] = float(value)
    assert text.endswith("\n") and found
    return found


def check(fleet, *args):
    done = fleet.ctl("check", *args, "--json", check=False)
    return done.returncode, {(r["check"], r["object"]): r for r in rows(done)}


CALM = ["--canary-age", "0"]


@pytest.fixture(scope="module")
def fleet(stores):
    with Fleet(stores, workers=1, queries=1, notifications=1) as f:
        yield f


def test_check_all_well(fleet):
    assert fleet.post().status == 201
    until("workers of all services", 20, lambda: len(fleet.ctl_json("workers")) == 3)
    code, found = check(fleet, *CALM)
    assert code == 0, found
    assert {name for name, _ in found} == {"broker", "intake", "damage", "queue-age", "dead-letters", "workers",
                                           "postgres", "schema", "redis", "cache-stale", "audit-anchors", "held",
                                           "urgent-alerts"}
    assert found["workers", "submissions"]["value"] == 1 and found["schema", ""]["value"] >= 4
    text = fleet.ctl("check", *CALM).stdout
    assert text.startswith("status  check") and re.search(r"\nok: \d+ ok\n$", text)
    plugin = fleet.ctl("check", "--format", "nagios", *CALM).stdout
    assert re.match(r"SLUICE OK - \d+ ok \| '", plugin) and "'queue-age submissions'=" in plugin
    page = prometheus(fleet.ctl("check", "--format", "prometheus", *CALM).stdout)
    assert page["sluice_check_workers", (("object", "queries"),)] == 1
    assert all(value == 0 for (name, _), value in page.items() if name == "sluice_check_status")
    assert fleet.ctl("check", "--format", "xml", check=False).returncode == 64


def test_check_names_what_is_wrong(fleet):
    def status(key, *args):
        code, found = check(fleet, *CALM, *args)
        assert (code == 0) == all(r["status"] == "ok" for r in found.values()), found
        return found[key]["status"]

    assert check(fleet)[1]["canary", ""]["status"] == "critical"  # none ever arrived
    assert status(("workers", "nobody"), "--services", "submissions,nobody") == "critical"
    held = fleet.post(subject="UNKNOWN1")
    assert held.status in (202, 422)
    until("it to be held", 10, lambda: fleet.query("select count(*) from sluice.rejections where kind = 'held'")[0][0] == 1)
    assert status(("held", "")) == "warning" and status(("held", ""), "--held", "1") == "ok"
    shape = rows(fleet.ctl("shape", "submissions", "--by", "form", "--json"))
    assert shape[0]["states"] == {"held": 1} and shape[1]["name"].startswith("daily-diary")
    assert rows(fleet.ctl("shape", "submissions", "--by", "error", "--json"))[1]["n"] == 1
    fleet.query("insert into sluice.cache_stale (since) values (now() - interval '1 minute') returning 1")
    code, found = check(fleet, *CALM)
    if found["cache-stale", ""]["status"] != "ok":  # a worker may have caught up already
        assert found["cache-stale", ""]["status"] == "warning" and found["cache-stale", ""]["value"] > 59
    fleet.query("delete from sluice.rejections where kind = 'held' returning 1")


def test_check_urgent_alerts_and_canary(fleet):
    def alert(kind, state, severity, age, study=STUDY):
        fleet.query("insert into sluice.alerts (alert_id, seq, study, subject_id, rule_id, severity, state, kind, raised_at)"
                    f" values (gen_random_uuid(), 1, '{study}', 'S-{severity}-{age}', 'r', '{severity}', '{state}', '{kind}',"
                    f" now() - interval '{age}') returning 1")

    alert("clinical", "open", "urgent", "10 minutes")
    assert check(fleet, *CALM)[1]["urgent-alerts", ""]["status"] == "ok"
    code, found = check(fleet, *CALM, "--urgent-age", "5min")
    assert (code, found["urgent-alerts", ""]["status"], found["urgent-alerts", ""]["value"]) == (1, "critical", 1)
    alert("canary", "closed", "info", "4 minutes", study="-")
    late = check(fleet)[1]["canary", ""]
    assert late["status"] == "critical" and 239 < late["value"] < 300
    assert check(fleet, "--canary-age", "10min")[1]["canary", ""]["status"] == "ok"
    look = fleet.ctl_json("top", "--once")[0]
    assert look["alerts"]["open"] == look["alerts"]["urgent"] == 1 and look["postgres"]["state"] == "reachable"
    assert look["redis"]["state"] == "reachable" and 0 <= sum(q["busy"] for q in look["queues"]) <= 3
    plugin = fleet.ctl("check", "--urgent-age", "5min", *CALM, "--format", "nagios", check=False)
    assert plugin.returncode == 2 and plugin.stdout.startswith("SLUICE CRITICAL - 1 critical")
    fleet.query("update sluice.alerts set state = 'closed' returning 1")


def test_check_audit_anchors(fleet, tmp_path):
    book = tmp_path / "book"
    chain = {"writer": "00000000-0000-4000-8000-00000000abcd", "batch": 3, "number": 5, "head": "00" * 32}
    book.write_text(json.dumps(chain) + "\n")
    lost = check(fleet, *CALM, str(book))[1]["audit-anchors", ""]
    assert lost["status"] == "critical" and chain["writer"] in lost["text"]
    (writer, number), = fleet.query("select writer::text, min(number) from sluice.audit_events group by 1 limit 1")
    book.write_text(json.dumps({**chain, "writer": writer, "batch": 1, "number": number - 1}) + "\n")
    assert check(fleet, *CALM, str(book))[1]["audit-anchors", ""]["status"] == "ok"
    old = check(fleet, *CALM, "--anchor-age", "1ms", str(book))[1]["audit-anchors", ""]
    assert old["status"] == "warning" and old["value"] > 0
    assert check(fleet, *CALM, str(tmp_path / "none"))[1]["audit-anchors", ""]["status"] == "unknown"


def test_check_when_nothing_answers(tmp_path):
    def run(*args):
        return ctl(f"ipc://{tmp_path}/nobody", "--set", "ctl/postgres=host=/nowhere", "--set",
                   f"ctl/redis=unix:{tmp_path}/redis", "--set", f"ctl/journal_dir={tmp_path}/j", "check", "--timeout",
                   "200ms", *args, check=False)

    found = {r["check"]: r["status"] for r in rows(run("--json"))}
    assert found["broker"] == found["postgres"] == "critical" and found["redis"] == "warning"
    assert found["held"] == found["urgent-alerts"] == found["schema"] == "unknown"
    plugin = run("--format", "nagios")
    assert plugin.returncode == 2 and "SLUICE CRITICAL" in plugin.stdout
    assert run().returncode == run("--format", "prometheus").returncode == 1
    prometheus(run("--format", "prometheus").stdout)


def test_check_queues_and_dead_letters():
    with LoneBroker(heartbeat_interval="5s") as broker:
        fill(broker, ("ONE", 3))
        worker = broker.worker()
        worker.pull(messages=1)
        batch = worker.take()
        worker.report(worker.lease, [(r.origin, "dead") for r in batch])
        until("a dead letter", 10, lambda: broker.admin().rows("queues")[0]["dead"] == 1)
        done = ctl(broker.admin_endpoint, "--set", "ctl/postgres=host=/nowhere", "--set", "ctl/redis=", "check", "--json",
                   "--age-warning", "1ms", "--services", "submissions", check=False)
        found = {r["check"]: r for r in rows(done)}
        assert found["dead-letters"]["status"] == "critical" and found["dead-letters"]["value"] == 1
        assert found["queue-age"]["status"] == "warning" and found["workers"]["status"] == "ok"
        assert "redis" not in found
        broker.admin().ask("pause", service="submissions")
        done = ctl(broker.admin_endpoint, "--set", "ctl/postgres=host=/nowhere", "--set", "ctl/redis=", "check", check=False)
        assert "; paused" in done.stdout
