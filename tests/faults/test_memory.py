"""Memory: an edge with 10,000 connections, a broker with a long backlog, a worker with large batches.

SLUICE_BACKLOG sets the broker's backlog in messages; 1000000 is the full figure, whose bar is 128 MB.
"""
import json
import os
import resource
import socket
import time

import protocol
from fleet import DIARY, TOKEN, Fleet
from lone_broker import LoneBroker
from stores import until
from submitters import PATH, Submitters, prove

CONNECTIONS = 10000
BACKLOG = int(os.environ.get("SLUICE_BACKLOG", "200000"))
BODY = b"b" * 1024
BATCH = 1000
EDGE_KIB, BROKER_KIB, WORKER_KIB = 64000, 128000, 64000
BYTES_A_WAITING = 96
# What a broker needs at all: code, sockets, two journal batches and the messages on their way.
BROKER_ROOM_KIB = 36 * 1024


def descriptors(n):
    """Raises the limit of this process, which its children inherit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n, max(n, hard)))


def idle_connections(port, n):
    """n connections; half of them have sent nothing, half half a request."""
    half = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Le".encode()
    found = []
    for i in range(n):
        s = socket.create_connection(("127.0.0.1", port))
        found.append(s)
        if i % 2:
            s.sendall(half)
    return found


def test_edge_with_ten_thousand_connections(stores):
    descriptors(12000)
    settings = {"edge": {"request_deadline": "120s"}}
    with Fleet(stores, workers=1, settings=settings) as fleet:
        idle = idle_connections(fleet.port, CONNECTIONS)
        try:
            with Submitters(fleet, n=4) as crowd:
                crowd.await_answers(300)
                rss = fleet["edge1"].rss_kib()
            worst_s = max(a.at_s - a.sent_s for a in crowd.answers)
            print(f"edge: {rss} KiB with {CONNECTIONS} connections; slowest answer beside them {worst_s:.3f} s")
            assert rss < EDGE_KIB
            assert not crowd.refusals and worst_s < 2
            assert all(still_open(s) for s in idle)
            finish_half_requests(idle[1:200:2])
        finally:
            for s in idle:
                s.close()
        assert fleet.post().status == 201
        fleet.reconcile()


def still_open(s):
    s.setblocking(False)
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True


def finish_half_requests(sockets):
    """Those that had begun are served when they go on."""
    body = json.dumps({"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0", "answers": DIARY,
                       "submitAt": "2026-11-22T08:00:00+01:00"}).encode()
    for s in sockets:
        s.settimeout(10)
        s.sendall(b"ngth: %d\r\nContent-Type: application/json\r\n\r\n" % len(body) + body)
        assert s.recv(4096).startswith(b"HTTP/1.1 20")


def publish(client, n):
    """n records in large batches, no more on their way than the window allows."""
    sent = accepted = 0
    window = min(client.welcome["window_messages"], client.welcome["window_bytes"] // 1200) // 2
    while accepted < n:
        while sent < n and sent - accepted + BATCH <= window:
            batch = min(BATCH, n - sent)
            made = (client.make(BODY, flags=protocol.ACCEPT_NOW, id=bytes(16)) for _ in range(batch))
            client.submit_records(b"".join(made))
            sent += batch
        command, _, frame = client.receive(30)
        assert command == protocol.ACCEPTED, command
        accepted += len(frame) // 40


def consume(worker, n):
    done = 0
    worker.pull()
    while done < n:
        batch = worker.take(30)
        worker.report(worker.lease, [(r.origin, "stored") for r in batch], messages=256, bytes=4 << 20)
        done += len(batch)


def test_broker_with_a_long_backlog():
    """No bodies in memory: at most 96 bytes a waiting message, the same after a restart; then all of it drains."""
    settings = {"segment_bytes": "64MiB", "journal_max_bytes": "8GiB", "heartbeat_interval": "1s", "lease_time": "10s",
                "max_messages": "2000000"}
    with LoneBroker(**settings) as broker:
        client = broker.client()
        empty = broker.rss_kib()
        began_s = time.monotonic()
        publish(client, BACKLOG)
        full, most, took_s = broker.rss_kib(), broker.rss_kib("VmHWM"), time.monotonic() - began_s
        assert broker.admin().rows("status")[0]["live"] == BACKLOG
        client.close()
        began_s = time.monotonic()
        broker.crash()
        replayed, replay_s = broker.rss_kib(), time.monotonic() - began_s
        print(f"broker: {empty} KiB empty, {full} (at most {most}) with {BACKLOG} waiting ({took_s:.1f} s), "
              f"{replayed} after a restart ({replay_s:.1f} s): {(full - empty) * 1024 / BACKLOG:.0f} bytes a message")
        bound = BROKER_ROOM_KIB + BACKLOG * BYTES_A_WAITING // 1024
        assert max(most, replayed) <= min(bound, BROKER_KIB), (most, replayed, bound)
        # Without what a flood leaves behind in buffers, the messages alone show.
        assert (replayed - empty - 4096) * 1024 <= BACKLOG * BYTES_A_WAITING, (empty, replayed)
        consume(broker.worker(service="submissions"), BACKLOG)
        until("the backlog to drain", 20, lambda: broker.admin().rows("status")[0]["live"] == 0)
        assert broker.rss_kib() <= min(bound, BROKER_KIB)
        broker.balance()


def test_worker_with_large_batches(stores):
    """Bodies near the limit, so many that every batch is as large as it may be."""
    with Fleet(stores, workers=1) as fleet:
        with Submitters(fleet, n=6, prefers=("respond-async",), filling="y" * 900000) as crowd:
            crowd.await_answers(60, 60)
        fleet.await_drained()
        rss = {name: fleet[name].rss_kib() for name in ("worker1", "edge1", "broker")}
        print(f"after {len(crowd.answers)} bodies of 900 KB: {rss} KiB")
        prove(fleet, crowd)
        assert rss["worker1"] < WORKER_KIB and rss["edge1"] < EDGE_KIB and rss["broker"] < BROKER_KIB, rss
