"""What a person does about an alert, from HTTP to the database, over a real fleet."""
import base64
import json
import os
import secrets
import urllib.request
import uuid

import pytest

from fleet import EXAMPLES, STUDY, TOKEN, Fleet
from receivers import Webhooks
from stores import Stores, until

NURSE = "nurse-token-" + "1" * 22
KEY = secrets.token_bytes(32)


@pytest.fixture(scope="module")
def webhooks():
    w = Webhooks(KEY)
    yield w
    w.close()


@pytest.fixture(scope="module")
def fleet(webhooks):
    with Stores() as stores:
        f = Fleet(stores, workers=1)
        try:
            f.prepare()
            os.mkdir(f.path("notify"))
            f.write_secret("notify/desk", f"whsec_{base64.b64encode(KEY).decode()}\n")
            with open(os.path.join(EXAMPLES, "study-NCT007.json")) as file:
                study = json.load(file)
            study["recipients"] = {"desk": {"webhook": {"url": webhooks.url("desk"), "secretFile": "desk"}}}
            with open(f.path("study.json"), "w") as file:
                json.dump(study, file)
            f.ctl("study", "load", f.path("study.json"), "--yes")
            f.write_secret("tokens", f"{TOKEN} {STUDY}\n{NURSE} {STUDY} role=site user=nurse1 organisation=Ward3\n")
            f.start()
            yield f
        finally:
            f.__exit__()


def raised(fleet, study=STUDY):
    id = uuid.uuid4()
    fleet.query("insert into sluice.alerts (alert_id, seq, study, subject_id, rule_id, severity, always) values"
                " (%s, (pg_current_xact_id()::text::bigint << 16) | 1, %s, 'SUB123', 'r', 'urgent', true) returning 1",
                [id, study])
    return id


def post(fleet, id, action, body=None, token=NURSE):
    request = urllib.request.Request(f"{fleet.url}/api/v1/alerts/{id}/{action}", method="POST",
                                     data=json.dumps(body).encode() if body else b"",
                                     headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_from_an_answer_to_the_desk_and_back(fleet, webhooks):
    answers = {f"PHQ010{n}": 0 for n in range(1, 9)} | {"PHQ0109": 1}
    assert fleet.post(answers, questionnaire="phq-9").status == 201
    request, = webhooks.wait("desk")
    data = request["body"]["data"]
    assert request["good"] and request["body"]["type"] == "alert.raised" and data["severity"] == "urgent"
    assert set(data) == {"alertId", "study", "subjectId", "submissionId", "severity", "provisional"}
    assert post(fleet, data["alertId"], "acknowledge")[0] == 200
    until("the history", 5, lambda: [e for e, in fleet.query(
        "select event from sluice.alert_events where alert_id = %s order by n", [data["alertId"]])] ==
        ["raised", "delivered", "acknowledged"])
    latency, = fleet.query("select latency_s from sluice.alert_latency where alert_id = %s", [data["alertId"]])
    assert latency[0] < 1


def test_a_form_that_is_rejected_keeps_its_alert(fleet, webhooks):
    answers = {f"PHQ010{n}": 0 for n in range(1, 9)} | {"PHQ0109": 2, "PHQ0101": 7}
    assert fleet.post(answers, questionnaire="phq-9").status == 422
    request = webhooks.wait("desk", 2)[-1]
    assert request["body"]["data"]["provisional"] is True


def test_acknowledged_then_closed(fleet):
    id = raised(fleet)
    assert post(fleet, id, "acknowledge", {"note": "on my way"}) == \
        (200, {"alertId": str(id), "action": "acknowledge", "status": "acknowledged"})
    status, answer = post(fleet, id, "close")
    assert (status, answer["status"]) == (200, "closed")
    assert post(fleet, id, "acknowledge")[1]["status"] == "closed"
    assert fleet.query("select event, actor, role, organisation, note from sluice.alert_events where alert_id = %s"
                       " order by n", [id])[:2] == \
        [("acknowledged", "nurse1", "site", "Ward3", "on my way"), ("closed", "nurse1", "site", "Ward3", None)]


def test_no_alert_of_this_study_is_404(fleet):
    for id in (uuid.uuid4(), raised(fleet, study="NCT999")):
        assert post(fleet, id, "acknowledge")[0] == 404


def test_a_participant_may_not(fleet):
    id = raised(fleet)
    assert post(fleet, id, "acknowledge", token=TOKEN)[0] == 403
    assert fleet.query("select state from sluice.alerts where alert_id = %s", [id]) == [("open",)]


def test_the_books_balance(fleet):
    done = fleet.ctl("reconcile", "--settle", "5s")
    assert done.returncode == 0, done.stdout + done.stderr
