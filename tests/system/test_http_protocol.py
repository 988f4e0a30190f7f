"""HTTP itself: methods, framing, deadlines, pipelining, bounds, draining."""
import json
import re
import resource
import signal
import socket
import threading
import time

import pytest

from http_rig import PATH, TOKEN, Rig, body, read_all

TEXT = json.dumps(body())
HEAD = (f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
        "Content-Type: application/json\r\n")
POST = f"{HEAD}Content-Length: {len(TEXT)}\r\n\r\n{TEXT}".encode()
GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def rig():
    with Rig(request_deadline="1s", idle_timeout="2s", max_body_bytes="64KiB") as rig:
        yield rig


def talk(rig, data):
    with rig.connect() as s:
        s.sendall(data)
        return read_all(s)


def statuses(data):
    return [int(x) for x in re.findall(rb"HTTP/1\.1 (\d{3})", data)]


def test_methods(rig):
    assert rig.request("GET", "/healthz", token=None).status == 200
    a = rig.request("HEAD", "/healthz", token=None)
    assert a.status == 200 and a.body == b"" and int(a.headers["Content-Length"]) > 0
    a = rig.request("DELETE", PATH)
    assert a.status == 405 and a.headers["Allow"] == "POST, OPTIONS"
    a = rig.request("OPTIONS", "/api/v1/submissions/x")
    assert a.status == 204 and a.headers["Allow"] == "GET, HEAD, PUT, OPTIONS"
    assert rig.request("GET", "/nothing").status == 404
    assert rig.request("GET", "/metrics").status == 404
    assert rig.request("GET", "/metrics", token=None, port=rig.metrics_port).status == 200
    assert rig.request("POST", PATH, body(), port=rig.metrics_port).status == 404
    assert rig.request("GET", "/readyz", token=None).status == 200


@pytest.mark.parametrize("data", [
    f"{HEAD}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode(),
    f"{HEAD}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef".encode(),
    f"{HEAD}Transfer-Encoding: chunked, identity\r\n\r\n".encode(),
    f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nabc".encode() + b"\nXX\r\n0\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: a\n\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
])
def test_framing_ends_the_connection(rig, data):
    """One refusal, and what was hidden behind it is never taken for a request."""
    answer = talk(rig, data + GET)
    assert statuses(answer) == [400] and b"Connection: close" in answer


def test_versions(rig):
    assert statuses(talk(rig, b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n")) == [505]
    assert statuses(talk(rig, b"GET /healthz HTTP/1.0\r\n\r\n")) == [200]
    answer = talk(rig, b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + LAST)
    assert statuses(answer) == [200, 200] and b"Connection: keep-alive" in answer


def test_pipelined(rig):
    rig.mode("stored")
    answer = talk(rig, POST + GET + POST + b"GET /no HTTP/1.1\r\nHost: a\r\n\r\n" + POST + LAST)
    assert statuses(answer) == [201, 200, 201, 404, 201, 200]


def test_pipelined_whole_requests_past_the_bound(rig):
    """Reading stopped, and what is kept ends exactly with a request: then it goes on, too."""
    n = 100_000 // len(POST)
    with rig.connect(timeout=1) as s:
        s.sendall(POST * n)
        answer = b""
        while len(statuses(answer)) < n or not answer.endswith(b"}"):
            answer += s.recv(65536)
        s.sendall(POST + LAST)
        assert statuses(read_all(s)) == [201, 200]


def test_pipelined_beyond_what_is_kept(rig):
    """More than the edge keeps while one request is in work: reading stops and goes on."""
    n = 2000
    got = []
    with rig.connect() as s:
        reader = threading.Thread(target=lambda: got.append(read_all(s)))
        reader.start()
        for _ in range(n):
            s.sendall(POST)
        s.sendall(LAST)
        reader.join(30)
    assert statuses(got[0]) == [201] * n + [200]


def test_byte_by_byte(rig):
    with rig.connect() as s:
        for i in range(0, len(POST), 7):
            s.sendall(POST[i:i + 7])
        assert statuses(s.recv(4096)) == [201]


def test_chunked(rig):
    data = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode()
    for i in range(0, len(TEXT), 10):
        piece = TEXT[i:i + 10].encode()
        data += b"%x\r\n%s\r\n" % (len(piece), piece)
    assert statuses(talk(rig, data + b"0\r\n\r\n" + LAST)) == [201, 200]
    big = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + b"ffff\r\n" + b" " * 65535 + b"\r\n2\r\n  \r\n"
    assert statuses(talk(rig, big)) == [413]


def test_expect(rig):
    with rig.connect() as s:
        s.sendall(f"{HEAD}Expect: 100-continue\r\nContent-Length: {len(TEXT)}\r\n\r\n".encode())
        assert s.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(TEXT.encode())
        assert statuses(s.recv(4096)) == [201]
    assert statuses(talk(rig, f"{HEAD}Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n".encode())) == [413]
    assert statuses(talk(rig, f"{HEAD}Expect: magic\r\nContent-Length: 5\r\n\r\nabcde".encode() + LAST)) == [417]


def test_too_large_is_told_before_the_body(rig):
    with rig.connect() as s:
        s.sendall(f"{HEAD}Content-Length: 100000000\r\n\r\n".encode())
        assert statuses(s.recv(4096)) == [413]
    assert rig.request("POST", PATH, " " * 65536).status == 400
    assert rig.request("POST", PATH, " " * 65537).status == 413


def test_refused_but_alive(rig):
    """A small body of a refused request is read, and the connection stays."""
    bad = POST.replace(b"application/json", b"text/plain")
    assert statuses(talk(rig, bad + POST.replace(TOKEN.encode(), b"x" * len(TOKEN)) + LAST)) == [415, 401, 200]


def test_head_too_large(rig):
    assert statuses(talk(rig, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70000)) == [431]
    assert statuses(talk(rig, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == [414]


@pytest.mark.parametrize("data", [b"GET /hea", POST[:100], POST[:-1]])
def test_total_deadline(rig, data):
    start = time.monotonic()
    assert statuses(talk(rig, data)) == [408]
    assert 0.9 < time.monotonic() - start < 5


def test_slow_drip(rig):
    """Bytes that keep coming do not move the deadline."""
    start = time.monotonic()
    with rig.connect() as s:
        try:
            for i in range(100):
                s.sendall(POST[i:i + 1])
                s.settimeout(0.05)
                try:
                    if s.recv(4096):
                        break
                except TimeoutError:
                    continue
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert 0.9 < time.monotonic() - start < 4


def test_idle_is_cut(rig):
    start = time.monotonic()
    with rig.connect() as s:
        assert s.recv(1) == b""
    assert 1.9 < time.monotonic() - start < 6


def test_half_closed_gets_its_answer(rig):
    with rig.connect() as s:
        s.sendall(POST)
        s.shutdown(socket.SHUT_WR)
        assert statuses(read_all(s)) == [201]


def test_connections_bound():
    with Rig(max_connections=5) as rig:
        held = [rig.connect() for _ in range(5)]
        for s in held:
            s.sendall(GET)
            assert statuses(s.recv(4096)) == [200]
        with rig.connect() as extra:
            assert read_all(extra) == b""
        for s in held:
            s.close()
        deadline = time.monotonic() + 5
        while True:
            with rig.connect() as s:
                s.sendall(LAST)
                if statuses(read_all(s)) == [200]:
                    break
            assert time.monotonic() < deadline


def test_two_processes_share_a_port():
    with Rig(edges=2) as rig:
        prefixes = {rig.request("GET", "/healthz", token=None).headers["X-Request-Id"].split("-")[0] for _ in range(60)}
        assert len(prefixes) == 2


def test_drain():
    """SIGTERM: what is in work is answered and its connection closed; idle ones are closed; exit 0."""
    with Rig(wait="1s") as rig:
        rig.mode("accept")
        idle, busy = rig.connect(), rig.connect()
        idle.sendall(GET)
        assert statuses(idle.recv(4096)) == [200]
        busy.sendall(POST)
        rig.broker.wait_records(1)
        rig.edges[0].signal(signal.SIGTERM)
        assert idle.recv(1) == b""
        answer = read_all(busy)
        assert statuses(answer) == [202] and b"Connection: close" in answer
        assert rig.edges[0].popen.wait(10) == 0


def test_ten_thousand_idle_connections_are_cheap():
    resource.setrlimit(resource.RLIMIT_NOFILE, (12000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with Rig() as rig:
        held = [rig.connect() for _ in range(10000)]
        for s in held:
            s.sendall(GET)
        for s in held:
            assert b" 200 " in s.recv(4096)
        with open(f"/proc/{rig.edges[0].popen.pid}/status") as f:
            kib = int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
        for s in held:
            s.close()
        assert kib < 64 * 1024
