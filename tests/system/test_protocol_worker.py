"""The worker's half of schemas/protocol.md: credit, leases, death, return, retry, drain."""

import signal
import uuid

import pytest
from lone_broker import LoneBroker
from protocol import (ACCEPT_NOW, ACCEPTED, ALONE, BYE, DRAIN, ERROR, EXTEND, HEARTBEAT, OUTCOME, OUTCOMES, READY, RESET,
                      RETURN, record)


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def figure(broker, name):
    return {r["name"]: r["value"] for r in broker.admin().rows("metrics") if not r["labels"]}[name]


def test_no_credit_no_work(broker):
    client, worker = broker.client(), broker.worker()
    client.submit(b"x")
    assert worker.receive(timeout_s=0.3) is None
    worker.pull()
    assert len(worker.take()) == 1


def test_withdrawn_credit_is_no_credit(broker):
    """PULL with 0 messages takes unused credit back; a drain or an outage of the database relies on it."""
    client, worker = broker.client(), broker.worker()
    worker.pull()
    worker.pull(messages=0, size=0)
    client.submit(b"x")
    assert worker.receive(timeout_s=0.3) is None
    worker.pull()
    assert len(worker.take()) == 1


def test_credit_bounds_a_batch(broker):
    client, worker = broker.client(), broker.worker()
    client.submit(*[b"x"] * 10)
    worker.pull(messages=4)
    assert len(worker.take()) == 4
    worker.pull(messages=4)  # prefetch: a full batch waits
    assert len(worker.take()) == 4
    worker.pull(messages=4)  # a third lease is never given
    assert worker.receive(timeout_s=0.3) is None


def test_idle_longest_gets_it(broker):
    first, second, client = broker.worker("first"), broker.worker("second"), broker.client()
    first.pull()
    assert broker.admin().rows("workers")  # the pull has been read
    second.pull()
    client.submit(b"x")
    assert len(first.take()) == 1
    assert second.receive(timeout_s=0.2) is None


def test_expired_lease_comes_back_alone_and_late_report_is_ignored(broker):
    client, slow, other = broker.client(), broker.worker("slow"), broker.worker("other")
    slow.pull()
    counters = client.submit(b"a", b"b")
    taken = slow.take()
    late = slow.lease
    beat_until((slow, other, client), lambda: broker.admin().rows("queues")[0]["leased"] == 0)
    slow.report(late, [(r.origin, "stored") for r in taken])
    other.pull()
    (r,) = other.take()  # one by one
    assert r.flags & ALONE and r.attempt == 2 and r.kills == 0
    other.report(other.lease, [(r.origin, "duplicate")], messages=256, bytes=1 << 20)
    (r2,) = other.take()
    other.report(other.lease, [(r2.origin, "duplicate")])
    outcomes = client.await_entries(OUTCOME, 2)
    assert {outcomes[c]["code"] for c in counters} == {OUTCOMES["duplicate"]}
    assert figure(broker, "reports_stale") == 2
    assert broker.balance()["duplicate"] == 2


def beat_until(peers, condition):
    """All send heartbeats, paced by the broker's own, until the condition holds."""
    for _ in range(100):
        if condition():
            return
        for peer in peers:
            peer.send(HEARTBEAT)
        assert peers[0].receive(timeout_s=0.5, heartbeats=True)
    raise AssertionError("the condition never came")


def test_extend_keeps_a_lease(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    (counter,) = client.submit(b"x")
    (r,) = worker.take()
    for _ in range(12):  # twice the lease's time, paced by the broker's heartbeats
        worker.send(EXTEND, {"lease": worker.lease})
        client.send(HEARTBEAT)
        assert worker.receive(timeout_s=0.5, heartbeats=True)[0] == HEARTBEAT
    worker.report(worker.lease, [(r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]
    worker.send(EXTEND, {"lease": worker.lease})
    assert worker.expect(ERROR)[1]["code"] == "state"


def test_a_stopped_broker_does_not_make_leases_pay(broker):
    """SIGSTOP for longer than a lease: reports and heartbeats that waited are read before anything expires."""
    client, worker, other = broker.client(), broker.worker("w"), broker.worker("other")
    worker.pull()
    (counter,) = client.submit(b"x")
    (r,) = worker.take()
    other.pull()
    broker.admin().rows("status")  # all this has been read
    broker.signal(signal.SIGSTOP)
    while worker.receive(timeout_s=2.5, heartbeats=True):
        pass
    broker.signal(signal.SIGCONT)
    for peer in (client, worker, other):
        peer.send(HEARTBEAT)
    assert worker.receive(timeout_s=2, heartbeats=True)[0] == HEARTBEAT
    worker.report(worker.lease, [(r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]
    assert figure(broker, "time_jumps") == 1 and figure(broker, "leases_expired") == 0


def test_a_lease_that_ends_by_time_resets_its_worker(broker):
    """A DELIVER that got lost with a connection: its worker still counts on credit that the broker took away."""
    client, worker = broker.client(), broker.worker("w")
    worker.pull()
    (counter,) = client.submit(b"x")
    worker.take()
    worker.pull()
    for _ in range(20):
        message = worker.receive(timeout_s=0.5, heartbeats=True)
        if message[0] == RESET:
            break
        assert message[0] == HEARTBEAT
        worker.send(HEARTBEAT)
        client.send(HEARTBEAT)
    assert message[0] == RESET
    worker.ready(holds=False)
    worker.pull()
    (r,) = worker.take(timeout_s=0.8)
    assert r.flags & ALONE and r.attempt == 2 and r.kills == 0
    worker.report(worker.lease, [(r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]
    assert figure(broker, "leases_expired") == 1


@pytest.mark.parametrize("holds", [False, True, None])
def test_ready_says_whether_the_leases_are_still_held(broker, holds):
    client, old = broker.client(), broker.worker("w")
    old.pull()
    counters = client.submit(b"a", b"b")
    assert len(old.take()) == 2
    new = broker.worker("w", incarnation=old.incarnation, ready=False)
    new.ready(**({} if holds is None else {"holds": holds}))
    new.pull()
    if holds is False:
        taken = new.take(timeout_s=0.8)  # well before the lease's end, together, and nobody's fault
        assert [(r.attempt, r.kills, r.flags & ALONE) for r in taken] == [(2, 0, 0)] * 2
        lease, origins = new.lease, [r.origin for r in taken]
    else:
        assert new.receive(timeout_s=0.4) is None
        live = broker.admin().rows("live", after=0, limit=10)
        assert [r["state"] for r in live] == ["leased"] * 2
        lease, origins = old.lease, [(r["epoch"], r["seq"]) for r in live]
    new.report(lease, [(origin, "stored") for origin in origins])
    outcomes = client.await_entries(OUTCOME, 2)
    assert {outcomes[c]["code"] for c in counters} == {OUTCOMES["stored"]}


def test_ready_with_a_wrong_holds_is_an_error(broker):
    worker = broker.worker("w", ready=False)
    worker.send(READY, {"worker": "w", "incarnation": 7, "service": "submissions", "host": "h", "pid": 1, "version": "1", "holds": 1})
    assert worker.expect(ERROR)[1]["code"] == "header"


def test_replaced_incarnation_gives_leases_back_at_once(broker):
    client, old = broker.client(), broker.worker("w")
    old.pull()
    client.submit(b"a", b"b")
    assert len(old.take()) == 2
    new = broker.worker("w")
    new.pull()
    (r,) = new.take(timeout_s=0.8)  # well before the lease's end
    assert r.flags & ALONE and r.attempt == 2
    old.send(HEARTBEAT)
    old.expect(RESET)


def test_killer_is_parked_after_three(broker):
    client = broker.client()
    (counter,) = client.submit(b"killer", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 1)  # kills count once its accept is durable
    for n in range(4):  # the first death is in a batch and counts no kill
        worker = broker.worker("w")  # replaces the one before
        worker.pull()
        (r,) = worker.take()
        assert r.kills == max(0, n - 1)
    broker.worker("w")
    outcome = client.await_entries(OUTCOME, 1)[counter]
    assert outcome["code"] == OUTCOMES["dead"]
    (dead,) = broker.admin().rows("dead", limit=10)
    assert dead["kills"] == 3 and dead["state"] == "dead" and dead["reason"]
    assert broker.balance()["dead"] == 1


def test_return_is_nobodys_fault(broker):
    client, worker = broker.client(), broker.worker()
    client.submit(b"a", b"b")
    for _ in range(5):
        worker.pull()
        batch = worker.take()
        assert len(batch) == 2 and not any(r.flags & ALONE or r.kills for r in batch)
        worker.send(RETURN, {"lease": worker.lease})


def test_bye_gives_back_without_fault(broker):
    client, worker = broker.client(), broker.worker("a")
    worker.pull()
    client.submit(b"a", b"b")
    assert len(worker.take()) == 2
    worker.send(BYE)
    other = broker.worker("b")
    other.pull()
    assert len(other.take()) == 2


def test_silent_worker_is_dead(broker):
    client, worker = broker.client(), broker.worker("quiet")
    worker.pull()
    client.submit(b"x")
    worker.take()
    other = broker.worker("other")
    other.pull()
    beat_until((other,), lambda: len(broker.admin().rows("workers")) == 1)
    assert broker.admin().rows("workers")[0]["worker"] == "other"


def test_retry_comes_again_later(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    (counter,) = client.submit(b"x")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "retry")], messages=256, bytes=1 << 20)
    (again,) = worker.take()
    assert again.origin == r.origin and again.attempt == 2 and not again.flags & ALONE
    worker.report(worker.lease, [(again.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]


def test_report_in_parts(broker):
    client, worker = broker.client(), broker.worker()
    client.submit(*[b"x"] * 6)
    worker.pull()
    batch = worker.take()
    while len(batch) < 6:
        worker.send(RETURN, {"lease": worker.lease})
        worker.pull()
        batch = worker.take()
    for i in (4, 1, 3, 0, 5, 2):
        worker.report(worker.lease, [(batch[i].origin, "stored")])
    assert len(client.await_entries(OUTCOME, 6)) == 6
    assert broker.balance()["stored"] == 6


def test_wrong_origins_and_leases_are_ignored_entry_by_entry(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    (counter,) = client.submit(b"x")
    (r,) = worker.take()
    worker.report(worker.lease + 1, [(r.origin, "dead")])
    worker.report(worker.lease, [((r.epoch, r.seq + 1000), "dead"), ((r.epoch + 1, r.seq), "dead"),
                                 (r.origin, "stored")])
    assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]
    assert broker.balance()["dead"] == 0


def test_follow_ups_become_messages(broker):
    client, worker, alerts = broker.client(), broker.worker(), broker.worker("a", service="alerts")
    alerts.pull()
    worker.pull()
    client.submit(b"x")
    (r,) = worker.take()
    follow_id = uuid.uuid4().bytes
    follow = record(0, 0, b"alert!", service="alerts", id=follow_id)
    worker.report(worker.lease, [(r.origin, "stored")], follow_ups=[follow])
    (f,) = alerts.take()
    assert (f.id, f.body, f.counter) == (follow_id, b"alert!", 0) and f.origin > r.origin
    # A report that is wholly stale brings nothing.
    worker.report(worker.lease, [(r.origin, "stored")], follow_ups=[follow])
    alerts.report(alerts.lease, [(f.origin, "stored")], messages=10, bytes=1 << 20)
    assert alerts.receive(timeout_s=0.3) is None
    row = broker.balance()
    assert (row["accepted"], row["stored"]) == (2, 2)


def test_drain(broker):
    client, worker = broker.client(), broker.worker("w")
    worker.pull()
    assert broker.admin().rows("drain", worker="w") == []
    worker.expect(DRAIN)
    client.submit(b"x")
    assert worker.receive(timeout_s=0.3) is None
    worker.send(BYE)
    assert broker.admin().ask("drain", worker="w")[0] == "not-found"


def test_a_thousand_leases_of_records_that_left_memory(broker):
    """Bodies are read from the journal's files when they are handed out long after."""
    client, worker = broker.client(), broker.worker()
    for _ in range(10):
        client.submit(*[b"y" * 10_000] * 50)
    worker.pull(messages=4096, size=64 << 20)
    seen = 0
    while seen < 500:
        batch = worker.take()
        assert all(r.body == b"y" * 10_000 for r in batch)
        seen += len(batch)
        worker.report(worker.lease, [(r.origin, "stored") for r in batch], messages=4096,
                      bytes=64 << 20)
    client.await_entries(OUTCOME, 500)
    assert broker.balance()["stored"] == 500
