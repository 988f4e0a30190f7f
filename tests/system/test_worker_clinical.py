"""What the service "submissions" does for the record's sake: time flags, identities, attachments,
comparisons, follow-ups; and each rule of an envelope and of the store, broken alone."""
import base64
import json
import uuid

import msgpack
import psycopg
import pytest

from clinic import CALM, PERSON, PHQ9, alerts, one, phq9, rig, row, rules, subject, subjects  # noqa: F401 (fixtures)
from worker_rig import DIARY, STUDY


# --- time ---

@pytest.mark.parametrize("submit, sent, flags, skew_s", [
    ("2026-11-22T08:00:00+01:00", "2026-11-22T08:00:00Z", None, 0),
    ("2026-11-22T08:00:00+01:00", None, None, None),
    ("2026-11-22T07:00:00Z", "2026-11-22T07:58:00Z", None, 120),
    ("2026-11-22T07:00:00Z", "2026-11-22T07:57:59Z", ["clock-skew"], 121),
    ("2026-11-22T07:00:00Z", "2026-11-22T08:02:01Z", ["clock-skew"], -121),
    ("2026-11-21T08:00:00Z", "2026-11-22T08:00:00Z", None, 0),
    ("2026-11-21T07:59:59Z", "2026-11-22T08:00:00Z", ["late"], 0),
    ("2026-11-21T07:59:59Z", None, ["late", "skew-unknown"], None),
    ("2026-11-22T08:05:00Z", "2026-11-22T08:00:00Z", None, 0),
    ("2026-11-22T08:05:01Z", "2026-11-22T08:00:00Z", ["future"], 0),
    ("2026-11-22T09:00:00Z", None, ["future", "skew-unknown"], None),
    # The device's clock is two hours ahead: what it calls the future is now.
    ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z", ["clock-skew"], -7200),
    ("2025-12-31T00:00:00Z", "2026-11-22T08:00:00Z", ["late"], 0),
    ("2025-12-30T23:59:59Z", "2026-11-22T08:00:00Z", ["implausible-time", "late"], 0),
    ("1970-01-01T00:00:00Z", None, ["implausible-time", "late", "skew-unknown"], None),
    (..., None, None, None),
])
def test_clocks(rig, submit, sent, flags, skew_s):
    id, outcome, payload = one(rig, submitAt=submit, sentAt=sent if sent else ...)
    assert outcome == "stored"
    found = row(rig, id, "flags, skew_s, authored_at = %s".replace("%s", "received_at" if submit is ... else f"'{submit}'"))
    assert (sorted(found[0]) if found[0] else None, found[1], found[2]) == (flags, skew_s, True)
    assert sorted(payload.get("flags", [])) == (flags or [])


def test_a_study_has_clocks_of_its_own(rig, subject):
    rig.load("study", {**rig.study, "clock": {"skew_s": 10, "late_h": 1, "future_s": 1}})
    try:
        id, _, _ = one(rig, submitAt="2026-11-22T06:59:00Z", sentAt="2026-11-22T07:59:49Z")
        assert sorted(row(rig, id, "flags")[0]) == ["clock-skew", "late"]
    finally:
        rig.load("study", rig.study)


@pytest.mark.parametrize("told", [2**63 - 1, -2**63, -1, 253402300800000000, 2**64 - 1])
def test_a_time_of_receipt_that_is_none(rig, subject, told):
    """The record's own counts then: a sealed body is believed, but it must make sense."""
    id, outcome, _ = one(rig, subject=subject, inner={"received_us": told, "sent_us": told})
    assert outcome == "stored"
    assert row(rig, id, "received_at between '2026-01-01' and now() + interval '1 day', sent_at") == (True, None)


def test_a_late_form_raises_late_alerts_with_their_age(rig, subject):
    id, _, _ = phq9(rig, PHQ9, subject, submitAt="2026-11-20T08:00:00Z", sentAt="2026-11-22T08:00:00Z")
    assert rig.query("select late, age_s from sluice.alerts where submission_id = %s", [id]) == [(True, 172800.0)]


# --- what nobody has loaded ---

def kept(rig, id):
    (found,) = rig.query("select kind, subject_id, questionnaire, version from sluice.rejections where submission_id = %s", [id])
    return found


def test_an_unknown_subject_is_told_as_it_was_sent(rig):
    id, outcome, _ = phq9(rig, PHQ9, "S999")
    assert outcome == "held" and kept(rig, id) == ("held", "S999", "phq-9", "1.0")


@pytest.mark.parametrize("code", ["13800138000", "+49 151 23456789", "anna@example.org", "11010519491231002X", "１３８００１３８０００"])
def test_a_subject_that_looks_like_a_person_is_not(rig, code):
    first, outcome, payload = phq9(rig, PHQ9, code)
    assert outcome == "held"
    second, _, _ = phq9(rig, {**PHQ9, "PHQ0101": "often"}, code)
    kind, subject, *form = kept(rig, first)
    assert kind == "held" and form == ["phq-9", "1.0"] and subject.startswith("unknown-") and uuid.UUID(subject[8:]).version == 8
    assert kept(rig, second) == ("rejected", subject, "phq-9", "1.0")  # its forms can be told together
    assert {s for s, in rig.query("select subject_id from sluice.alerts where submission_id in (%s, %s)", [first, second])} == {subject}
    other, _, _ = phq9(rig, PHQ9, code[:-1] + "7")
    assert kept(rig, other)[1] not in (subject, code)
    for table in ("rejections", "alerts", "alert_events"):
        assert rig.query(f"select count(*) from sluice.{table} t where t::text like %s", [f"%{code}%"]) == [(0,)], table
    assert code not in str(stream(rig))


def stream(rig):
    client = rig.stores.redis.client()
    return [(k, client.xrange(k)) for k in client.keys("sluice:alerts:*")]


def test_a_form_that_looks_like_a_person_is_not(rig, subject):
    id, outcome, _ = one(rig, subject=subject, questionnaire="anna@example.org", version="13800138000")
    assert outcome == "held" and kept(rig, id) == ("held", subject, None, None)
    id, outcome, _ = one(rig, subject=subject, questionnaire="no-such-form", version="2.0")
    assert outcome == "held" and kept(rig, id) == ("held", subject, "no-such-form", "2.0")
    id, outcome, _ = one(rig, subject=subject, questionnaire="x" * 1025)
    assert outcome == "held" and kept(rig, id) == ("held", subject, None, "1.0")


# --- both forms ---

def test_both_forms_of_the_same_content_are_stored_alike(rig, subject):
    resource = {
        "resourceType": "QuestionnaireResponse", "questionnaire": "https://sluice.example/questionnaires/phq-9|1.0",
        "status": "completed", "authored": "2026-11-22T08:00:00+01:00",
        "item": [{"linkId": k, "answer": [{"valueInteger": v}]} for k, v in PHQ9.items()]}
    id = uuid.uuid4()
    (outcome, _), = rig.deliver(rig.fhir(resource, id.bytes, subject))
    other, _, _ = phq9(rig, PHQ9, subject)
    columns = "subject_id, questionnaire, version, answers, scores, status, authored_at, authored_zone, flags"
    assert outcome == "stored" and row(rig, id, columns) == row(rig, other, columns)
    assert [a[1:3] for a in alerts(rig, id)] == [("phq9-item-9", False)]


# --- alerts ---

def test_rejected_held_and_conflicting_forms_raise_provisional_alerts(rig, subject):
    rejected, outcome, _ = phq9(rig, {**PHQ9, "PHQ0101": "often"}, subject)
    assert outcome == "rejected" and alerts(rig, rejected) == [(1, "phq9-item-9", True, 1)]
    held, outcome, _ = phq9(rig, PHQ9, "NOBODY")
    assert outcome == "held" and alerts(rig, held) == [(1, "phq9-item-9", True, 1)]
    id, outcome, _ = phq9(rig, CALM, subject)
    assert outcome == "stored" and alerts(rig, id) == []
    _, outcome, _ = phq9(rig, PHQ9, subject, id=id)
    assert outcome == "conflict" and alerts(rig, id) == [(1, "phq9-item-9", True, 1)]


def test_an_open_alert_counts_unless_it_is_worse(rig, subject):
    def severity(value, day):
        id, outcome, _ = one(rig, {"fatigue-severity": value}, subject=subject, questionnaire="pro-ctcae",
                             submitAt=f"2026-11-{day:02}T08:00:00Z")
        assert outcome == "stored"
        return id

    def open_alerts():
        return rig.query("select submission_id, count from sluice.alerts where subject_id = %s and rule_id ="
                         " 'fatigue-severity-high' order by measure", [subject])

    first = severity("severe", 18)
    severity("severe", 19)
    assert open_alerts() == [(first, 2)]
    worse = severity("very-severe", 20)
    assert open_alerts() == [(first, 2), (worse, 1)]


def test_follow_ups_are_the_same_at_every_attempt(rig, subject):
    id = uuid.uuid4()
    record = rig.submission(PHQ9, id=id.bytes, subject=subject, questionnaire="phq-9")
    assert rig.deliver(record)[0][0] == "stored"
    (first,) = rig.followups
    ((alert_id,),) = rig.query("select alert_id from sluice.alerts where submission_id = %s", [id])
    assert first.id == alert_id.bytes and (first.service, first.scope) == ("notifications", STUDY)
    body = msgpack.unpackb(rig.unseal("notifications", STUDY, first.id, first.body))
    assert body["kind"] == "alert" and body["rule"] == "phq9-item-9" and body["severity"] == "urgent"
    assert not {"answers", "value", "measure"} & set(body)
    again = rig.submission(PHQ9, id=id.bytes, subject=subject, questionnaire="phq-9", origin=record[1], attempt=2)
    assert rig.deliver(again)[0][0] == "stored"
    assert [f.id for f in rig.followups] == [first.id]
    assert rig.deliver(rig.submission(CALM, subject=subject, questionnaire="phq-9"))[0][0] == "stored"
    assert rig.followups == []


@pytest.mark.parametrize("answers, outcome, again", [(PHQ9, "stored", "duplicate"),
                                                     ({**PHQ9, "PHQ0101": "often"}, "rejected", "rejected")])
def test_what_a_lost_message_raised_is_told_by_the_one_that_comes_instead(rig, subject, answers, outcome, again):
    """A crash of the broker takes a message that was stored already (handing out runs ahead of the sync); the client, who
    got no answer, sends again in the next epoch."""
    def brought(**members):
        record = rig.submission(answers, id=id, subject=subject, questionnaire="phq-9", **members)
        return rig.deliver(record)[0][0], [f.id for f in rig.followups]

    id = uuid.uuid4().bytes
    assert brought()[0] == outcome
    (told,) = rig.followups
    if outcome == "stored":  # the first one is of this epoch: it lives, and tells for itself
        assert brought() == (again, [])
    assert brought(origin=(rig.epoch + 1, rig.seq)) == (again, [told.id])
    assert rig.query("select count, provisional from sluice.alerts where subject_id = %s", [subject]) == \
        [(1, outcome == "rejected")]


# --- the answer before ---

def cough(rig, value, day, subject, **members):
    answers = {"nausea-frequency": "never"} if value is None else {"cough-severity": value}
    return rig.submission(answers, subject=subject, questionnaire="pro-ctcae",
                          submitAt=f"2026-10-{day:02}T08:00:00Z", **members)


def worse(rig, subject):
    return [d for d, in rig.query("select to_char(authored_at, 'DD') from sluice.alerts where subject_id = %s and rule_id ="
                                  " 'cough-severity-worse' order by authored_at", [subject])]


def test_forms_of_one_batch_are_held_against_each_other(rig, subject):
    """Catching up after days offline, in no order: moderate on the 3rd is worse than none on the 1st."""
    batch = [cough(rig, v, d, subject) for v, d in (("moderate", 3), ("none", 1), ("moderate", 5), ("mild", 2))]
    assert [o for o, _ in rig.deliver(*batch)] == ["stored"] * 4
    assert worse(rig, subject) == []  # each by one only
    assert rig.deliver(cough(rig, "none", 4, subject), cough(rig, "moderate", 6, subject))[0][0] == "stored"
    assert worse(rig, subject) == []  # the 6th stands against the 5th, whatever came last
    assert [o for o, _ in rig.deliver(cough(rig, "moderate", 9, subject), cough(rig, "none", 8, subject))] == ["stored"] * 2
    assert worse(rig, subject) == ["09"]
    assert rig.query("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


def test_an_answer_of_long_ago_is_found(rig, subject):
    assert rig.deliver(cough(rig, "none", 1, subject))[0][0] == "stored"
    for day in range(2, 12):
        assert rig.deliver(cough(rig, None, day, subject))[0][0] == "stored"
    assert rig.deliver(cough(rig, "moderate", 20, subject))[0][0] == "stored"
    assert worse(rig, subject) == ["20"]


@pytest.mark.parametrize("gone", ["void", "in-progress", "rejected"])
def test_what_does_not_count_as_an_answer_before(rig, subject, gone):
    if gone == "rejected":
        bad = rig.submission({"cough-severity": "none", "nausea-frequency": "?"}, subject=subject,
                             questionnaire="pro-ctcae", submitAt="2026-10-02T08:00:00Z")
        after = cough(rig, "moderate", 3, subject)
        assert [o for o, _ in rig.deliver(bad, after)] == ["rejected", "stored"]
    else:
        first = cough(rig, "none", 2, subject, **({"status": "in-progress"} if gone == "in-progress" else {}))
        assert rig.deliver(first)[0][0] == "stored"
        if gone == "void":
            rig.query("update sluice.submissions set void = true where subject_id = %s", [subject])
        assert rig.deliver(cough(rig, "moderate", 3, subject))[0][0] == "stored"
    assert worse(rig, subject) == []
    rig.query("update sluice.submissions set void = false where subject_id = %s", [subject])  # audit verify would tell


def test_a_correction_is_held_against_its_own_predecessor(rig, subject):
    """Not against itself as it stood, and not against what came after."""
    id = uuid.uuid4()
    for value, day, key in (("none", 1, None), ("mild", 2, id), ("moderate", 3, None)):
        assert rig.deliver(cough(rig, value, day, subject, id=key.bytes if key else None))[0][0] == "stored"
    record = rig.submission({"cough-severity": "moderate"}, id=id.bytes, subject=subject, questionnaire="pro-ctcae",
                            submitAt=..., inner={"revise": {"revision": 1, "reason": "typo", "kind": "amended"}})
    assert rig.deliver(record)[0][0] == "stored"
    assert rig.query("select revision from sluice.alerts where submission_id = %s and rule_id = 'cough-severity-worse'",
                     [id]) == [(2,)]


def test_a_subject_that_is_being_written_is_waited_for(rig, subject):
    """Another worker has the lock: its form is not there yet, and must not be missed."""
    with psycopg.connect(rig.stores.postgres.dsn(rig.database), autocommit=True) as other:
        other.execute("select pg_advisory_lock(hashtextextended(%s || E'\\n' || %s, 5489210005))", [STUDY, subject])
        record, origin = cough(rig, "moderate", 3, subject)
        (outcome, _), = rig.deliver((record, origin))
        assert outcome == "retry"  # past lock_timeout; nothing was stored, no lock is left
        assert rig.query("select count(*) from sluice.submissions where subject_id = %s", [subject]) == [(0,)]
        rig.pull()
        assert rig.deliver(rig.submission(CALM, subject=subject, questionnaire="phq-9"))[0][0] == "stored"
    assert rig.deliver(cough(rig, "none", 1, subject), (record, origin))[1][0] == "stored"
    assert worse(rig, subject) == ["03"]
    assert rig.query("select count(*) from pg_locks where locktype = 'advisory'") == [(0,)]


# --- persons ---

def test_identifiers_leave_the_answers(rig, subject):
    name, phone = "Wáng Xiǎomíng", "+49 170 7654321"
    id, outcome, payload = one(rig, {"name": name, "phone": phone, "mood": 3}, subject=subject, questionnaire="person")
    assert outcome == "stored"
    assert row(rig, id, "answers") == ({"name": {"identity": True}, "phone": {"identity": True}, "mood": 3},)
    found = rig.query("select link_id, kind, length(value_sealed), length(blind_index), value_sealed"
                      " from identity.identifiers where submission_id = %s order by link_id", [id])
    assert [f[:2] for f in found] == [("name", "name"), ("phone", "telecom")]
    assert all(name.encode() not in f[4] and phone.encode() not in f[4] and f[3] for f in found)
    assert name not in str(payload) and phone not in rig.process.tail(1 << 20)


@pytest.mark.parametrize("noticed", [True, False])
def test_an_erased_subject_is_refused_and_nothing_is_kept(rig, subject, noticed):
    """Not noticed: the worker still takes the subject for one that is there, and finds its key destroyed."""
    id, _, _ = one(rig, {"name": "Anna Ng", "mood": 3}, subject=subject, questionnaire="person")
    # What 'subject erase' leaves in the database (which also asks brokers, and here is none).
    rig.query("update identity.subject_keys set wrapped_key = null, key_id = null, erased_at = now() where subject_id = %s",
              [subject])
    rig.query("delete from identity.identifiers where subject_id = %s", [subject])
    if noticed:
        rig.query("update sluice.subjects set erased_at = now(), loaded_at = now() where subject_id = %s", [subject])
        rig.query("notify sluice_catalog")
    again, outcome, payload = one(rig, {"name": "Anna Ng", "mood": 4}, subject=subject, questionnaire="person")
    assert outcome == "rejected" and payload["http"] == 410 and rules(payload) == [("", "subject-erased")]
    assert row(rig, again, "1") is None and alerts(rig, again) == []
    assert rig.query("select length(sealed), reasons->0->>'rule' from sluice.rejections where submission_id = %s", [again]) \
        == [(0, "subject-erased")]
    assert rig.query("select count(*) from identity.identifiers where subject_id = %s", [subject]) == [(0,)]


def test_inline_attachments_leave_the_answers(rig, subject):
    scan = b"\x89PNG" + bytes(range(256)) * 40

    def resource(mood):
        data = {"contentType": "image/png", "data": base64.b64encode(scan).decode(), "size": len(scan), "title": "knee"}
        return {"resourceType": "QuestionnaireResponse", "questionnaire": PERSON["url"], "status": "completed",
                "authored": "2026-11-22T08:00:00+01:00",
                "item": [{"linkId": "mood", "answer": [{"valueInteger": mood}]},
                         {"linkId": "scan", "answer": [{"valueAttachment": data}]}]}

    id = uuid.uuid4()
    (outcome, payload), = rig.deliver(rig.fhir(resource(1), id.bytes, subject))
    assert outcome == "stored", payload
    answers, = row(rig, id, "answers")
    (attachment,) = answers["scan"] if isinstance(answers["scan"], list) else [answers["scan"]]
    assert "data" not in attachment and attachment["size"] == len(scan) and attachment["title"] == "knee"
    kept = "select encode(hash, 'hex'), content_type, bytes, content from sluice.attachments where subject_id = %s"
    assert rig.query(kept, [subject]) == [(attachment["stored"], "image/png", len(scan), scan)]
    # The same file again, in a form, and in two of one batch: kept once. Of another subject: of that one, too.
    assert [o for o, _ in rig.deliver(*(rig.fhir(resource(n), None, subject) for n in (2, 3)))] == ["stored"] * 2
    assert len(rig.query(kept, [subject])) == 1
    assert rig.deliver(rig.fhir(resource(1), None, "SUB123"))[0][0] == "stored"
    assert rig.query(kept, ["SUB123"])[0][0] != attachment["stored"]
    # What is rejected keeps its sealed original only.
    wrong = resource(1)
    wrong["item"][0]["answer"] = [{"valueString": "much"}]
    other = next(subjects)
    assert rig.deliver(rig.fhir(wrong, None, other))[0][0] == "rejected" and rig.query(kept, [other]) == []


# --- every rule of an envelope and of the store, alone ---

@pytest.mark.parametrize("members, outcome, broken", [
    ({"scope": "NCT998"}, "held", ("/study", "unknown-study")),
    ({"subject": "NOBODY"}, "held", ("/subjectId", "unknown-subject")),
    ({"subject": "GONE"}, "held", ("/subjectId", "subject-not-active")),
    ({"questionnaire": "nowhere"}, "held", ("/questionnaire", "unknown-questionnaire")),
    ({"version": "0.9"}, "held", ("/version", "unknown-version")),
    ({"scope": "NCT999", "questionnaire": ..., "version": ...}, "rejected", ("/questionnaire", "questionnaire-required")),
    ({"questionnaire": "twice", "version": ...}, "rejected", ("/version", "version-required")),
    ({"submitAt": "yesterday"}, "rejected", ("/submitAt", "timestamp")),
    ({"startedAt": "2026-11-22T07:00:00"}, "rejected", ("/startedAt", "timestamp-zone")),
    ({"status": "amended"}, "rejected", ("/status", "status")),
    ({"visit": 5}, "rejected", ("/visit", "type")),
    ({"originator": {"type": "proxy", "relationship": "daughter"}}, "rejected", ("/originator", "originator")),
    ({"originator": {"type": "proxy", "reason": ""}}, "rejected", ("/originator", "originator")),
    ({"originator": {"type": "somebody"}}, "rejected", ("/originator", "originator")),
    ({"originator": {"reason": "asleep"}}, "rejected", ("/originator", "originator")),
    ({"answers": {**DIARY, "pain": 3}, "visit": "V\x001"}, "rejected", ("", "not-storable")),
    ({"surprise": 1}, "rejected", ("", "unknown-item")),
])
def test_one_rule_alone(rig, members, outcome, broken):
    if not rig.query("select 1 from sluice.questionnaires where name = 'twice'"):
        rig.load_questionnaire("twice", "1.0")
        rig.load_questionnaire("twice", "2.0")
        rig.load("subject", {"study": STUDY, "subjects": [
            {"subjectId": "GONE", "status": "withdrawn", "statusAt": "2026-06-01T00:00:00Z"}]})
        rig.load("study", {"study": "NCT999", "trialCode": "NCT999", "status": "active", "startedOn": "2026-01-01"})
        rig.load("subject", {"study": "NCT999", "subjects": ["SUB123"]})
        rig.query("insert into sluice.subjects (study, subject_id, status) values ('NCT998', 'SUB123', 'enrolled')")
        rig.query("notify sluice_catalog")
    members = dict(members)
    id, happened, payload = one(rig, members.pop("answers", None), **members)
    assert happened == outcome and rules(payload) == [broken]
    assert rig.query("select kind from sluice.rejections where submission_id = %s", [id]) == [(outcome,)]


@pytest.mark.parametrize("submit, flags", [("2026-03-01T08:00:00Z", ["definition-not-active"]),
                                           ("2026-07-01T08:00:00Z", ["definition-not-active", "outside-effective-period"])])
def test_a_definition_that_does_not_hold_is_flagged(rig, submit, flags):
    id, outcome, payload = one(rig, {"mood": 1}, questionnaire="draft", submitAt=submit)
    assert outcome == "stored" and set(flags) == set(row(rig, id, "flags")[0]) - {"late", "skew-unknown"}
    assert {w["rule"] for w in payload["warnings"]} == set(flags)


def test_more_rules_than_are_listed(rig):
    _, outcome, payload = one(rig, {**DIARY, "fatigue": ["x"] * 300})
    found = [rule for _, rule in rules(payload)]
    assert outcome == "rejected" and found.count("too-many-errors") == 1 and len(found) <= 256


def test_every_report_anchors_the_audit_chain(rig):
    id, _, _ = one(rig)
    note = msgpack.unpackb(rig.note)["audit"]
    assert rig.query("select writer, number, batch from sluice.audit_events where submission_id = %s", [id]) == [
        (uuid.UUID(bytes=note["writer"]), note["number"], note["batch"])]
    assert len(note["head"]) == 32


def test_the_record_says_what_was_written(rig):
    """All of the above: corrections, drafts, void ones, identifiers, attachments, both forms."""
    summary = json.loads(rig.ctl("audit", "verify", "--json").splitlines()[-1])
    assert summary["faults"] == 0 and summary["without_mac"] == 0 and summary["revisions"] > 0
