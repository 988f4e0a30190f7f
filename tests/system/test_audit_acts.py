"""What people do about alerts stands in the audit trail: written by the service "notifications", changed by a superuser."""
import json
import os
import subprocess
import uuid

import msgpack
import psycopg
import pytest

from fleet import BIN
from notify_desk import desk_of_study, stores  # noqa: F401 (fixtures)
from worker_rig import STUDY


def run(desk, *args):
    return subprocess.run([os.path.join(BIN, "sluicectl"), "--config", desk.config, "audit", "verify", *args], capture_output=True,
                          text=True, timeout=60)


def verify(desk, *places):
    """(faults as (rule, alert), summary)."""
    done = run(desk, *places, "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    faults = [(x["rule"], uuid.UUID(x["alert"])) for x in lines if x["type"] == "fault"]
    assert done.returncode == (1 if faults else 0), done.stdout + done.stderr
    return faults, lines[-1]


def tamper(desk, sql, *params):
    with psycopg.connect(desk.stores.postgres.dsn(desk.database), autocommit=True) as c:
        c.execute("set session_replication_role = replica")
        assert c.execute(sql, params).rowcount > 0


def trail(desk, id):
    return desk.query("select action, actor, role, organisation, study, subject_id, reason, detail from sluice.audit_events"
                      " where detail = %s order by number", [str(id)])


def test_an_act_and_its_audit_row_are_one(desk):
    id = desk.raise_alert("urgent")
    record, answer = desk.act(id, note="called\nthe ward")
    assert answer == ("stored", {"state": "acknowledged"})
    note = msgpack.unpackb(desk.note)["audit"]
    assert desk.deliver(record) == [("stored", {"state": "acknowledged"})]  # the report was lost: nothing twice
    assert desk.act(id, "close")[1] == ("stored", {"state": "closed"})
    mine = ("site", "Ward 3", STUDY, "SUB123")
    assert trail(desk, id) == [("alert.acknowledged", "nurse1", *mine, "called\nthe ward", str(id)),
                               ("alert.closed", "nurse1", *mine, None, str(id))]
    assert desk.query("select writer, batch, number from sluice.audit_events where action = 'alert.acknowledged'") == [
        (uuid.UUID(bytes=note["writer"]), note["batch"], note["number"])]
    assert desk.query("select submission_id from sluice.alerts where alert_id = %s", [id]) == desk.query(
        "select distinct submission_id from sluice.audit_events where detail = %s", [str(id)])
    faults, summary = verify(desk)
    assert faults == [] and (summary["acts"], summary["acts_unaudited"]) == (2, 0)
    assert " 2 acts on alerts: 0 faults" in run(desk).stdout


def test_what_is_refused_leaves_no_row(desk):
    unknown = uuid.uuid4()
    assert desk.act(unknown)[1][0] == "rejected"
    assert desk.act(desk.raise_alert(), note="\x00")[1][0] == "dead"
    id = desk.raise_alert()
    assert desk.act(id)[1][0] == "stored"
    assert len(trail(desk, id)) == 1 and trail(desk, unknown) == []
    assert verify(desk)[0] == []


def test_the_reports_are_anchors(desk):
    """A tail cut off together with its events is found by the note alone."""
    first, last = desk.raise_alert(), desk.raise_alert()
    desk.act(first)
    desk.act(last)
    path = f"{desk.folder}/notes"
    with open(path, "w") as f:
        f.write(json.dumps({"epoch": 1, "seq": 1, "note": desk.note.hex()}) + "\n")
    summary = verify(desk, path)[1]
    assert summary["anchors"] == 1
    tamper(desk, "delete from sluice.audit_events where detail = %s", str(last))
    tamper(desk, "delete from sluice.alert_events where alert_id = %s and event = 'acknowledged'", last)
    tamper(desk, "update sluice.alerts set state = 'open' where alert_id = %s", last)
    assert run(desk).returncode == 0
    assert "tail-missing" in run(desk, path).stdout


@pytest.mark.parametrize("change, rules", [
    ("update sluice.alert_events set note = 'nothing' where alert_id = %s and event = 'closed'", ["act-differs"]),
    ("update sluice.alert_events set role = null where alert_id = %s and event = 'closed'", ["act-differs"]),
    ("update sluice.alert_events set organisation = 'Ward 4' where alert_id = %s and event = 'closed'", ["act-differs"]),
    ("update sluice.alert_events set actor = 'nurse2' where alert_id = %s and event = 'closed'", ["act-missing", "act-unaudited"]),
    ("update sluice.alert_events set at = at + interval '1 us' where alert_id = %s and event = 'closed'",
     ["act-missing", "act-unaudited"]),
    ("update sluice.alert_events set event = 'failed' where alert_id = %s and event = 'closed'", ["act-missing", "alert-state"]),
    ("delete from sluice.alert_events where alert_id = %s and event = 'closed'", ["act-missing", "alert-state"]),
    ("delete from sluice.alert_events where alert_id = %s", ["act-missing", "act-missing", "alert-state"]),
    ("insert into sluice.alert_events (alert_id, event, actor) values (%s, 'acknowledged', 'nurse1')", ["act-unaudited"]),
    ("update sluice.alerts set state = 'open' where alert_id = %s", ["alert-state"]),
    ("update sluice.alerts set state = 'acknowledged' where alert_id = %s", ["alert-state"]),
    ("update sluice.alerts set subject_id = 'SUB9' where alert_id = %s", ["act-differs", "act-differs"]),
    ("delete from sluice.alerts where alert_id = %s", ["act-differs", "act-differs"]),
])
def test_a_changed_act_is_named(desk, change, rules):
    id, other = desk.raise_alert(), desk.raise_alert()
    desk.act(id)
    desk.act(id, "close", note="false alarm")
    desk.act(other)
    assert verify(desk)[0] == []
    tamper(desk, change, id)
    assert sorted(verify(desk)[0]) == [(rule, id) for rule in rules]
    assert f"alert {id}: {rules[0]}: " in run(desk).stdout


def test_acts_of_an_older_release_are_counted(desk):
    id = desk.raise_alert()
    tamper(desk, "insert into sluice.alert_events (alert_id, event, actor, at) values (%s, 'acknowledged', 'anna', '2026-01-01')", id)
    tamper(desk, "update sluice.alerts set state = 'acknowledged' where alert_id = %s", id)
    faults, summary = verify(desk)
    assert faults == [] and (summary["acts"], summary["acts_unaudited"]) == (1, 1)
    assert "Without an audit row: 1 acts on alerts, recorded by an older release." in run(desk).stdout


def test_without_the_key_the_service_does_not_start(desk):
    desk.process.terminate()
    os.rename(f"{desk.folder}/audit.keys", f"{desk.folder}/gone")
    done = subprocess.run([os.path.join(BIN, "sluice-worker"), "--config", desk.config, "--service", "notifications", "--name", "w2"],
                          capture_output=True, text=True, timeout=20)
    os.rename(f"{desk.folder}/gone", f"{desk.folder}/audit.keys")
    assert done.returncode == 78 and "audit.keys" in done.stderr
