"""Rare meetings in one batch: what is refused beside what is rejected, the same id as several things, more alerts
than a report can carry, and what comes once more when it has been corrected meanwhile."""
import json
import uuid

import pytest

import protocol as p
from fleet import QUESTIONNAIRES
from stores import Stores
from worker_rig import DIARY, Rig


@pytest.fixture(scope="module")
def stores():
    with Stores() as s:
        yield s


@pytest.fixture
def rig(stores):
    with Rig(stores, subjects=["SUB123", "SUB124"]) as r:
        r.ctl("questionnaire", "load", f"{QUESTIONNAIRES}/phq-9.json", "--yes")
        r.pull()
        yield r


def outcomes(results):
    return [outcome for outcome, _ in results]


def deliver(rig, *records):
    """(results, follow-ups): each follow-up is the alert's id."""
    rig.lease += 1
    rig.send(p.DELIVER, {"lease": rig.lease, "service": rig.service}, b"".join(r for r, _ in records))
    _, header, bodies = rig.receive({p.REPORT}, 30)
    found = rig.reports(bodies[0])
    told = [uuid.UUID(bytes=bytes(r.id)) for r in p.records(bodies[1])] if len(bodies) > 1 else []
    return [found[origin] for _, origin in records], told, bodies


def test_reasons_survive_rows_that_are_refused(rig):
    """Each refused row says why, too; the rejections beside them keep their own reasons."""
    bad = [rig.submission(visit=f"V\x00{i}") for i in range(40)]
    broken = [rig.submission({"pain": 1}, notAMember=1) for _ in range(3)]
    assert outcomes(rig.deliver(*bad, *broken)) == ["rejected"] * 43
    for _, origin in broken:
        (reasons,), = rig.query("select reasons from sluice.rejections where (epoch, seq) = (%s, %s)", origin)
        assert {"unknown-item", "required"} <= {r["rule"] for r in reasons}


def test_the_original_again_after_its_correction(rig):
    id = uuid.uuid4().bytes
    first = rig.submission(id=id)
    assert outcomes(rig.deliver(first)) == ["stored"]
    fix = rig.submission({**DIARY, "pain": 4}, id=id, inner={"revise": {"revision": 1, "reason": "typo", "kind": "amended"}})
    assert outcomes(rig.deliver(fix)) == ["stored"]
    # its report was lost; and the app, which never heard of it, sends the same bytes once more
    again, resent = rig.submission(id=id, origin=first[1], attempt=2), rig.submission(id=id)
    results = rig.deliver(again, resent)
    assert outcomes(results) == ["stored", "duplicate"]
    assert rig.query("select pain, revision from (select answers->>'pain' as pain, revision from sluice.submissions"
                     " where submission_id = %s) x", [uuid.UUID(bytes=id)]) == [("4", 2)]
    assert rig.count("rejections") == 0


def test_an_older_state_does_not_follow_a_newer_one(rig):
    id = uuid.uuid4().bytes
    early, later = {"pain": 1}, {"pain": 1, "fatigue": 2}
    assert outcomes(rig.deliver(rig.submission(early, id=id, status="in-progress"))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(later, id=id, status="in-progress"))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(early, id=id, status="in-progress"))) == ["duplicate"]
    assert rig.query("select answers, revision from sluice.submissions where submission_id = %s",
                     [uuid.UUID(bytes=id)]) == [(later, 2)]
    assert outcomes(rig.deliver(rig.submission(DIARY, id=id))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(later, id=id, status="in-progress"))) == ["duplicate"]
    assert rig.count("rejections") == 0


def phq(subject="SUB123", **how):
    answers = {f"PHQ010{n}": 0 for n in range(1, 10)}
    answers["PHQ0109"] = how.pop("thoughts", 1)
    answers.update(how.pop("more", {}))
    return dict(answers=answers, subject=subject, questionnaire="phq-9", version=..., **how)


def test_same_id_stored_and_rejected_in_one_batch(rig):
    """What was stored confirms the alert, in whatever order the two come."""
    for order in (1, -1):
        for _ in range(3):
            id = uuid.uuid4().bytes
            good, broken = rig.submission(id=id, **phq()), rig.submission(id=id, **phq(more={"nonsense": 1}))
            results, told, _ = deliver(rig, *[good, broken][::order])
            assert sorted(outcomes(results)) == ["rejected", "stored"]
            assert rig.query("select provisional from sluice.alerts where submission_id = %s",
                             [uuid.UUID(bytes=id)]) == [(False,)]
            assert len(set(told)) == 1


def test_another_subjects_alert_under_the_same_id(rig):
    id = uuid.uuid4().bytes
    results, told, _ = deliver(rig, rig.submission(id=id, **phq()))
    assert outcomes(results) == ["stored"] and len(told) == 1
    results, told, _ = deliver(rig, rig.submission(id=id, **phq("SUB124")))
    assert outcomes(results) == ["conflict"] and len(told) == 1
    assert rig.query("select subject_id, provisional from sluice.alerts order by raised_at") == [
        ("SUB123", False), ("SUB124", True)]


def alarming(rig, rules):
    """A form with many rules, each of which breaks."""
    base = "https://sluice.example/fhir/StructureDefinition/alert"
    form = {"resourceType": "Questionnaire", "url": "https://example.org/alarming", "name": "alarming",
            "version": "1", "status": "active",
            "item": [{"linkId": f"q{i}", "text": "How much?", "type": "integer"} for i in range(rules)],
            "extension": [{"url": base, "extension": [
                {"url": "id", "valueId": f"rule-{i}"}, {"url": "item", "valueString": f"q{i}"},
                {"url": "op", "valueCode": ">"}, {"url": "value", "valueDecimal": 0},
                {"url": "severity", "valueCode": "urgent"}, {"url": "text", "valueString": "Too much"},
                {"url": "always", "valueBoolean": True}]} for i in range(rules)]}
    path = f"{rig.folder}/alarming.json"
    with open(path, "w") as f:
        json.dump(form, f)
    rig.ctl("questionnaire", "load", path, "--yes")
    return {f"q{i}": 1 for i in range(rules)}


def test_more_alerts_than_a_report_carries(rig):
    """What does not fit comes again; nobody's alert is forgotten and nobody waits for ever."""
    answers = alarming(rig, 30)
    waiting = {}
    for i in range(256):
        id = uuid.uuid4().bytes
        record = rig.submission(answers, id=id, questionnaire="alarming", version="1")
        waiting[record[1]] = (id, record)
    told = []
    for attempt in range(1, 61):
        if not waiting:
            break
        results, ids, bodies = deliver(rig, *[record for _, record in waiting.values()])
        assert len(bodies) < 2 or len(bodies[1]) <= 128 << 10
        told += ids
        again = [origin for origin, (outcome, _) in zip(list(waiting), results) if outcome == "retry"]
        assert len(again) < len(waiting), "no progress"
        waiting = {origin: (waiting[origin][0], rig.submission(answers, id=waiting[origin][0], origin=origin,
                                                                attempt=attempt + 1, questionnaire="alarming", version="1"))
                   for origin in again}
    assert not waiting
    assert len(set(told)) == 256 * 30 == rig.count("alerts")


def test_another_subject_does_not_continue_a_form(rig):
    id = uuid.uuid4().bytes
    assert outcomes(rig.deliver(rig.submission({"pain": 1}, id=id, status="in-progress"))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(DIARY, id=id, subject="SUB124"))) == ["conflict"]
    assert rig.query("select subject_id, answers, revision from sluice.submissions where submission_id = %s",
                     [uuid.UUID(bytes=id)]) == [("SUB123", {"pain": 1}, 1)]


def test_another_subjects_resource_is_no_duplicate(rig):
    """The path alone says whose it is: the bytes of both are the same."""
    resource = {"resourceType": "QuestionnaireResponse", "questionnaire": "https://sluice.example/questionnaires/phq-9",
                "status": "completed", "authored": "2026-11-22T08:00:00+01:00",
                "item": [{"linkId": f"PHQ010{n}", "answer": [{"valueInteger": 1}]} for n in range(1, 10)]}
    results = []
    id = uuid.uuid4().bytes
    for subject in ("SUB123", "SUB124"):
        results += rig.deliver(rig.submission(id=id, inner={"format": "fhir", "submission": resource, "subject": subject}))
    assert results[0][0] == "stored", results
    assert results[1][0] == "conflict"


def test_what_is_void_raises_nothing(rig):
    id = uuid.uuid4().bytes
    results, told, _ = deliver(rig, rig.submission(id=id, **phq()))
    assert outcomes(results) == ["stored"] and len(told) == 1
    voids = {"revise": {"revision": 1, "reason": "wrong subject", "kind": "entered-in-error"}}
    results, told, _ = deliver(rig, rig.submission(id=id, inner=voids, **phq(status="entered-in-error")))
    assert outcomes(results) == ["stored"] and told == []
    assert rig.query("select void, revision from sluice.submissions where submission_id = %s",
                     [uuid.UUID(bytes=id)]) == [(True, 2)]
    assert rig.count("alerts") == 1


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00",
                                    "1969-12-31T23:59:59.999999Z"])
def test_the_ends_of_time(rig, moment):
    record = rig.submission(submitAt=moment, sentAt=moment, startedAt=moment, **phq())
    results, told, _ = deliver(rig, record, rig.submission(submitAt=moment, **phq("SUB124")))
    assert outcomes(results) == ["stored", "stored"], results
    assert len(told) == 2
    assert rig.query("select count(*) from sluice.alerts where state = 'open'") == [(2,)]


def test_corrections_of_one_form_in_one_batch(rig):
    """The form, two corrections of its first revision, and one of its second."""
    id = uuid.uuid4().bytes

    def fix(revision, pain):
        return rig.submission({**DIARY, "pain": pain}, id=id,
                              inner={"revise": {"revision": revision, "reason": "typo", "kind": "amended"}})

    results = rig.deliver(rig.submission(id=id), fix(1, 4), fix(1, 5), fix(2, 6))
    assert outcomes(results) == ["stored", "stored", "conflict", "stored"]
    assert results[2][1]["http"] == 412
    assert rig.query("select answers->>'pain', revision from sluice.submissions where submission_id = %s",
                     [uuid.UUID(bytes=id)]) == [("6", 3)]
    rig.ctl("audit", "verify")


def test_a_subject_without_its_key_waits_alone(rig):
    identified = f"{rig.folder}/person.json"
    with open(identified, "w") as f:
        json.dump({"resourceType": "Questionnaire", "url": "https://example.org/person", "name": "person", "version": "1",
                   "status": "active", "item": [{"linkId": "name", "text": "Name", "type": "string",
                                                 "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.name"}]}, f)
    rig.ctl("questionnaire", "load", identified, "--yes")

    def person(subject):
        return rig.submission({"name": "Ada"}, subject=subject, questionnaire="person", version="1")

    assert outcomes(rig.deliver(person("SUB123"))) == ["stored"]
    rig.query("update identity.subject_keys set wrapped_key = decode(repeat('00', octet_length(wrapped_key)), 'hex')"
              " where subject_id = 'SUB123' returning 1")
    assert outcomes(rig.deliver(person("SUB123"), person("SUB124"), rig.submission())) == ["retry", "stored", "stored"]
