"""Several submissions in one request: a result each, in order, and none of them spoils another."""
import json
import socket
import struct
import time
import uuid

import pytest

from http_rig import MULTI, PATH, PERSON, SPONSOR, TOKEN, Rig, body

BATCH = "/api/v1/submissions/batch"


@pytest.fixture(scope="module")
def rig():
    with Rig(wait="1s", described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def stored_again(rig):
    rig.mode("stored")
    rig.broker.records.clear()


def batch(rig, *submissions, **more):
    return rig.request("POST", BATCH, {"submissions": list(submissions)}, **more)


def test_a_result_each_in_order(rig):
    by_subject = {"S0": "stored", "S1": "rejected", "S2": "conflict", "S3": "held", "S4": "duplicate", "S5": "dead"}
    rig.mode(lambda r: by_subject[r.plain["subject"]])
    a = batch(rig, *(body(subjectId=s, id=f"key {s}") for s in by_subject), headers={"X-Request-Id": "catch-up"})
    assert a.status == 200 and a.headers["Content-Type"] == "application/json"
    results = a.json["results"]
    assert [r["status"] for r in results] == [201, 422, 409, 202, 201, 202]
    assert [r.plain["subject"] for r in rig.broker.records] == list(by_subject)
    assert {r.plain["request_id"] for r in rig.broker.records} == {"catch-up"}
    for result, record in zip(results, rig.broker.records):
        assert result["body"]["id"] == str(uuid.UUID(bytes=record.id))
        assert result["location"].startswith(f"/api/v1/submissions/{result['body']['id']}?receipt=")
    assert results[1]["body"]["kept"] is True and results[1]["body"]["errors"][0]["rule"] == "required"


def test_alone_and_in_a_batch_are_the_same(rig):
    alone = rig.submit(body(id="visit 9"))
    together = batch(rig, body(id="visit 9")).json["results"][0]
    assert together["body"]["id"] == alone.json["id"] and together["status"] == alone.status
    assert rig.broker.records[0].plain["submission"] == rig.broker.records[1].plain["submission"]
    derived = rig.submit(body(occasion="day 3")).json["id"]
    assert batch(rig, body(occasion="day 3")).json["results"][0]["body"]["id"] == derived


def response(**more):
    whole = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|1.0", "status": "completed",
             "subject": {"identifier": {"value": "SUB123"}}, "authored": "2026-11-22T08:00:00Z",
             "item": [{"linkId": "q1", "answer": [{"valueDecimal": 2.5}]}], **more}
    return {k: v for k, v in whole.items() if v is not ...}


def test_resources_among_short_forms(rig):
    identifier = {"system": "urn:app", "value": "visit 9"}
    alone = rig.request("POST", "/fhir/QuestionnaireResponse", response(identifier=identifier),
                        headers={"Content-Type": "application/fhir+json"})
    results = batch(rig, body(id="a"), response(identifier=identifier), response(subject=...), response(resourceType="Patient"),
                    {"resourceType": 7}, response(authored=...), body(id="b"), {**body(id="c"), "resourceType": "QuestionnaireResponse"},
                    response(subject={"reference": "Patient/S2"})).json["results"]
    assert [r["status"] for r in results] == [201, 201, 400, 400, 400, 400, 201, 400, 201]
    assert [(r["body"]["errors"][0]["pointer"], r["body"]["errors"][0]["rule"]) for r in results if r["status"] == 400] == [
        ("/subject", "missing-member"), ("/resourceType", "resource-type"), ("/resourceType", "resource-type"),
        ("", "identity-required"), ("/subject", "missing-member")]
    assert results[1]["body"]["id"] in alone.headers["Location"] and results[1]["body"]["status"] == "stored"
    plain = [r.plain for r in rig.broker.records[1:]]
    assert [p.get("format") for p in plain] == [None, "fhir", None, "fhir"]
    assert plain[1]["submission"] == rig.broker.records[0].plain["submission"] and plain[3]["subject"] == "S2"


def test_one_that_is_malformed_spoils_no_other(rig):
    good = json.dumps(body())
    elements = [good, '{"subjectId":"S","answers":{"x":"a\\u0007b"}}', '{"subjectId":"S","answers":"{}"}', "7", "[]", '"]"',
                good.replace('"q1"', '"q1":1,"q1"', 1), "nonsense", good.replace("2.5", "1e999"), good]
    a = rig.request("POST", BATCH, '{"submissions":[' + ",".join(elements) + "]}")
    assert a.status == 200
    results = a.json["results"]
    assert [r["status"] for r in results] == [201] + [400] * 8 + [201]
    assert [r["body"]["errors"][0]["rule"] for r in results[1:9]] == [
        "control-character", "answers-not-object", "body-not-object", "body-not-object", "body-not-object", "duplicate-member",
        "json-syntax", "number-range"]
    assert all("location" not in r for r in results[1:9]) and len(rig.broker.records) == 2


@pytest.mark.parametrize("text", [
    "", "[]", "7", "null", '"submissions"', "{}", '{"submissions":{}}', '{"submissions":null}', '{"submissions":[1,]}',
    '{"submissions":[,1]}', '{"submissions":[1 ', '{"submissions":[{]}', '{"submissions":[}]}', '{"submissions":["a]}',
    '{"submissions":[]} x', '{"submissions":[],"other":1}', '{"other":1,"submissions":[]}', '{"submissions":[]', "{" * 5000,
    '{"submissions":[' + "[" * 100000])
def test_malformed_whole(rig, text):
    a = rig.request("POST", BATCH, text)
    assert a.status == 400 and a.json["errors"][0]["rule"] == "json-syntax" and rig.broker.records == []


def test_bounds(rig):
    assert batch(rig).json == {"results": []}
    many = [body(id=f"key {i}") for i in range(50)]
    a = batch(rig, *many)
    assert a.status == 200 and [r["status"] for r in a.json["results"]] == [201] * 50
    assert len({r["body"]["id"] for r in a.json["results"]}) == 50
    a = batch(rig, *many, body())
    assert a.status == 400 and a.json["errors"][0] == {"pointer": "/submissions", "rule": "too-many",
                                                       "detail": "has more than 50 submissions"}
    deep = "[" * 60 + "]" * 60  # as deep as alone: the batch around it does not count
    alone = json.dumps(body()).replace("2.5", deep)
    assert rig.submit(alone).status == 201
    a = rig.request("POST", BATCH, '{"submissions":[' + alone + "]}")
    assert a.json["results"][0]["status"] == 201


def test_results_too_large_for_one_answer_are_left_out(rig):
    rig.mode("rejected", {"errors": [{"pointer": "/answers/" + "x" * 200, "rule": "option", "detail": "y" * 1000}] * 200})
    a = batch(rig, *(body(id=f"key {i}") for i in range(50)), headers={"Prefer": "wait=30"})
    results = a.json["results"]
    assert [r["status"] for r in results] == [422] * 50 and len(a.body) < 5 << 20
    told = [r["body"] is not None for r in results]
    assert told[0] and not told[-1] and all("location" in r for r in results)


def test_who_may(rig):
    results = batch(rig, body(study="A"), body(study="NCT007"), body(), body(study="B"), token=MULTI).json["results"]
    assert [r["status"] for r in results] == [201, 403, 400, 201]
    assert batch(rig, body(), token=None).status == 401
    assert [r["status"] for r in batch(rig, body(), token=SPONSOR).json["results"]] == [403]
    assert batch(rig, body(), token=PERSON).status == 200
    assert rig.broker.records[-1].plain["actor"]["user"] == "SUB123"
    a = batch(rig, body(), headers={"Idempotency-Key": "one for all"})
    assert a.status == 400 and a.json["errors"][0]["rule"] == "idempotency-key"
    assert rig.request("POST", BATCH, "{}", headers={"Content-Type": "application/fhir+json"}).status == 415
    a = rig.request("GET", BATCH)
    assert a.status == 405 and a.headers["Allow"] == "POST, OPTIONS"


def test_waiting(rig):
    by_subject = {"S0": "stored", "S1": "accept", "S2": "silent", "S3": "full"}
    rig.mode(lambda r: by_subject[r.plain["subject"]])
    start = time.monotonic()
    a = batch(rig, *(body(subjectId=s) for s in by_subject), headers={"Prefer": "wait=1"})
    assert 0.95 <= time.monotonic() - start < 5
    results = a.json["results"]
    assert [r["status"] for r in results] == [201, 202, 503, 503]
    assert results[1]["body"]["status"] == "accepted" and "location" in results[1]
    assert results[2]["body"]["type"] == "urn:sluice:problem:outcome-unknown" and "location" not in results[2]
    rig.mode("accept")
    start = time.monotonic()
    a = batch(rig, body(), body(subjectId="S9"), headers={"Prefer": "respond-async"})
    assert [r["status"] for r in a.json["results"]] == [202, 202] and time.monotonic() - start < 0.35


def test_client_goes_away():
    """The parts stay in flight until the broker has them, and the edge ends in order (Rig checks its exit)."""
    with Rig(max_in_flight=6, wait="2s") as rig:
        rig.mode("silent")
        text = json.dumps({"submissions": [body(id=f"key {i}") for i in range(4)]})
        with rig.connect() as s:
            s.sendall(f"POST {BATCH} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n"
                      f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
            rig.broker.wait_records(4)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # gone, not half closed
        deadline = time.monotonic() + 5
        while rig.metric("sluice_edge_abandoned_total") < 1:
            assert time.monotonic() < deadline
        assert rig.metric("sluice_edge_in_flight") == 4 and rig.metric("sluice_edge_waiters") == 0
        rig.mode("stored")
        a = batch(rig, *(body(id=f"new {i}") for i in range(4)))
        assert [r["status"] for r in a.json["results"]] == [201, 201, 503, 503]  # two places are left


def test_pipelined_behind_a_batch(rig):
    """What follows on the connection is answered after the batch, whole."""
    text, one = json.dumps({"submissions": [body(id="a"), body(id="b")]}), json.dumps(body(id="c"))
    head = "Host: a\r\nAuthorization: Bearer {0}\r\nContent-Type: application/json\r\nContent-Length: {1}\r\n{2}\r\n"
    with rig.connect() as s:
        s.sendall((f"POST {BATCH} HTTP/1.1\r\n" + head.format(TOKEN, len(text), "") + text +
                   f"POST {PATH} HTTP/1.1\r\n" + head.format(TOKEN, len(one), "Connection: close\r\n") + one).encode())
        data = b""
        while piece := s.recv(65536):
            data += piece
    assert data.count(b"HTTP/1.1 ") == 2 and data.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 201" in data
