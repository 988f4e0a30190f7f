"""All ways in, over the whole fleet: what one request brought is one row each, and the ledger agrees."""
import uuid

import pytest

from fleet import DIARY, STUDY, TOKEN, Fleet

SITE = "fleet-token-site-0000000000"
DAY = "2026-11-22T08:00:00+01:00"


@pytest.fixture(scope="module")
def fleet(stores):
    fleet = Fleet(stores)
    try:
        fleet.prepare()
        fleet.write_secret("tokens", f"{TOKEN} {STUDY}\n{SITE} {STUDY} role=site user=nurse-7 organisation=Clinic\n")
        fleet.start()
        yield fleet
    finally:
        fleet.__exit__()


def diary(**more):
    return {"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0", "submitAt": DAY, "answers": DIARY, **more}


def row(fleet, id, columns):
    rows = fleet.query(f"select {columns} from sluice.submissions where submission_id = %s", [id])
    return rows[0] if rows else None


def test_a_batch_is_as_many_rows(fleet):
    before = fleet.count()
    parts = [diary(id="day 1"), diary(id="day 2", answers={**DIARY, "pain": "much"}), diary(id="day 3"), diary(id="day 1"),
             diary(id="day 4", questionnaire="not-loaded"), {"subjectId": "x"}]
    a = fleet.request("POST", "/api/v1/submissions/batch", {"submissions": parts})
    assert a.status == 200, a.body
    assert [r["status"] for r in a.json["results"]] == [201, 422, 201, 201, 202, 400]
    assert a.json["results"][1]["body"]["errors"][0]["pointer"] == "/answers/pain"
    assert fleet.count() == before + 2
    again = fleet.request("POST", "/api/v1/submissions/batch", {"submissions": parts + [
        diary(id="day 1", answers={**DIARY, "pain": 4})]}).json["results"]
    assert [r["status"] for r in again] == [201, 422, 201, 201, 202, 400, 409]
    assert [r["body"].get("id") for r in again[:6]] == [r["body"].get("id") for r in a.json["results"]]
    assert fleet.count() == before + 2


VALUES = {"diaryDate": "valueDate", "wokeAt": "valueDateTime", "pain": "valueInteger", "fatigue": "valueInteger",
          "temperature": "valueDecimal", "weight": "valueDecimal", "tookMedication": "valueBoolean", "sleep": "valueString",
          "notes": "valueString"}


def response(answers=None, **more):
    """The diary as a QuestionnaireResponse: flat items in the definition's order."""
    def item(name, v):
        if v is None:
            return {"linkId": name}
        return {"linkId": name, "answer": [{"valueCoding": {"code": v}} if name == "nausea" else {VALUES[name]: v}]}

    return {"resourceType": "QuestionnaireResponse", "questionnaire": "daily-diary|1.0", "status": "completed", "authored": DAY,
            "subject": {"reference": "Patient/SUB123"}, "item": [item(*a) for a in (answers or DIARY).items()], **more}


def test_fhir_and_short_form_are_the_same_row(fleet):
    short, fhir = str(uuid.uuid4()), str(uuid.uuid4())
    assert fleet.post(key=short).status == 201
    a = fleet.request("POST", "/fhir/QuestionnaireResponse", response(identifier={"value": fhir}),
                      {"Content-Type": "application/fhir+json"})
    assert a.status == 201, a.body
    assert a.json["issue"][0]["severity"] == "information"
    columns = "answers - 'notes', questionnaire, version, subject_id, authored_at, status"
    assert row(fleet, fhir, columns) == row(fleet, short, columns) != None
    by_path = str(uuid.uuid4())
    a = fleet.request("POST", "/api/v1/subjects/SUB123/questionnaires", response(identifier={"value": by_path}),
                      {"Content-Type": "application/fhir+json"})
    assert a.status == 201 and a.json["id"] == by_path, a.body
    assert row(fleet, by_path, columns) == row(fleet, short, columns)


def test_fhir_is_told_what_is_wrong(fleet):
    id = str(uuid.uuid4())
    a = fleet.request("POST", "/fhir/QuestionnaireResponse", response(item=[{"linkId": "no-such-item", "answer": [{"valueInteger": 1}]}],
                                                                       identifier={"value": id}),
                      {"Content-Type": "application/fhir+json"})
    assert a.status == 422, a.body
    assert a.json["resourceType"] == "OperationOutcome" and f"/api/v1/submissions/{id}?receipt=" in a.headers["Location"]
    issue = a.json["issue"][0]
    assert issue["severity"] == "error" and issue["expression"][0].startswith("QuestionnaireResponse")
    assert row(fleet, id, "1") is None


def test_a_correction_is_a_revision(fleet):
    id = str(uuid.uuid4())
    path = f"/api/v1/submissions/{id}"
    assert fleet.post(key=id).status == 201
    corrected = diary(answers={**DIARY, "pain": 4}, reason="read wrongly", source="chart p. 7")
    put = {"Content-Type": "application/json", "If-Match": '"1"'}
    a = fleet.request("PUT", path, corrected, put, token=SITE)
    assert a.status == 200 and a.headers["ETag"] == '"2"' and a.json["revision"] == 2, a.body
    assert row(fleet, id, "revision, answers->>'pain'") == (2, "4")
    (actor, role, organisation, reason), = fleet.query(
        "select actor, role, organisation, reason from sluice.audit_events where submission_id = %s and revision = 2", [id])
    assert (actor, role, organisation, reason) == ("nurse-7", "site", "Clinic", "read wrongly")
    stale = fleet.request("PUT", path, {**corrected, "answers": {**DIARY, "pain": 5}}, put, token=SITE)
    assert stale.status == 412 and stale.json["type"] == "urn:sluice:problem:stale-revision", stale.body
    unknown = fleet.request("PUT", f"/api/v1/submissions/{uuid.uuid4()}", corrected, put, token=SITE)
    assert unknown.status == 404, unknown.body
    wrong = fleet.request("PUT", path, {**corrected, "answers": {**DIARY, "pain": "much"}}, {**put, "If-Match": '"2"'}, token=SITE)
    assert wrong.status == 422 and wrong.json["kept"] is True
    assert row(fleet, id, "revision, answers->>'pain'") == (2, "4")


def test_a_correction_as_a_resource(fleet):
    id = str(uuid.uuid4())
    assert fleet.post(key=id).status == 201

    def put(revision, answers, **more):
        why = {"url": "https://sluice.example/fhir/StructureDefinition/correction", "extension": [
            {"url": "reason", "valueString": "read wrongly"}, {"url": "source", "valueString": "chart p. 7"}]}
        return fleet.request("PUT", f"/api/v1/submissions/{id}", response({**DIARY, **answers}, extension=[why], **more),
                             {"Content-Type": "application/fhir+json", "If-Match": str(revision)}, token=SITE)

    for _ in range(2):  # and the same request again
        a = put(1, {"pain": 4})
        assert a.status == 200 and a.json["revision"] == 2 and a.json["status"] == "amended", a.body
    assert row(fleet, id, "revision, answers->>'pain', reason, source") == (2, "4", "read wrongly", "chart p. 7")
    assert put(2, {"pain": "much"}).status in (400, 422) and put(1, {"pain": 5}).status == 412
    a = put(2, {"pain": 4}, status="entered-in-error")
    assert a.status == 200 and a.json["status"] == "entered-in-error" and row(fleet, id, "revision, void") == (3, True)


def test_resources_in_a_batch(fleet):
    ids = [str(uuid.uuid4()) for _ in range(3)]
    parts = [response(identifier={"value": ids[0]}), diary(id=ids[1]), response({**DIARY, "pain": None}, identifier={"value": ids[2]}),
             response(item=[{"linkId": "no-such-item"}])]
    for _ in range(2):
        a = fleet.request("POST", "/api/v1/submissions/batch", {"submissions": parts})
        assert [r["status"] for r in a.json["results"]] == [201, 201, 422, 422], a.body
        assert a.json["results"][2]["body"]["errors"][0]["linkId"] == "pain"
    assert row(fleet, ids[0], "answers - 'notes', authored_at") == row(fleet, ids[1], "answers - 'notes', authored_at") != None


def test_one_in_progress_may_come_again(fleet):
    id = str(uuid.uuid4())
    for n, (status, expected) in enumerate((("in-progress", 201), ("in-progress", 200), ("completed", 200))):
        a = fleet.post(key=id, status=status, answers={**DIARY, "pain": n})
        assert a.status == expected and a.json["id"] == id, a.body
        assert row(fleet, id, "revision, status, answers->>'pain'") == (n + 1, status, str(n))
    assert fleet.post(key=id, status="in-progress", answers={**DIARY, "pain": 9}).status == 409
    assert row(fleet, id, "revision, status") == (3, "completed")


def test_an_alert_is_acknowledged_and_closed(fleet):
    id = str(uuid.uuid4())
    a = fleet.request("POST", "/api/v1/subjects/SUB123/questionnaires", {
        "subjectId": "SUB123", "questionnaire": "phq-9", "submitAt": DAY, "answers": {f"PHQ010{i}": int(i == 9) for i in range(1, 10)}}, {"Idempotency-Key": id})
    assert a.status == 201 and a.json["scores"], a.body
    alert, = [x for x in fleet.request("GET", "/api/v1/alerts?state=open", token=SITE).json["alerts"] if x["submissionId"] == id]
    path = f"/api/v1/alerts/{alert['alertId']}"
    assert fleet.request("POST", f"{path}/acknowledge", {}).status == 403  # no participant's business
    for action, state in (("acknowledge", "acknowledged"), ("acknowledge", "acknowledged"), ("close", "closed")):
        a = fleet.request("POST", f"{path}/{action}", {"note": "called"}, {"Prefer": "wait=10"}, token=SITE)
        assert (a.status, a.json["status"]) == (200, state), a.body
    events = fleet.query("select event, actor, role, note from sluice.alert_events where alert_id = %s and actor <> ''"
                         " and event in ('acknowledged', 'closed') order by n", [alert["alertId"]])
    assert [e[0] for e in events][-1] == "closed" and {e[1:] for e in events} == {("nurse-7", "site", "called")}
    assert fleet.request("POST", f"/api/v1/alerts/{uuid.uuid4()}/close", {}, token=SITE).status == 404


def test_the_ledger_agrees(fleet):
    fleet.await_drained()
    fleet.reconcile()
    fleet.audit_verify()
