"""Identifiers: sealed by their subject's key, shown to nobody but the profile, gone when erased."""
import csv
import json
import os
import re
import secrets
import struct
import uuid

import msgpack
import pytest
from fleet import STUDY
from lone_broker import LoneBroker
from nacl import bindings
from protocol import ACCEPT_NOW, ACCEPTED
from record_rig import Record

PEOPLE = {"SUB1": {"name": "Özlem Çelik", "telecom": "+49 151 23456789", "birthDate": "1957-03-02"},
          "SUB2": {"name": "王小明", "telecom": "13812345678", "birthDate": "1931-01-30"}}


@pytest.fixture()
def record(stores):
    with Record(stores, subjects=["SUB1", "SUB2", "SUB3"]) as r:
        r.seal_key = secrets.token_bytes(32)
        path = r.secret("seal.keys", f"1 {r.seal_key.hex()}\n")
        with open(r.config, "a") as f:
            f.write(f'    seal_key_file = "{path}"\n')
        yield r


@pytest.fixture()
def broker(record):
    with LoneBroker() as b:
        with open(record.config, "a") as f:
            f.write(f'    admin_endpoints = "{b.admin_endpoint}"\n')
        yield b


def seal(record, id, plain, service="submissions"):
    context = bytes([len(service)]) + service.encode() + bytes([len(STUDY)]) + STUDY.encode() + id
    nonce = secrets.token_bytes(24)
    box = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, context, nonce, record.seal_key)
    return struct.pack("<I", 1) + nonce + box


def identify(record, run, subject):
    for kind, value in PEOPLE[subject].items():
        answer = run("identify", study=STUDY, subject=subject, kind=kind, value=value)
        assert answer["outcome"] == 0, answer
        record.query("insert into identity.identifiers (study, subject_id, kind, submission_id, link_id, value_sealed)"
                     " values (%s, %s, %s, %s, %s, %s)",
                     [STUDY, subject, kind, uuid.uuid4(), kind, bytes.fromhex(answer["sealed"])])


def reject(record, subject, seq):
    record.query("insert into sluice.rejections (broker, epoch, seq, kind, study, submission_id, subject_id, reasons,"
                 " sealed, received_at, accepted_at) values (%s, 1, %s, 'rejected', %s, %s, %s, '[]', %s, now(), now())",
                 [uuid.UUID(int=1), seq, STUDY, uuid.uuid4(), subject, b"sealed"])


def dead_letters(record, broker, subjects):
    client, worker = broker.client(), broker.worker()
    for subject in subjects:
        id = uuid.uuid4().bytes
        body = msgpack.packb({"study": STUDY, "subject": subject, "id": id, "submission": {}})
        client.submit(seal(record, id, body), flags=ACCEPT_NOW, scope=STUDY, id=id)
    client.await_entries(ACCEPTED, len(subjects))
    worker.pull()
    taken = 0
    while taken < len(subjects):
        batch = worker.take()
        taken += len(batch)
        worker.report(worker.lease, [(r.origin, "dead") for r in batch])


def everything(record):
    """Every value of every table, as text."""
    texts = []
    for schema, table in record.query("select schemaname, tablename from pg_tables where schemaname in ('sluice', 'identity')"):
        texts += [r[0] for r in record.query(f"select t::text from {schema}.{table} t")]
    return "\n".join(texts)


def test_what_is_sealed_is_read_by_who_may(record):
    run = record.driver()
    for subject in PEOPLE:
        identify(record, run, subject)
    query = record.driver("sluice_query")
    for subject, person in PEOPLE.items():
        assert query("profile", study=STUDY, subject=subject)["profile"] == person
    assert query("profile", study=STUDY, subject="SUB3")["profile"] == {}
    text = everything(record)
    for person in PEOPLE.values():
        for value in person.values():
            assert value not in text and value.encode().hex() not in text


def test_the_newest_of_a_kind_is_shown(record):
    run = record.driver()
    identify(record, run, "SUB1")
    sealed = run("identify", study=STUDY, subject="SUB1", kind="name", value="Özlem Kaya")["sealed"]
    record.query("insert into identity.identifiers (study, subject_id, kind, submission_id, link_id, value_sealed,"
                 " updated_at) values (%s, 'SUB1', 'name', %s, 'name', %s, now() + interval '1 s')",
                 [STUDY, uuid.uuid4(), bytes.fromhex(sealed)])
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB1")["profile"]["name"] == "Özlem Kaya"


def test_a_value_cannot_be_moved(record):
    """Neither to another subject nor to another kind, though both have the same study."""
    run = record.driver()
    identify(record, run, "SUB1")
    identify(record, run, "SUB2")
    record.query("update identity.identifiers i set value_sealed = (select value_sealed from identity.identifiers j"
                 " where j.subject_id = 'SUB1' and j.kind = 'name') where i.subject_id = 'SUB2' and i.kind = 'name'")
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB2")["outcome"] == 112
    record.query("delete from identity.identifiers where subject_id = 'SUB2'")
    record.query("update identity.identifiers set kind = case kind when 'name' then 'telecom' else 'name' end"
                 " where subject_id = 'SUB1' and kind in ('name', 'telecom')")
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB1")["outcome"] == 112


def test_two_workers_make_one_key(record):
    import concurrent.futures

    drivers = [record.driver() for _ in range(6)]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda run: run("identify", study=STUDY, subject="SUB3", kind="name", value="x"), drivers))
    assert all(m["outcome"] == 0 for m in made)
    assert record.query("select count(*) from identity.subject_keys") == [(1,)]
    for m in made:
        record.query("insert into identity.identifiers (study, subject_id, kind, submission_id, link_id, value_sealed)"
                     " values (%s, 'SUB3', 'name', %s, 'n', %s)", [STUDY, uuid.uuid4(), bytes.fromhex(m["sealed"])])
        assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB3")["profile"] == {"name": "x"}


def test_another_wrapping_key_and_an_old_one(record):
    identify(record, record.driver(), "SUB1")
    with open(record.wrap_keys) as f:
        old = f.read()
    record.secret("wrap.keys", "2 " + "cd" * 32 + "\n")
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB1")["outcome"] == 111
    record.secret("wrap.keys", "2 " + "cd" * 32 + "\n" + old)
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB1")["profile"] == PEOPLE["SUB1"]


def erase(record, subject, *more, check=True):
    return record.ctl("subject", "erase", subject, "--study", STUDY, "--reason", "withdrew consent", *more, check=check)


def test_erasing_leaves_nothing_readable(record, broker):
    run = record.driver()
    for subject in PEOPLE:
        identify(record, run, subject)
    for seq, subject in enumerate(("SUB1", "SUB1", "SUB2"), 1):
        reject(record, subject, seq)
    dead_letters(record, broker, ["SUB1", "SUB2", "SUB1"])
    record.submission({"pain": 3}, subject="SUB1")

    said = erase(record, "SUB1", "--dry-run").stdout
    assert "3 identifiers, 2 originals of rejections, 0 attachments, 2 dead letters" in said
    assert record.query("select count(*) from identity.identifiers where subject_id = 'SUB1'") == [(3,)]
    said = erase(record, "SUB1", "--yes").stdout
    assert "3 identifiers, 2 originals of rejections, 0 attachments, 2 dead letters" in said

    assert record.query("select wrapped_key, erased_at is not null from identity.subject_keys where subject_id = 'SUB1'"
                        ) == [(None, True)]
    assert record.query("select count(*) from identity.identifiers where subject_id = 'SUB1'") == [(0,)]
    assert record.query("select subject_id, sealed, purged_at is not null from sluice.rejections order by seq") == [
        ("SUB1", b"", True), ("SUB1", b"", True), ("SUB2", b"sealed", False)]
    assert len(broker.admin().rows("dead")) == 1
    assert record.query("select erased_at is not null from sluice.subjects where subject_id in ('SUB1', 'SUB2')"
                        " order by subject_id") == [(True,), (False,)]
    assert record.query("select count(*) from sluice.submissions where subject_id = 'SUB1'") == [(1,)]
    # its key is gone for the worker too, and nobody makes a new one
    assert run("identify", study=STUDY, subject="SUB1", kind="name", value="again")["outcome"] == 110
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB1")["outcome"] == 110
    assert record.driver("sluice_query")("profile", study=STUDY, subject="SUB2")["profile"] == PEOPLE["SUB2"]
    # the record of it: who, why, how much; nothing of the person
    (row,) = [x for x in record.ctl_json("audit", "export") if x["action"] == "subject.erased"]
    assert (row["subject_id"], row["reason"], row["role"]) == ("SUB1", "withdrew consent", "admin")
    assert record.query("select identifiers, rejections from identity.erasures") == [(3, 2)]


def test_erasing_as_the_admin_role(record, broker):
    """What the deployment's login may do is enough."""
    identify(record, record.driver(), "SUB1")
    with open(record.config) as f:
        config = f.read().replace("user=sluice ", "user=sluice_admin ")
    with open(record.config, "w") as f:
        f.write(config)
    erase(record, "SUB1", "--yes")
    assert record.query("select count(*) from identity.identifiers") == [(0,)]
    erase(record, "SUB1", "--yes")  # again: nothing left, and no fault
    erase(record, "SUB3", "--yes")  # a subject that never had identifiers is refused from now on too
    assert record.driver()("identify", study=STUDY, subject="SUB3", kind="name", value="x")["outcome"] == 110


def test_erase_needs_to_know_whom_and_why(record, broker):
    assert record.ctl("subject", "erase", "SUB1", "--yes", check=False).returncode == 64
    assert record.ctl("subject", "erase", "SUB1", "--study", STUDY, "--yes", check=False).returncode == 64
    assert erase(record, "SUB1", check=False).returncode == 64  # no terminal, no --yes
    assert "no subject SUB9" in erase(record, "SUB9", "--yes", check=False).stderr
    broker.popen.terminate()
    broker.popen.wait()
    done = erase(record, "SUB1", "--yes", "--timeout", "300ms", check=False)
    assert done.returncode == 69
    assert record.query("select count(*) from identity.erasures") == [(0,)]


def test_a_note_in_the_journal_anchors_the_chain(record, broker):
    """The whole way: a report's note, the broker's journal, sluice-broker --journal-notes, audit verify."""
    run = record.driver()
    for n in range(3):
        run("audit", action="test.done", detail=str(n))
    note = bytes.fromhex(run("note")["note"])
    client, worker = broker.client(), broker.worker()
    client.submit(b"x", flags=ACCEPT_NOW)
    client.await_entries(ACCEPTED, 1)
    worker.pull(messages=1)
    (r,) = worker.take()
    worker.report(worker.lease, [(r.origin, "stored")], note=note)
    broker.admin().rows("status")

    def summary():
        done = record.ctl("audit", "verify", broker.journal, "--json", check=False)
        return json.loads(done.stdout.splitlines()[-1])

    from stores import until
    until("the note to be in the journal", 10, lambda: summary()["anchors"] == 1)
    assert summary()["unanchored"] == 0 and summary()["faults"] == 0
    run("audit", action="test.done", detail="3")
    assert summary()["unanchored"] == 1
    record.query("set session_replication_role = replica; delete from sluice.audit_events where number >= 3")
    assert summary()["faults"] == 1


def test_export_writes_a_complete_copy(record, tmp_path):
    first = record.submission({"pain": 3, "sleep": 'well, "so so"\nreally'}, subject="SUB1", visit="V1",
                              scores='{"total": {"value": 7.50, "band": "mild"}}', flags=["late"])
    record.submission({"pain": 4}, subject="SUB2", status="entered-in-error", void=True)
    folder = tmp_path / "copy"
    record.ctl("export", str(folder), "--study", STUDY, "--reason", "for the site's file")
    rows = {p.stem: list(csv.DictReader(open(p, newline=""))) for p in folder.iterdir()}
    assert set(rows) == {"submissions", "answers", "scores", "changes", "deviations"}
    assert {r["submission_id"] for r in rows["answers"]} == {first}
    assert {r["link_id"]: r["num"] or r["text"] for r in rows["answers"]} == {"pain": "3", "sleep": 'well, "so so"\nreally'}
    assert rows["scores"][0]["value"] == "7.50" and rows["scores"][0]["band"] == "mild"
    assert len(rows["submissions"]) == 2 and {r["void"] for r in rows["submissions"]} == {"true", "false"}
    assert [r["deviation"] for r in rows["deviations"]] == ["late"]
    assert len(rows["changes"]) == 3 and all(r["old_value"] == "" for r in rows["changes"])
    assert all(os.stat(p).st_mode & 0o077 == 0 for p in folder.iterdir())
    # a copy is never overwritten, and each is in the trail
    assert record.ctl("export", str(folder), "--study", STUDY, check=False).returncode == 64
    assert [x["reason"] for x in record.ctl_json("audit", "export") if x["action"] == "data.exported"] == [
        "for the site's file", None]


def copies(folder):
    return {p.stem: list(csv.DictReader(open(p, newline=""))) for p in folder.iterdir()}


def test_a_coded_copy_names_no_subject(record, tmp_path):
    names = [f"SUB-{i:02}" for i in range(12)] + ["1001"]
    for i, name in enumerate(names):
        record.submission({"pain": i, "sleep": f"I am {name}, {name}x said\n{name}\tand ({name})"}, subject=name, actor=name, role="participant",
                          reason=f"{name} mistook it", source=f"chart {name}", visit="V1", flags=["late"],
                          device_edits=json.dumps([{"note": f"\n{name}"}]), scores='{"total": {"value": 7, "band": "mild"}}')
    for format in ("csv", "dataset-json"):
        record.ctl("export", str(tmp_path / format), "--study", STUDY, "--format", format, "--coded", "--reason", "for the sponsor")
        for path in (tmp_path / format).iterdir():
            told = path.read_text()
            for name in names[:-1]:
                assert name not in told.replace(f"{name}x", ""), path
    record.ctl("export", str(tmp_path / "plain"), "--study", STUDY)
    plain, coded = copies(tmp_path / "plain"), copies(tmp_path / "csv")
    assert set(coded) == set(plain) == {"submissions", "answers", "scores", "changes", "deviations"}
    codes = {}
    for stem in plain:
        by_id = {tuple(r[k] for k in ("submission_id", "link_id") if k in r): r for r in coded[stem]}
        assert len(by_id) == len(plain[stem]) == len(coded[stem]) > 0
        for row in plain[stem]:
            other = by_id[tuple(row[k] for k in ("submission_id", "link_id") if k in row)]
            code = codes.setdefault(row["subject_id"], other["subject_id"])
            assert other["subject_id"] == code and re.fullmatch("[0-9a-f]{16}", code)
            if row["subject_id"] != "1001":
                wanted = {k: re.sub(rf"(?<![0-9A-Za-z]){row['subject_id']}(?![0-9A-Za-z])|(?<=\\[nt]){row['subject_id']}", code, v)
                          for k, v in row.items()}
                assert other == wanted
    assert len(set(codes.values())) == len(names)
    assert {r["actor"] for r in coded["submissions"]} == set(codes.values())
    # the order of the rows does not tell whose they are either
    order = list(dict.fromkeys(r["subject_id"] for r in coded["submissions"]))
    assert order != [codes[n] for n in sorted(names)] and len(order) == len(names)
    # the next copy has the same codes, another study would not, and the trail says which kind each was
    assert codes["SUB-00"] in {r["subject_id"] for r in copies(tmp_path / "csv")["scores"]}
    record.ctl("export", str(tmp_path / "again"), "--study", STUDY, "--coded")
    assert {r["subject_id"] for r in copies(tmp_path / "again")["answers"]} == set(codes.values())
    details = [json.loads(x["detail"]).get("coded") for x in record.ctl_json("audit", "export") if x["action"] == "data.exported"]
    assert details == [True, True, None, True]


def test_without_its_key_nothing_is_coded(record, tmp_path):
    record.submission({"pain": 3})
    done = record.ctl("export", str(tmp_path / "c"), "--study", STUDY, "--coded", "--set", "wrap_key_file=/nonexistent", check=False)
    assert done.returncode == 78 and list((tmp_path / "c").iterdir()) == []
    record.ctl("export", str(tmp_path / "c"), "--study", STUDY, "--coded")
    record.secret("wrap.keys", "9 " + "ab" * 32 + "\n")
    done = record.ctl("export", str(tmp_path / "d"), "--study", STUDY, "--coded", check=False)
    assert done.returncode == 78 and list((tmp_path / "d").iterdir()) == []
    assert len([x for x in record.ctl_json("audit", "export") if x["action"] == "data.exported"]) == 1


def test_dataset_json(record, tmp_path):
    record.submission({"pain": 3}, subject="SUB1", scores='{"total": {"value": 7, "band": "mild"}}')
    record.ctl("export", str(tmp_path / "d"), "--study", STUDY, "--format", "dataset-json")
    for path in (tmp_path / "d").iterdir():
        data = json.loads(path.read_text())
        assert data["datasetJSONVersion"] == "1.1.0" and data["studyOID"] == STUDY and data["name"] == path.stem
        assert data["records"] == len(data["rows"])
        assert all(len(row) == len(data["columns"]) for row in data["rows"])
        assert {c["dataType"] for c in data["columns"]} <= {"string", "integer", "decimal", "boolean", "datetime"}
    data = json.loads((tmp_path / "d" / "scores.json").read_text())
    row = dict(zip([c["name"] for c in data["columns"]], data["rows"][0]))
    assert row["subject_id"] == "SUB1" and row["score"] == "total" and row["value"] == "7" and row["visit"] is None


def test_one_site_only(record, tmp_path):
    record.query("update sluice.subjects set site_id = 'S01' where subject_id = 'SUB1'")
    record.submission({"pain": 3}, subject="SUB1", site_id="S01")
    record.submission({"pain": 4}, subject="SUB2", site_id="S02")
    record.ctl("export", str(tmp_path / "s"), "--study", STUDY, "--site", "S01")
    text = "".join(p.read_text() for p in (tmp_path / "s").iterdir())
    assert "SUB1" in text and "SUB2" not in text
    assert record.ctl("export", str(tmp_path / "x"), "--site", "S01", check=False).returncode == 64


def test_pii_scan_names_places_and_no_text(record):
    suspects = {"sleep": "call me at +49 151 2345 6789", "notes": "Dr. Meyer said so, mail d.meyer@example.org"}
    id = record.submission({"pain": 3, "nausea": "mild", "wokeAt": "1957-03-02T07:10:00+01:00", **suspects}, subject="SUB1")
    clean = record.submission({"sleep": "well, 8 hours, 36.6 degrees, at 07:10", "notes": "took 2 x 500 mg on 2026-11-22"})
    done = record.ctl("pii", "scan", "--study", STUDY, "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {(r["linkId"], r["kinds"]) for r in rows} == {("sleep", "phone"), ("notes", "email name-with-title")}
    assert {r["submission"] for r in rows} == {id} and clean not in done.stdout
    for text in ("2345", "meyer", "Meyer", "call"):
        assert text not in done.stdout + record.ctl("pii", "scan").stdout
    record.query("update sluice.submissions set reason = 'born 2.3.1957' where submission_id = %s", [id])
    assert {(r["column"], r["kinds"]) for r in record.ctl_json("pii", "scan") if r["column"] != "answers"} == {
        ("reason", "birth-date")}
