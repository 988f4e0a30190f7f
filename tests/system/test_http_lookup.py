"""GET of a submission: the brokers first, then the database, and never 404 unless everybody said so."""
import time
import uuid

import pytest

from http_rig import MULTI, STUDY, Rig

ID = "12345678-1234-4234-8234-123456789abc"
FOUND = {"found": True, "state": "stored", "study": STUDY, "received_us": 1_700_000_000_000_000,
         "accepted_us": 1_700_000_000_000_001, "stored_us": 1_700_000_000_000_002, "errors": []}


@pytest.fixture(scope="module")
def rig():
    with Rig(described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def nothing_there(rig):
    rig.broker.located, rig.broker.reply = "absent", None
    rig.broker.records.clear()


def get(rig, query="", id_=ID, **more):
    return rig.request("GET", f"/api/v1/submissions/{id_}{query}", **more)


def test_live_and_dead(rig):
    rig.broker.located = "live"
    a = get(rig)
    assert a.status == 200 and a.json == {"id": ID, "status": "accepted", "acceptedAt": "2023-11-14T22:13:20.000000Z"}
    rig.broker.located = "dead"
    assert get(rig).json["status"] == "dead"
    assert rig.broker.records == []


def test_in_the_database(rig):
    rig.broker.reply = FOUND
    a = get(rig)
    assert a.status == 200 and a.json["status"] == "stored" and a.json["storedAt"] == "2023-11-14T22:13:20.000002Z"
    r = rig.broker.records[0]
    assert r.flags == 1 and r.service == "queries" and r.scope == STUDY
    assert r.plain == {"kind": "submission", "studies": [STUDY], "id": uuid.UUID(ID).bytes}


def test_the_revision_is_the_etag(rig):
    rig.broker.reply = {**FOUND, "state": "in-progress", "revision": 3}
    a = get(rig)
    assert a.json["status"] == "in-progress" and a.json["revision"] == 3 and a.headers["ETag"] == '"3"'


def test_the_status_of_the_form(rig):
    for status in ("completed", "stopped", "amended", "entered-in-error"):
        rig.broker.reply = {**FOUND, "revision": 2, "form_status": status}
        assert get(rig).json["status"] == "stored" and get(rig).json["formStatus"] == status


def test_reasons(rig):
    rig.broker.reply = {**FOUND, "state": "rejected", "errors": [{"pointer": "/answers", "rule": "r", "detail": "d"}]}
    assert get(rig).json["errors"] == [{"pointer": "/answers", "rule": "r", "detail": "d"}]


def test_receipt(rig):
    rig.broker.reply = FOUND
    assert get(rig, f"?receipt={uuid.UUID(bytes=rig.broker.uuid)}-3-99").status == 200
    assert rig.broker.records[0].plain["receipt"] == {"broker": rig.broker.uuid, "epoch": 3, "seq": 99}
    for bad in ("x", f"{ID}-1", f"{ID}-1-", f"{ID}-1-2x", f"{ID}-99999999999999999999-1", ""):
        assert get(rig, f"?receipt={bad}").status == 404


def test_not_found(rig):
    rig.broker.reply = {"found": False}
    assert get(rig).status == 404
    assert get(rig, id_="no-uuid").status == 404
    rig.broker.reply = {**FOUND, "study": "FOREIGN"}
    assert get(rig).status == 404


def test_several_studies(rig):
    rig.broker.reply = {**FOUND, "study": "B"}
    assert get(rig, token=MULTI).status == 200
    assert rig.broker.records[0].plain["studies"] == ["A", "B"] and rig.broker.records[0].scope == "A"


def test_nobody_to_ask(rig):
    assert get(rig).status == 503  # no worker
    rig.broker.located = "silent"
    assert get(rig).status == 503
    assert get(rig, token=None).status == 401


def test_broker_missing():
    """One of two brokers never came up: what it holds is not known."""
    with Rig() as rig:
        rig.broker.reply = {"found": False}
        assert get(rig).status == 404
    with Rig() as rig:
        rig.broker.stop()
        deadline = time.monotonic() + 10
        while rig.request("GET", "/readyz", token=None).status != 503:
            assert time.monotonic() < deadline, "the edge did not notice"
        assert get(rig).status == 503
        assert rig.submit().status == 503
