"""The broker and its disk: failed syncs, a full journal, survivors that are moved out of the head."""

import shutil
import time

import pytest
from lone_broker import LoneBroker
from protocol import ACCEPT_NOW, ACCEPTED, DELIVER, HEARTBEAT, OUTCOME, REFUSALS, REFUSED, RESET, entries

SMALL = {"segment_bytes": "1MiB", "journal_max_bytes": "8MiB", "journal_keep_bytes": "0",
         "max_record_bytes": "64KiB"}


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_failed_sync_ends_the_broker_and_nothing_past_it_was_acknowledged():
    inject = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
              "inject=fdatasync:error=EIO:when=12+")
    with LoneBroker(wrap=inject) as broker:
        client, accepted, sent = broker.client(), {}, 0
        end = time.monotonic() + 30
        while broker.alive():
            assert time.monotonic() < end, "the broker did not end"
            if sent < 1000:
                client.submit(b"x", flags=ACCEPT_NOW)
                sent += 1
            message = client.receive(timeout_s=0.05)
            if message and message[0] == ACCEPTED:
                accepted.update((e["counter"], e["origin"]) for e in entries(message[0], message[2]))
        assert broker.popen.returncode == 74
        assert "Input/output error" in broker.tail() and "level=error" in broker.tail()
        assert accepted and len(accepted) < sent
        broker.argv = broker.argv[len(inject):]  # the disk is well again
        broker.start()
        live = {(r["epoch"], r["seq"]) for r in broker.admin().rows("live", limit=1000)}
        assert set(accepted.values()) <= live
        broker.balance()


def test_full_journal_refuses_and_opens_again():
    with LoneBroker(**SMALL) as broker:
        client, refused, counters = broker.client(), {}, []
        while not refused:
            counters += client.submit(*[b"x" * 10_000] * 20, flags=ACCEPT_NOW)
            assert len(counters) < 2000
            message = client.receive()
            if message[0] == REFUSED:
                refused = {e["counter"]: e for e in entries(message[0], message[2])}
        assert {REFUSALS[e["code"]] for e in refused.values()} == {"full"}
        assert broker.admin().rows("status")[0]["intake"] == "journal-full"
        # Workers go on: done records have a reserve, and empty segments come back.
        worker = broker.worker()
        worker.pull()
        while broker.balance()["live"] > 0:
            batch = worker.take()
            worker.report(worker.lease, [(r.origin, "stored") for r in batch], messages=256, bytes=4 << 20)
            client.send(HEARTBEAT)
            await_done(broker, client, worker, len(batch))
        for _ in range(100):
            if broker.admin().rows("status")[0]["intake"] == "open":
                break
            client.receive(timeout_s=0.1, heartbeats=True)
        client.hello()
        (counter,) = client.submit(b"again", flags=ACCEPT_NOW)
        message = client.receive()
        while counter not in {e["counter"] for e in entries(message[0], message[2])}:
            message = client.receive()
        assert message[0] in (ACCEPTED, OUTCOME)


def await_done(broker, client, worker, n):
    for _ in range(100):
        if broker.admin().rows("queues")[0]["leased"] <= 256:
            return
        client.receive(timeout_s=0.05, heartbeats=True)
        worker.send(HEARTBEAT)
    raise AssertionError(f"a report of {n} was not applied")


def test_survivors_move_and_the_journal_stays_small():
    """A dead letter, and a message that waits, outlive 40 MiB of traffic through an 8 MiB journal."""
    with LoneBroker(**SMALL) as broker:
        client, worker, other = broker.client(), broker.worker(), broker.worker("o", service="other")
        other.pull()
        client.submit(b"dead letter", service="other")
        (dead,) = other.take()
        other.report(other.lease, [(dead.origin, "dead")])
        client.await_entries(OUTCOME, 1)
        client.submit(b"waits", service="other", flags=ACCEPT_NOW)
        waits = next(iter(client.await_entries(ACCEPTED, 1).values()))["origin"]
        worker.pull()
        for _ in range(80):
            client.submit(*[b"x" * 10_000] * 50)
            seen = 0
            while seen < 50:
                batch = worker.take()
                seen += len(batch)
                worker.report(worker.lease, [(r.origin, "stored") for r in batch], messages=256, bytes=4 << 20)
            client.await_entries(OUTCOME, 50)
        metrics = {m["name"]: m["value"] for m in broker.admin().rows("metrics") if not m["labels"]}
        assert metrics["records_moved"] >= 2 and metrics["journal_bytes"] <= 8 << 20
        broker.balance()
        broker.crash()
        row = broker.balance()
        assert (row["accepted"], row["dead"]) == (4002, 1)
        assert row["live"] <= 51  # done records of the last moments were still in memory
        (found,) = broker.admin().rows("dead", limit=10)
        assert (found["epoch"], found["seq"]) == dead.origin
        other = broker.worker("o2", service="other")
        other.pull()
        (r,) = other.take()
        assert r.origin == waits and r.body == b"waits"


def test_back_pressure_without_refusal():
    """More than one gathering batch at once: the rest waits in the queues, nothing is refused or lost."""
    with LoneBroker(segment_bytes="4MiB", journal_max_bytes="256MiB") as broker:
        client, worker = broker.client(), broker.worker()
        worker.pull(messages=4096, size=64 << 20)
        for _ in range(12):
            client.submit(*[b"x" * 100_000] * 12)
        seen = 0
        while seen < 144:
            batch = worker.take()
            seen += len(batch)
            worker.report(worker.lease, [(r.origin, "stored") for r in batch], messages=4096, bytes=64 << 20)
        assert len(client.await_entries(OUTCOME, 144)) == 144
        assert broker.balance()["stored"] == 144


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_journal_that_makes_clients_wait_does_not_take_them_for_silent():
    # Segments are slow to come by (fsync; commits use fdatasync): intake waits for five silences' time.
    slow = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
            "inject=fsync:delay_enter=3000000:when=8+")
    with LoneBroker(wrap=slow, **{**SMALL, "journal_max_bytes": "64MiB"}) as broker:
        idle, busy, accepted = broker.client(), broker.client(), 0
        worker = broker.worker()
        worker.pull()
        for _ in range(100):
            busy.submit(b"x" * 50_000)
        end = time.monotonic() + 60
        while accepted < 100:
            assert time.monotonic() < end
            for peer in (idle, busy, worker):
                peer.send(HEARTBEAT)
                message = peer.receive(timeout_s=0.02)
                told = (DELIVER, RESET) if peer is worker else (ACCEPTED,)  # its lease runs out
                assert message is None or message[0] in told, hex(message[0])
                if message and message[0] == ACCEPTED:
                    accepted += len(entries(message[0], message[2]))
        assert broker.admin().rows("status")[0]["clients"] == 2
