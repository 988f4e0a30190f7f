"""PUT of a correction: who may, which revision, what goes sealed to the worker, and what it may answer."""
import json
import os
import uuid

import pytest

from fleet import ROOT
from http_rig import ADMIN, MULTI, PERSON, SITE, SITES, SPONSOR, TOKEN, Rig, body

ID = "12345678-1234-4234-8234-123456789abc"
PATH = f"/api/v1/submissions/{ID}"


@pytest.fixture(scope="module")
def rig():
    with Rig(wait="1s", described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def stored_again(rig):
    rig.mode("stored", {"stored_us": 1_700_000_000_000_000, "revision": 2})
    rig.broker.records.clear()


def put(rig, data=None, path=PATH, match='"1"', **more):
    headers = {"If-Match": match} if match is not None else {}
    headers.update(more.pop("headers", {}))
    more.setdefault("token", PERSON)
    return rig.request("PUT", path, body(reason="typo") if data is None else data, headers=headers, **more)


def rule(answer):
    return answer.json["errors"][0]["rule"], answer.json["errors"][0]["pointer"]


def test_stored(rig):
    a = put(rig, body(reason="read wrongly", source="chart p. 7"), token=SITE)
    assert a.status == 200 and a.headers["ETag"] == '"2"'
    assert a.json["id"] == ID and a.json["revision"] == 2 and a.json["status"] == "stored"
    r = rig.broker.records[0]
    assert r.service == "submissions" and r.id == uuid.UUID(ID).bytes
    assert r.plain["revise"] == {"revision": 1, "reason": "read wrongly", "source": "chart p. 7", "kind": "amended"}
    assert r.plain["actor"] == {"user": "nurse", "role": "site"}
    alone = rig.submit()
    assert alone.status == 201 and "revise" not in rig.broker.records[1].plain
    assert r.plain["submission"] == rig.broker.records[1].plain["submission"]  # reason and source are no part of it


@pytest.mark.parametrize("order", range(4))
def test_members_leave_from_any_place(rig, order):
    mine = [("reason", "r"), ("source", "s")]
    data = list(body(status="entered-in-error").items())
    at = {0: (0, 1), 1: (len(data), len(data) + 1), 2: (2, 4), 3: (0, len(data) + 1)}[order]
    for (name, value), i in zip(mine, at):
        data.insert(i, (name, value))
    assert put(rig, dict(data)).status == 200
    plain = rig.broker.records[0].plain
    assert plain["revise"] == {"revision": 1, "reason": "r", "source": "s", "kind": "entered-in-error"}
    assert list(plain["submission"]) == list(body(status="x")) and plain["submission"]["status"] == "entered-in-error"


def test_if_match(rig):
    a = put(rig, match=None)
    assert a.status == 428 and a.json["type"] == "urn:sluice:problem:precondition-required"
    for good, number in (("3", 3), ('"2147483647"', 2147483647)):
        assert put(rig, match=good).status == 200 and rig.broker.records[-1].plain["revise"]["revision"] == number
    n = len(rig.broker.records)
    for bad in ("*", "", '""', '"', "0", "01", "-1", "x", 'W/"1"', '"1", "2"', "2147483648", "9" * 30, '"1', "1.0", "१"):
        a = put(rig, match=bad.encode("utf-8") if not bad.isascii() else bad)
        assert a.status == 400 and rule(a) == ("if-match", ""), bad
    assert len(rig.broker.records) == n


def test_who_may(rig):
    sourced = body(reason="r", source="chart")
    assert put(rig, token=PERSON).status == 200 and put(rig, sourced, token=PERSON).status == 200
    for data in (body(reason="r"), sourced, body(subjectId="OTHER", reason="r")):  # one that all participants share
        a = put(rig, data, token=TOKEN)
        assert a.status == 403 and rule(a) == ("token-not-bound", "") and a.json["type"] == "urn:sluice:problem:role-forbidden"
    assert rig.submit(token=TOKEN).status == 201  # it sends as ever
    a = put(rig, body(subjectId="OTHER", reason="r"), token=PERSON)
    assert a.status == 403 and rule(a) == ("not-own", "/subjectId")
    a = put(rig, token=SITE)
    assert a.status == 400 and rule(a) == ("missing-member", "/source")
    assert put(rig, {**sourced, "study": "A"}, token=SITES).status == 200
    n = len(rig.broker.records)
    assert put_fhir(rig, response(why(REASON)), token=TOKEN).status == 403
    for token in (SPONSOR, ADMIN):
        a = put(rig, sourced, token=token)
        assert a.status == 403 and a.json["type"] == "urn:sluice:problem:role-forbidden"
        assert put(rig, sourced, token=token, match=None).status == 403
    assert put(rig, token=None).status == 401
    a = put(rig, {**sourced, "study": "NCT007"}, token=MULTI)
    assert a.status == 403 and rule(a)[0] == "study-not-covered"
    assert len(rig.broker.records) == n


@pytest.mark.parametrize("data, expected", [
    (body(), ("missing-member", "/reason")), (body(reason=""), ("wrong-type", "/reason")),
    (body(reason=None), ("wrong-type", "/reason")), (body(reason=["x"]), ("wrong-type", "/reason")),
    (body(reason="x" * 1025), ("too-long", "/reason")), (body(reason="r", source=7), ("wrong-type", "/source")),
    (body(reason="r", why="x"), ("unknown-member", "")), (body(reason="r", answers="{}"), ("answers-not-object", "/answers")),
    (body(reason="r", id=ID.replace("1", "2")), ("id-mismatch", "/id")), (body(reason="r", id="visit 7"), ("id-mismatch", "/id")),
    (body(reason="a\x07"), ("control-character", "")), ([], ("body-not-object", "")),
    ({f"m{i}": i for i in range(40)}, ("unknown-member", "")),
])
def test_malformed(rig, data, expected):
    a = put(rig, data)
    assert a.status == 400 and rule(a) == expected and rig.broker.records == []


def test_reason_at_its_bound(rig):
    assert put(rig, body(reason="r" * 1024, source="s" * 1024, id=ID)).status == 200
    assert len(rig.broker.records[0].plain["revise"]["source"]) == 1024


def test_paths(rig):
    assert put(rig, path="/api/v1/submissions/visit-7").status == 404
    assert put(rig, path="/api/v1/submissions/").status == 404
    a = rig.request("DELETE", PATH)
    assert a.status == 405 and a.headers["Allow"] == "GET, HEAD, PUT, OPTIONS"
    assert put(rig, headers={"Content-Type": "application/xml"}).status == 415
    assert put(rig, headers={"Content-Encoding": "gzip"}).status == 415


# --- as a QuestionnaireResponse ---

CORRECTION = "https://sluice.example/fhir/StructureDefinition/correction"


def why(*parts):
    return {"url": CORRECTION, "extension": [{"url": url, **value} for url, value in parts]}


REASON, SOURCE = ("reason", {"valueString": "read wrongly"}), ("source", {"valueString": "chart p. 7"})


def response(*extensions, **more):
    whole = {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|1.0", "status": "completed",
             "subject": {"identifier": {"value": "SUB123"}}, "item": [{"linkId": "q1", "answer": [{"valueDecimal": 2.5}]}],
             "extension": list(extensions), **more}
    return {k: v for k, v in whole.items() if v is not ...}


def put_fhir(rig, data, **more):
    return put(rig, data, headers={"Content-Type": "application/fhir+json"}, **more)


def test_fhir(rig):
    data = response({"url": "http://example.org/other"}, why(REASON, SOURCE))
    a = put_fhir(rig, data, token=SITE)
    assert a.status == 200 and a.headers["ETag"] == '"2"' and a.headers["Content-Type"] == "application/json"
    plain = rig.broker.records[0].plain
    assert plain["format"] == "fhir" and plain["id"] == uuid.UUID(ID).bytes and plain["subject"] == "SUB123"
    assert plain["revise"] == {"revision": 1, "reason": "read wrongly", "source": "chart p. 7", "kind": "amended"}
    assert plain["submission"]["extension"] == data["extension"]  # it is the resource's own
    assert put_fhir(rig, response(why(REASON), status="entered-in-error")).status == 200
    assert rig.broker.records[1].plain["revise"] == {"revision": 1, "reason": "read wrongly", "kind": "entered-in-error"}
    assert put_fhir(rig, response(why(REASON), identifier={"value": f"urn:uuid:{ID}"}, id="mine")).status == 200


@pytest.mark.parametrize("data, expected", [
    (response(), ("missing-member", "/extension")), (response(extension=...), ("missing-member", "/extension")),
    (response({"url": CORRECTION}), ("missing-member", "/extension")), (response(why(SOURCE)), ("missing-member", "/extension")),
    (response(why(REASON, REASON)), ("unknown-member", "/extension")), (response(why(REASON), why(SOURCE), why(SOURCE)), ("unknown-member", "/extension")),
    (response(why(REASON, ("by", {"valueString": "x"}))), ("unknown-member", "/extension")),
    (response(why(("reason", {"valueString": ""}))), ("wrong-type", "/extension")), (response(why(("reason", {}))), ("wrong-type", "/extension")),
    (response(why(("reason", {"valueCode": "x"}))), ("wrong-type", "/extension")),
    (response(why(("reason", {"valueString": "x" * 1025}))), ("too-long", "/extension")),
    (response(why(REASON), extension=7), ("missing-member", "/extension")), (response(why(REASON), extension=[7]), ("missing-member", "/extension")),
    (response(why(REASON), subject=...), ("missing-member", "/subject")), (response(why(REASON), identifier={"value": "other"}), ("id-mismatch", "/id")),
    (body(reason="r"), ("resource-type", "/resourceType")), ([], ("body-not-object", "")),
])
def test_fhir_malformed(rig, data, expected):
    a = put_fhir(rig, data)
    assert a.status == 400 and rule(a) == expected and rig.broker.records == []


def test_fhir_who_may(rig):
    a = put_fhir(rig, response(why(REASON)), token=SITE)
    assert a.status == 400 and rule(a) == ("missing-member", "/extension")
    a = put_fhir(rig, response(why(REASON), subject={"reference": "Patient/OTHER"}), token=PERSON)
    assert a.status == 403 and rule(a) == ("not-own", "/subject")
    assert put_fhir(rig, response(why(("reason", {"valueString": "r" * 1024}))), token=PERSON).status == 200


def test_the_structure_definition_says_so():
    with open(os.path.join(ROOT, "schemas/fhir/correction.json")) as f:
        definition = json.load(f)
    assert definition["url"] == CORRECTION and definition["context"][0]["expression"] == "QuestionnaireResponse"
    slices = {e["sliceName"]: (e["min"], e["max"]) for e in definition["differential"]["element"] if "sliceName" in e}
    assert slices == {"reason": (1, "1"), "source": (0, "1")}


@pytest.mark.parametrize("mode, payload, status", [
    ("conflict", {"http": 412, "rule": "stale-revision", "revision": 5}, 412), ("rejected", {"http": 404, "rule": "no-submission"}, 404),
    ("rejected", {"http": 403, "rule": "past-cutoff"}, 403), ("rejected", {"errors": []}, 422), ("conflict", {}, 409),
    ("rejected", {"http": 410, "rule": "erased", "kept": False}, 410), ("duplicate", {"revision": 2}, 200), ("held", {}, 202),
    ("conflict", {"http": 409, "errors": [{"pointer": "", "rule": "submission-void", "detail": "d"}]}, 409),
    ("accept", None, 202), ("full", None, 503)])
def test_what_the_worker_answers(rig, mode, payload, status):
    rig.mode(mode, payload)
    a = put(rig)
    assert a.status == status
    if status in (403, 404, 410, 412):
        assert rule(a) == (payload["rule"], "") and a.json["kept"] is payload.get("kept", True)
    if status == 409:
        void = "errors" in payload
        assert a.json["type"] == f"urn:sluice:problem:{'entered-in-error' if void else 'conflict'}"
        assert ("in error" in a.json["title"]) is void


def test_repeated_members(rig):
    text = json.dumps(body(reason="r"))
    a = put(rig, text[:-1] + ', "reason": "s"}')
    assert a.status == 400 and rule(a)[0] == "duplicate-member"
