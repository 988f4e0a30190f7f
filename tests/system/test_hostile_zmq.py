"""Hostile peers on the broker's three endpoints, beside a whole fleet that must not notice.

test_protocol_garbage.py holds a lone broker to its answers; here edges, workers and stores are at its other
side while a client posts, and what is forged, replayed or tampered with must leave no row behind.
"""
import concurrent.futures
import os
import random
import secrets
import socket
import struct
import uuid

import msgpack
import pytest
from nacl import bindings

from fleet import DIARY, STUDY
from hostile import MARK, SLOWER, Watched, high_descriptor, until_equal
from protocol import (BYE, DELIVER, DRAIN, ERROR, EXTEND, HEARTBEAT, HELLO, LOCATE, LOCATED, OUTCOME, OUTCOMES,
                      PULL, READY, RECORD, REPLY, REPORT, REQUEST, RESET, RETURN, SUBMIT, VERSION, VOLATILE, WELCOME,
                      Admin, Client, Peer, Worker, record, report_entry)
from stores import until

COMMANDS = [HELLO, WELCOME, SUBMIT, OUTCOME, LOCATE, LOCATED, READY, PULL, DELIVER, REPORT, EXTEND, RETURN, DRAIN,
            BYE, REQUEST, REPLY, HEARTBEAT, RESET, ERROR, 0, 0x7f, 0xff]
KEYS = ("incarnation", "name", "version", "worker", "service", "host", "pid", "messages", "bytes", "lease", "request",
        "verb", "query", "scope", "id", "epoch", "seq", "limit", "after")
HEADERS = {
    "array of 4 thousand million": b"\xdd\xff\xff\xff\xff",
    "map of 4 thousand million": b"\xdf\xff\xff\xff\xff",
    "text of 4 GiB": b"\x81\xdb\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\x81\xa1a\xc6\xff\xff\xff\xff",
    "extension of 4 GiB": b"\x81\xa1a\xc9\xff\xff\xff\xff\x01",
    "deep arrays": b"\x91" * 60_000,
    "deep maps": b"\x81\xa1a" * 20_000,
    "wide and deep": (b"\xdc\xff\xff") * 20_000,
    "cut": b"\x81\xa8incarn",
    "nothing": b"",
    "reserved byte": b"\xc1",
    "not a map": msgpack.packb([1, 2]),
    "nil": b"\xc0",
    "a tail": b"\x80\x80",
    "keys that are numbers": msgpack.packb({1: 2, 3: 4}),
    "keys that are maps": b"\x81\x80\x01",
    "a key twice": b"\x82\xa5lease\x01\xa5lease\x02",
    "bad UTF-8 in a key": b"\x81\xa2\xff\xfe\x01",
    "wrong types":
        msgpack.packb({k: [MARK] for k in KEYS}),
    "numbers past all":
        msgpack.packb(dict.fromkeys(KEYS, 2**64 - 1)),
    "negative numbers":
        msgpack.packb(dict.fromkeys(KEYS, -2**63)),
    "long names":
        msgpack.packb({**dict.fromkeys(KEYS, 1), "worker": "w" * 60_000, "service": "s" * 33, "host": "h" * 300}),
    "names of control characters":
        msgpack.packb({**dict.fromkeys(KEYS, "a\n\x1b[2J\x00b"), "incarnation": 1, "pid": 1, "request": 1}),
    "floats":
        msgpack.packb({"incarnation": 1e308, "lease": float("nan"), "messages": 1.5, "request": float("inf")}),
}
FRAMES = [[], [b""], [b"", b"", b"", b""], [b"\xff" * 1000], [struct.pack("<I", 2**32 - 1) * 50], [b"\x00" * 300],
          [struct.pack("<I", 0) * 100]]
MESSAGES = [[b""], [b"", VERSION], [VERSION], [b"SLU\x00", b"\x01", b"\x80"], [b"SLU\xff", b"\x01", b"\x80"],
            [VERSION, b""], [VERSION, b"\x01" * 100, b"\x80"], [VERSION] * 500,
            [VERSION, b"\x03", b"\x80", *[b"x"] * 2000], [b"MDPC01", b"echo", b"x"]]
HOSTILE_ANSWERS = [
    HEADERS["deep arrays"], HEADERS["map of 4 thousand million"], b"\x81\xa5notes\xa3\xff\xfe\xfd", b"\x81\x01\x02",
    b"\x81\xa4pain\xc7\xff\x01" + b"9" * 255, b"\x81\xa4pain\xc7\x01\x01x", b"\x81\xa4pain\xc7\x00\x01",
    b"\x81\xa4pain\xc4\x01x",
    b"\x81\xa4pain\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", b"\x82\xa4pain\x01\xa4pain\x02", b"\x81\xa5notes\xa1\x00",
    b"\x81\xa4pain\xc7\x08\x011e131071",
]
HOSTILE_PAYLOADS = {
    "nothing": b"",
    "array of 4 thousand million": b"\xdd\xff\xff\xff\xff",
    "deep": b"\x91" * 200_000,
    "cut": b"\x81\xa6errors\xdc\xff\xff",
    "not a map": b"\x01",
    "errors a number": msgpack.packb({"errors": 7}),
    "errors of numbers": msgpack.packb({"errors": [1, None, [], {"pointer": 1}]}),
    "errors of control characters":
        msgpack.packb({"errors": [{"pointer": '/"\r\n\x00', "rule": "\x1b[2J", "detail": '"}],"x":["'}]}),
    "bad UTF-8": b"\x81\xa6errors\x91\x81\xa4rule\xa3\xff\xfe\xfd",
    "times past all":
        msgpack.packb({"stored_us": 2**64 - 1, "received_us": -2**63, "accepted_us": 2**63 - 1}),
    "names that are lists": msgpack.packb({"questionnaire": [1], "version": {}, "stored_us": "x"}),
    "a long name": msgpack.packb({"questionnaire": "q" * 250_000}),
    "30,000 errors": msgpack.packb({"errors": [{"rule": "r"}] * 30_000}),
    "a key twice": b"\x82\xa6errors\x90\xa6errors\xc0",
    "random": random.Random(5).randbytes(5000),
}


@pytest.fixture(scope="module")
def fleet(stores):
    with Watched(stores) as fleet:
        yield fleet
        fleet.reconcile()


@pytest.fixture
def peers():
    made = []
    yield lambda kind, *how, **more: made.append(kind(*how, **more)) or made[-1]
    for peer in made:
        peer.close()


def memory(fleet):
    return {name: p.rss_kib() for name, p in fleet.processes.items()}


def grew(before, fleet, limit_kib):
    """The processes that grew by more than that; a sanitizer keeps freed memory for a while."""
    limit_kib = limit_kib * SLOWER + (96 << 10 if SLOWER > 1 else 0)
    return {name: kib - before[name] for name, kib in memory(fleet).items() if kib - before[name] > limit_kib}


def drop_answers(peer):
    while peer.socket.poll(0):
        peer.socket.recv_multipart()


def discard_dead(admin):
    for d in admin.rows("dead", limit=1000):
        admin.rows("discard", epoch=d["epoch"], seq=d["seq"])
    assert admin.rows("dead") == []


def seal(fleet, id, plain, scope=STUDY, service="submissions", key=None):
    """Sealed as the edge would, by the fleet's first key or another (id, key)."""
    with open(fleet.path("seal.keys")) as f:
        number, secret = f.readline().split()
    number, secret = key or (int(number), bytes.fromhex(secret))
    nonce = secrets.token_bytes(24)
    context = bytes([len(service)]) + service.encode() + bytes([len(scope)]) + scope.encode() + id
    return struct.pack("<I", number) + nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plain, context, nonce, secret)


def plain_body(id, /, **inner):
    """The inside of a sealed body, good unless inner says otherwise; "answers" come last."""
    answers = {k: v for k, v in DIARY.items() if not isinstance(v, float)}
    submission = {"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0",
                  "submitAt": "2026-11-22T08:00:00Z", "answers": answers}
    return {"id": id, "study": STUDY, "subject": "SUB123", "received_us": 1795334400_000000, "request_id": "r",
            "submission": submission, **inner}


def forged_body(fleet, inner=None, **how):
    """(id, sealed body)"""
    id = uuid.uuid4().bytes
    return id, seal(fleet, id, msgpack.packb(plain_body(id, **(inner or {}))), **how)


def test_hostile_headers_and_frames(fleet, peers):
    """Every command with every hostile header on every endpoint, from strangers and from introduced peers."""
    before = memory(fleet)
    chance = random.Random(2)
    with fleet.attack():
        for endpoint in "cwa":
            strangers = [peers(Peer, fleet.endpoint(endpoint))]
            if endpoint == "c":
                strangers.append(peers(Client, fleet.endpoint("c")))
            if endpoint == "w":
                strangers.append(peers(Worker, fleet.endpoint("w"), "stranger", service="elsewhere"))
            for peer in strangers:
                for command in COMMANDS:
                    for header in HEADERS.values():
                        peer.socket.send_multipart([VERSION, bytes([command]), header, *chance.choice(FRAMES)])
                    drop_answers(peer)
                for frames in MESSAGES:
                    peer.socket.send_multipart(frames)
                    drop_answers(peer)
    assert not grew(before, fleet, 24 << 10)


def test_giant_frames(fleet, peers):
    """More than a message may have ends the sender's connection; nothing of it stays in memory."""
    before = memory(fleet)
    giant = bytes(32 << 20)
    with fleet.attack():
        for endpoint in "cwa":
            for frames in ([giant], [VERSION, b"\x03", giant], [VERSION, b"\x03", b"\x80", giant]):
                for _ in range(2):
                    peers(Peer, fleet.endpoint(endpoint)).socket.send_multipart(frames)
    until("the broker's memory to be what it was", 20, lambda: not grew(before, fleet, 32 << 10))


def lies(client, sealed):
    """Records that say something untrue about themselves."""
    good = client.make(sealed)
    size = RECORD.size
    lengths = (0, 1, size - 1, size, len(good) - 1, len(good) + 1, 2**31, 2**32 - 1)
    for offset, form, values in ((0, "<I", lengths), (8, "B", (0, 2, 255)), (9, "B", (16, 255)),
                                 (12, "B", (0, 33, 255)), (13, "B", (65, 255)), (14, "<H", (1, 65535)),
                                 (32, "<Q", (0, client.incarnation + 1, 2**64 - 1))):
        for value in values:
            bad = bytearray(good)
            struct.pack_into(form, bad, offset, value)
            yield bytes(bad)
    yield good + b"\x00" * 7
    yield good[:-1]
    yield good + good[:50]
    yield b""


def test_records_with_lying_lengths(fleet, peers):
    client = peers(Client, fleet.endpoint("c"))
    with fleet.attack():
        for bad in lies(client, forged_body(fleet)[1]):
            client.submit_records(bad)
            assert client.expect(ERROR)[1]["code"] in ("record", "header")


@pytest.mark.parametrize("outcome", ["stored", "rejected", "dead"])
def test_reports_for_foreign_leases(fleet, peers, outcome):
    """A worker that was never given a message reports it done, under every lease there could be."""
    admin = peers(Admin, fleet.endpoint("a"))
    thief = peers(Worker, fleet.endpoint("w"), "thief", service="submissions")
    before = fleet.books()
    admin.rows("pause", service="submissions")
    ids = [fleet.post(headers={"Prefer": "respond-async"}).json["id"] for _ in range(5)]
    waiting = [(r["epoch"], r["seq"]) for r in admin.rows("live", limit=1000)]
    assert len(waiting) == 5
    for lease in [*range(1, 3000, 7), 2**63, 2**64 - 1]:
        thief.send(REPORT, {"lease": lease}, b"".join(report_entry(origin, outcome, b"\x80") for origin in waiting))
        thief.send(RETURN, {"lease": lease})
        thief.send(EXTEND, {"lease": lease})
        drop_answers(thief)
    assert admin.rows("ledger")[0]["live"] == 5
    thief.send(BYE)
    admin.rows("resume", service="submissions")
    until_equal(fleet.books, {**before, "accepted": before["accepted"] + 5, "stored": before["stored"] + 5,
                              "submissions rows": before["submissions rows"] + 5})
    assert {str(i) for i, in fleet.query("select submission_id from sluice.submissions")} >= set(ids)


def test_a_lease_belongs_to_one_worker(fleet, peers):
    client = peers(Client, fleet.endpoint("c"))
    owner, thief = (peers(Worker, fleet.endpoint("w"), name, service="probe") for name in ("owner", "thief2"))
    before = fleet.books()
    owner.pull()
    client.submit(b"x", service="probe")
    (r,) = owner.take()
    for command, *frames in ((REPORT, report_entry(r.origin, "dead")), (RETURN,), (EXTEND,)):
        thief.send(command, {"lease": owner.lease}, *frames)
    for _ in range(2):  # answered in order: what it sent before was worked off
        assert thief.expect(ERROR)[1]["code"] == "state"
    owner.report(owner.lease, [(r.origin, "dead")])
    (outcome,) = client.await_entries(OUTCOME, 1).values()
    assert outcome["code"] == OUTCOMES["dead"] and outcome["origin"] == r.origin
    owner.report(owner.lease, [(r.origin, "dead"), (r.origin, "stored")])  # once more: too late
    until_equal(fleet.books, {**before, "accepted": before["accepted"] + 1, "dead": before["dead"] + 1})
    discard_dead(peers(Admin, fleet.endpoint("a")))


def test_replayed_and_forged_counters(fleet, peers):
    """The same record again and again, under the same and other request ids: one row."""
    client, other = peers(Client, fleet.endpoint("c")), peers(Client, fleet.endpoint("c"))
    id, sealed = forged_body(fleet)
    with fleet.attack() as more:
        first = client.make(sealed, scope=STUDY, id=id)
        client.submit_records(first)
        assert client.await_entries(OUTCOME, 1)[1]["code"] == OUTCOMES["stored"]
        more["stored"] += 1
        for _ in range(20):
            client.submit_records(first)
            assert client.await_entries(OUTCOME, 1)[1]["code"] == OUTCOMES["duplicate"]
            more["duplicate"] += 1
        for counter in (0, 2**63, 2**64 - 1):
            client.submit_records(record(client.incarnation, counter, sealed, scope=STUDY, id=id))
            assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["duplicate"]
            more["duplicate"] += 1
        # Another's incarnation, in the header or in the record: refused.
        other.submit_records(first)
        assert other.expect(ERROR)[1]["code"] == "record"
        other.send(SUBMIT, {"incarnation": client.incarnation}, first)
        assert other.receive()[0] in (ERROR, RESET)


def tampered(fleet):
    """(what is wrong, scope, id, body): a worker that opens it must call it dead."""
    id, sealed = forged_body(fleet)
    for at in (4, 27, 28, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[at] ^= 1
        yield f"bit {at}", STUDY, id, bytes(changed)
    yield "cut", STUDY, id, sealed[:-1]
    yield "key id alone", STUDY, id, sealed[:4]
    yield "less than a key id", STUDY, id, b"\x01"
    yield "nothing", STUDY, id, b""
    yield "for another message", STUDY, uuid.uuid4().bytes, sealed
    yield "for another study", "NCT008", id, sealed
    yield "for another service", STUDY, *forged_body(fleet, service="queries")
    yield "by another key of that id", STUDY, *forged_body(fleet, key=(1, secrets.token_bytes(32)))
    for inner in ({"subject": "SUB999"}, {"study": "NCT008"}, {"id": os.urandom(16)}, {"submission": 7},
                  {"subject": None}):
        yield f"{inner} inside", STUDY, *forged_body(fleet, inner=inner)


def test_tampered_bodies_are_dead(fleet, peers):
    """Dead at the first attempt, not stored, not tried again; the broker keeps them for a person to look at."""
    client, admin = peers(Client, fleet.endpoint("c")), peers(Admin, fleet.endpoint("a"))
    with fleet.attack() as more:
        for what, scope, id, body in tampered(fleet):
            (counter,) = client.submit(body, scope=scope, id=id)
            assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["dead"], what
            more["dead"] += 1
    dead = admin.rows("dead", limit=1000)
    assert len(dead) == more["dead"]
    assert {d["attempt"] for d in dead} == {1} and {d["state"] for d in dead} == {"dead"}
    assert len(fleet.ctl_json("dead", "list")) == len(dead)
    discard_dead(admin)


def test_hostile_bodies_under_a_good_seal(fleet, peers):
    """A peer that has the key: what is inside is still not trusted."""
    client, admin = peers(Client, fleet.endpoint("c")), peers(Admin, fleet.endpoint("a"))
    with fleet.attack() as more:
        for what, plain in HEADERS.items():
            id = uuid.uuid4().bytes
            sealed = seal(fleet, id, plain)
            (counter,) = client.submit(sealed, scope=STUDY, id=id)
            assert client.await_entries(OUTCOME, 1)[counter]["code"] == OUTCOMES["dead"], what
            more["dead"] += 1
        for answers in HOSTILE_ANSWERS:
            id = uuid.uuid4().bytes
            body = plain_body(id)
            body["submission"]["answers"] = 0
            sealed = seal(fleet, id, msgpack.packb(body)[:-1] + answers)
            (counter,) = client.submit(sealed, scope=STUDY, id=id)
            code = client.await_entries(OUTCOME, 1)[counter]["code"]
            assert code in (OUTCOMES["dead"], OUTCOMES["rejected"]), (answers[:40], code)
            more["dead" if code == OUTCOMES["dead"] else "rejected"] += 1
    discard_dead(admin)


def test_an_unknown_key_waits_and_disturbs_nobody(fleet, peers):
    """It may be a key that has not come yet: tried again while others are served, stored once it is there."""
    client, admin = peers(Client, fleet.endpoint("c")), peers(Admin, fleet.endpoint("a"))
    key = (4294967295, secrets.token_bytes(32))

    def attempts():
        return [r["attempt"] for r in admin.rows("peek", service="submissions", limit=1000)]

    with fleet.attack() as more:
        for _ in range(50):
            id, sealed = forged_body(fleet, key=key)
            client.submit(sealed, scope=STUDY, id=id)
        until("three attempts of each", 20, lambda: len(attempts()) >= 50 and min(attempts()) >= 3)
        more["live"] += 50
    before = fleet.books()
    with open(fleet.path("seal.keys"), "a") as f:
        f.write(f"{key[0]} {key[1].hex()}\n")
    for name in ("worker1", "worker2"):
        assert fleet[name].terminate() == 0
        fleet[name].start()
    until_equal(fleet.books, {**before, "live": 0, "stored": before["stored"] + 50,
                              "submissions rows": before["submissions rows"] + 50}, 20)


def test_thousands_that_never_speak(fleet):
    """Connections without a greeting, with half of one, with a greeting and then nothing."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL" + bytes(16) + b"\x00" + bytes(31)
    before, held = memory(fleet), []
    with fleet.attack():
        for i in range(600):
            for endpoint in "cwa":
                s = high_descriptor(socket.socket(socket.AF_UNIX))
                s.connect(fleet.path(endpoint))
                s.send((b"", greeting[:7], greeting, b"GET / HTTP/1.1\r\n\r\n", os.urandom(50))[i % 5] or b"\xff")
                held.append(s)
        assert not grew(before, fleet, 64 << 10)
        for s in held:  # the broker lets go of each by itself
            try:
                while s.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            s.close()


def beside(liar, outcome, payload, call, *how, **more):
    """(the answer to an HTTP request, the record that liar got for it and reported like that)"""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call, *how, **more)
        liar.pull(messages=1)
        (r,) = liar.take()
        liar.report(liar.lease, [(r.origin, outcome, payload(r) if callable(payload) else payload)])
        return answer.result(30), r


def test_a_lying_worker_hurts_no_edge(stores, peers):
    """Outcomes with hostile payloads: each request gets a whole answer all the same, and the edge goes on."""
    with Watched(stores, workers=0, queries=0) as fleet:
        before = memory(fleet)
        liar = peers(Worker, fleet.endpoint("w"), "liar", service="submissions")
        for outcome, status in (("stored", 201), ("rejected", 422), ("conflict", 409), ("held", 202),
                                ("duplicate", 201), ("dead", 202)):
            for what, payload in HOSTILE_PAYLOADS.items():
                answer, r = beside(liar, outcome, payload, fleet.post, headers={"Prefer": "wait=10"})
                assert answer.status == status, (outcome, what, answer.status, answer.body[:300])
                assert answer.json["id"] == str(uuid.UUID(bytes=r.id)), (outcome, what)
        liar.send(BYE)
        assert not grew(before, fleet, 32 << 10)
        discard_dead(peers(Admin, fleet.endpoint("a")))
        fleet.process("worker1", "sluice-worker", "--service", "submissions", "--name", "worker1").start()
        until("a submission to be stored", 10, lambda: fleet.post(headers={"Prefer": "wait=10"}).status == 201)


def test_a_lying_query_worker_hurts_no_edge(stores, peers):
    """Replies that do not open, or open to nonsense: 503 or 404, never another's data, and the edge goes on."""
    with Watched(stores, queries=0) as fleet:
        liar = peers(Worker, fleet.endpoint("w"), "liar", service="queries")

        def ask(reply):
            answer, r = beside(liar, "answered", reply, fleet.request, "GET", f"/api/v1/submissions/{uuid.uuid4()}")
            assert r.flags & VOLATILE
            return answer

        def sealed(payload):
            return lambda r: seal(fleet, r.id, payload, scope=r.scope, service="queries/reply")

        for what, payload in {"unsealed": b"x" * 100, **HOSTILE_PAYLOADS}.items():
            for reply in (payload, sealed(payload)):
                answer = ask(reply)
                assert answer.status in (404, 503), (what, answer.status, answer.body[:300])
        foreign = {"found": True, "state": "stored", "study": "NCT008", "questionnaire": MARK}
        answer = ask(sealed(msgpack.packb(foreign)))
        assert answer.status == 404 and MARK.encode() not in answer.body
        assert fleet.post(headers={"Prefer": "wait=10"}).status == 201
        fleet.reconcile()


def test_more_connections_than_descriptors(stores, peers):
    """A broker out of descriptors keeps those it knows, closes the others and still opens its segments."""
    with Watched(stores, settings={"broker": {"segment_bytes": "1MiB"}},
                 wrap={"broker": ["prlimit", "--nofile=256:256", "--"]}) as fleet:
        with fleet.attack() as more:
            held = []
            for i in range(600):
                s = high_descriptor(socket.socket(socket.AF_UNIX))
                s.connect(fleet.path("cwa"[i % 3]))
                held.append(s)
            for _ in range(20):  # several segments' worth, while nobody else may connect
                answer = fleet.post(answers={**DIARY, "notes": "n" * 60_000}, headers={"Prefer": "wait=10"})
                assert answer.status == 201, answer.body
                more["stored"] += 1
            for s in held:
                s.close()

        def connects():
            client = peers(Client, fleet.endpoint("c"), hello=False)
            client.send(HELLO, {"incarnation": client.incarnation, "name": "late", "version": "1"})
            return client.receive(1) is not None

        until("a new client to be welcome", 10, connects)
        assert len(os.listdir(fleet.path("journal"))) > 3
        fleet.reconcile()
