"""The service "submissions" alone: what becomes of each message, in the rows and in the report."""
import uuid

import pytest

from stores import Stores, until
from worker_rig import DIARY, STUDY, Decimal, Rig


@pytest.fixture(scope="module")
def stores():
    with Stores() as s:
        yield s


@pytest.fixture(scope="module")
def rig(stores):
    with Rig(stores) as r:
        r.pull()
        yield r


def outcomes(results):
    return [outcome for outcome, _ in results]


def rules(result):
    return sorted((e["pointer"], e["rule"]) for e in result[1]["errors"])


def test_a_submission_becomes_one_row(rig):
    id = uuid.uuid4()
    (outcome, payload), = rig.deliver(rig.submission(id=id.bytes, visit="V1", language="de"))
    assert outcome == "stored"
    assert payload["questionnaire"] == "daily-diary" and payload["version"] == "1.0" and payload["stored_us"] > 0
    row, = rig.query("select study, subject_id, questionnaire, version, answers, authored_zone, visit, language, status,"
                     " broker, epoch, seq, length(content_hash), authored_at from sluice.submissions"
                     " where submission_id = %s", [id])
    assert row[:4] == (STUDY, "SUB123", "daily-diary", "1.0")
    assert row[4] == DIARY
    assert row[5:9] == ("+01:00", "V1", "de", "completed")
    assert row[9:13] == (rig.broker, *((rig.epoch, rig.seq)), 32)
    assert row[13].isoformat() == "2026-11-22T07:00:00+00:00"


def test_decimals_and_text_come_back_unchanged(rig):
    answers = {**DIARY, "temperature": Decimal("36.60"), "weight": Decimal("1e2"),
               "notes": 'quotes " and \\ and \n line, \u00fc, \U0001f600, tab\t'}
    id = uuid.uuid4()
    assert outcomes(rig.deliver(rig.submission(answers, id=id.bytes))) == ["stored"]
    row, = rig.query("select answers->>'temperature', answers->>'weight', answers->>'notes' from sluice.submissions"
                     " where submission_id = %s", [id])
    assert row == ("36.60", "100", answers["notes"])


def test_every_shape_of_batch_has_its_statement(rig):
    """Equal or mixed values, rare members, a long text beside the JSON, a rejection: each alone and all at once."""
    long = 'long " \\ \n \u00fc ' * 60
    parts = {"mixed": {"questionnaire": "other", "version": "2.0"}, "rare": {"visit": "V2"},
             "long": {"answers": {**DIARY, "notes": long, "nausea": "none"}},
             "rejected": {"answers": {**DIARY, "pain": "much"}}}
    rig.load_questionnaire("other", "2.0")
    for shape in range(1 << len(parts)):
        chosen = [p for i, p in enumerate(parts) if shape >> i & 1]
        ids = [uuid.uuid4() for _ in range(2 + len(chosen))]
        members = [{}, {}] + [parts[p] for p in chosen]
        results = rig.deliver(*(rig.submission(id=i.bytes, **m) for i, m in zip(ids, members)))
        assert outcomes(results) == ["stored"] * 2 + ["rejected" if p == "rejected" else "stored" for p in chosen]
        for i, m, p in zip(ids, members, [None, None] + chosen):
            if p == "rejected":
                continue
            row, = rig.query("select questionnaire, version, visit, answers, subject_id, authored_zone, epoch"
                             " from sluice.submissions where submission_id = %s", [i])
            assert row == (m.get("questionnaire", "daily-diary"), m.get("version", "1.0"), m.get("visit"),
                           m.get("answers", DIARY), "SUB123", "+01:00", rig.epoch)


def test_same_content_again_is_a_duplicate_other_content_a_conflict(rig):
    id = uuid.uuid4().bytes
    first = rig.submission(id=id)
    assert outcomes(rig.deliver(first)) == ["stored"]
    (outcome, payload), = rig.deliver(rig.submission(id=id, sentAt="2026-11-22T08:05:00Z"))
    assert outcome == "duplicate"  # sentAt is no content
    assert payload["received_us"] == 1795334400_000000 and payload["stored_us"] > 0
    conflict = rig.submission({**DIARY, "pain": 9}, id=id)
    (outcome, payload), = rig.deliver(conflict)
    assert outcome == "conflict" and rules((outcome, payload)) == [("", "conflict")]
    rows = rig.query("select kind, epoch, seq from sluice.rejections where submission_id = %s", [uuid.UUID(bytes=id)])
    assert rows == [("conflict", *conflict[1])]


def test_same_id_three_times_in_one_batch(rig):
    id = uuid.uuid4().bytes
    batch = [rig.submission(id=id), rig.submission(id=id), rig.submission({**DIARY, "pain": 9}, id=id)]
    batch.append(rig.submission())
    assert outcomes(rig.deliver(*reversed(batch))) == ["stored", "conflict", "duplicate", "stored"]
    assert rig.query("select seq from sluice.submissions where submission_id = %s", [uuid.UUID(bytes=id)]) \
        == [(batch[0][1][1],)]


def test_an_invalid_one_does_not_occupy_the_id(rig):
    id = uuid.uuid4().bytes
    bad, good = rig.submission({**DIARY, "pain": "much"}, id=id), rig.submission(id=id)
    assert outcomes(rig.deliver(bad, good)) == ["rejected", "stored"]


def test_all_broken_rules_at_once_and_never_a_value(rig):
    secret = "+49 170 1234567"
    answers = {"diaryDate": "2026-02-30", "wokeAt": "2026-11-22T07:10:00", "pain": 2.5, "fatigue": [1, 2],
               "nausea": secret, "tookMedication": "yes", "sleep": "a\nb", secret: 1}
    bad = rig.submission(answers, submitAt="2026-11-22T08:00:00")
    result, = rig.deliver(bad)
    assert result[0] == "rejected"
    assert rules(result) == sorted([
        ("/submitAt", "timestamp-zone"), ("/answers/diaryDate", "date"), ("/answers/wokeAt", "date-time-zone"),
        ("/answers/pain", "type"), ("/answers/fatigue", "repeats"), ("/answers/nausea", "option"),
        ("/answers/tookMedication", "type"), ("/answers/sleep", "line-break"), ("/answers", "unknown-item")])
    row, = rig.query("select reasons::text, sealed from sluice.rejections where epoch = %s and seq = %s", bad[1])
    assert secret not in row[0] and secret not in str(result)
    assert len(row[1]) > 0  # the sealed original is kept


@pytest.mark.parametrize("members, rule", [
    ({"questionnaire": "nowhere"}, "unknown-questionnaire"),
    ({"version": "0.9"}, "unknown-version"),
    ({"subject": "SUB999"}, "unknown-subject"),
])
def test_what_is_not_loaded_is_held(rig, members, rule):
    held = rig.submission(**members)
    result, = rig.deliver(held)
    assert result[0] == "held" and rule in [e["rule"] for e in result[1]["errors"]]
    assert rig.query("select kind from sluice.rejections where epoch = %s and seq = %s", held[1]) == [("held",)]


def test_an_unknown_study_is_held(rig):
    result, = rig.deliver(rig.submission(scope="NCT999"))
    assert result[0] == "held"
    assert {r for _, r in rules(result)} == {"unknown-study", "unknown-subject"}


def test_default_questionnaire_and_only_version(rig):
    result, = rig.deliver(rig.submission(questionnaire=..., version=...))
    assert result[0] == "stored" and result[1]["version"] == "1.0"
    url = "https://sluice.example/questionnaires/daily-diary|1.0"
    assert outcomes(rig.deliver(rig.submission(questionnaire=url, version=...))) == ["stored"]


def test_in_progress_may_lack_required_answers(rig):
    assert outcomes(rig.deliver(rig.submission({"pain": 1}, status="in-progress"))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission({"pain": 1}))) == ["rejected"]


@pytest.mark.parametrize("inner", [{"id": uuid.uuid4().bytes}, {"study": "NCT008"}, {"subject": "SUB124"},
                                   {"submission": 7}, {(1, 2): "a key that is an array"}])
def test_a_body_that_differs_from_its_envelope_is_dead(rig, inner):
    before = rig.count(), rig.count("rejections")
    assert outcomes(rig.deliver(rig.submission(inner=inner))) == ["dead"]
    assert (rig.count(), rig.count("rejections")) == before


def test_a_body_that_does_not_open_is_dead_and_an_unknown_key_retries(rig):
    id = uuid.uuid4().bytes
    other = rig.record(id, rig.seal("submissions", "NCT008", id, b"\x80"))
    unknown = rig.record(id, b"\x09\x00\x00\x00" + bytes(60))
    assert outcomes(rig.deliver(other, unknown)) == ["dead", "retry"]


def test_redelivered_is_found_by_origin(rig):
    id = uuid.uuid4().bytes
    first = rig.submission(id=id)
    rejected = rig.submission({"pain": 1})
    assert outcomes(rig.deliver(first, rejected)) == ["stored", "rejected"]
    before = rig.count(), rig.count("rejections")
    again = rig.submission(id=id, origin=first[1], attempt=2)
    # what was recorded counts, even if it would be judged differently now
    rejected_again = rig.submission(DIARY, origin=rejected[1], attempt=2)
    first_time = rig.submission(attempt=2)
    results = rig.deliver(again, rejected_again, first_time)
    assert outcomes(results) == ["stored", "rejected", "stored"]
    assert rules(results[1])
    assert (rig.count(), rig.count("rejections")) == (before[0] + 1, before[1])


def test_same_origin_without_attempt_is_stored_again(rig):
    id = uuid.uuid4().bytes
    first = rig.submission(id=id)
    assert outcomes(rig.deliver(first)) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(id=id, origin=first[1]))) == ["stored"]


def test_who_is_late_refuses_nothing_that_was_stored(rig):
    """A worker paused between its checks and its statement, while the subject was loaded and another stored it."""
    id = uuid.uuid4().bytes
    record, origin = rig.submission(id=id)
    assert outcomes(rig.deliver((record, origin))) == ["stored"]
    assert outcomes(rig.deliver(rig.submission(id=id, subject="SUB999", origin=origin))) == ["held"]
    assert rig.query("select 1 from sluice.rejections where (epoch, seq) = (%s, %s)", origin) == []


def test_one_bad_row_is_split_off(rig):
    # \x00 is refused by the edge; PostgreSQL refuses it too (class 22)
    good = [rig.submission() for _ in range(9)]
    bad = rig.submission({**DIARY, "notes": "x"}, visit="V\x001")
    batch = good[:4] + [bad] + good[4:]
    results = rig.deliver(*batch)
    assert outcomes(results) == ["stored"] * 4 + ["rejected"] + ["stored"] * 5
    assert rules(results[4]) == [("", "not-storable")]


def test_a_whole_batch_and_redis(rig):
    redis = rig.stores.redis.client()
    batch = [rig.submission(submitAt=f"2026-11-23T08:{i % 60:02}:00Z") for i in range(256)]
    assert outcomes(rig.deliver(*batch)) == ["stored"] * 256
    key = f"sluice:subject:{STUDY}:SUB123"
    until("Redis to hold the newest", 5,
          lambda: redis.hget(key, "last_authored_at") == "2026-11-23T08:59:00.000000Z")
    # an older one does not replace it
    assert outcomes(rig.deliver(rig.submission(submitAt="2026-11-01T08:00:00Z"))) == ["stored"]
    assert redis.hget(key, "last_authored_at") == "2026-11-23T08:59:00.000000Z"
    until("the count to be absolute", 5, lambda: redis.hget(key, "submissions") == str(rig.count()))
    until("nothing to be due", 5, lambda: not redis.exists("sluice:counts:changed", "sluice:counts:taking"))


def test_a_subject_loaded_later_is_known_at_once(rig):
    assert outcomes(rig.deliver(rig.submission(subject="SUB200"))) == ["held"]
    rig.load_subjects(["SUB200"])
    assert outcomes(rig.deliver(rig.submission(subject="SUB200"))) == ["stored"]


def test_a_withdrawn_subject(rig):
    rig.load_subjects([{"subjectId": "SUB300", "status": "withdrawn", "statusAt": "2026-06-01T00:00:00Z"}])
    before = rig.submission(subject="SUB300", submitAt="2026-05-01T08:00:00Z")
    after = rig.submission(subject="SUB300", submitAt="2026-07-01T08:00:00Z")
    assert outcomes(rig.deliver(before, after)) == ["stored", "held"]
