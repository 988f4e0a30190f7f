"""QuestionnaireResponses: whose, which study, which id; and OperationOutcomes for everything below /fhir."""
import json
import uuid

import pytest

from http_rig import ERRORS, MULTI, PATH, SPONSOR, STUDY, TOKEN, Rig

FHIR = "/fhir/QuestionnaireResponse"
KIND = "application/fhir+json"


def response(**more):
    return {"resourceType": "QuestionnaireResponse", "questionnaire": "http://example.org/q|1.0", "status": "completed",
            "subject": {"identifier": {"value": "SUB123"}}, "authored": "2026-11-22T08:00:00Z",
            "item": [{"linkId": "q1", "answer": [{"valueDecimal": 2.50}]}], **more}


@pytest.fixture(scope="module")
def rig():
    with Rig(wait="1s", described=True) as rig:
        yield rig


@pytest.fixture(autouse=True)
def stored_again(rig):
    rig.mode("stored")
    rig.broker.records.clear()


def create(rig, data=None, path=FHIR, kind=KIND, **more):
    headers = {"Content-Type": kind, **more.pop("headers", {})}
    return rig.request("POST", path, response() if data is None else data, headers=headers, **more)


def issues(answer, status):
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == KIND and answer.json["resourceType"] == "OperationOutcome"
    for issue in answer.json["issue"]:
        assert issue["severity"] in ("error", "warning", "information") and issue["code"]
    return answer.json["issue"]


def test_created(rig):
    a = create(rig, headers={"Date": "Sun, 22 Nov 2026 08:00:07 GMT"})
    issue, = issues(a, 201)
    assert (issue["severity"], issue["code"]) == ("information", "informational")
    assert issue["details"]["coding"] == [{"system": "urn:sluice:status", "code": "stored"}]
    r = rig.broker.records[0]
    assert a.headers["Location"].startswith(f"/api/v1/submissions/{uuid.UUID(bytes=r.id)}?receipt=")
    p = r.plain
    assert (r.service, r.scope, p["study"], p["subject"], p["format"]) == ("submissions", STUDY, STUDY, "SUB123", "fhir")
    assert p["sent_us"] == 1_795_334_407_000_000
    assert p["submission"]["item"][0]["linkId"] == "q1" and p["submission"]["resourceType"] == "QuestionnaireResponse"


def test_same_route_as_the_short_form(rig):
    for subject in ({"identifier": {"value": "SUB123"}}, {"reference": "Patient/SUB123"}, None):
        data = response(subject=subject) if subject else {k: v for k, v in response().items() if k != "subject"}
        a = create(rig, data, path=PATH)
        assert a.status == 201 and a.headers["Content-Type"] == "application/json" and a.json["status"] == "stored"
        assert rig.broker.records[-1].plain["subject"] == "SUB123" and rig.broker.records[-1].plain["format"] == "fhir"
    a = create(rig, response(subject={"reference": "Patient/OTHER"}), path=PATH)
    assert a.status == 400 and a.headers["Content-Type"] == "application/problem+json"
    assert (a.json["errors"][0]["rule"], a.json["errors"][0]["pointer"]) == ("subject-mismatch", "/subject")
    a = create(rig, path=PATH, kind="application/json")  # a resource is no short form
    assert a.status == 400 and a.json["errors"][0]["rule"] == "unknown-member"


@pytest.mark.parametrize("subject, code", [
    ({"reference": "Patient/S-1.a"}, "S-1.a"), ({"reference": "https://ehr.example/fhir/Patient/S1"}, "S1"),
    ({"reference": "Patient/S1/_history/4"}, "S1"), ({"type": "Patient", "identifier": {"system": "urn:x", "value": "Ü 1"}}, "Ü 1"),
    ({"reference": "Patient/other-server", "identifier": {"value": "S1"}}, "S1")])
def test_subjects(rig, subject, code):
    issues(create(rig, response(subject=subject)), 201)
    assert rig.broker.records[0].plain["subject"] == code


@pytest.mark.parametrize("change, rule, expression", [
    ({"subject": None}, "wrong-type", "subject"), ({"subject": "SUB123"}, "wrong-type", "subject"),
    ({"subject": {}}, "wrong-type", "subject.reference"), ({"subject": {"reference": "#p"}}, "wrong-type", "subject.reference"),
    ({"subject": {"reference": "Group/1"}}, "wrong-type", "subject.reference"),
    ({"subject": {"reference": "NotPatient/1"}}, "wrong-type", "subject.reference"),
    ({"subject": {"reference": "Patient/"}}, "wrong-type", "subject.reference"),
    ({"subject": {"reference": "urn:uuid:" + str(uuid.uuid4())}}, "wrong-type", "subject.reference"),
    ({"subject": {"identifier": {}}}, "wrong-type", "subject.identifier.value"),
    ({"subject": {"identifier": {"value": ""}}}, "wrong-type", "subject.identifier.value"),
    ({"subject": {"identifier": [{"value": "S"}]}}, "wrong-type", "subject.identifier"),
    ({"subject": {"identifier": {"value": "x" * 129}}}, "too-long", "subject"),
    ({"identifier": "x"}, "wrong-type", "identifier"), ({"identifier": {"system": "urn:x"}}, "wrong-type", "identifier.value"),
    ({"identifier": {"system": 1, "value": "x"}}, "wrong-type", "identifier.system"),
    ({"identifier": {"system": "urn:" + "x" * 100, "value": "y" * 30}}, "too-long", "identifier"),
    ({"identifier": {"value": "x" * 129}}, "wrong-type", "identifier.value"), ({"authored": 5}, "wrong-type", "authored"),
    ({"resourceType": "Patient"}, "resource-type", "resourceType"), ({"resourceType": None}, "resource-type", "resourceType")])
def test_malformed(rig, change, rule, expression):
    issue, = issues(create(rig, response(**change)), 400)
    assert issue["details"]["coding"] == [{"system": "urn:sluice:rule", "code": rule}] and issue["severity"] == "error"
    assert issue["expression"] == ["QuestionnaireResponse." + expression] and rig.broker.records == []


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"resourceType":"QuestionnaireResponse","item":[{"text":"a\\u0000"}]}',
                                  json.dumps(response()) + "x", '{"status":1,"status":1}'])
def test_hostile_text(rig, text):
    issue, = issues(create(rig, text), 400)
    assert issue["code"] == "invalid" and rig.broker.records == []


def test_ids(rig):
    def id_of(a):
        issues(a, 201)
        return a.headers["Location"].split("/")[-1].split("?")[0]

    known = "12345678-1234-4234-8234-123456789abc"
    for identifier in ({"value": known.upper()}, {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{known}"}, {"system": "u", "value": known}):
        assert id_of(create(rig, response(identifier=identifier))) == known
    one = id_of(create(rig, response(identifier={"system": "urn:app", "value": "visit 7"})))
    assert rig.broker.records[-1].plain["key"] == "urn:app|visit 7"
    assert id_of(create(rig, response(identifier={"system": "urn:app", "value": "visit 7"}, status="in-progress"))) == one
    assert id_of(create(rig, response(identifier={"system": "urn:other", "value": "visit 7"}))) != one
    plain = id_of(create(rig, response(identifier={"value": "visit 7"})))
    assert id_of(create(rig, headers={"Idempotency-Key": "visit 7"})) == plain != one
    derived = id_of(create(rig))
    assert id_of(create(rig, response(id="server-says"))) == derived and id_of(create(rig, response(item=[]))) != derived
    issue, = issues(create(rig, response(identifier={"value": "a"}), headers={"Idempotency-Key": "b"}), 400)
    assert issue["details"]["coding"][0]["code"] == "id-mismatch" and issue["expression"] == ["QuestionnaireResponse.identifier.value"]
    issue, = issues(create(rig, {k: v for k, v in response().items() if k != "authored"}), 400)
    assert issue["details"]["coding"][0]["code"] == "identity-required"


def test_studies(rig):
    def of(code, value="SUB123"):
        return response(subject={"identifier": {"system": f"urn:sluice:study:{code}", "value": value}})

    issues(create(rig, of("B"), token=MULTI), 201)
    assert rig.broker.records[-1].scope == "B" and rig.broker.records[-1].plain["subject"] == "SUB123"
    issue, = issues(create(rig, of("C"), token=MULTI), 403)
    assert issue["code"] == "forbidden" and issue["details"]["coding"][0]["code"] == "study-not-covered"
    issue, = issues(create(rig, token=MULTI), 400)
    assert issue["expression"] == ["QuestionnaireResponse.subject.identifier.system"]
    issues(create(rig, of(STUDY)), 201)
    issues(create(rig, of("")), 201)  # names none: the token's


def test_outcomes(rig):
    error = {"pointer": "/item/0/answer/1/valueDecimal", "rule": "max-value", "detail": "is above", "linkId": "q1",
             "params": {"maxValue": 3}}
    rig.mode("rejected", {"errors": [error, {"pointer": "", "rule": "new-rule", "detail": "d"}]})
    one, two = issues(create(rig), 422)
    assert one["code"] == "value" and one["expression"] == ["QuestionnaireResponse.item[0].answer[1].value"]
    assert one["details"] == {"coding": [{"system": "urn:sluice:rule", "code": "max-value"}], "text": "is above"}
    assert json.loads(one["diagnostics"]) == {"linkId": "q1", "params": {"maxValue": 3}}
    assert two["code"] == "processing" and two["expression"] == ["QuestionnaireResponse"] and "diagnostics" not in two
    rig.mode("held", {"errors": [{"pointer": "/subject", "rule": "unknown-subject", "detail": "d"}]})
    issue, = issues(create(rig), 202)
    assert (issue["severity"], issue["code"]) == ("warning", "not-found")
    rig.mode("stored", {"state": "in-progress", "http": 200, "revision": 2, "flags": ["late", "regex-undecided"]})
    a = create(rig)
    first, late, undecided = issues(a, 200)
    assert first["details"]["text"] == "in-progress" and a.headers["ETag"] == '"2"'
    assert (late["severity"], undecided["code"]) == ("warning", "incomplete")


@pytest.mark.parametrize("mode, payload, status, code", [
    ("accept", None, 202, "informational"), ("dead", {}, 202, "informational"), ("conflict", {}, 409, "conflict"),
    ("rejected", {"http": 410, "rule": "erased", "kept": False}, 410, "deleted"), ("rejected", {}, 422, "processing"),
    ("full", None, 503, "transient"), ("silent", None, 503, "transient")])
def test_other_outcomes(rig, mode, payload, status, code):
    rig.mode(mode, payload)
    a = create(rig)
    issue, = issues(a, status)
    assert issue["code"] == code and ("Retry-After" in a.headers) == (status == 503)


def test_refusals_are_outcomes(rig):
    assert issues(create(rig, token=None), 401)[0]["code"] == "login"
    assert issues(create(rig, token=SPONSOR), 403)[0]["code"] == "forbidden"
    assert issues(create(rig, kind="text/plain"), 415)[0]["code"] == "not-supported"
    assert issues(create(rig, kind="application/fhir+json; fhirVersion=3.0"), 415)[0]["code"] == "not-supported"
    assert issues(rig.request("GET", "/fhir/Patient/1"), 404)[0]["code"] == "not-found"
    a = rig.request("GET", FHIR)
    assert issues(a, 405)[0]["code"] == "not-supported" and a.headers["Allow"] == "POST, OPTIONS"
    for kind in ("application/fhir+json; charset=UTF-8", "application/fhir+json;fhirVersion=4.0", "application/json"):
        issues(create(rig, kind=kind), 201)
    assert rig.request("GET", "/fhirx", token=TOKEN).headers["Content-Type"] == "application/problem+json"


def test_too_large():
    with Rig(max_body_bytes=2000) as rig:
        issue, = issues(create(rig, response(item=[{"linkId": "x" * 2000}])), 413)
        assert issue["code"] == "too-long"


def test_metadata(rig):
    a = rig.request("GET", "/fhir/metadata", token=None)
    assert a.status == 200 and a.headers["Content-Type"] == KIND
    c = a.json
    assert (c["resourceType"], c["fhirVersion"], c["kind"], c["status"]) == ("CapabilityStatement", "4.0.1", "instance", "active")
    assert c["implementation"]["description"] and c["date"] and "application/fhir+json" in c["format"]
    resource, = c["rest"][0]["resource"]
    assert resource["type"] == "QuestionnaireResponse" and resource["interaction"] == [{"code": "create"}]
    assert rig.request("HEAD", "/fhir/metadata", token=None).body == b""
