"""Hostile HTTP against a whole fleet: a clear refusal or a closed connection, nothing stored, nobody hurt.

Runs against any build (SLUICE_BIN); with a sanitizer build the same tests also search for its reports.
"""
import json
import random
import socket
import struct
import threading
import time

import pytest

from fleet import DIARY, TOKEN
from hostile import MARK, SANITIZED, SLOWER, Watched, high_descriptor, new_key, raw, statuses
from hostile_cases import (BAD_CHUNKS, BAD_JSON, CHUNKED, HEAD, HOST, PATH, REST, SMUGGLING, TEXT,
                           WRONG_ANSWERS)

INSERTED = (b"\r\n", b'"', b"{", b"}", b"\\", b"\xff", b":", b",", b"0", b"\x00", b"e9")
CLOSE = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def whole(text=TEXT, head=HEAD, key=None):
    """One valid request; a new submission unless key says which."""
    text = text if isinstance(text, bytes) else text.encode()
    return f"{head}Idempotency-Key: {key or new_key()}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text


@pytest.fixture(scope="module")
def fleet(stores):
    with Watched(stores) as fleet:
        yield fleet
        fleet.reconcile()


@pytest.fixture(autouse=True)
def on_time(fleet):
    """A test that leaves a dead process behind says so itself, not the next one."""
    yield
    assert all(p.alive() for p in fleet.processes.values()), fleet.ends()


def test_smuggling(fleet):
    """What is ambiguous is refused once, the connection closed, the request hidden behind never taken."""
    wrong = {}
    with fleet.attack():
        cases = {**SMUGGLING, **{name: CHUNKED + data for name, data in BAD_CHUNKS.items()}}
        for name, data in cases.items():
            got = raw(fleet, data.encode("utf-8", "surrogateescape") + whole())
            codes = [] if got is None else statuses(got)
            if len(codes) != 1 or codes[0] not in (400, 405, 505) or MARK.encode() in got:
                wrong[name] = codes
    assert not wrong


def test_heads_too_large(fleet):
    with fleet.attack():
        for head in (HEAD + "X: " + MARK + "x" * 70_000,
                     HEAD + "".join(f"X{i}: {MARK}\r\n" for i in range(5000)), HEAD + "x" * 70_000,
                     "\r\n" * 40_000 + HEAD, "GET /" + "a" * 70_000):
            got = raw(fleet, head.encode() + b"\r\n\r\n" + whole())
            assert got is not None and statuses(got) in ([431], [400]) and MARK.encode() not in got
        assert statuses(raw(fleet, whole(head=HEAD.replace(PATH, PATH + "?" + MARK * 500)))) == [414]
        got = raw(fleet, whole(head=HEAD + f"Idempotency-Key: {'x' * 200}\r\n"))
        assert statuses(got)[:1] == [400]


def test_bodies_too_large(fleet):
    with fleet.attack():
        for data in (HEAD + "Content-Length: 65537\r\n\r\n" + " " * 65537,
                     HEAD + f"Content-Length: {2**63 - 1}\r\n\r\n" + TEXT,
                     CHUNKED + "ffffffff\r\n" + " " * 100_000, CHUNKED + "7fffffffffffffff\r\n" + TEXT,
                     CHUNKED + "400\r\n" + " " * 1024 + "\r\n" + ("400\r\n" + " " * 1024 + "\r\n") * 100):
            got = raw(fleet, data.encode() + b"0\r\n\r\n" + whole())
            assert got is not None and statuses(got) in ([413], [400], [408])


def test_bad_json(fleet):
    """400 with a problem document that names a place and a rule and repeats nothing; the connection stays."""
    wrong = {}
    with fleet.attack():
        for name, text in BAD_JSON.items():
            got = raw(fleet, whole(text) + CLOSE)
            problem = json.loads(got.split(b"\r\n\r\n")[1].split(b"HTTP/1.1")[0]) if got else {}
            fine = statuses(got or b"") == [400, 200] and all(
                e.keys() == {"pointer", "rule", "detail"} for e in problem["errors"])
            if not fine or MARK.encode() in got:
                wrong[name] = got
    assert not wrong


def test_truncated_everywhere(fleet):
    """Every prefix of a valid request, ended by the client: no answer but a refusal, nothing stored."""
    request = whole()
    with fleet.attack():
        for n in range(0, len(request), 17 if SANITIZED else 5):
            got = raw(fleet, request[:n], end=True)
            assert got is not None and all(400 <= c < 500 for c in statuses(got)), (n, got)


def test_wrong_types_of_answers(fleet):
    """422 with the rules, kept as rejections; the values appear nowhere."""
    with fleet.attack() as more:
        for answers in WRONG_ANSWERS:
            got = fleet.post(answers={**DIARY, **answers}, headers={"Prefer": "wait=10"})
            assert got.status == 422 and got.json["kept"] and got.json["errors"], (answers, got.body)
            assert MARK.encode() not in got.body
            more["rejected"] += 1
        for members in ({"questionnaire": MARK}, {"version": MARK}):
            got = fleet.post(headers={"Prefer": "wait=10"}, **members)
            assert got.status == 202 and got.json["status"] == "held" and MARK.encode() not in got.body
            more["held"] += 1


def test_values_elsewhere_are_not_repeated(fleet):
    """Paths, queries, tokens, keys, header values: refused or ignored, never repeated, never logged."""
    with fleet.attack() as more:
        for head in (HEAD.replace("SUB123", MARK), HEAD.replace(PATH, "/" + MARK), HEAD.replace(TOKEN, MARK),
                     HEAD.replace("application/json", MARK), HEAD.replace("Bearer", MARK),
                     HEAD + f"Content-Encoding: {MARK}\r\n", HEAD + f"Expect: {MARK}\r\n"):
            got = raw(fleet, whole(head=head) + CLOSE)
            assert 400 <= statuses(got)[0] < 500 and MARK.encode() not in got, head
        for path in (f"/{MARK}", f"/api/v1/submissions/{MARK}", f"/healthz?{MARK}",
                     f"/api/v1/submissions/{new_key()}?receipt={MARK}"):
            got = raw(fleet, f"GET {path} HTTP/1.1\r\n{HOST}{REST}Connection: close\r\n\r\n".encode())
            assert statuses(got) and MARK.encode() not in got, path
        harmless = f"Cookie: {MARK}\r\nUser-Agent: {MARK}\r\ntraceparent: {MARK}\r\nForwarded: for={MARK}\r\n"
        harmless += f"Prefer: {MARK}=1, wait=10\r\n"
        got = raw(fleet, whole(key=MARK, head=HEAD + harmless) + CLOSE)
        assert statuses(got) == [201, 200] and MARK.encode() not in got
        more["stored"] += 1


def test_request_ids_stay_one_line(fleet):
    with fleet.attack():
        for value in ("a b", 'a"b', "a\tb", "x" * 3000, "\u00e9\u00ff", "<script>", "%0d%0aX: y"):
            head = f"GET /{MARK} HTTP/1.1\r\n{HOST}X-Request-Id: {value}\r\nConnection: close\r\n\r\n"
            got = raw(fleet, head.encode())
            back = [line for line in got.split(b"\r\n") if line.lower().startswith(b"x-request-id:")]
            assert statuses(got) == [404] and len(back) == 1 and len(back[0]) < 200 and back[0].isascii()


def test_pipelined_garbage(fleet):
    """A good request is answered; the garbage behind it ends the connection."""
    with fleet.attack() as more:
        for garbage in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"{" * 70_000,
                        random.Random(1).randbytes(3000), whole(head=HEAD + " x: y\r\n")):
            got = raw(fleet, whole() + garbage + b"\r\n\r\n" + whole())
            codes = statuses(got)
            assert codes[0] == 201 and len(codes) <= 2 and all(c >= 400 for c in codes[1:]), codes
            more["stored"] += 1


def test_slow_and_half_open(fleet):
    """Drips, stalls and silence: cut off by the total deadline or the idle one, all at the same time."""
    request, chunked = whole(), (CHUNKED + "5\r\n").encode()
    stalls = {b"", b"G", request[:40], request[:len(HEAD)], request[:-1], chunked, chunked + b"{", CLOSE[:-2]}
    drips = [request, CHUNKED.encode() + b"1\r\n \r\n" * 2000, b"\r\n" + request,
             HEAD.encode() + b"X: " + b"a" * 5000]
    limit_s = 12 * SLOWER
    results = []

    def one(data, step):
        began, got = time.monotonic(), b""
        with socket.create_connection(("127.0.0.1", fleet.port), timeout=limit_s) as s:
            try:
                for i in range(0, len(data), step):
                    s.sendall(data[i:i + step])
                    if step == 1:
                        s.settimeout(0.02)
                        try:
                            piece = s.recv(4096)
                            got += piece
                            if not piece:
                                break
                        except TimeoutError:
                            continue
                s.settimeout(limit_s)
                while piece := s.recv(4096):
                    got += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            except TimeoutError:
                got = None
        results.append((data[:60], step, time.monotonic() - began, got))

    with fleet.attack():
        threads = [threading.Thread(target=one, args=(d, max(1, len(d)))) for d in stalls for _ in range(5)]
        threads += [threading.Thread(target=one, args=(d, 1)) for d in drips for _ in range(5)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    for data, step, took, got in results:
        assert got is not None and took < 8 * SLOWER, (data, step, took)
        assert statuses(got) in ([408], []) and (statuses(got) or not data), (data, step, got)


def test_reset_in_the_middle(fleet):
    """Connections reset by the client before its request is whole."""
    request = whole()
    with fleet.attack():
        for i in range(300):
            s = socket.create_connection(("127.0.0.1", fleet.port))
            s.sendall(request[:i % (len(request) - 1)])
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.close()


def test_clients_that_do_not_read(fleet):
    """Answers nobody takes: the edge neither keeps them without bound nor waits for them."""
    before = fleet["edge1"].rss_kib()
    get = b"GET /api/v1/submissions/x HTTP/1.1\r\nHost: a\r\n\r\n"
    with fleet.attack():
        deaf = []
        for _ in range(40):
            s = socket.create_connection(("127.0.0.1", fleet.port))
            s.setblocking(False)
            try:
                for _ in range(200):
                    s.send(get * 500)
            except (BlockingIOError, ConnectionResetError, BrokenPipeError):
                pass
            deaf.append(s)
        for s in deaf:
            s.close()
    assert fleet["edge1"].rss_kib() - before < (16 << 10) * SLOWER


def test_thousands_of_idle_connections(fleet):
    """Silent ones and ones in the middle of a head; all are gone by the idle timeout."""
    held = []
    with fleet.attack():
        for i in range(3000):
            s = high_descriptor(socket.create_connection(("127.0.0.1", fleet.port)))
            if i % 3 == 0:
                s.sendall(HEAD[:i % len(HEAD)].encode())
            held.append(s)
        if not SANITIZED:
            assert fleet["edge1"].rss_kib() < 64 << 10
    for s in held:
        try:
            while s.recv(4096):
                pass
        except ConnectionResetError:
            pass
        s.close()


def test_mutations(fleet):
    """Valid requests with bytes changed, cut, doubled: every answer agrees with the books, row by row."""
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    stored, refused = set(), {"rejected": 0, "held": 0, "conflict": 0}
    with fleet.attack() as more:
        for _ in range(100 if SANITIZED else 400):
            data = bytearray(whole())
            for _ in range(chance.choice((1, 1, 2, 5))):
                at, n = chance.randrange(len(data)), chance.randrange(1, 9)
                kind = chance.randrange(4)
                if kind == 0:
                    data[at] = chance.randrange(256)
                elif kind == 1:
                    del data[at:at + n]
                elif kind == 2:
                    data[at:at] = data[at:at + n] * chance.choice((1, 3, 50))
                else:
                    data[at:at] = chance.choice(INSERTED)
            got = raw(fleet, bytes(data), end=True)
            assert got is not None, bytes(data)
            for code in statuses(got):
                body = got.split(b"\r\n\r\n", 1)[1] if code in (201, 202, 409, 422) else b"{}"
                answer = json.JSONDecoder().raw_decode(body.decode())[0]
                if code == 201:
                    more["duplicate" if answer["id"] in stored else "stored"] += 1
                    stored.add(answer["id"])
                elif code in (202, 409, 422):
                    refused[{202: "held", 409: "conflict", 422: "rejected"}[code]] += 1
                else:
                    assert 400 <= code < 500 or code == 505, (code, bytes(data))
        more.update((k, more[k] + n) for k, n in refused.items())
