"""Acknowledging and closing alerts: a durable record to the notifications service."""
import uuid

import pytest

from http_rig import ADMIN, PERSON, SITE, SITES, SPONSOR, STUDY, TOKEN, Rig

ALERT = "0b0e8f5a-7c9d-8123-9abc-0123456789ab"


@pytest.fixture(scope="module")
def rig():
    with Rig(wait="1s", described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def stored_again(rig):
    rig.mode("stored", {})
    rig.broker.records.clear()


def act(rig, data=None, action="acknowledge", alert=ALERT, query="", **more):
    return rig.request("POST", f"/api/v1/alerts/{alert}/{action}{query}", data, **{"token": SITE, **more})


@pytest.mark.parametrize("action", ["acknowledge", "close"])
def test_done(rig, action):
    a = act(rig, {"note": "called\nthe subject"}, action)
    assert a.status == 200 and a.json == {"alertId": ALERT, "action": action, "status": "stored"}
    r = rig.broker.records[0]
    assert (r.service, r.scope, r.flags & 5) == ("notifications", STUDY, 0)
    p = r.plain
    assert p == {"kind": "action", "alert_id": uuid.UUID(ALERT).bytes, "study": STUDY, "action": action,
                 "actor": {"user": "nurse", "role": "site"}, "note": "called\nthe subject", "at_us": r.received_us,
                 "request_id": a.headers["X-Request-Id"]}


def test_without_a_body(rig):
    rig.mode("stored", {"state": "acknowledged"})
    a = act(rig)
    assert a.status == 200 and a.json["status"] == "acknowledged" and "note" not in rig.broker.records[0].plain
    assert act(rig, {}, token=ADMIN).status == 200
    assert rig.broker.records[1].plain["actor"] == {"user": "root", "role": "admin"}
    assert rig.broker.records[0].id != rig.broker.records[1].id


def test_who_may(rig):
    for token in (TOKEN, PERSON, SPONSOR):
        a = act(rig, token=token)
        assert a.status == 403 and a.json["type"] == "urn:sluice:problem:role-forbidden"
    assert act(rig, token=None).status == 401
    assert rig.broker.records == []


def test_studies(rig):
    a = act(rig, token=SITES)
    assert a.status == 400 and a.json["errors"][0]["rule"] == "study-required"
    a = act(rig, token=SITES, query="?study=NCT007")
    assert a.status == 403 and a.json["errors"][0]["rule"] == "study-not-covered"
    assert act(rig, token=SITES, query="?study=B").status == 200
    assert rig.broker.records[0].scope == "B" == rig.broker.records[0].plain["study"]
    assert act(rig, query=f"?study={STUDY}").status == 200


@pytest.mark.parametrize("text, rule, pointer", [
    ("{", "json-syntax", ""), ("[]", "body-not-object", ""), ('"x"', "body-not-object", ""), ('{"note":""}', "wrong-type", "/note"),
    ('{"note":7}', "wrong-type", "/note"), ('{"note":{"a":[1]}}', "wrong-type", "/note"), ('{"13800138000":1}', "unknown-member", ""),
    ('{"note":"a\\u0001"}', "control-character", ""), ('{"note":"' + "x" * 2001 + '"}', "too-long", "/note"),
    ('{"note":"a","note":"b"}', "duplicate-member", ""), ('{"note":"a"}x', "json-trailing", "")])
def test_malformed(rig, text, rule, pointer):
    a = act(rig, text)
    assert a.status == 400 and (a.json["errors"][0]["rule"], a.json["errors"][0]["pointer"]) == (rule, pointer)
    assert b"13800138000" not in a.body and rig.broker.records == []


def test_note_at_its_bound(rig):
    assert act(rig, {"note": "x" * 2000}).status == 200


def test_paths_and_types(rig):
    assert act(rig, alert="nonsense").status == 404
    assert act(rig, action="reopen").status == 404
    assert act(rig, "{}", headers={"Content-Type": "text/plain"}).status == 415
    a = rig.request("GET", f"/api/v1/alerts/{ALERT}/close", token=SITE)
    assert a.status == 405 and a.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("mode, payload, status", [
    ("accept", None, 202), ("stall", None, 202), ("held", {}, 202), ("dead", {}, 202), ("full", None, 503), ("silent", None, 503),
    ("duplicate", {}, 200), ("rejected", {"http": 404, "rule": "unknown-alert"}, 404),
    ("conflict", {"http": 409, "rule": "alert-closed"}, 409), ("rejected", {"rule": "x"}, 422)])
def test_outcomes(rig, mode, payload, status):
    rig.mode(mode, payload)
    a = act(rig)
    assert a.status == status
    if status == 202:
        assert a.json == {"alertId": ALERT, "action": "acknowledge", "status": "accepted"}
    if payload and "rule" in payload:
        assert a.json["errors"][0]["rule"] == payload["rule"]
    if status == 503:
        assert "Retry-After" in a.headers
