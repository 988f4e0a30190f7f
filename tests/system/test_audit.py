"""The audit trail: what tampering leaves behind, seen by sluicectl and by a reading of our own."""
import csv
import hashlib
import hmac
import io
import json
import struct
import uuid

import psycopg
import pytest
from fleet import STUDY
from record_rig import Record


@pytest.fixture()
def record(stores):
    with Record(stores) as r:
        yield r


def grow(record, chains=2, rows=4):
    """Some chains, and the note that would be in the journal of each."""
    run, notes = record.driver(), []
    for c in range(chains):
        for n in range(rows):
            assert run("audit", action="test.done", detail=f"{c}.{n}")["outcome"] == 0
        notes.append(run("note")["note"])
        run("restart")
    return notes


def write_notes(record, notes):
    path = f"{record.folder}/notes"
    with open(path, "w") as f:
        f.writelines(json.dumps({"epoch": 1, "seq": 1, "note": n}) + "\n" for n in notes)
    return path


def verify(record, *places, expect=None):
    """(rules found, summary); places: none means this host's journal, which is not there."""
    done = record.ctl("audit", "verify", *places, "--json", check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    rules = sorted(x["rule"] for x in lines if x["type"] == "fault")
    assert done.returncode == (1 if rules else 0), done.stdout + done.stderr
    if expect is not None:
        assert rules == sorted(expect), lines
    return lines


def tamper(record, sql, *params):
    """As only a superuser can: the rule against changes is set aside for a moment."""
    with psycopg.connect(record.stores.postgres.dsn(record.database), autocommit=True) as c:
        c.execute("set session_replication_role = replica")
        return c.execute(sql, params).rowcount


def chain_rows(record, writer=None):
    rows = record.query("select writer, number, batch, previous, mac, at, actor, role, organisation, action, study,"
                        " subject_id, submission_id, revision, reason, detail from sluice.audit_events"
                        " order by writer, batch, number")
    return [r for r in rows if writer in (None, r[0])]


# The format, once more, from store/audit.h and store/audit.c: whoever has the key can check without our code.
def field(v):
    return struct.pack("<Q", 2**64 - 1) if v is None else struct.pack("<Q", len(v)) + v


def sign(key, purpose, *parts):
    return hmac.new(key, field(purpose.encode()) + b"".join(parts), hashlib.sha256).digest()


def text(v):
    return None if v is None else v.encode()


def mac_of(key, r):
    us = (r[5] - r[5].replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0))
    us = us.days * 86400_000_000 + us.seconds * 1_000_000 + us.microseconds
    return sign(key, "sluice audit row 1", field(r[0].bytes), struct.pack("<qq", r[1], us),
                *(field(text(v)) for v in r[6:12]), field(r[12].bytes if r[12] else None),
                struct.pack("<q", r[13] or 0), field(text(r[14])), field(text(r[15])))


def first_head(key, writer):
    return sign(key, "sluice audit chain 1", field(writer.bytes))


def next_head(key, head, batch, macs):
    return sign(key, "sluice audit head 1", field(head), struct.pack("<q", batch), *macs)


def key_of(record):
    with open(record.audit_keys) as f:
        return bytes.fromhex(f.read().split()[1])


def test_an_intact_trail_says_what_is_not_anchored(record):
    notes = grow(record)
    lines = verify(record, expect=[])
    assert lines[-1] == {"type": "summary", "chains": 2, "rows": 8, "anchors": 0, "faults": 0, "unanchored": 8,
                         "open_chains": 2, "revisions": 0, "without_mac": 0, "older_mac": 0, "acts": 0,
                         "acts_unaudited": 0}
    told = record.ctl("audit", "verify").stdout
    assert "Not anchored: the last 8 rows of 2 chains" in told
    anchored = verify(record, write_notes(record, notes[:1]), expect=[])[-1]
    assert anchored["anchors"] == 1 and anchored["unanchored"] == 4 and anchored["open_chains"] == 1
    assert "Not anchored" not in record.ctl("audit", "verify", write_notes(record, notes)).stdout


def test_the_chain_is_what_the_page_says(record):
    """Another reading of the same format finds the same heads."""
    grow(record)
    key, heads = key_of(record), {}
    for r in chain_rows(record):
        head = heads.get(r[0], first_head(key, r[0]))
        assert r[3] == head and r[4] == mac_of(key, r)
        heads[r[0]] = next_head(key, head, r[2], [r[4]])
    told = {uuid.UUID(x["writer"]): bytes.fromhex(x["head"]) for x in verify(record) if x["type"] == "chain"}
    assert told == heads and len(told) == 2


@pytest.mark.parametrize("column,value", [("detail", "'other'"), ("actor", "'nobody'"), ("reason", "'because'"),
                                          ("at", "at + interval '1 us'"), ("study", f"'{STUDY}'"), ("role", "''"),
                                          ("submission_id", "gen_random_uuid()"), ("revision", "7"),
                                          ("mac", "sha256('x')"), ("previous", "sha256('x')")])
def test_a_changed_row_is_named(record, column, value):
    grow(record)
    writer, number, batch = chain_rows(record)[1][:3]
    assert tamper(record, f"update sluice.audit_events set {column} = {value} where writer = %s and number = %s",
                  writer, number) == 1
    lines = [x for x in verify(record) if x["type"] == "fault"]
    assert lines and lines[0]["writer"] == str(writer), lines
    wanted = "chain-broken" if column == "previous" else "row-changed"
    assert (lines[0]["rule"], lines[0]["number"]) == (wanted, number)


def test_a_row_removed_in_the_middle(record):
    grow(record)
    writer, number, _ = chain_rows(record)[1][:3]
    tamper(record, "delete from sluice.audit_events where writer = %s and number = %s", writer, number)
    verify(record, expect=["batch-missing"])
    tamper(record, "update sluice.audit_events set batch = batch - 1 where writer = %s and number > %s", writer, number)
    verify(record, expect=["chain-broken"] * 2)  # the number of a batch is part of its head


def test_the_beginning_removed(record):
    grow(record)
    writer, number, _ = chain_rows(record)[0][:3]
    tamper(record, "delete from sluice.audit_events where writer = %s and number = %s", writer, number)
    verify(record, expect=["start-missing"])


def test_a_cut_tail_shows_against_the_anchor_only(record):
    notes = write_notes(record, grow(record))
    writer, number, _ = chain_rows(record)[3][:3]
    tamper(record, "delete from sluice.audit_events where writer = %s and number = %s", writer, number)
    verify(record, expect=[])  # and it says that eight rows are not anchored
    verify(record, notes, expect=["tail-missing"])


def test_a_whole_chain_removed(record):
    notes = write_notes(record, grow(record))
    tamper(record, "delete from sluice.audit_events where writer = %s", chain_rows(record)[0][0])
    verify(record, notes, expect=["chain-missing"])


def test_an_inserted_row(record):
    notes = write_notes(record, grow(record))
    writer = chain_rows(record)[0][0]
    tamper(record, "insert into sluice.audit_events select (jsonb_populate_record(e, '{\"number\": 99}')).*"
                   " from sluice.audit_events e where writer = %s and number = 2", writer)
    rules = {x["rule"] for x in verify(record, notes) if x["type"] == "fault"}
    assert {"row-changed", "chain-broken"} <= rules


def test_a_chain_written_anew_with_the_key(record):
    """Everything inside agrees with itself; only the journal remembers otherwise."""
    notes = write_notes(record, grow(record))
    key = key_of(record)
    rows = chain_rows(record, chain_rows(record)[0][0])
    head = first_head(key, rows[0][0])
    for r in rows:
        r = list(r)
        r[3], r[15] = head, r[15].replace(".1", ".one")
        r[4] = mac_of(key, r)
        head = next_head(key, head, r[2], [r[4]])
        tamper(record, "update sluice.audit_events set previous = %s, mac = %s, detail = %s"
                       " where writer = %s and number = %s", r[3], r[4], r[15], r[0], r[1])
    verify(record, expect=[])
    verify(record, notes, expect=["anchor-differs"])


def test_a_book_is_an_anchor_for_another_day(record):
    grow(record)
    book = f"{record.folder}/book"
    with open(book, "w") as f:
        f.write(record.ctl("audit", "verify", "--json").stdout)
    assert verify(record, book, expect=[])[-1]["unanchored"] == 0
    grow(record, chains=1, rows=2)
    assert verify(record, book, expect=[])[-1]["unanchored"] == 2
    writer, number, _ = chain_rows(record)[0][:3]
    removed = tamper(record, "delete from sluice.audit_events where writer = (select writer from sluice.audit_events"
                             " group by writer having count(*) = 4 order by 1 limit 1) and number = 4")
    assert removed == 1
    verify(record, book, expect=["tail-missing"])


def test_another_key(record):
    grow(record, chains=1)
    record.secret("audit.keys", "1 " + "ab" * 32 + "\n")
    verify(record, expect=["key-unknown"])


def test_an_older_key_still_verifies(record):
    grow(record, chains=1)
    with open(record.audit_keys) as f:
        old = f.read()
    record.secret("audit.keys", "2 " + "ab" * 32 + "\n" + old)
    grow(record, chains=1)
    assert verify(record, expect=[])[-1]["chains"] == 2


def test_a_stored_revision_without_its_row(record):
    id = record.submission({"pain": 3})
    lines = verify(record, expect=["audit-missing"])
    assert lines[0]["submission"] == id and lines[0]["revision"] == 1


def test_nobody_changes_a_row(record):
    """Neither the roles of the fleet nor the owner."""
    grow(record, chains=1)
    for role in ("sluice_worker", "sluice_query", "sluice_notify", "sluice_admin", "sluice_analyst", "sluice_owner",
                 "sluice"):
        with psycopg.connect(record.stores.postgres.dsn(record.database), autocommit=True) as c:
            c.execute(f"set role {role}")
            for table in ("audit_events", "alert_events", "submission_revisions"):
                for sql in (f"update sluice.{table} set reason = 'x'" if table != "alert_events" else
                            "update sluice.alert_events set note = 'x'",
                            f"delete from sluice.{table}", f"truncate sluice.{table}"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        c.execute(sql)
    assert len(chain_rows(record)) == 4


def test_export_reads_without_our_code_and_is_itself_audited(record):
    grow(record, chains=1)
    lines = record.ctl_json("audit", "export", "--reason", "inspection")
    assert [x["action"] for x in lines] == ["test.done"] * 4 + ["audit.exported"]
    assert lines[-1]["reason"] == "inspection" and lines[-1]["role"] == "admin" and lines[-1]["mac"]
    rows = list(csv.DictReader(io.StringIO(record.ctl("audit", "export", "--format", "csv").stdout, newline="")))
    assert len(rows) == 6 and rows[1]["detail"] == "0.1" and rows[1]["number"] == "2"
    verify(record, expect=[])
