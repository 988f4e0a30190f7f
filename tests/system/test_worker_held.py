"""What was held is stored by itself once what it missed is loaded, whoever is awake to see it."""
import json
import os
import uuid

import pytest
from fleet import DIARY, QUESTIONNAIRES, STUDY, Fleet
from stores import until


@pytest.fixture(scope="module")
def fleet(stores):
    with Fleet(stores, workers=2, queries=0, notifications=1) as f:
        yield f


def kinds(fleet, id):
    return [k for k, in fleet.query("select kind from sluice.rejections where submission_id = %s order by recorded_at", (id,))]


def held(fleet, answers=DIARY, **how):
    answer = fleet.post(answers, **how)
    assert answer.status == 202, answer.body
    until("it to be held", 10, lambda: kinds(fleet, answer.json["id"]) == ["held"])
    return answer.json["id"]


def stored(fleet, id):
    def look():
        return fleet.query("select subject_id from sluice.submissions where submission_id = %s", (id,))

    return until(f"{id} to be stored", 15, look)[0][0]


def load(fleet, tmp_path, noun, content):
    path = tmp_path / f"{noun}.json"
    path.write_text(json.dumps(content))
    fleet.ctl(noun, "load", str(path), "--yes")


def subject(code, **members):
    return {"study": STUDY, "subjects": [{"subjectId": code, **members}]}


def test_subject(fleet, tmp_path):
    """Nobody sends anything after the load: an idle fleet hears of it all the same."""
    id, other = held(fleet, subject="H001"), held(fleet, subject="H002")
    load(fleet, tmp_path, "subject", subject("H001"))
    assert stored(fleet, id) == "H001"
    until("resolved_by", 20, lambda: fleet.query(
        "select 1 from sluice.rejections where submission_id = %s and resolved_by = submission_id", (id,)))
    # what still misses its subject was not touched
    assert kinds(fleet, other) == ["held"]
    fleet.reconcile()


def test_its_alerts_are_confirmed(fleet, tmp_path):
    def alerts(id):
        return fleet.query("select rule_id, provisional, state, count from sluice.alerts where submission_id = %s", (id,))

    id = held(fleet, answers={**{f"PHQ010{n}": 0 for n in range(1, 9)}, "PHQ0109": 2}, questionnaire="phq-9",
              subject="A001")
    assert alerts(id) == [("phq9-item-9", True, "open", 1)]
    load(fleet, tmp_path, "subject", subject("A001"))
    assert stored(fleet, id) == "A001"
    assert alerts(id) == [("phq9-item-9", False, "open", 1)]
    events = fleet.query("select event from sluice.alert_events join sluice.alerts using (alert_id)"
                         " where submission_id = %s order by n", (id,))
    assert ("confirmed",) in events and [e for e in events if e == ("raised",)] == [("raised",)]
    fleet.reconcile()


def test_many_at_once(fleet, tmp_path):
    ids = {held(fleet, subject=f"M{i:03}") for i in range(40)}
    load(fleet, tmp_path, "subject", {"study": STUDY, "subjects": [f"M{i:03}" for i in range(40)]})
    until("all to be stored", 20, lambda: len(fleet.query(
        "select 1 from sluice.submissions where subject_id like 'M0%%'")) == 40)
    assert all(kinds(fleet, id) == ["held"] for id in ids)  # each was sent once, by one of the workers
    fleet.reconcile()


def test_version_of_a_questionnaire(fleet, tmp_path):
    id = held(fleet, version="1.1")
    unknown = held(fleet, questionnaire="no-such-form", version="1.0")
    with open(os.path.join(QUESTIONNAIRES, "daily-diary.json")) as f:
        diary = json.load(f)
    load(fleet, tmp_path, "questionnaire", {**diary, "version": "1.1"})
    assert stored(fleet, id) == "SUB123"
    assert fleet.query("select version from sluice.submissions where submission_id = %s", (id,)) == [("1.1",)]
    # the other one was looked at again, perhaps, and is still held
    assert set(kinds(fleet, unknown)) == {"held"}
    fleet.reconcile()


def test_what_becomes_rejected_stays_so(fleet, tmp_path):
    """It was held and is wrong as well, which nobody could know before."""
    answer = fleet.post({**DIARY, "pain": "much"}, questionnaire="late-form", version="1.0")
    assert answer.status == 202
    with open(os.path.join(QUESTIONNAIRES, "daily-diary.json")) as f:
        form = json.load(f)
    form.update(name="late-form", id="late-form", url=form["url"] + "-late")
    until("it to be held", 10, lambda: kinds(fleet, answer.json["id"]))
    load(fleet, tmp_path, "questionnaire", form)
    until("its rejection", 15, lambda: kinds(fleet, answer.json["id"])[-1] == "rejected")
    load(fleet, tmp_path, "subject", subject("H003"))
    fleet.reconcile()
    assert kinds(fleet, answer.json["id"]).count("rejected") == 1


def test_a_broker_that_is_away(fleet, tmp_path):
    id = held(fleet, subject="B001")
    fleet["broker"].kill()
    load(fleet, tmp_path, "subject", subject("B001"))
    fleet["broker"].start()
    assert stored(fleet, id) == "B001"
    fleet.reconcile()


def test_loaded_while_nobody_was_there(fleet, tmp_path):
    id = held(fleet, subject="N001")
    for name in ("worker1", "worker2"):
        assert fleet[name].terminate() == 0
    load(fleet, tmp_path, "subject", subject("N001"))
    for name in ("worker1", "worker2"):
        fleet[name].start()
    assert stored(fleet, id) == "N001"
    fleet.reconcile()


def test_sent_by_the_client_meanwhile(fleet, tmp_path):
    """The same id comes again with other answers while it is held: the newest one goes."""
    key = str(uuid.uuid4())
    held(fleet, subject="C001", key=key)
    again = fleet.post({**DIARY, "pain": 9}, subject="C001", key=key)
    assert again.status == 202
    until("both to be held", 10, lambda: kinds(fleet, key) == ["held", "held"])
    load(fleet, tmp_path, "subject", subject("C001"))
    assert stored(fleet, key) == "C001"
    assert fleet.query("select answers->>'pain' from sluice.submissions where submission_id = %s", (key,)) == [("9",)]
    fleet.reconcile()
