"""The service "queries": where a submission is."""
import uuid

import msgpack
import pytest

from stores import Stores
from worker_rig import STUDY, Rig, pack


@pytest.fixture(scope="module")
def rig():
    with Stores() as stores, Rig(stores, service="queries") as r:
        r.query("insert into sluice.submissions (study, submission_id, subject_id, questionnaire, version, answers,"
                " authored_at, received_at, accepted_at, content_hash, hash_key, broker, epoch, seq) values"
                " (%s, %s, 'SUB123', 'daily-diary', '1.0', '{}', now(), now(), now(), '', 1, %s, 1, 5)",
                [STUDY, STORED, BROKER])
        r.query("insert into sluice.rejections (broker, epoch, seq, kind, study, submission_id, reasons, sealed,"
                " received_at, accepted_at) values (%s, 1, 6, 'rejected', %s, %s,"
                """ '[{"pointer": "/answers/pain", "rule": "type", "detail": "d"}]', '', now(), now())""",
                [BROKER, STUDY, STORED])
        r.pull()
        yield r


STORED, BROKER = uuid.uuid4(), uuid.uuid4()


def ask(rig, **question):
    id = uuid.uuid4().bytes
    body = rig.seal("queries", STUDY, id, pack({"kind": "submission", "studies": [STUDY], **question}))
    (outcome, payload), = rig.deliver(rig.record(id, body))
    return outcome, msgpack.unpackb(rig.unseal("queries/reply", STUDY, id, payload)) if outcome == "answered" else None


def test_by_id(rig):
    outcome, reply = ask(rig, id=STORED.bytes)
    assert outcome == "answered"
    assert reply["found"] and reply["state"] == "stored" and reply["study"] == STUDY and reply["stored_us"] > 0
    assert reply["questionnaire"] == "daily-diary" and reply["received_us"] > 0 and reply["accepted_us"] > 0


def test_a_receipt_names_its_own_message(rig):
    _, reply = ask(rig, id=STORED.bytes, receipt={"broker": BROKER.bytes, "epoch": 1, "seq": 6})
    assert reply["state"] == "rejected" and reply["errors"][0]["rule"] == "type" and "stored_us" not in reply
    _, reply = ask(rig, id=STORED.bytes, receipt={"broker": BROKER.bytes, "epoch": 1, "seq": 7})
    assert reply["state"] == "stored"


def test_unknown_and_foreign_are_not_found(rig):
    assert ask(rig, id=uuid.uuid4().bytes) == ("answered", {"found": False})
    assert ask(rig, id=STORED.bytes, studies=["NCT008"]) == ("answered", {"found": False})


def test_what_is_no_question_is_dead(rig):
    id = uuid.uuid4().bytes
    (outcome, _), = rig.deliver(rig.record(id, rig.seal("queries", STUDY, id, pack({"kind": "other"}))))
    assert outcome == "dead"


def test_the_role_reads_no_sealed_original_and_writes_nothing(rig):
    import psycopg

    with psycopg.connect(rig.stores.postgres.dsn(rig.database, "sluice_query"), autocommit=True) as c:
        for sql in ("select sealed from sluice.rejections", "select from sluice.audit_events",
                    "update sluice.submissions set void = true", "delete from identity.identifiers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(sql)
