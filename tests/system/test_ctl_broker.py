"""sluicectl beside a lone broker, or a broker's double: dead letters, and answers that are none."""
import itertools
import os
import subprocess
import uuid

import msgpack
import pytest
from ctl_double import Double, reply
from fleet import BIN
from lone_broker import LoneBroker
from protocol import ACCEPT_NOW, ACCEPTED


def ctl(endpoint, *args, check=True):
    done = subprocess.run([os.path.join(BIN, "sluicectl"), "--set", f"admin_endpoints={endpoint}", *args],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=30,
                          env={**os.environ, "SLUICE_CONFIG": ""})
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def letters(broker, n):
    """n dead letters; their origins as EPOCH-SEQ."""
    client, worker = broker.client(), broker.worker()
    client.submit(*[b"x"] * n, flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, n)
    worker.pull(messages=n)
    batch = worker.take()
    assert len(batch) == n
    worker.report(worker.lease, [(r.origin, "dead") for r in batch])
    return [f"{r.origin[0]}-{r.origin[1]}" for r in batch]


def test_dead_letters(broker):
    one, two, three = letters(broker, 3)
    at = broker.admin_endpoint
    listed = ctl(at, "dead", "list")
    assert len(listed.stdout.splitlines()) == 4 and "reported dead" in listed.stdout
    assert len(ctl(at, "dead", "list", "--limit", "2", "--json").stdout.splitlines()) == 2
    assert "state    dead" in ctl(at, "dead", "show", two).stdout
    missing = ctl(at, "dead", "show", "1-999", check=False)
    assert missing.returncode == 1 and "1-999" in missing.stderr
    assert ctl(at, "dead", "show", "nonsense", check=False).returncode == 64

    assert ctl(at, "dead", "requeue", one, check=False).returncode == 64
    assert "would requeue 1 dead letter" in ctl(at, "dead", "requeue", one, "--dry-run").stdout
    assert len(ctl(at, "dead", "list", "--json").stdout.splitlines()) == 3
    ctl(at, "dead", "requeue", one, "--yes")
    assert "ready" in ctl(at, "peek", "submissions", "--json").stdout
    own = broker.admin().rows("status")[0]["broker"]
    ctl(at, "dead", "discard", f"{own}-{two}", three, "--yes")
    assert ctl(at, "dead", "list").stdout == "no dead letters\n"
    (ledger,) = broker.admin().rows("ledger")
    assert ledger["discarded"] == 2 and ledger["dead"] == 0 and ledger["live"] == 1
    gone = ctl(at, "dead", "discard", two, "--yes", check=False)
    assert gone.returncode == 1
    other = ctl(at, "dead", "discard", f"{uuid.uuid4()}-{two}", "--yes", check=False)
    assert other.returncode == 69


def test_dead_letters_over_pages(broker):
    letters(broker, 1500)
    assert len(ctl(broker.admin_endpoint, "dead", "list", "--json", "--limit", "5000").stdout.splitlines()) == 1500


@pytest.mark.parametrize("frames", [
    lambda h: [b"SLU\x02", b"\x52", msgpack.packb({"code": "version"})],
    lambda h: [b"garbage"],
    lambda h: reply(h, b"\xdd\xff\xff\xff\xff"),
    lambda h: reply(h, [1, 2]),
    lambda h: reply(h, [], status="perhaps"),
    lambda h: [b"SLU\x01", b"\x52", msgpack.packb({"code": "header", "detail": "x"})],
])
def test_answers_that_are_none(tmp_path, frames):
    with Double(tmp_path / "a", lambda verb, header: frames(header)) as double:
        done = ctl(double.endpoint, "status", check=False)
    assert done.returncode == 69 and "is no answer" in done.stderr and done.stdout == ""


def test_silence_ends_at_the_deadline(tmp_path):
    with Double(tmp_path / "a", lambda verb, header: None) as double:
        done = ctl(double.endpoint, "workers", "--timeout", "150ms", check=False)
    assert done.returncode == 69 and "does not answer" in done.stderr


def test_what_a_peer_names_can_not_steer_the_terminal(tmp_path):
    rows = [{"worker": "\x1b[2Jw\n1", "service": "Zürich", "last_heard_us": 1500000}]
    with Double(tmp_path / "a", lambda verb, header: reply(header, rows)) as double:
        shown = ctl(double.endpoint, "workers").stdout
    assert "?[2Jw?1" in shown and "\x1b" not in shown and "Zürich" in shown and "1.5 s" in shown


def test_refused_now_is_try_again(tmp_path):
    with Double(tmp_path / "a", lambda v, h: reply(h, [], status="refused", detail="the journal is busy")) as double:
        done = ctl(double.endpoint, "dead", "discard", "1-1", "--yes", check=False)
    assert done.returncode == 75 and "the journal is busy" in done.stderr


def test_help_of_every_verb():
    text = ctl("x", "--help").stdout
    verbs = [line.split("  ")[1].split() for line in text.split("Commands:\n")[1].split("\n\n")[0].splitlines()]
    assert ["status"] in [v[:1] for v in verbs] and len(verbs) > 15
    for words in verbs:
        named = list(itertools.takewhile(str.islower, words))
        shown = ctl("x", *named, "--help").stdout
        assert shown.startswith(f"Usage: sluicectl {' '.join(named)}") and "--json" in shown
