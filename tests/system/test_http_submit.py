"""POST of a submission: what each outcome, refusal and wait becomes, and what is sealed on the way."""
import concurrent.futures
import json
import signal
import threading
import time
import uuid

import msgpack
import pytest

from http_rig import ADMIN, ERRORS, MULTI, PATH, PERSON, SITE, SPONSOR, STUDY, TOKEN, Broker, Rig, body


@pytest.fixture(scope="module")
def rig():
    with Rig(wait="400ms", described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def stored_again(rig):
    rig.mode("stored")
    rig.broker.records.clear()


def rule(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    return answer.json["errors"][0]["rule"], answer.json["errors"][0]["pointer"]


def test_stored(rig):
    a = rig.submit(headers={"Idempotency-Key": "12345678-1234-4234-8234-123456789ABC", "X-Request-Id": "app-1",
                            "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})
    assert a.status == 201
    assert a.json["id"] == "12345678-1234-4234-8234-123456789abc"
    assert a.json["status"] == "stored" and a.json["version"] == "1.0" and a.json["storedAt"].endswith("Z")
    receipt = f"{uuid.UUID(bytes=rig.broker.uuid)}-1-{rig.broker.seq}"
    assert a.headers["Location"] == f"/api/v1/submissions/{a.json['id']}?receipt={receipt}"
    assert a.headers["X-Request-Id"] == "app-1"
    assert a.headers["traceparent"] == "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    r = rig.broker.records[0]
    assert (r.service, r.scope, uuid.UUID(bytes=r.id)) == ("submissions", STUDY, uuid.UUID(a.json["id"]))
    p = r.plain
    assert p["id"] == r.id and p["study"] == STUDY and p["subject"] == "SUB123"
    assert p["received_us"] == r.received_us and p["request_id"] == "app-1"
    assert p["traceparent"].startswith("00-aaaa") and "key" not in p
    assert p["submission"]["answers"] == {"q1": 1, "q2": msgpack.ExtType(1, b"2.5")}
    assert set(p["submission"]) == set(body())


def test_literals_are_kept(rig):
    text = json.dumps(body()).replace("2.5", "2.500").replace('"q1": 1', '"q1": 1E+2')
    assert rig.submit(text).status == 201
    assert rig.broker.records[0].plain["submission"]["answers"] == {
        "q1": msgpack.ExtType(1, b"1E+2"), "q2": msgpack.ExtType(1, b"2.500")}


@pytest.mark.parametrize("mode, status, state", [
    ("duplicate", 201, "stored"), ("conflict", 409, None), ("rejected", 422, None), ("held", 202, "held"),
    ("dead", 202, "accepted"), ("stall", 202, "accepted"), ("full", 503, None)])
def test_outcomes(rig, mode, status, state):
    rig.mode(mode)
    a = rig.submit()
    assert a.status == status
    if state:
        assert a.json["status"] == state and uuid.UUID(a.json["id"]).version == 8
    if status in (409, 422):
        assert a.json["kept"] is True and uuid.UUID(a.json["id"])
    if mode in ("rejected", "held"):
        assert a.json["errors"] == ERRORS
    if mode == "duplicate":
        assert a.json["receivedAt"] == "2023-11-14T22:13:20.000000Z"
    if status == 503:
        assert 1 <= int(a.headers["Retry-After"]) <= 5
    else:
        assert "receipt=" in a.headers["Location"]


def test_what_the_worker_says_is_passed_on(rig):
    rig.mode("stored", {"stored_us": 1_700_000_000_000_000, "questionnaire": "urn:phq-9", "version": "1.0", "revision": 3,
                        "scores": {"total": {"value": 12, "band": "moderate"}, "none": {"value": None, "share": 0.5,
                                                                                        "exact": msgpack.ExtType(1, b"2.50")}},
                        "flags": ["late", "clock-skew"], "warnings": [{"pointer": "/answers/x", "rule": "regex-undecided"}],
                        "secret": "not told"})
    a = rig.submit()
    assert a.status == 201 and a.headers["ETag"] == '"3"'
    assert a.json["scores"] == {"total": {"value": 12, "band": "moderate"}, "none": {"value": None, "share": 0.5, "exact": 2.5}}
    assert b"2.50" in a.body and b"secret" not in a.body
    assert (a.json["flags"], a.json["revision"], a.json["version"]) == (["late", "clock-skew"], 3, "1.0")
    assert a.json["warnings"] == [{"pointer": "/answers/x", "rule": "regex-undecided"}]
    error = {"pointer": "/answers/q1", "rule": "max-value", "detail": "is above", "linkId": "q1", "params": {"maxValue": 3}}
    rig.mode("rejected", {"errors": [{**error, "value": "13800138000"}], "questionnaire": "urn:phq-9", "flags": ["late"]})
    a = rig.submit()
    assert a.status == 422 and a.json["kept"] is True and a.json["errors"] == [error]
    assert a.json["questionnaire"] == "urn:phq-9" and a.json["flags"] == ["late"]


@pytest.mark.parametrize("mode, payload, status, slug, kept", [
    ("rejected", {"http": 410, "rule": "erased", "kept": False}, 410, "gone", False),
    ("rejected", {"http": 410, "rule": "erased"}, 410, "gone", False),
    ("rejected", {"http": 403, "rule": "cutoff"}, 403, "role-forbidden", True),
    ("rejected", {"http": 201}, 422, "rejected", True),
    ("rejected", {"http": 404, "rule": "unknown-submission"}, 404, "not-found", True),
    ("conflict", {"http": 2 ** 63}, 409, "conflict", True),
    ("rejected", {}, 422, "rejected", True), ("rejected", ["nonsense"], 422, "rejected", True)])
def test_statuses_that_a_worker_chooses(rig, mode, payload, status, slug, kept):
    rig.mode(mode, payload)
    a = rig.submit()
    assert a.status == status == a.json["status"] and a.json["type"] == f"urn:sluice:problem:{slug}"
    assert a.json["kept"] is kept and uuid.UUID(a.json["id"])
    rules = [e["rule"] for e in a.json["errors"]]
    assert rules == ([payload["rule"]] if "rule" in payload else [])


def test_in_progress_may_come_again(rig):
    data = body(status="in-progress", id="draft 1")
    rig.mode("stored", {"state": "in-progress", "revision": 1})
    a = rig.submit(data)
    assert a.status == 201 and a.json["status"] == "in-progress"
    rig.mode("stored", {"state": "in-progress", "revision": 2, "http": 200})
    b = rig.submit({**data, "answers": {"q1": 2}})
    assert b.status == 200 and b.json["id"] == a.json["id"] and b.headers["ETag"] == '"2"'
    assert [r.id for r in rig.broker.records] == [uuid.UUID(a.json["id"]).bytes] * 2
    rig.mode("stored", {"http": 422})  # no status that belies the outcome
    assert rig.submit(data).status == 201


def test_actor(rig):
    for token, actor in ((TOKEN, None), (PERSON, {"user": "SUB123", "role": "participant", "organisation": "Clinic"}),
                         (SITE, {"user": "nurse", "role": "site"}), (ADMIN, {"user": "root", "role": "admin"})):
        assert rig.submit(token=token).status == 201
        assert rig.broker.records[-1].plain.get("actor") == actor
    a = rig.submit(token=SPONSOR)
    assert a.status == 403 and a.json["type"] == "urn:sluice:problem:role-forbidden"
    assert len(rig.broker.records) == 4


def test_date_stands_for_sent_at(rig):
    date = {"Date": "Sun, 22 Nov 2026 08:00:07 GMT"}
    rig.submit(headers=date)
    assert rig.broker.records[-1].plain["sent_us"] == 1_795_334_407_000_000
    rig.submit(body(sentAt="2026-11-22T08:00:09Z"), headers=date)
    assert "sent_us" not in rig.broker.records[-1].plain
    for wrong in ("yesterday", "Sun, 31 Feb 2026 08:00:07 GMT", "Sunday, 22-Nov-26 08:00:07 GMT", "Sun, 22 Nov 2026 08:00:07 CET"):
        assert rig.submit(headers={"Date": wrong}).status == 201
        assert "sent_us" not in rig.broker.records[-1].plain


def timed(rig, **more):
    start = time.monotonic()
    return rig.submit(**more), time.monotonic() - start


def test_waiting(rig):
    rig.mode("accept")
    a, took = timed(rig)
    assert a.status == 202 and took >= 0.39 and a.json["status"] == "accepted" and "acceptedAt" in a.json
    a, took = timed(rig, headers={"Prefer": "respond-async"})
    assert a.status == 202 and took < 0.35 and a.headers["Preference-Applied"] == "respond-async"
    assert rig.broker.records[-1].flags == 2
    a, took = timed(rig, headers={"Prefer": "respond-async, wait=1"})
    assert a.status == 202 and took >= 0.99 and a.headers["Preference-Applied"] == "respond-async, wait=1"
    a, took = timed(rig, headers={"Prefer": "wait=0"})
    assert a.status == 202 and took < 0.35
    rig.mode("stored")
    a, took = timed(rig, headers={"Prefer": "wait=99"})
    assert a.status == 201 and a.headers["Preference-Applied"] == "wait=30"


def test_not_accepted_in_time(rig):
    rig.mode("silent")
    a, took = timed(rig)
    assert a.status == 503 and took >= 0.39 and a.json["type"] == "urn:sluice:problem:outcome-unknown"
    assert "Retry-After" in a.headers


def test_a_broker_that_restarts_costs_time_and_no_answer():
    with Rig(wait="10s") as rig:
        rig.broker.stop()
        deadline = time.monotonic() + 10
        while rig.request("GET", "/readyz", token=None).status != 503:
            assert time.monotonic() < deadline, "the edge did not notice"
        with concurrent.futures.ThreadPoolExecutor() as pool:
            answers = [pool.submit(rig.submit) for _ in range(8)]
            assert not concurrent.futures.wait(answers, timeout=0.3).done
            rig.brokers[0] = Broker(rig.endpoints[0], rig.key)
            assert [a.result().status for a in answers] == [201] * 8


def test_derived_id_is_stable(rig):
    one, two = rig.submit(), rig.submit(body(sentAt="2026-11-22T08:00:09Z"))
    assert one.json["id"] == two.json["id"]
    assert rig.submit(body(occasion="2")).json["id"] != one.json["id"]


def test_keys(rig):
    a = rig.submit(headers={"Idempotency-Key": '"visit 7"'})
    assert a.status == 201 and rig.broker.records[0].plain["key"] == "visit 7"
    assert rig.submit(headers={"Idempotency-Key": "visit 7"}).json["id"] == a.json["id"]
    assert rig.submit(body(id="visit 7")).json["id"] == a.json["id"]
    assert rig.submit(body(id="visit 7"), headers={"Idempotency-Key": "visit 7"}).status == 201
    assert rule(rig.submit(body(id="visit 8"), headers={"Idempotency-Key": "visit 7"})) == ("id-mismatch", "/id")
    assert rule(rig.submit(headers={"Idempotency-Key": "x" * 129}))[0] == "idempotency-key"
    nothing = body()
    del nothing["submitAt"]
    assert rule(rig.submit(nothing)) == ("identity-required", "")


@pytest.mark.parametrize("text, expected", [
    ("", ("json-syntax", "")), ("{", ("json-syntax", "")), ("[]", ("body-not-object", "")),
    (json.dumps(body()) + "x", ("json-trailing", "")),
    (json.dumps(body(subjectId="OTHER")), ("subject-mismatch", "/subjectId")),
    (json.dumps(body(answers="{}")), ("answers-not-object", "/answers")),
    (json.dumps(body(phone13800138000=1)), ("unknown-member", "")),
    (json.dumps(body(submitAt="yesterday")), ("wrong-type", "/submitAt")),
    (json.dumps(body(answers={"x": "a\x07b"})), ("control-character", "/answers")),
    (json.dumps(body()).replace("2.5", "1e400"), ("number-range", "/answers")),
    ('{"subjectId":"SUB123","subjectId":"SUB123","answers":{}}', ("duplicate-member", "/subjectId")),
])
def test_malformed(rig, text, expected):
    a = rig.submit(text)
    assert a.status == 400 and rule(a) == expected
    assert b"13800138000" not in a.body and rig.broker.records == []


def test_who_may(rig):
    assert rig.submit(token=None).status == 401
    a = rig.submit(token="nonsense")
    assert a.status == 401 and a.headers["WWW-Authenticate"] == "Bearer"
    assert rig.submit(body(study="OTHER")).status == 403
    assert rig.submit(body(study=STUDY)).status == 201
    assert rule(rig.submit(token=MULTI)) == ("missing-member", "/study")
    assert rig.submit(body(study="B"), token=MULTI).status == 201
    assert rig.broker.records[-1].scope == "B" and rig.broker.records[-1].plain["study"] == "B"


def test_path(rig):
    data = body(subjectId="S Ü/1")
    assert rig.submit(data, path="/api/v1/subjects/S%20%c3%9c%2F1/questionnaires").status == 201
    assert rig.broker.records[-1].plain["subject"] == "S Ü/1"
    assert rig.submit(path="/api/v1/subjects/S%00/questionnaires").status == 404
    assert rig.submit(path="/api/v1/subjects/%zz/questionnaires").status == 404
    assert rig.submit(path="/api/v1/subjects//questionnaires").status == 404


def test_media_types(rig):
    for kind, status in (("application/json; charset=utf-8", 201), ("Application/JSON;charset=UTF-8", 201),
                         ("text/plain", 415), ("application/json; charset=latin1", 415), ("application/jsonx", 415)):
        assert rig.submit(headers={"Content-Type": kind}).status == status
    assert rig.submit(headers={"Content-Encoding": "gzip"}).status == 415


def test_gathered_into_few_messages():
    """Requests that wait for one round of the loop go as one message."""
    with Rig() as rig:
        head = f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
        text = json.dumps(body())
        request = f"{head}Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
        rig.edges[0].signal(signal.SIGSTOP)
        sockets = [rig.connect() for _ in range(50)]
        for s in sockets:
            s.sendall(request)
        rig.edges[0].signal(signal.SIGCONT)
        for s in sockets:
            assert s.recv(4096).startswith(b"HTTP/1.1 201")
            s.close()
        assert len(rig.broker.records) == 50 and rig.broker.messages <= 5


def test_in_flight_bound():
    with Rig(max_in_flight=3, wait="3s") as rig:
        rig.mode("silent")
        threads = [threading.Thread(target=rig.submit) for _ in range(3)]
        for t in threads:
            t.start()
        rig.broker.wait_records(3)
        a = rig.submit()
        assert a.status == 503 and a.json["type"] == "urn:sluice:problem:unavailable"
        assert rig.metric("sluice_edge_in_flight") == 3
        for t in threads:
            t.join()
        assert rig.metric("sluice_edge_in_flight") == 3  # answered 503, and still not known


def test_waiters_bound():
    with Rig(max_waiters=2, wait="3s") as rig:
        rig.mode("accept")
        threads = [threading.Thread(target=rig.submit) for _ in range(2)]
        for t in threads:
            t.start()
        rig.broker.wait_records(2)
        a, took = timed(rig)
        assert a.status == 202 and took < 2
        for t in threads:
            t.join()
        assert rig.metric("sluice_edge_waiters") == 0


def test_rate():
    with Rig(rate_per_token=5) as rig:
        statuses = [rig.submit().status for _ in range(8)]
        assert statuses.count(201) in (5, 6) and statuses[-1] == 429
        assert rig.submit(body(study="A"), token=MULTI).status == 201


def test_several_brokers():
    with Rig(brokers=2) as rig:
        deadline = time.monotonic() + 5
        while rig.metric("sluice_edge_brokers_connected") < 2:
            assert time.monotonic() < deadline
        for _ in range(6):
            assert rig.submit().status == 201
        assert [len(b.records) for b in rig.brokers] == [3, 3]


def test_client_goes_away(rig):
    rig.mode("silent")
    text = json.dumps(body())
    with rig.connect() as s:
        s.sendall(f"POST {PATH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        rig.broker.wait_records(1)
    rig.mode("stored")
    assert rig.submit().status == 201
