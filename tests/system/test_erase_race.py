"""An erasure beside a batch of its subject: whichever is first, when it has returned nothing more of the subject comes."""
import json
import subprocess
import threading
import uuid

import psycopg
import pytest

from fleet import BIN
from lone_broker import LoneBroker
from stores import Stores, until
from worker_rig import STUDY, Rig

NAME = "Zebulon Quirke"
FORM = {
    "resourceType": "Questionnaire", "id": "visit", "name": "visit", "url": "https://example.org/visit", "version": "1.0",
    "status": "active", "title": "Visit",
    "item": [{"linkId": "pain", "type": "integer", "text": "Pain"},
             {"linkId": "name", "type": "string", "text": "Name",
              "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.name"}]}
WAITING = ("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
           " and wait_event = %s and application_name like %s")


@pytest.fixture(scope="module")
def stores():
    with Stores() as s:
        yield s


@pytest.fixture
def rig(stores):
    with LoneBroker() as broker, Rig(stores, subjects=["SUB123", "SUB124"]) as r:
        with open(r.config, "a") as f:
            f.write(f'    admin_endpoints = "{broker.admin_endpoint}"\n    seal_key_file = "{r.folder}/seal.keys"\n')
        with open(f"{r.folder}/visit.json", "w") as f:
            json.dump(FORM, f)
        r.ctl("questionnaire", "load", f"{r.folder}/visit.json", "--yes")
        r.pull()
        yield r


def form(rig, answers, subject="SUB123", **more):
    return rig.submission(answers, subject=subject, questionnaire="visit", **more)


def erase(rig, subject="SUB123"):
    return subprocess.run([f"{BIN}/sluicectl", "--config", rig.config, "subject", "erase", subject, "--study", STUDY, "--reason",
                           "withdrew consent", "--yes"], capture_output=True, text=True, timeout=60)


class Aside(threading.Thread):
    """Does it meanwhile; result() waits for what it returned."""

    def __init__(self, do, *args):
        super().__init__(daemon=True)
        self.do, self.args = do, args
        self.start()

    def run(self):
        self.returned = self.do(*self.args)

    def result(self):
        self.join(30)
        return self.returned


def superuser(rig):
    return psycopg.connect(rig.stores.postgres.dsn(rig.database))


def waits(rig, event, program, n=1):
    until(f"{program} to wait for {event}", 5, lambda: rig.query(WAITING, [event, f"%{program}%"]) == [(n,)])


def of_subject(rig):
    """What there is of it that could be read: rows, and originals."""
    return {table: rig.query(f"select count(*) from {table} where subject_id = 'SUB123'{also}")[0][0] for table, also in (
        ("sluice.submissions", ""), ("sluice.rejections", " and sealed <> ''"), ("identity.identifiers", ""), ("sluice.attachments", ""),
        ("sluice.alerts", ""))}


NOTHING = {"sluice.submissions": 0, "sluice.rejections": 0, "identity.identifiers": 0, "sluice.attachments": 0, "sluice.alerts": 0}


@pytest.mark.parametrize("answers", [{"pain": 3}, {"pain": 3, "name": NAME}, {"pain": "much", "name": NAME}])
def test_a_batch_judged_before_and_written_after(rig, answers):
    """It has read the subject and waits for the table; the erasure does not wait for it."""
    batch = [form(rig, answers), form(rig, {"pain": 1}, subject="SUB124")]
    with superuser(rig) as c:
        c.execute("lock table sluice.submissions in share mode")
        sent = Aside(rig.deliver, *batch)
        waits(rig, "relation", "worker")
        done = erase(rig)
        assert done.returncode == 0, done.stderr
    assert [outcome for outcome, _ in sent.result()] == ["retry", "retry"]
    assert of_subject(rig) == NOTHING
    rig.pull()
    (outcome, payload), (other, _) = rig.deliver(*batch)
    assert (outcome, payload["http"], other) == ("rejected", 410, "stored")
    assert of_subject(rig) == NOTHING
    assert rig.query("select subject_id from sluice.submissions") == [("SUB124",)]
    rig.ctl("audit", "verify")


def test_a_batch_that_is_being_written(rig):
    """Its statement has begun: the erasure waits for it, and erases what it wrote."""
    id = uuid.uuid4()
    batch = [form(rig, {"pain": 3, "name": NAME}, id=id.bytes), form(rig, {"pain": "much", "name": NAME})]
    c = superuser(rig)
    c.execute("insert into sluice.submissions (study, submission_id, subject_id, questionnaire, version, answers, authored_at,"
              " received_at, accepted_at, content_hash, hash_key, broker, epoch, seq) values (%s, %s, 'SUB124', 'visit', '1.0', '{}',"
              " now(), now(), now(), '\\x00', 1, %s, 9, 9)", [STUDY, id, uuid.uuid4()])
    sent = Aside(rig.deliver, *batch)
    waits(rig, "transactionid", "worker")  # for the other row of its id
    erased = Aside(erase, rig)
    waits(rig, "advisory", "sluicectl")
    c.rollback()
    c.close()
    assert [outcome for outcome, _ in sent.result()] == ["stored", "rejected"]
    done = erased.result()
    assert done.returncode == 0 and "1 identifiers, 1 originals" in done.stdout, done.stdout + done.stderr
    assert of_subject(rig) == {**NOTHING, "sluice.submissions": 1}  # under its code, as what was stored before
    assert rig.query("select answers from sluice.submissions") == [({"pain": 3, "name": {"identity": True}},)]
    (outcome, payload), = rig.deliver(form(rig, {"pain": 4}))
    assert (outcome, payload["http"]) == ("rejected", 410)


def test_a_correction_judged_before(rig):
    """Another statement, the same guard."""
    record = form(rig, {"pain": 3})
    assert rig.deliver(record)[0][0] == "stored"
    id = rig.query("select submission_id from sluice.submissions")[0][0]
    correction = form(rig, {"pain": 4, "name": NAME}, id=id.bytes, inner={
        "revise": {"revision": 1, "reason": "typo", "kind": "amended"}, "actor": {"user": "anna", "role": "site"}})
    with superuser(rig) as c:
        c.execute("lock table sluice.submission_revisions in share mode")
        sent = Aside(rig.deliver, correction)
        waits(rig, "relation", "worker")
        assert erase(rig).returncode == 0
    assert sent.result()[0][0] == "retry"
    rig.pull()
    assert rig.deliver(correction)[0][0] == "rejected"
    assert rig.query("select revision, answers from sluice.submissions") == [(1, {"pain": 3})]
    assert of_subject(rig)["identity.identifiers"] == 0


def test_an_erasure_that_can_not_wait_says_so_and_does_nothing(rig):
    id = uuid.uuid4()
    with superuser(rig) as c:
        c.execute("select pg_advisory_lock_shared(7315003)")  # a writer that hangs
        done = erase(rig)
        assert done.returncode == 75 and "lock timeout" in done.stderr, done.stderr
        assert rig.deliver(form(rig, {"pain": 3, "name": NAME}, id=id.bytes))[0][0] == "stored"
        c.execute("select pg_advisory_unlock_all()")
    assert of_subject(rig)["identity.identifiers"] == 1
    assert erase(rig).returncode == 0
    assert of_subject(rig)["identity.identifiers"] == 0
