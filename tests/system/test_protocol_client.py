"""The client's half of schemas/protocol.md: windows, acceptance, outcomes, refusals, locate."""

import uuid

import pytest
from lone_broker import LoneBroker
from protocol import (ACCEPT_NOW, ACCEPTED, ERROR, HEARTBEAT, LOCATE, LOCATED, OUTCOME, OUTCOMES,
                      REFUSALS, REFUSED, RESET, SUBMIT, VOLATILE, entries, record)


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def test_submit_accepted_delivered_reported_outcome(broker):
    client, worker = broker.client(), broker.worker()
    message_id = uuid.uuid4().bytes
    (counter,) = client.submit(b"sealed body", flags=ACCEPT_NOW, id=message_id)
    accepted = client.await_entries(ACCEPTED, 1)[counter]
    assert not accepted["payload"] and accepted["accepted_us"] > 0
    worker.pull()
    (r,) = worker.take()
    assert (r.id, r.body, r.service, r.scope) == (message_id, b"sealed body", "submissions", "STUDY")
    assert (r.attempt, r.kills, r.crc) == (1, 0, 0) and r.origin == accepted["origin"]
    assert (r.incarnation, r.counter) == (client.incarnation, counter)
    worker.report(worker.lease, [(r.origin, "stored", b"payload")])
    outcome = client.await_entries(OUTCOME, 1)[counter]
    assert outcome["code"] == OUTCOMES["stored"] and outcome["payload"] == b"payload"
    assert outcome["origin"] == r.origin
    row = broker.balance()
    assert row["stored"] == 1 and row["live"] == 0


def test_stalled_without_a_worker(broker):
    client = broker.client()
    (counter,) = client.submit(b"x", flags=ACCEPT_NOW)
    assert client.await_entries(ACCEPTED, 1)[counter]["stalled"]


def test_lazy_acceptance_comes_within_a_heartbeat(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull(messages=1)
    client.submit(*[b"x"] * 5)  # one is being worked on: not stalled
    worker.take()
    assert len(client.await_entries(ACCEPTED, 5, timeout_s=2)) == 5


def test_batch_keeps_order_and_outcomes_name_their_requests(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull(messages=1000, size=64 << 20)
    counters = client.submit(*[b"%d" % i for i in range(200)])
    taken = []
    while len(taken) < 200:
        batch = worker.take()
        taken += batch
        worker.report(worker.lease, [(r.origin, "rejected", r.body) for r in batch], messages=1000,
                      bytes=64 << 20)
    assert [r.counter for r in taken] == counters
    assert [r.seq for r in taken] == sorted(r.seq for r in taken)
    outcomes = client.await_entries(OUTCOME, 200)
    assert all(outcomes[c]["payload"] == b"%d" % i for i, c in enumerate(counters))
    assert broker.balance()["rejected"] == 200


def test_window_in_bytes_is_enforced():
    with LoneBroker(segment_bytes="64MiB", journal_max_bytes="256MiB", max_record_bytes="1MiB") as broker:
        client = broker.client()
        window = client.welcome["window_bytes"]
        body = b"x" * 1_000_000
        n = window // len(body) + 5
        made = [client.make(body) for _ in range(n)]
        # Two messages at once: what is accepted is unannounced until a sync, so the window fills.
        half = len(made) // 2
        client.submit_records(*made[:half])
        client.submit_records(*made[half:])
        seen = {}
        while len(seen) < n:
            message = client.receive()
            assert message is not None, f"{len(seen)} of {n} answered"
            seen.update((e["counter"], (message[0], e["code"])) for e in entries(message[0], message[2]))
        refused = [v for v in seen.values() if v[0] == REFUSED]
        assert all(REFUSALS[code] == "full" for _, code in refused)
        assert broker.balance()["accepted"] == n - len(refused)


def test_too_large_is_refused_and_the_rest_taken(broker):
    client = broker.client()
    small, big = b"x", b"x" * (256 * 1024)
    client.submit(small, big, small, flags=ACCEPT_NOW)
    assert {c: REFUSALS[e["code"]] for c, e in client.await_entries(REFUSED, 1).items()} == {2: "too-large"}
    assert sorted(client.await_entries(ACCEPTED, 2)) == [1, 3]


def test_full_message_cap_is_refused():
    with LoneBroker(max_messages=10) as broker:
        client = broker.client()
        client.submit(*[b"x"] * 15, flags=ACCEPT_NOW)
        refused = client.await_entries(REFUSED, 5)
        assert {REFUSALS[e["code"]] for e in refused.values()} == {"full"}
        assert broker.admin().rows("status")[0]["intake"] == "max-messages"
        assert broker.balance()["live"] == 10


def test_unknown_peer_is_reset(broker):
    client = broker.client(hello=False)
    client.submit(b"x")
    client.expect(RESET)
    client.hello()
    client.submit(b"x", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 1)


def test_records_of_another_incarnation_are_an_error(broker):
    client = broker.client()
    client.send(SUBMIT, {"incarnation": client.incarnation}, record(client.incarnation + 1, 1))
    assert client.expect(ERROR)[1]["code"] == "record"
    client.send(SUBMIT, {"incarnation": client.incarnation + 1}, record(client.incarnation + 1, 1))
    assert client.expect(ERROR)[1]["code"] == "state"
    assert broker.balance()["accepted"] == 0


def test_outcome_goes_to_the_connection_that_spoke_last(broker):
    old, worker = broker.client(), broker.worker()
    (counter,) = old.submit(b"x")
    worker.pull()
    (r,) = worker.take()
    new = broker.client(incarnation=old.incarnation)
    worker.report(worker.lease, [(r.origin, "stored")])
    assert new.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["stored"]


def test_heartbeats_come_and_silence_forgets(broker):
    client = broker.client()
    assert client.receive(heartbeats=True)[0] == HEARTBEAT
    worker = broker.worker()
    assert worker.receive(heartbeats=True)[0] == HEARTBEAT
    # Both are silent for three intervals: they must introduce themselves again.
    while client.receive(timeout_s=0.5, heartbeats=True) is not None:
        pass
    client.submit(b"x")
    client.expect(RESET)


def test_volatile_is_answered_and_leaves_no_trace(broker):
    client, worker = broker.client(), broker.worker(service="query")
    worker.pull()
    (counter,) = client.submit(b"where?", service="query", flags=VOLATILE)
    (r,) = worker.take()
    assert r.body == b"where?"
    worker.report(worker.lease, [(r.origin, "answered", b"there")])
    outcome = client.await_entries(OUTCOME, 1)[counter]
    assert (outcome["code"], outcome["payload"]) == (OUTCOMES["answered"], b"there")
    assert broker.balance()["accepted"] == 0


def test_locate(broker):
    client, worker = broker.client(), broker.worker()
    message_id = uuid.uuid4().bytes
    (counter,) = client.submit(b"x", flags=ACCEPT_NOW, id=message_id)
    origin = client.await_entries(ACCEPTED, 1)[counter]["origin"]

    def locate(**how):
        client.send(LOCATE, {"query": 9, "scope": "STUDY", "id": message_id, **how})
        header = client.expect(LOCATED)[1]
        assert header["query"] == 9
        return header

    found = locate()
    assert found["state"] == "live" and (found["epoch"], found["seq"]) == origin
    assert locate(epoch=origin[0], seq=origin[1])["state"] == "live"
    assert locate(epoch=origin[0], seq=origin[1] + 1)["state"] == "absent"
    assert locate(scope="OTHER")["state"] == "absent"
    worker.pull()
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "dead")])
    client.await_entries(OUTCOME, 1)
    assert locate()["state"] == "dead"
