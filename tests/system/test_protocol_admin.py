"""The admin verbs of schemas/protocol.md, every one."""

import os
import stat
import uuid

import pytest
from lone_broker import LoneBroker
from protocol import ACCEPT_NOW, ACCEPTED, DRAIN, ERROR, OUTCOME, REQUEST, Admin
from stores import until


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def test_socket_modes(broker):
    modes = {name: stat.S_IMODE(os.stat(f"{broker.dir}/{name}").st_mode) for name in "cwa"}
    assert modes == {"c": 0o660, "w": 0o660, "a": 0o600}


def test_status(broker):
    client, _ = broker.client(), broker.worker()
    client.submit(b"x", b"y", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 2)
    (row,) = broker.admin().rows("status")
    assert uuid.UUID(row["broker"]).bytes == client.welcome["broker"]
    assert row["epoch"] == client.welcome["epoch"] and row["intake"] == "open"
    assert (row["clients"], row["workers"], row["live"], row["dead"]) == (1, 1, 2, 0)
    assert row["resident_bytes"] > 1 << 20 and row["journal_bytes"] > 0 and row["segments"] >= 1
    assert row["durable_seq"] >= 2 and row["uptime_us"] > 0 and row["version"]


def test_queues_workers_clients(broker):
    client, worker = broker.client(), broker.worker("w")
    client.submit(*[b"x"] * 5, flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 5)
    worker.pull(messages=2)
    worker.take()
    (q,) = broker.admin().rows("queues")
    assert (q["service"], q["ready"], q["leased"], q["workers"], q["accepted"]) == ("submissions", 3, 2, 1, 5)
    assert q["oldest_us"] > 0 and q["paused"] is False
    (w,) = broker.admin().rows("workers")
    assert (w["worker"], w["service"], w["leases"], w["messages"], w["pid"]) == (
        "w", "submissions", 1, 2, os.getpid())
    (c,) = broker.admin().rows("clients")
    assert c["incarnation"] == client.incarnation and c["name"] == "test" and c["in_flight"] == 5


def test_peek_trace_live(broker):
    client, message_id = broker.client(), uuid.uuid4().bytes
    client.submit(*[b"secret"] * 4, flags=ACCEPT_NOW)
    client.submit(b"secret", flags=ACCEPT_NOW, id=message_id)
    client.await_entries(ACCEPTED, 5)
    admin = broker.admin()
    status, rows, header = admin.ask("peek", service="submissions", limit=3)
    assert status == "ok" and len(rows) == 3 and header["more"] is True
    assert all(r["state"] == "ready" and r["scope"] == "STUDY" and r["bytes"] > 80 for r in rows)
    assert "secret" not in repr(rows)
    (traced,) = admin.rows("trace", id=message_id)
    assert traced["id"] == message_id
    assert admin.ask("trace", id=message_id, scope="OTHER")[0] == "not-found"
    assert admin.ask("trace", id=b"short")[0] == "bad-argument"
    seqs, after = [], 0
    while True:
        status, rows, header = admin.ask("live", after=after, limit=2)
        seqs += [r["seq"] for r in rows]
        if not header["more"]:
            break
        after = header["next"]
        assert after == seqs[-1]
    assert len(seqs) == 5 and seqs == sorted(set(seqs))
    assert admin.ask("peek", service="nothing", limit=3)[0] == "not-found"


def test_dead_requeue_discard(broker):
    client, worker = broker.client(), broker.worker()
    client.submit(b"a", b"b", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 2)
    worker.pull()
    batch = worker.take()
    worker.report(worker.lease, [(r.origin, "dead") for r in batch])
    client.await_entries(OUTCOME, 2)
    admin = broker.admin()
    rows = admin.rows("dead", limit=10)
    assert [(r["epoch"], r["seq"]) for r in rows] == [r.origin for r in batch]
    assert admin.rows("dead", service="submissions", after=batch[0].seq, limit=10)[0]["seq"] == batch[1].seq
    origin = dict(zip(("epoch", "seq"), batch[0].origin))
    assert admin.rows("requeue", **origin)[0]["state"] == "ready"
    assert admin.ask("requeue", **origin)[0] == "not-found"
    worker.pull()
    (again,) = worker.take()
    assert again.origin == batch[0].origin
    worker.report(worker.lease, [(again.origin, "stored")])
    origin = dict(zip(("epoch", "seq"), batch[1].origin))
    assert admin.rows("discard", **origin)[0]["state"] == "discarded"
    assert admin.ask("discard")[0] == "bad-argument"
    while broker.balance()["live"]:
        pass
    row = broker.balance()
    assert (row["stored"], row["discarded"], row["dead"]) == (1, 1, 0)


def test_pause_resume(broker):
    client, worker, admin = broker.client(), broker.worker(), broker.admin()
    worker.pull()
    admin.rows("pause", service="submissions")
    client.submit(b"x", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 1)
    assert worker.receive(timeout_s=0.2) is None
    assert broker.admin().rows("queues")[0]["paused"] is True
    worker.ready()
    worker.pull()
    admin.rows("resume", service="submissions")
    assert len(worker.take()) == 1
    assert admin.ask("pause", service="nothing")[0] == "not-found"
    assert admin.ask("pause")[0] == "bad-argument"


def test_ledger_epochs_done_metrics(broker):
    client, worker, admin = broker.client(), broker.worker(), broker.admin()
    worker.pull()
    client.submit(b"x")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "held")])
    client.await_entries(OUTCOME, 1)
    row = broker.balance()
    assert row["held"] == 1 and row["last_seq"] == r.seq and row["first_seq"] <= r.seq
    assert row["epoch"] == r.epoch and row["unacknowledged_damage"] == []
    assert isinstance(admin.rows("epochs"), list)
    metrics = {(m["name"], *m["labels"].values()): m["value"] for m in admin.rows("metrics")}
    assert metrics[("records_in",)] == 1 and metrics[("records_out",)] == 1
    assert metrics[("outcomes", "held")] == 1 and metrics[("queue_finished", "submissions")] == 1
    assert metrics[("journal_syncs",)] >= 1 and metrics[("intake_open",)] == 1


def test_unknown_verb_and_bad_requests(broker):
    admin = broker.admin()
    assert admin.ask("dance")[0] == "bad-argument"
    admin.send(REQUEST, {"verb": "status"})
    assert admin.expect(ERROR)[1]["code"] == "header"
    admin.send(DRAIN)
    assert admin.expect(ERROR)[1]["code"] == "command"
    assert admin.rows("status")


def test_a_worker_may_ask_for_dead_letters_and_nothing_else(broker):
    client, worker = broker.client(), broker.worker()
    worker.pull()
    client.submit(b"x")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "dead")])
    stranger = broker._keep(Admin(broker.worker_endpoint))  # says no READY
    until("the dead letter", 5, lambda: len(stranger.rows("dead", service="submissions", limit=10)) == 1)
    (row,) = stranger.rows("dead", service="submissions", limit=10)
    assert (row["epoch"], row["seq"]) == r.origin and "body" not in row
    for verb in ("status", "requeue", "discard", "pause", "drain", "metrics", "peek"):
        assert stranger.ask(verb, service="submissions", epoch=r.origin[0], seq=r.origin[1])[0] == "bad-argument", verb
    assert len(broker.admin().rows("dead", limit=10)) == 1
    outsider = broker._keep(Admin(broker.client_endpoint))
    outsider.send(REQUEST, {"request": 7, "verb": "dead", "limit": 10})
    assert outsider.expect(ERROR)[1]["code"] == "command"
