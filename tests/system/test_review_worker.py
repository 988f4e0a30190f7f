"""Rare meetings in one batch: what is refused beside what is rejected, the same id as several things, more alerts
than a report can carry, and what comes once more when it has been corrected meanwhile."""
import json
import uuid

import pytest

import protocol as p
from fleet import QUESTIONNAIRES
from stores import Stores
from worker_rig import DIARY, STUDY, Rig


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
    for attempt in range(1, 9):
        if not waiting:
            break
        results, ids, bodies = deliver(rig, *[record for _, record in waiting.values()])
        assert len(bodies) < 2 or len(bodies[1]) <= 1 << 20
        told += ids
        again = [origin for origin, (outcome, _) in zip(list(waiting), results) if outcome == "retry"]
        assert len(again) < len(waiting), "no progress"
        waiting = {origin: (waiting[origin][0], rig.submission(answers, id=waiting[origin][0], origin=origin,
                                                                attempt=attempt + 1, questionnaire="alarming", version="1"))
                   for origin in again}
    assert not waiting
    assert len(set(told)) == 256 * 30 == rig.count("alerts")
