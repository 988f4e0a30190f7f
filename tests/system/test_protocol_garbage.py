"""Hostile and broken peers cost only themselves: no crash, no growth, no disturbance of others."""

import os
import random
import struct

import msgpack
import pytest
from lone_broker import LoneBroker
from protocol import (ACCEPT_NOW, ACCEPTED, ERROR, HELLO, OUTCOME, PULL, READY, REPORT, SUBMIT, VERSION,
                      WELCOME, Peer, record, records, report_entry)


@pytest.fixture
def broker():
    with LoneBroker() as b:
        yield b


def still_serves(broker):
    client, worker = broker.client(), broker.worker(f"ok{os.urandom(4).hex()}", service="probe")
    worker.pull()
    client.submit(b"x", service="probe")
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "stored")])
    client.await_entries(OUTCOME, 1)
    broker.balance()


def test_unsupported_version(broker):
    peer = Peer(broker.client_endpoint)
    broker.peers.append(peer)
    peer.socket.send_multipart([b"SLU\x02", bytes([HELLO]), msgpack.packb({})])
    header = peer.expect(ERROR)[1]
    assert header["code"] == "version" and "1" in header["detail"]


@pytest.mark.parametrize("frames", [
    [b""], [b"", b"", b""], [b"garbage"], [VERSION], [VERSION, b""], [VERSION, b"\x03\x03"],
    [VERSION, b"\xee", b"\x80"], [VERSION, b"\x01"], [VERSION, b"\x01", b""],
    [VERSION, b"\x01", b"\xdd\xff\xff\xff\xff"], [VERSION, b"\x01", b"\xdf\xff\xff\xff\xff"],
    [VERSION, b"\x01", b"\x81"], [VERSION, b"\x01", b"\x80" + b"x" * 70_000],
    [VERSION, b"\x01", b"\x91" * 60_000], [VERSION, b"\x01", b"\x80", b"", b"", b"", b"", b""],
    [VERSION, b"\x02", b"\x80"], [VERSION, b"\x22", b"\x80"],
], ids=map(str, range(99)))
@pytest.mark.parametrize("endpoint", ["client", "worker", "admin"])
def test_broken_frames_are_answered_with_error(broker, endpoint, frames):
    peer = Peer(getattr(broker, f"{endpoint}_endpoint"))
    broker.peers.append(peer)
    peer.socket.send_multipart(frames)
    assert peer.expect(ERROR)[1]["code"] in ("version", "command", "header")
    assert broker.alive()


@pytest.mark.parametrize("frame", [
    b"", b"x", struct.pack("<I", 2**32 - 1), struct.pack("<I", 80) + b"\0" * 76,
    record(1, 1)[:-1], record(1, 1) + b"\0", b"\0" * 200,
], ids=map(str, range(99)))
def test_broken_records(broker, frame):
    client = broker.client(incarnation=1)
    client.send(SUBMIT, {"incarnation": 1}, frame)
    assert client.expect(ERROR)[1]["code"] == "record"
    still_serves(broker)


def test_a_broken_record_among_good_ones_ignores_the_message_whole(broker):
    client = broker.client()
    client.submit_records(client.make(flags=ACCEPT_NOW), client.make()[:-3])
    assert client.expect(ERROR)[1]["code"] == "record"
    assert broker.balance()["accepted"] == 0


@pytest.mark.parametrize("frame", [b"x", struct.pack("<IBBHQQ", 2**31, 1, 0, 0, 1, 1),
                                   struct.pack("<IBBHQQ", 8, 1, 0, 0, 1, 1),
                                   struct.pack("<IBBHQQ", 24, 99, 0, 0, 1, 1),
                                   struct.pack("<IBBHQQ", 24, 8, 0, 0, 1, 1),
                                   report_entry((1, 1), "stored") * 5000], ids=map(str, range(99)))
def test_broken_reports(broker, frame):
    worker = broker.worker()
    worker.send(REPORT, {"lease": 1}, frame)
    assert worker.expect(ERROR)[1]["code"] == "entry"
    worker.send(REPORT, {}, report_entry((1, 1), "stored"))
    assert worker.expect(ERROR)[1]["code"] == "header"
    still_serves(broker)


def test_missing_keys(broker):
    client, worker = broker.client(hello=False), broker.worker(ready=False)
    client.send(HELLO, {"incarnation": "one"})
    assert client.expect(ERROR)[1]["code"] == "header"
    worker.send(READY, {"worker": "w\nforged", "incarnation": 1, "service": "s", "host": "h", "pid": 1,
                        "version": "1"})
    assert worker.expect(ERROR)[1]["code"] == "header"
    worker.ready()
    worker.send(PULL, {"messages": -5, "bytes": 1})
    assert worker.expect(ERROR)[1]["code"] == "header"


def test_a_flood_of_connections_is_bounded(broker):
    """More clients than the table holds: the surplus is told so, the others work on."""
    good = broker.client()
    refused = 0
    for i in range(300):
        peer = broker.client(hello=False)
        peer.send(HELLO, {"incarnation": i + 1, "name": "flood", "version": "1"})
        message = peer.receive()
        refused += message[0] == ERROR
        if i % 50 == 0:
            good.submit(b"x", flags=ACCEPT_NOW)
            good.await_entries(ACCEPTED, 1)
    assert broker.admin().rows("status")[0]["clients"] <= 256
    assert refused > 0


def test_random_frames_do_not_grow_the_broker(broker):
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    admin = broker.admin()
    peers = [Peer(e) for e in (broker.client_endpoint, broker.worker_endpoint, broker.admin_endpoint)]
    broker.peers += peers
    client, worker = broker.client(), broker.worker("victim")

    def storm(n):
        for _ in range(n):
            peer = chance.choice(peers + [client, worker])
            command = bytes([chance.choice([1, 2, 3, 7, 0x20, 0x21, 0x23, 0x24, 0x25, 0x40, 0x50, 0xff])])
            header = chance.choice([b"\x80", msgpack.packb({"lease": 1, "incarnation": client.incarnation}),
                                    chance.randbytes(chance.randrange(40))])
            frames = [chance.randbytes(chance.randrange(300)) for _ in range(chance.randrange(4))]
            peer.socket.send_multipart([VERSION, command, header, *frames])
            while peer.socket.poll(0):
                peer.socket.recv_multipart()

    storm(3000)
    before = admin.rows("status")[0]["resident_bytes"]
    storm(10_000)
    after = admin.rows("status")[0]["resident_bytes"]
    assert after - before < 16 << 20
    still_serves(broker)


def test_a_client_that_never_reads_is_forgotten_not_served_from_ever_more_memory(broker):
    deaf, worker = broker.client(receive_limit=1), broker.worker()
    worker.pull(messages=64)
    payload = b"p" * 200_000
    for _ in range(100):
        deaf.submit(*[b"x"] * 16)
        message = worker.receive(timeout_s=1)
        if message is None:
            break  # forgotten: its submits are answered with RESET
        while message is not None:
            batch = records(message[2])
            worker.report(message[1]["lease"], [(r.origin, "rejected", payload) for r in batch], messages=64,
                          bytes=1 << 20)
            message = worker.receive(timeout_s=0.05)
    metrics = {m["name"]: m["value"] for m in broker.admin().rows("metrics") if not m["labels"]}
    assert metrics["clients_overrun"] == 1
    assert metrics["resident_bytes"] < 300 << 20
    still_serves(broker)


def test_oversized_message_ends_only_its_connection(broker):
    peer = Peer(broker.admin_endpoint)
    broker.peers.append(peer)
    peer.socket.send_multipart([VERSION, b"\x40", b"x" * (8 << 20)])
    assert peer.receive(timeout_s=0.5) is None
    still_serves(broker)


def test_welcome_again_and_again(broker):
    client = broker.client()
    for _ in range(100):
        client.send(HELLO, {"incarnation": client.incarnation, "name": "n", "version": "1"})
        client.expect(WELCOME)
    worker = broker.worker("same")
    for _ in range(100):
        worker.ready()
    assert broker.admin().rows("status")[0]["workers"] == 1
    still_serves(broker)
