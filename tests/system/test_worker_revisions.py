"""Revisions: in progress until completed, the original's answer to whoever repeats it, corrections."""
import uuid

import msgpack
import pytest

from clinic import CALM, PHQ9, alerts, correct, one, phq9, rig, row, rules, subject  # noqa: F401 (fixtures)


# --- in progress ---

def test_in_progress_until_completed_and_never_back(rig, subject):
    id, outcome, payload = phq9(rig, {"PHQ0101": 1}, subject, status="in-progress")
    assert outcome == "stored" and payload["state"] == "in-progress" and row(rig, id, "revision") == (1,)
    _, outcome, payload = phq9(rig, {"PHQ0101": 1, "PHQ0109": 1}, subject, status="in-progress", id=id)
    assert outcome == "stored" and payload["state"] == "in-progress" and payload["revision"] == 2
    assert row(rig, id, "scores, status, revision") == ({"PHQ0111": {"value": None}}, "in-progress", 2)
    _, outcome, payload = phq9(rig, PHQ9, subject, id=id)
    assert outcome == "stored" and payload["revision"] == 3 and payload.get("state") is None
    assert row(rig, id, "scores, status, revision") == ({"PHQ0111": {"value": 9, "band": "mild"}}, "completed", 3)
    assert alerts(rig, id) == [(2, "phq9-item-9", False, 1), (3, "phq9-item-9", False, 1)]
    _, outcome, payload = phq9(rig, {"PHQ0101": 2}, subject, status="in-progress", id=id)
    assert outcome == "conflict"
    _, outcome, _ = phq9(rig, PHQ9, subject, id=id)
    assert outcome == "duplicate"
    assert rig.query("select revision, status from sluice.submission_revisions where submission_id = %s order by 1", [id]) \
        == [(1, "in-progress"), (2, "in-progress")]
    assert rig.query("select action, revision from sluice.audit_events where submission_id = %s order by revision", [id]) \
        == [("submission.stored", 1), ("submission.revised", 2), ("submission.revised", 3)]


def test_the_same_state_again_is_no_revision(rig, subject):
    id, _, _ = phq9(rig, {"PHQ0101": 1}, subject, status="in-progress")
    _, outcome, _ = phq9(rig, {"PHQ0101": 1}, subject, status="in-progress", id=id)
    assert outcome == "duplicate" and row(rig, id, "revision") == (1,)


def test_three_states_in_one_batch(rig, subject):
    id = uuid.uuid4()
    batch = [rig.submission(a, id=id.bytes, subject=subject, questionnaire="phq-9", **m) for a, m in (
        ({"PHQ0101": 1}, {"status": "in-progress"}), ({"PHQ0101": 1, "PHQ0102": 1}, {"status": "in-progress"}), (CALM, {}))]
    assert [o for o, _ in rig.deliver(*batch)] == ["stored", "stored", "stored"]
    assert row(rig, id, "revision, status") == (3, "completed")


# --- the original's answer again ---

def without_time(payload):
    return {k: v for k, v in payload.items() if k != "received_us"}


@pytest.mark.parametrize("members, answers", [
    ({"submitAt": "2026-11-20T08:00:00Z"}, PHQ9),  # flagged late
    ({}, CALM),
    ({"status": "stopped"}, {"PHQ0101": 1}),  # warned of what is missing
])
def test_a_duplicate_gets_the_originals_answer(rig, subject, members, answers):
    id, outcome, original = phq9(rig, answers, subject, **members)
    assert outcome == "stored" and "scores" in original
    received, = row(rig, id, "received_at")
    _, outcome, again = phq9(rig, answers, subject, id=id, sentAt="2026-11-22T09:00:00Z", **members)
    assert outcome == "duplicate" and without_time(again) == original
    assert again["received_us"] == int(received.timestamp() * 1_000_000)


def test_two_of_one_batch_get_the_same_answer(rig, subject):
    id = uuid.uuid4()
    (first, a), (second, b) = rig.deliver(*[rig.submission(PHQ9, id=id.bytes, subject=subject, questionnaire="phq-9")
                                            for _ in range(2)])
    assert (first, second) == ("stored", "duplicate") and without_time(b) == a and a["scores"]["PHQ0111"]["value"] == 9


def test_what_is_delivered_again_gets_the_same_answer(rig, subject):
    id = uuid.uuid4()
    for answers, members in (({"PHQ0101": 1}, {"status": "in-progress"}), (PHQ9, {"submitAt": "2026-11-20T08:00:00Z"})):
        record = rig.submission(answers, id=id.bytes, subject=subject, questionnaire="phq-9", **members)
        (outcome, original), = rig.deliver(record)
        assert outcome == "stored"
        raw = bytearray(record[0])
        raw[10] = 2  # the second attempt
        (outcome, again), = rig.deliver((bytes(raw), record[1]))
        assert outcome == "stored" and again == {k: v for k, v in original.items() if k != "warnings"}


def test_the_scores_of_a_duplicate_are_those_that_were_stored(rig, subject):
    """Not computed anew: what they are computed with may have changed since."""
    id, _, _ = phq9(rig, CALM, subject)
    rig.query("update sluice.submissions set scores = '{\"PHQ0111\": {\"value\": 1.50}}' where submission_id = %s", [id])
    try:
        _, outcome, again = phq9(rig, CALM, subject, id=id)
        assert outcome == "duplicate" and again["scores"] == {"PHQ0111": {"value": msgpack.ExtType(1, b"1.50")}}
    finally:
        rig.query("update sluice.submissions set scores = '{\"PHQ0111\": {\"value\": 8, \"band\": \"mild\"}}'"
                  " where submission_id = %s", [id])


# --- corrections ---

def test_a_correction(rig, subject):
    id, _, _ = phq9(rig, PHQ9, subject)
    outcome, payload, _ = correct(rig, id, 1, {**PHQ9, "PHQ0109": 2}, subject, user="anna", role="site")
    assert outcome == "stored" and payload["revision"] == 2 and payload["state"] == "amended"
    assert row(rig, id, "status, revision, actor, role, organisation, reason, source, answers->>'PHQ0109', scores") == (
        "amended", 2, "anna", "site", "site 7", "typo", "paper", "2", {"PHQ0111": {"value": 10, "band": "moderate"}})
    assert rig.query("select action, actor, role, reason from sluice.audit_events where submission_id = %s"
                     " order by revision", [id]) == [
        ("submission.stored", "-", None, None), ("submission.revised", "anna", "site", "typo")]
    # The old alert stays, and the new one names it.
    first, second = rig.query("select alert_id, revision, state, supersedes from sluice.alerts where submission_id = %s"
                              " order by revision", [id])
    assert first[1:] == (1, "open", None) and second[1:] == (2, "open", first[0])


def test_a_correction_without_its_time_keeps_the_stored_one(rig, subject):
    id, _, _ = phq9(rig, CALM, subject)
    before = row(rig, id, "authored_at, authored_zone")
    assert correct(rig, id, 1, PHQ9, subject, submitAt=...)[0] == "stored"
    assert row(rig, id, "authored_at, authored_zone") == before


def test_of_a_correction_that_is_wrong_nothing_is_changed(rig, subject):
    id, _, _ = phq9(rig, PHQ9, subject)
    assert correct(rig, id, 1, {**PHQ9, "PHQ0101": "often"}, subject)[0] == "rejected"
    assert row(rig, id, "revision") == (1,)
    assert (2, "phq9-item-9", True, 1) in alerts(rig, id)


def test_stale_foreign_unknown_and_closed_corrections(rig, subject):
    id, _, _ = phq9(rig, CALM, subject)
    assert correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject)[0] == "stored"

    def refused(*args, **how):
        outcome, payload, _ = correct(rig, *args, **how)
        return outcome, payload["http"], rules(payload)

    assert refused(id, 1, CALM, subject) == ("conflict", 412, [("", "stale-revision")])
    assert refused(id, 9, CALM, subject) == ("conflict", 412, [("", "stale-revision")])
    assert refused(id, 2, CALM, "SUB123") == ("rejected", 404, [("", "unknown-submission")])
    assert refused(uuid.uuid4(), 1, CALM, subject) == ("rejected", 404, [("", "unknown-submission")])
    later = "update sluice.{} set stored_at = stored_at {} interval '8 days' where submission_id = '{}' and revision = 2"
    rig.query(later.format("submissions", "-", id))
    assert refused(id, 2, CALM, subject) == ("rejected", 403, [("", "correction-closed")])
    assert correct(rig, id, 2, CALM, subject, user="anna", role="site")[0] == "stored"  # the cutoff is the participants'
    rig.query("set session_replication_role = replica; " + later.format("submission_revisions", "+", id))  # the trail would tell
    assert row(rig, id, "revision") == (3,)


def test_entered_in_error(rig, subject):
    id, _, _ = phq9(rig, CALM, subject)
    outcome, payload, _ = correct(rig, id, 1, CALM, subject, kind="entered-in-error", user="anna", role="site")
    assert outcome == "stored" and payload["state"] == "entered-in-error"
    assert row(rig, id, "void, status, revision, answers->>'PHQ0101'") == (True, "entered-in-error", 2, "1")
    outcome, payload, _ = correct(rig, id, 2, PHQ9, subject, user="anna", role="site")
    assert (outcome, payload["http"], rules(payload)) == ("conflict", 409, [("", "submission-void")])


def test_a_correction_sent_again_gets_its_answer_again(rig, subject):
    id, _, _ = phq9(rig, CALM, subject)
    outcome, original, _ = correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject)
    assert outcome == "stored" and original["scores"]["PHQ0111"]["value"] == 9
    outcome, payload, _ = correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject)
    assert (outcome, payload["revision"], payload["http"]) == ("duplicate", 2, 200)
    assert payload.pop("received_us") == 1795334400_000000 and payload == original
    assert row(rig, id, "revision") == (2,)
    assert correct(rig, id, 2, CALM, subject, kind="entered-in-error", user="anna", role="site")[0] == "stored"
    outcome, payload, _ = correct(rig, id, 2, CALM, subject, kind="entered-in-error", user="anna", role="site")
    assert (outcome, payload["revision"]) == ("duplicate", 3)
    assert row(rig, id, "revision, scores") == (3, None)


def test_a_correction_delivered_again_is_found(rig, subject):
    id, _, _ = phq9(rig, CALM, subject)
    _, _, origin = correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject)
    assert correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject, attempt=2, origin=origin)[:2][0] == "stored"
    assert correct(rig, id, 2, {**CALM, "PHQ0101": 3}, subject)[0] == "stored"
    outcome, payload, _ = correct(rig, id, 1, {**CALM, "PHQ0101": 2}, subject, attempt=2, origin=origin)
    assert outcome == "stored" and payload["revision"] == 2  # superseded since
    assert row(rig, id, "revision") == (3,)
