"""A worker with the shipped instruments, driven form by form; its fixtures are imported by the tests that use them."""
import json
import uuid

import pytest

import protocol as p
from fleet import EXAMPLES, QUESTIONNAIRES
from stores import Stores
from worker_rig import STUDY, Rig, pack

PHQ9 = {f"PHQ010{n}": 1 for n in range(1, 10)}
CALM = {**PHQ9, "PHQ0109": 0}
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient#Patient."
PERSON = {
    "resourceType": "Questionnaire", "id": "person", "name": "person", "url": "https://example.org/person", "version": "1.0",
    "status": "active", "title": "About you",
    "item": [{"linkId": "name", "type": "string", "text": "Name", "definition": PATIENT + "name"},
             {"linkId": "phone", "type": "string", "text": "Phone", "definition": PATIENT + "telecom"},
             {"linkId": "mood", "type": "integer", "text": "Mood", "required": True},
             {"linkId": "scan", "type": "attachment", "text": "Scan", "repeats": True}]}
DRAFT = {"resourceType": "Questionnaire", "id": "draft", "name": "draft", "url": "https://example.org/draft",
         "version": "1.0", "status": "draft", "title": "Draft", "effectivePeriod": {"start": "2026-01-01", "end": "2026-06-30"},
         "item": [{"linkId": "mood", "type": "integer", "text": "Mood"}]}
SUBJECTS = [f"S{n:03}" for n in range(1, 60)]


class Clinic(Rig):
    """A rig that keeps the follow-ups of the last report."""

    followups = []

    def receive(self, wanted, deadline_s=10):
        command, header, bodies = super().receive(wanted, deadline_s)
        if command == p.REPORT:
            self.followups = p.records(bodies[1]) if len(bodies) > 1 else []
        return command, header, bodies

    def load(self, noun, content):
        path = f"{self.folder}/{noun}-{uuid.uuid4().hex}.json"
        with open(path, "w") as f:
            json.dump(content, f)
        self.ctl(noun, "load", path, "--yes")

    def fhir(self, resource, id=None, subject="SUB123", **how):
        """A QuestionnaireResponse as the edge passes it on."""
        id = id or uuid.uuid4().bytes
        plain = {"id": id, "study": STUDY, "subject": subject, "received_us": 1795334400_000000, "request_id": "r",
                 "format": "fhir", "submission": resource}
        return self.record(id, self.seal(self.service, STUDY, id, pack(plain)), **how)


@pytest.fixture(scope="module")
def rig():
    with Stores() as stores, Clinic(stores, subjects=["SUB123", *SUBJECTS]) as r:
        with open(f"{EXAMPLES}/study-NCT007.json") as f:
            r.study = {**json.load(f), "cutoffs": {"participantCorrections": "7d"}}
        r.load("study", r.study)
        for name in ("phq-9", "pro-ctcae"):
            r.ctl("questionnaire", "load", f"{QUESTIONNAIRES}/{name}.json", "--study", STUDY, "--yes")
        r.load("questionnaire", PERSON)
        r.load("questionnaire", DRAFT)
        r.pull()
        yield r


subjects = iter(SUBJECTS)


@pytest.fixture
def subject():
    """One that no other test has sent anything for."""
    return next(subjects)


def one(rig, *args, **members):
    """Sends one; (id, outcome, payload)."""
    id = members.pop("id", None) or uuid.uuid4()
    (outcome, payload), = rig.deliver(rig.submission(*args, id=id.bytes, **members))
    return id, outcome, payload


def rules(payload):
    return sorted((e["pointer"], e["rule"]) for e in payload["errors"])


def row(rig, id, columns):
    found = rig.query(f"select {columns} from sluice.submissions where submission_id = %s", [id])
    return found[0] if found else None


def alerts(rig, id):
    return rig.query("select revision, rule_id, provisional, count from sluice.alerts where submission_id = %s"
                     " order by revision, rule_id", [id])


def phq9(rig, answers, subject, **members):
    return one(rig, answers, subject=subject, questionnaire="phq-9", **members)


def correct(rig, id, revision, answers, subject, *, user=None, role=None, kind="amended", attempt=1, origin=None, **members):
    inner = {"revise": {"revision": revision, "reason": "typo", "source": "paper", "kind": kind}}
    if user:
        inner["actor"] = {"user": user, "role": role, "organisation": "site 7"}
    record = rig.submission(answers, id=id.bytes, subject=subject, questionnaire="phq-9", inner=inner, attempt=attempt,
                            origin=origin, **members)
    (outcome, payload), = rig.deliver(record)
    return outcome, payload, record[1]
