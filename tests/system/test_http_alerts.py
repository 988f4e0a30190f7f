"""What a person does about an alert, from HTTP to the database, over a real fleet."""
import json
import urllib.request
import uuid

import pytest

from fleet import STUDY, TOKEN, Fleet
from stores import Stores

NURSE = "nurse-token-" + "1" * 22


@pytest.fixture(scope="module")
def fleet():
    with Stores() as stores:
        f = Fleet(stores, workers=0)
        try:
            f.prepare()
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
