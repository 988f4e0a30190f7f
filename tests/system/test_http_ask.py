"""The generic question (client/edge/ask.h): what travels to a worker, what of its reply goes out, and who may ask."""
import time
import uuid

import pytest

from http_rig import MULTI, SITE, SITES, SPONSOR, STUDY, TOKEN, Rig
from stores import until

ID = "12345678-1234-4234-8234-123456789abc"


@pytest.fixture(scope="module")
def rig():
    with Rig() as rig:
        yield rig


@pytest.fixture(autouse=True)
def answers(rig):
    rig.broker.reply = {"status": 200, "json": '{"a":1}'}
    rig.broker.records.clear()


def get(rig, path, token=SITE, **more):
    return rig.request("GET", "/api/v1" + path, token=token, **more)


def asked(rig):
    record, = rig.broker.records
    assert record.flags == 1 and record.service == "queries"
    return {k: v for k, v in record.plain.items() if k != "offset"}


@pytest.mark.parametrize("path,plain", [
    (f"/submissions/{ID}/history", {"kind": "history", "id": uuid.UUID(ID).bytes}),
    ("/questionnaires/daily-diary?version=1.0", {"kind": "questionnaire", "ref": "daily-diary", "version": "1.0"}),
    ("/questionnaires/urn%3Aa%7C1.0", {"kind": "questionnaire", "ref": "urn:a|1.0"}),
    ("/alerts?state=open&limit=7&other=1", {"kind": "alerts", "state": "open", "limit": "7"}),
    ("/subjects/S%C3%BC", {"kind": "subject", "subject": "Sü"}),
    ("/subjects/S1/profile", {"kind": "profile", "subject": "S1"}),
    ("/projects/active", {"kind": "projects"}),
])
def test_what_travels(rig, path, plain):
    a = get(rig, path)
    assert a.status == 200 and a.json == {"a": 1} and a.headers["Content-Type"] == "application/json"
    assert a.headers["Cache-Control"] == "no-store"
    assert asked(rig) == {**plain, "studies": [STUDY]}


def test_head_has_no_body(rig):
    a = rig.request("HEAD", "/api/v1/projects/active", token=SITE)
    assert a.status == 200 and a.headers["Content-Length"] == "7" and a.body == b""


def test_etag_and_not_modified(rig):
    rig.broker.reply = {"status": 200, "json": "{}", "etag": '"x"', "type": "application/fhir+json"}
    a = get(rig, "/questionnaires/d", headers={"If-None-Match": '"y", "x"'})
    assert a.headers["ETag"] == '"x"' and a.headers["Content-Type"] == "application/fhir+json"
    assert a.headers["Cache-Control"] == "private, no-cache"
    assert asked(rig)["if_none_match"] == '"y", "x"'
    rig.broker.reply = {"status": 304, "etag": '"x"'}
    a = get(rig, "/questionnaires/d")
    assert a.status == 304 and a.body == b"" and a.headers["ETag"] == '"x"' and a.headers["Content-Length"] is None


def test_a_header_cannot_be_split(rig):
    rig.broker.reply = {"status": 200, "json": "{}", "etag": '"x"\r\nX-Evil: 1'}
    a = get(rig, "/questionnaires/d")
    assert a.status == 200 and a.headers["ETag"] is None and a.headers["X-Evil"] is None


def test_a_body_in_parts(rig):
    whole = '{"' + "k" * 300_000 + '":1}'

    def part(plain):
        at = plain["offset"]
        more = {"more": at + 100_000} if at + 100_000 < len(whole) else {}
        return {"status": 200, "json": whole[at:at + 100_000], "etag": '"x"', **more}

    rig.broker.reply = part
    a = get(rig, "/questionnaires/large")
    assert a.status == 200 and a.body.decode() == whole
    assert [r.plain["offset"] for r in rig.broker.records] == [0, 100_000, 200_000, 300_000]


def test_parts_are_bounded_and_in_order(rig):
    rig.broker.reply = lambda plain: {"status": 200, "json": "x", "more": plain["offset"] + 1}
    assert get(rig, "/questionnaires/d").status == 503 and len(rig.broker.records) == 40
    rig.broker.reply = {"status": 200, "json": "x", "more": 5}
    assert get(rig, "/questionnaires/d").status == 503


def test_refusals_of_the_worker(rig):
    rig.broker.reply = {"status": 404}
    a = get(rig, "/subjects/S1")
    assert a.status == 404 and a.headers["Content-Type"] == "application/problem+json" and "errors" not in a.json
    rig.broker.reply = {"status": 400, "pointer": "/answers", "rule": "type", "detail": "must be an object"}
    a = rig.request("POST", "/api/v1/questionnaires/$validate", {"answers": 1})
    assert a.status == 400 and a.json["errors"] == [{"pointer": "/answers", "rule": "type", "detail": "must be an object"}]
    for broken in ({"json": "{}"}, {"status": 700, "json": ""}, {"status": 100}, 7):
        rig.broker.reply = broken
        assert get(rig, "/subjects/S1").status == 503


def test_validate_sends_the_body(rig):
    a = rig.request("POST", "/api/v1/questionnaires/$validate", {"questionnaire": "d", "answers": {"pain": 3}})
    assert a.status == 200
    assert asked(rig) == {"kind": "validate", "studies": [STUDY], "body": {"questionnaire": "d", "answers": {"pain": 3}}}
    a = rig.request("POST", "/api/v1/questionnaires/$validate", b'{"a":1,"a":2}')
    assert a.status == 400 and a.json["errors"][0]["rule"] == "duplicate-member"


def test_roles(rig):
    for path in (f"/submissions/{ID}/history", "/alerts", "/alerts/stream", "/subjects/S1", "/subjects/S1/profile"):
        a = get(rig, path, token=TOKEN)
        assert a.status == 403 and a.json["errors"][0]["rule"] == "role", path
        assert get(rig, path, token=None).status == 401
    for path in ("/alerts", "/alerts/stream", "/subjects/S1", "/subjects/S1/profile"):
        assert get(rig, path, token=SPONSOR).status == 403
    assert rig.broker.records == []
    assert get(rig, f"/submissions/{ID}/history", token=SPONSOR).status == 200
    for path in ("/questionnaires/d", "/projects/active"):
        assert get(rig, path, token=TOKEN).status == 200


def test_studies(rig):
    assert get(rig, "/projects/active", token=MULTI).status == 200
    assert asked(rig)["studies"] == ["A", "B"]
    rig.broker.records.clear()
    a = get(rig, "/subjects/S1", token=SITES)
    assert a.status == 400 and a.json["errors"][0]["rule"] == "study-required"
    assert get(rig, "/subjects/S1?study=B", token=SITES).status == 200
    assert asked(rig)["studies"] == ["B"] and rig.broker.records[0].scope == "B"
    assert get(rig, "/subjects/S1?study=C", token=SITES).status == 404
    assert get(rig, "/alerts?study=B%00", token=SITES).status == 404


def test_paths_and_parameters(rig):
    assert get(rig, "/submissions/no-uuid/history").status == 404
    assert get(rig, "/subjects/%FF").status == 404
    assert get(rig, "/alerts?state=%0A").status == 400
    assert rig.broker.records == []
    assert rig.request("POST", "/api/v1/alerts", {}, token=SITE).status == 405
    a = rig.request("OPTIONS", "/api/v1/questionnaires/$validate", token=SITE)
    assert a.status == 204 and "POST" in a.headers["Allow"]


def test_no_worker_within_the_deadline(rig):
    rig.broker.reply = None  # refused: no worker there
    assert get(rig, "/projects/active").status == 503
    rig.broker.reply = "silent"
    began = time.monotonic()
    a = get(rig, "/projects/active")
    assert a.status == 503 and a.headers["Retry-After"] and 0.9 < time.monotonic() - began < 2


def test_the_next_broker_is_asked():
    with Rig(brokers=2) as rig:
        until("both brokers", 10, lambda: rig.metric("sluice_edge_brokers_connected") == 2)
        rig.brokers[0].reply, rig.brokers[1].reply = None, {"status": 200, "json": "{}"}
        for _ in range(4):
            assert get(rig, "/projects/active").status == 200
        assert rig.brokers[0].records and rig.brokers[1].records
