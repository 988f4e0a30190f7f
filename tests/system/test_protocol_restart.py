"""Restarts: what was accepted comes again, outcomes find their request, draining ends in order."""

import signal
import subprocess

import pytest
from fleet import BIN
from lone_broker import LoneBroker
from protocol import (ACCEPT_NOW, ACCEPTED, HEARTBEAT, OUTCOME, OUTCOMES, REFUSALS, REFUSED, RESET, entries)


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def reintroduce(peer, introduce):
    """Speaks until RESET says that this is another broker process (the DEALER reconnects by itself)."""
    peer.send(HEARTBEAT)
    peer.expect(RESET)
    introduce()


def take_all(worker, n):
    found = []
    while len(found) < n:
        worker.pull(messages=4096, size=64 << 20)
        batch = worker.take()
        found += [(worker.lease, r) for r in batch]
        worker.report(worker.lease, [(r.origin, "stored") for r in batch])
    return [r for _, r in found]


def test_kill_9_and_everything_accepted_is_delivered_again(broker):
    client = broker.client()
    client.submit(*[b"%d" % i for i in range(500)], flags=ACCEPT_NOW)
    accepted = client.await_entries(ACCEPTED, 500)
    broker.crash()
    worker = broker.worker()
    taken = take_all(worker, 500)
    assert {r.origin for r in taken} == {e["origin"] for e in accepted.values()}
    assert sorted(int(r.body) for r in taken) == list(range(500))
    row = broker.balance()
    assert (row["accepted"], row["stored"], row["live"]) == (500, 500, 0)


def test_kill_9_between_everything_keeps_the_books(broker):
    """Several crashes with work at every stage: nothing accepted is lost, the ledger balances."""
    origins, done = set(), set()
    for round_ in range(4):
        client, worker = broker.client(), broker.worker(f"w{round_}")
        client.submit(*[b"x" * 100] * 200, flags=ACCEPT_NOW)
        origins |= {e["origin"] for e in client.await_entries(ACCEPTED, 200).values()}
        worker.pull(messages=50)
        batch = worker.take()
        worker.report(worker.lease, [(r.origin, "stored") for r in batch])
        own = [r for r in batch if r.incarnation == client.incarnation]
        if own:
            client.await_entries(OUTCOME, len(own))
        done |= {r.origin for r in batch}
        broker.crash()
        broker.balance()
    worker = broker.worker("last")
    seen = set()
    while not origins <= seen | done:
        worker.pull(messages=4096)
        batch = worker.take()
        seen |= {r.origin for r in batch}
        worker.report(worker.lease, [(r.origin, "stored") for r in batch])
    row = broker.balance()
    assert row["accepted"] == len(origins) == 800


def test_outcome_for_an_old_request_after_restart(broker):
    client, worker = broker.client(), broker.worker()
    (counter,) = client.submit(b"x", flags=ACCEPT_NOW)
    origin = client.await_entries(ACCEPTED, 1)[counter]["origin"]
    worker.pull()
    worker.take()
    old_lease = worker.lease
    broker.crash()
    reintroduce(client, client.hello)
    reintroduce(worker, worker.ready)
    worker.report(old_lease, [(origin, "stored")])  # of the epoch before: stale
    worker.pull()
    (r,) = worker.take()
    assert r.origin == origin
    worker.report(worker.lease, [(r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]


def test_epoch_rises(broker):
    first = broker.client().welcome
    broker.crash()
    second = broker.client().welcome
    assert second["broker"] == first["broker"] and second["epoch"] > first["epoch"]
    assert len(broker.admin().rows("epochs")) >= 1


def test_done_records_reach_the_disk_without_company(broker):
    """The idle flush (100 ms): a done record is not left in memory until the next accept."""
    client, worker = broker.client(), broker.worker()
    worker.pull()
    client.submit(b"x")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "stored")])
    client.await_entries(OUTCOME, 1)
    admin = broker.admin()
    for _ in range(100):
        client.receive(timeout_s=0.05)
        if admin.rows("done", after=0, limit=10):
            break
    broker.crash()
    row = broker.balance()
    assert (row["accepted"], row["stored"], row["live"]) == (1, 1, 0)
    (done,) = broker.admin().rows("done", after=0, limit=10)
    assert (done["epoch"], done["seq"]) == r.origin and done["outcome"] == "stored"
    assert done["id"] == r.id


def test_dead_letters_and_kills_survive(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    client.submit(b"a")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "dead")])
    client.await_entries(OUTCOME, 1)
    client.submit(b"b", flags=ACCEPT_NOW)  # its accept carries the parked record along
    client.await_entries(ACCEPTED, 1)
    broker.crash()
    (dead,) = broker.admin().rows("dead", limit=10)
    assert (dead["epoch"], dead["seq"]) == r.origin
    assert broker.balance()["dead"] == 1


def test_drain_refuses_new_work_and_ends_when_reported(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    (counter,) = client.submit(b"x")
    (r,) = worker.take()
    broker.signal(signal.SIGTERM)
    while True:
        (late,) = client.submit(b"late")
        message = client.receive(timeout_s=2)
        if message[0] == REFUSED:
            break
    assert REFUSALS[entries(REFUSED, message[2])[0]["code"]] == "draining"
    worker.report(worker.lease, [(r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]
    assert broker.popen.wait(timeout=10) == 0
    broker.start()
    assert broker.balance()["stored"] == 1


def test_drain_does_not_wait_for_ever(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    client.submit(b"x", flags=ACCEPT_NOW)
    worker.take()
    broker.signal(signal.SIGTERM)
    assert broker.popen.wait(timeout=10) == 0
    broker.start()
    assert broker.balance()["live"] == 1


def test_second_signal_ends_at_once(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    client.submit(b"x", flags=ACCEPT_NOW)
    worker.take()
    broker.signal(signal.SIGTERM)
    while client.receive(timeout_s=0.1):
        pass
    broker.signal(signal.SIGTERM)
    broker.popen.wait(timeout=5)
    broker.start()
    assert broker.balance()["live"] == 1


def test_one_broker_a_journal(broker):
    argv = broker.argv + ["--set", f"client_endpoint=ipc://{broker.dir}/c2", "--set",
                          f"worker_endpoint=ipc://{broker.dir}/w2", "--set",
                          f"admin_endpoint=ipc://{broker.dir}/a2"]
    assert subprocess.run(argv, capture_output=True, timeout=20).returncode == 69


def test_verify_journal(broker):
    client = broker.client()
    client.submit(*[b"x"] * 50, flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 50)
    program = f"{BIN}/sluice-broker"
    run = subprocess.run([program, "--verify-journal", broker.journal, "--json"], capture_output=True,
                         timeout=20)
    assert run.returncode == 0, run
    assert subprocess.run([program, "--verify-journal"], capture_output=True).returncode == 64
    nowhere = subprocess.run([program, "--verify-journal", broker.dir + "/nowhere"], capture_output=True)
    assert nowhere.returncode not in (0, -6, -11)
