"""The kinds of question beside "submission" (workers/queries/kinds.def), each against a real database."""
import json
import uuid

import msgpack
import psycopg
import pytest

from stores import Stores
from worker_rig import DIARY, STUDY, Rig, pack


@pytest.fixture(scope="module")
def rig():
    with Stores() as stores, Rig(stores, service="queries", subjects=("SUB123", "SUB124")) as r:
        r.pull()
        yield r


def ask(rig, kind, studies=(STUDY,), **question):
    id = uuid.uuid4().bytes
    body = rig.seal("queries", STUDY, id, pack({"kind": kind, "studies": list(studies), **question}))
    (outcome, payload), = rig.deliver(rig.record(id, body))
    return msgpack.unpackb(rig.unseal("queries/reply", STUDY, id, payload)) if outcome == "answered" else outcome


def answer(rig, kind, **question):
    reply = ask(rig, kind, **question)
    assert reply["status"] == 200, reply
    return json.loads(reply["json"])


def store(rig, id, revision=1, table="submissions", **more):
    row = {"study": STUDY, "submission_id": id, "subject_id": "SUB123", "questionnaire": "daily-diary", "version": "1.0",
           "answers": "{}", "authored_at": "2026-11-22T08:00:00+01:00", "received_at": "2026-11-22T07:00:01Z",
           "accepted_at": "2026-11-22T07:00:01Z", "stored_at": "2026-11-22T07:00:02Z", "content_hash": b"", "hash_key": 1,
           "broker": uuid.uuid4(), "epoch": 1, "seq": 1, "revision": revision, "status": "completed", "void": False, **more}
    rig.query(f"insert into sluice.{table} ({', '.join(row)}) values ({', '.join(['%s'] * len(row))})", list(row.values()))


def connect(rig, user="sluice"):
    return psycopg.connect(rig.stores.postgres.dsn(rig.database, user))


def raise_alert(cursor, rule, study=STUDY, place=0, **more):
    """An alert as a worker stores it; its seq is the transaction's. Returns the seq."""
    row = {"alert_id": uuid.uuid4(), "study": study, "subject_id": "SUB123", "rule_id": rule, "severity": "warning",
           "always": True, **more}
    return cursor.execute(
        f"insert into sluice.alerts (seq, {', '.join(row)}) values ((pg_current_xact_id()::text::bigint << 16) | {place},"
        f" {', '.join(['%s'] * len(row))}) returning seq", list(row.values())).fetchone()[0]


@pytest.fixture
def no_alerts(rig):
    rig.query("delete from sluice.alerts")


def test_history(rig):
    id = uuid.uuid4()
    store(rig, id, table="submission_revisions", answers='{"pain": 3, "sleep": "well"}')
    store(rig, id, 2, answers='{"pain": 4, "sleep": "well"}', actor="nurse", role="site", organisation="S01",
          reason="typing error", source="chart 7", status="amended")
    h = answer(rig, "history", id=id.bytes)
    first, second = h["revisions"]
    assert h["id"] == str(id) and h["study"] == STUDY
    assert first["revision"] == 1 and not first["current"] and first["actor"] == "participant" and first["changed"] is None
    assert second == {"revision": 2, "current": True, "status": "amended", "void": False, "actor": "nurse", "role": "site",
                      "organisation": "S01", "reason": "typing error", "source": "chart 7", "changed": ["pain"],
                      "authoredAt": "2026-11-22T07:00:00.000000Z", "receivedAt": "2026-11-22T07:00:01.000000Z",
                      "storedAt": "2026-11-22T07:00:02.000000Z"}
    assert "3" not in json.dumps(second["changed"])
    assert ask(rig, "history", id=id.bytes, studies=["NCT008"]) == {"status": 404}
    assert ask(rig, "history", id=uuid.uuid4().bytes) == {"status": 404}
    assert ask(rig, "history") == "dead"


def test_status_tells_the_revision(rig):
    id = uuid.uuid4()
    store(rig, id, 3, status="in-progress")
    reply = ask(rig, "submission", id=id.bytes)
    assert reply["state"] == "in-progress" and reply["revision"] == 3


@pytest.mark.parametrize("status", ["completed", "stopped", "amended", "entered-in-error"])
def test_status_of_the_form_itself(rig, status):
    id = uuid.uuid4()
    store(rig, id, 2, status=status, void=status == "entered-in-error")
    reply = ask(rig, "submission", id=id.bytes)
    assert (reply["state"], reply["form_status"], reply["revision"]) == ("stored", status, 2)


def test_questionnaire(rig):
    reply = ask(rig, "questionnaire", ref="daily-diary")
    definition = json.loads(reply["json"])
    assert reply["status"] == 200 and reply["type"] == "application/fhir+json" and definition["version"] == "1.0"
    url = definition["url"]
    for question in ({"ref": url}, {"ref": f"{url}|1.0"}, {"ref": "daily-diary", "version": "1.0"}):
        assert ask(rig, "questionnaire", **question)["json"] == reply["json"]
    for question in ({"ref": "nothing"}, {"ref": f"{url}|2.0"}, {"ref": "daily-diary", "version": "9"},
                     {"ref": "daily-diary", "studies": ["NCT008"]}):
        assert ask(rig, "questionnaire", **question) == {"status": 404}
    etag = reply["etag"]
    assert ask(rig, "questionnaire", ref="daily-diary", if_none_match=f'"other", W/{etag}') == {"status": 304, "etag": etag}
    assert ask(rig, "questionnaire", ref="daily-diary", if_none_match='"other"')["status"] == 200


def test_a_form_loaded_later_is_found(rig):
    assert ask(rig, "questionnaire", ref="late")["status"] == 404
    rig.load_questionnaire("late", "1.0")
    assert ask(rig, "questionnaire", ref="late")["status"] == 200


def test_a_large_definition_comes_in_parts(rig):
    rig.query("insert into sluice.questionnaires (url, version, name, status, definition, definition_hash)"
              " select 'https://example.org/large', '1', 'large', 'active', jsonb_set(jsonb_set(definition, '{description}',"
              " to_jsonb(repeat('ü', 250000))), '{url}', '\"https://example.org/large\"'), '\\x01'"
              " from sluice.questionnaires where name = 'daily-diary'")
    text, offset, parts = "", 0, 0
    id = None
    raw = b""
    while offset is not None:
        id = uuid.uuid4().bytes
        body = rig.seal("queries", STUDY, id, pack({"kind": "questionnaire", "studies": [STUDY], "ref": "large",
                                                    "offset": offset}))
        (_, payload), = rig.deliver(rig.record(id, body))
        reply = msgpack.unpackb(rig.unseal("queries/reply", STUDY, id, payload), unicode_errors="surrogateescape")
        raw += reply["json"].encode(errors="surrogateescape")
        offset, parts = reply.get("more"), parts + 1
    text = raw.decode()
    assert parts == 3 and len(json.loads(text)["description"]) == 250000
    assert ask(rig, "questionnaire", ref="large", offset=len(raw) + 1)["status"] == 400


def test_validate(rig):
    good = answer(rig, "validate", body={"questionnaire": "daily-diary", "answers": DIARY})
    assert good == {"valid": True, "questionnaire": "daily-diary", "version": "1.0", "errors": [], "warnings": []}
    bad = answer(rig, "validate", body={"questionnaire": "daily-diary", "answers": {**DIARY, "pain": "severe-secret"}})
    assert not bad["valid"] and bad["errors"][0]["pointer"] == "/answers/pain" and bad["errors"][0]["rule"] == "type"
    assert "severe-secret" not in json.dumps(bad)
    due = answer(rig, "validate", body={"questionnaire": "daily-diary", "answers": {}})
    assert {e["rule"] for e in due["errors"]} == {"required"}
    assert answer(rig, "validate", body={"questionnaire": "daily-diary", "status": "in-progress", "answers": {}})["valid"]
    for body, rule in (({"questionnaire": "other", "answers": {}}, "unknown-questionnaire"),
                       ({"questionnaire": "daily-diary", "version": "7", "answers": {}}, "unknown-version"),
                       ({"questionnaire": "daily-diary", "status": "odd", "answers": {}}, "status")):
        verdict = answer(rig, "validate", body=body)
        assert not verdict["valid"] and [e["rule"] for e in verdict["errors"]] == [rule]
    for body, rule in (([], "type"), ({}, "missing-member"), ({"answers": []}, "answers-not-object"),
                       ({"answers": {}, "phone": 1}, "unknown-member"), ({"answers": {}, "version": 1}, "type")):
        reply = ask(rig, "validate", body=body)
        assert reply["status"] == 400 and reply["rule"] == rule and "phone" not in str(reply)
    before = [rig.query(f"select count(*) from sluice.{t}") for t in ("submissions", "rejections", "audit_events")]
    answer(rig, "validate", body={"questionnaire": "daily-diary", "answers": DIARY})
    assert before == [rig.query(f"select count(*) from sluice.{t}") for t in ("submissions", "rejections", "audit_events")]


def test_validate_a_resource(rig):
    url = rig.query("select url from sluice.questionnaires where name = 'daily-diary'")[0][0]

    def resource(pain, **more):
        return {"resourceType": "QuestionnaireResponse", "questionnaire": f"{url}|1.0", "status": "in-progress",
                "item": [{"linkId": "pain", "answer": [{"valueInteger": pain}]}], **more}

    verdict = answer(rig, "validate", body=resource(3))
    assert verdict["valid"] and verdict["questionnaire"] == "daily-diary", verdict
    verdict = answer(rig, "validate", body=resource("secret"))
    assert not verdict["valid"] and verdict["errors"][0]["pointer"].startswith("/item/0/answer/0")
    assert verdict["errors"][0]["linkId"] == "pain" and "secret" not in json.dumps(verdict)
    for more, rule in (({"questionnaire": "urn:other"}, "unknown-questionnaire"),
                       ({"questionnaire": f"{url}|7"}, "unknown-version"), ({"status": "odd"}, "status")):
        assert [e["rule"] for e in answer(rig, "validate", body=resource(3, **more))["errors"]] == [rule]
    assert ask(rig, "validate", body={"resourceType": "Patient"})["rule"] == "unknown-member"


def test_alerts_page(rig, no_alerts):
    with connect(rig) as c:
        seqs = [raise_alert(c, f"r{i}", place=i, state="closed" if i == 2 else "open") for i in range(5)]
        raise_alert(c, "foreign", study="NCT008", place=9)
        raise_alert(c, "canary", place=10, kind="canary")
    everything = answer(rig, "alerts")
    assert [a["seq"] for a in everything["alerts"]] == seqs and everything["next"] is None
    a = everything["alerts"][0]
    assert a["ruleId"] == "r0" and a["subjectId"] == "SUB123" and a["state"] == "open" and a["raisedAt"].endswith("Z")
    page = answer(rig, "alerts", state="open", limit="3")
    assert [x["ruleId"] for x in page["alerts"]] == ["r0", "r1", "r3"] and page["next"] == seqs[3]
    page = answer(rig, "alerts", state="open", limit="3", after=str(page["next"]))
    assert [x["ruleId"] for x in page["alerts"]] == ["r4"] and page["next"] is None
    assert [x["ruleId"] for x in answer(rig, "alerts", studies=[STUDY, "NCT008"])["alerts"]][-1] == "foreign"
    for bad in ({"state": "odd"}, {"after": "-1"}, {"after": "x"}, {"limit": "0"}, {"limit": "251"}, {"limit": "1e1"}):
        assert ask(rig, "alerts", **bad)["status"] == 400


def test_the_feed_waits_for_transactions_under_way(rig, no_alerts):
    start = ask(rig, "feed")
    assert start["events"] == [] and not start["more"]
    with connect(rig) as slow, connect(rig) as quick:
        early = raise_alert(slow, "early")
        late = raise_alert(quick, "late")
        quick.commit()
        assert early < late
        held = ask(rig, "feed", after=start["next"])
        assert held["events"] == [] and held["next"] < early  # complete only up to what is still under way
        assert [a["ruleId"] for a in answer(rig, "alerts")["alerts"]] == ["late"]  # a list shows what there is
        slow.commit()
    now = ask(rig, "feed", after=held["next"])
    assert [seq for seq, _ in now["events"]] == [early, late] and now["next"] >= late
    assert json.loads(now["events"][0][1])["ruleId"] == "early"
    assert ask(rig, "feed", after=now["next"])["events"] == []
    part = ask(rig, "feed", after=start["next"], limit=1)
    assert part["more"] and part["next"] == early


def test_a_page_never_points_past_what_is_complete(rig, no_alerts):
    with connect(rig) as slow, connect(rig) as quick:
        early = raise_alert(slow, "early")
        raise_alert(quick, "late")
        quick.commit()
        page = answer(rig, "alerts", limit="1")
        assert [a["ruleId"] for a in page["alerts"]] == ["late"] and page["next"] < early
        slow.commit()
    assert [a["ruleId"] for a in answer(rig, "alerts", after=str(page["next"]))["alerts"]] == ["early", "late"]


def test_a_full_feed_goes_on(rig, no_alerts):
    start = ask(rig, "feed")["next"]
    with connect(rig) as c:
        seqs = [raise_alert(c, "r" * 2000, place=i) for i in range(150)]  # more than one reply holds
    seen, after, rounds = [], start, 0
    while True:
        reply = ask(rig, "feed", after=after)
        seen += [seq for seq, _ in reply["events"]]
        after, rounds = reply["next"], rounds + 1
        if not reply["more"]:
            break
    assert seen == seqs and rounds == 2


def test_subject(rig):
    rig.query("delete from sluice.submissions where subject_id = 'SUB124'")
    assert answer(rig, "subject", subject="SUB124") == {"subjectId": "SUB124", "name": None, "age": None, "status": "enrolled"}
    assert ask(rig, "subject", subject="NOBODY") == {"status": 404}
    assert ask(rig, "subject", subject="SUB124", studies=["NCT008"]) == {"status": 404}


def test_counts_come_from_redis_or_the_database(rig):
    redis, key = rig.stores.redis.client(), f"sluice:subject:{STUDY}:SUB124"
    redis.delete(key)
    empty = answer(rig, "subject", subject="SUB124", counts="true")
    assert empty["submissions"] == 0 and empty["lastSubmission"] is None
    id = uuid.uuid4()
    store(rig, id, subject_id="SUB124")
    counted = answer(rig, "subject", subject="SUB124", counts="true")
    last = {"id": str(id), "questionnaire": "daily-diary", "version": "1.0", "authoredAt": "2026-11-22T07:00:00.000000Z"}
    assert counted["submissions"] == 1 and counted["lastSubmission"] == last
    redis.hset(key, mapping={"submissions": 7, "last_submission": str(id), "last_questionnaire": "daily-diary",
                             "last_version": "1.0", "last_authored_at": "2026-11-22T07:00:00.000000Z", "state": "stored"})
    assert answer(rig, "subject", subject="SUB124", counts="true") == {**counted, "submissions": 7}
    redis.hset(key, "submissions", "seven")
    assert answer(rig, "subject", subject="SUB124", counts="true") == counted
    redis.delete(key)


def test_profile(rig):
    trial = rig.query("select trial_code from sluice.studies where study = %s", [STUDY])[0][0]
    assert answer(rig, "profile", subject="SUB124") == {"subjectId": "SUB124", "name": None, "phone": None, "trialCode": trial}
    assert ask(rig, "profile", subject="NOBODY") == {"status": 404}


def test_projects(rig):
    projects, = answer(rig, "projects")["projects"]
    assert projects["projectId"] == STUDY and projects["status"] == "active"
    assert answer(rig, "projects", studies=["NCT008"]) == {"projects": []}


def test_what_is_no_question_is_dead(rig):
    for kind, more in (("questionnaire", {}), ("validate", {}), ("subject", {"subject": 7}), ("feed", {"after": -1}),
                       ("projects", {"studies": []}), ("projects", {"studies": ["A"] * 257}), ("", {})):
        assert ask(rig, kind, **more) == "dead", kind


def test_the_role_sees_no_answers(rig):
    with connect(rig, "sluice_query") as c:
        c.autocommit = True
        for sql in ("select answers from sluice.submissions", "select scores from sluice.submissions",
                    "select answers from sluice.submission_revisions", "select * from sluice.field_changes",
                    "select * from sluice.item_answers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(sql)
