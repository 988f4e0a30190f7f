"""Scores and alerts through a whole fleet: what is stored for sound, broken and earlier forms, and under which ids."""
import hashlib
import json
import os
import uuid

import msgpack
import pytest

from fleet import QUESTIONNAIRES, STUDY, Fleet
from stores import until

PHQ9 = {f"PHQ010{n}": 1 for n in range(1, 9)}


@pytest.fixture(scope="module")
def fleet(stores):
    with Fleet(stores) as fleet:
        for name in ("pro-ctcae", "eq-5d-5l", "glucose"):
            fleet.ctl("questionnaire", "load", os.path.join(QUESTIONNAIRES, f"{name}.json"), "--study", STUDY, "--yes")
        fleet.load_subjects([f"CLIN-{n:03}" for n in range(1, 20)])
        yield fleet


def post(fleet, subject, questionnaire, answers, **members):
    key = str(uuid.uuid4())
    return fleet.post(answers, subject=subject, key=key, questionnaire=questionnaire, **members), uuid.UUID(key)


def stored(fleet, key):
    return fleet.query("select scores, coalesce(flags, '{}') from sluice.submissions where submission_id = %s", [key])[0]


def alerts(fleet, key):
    return fleet.query("select alert_id, rule_id, severity, provisional, revision, link_id, measure::text from sluice.alerts"
                       " where submission_id = %s order by rule_id", [key])


def alert_id(fleet, submission, revision, rule):
    """The id as schemas/wire/identity.h says, by another implementation."""
    with open(fleet.path("identity.key")) as f:
        key = bytes.fromhex(f.read().split()[1])
    packed = msgpack.packb(["alert", STUDY, submission.bytes, revision, rule])
    x = bytearray(hashlib.blake2b(packed, key=key, digest_size=32).digest()[:16])
    x[6], x[8] = x[6] & 0x0f | 0x80, x[8] & 0x3f | 0x80
    return uuid.UUID(bytes=bytes(x))


def test_phq9_is_scored_and_item_9_alerts(fleet):
    answer, key = post(fleet, "CLIN-001", "phq-9", {**PHQ9, "PHQ0109": 1, "PHQ0111": 12})
    assert answer.status == 201, answer.body
    scores, flags = stored(fleet, key)
    assert scores == {"PHQ0111": {"value": 9, "band": "mild"}}
    assert "score-differs" in flags
    (row,) = alerts(fleet, key)
    assert row[1:] == ("phq9-item-9", "urgent", False, 1, "PHQ0109", "1")
    assert row[0] == alert_id(fleet, key, 1, "phq9-item-9")


def test_a_sound_total_is_not_flagged_and_a_low_form_does_not_alert(fleet):
    answer, key = post(fleet, "CLIN-002", "phq-9", {**PHQ9, "PHQ0109": 0, "PHQ0111": 8})
    assert answer.status == 201, answer.body
    scores, flags = stored(fleet, key)
    assert scores == {"PHQ0111": {"value": 8, "band": "mild"}}
    assert "score-differs" not in flags and alerts(fleet, key) == []


def test_a_form_in_progress_alerts_but_has_no_score(fleet):
    answer, key = post(fleet, "CLIN-003", "phq-9", {"PHQ0109": 3}, status="in-progress")
    assert answer.status == 201, answer.body
    assert stored(fleet, key)[0] == {"PHQ0111": {"value": None}}
    assert [row[1] for row in alerts(fleet, key)] == ["phq9-item-9"]


def test_a_rejected_form_does_not_lose_its_alert(fleet):
    answer, key = post(fleet, "CLIN-004", "phq-9", {**PHQ9, "PHQ0101": "often", "PHQ0109": 2})
    assert answer.status == 422, answer.body
    assert [(row[1], row[3]) for row in alerts(fleet, key)] == [("phq9-item-9", True)]


def test_a_symptom_alerts_against_the_subjects_own_previous_answer(fleet):
    def report(severity, day):
        answer, key = post(fleet, "CLIN-005", "pro-ctcae", {"cough-severity": severity, "nausea-frequency": "never"},
                           submitAt=f"2026-11-{day:02}T08:00:00+01:00")
        assert answer.status == 201, answer.body
        return stored(fleet, key)[0], [row[1] for row in alerts(fleet, key)]

    scores, raised = report("none", 10)
    assert raised == [] and scores["cough-composite"] == {"value": 0} and scores["nausea-composite"] == {"value": 0}
    assert scores["pain-composite"] == {"value": None}
    assert report("moderate", 12)[1] == ["cough-severity-worse"]
    assert report("severe", 14)[1] == ["cough-severity-high"]
    # Late: judged against its own predecessor, the form of the 10th.
    assert report("mild", 11)[1] == []


def test_profile_blood_pressure_and_glucose(fleet):
    profile = {f"EQ5D020{n}": n for n in range(1, 6)}
    answer, key = post(fleet, "CLIN-006", "eq-5d-5l", {**profile, "EQ5D0206": 70})
    assert answer.status == 201, answer.body
    assert stored(fleet, key)[0] == {"profile": {"value": "12345"}}

    vital = {"VISITNUM": 1, "VISIT": "DAY 1", "SYSBP": {"value": 21.4, "code": "kPa"}, "DIABP": 60}
    answer, key = post(fleet, "CLIN-006", "vital-signs", vital, originator={"type": "device"})
    assert answer.status == 201, answer.body
    assert stored(fleet, key)[0] == {"BPGRADE": {"value": 3, "band": "grade-3"}}
    assert [row[1] for row in alerts(fleet, key)] == ["blood-pressure-grade-3"]

    answer, key = post(fleet, "CLIN-006", "glucose", {"glucose": {"value": 50, "code": "mg/dL"}, "fasting": False})
    assert answer.status == 201, answer.body
    assert stored(fleet, key)[0] == {"glucose-high": {"value": 0}, "glucose-low": {"value": 2}}
    assert [row[1] for row in alerts(fleet, key)] == ["glucose-low-level-2"]


def test_a_study_changes_thresholds_and_switches_rules_off(fleet):
    with open(os.path.join(os.path.dirname(QUESTIONNAIRES), "examples/study-NCT007.json")) as f:
        study = json.load(f)
    study["alerts"] = {"fatigue-severity-high": {"value": 4, "severity": "urgent"}, "insomnia-severity-high": {"off": True}}
    study["parameters"] = {"glucose": {"uln": 5.6}}
    path = fleet.path("study-changed.json")
    with open(path, "w") as f:
        json.dump(study, f)
    before = {"fatigue-severity": "severe", "insomnia-severity": "severe"}
    answer, key = post(fleet, "CLIN-007", "pro-ctcae", before)
    assert answer.status == 201, answer.body
    assert [row[1] for row in alerts(fleet, key)] == ["fatigue-severity-high", "insomnia-severity-high"]
    fleet.ctl("study", "load", path, "--yes")

    def reloaded():
        answer, key = post(fleet, "CLIN-008", "glucose", {"glucose": 5.8, "fasting": True})
        assert answer.status == 201, answer.body
        return stored(fleet, key)[0]["glucose-high"]["value"] == 1

    until("workers to know the study's new file", 30, reloaded)
    answer, key = post(fleet, "CLIN-009", "pro-ctcae", before)
    assert answer.status == 201 and alerts(fleet, key) == [], answer.body
    answer, key = post(fleet, "CLIN-010", "pro-ctcae", {"fatigue-severity": "very-severe"})
    assert [row[1:3] for row in alerts(fleet, key)] == [("fatigue-severity-high", "urgent")]


def test_the_books_balance(fleet):
    fleet.reconcile()
    fleet.audit_verify()
