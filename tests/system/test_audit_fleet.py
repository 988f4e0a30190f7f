"""The trail of a real fleet, with anchors from the broker's journal, against whoever owns the database: what a superuser
changes is found and named, and with the bytes back in place all is clean again."""
import concurrent.futures
import hashlib
import hmac
import json
import struct
import uuid

import psycopg
import pytest

from fleet import DIARY, STUDY, TOKEN, Fleet
from stores import until

SITE = "audit-token-site-000000000"
FORMS = 300
COLUMNS = ("writer", "number", "batch", "previous", "mac", "at", "actor", "role", "organisation", "action", "study", "subject_id",
           "submission_id", "revision", "reason", "detail")


class Ward(Fleet):
    intruder = None

    def prepare(self):
        super().prepare()
        self.write_secret("tokens", f"{TOKEN} {STUDY}\n{SITE} {STUDY} role=site user=nurse-7 organisation=Clinic\n")

    def verify(self, expect=None, places=()):
        """(faults, chains, summary); expect: the rules that must be found, each at least once, and no others."""
        done = self.ctl("audit", "verify", *places, "--json", check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        faults = [x for x in lines if x["type"] == "fault"]
        assert done.returncode == (1 if faults else 0), done.stdout[-2000:] + done.stderr
        if expect is not None:
            assert {x["rule"] for x in faults} == set(expect), faults[:10]
        return faults, [x for x in lines if x["type"] == "chain"], lines[-1]

    def tamper(self, sql, *params):
        """As only a superuser can."""
        if self.intruder is None:
            self.intruder = psycopg.connect(self.stores.postgres.dsn(self.database), autocommit=True)
            self.intruder.execute("set session_replication_role = replica")
        return self.intruder.execute(sql, params).rowcount

    def post_many(self, n, pool):
        return [pool.submit(self.post, {**DIARY, "pain": i % 11}, key=str(uuid.uuid4())) for i in range(n)]


@pytest.fixture(scope="module")
def ward(stores):
    with Ward(stores, workers=2, queries=0) as fleet:
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            sent = fleet.post_many(FORMS, pool)
            until("a third of them", 30, lambda: fleet.count() > FORMS // 3)
            fleet["worker1"].kill()
            fleet["worker1"].start()
            sent += fleet.post_many(FORMS // 2, pool)
            answers = [s.result() for s in sent]
        assert {a.status for a in answers} <= {201, 202}
        fleet.await_drained()
        for a in answers[:20]:
            corrected = fleet.request("PUT", f"/api/v1/submissions/{a.json['id']}", {
                "subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0", "submitAt": "2026-11-22T08:00:00+01:00",
                "answers": {**DIARY, "pain": 10}, "reason": "read wrongly", "source": "chart p. 7"}, {"If-Match": '"1"'}, token=SITE)
            assert corrected.status in (200, 202), corrected.body
        fleet.await_drained()
        fleet.load_subjects(["SUB123", "SUB124"])
        fleet["worker2"].terminate()
        fleet["worker2"].start()
        fleet.ids = [a.json["id"] for a in answers]
        yield fleet


@pytest.fixture(autouse=True)
def put_back(ward):
    """Every test leaves the table as it was, or the next one says so."""
    ward.tamper("create table if not exists public.copy as select * from sluice.audit_events")
    yield
    ward.tamper("truncate sluice.audit_events")
    ward.tamper("insert into sluice.audit_events select * from public.copy")
    ward.tamper("drop table public.copy")
    assert ward.verify([])[2]["faults"] == 0


def rows(ward, writer=None):
    sql = f"select {', '.join(COLUMNS)} from sluice.audit_events {'where writer = %s' if writer else ''} order by writer, batch, number"
    return ward.query(sql, [writer] if writer else None)


def long_chain(ward):
    """A worker's chain that its last note in the journal covers, with many batches: its rows."""
    _, chains, _ = ward.verify([])
    chain = max((c for c in chains if c["unanchored"] == 0), key=lambda c: c["batch"])
    assert chain["batch"] > 5
    return rows(ward, uuid.UUID(chain["writer"]))


def test_an_intact_trail_is_clean_and_says_what_no_anchor_covers(ward):
    faults, chains, summary = ward.verify([])
    assert summary["anchors"] > 10 and not faults
    # Three workers at least, one of them killed, and each load's own chain.
    assert ward.query("select count(distinct writer) from sluice.audit_events where action = 'submission.stored'")[0][0] >= 2
    assert ward.query("select count(*) from sluice.audit_events where submission_id is not null") == [
        (ward.count() + ward.count("submission_revisions"),)]
    assert ward.query("select count(*) from sluice.audit_events where actor = 'nurse-7' and reason = 'read wrongly'"
                      " and organisation = 'Clinic' and revision = 2") == [(20,)]
    # Not anchored: what sluicectl itself wrote (no journal saw it), and at most the last batch of the worker that was killed.
    loads = ward.query("select count(*) from sluice.audit_events where submission_id is null")[0][0]
    assert loads <= summary["unanchored"] <= loads + 256
    assert sum(c["unanchored"] for c in chains) == summary["unanchored"]

    def told():  # the last anchor may reach the journal between the two
        now = ward.verify([])[2]
        return f"Not anchored: the last {now['unanchored']} rows of {now['open_chains']} chains" in ward.ctl("audit", "verify").stdout

    until("the table to say the same as the lines", 10, told)


def test_without_the_journal_nothing_is_said_to_be_anchored(ward):
    empty = ward.path("nothing.jsonl")
    open(empty, "w").close()
    _, _, summary = ward.verify([], [empty])
    assert summary["unanchored"] == summary["rows"] and summary["anchors"] == 0


@pytest.mark.parametrize("column, value", [("actor", "'somebody'"), ("reason", "'another'"), ("at", "at - interval '1 hour'"),
                                           ("submission_id", "gen_random_uuid()"), ("action", "'submission.seen'"),
                                           ("subject_id", "'SUB124'"), ("organisation", "''"), ("detail", "''")])
def test_a_changed_row(ward, column, value):
    row = long_chain(ward)[3]
    assert ward.tamper(f"update sluice.audit_events set {column} = {value} where writer = %s and number = %s", *row[:2]) == 1
    faults, _, _ = ward.verify()
    assert ("row-changed", str(row[0]), row[1]) in [(f["rule"], f.get("writer"), f.get("number")) for f in faults]


def test_a_row_removed_in_the_middle_and_its_neighbours_moved_up(ward):
    chain = long_chain(ward)
    batches = sorted({r[2] for r in chain})
    gone = batches[len(batches) // 2]
    assert ward.tamper("delete from sluice.audit_events where writer = %s and batch = %s", chain[0][0], gone) > 0
    faults, _, _ = ward.verify()
    assert {"batch-missing", "audit-missing"} <= {f["rule"] for f in faults}, faults[:5]
    named = {f["submission"] for f in faults if f["rule"] == "audit-missing"}
    assert named == {str(r[12]) for r in chain if r[2] == gone}
    ward.tamper("update sluice.audit_events set batch = batch - 1 where writer = %s and batch > %s", chain[0][0], gone)
    assert "chain-broken" in {f["rule"] for f in ward.verify()[0]}


def test_one_row_of_a_batch_removed(ward):
    chain = long_chain(ward)
    batch = max({r[2] for r in chain}, key=lambda b: sum(r[2] == b for r in chain))
    of_batch = [r for r in chain if r[2] == batch]
    assert len(of_batch) > 1, "load that makes no batch of two proves nothing here"
    ward.tamper("delete from sluice.audit_events where writer = %s and number = %s", *of_batch[0][:2])
    rules = {f["rule"] for f in ward.verify()[0]}
    assert "audit-missing" in rules and rules & {"chain-broken", "anchor-differs"}


def test_a_cut_tail(ward):
    """Together with the rows it tells of: only the journal still knows."""
    chain = long_chain(ward)
    last = chain[-1][2]
    cut = [r for r in chain if r[2] == last]
    ward.tamper("create table public.cut as select * from sluice.submissions where submission_id = any(%s)", [r[12] for r in cut])
    try:
        ward.tamper("delete from sluice.submissions where submission_id in (select submission_id from public.cut)")
        ward.tamper("delete from sluice.audit_events where writer = %s and batch = %s", chain[0][0], last)
        faults, _, _ = ward.verify(["tail-missing"])
        assert [f["writer"] for f in faults] == [str(chain[0][0])]
        ward.tamper("delete from sluice.audit_events where writer = %s", chain[0][0])
        assert {f["rule"] for f in ward.verify()[0]} >= {"chain-missing"}
    finally:
        ward.tamper("insert into sluice.submissions select * from public.cut")
        ward.tamper("drop table public.cut")


def test_an_inserted_row(ward):
    row = long_chain(ward)[-1]
    ward.tamper("insert into sluice.audit_events select (jsonb_populate_record(e, jsonb_build_object('number', e.number + 1000,"
                " 'submission_id', gen_random_uuid()))).* from sluice.audit_events e where writer = %s and number = %s", *row[:2])
    faults, _, _ = ward.verify()
    assert (row[1] + 1000, "row-changed") in {(f.get("number"), f["rule"]) for f in faults}


# The format, from store/audit.h: what a thief of the key would write.
def field(v):
    return struct.pack("<Q", 2**64 - 1) if v is None else struct.pack("<Q", len(v)) + v


def sign(key, purpose, *parts):
    return hmac.new(key, field(purpose.encode()) + b"".join(parts), hashlib.sha256).digest()


def mac_of(key, r):
    age = r["at"] - r["at"].replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    us = age.days * 86400_000_000 + age.seconds * 1_000_000 + age.microseconds
    text = [None if r[c] is None else r[c].encode() for c in
            ("actor", "role", "organisation", "action", "study", "subject_id", "reason", "detail")]
    return sign(key, "sluice audit row 1", field(r["writer"].bytes), struct.pack("<qq", r["number"], us), *map(field, text[:6]),
                field(r["submission_id"].bytes if r["submission_id"] else None), struct.pack("<q", r["revision"] or 0),
                field(text[6]), field(text[7]))


def rewrite(ward, writer, change):
    """The whole chain anew, after change(row) of each row; every MAC and link is right again."""
    with open(ward.path("audit.keys")) as f:
        key = bytes.fromhex(f.read().split()[1])
    head, batches = sign(key, "sluice audit chain 1", field(writer.bytes)), {}
    for row in rows(ward, writer):
        batches.setdefault(row[2], []).append(dict(zip(COLUMNS, row)))
    for number, batch in sorted(batches.items()):
        for row in batch:
            assert mac_of(key, row) == row["mac"], "the format is not what we think"
            change(row)
            row["previous"], row["mac"] = head, mac_of(key, row)
            ward.tamper("update sluice.audit_events set previous = %s, mac = %s, actor = %s, reason = %s where writer = %s and"
                        " number = %s", row["previous"], row["mac"], row["actor"], row["reason"], writer, row["number"])
            if row["submission_id"]:  # what the record itself says of its row
                ward.tamper("update sluice.submissions set audit_mac = %s where submission_id = %s and audit_number = %s and"
                            " revision = %s", row["mac"], row["submission_id"], row["number"], row["revision"])
        head = sign(key, "sluice audit head 1", field(head), struct.pack("<q", number), *[row["mac"] for row in batch])


def test_a_chain_written_anew_by_whoever_stole_the_key(ward):
    writer = long_chain(ward)[0][0]
    ward.tamper("create table public.record as select * from sluice.submissions")
    try:
        rewrite(ward, writer, lambda row: row.update(actor="somebody-else"))
        empty = ward.path("nothing.jsonl")
        open(empty, "w").close()
        inside = {f["rule"] for f in ward.verify(None, [empty])[0]}
        assert not inside & {"row-changed", "chain-broken"}, "the forgery itself is faulty"
        faults, _, _ = ward.verify()
        assert str(writer) in {f.get("writer") for f in faults if f["rule"] == "anchor-differs"}, faults[:5]
    finally:
        ward.tamper("truncate sluice.submissions")
        ward.tamper("insert into sluice.submissions select * from public.record")
        ward.tamper("drop table public.record")


def test_a_revision_taken_back(ward):
    """The record as it was before a correction, the trail left alone: the two no longer agree."""
    id = ward.ids[0]
    ward.tamper("create table public.record as select * from sluice.submissions where submission_id = %s", id)
    try:
        ward.tamper("update sluice.submissions s set revision = 1, audit_number = r.audit_number, audit_mac = r.audit_mac, answers ="
                    " r.answers, status = r.status from sluice.submission_revisions r where r.submission_id = s.submission_id and"
                    " s.submission_id = %s", id)
        faults = ward.verify()[0]
        assert id in {f.get("submission") for f in faults}, "a revision vanished and nobody noticed"
    finally:
        ward.tamper("delete from sluice.submissions where submission_id = %s", id)
        ward.tamper("insert into sluice.submissions select * from public.record")
        ward.tamper("drop table public.record")


def test_stored_answers_changed_behind_the_trail(ward):
    """The trail says who stored what: answers that were changed without it are no longer what it tells of."""
    id = ward.ids[1]
    before = ward.query("select answers from sluice.submissions where submission_id = %s", [id])[0][0]
    ward.tamper("update sluice.submissions set answers = answers || '{\"pain\": 0}' where submission_id = %s", id)
    try:
        assert id in {f.get("submission") for f in ward.verify()[0]}
    finally:
        ward.tamper("update sluice.submissions set answers = %s where submission_id = %s", json.dumps(before), id)


def test_it_goes_on_after_all_this(ward):
    """New chains and anchors after restarts, and the books balance."""
    before = ward.verify([])[2]
    ward["broker"].kill()
    ward["broker"].start()
    ward["worker1"].kill()
    ward["worker1"].start()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert {a.result().status for a in ward.post_many(40, pool)} <= {201, 202, 503}
    ward.await_drained()
    after = ward.verify([])[2]
    assert after["anchors"] > before["anchors"] and after["chains"] > before["chains"]
    ward.reconcile()
    ward.tamper("drop table public.copy")
    ward.tamper("create table public.copy as select * from sluice.audit_events")
