"""sluicectl against a whole fleet: what it shows, what it proves, what it refuses to do unasked."""
import json
import os
import uuid

import pytest
from ctl_double import Double, reply
from fleet import QUESTIONNAIRES, STUDY, TOKEN, Fleet
from stores import Stores, until

DIARY = {"diaryDate": "2026-11-22", "wokeAt": "2026-11-22T07:10:00+01:00", "pain": 3, "fatigue": 2,
         "nausea": "mild", "tookMedication": True}


@pytest.fixture(scope="module")
def stores():
    with Stores() as s:
        yield s


@pytest.fixture(scope="module")
def fleet(stores):
    with Fleet(stores, workers=2, queries=0) as f:
        yield f


def store_one(fleet, **how):
    answer = fleet.post(DIARY, **how)
    assert answer.status == 201, answer.body
    return answer.json["id"]


def test_status_queues_workers_clients(fleet):
    (status,) = fleet.ctl_json("status")
    assert status["intake"] == "open" and status["workers"] == 2 and uuid.UUID(status["broker"])
    text = fleet.ctl("status").stdout
    assert f"broker          {status['broker']}\n" in text and "dead letters    0\n" in text
    queue = next(q for q in fleet.ctl_json("queues") if q["service"] == "submissions")
    assert queue["workers"] == 2 and queue["paused"] is False and queue["ready"] == 0
    head, *lines = fleet.ctl("queues").stdout.splitlines()
    assert head.split()[:5] == ["queue", "ready", "leased", "delayed", "oldest"]
    assert any(line.split()[0] == "submissions" for line in lines)
    assert {w["worker"] for w in fleet.ctl_json("workers")} == {"worker1", "worker2"}
    assert fleet.ctl("workers").stdout.startswith("worker ")
    (client,) = fleet.ctl_json("clients")
    assert client["name"].startswith("edge-") and int(client["incarnation"]) >= 0


def traced(fleet, id, last, *more):
    """The timeline once its last event is there: done records ride with the next batch or an idle flush."""
    def look():
        events = fleet.ctl_json("trace", id, *more)
        return events if events[-1]["event"] == last else None

    return until(f"{last} of {id}", 10, look)


def test_trace_of_stored_and_rejected(fleet):
    stored = store_one(fleet)
    events = traced(fleet, stored, "reported stored")
    assert [e["event"] for e in events] == ["received", "accepted", "stored", "reported stored"]
    assert [e["at_us"] for e in events] == sorted(e["at_us"] for e in events)
    assert len({e["origin"] for e in events}) == 1 and events[2]["study"] == STUDY
    refused = fleet.post({**DIARY, "pain": "much"})
    assert refused.status == 422
    events = traced(fleet, refused.json["id"], "reported rejected", "--study", STUDY)
    assert [e["event"] for e in events] == ["received", "accepted", "rejected", "reported rejected"]
    assert [(e["rule"], e["pointer"]) for e in events[2]["errors"]] == [("type", "/answers/pain")]
    assert "type /answers/pain" in fleet.ctl("trace", refused.json["id"]).stdout
    unknown = fleet.ctl("trace", str(uuid.uuid4()), check=False)
    assert unknown.returncode == 1 and "nothing is known" in unknown.stderr
    assert fleet.ctl("trace", "no-uuid", check=False).returncode == 64


def test_pause_peek_resume(fleet):
    would = fleet.ctl("pause", "submissions", "--dry-run")
    assert would.stdout == "would pause queue submissions\n"
    unasked = fleet.ctl("pause", "submissions", check=False)
    assert unasked.returncode == 64 and "--yes" in unasked.stderr
    assert not any(q["paused"] for q in fleet.ctl_json("queues"))
    fleet.ctl("pause", "submissions", "--yes")
    try:
        answer = fleet.post(DIARY, headers={"Prefer": "respond-async"})
        assert answer.status == 202
        (message,) = fleet.ctl_json("peek", "submissions")
        assert message["id"] == answer.json["id"] and message["state"] == "ready" and "body" not in message
        assert fleet.ctl_json("peek", "submissions", "--limit", "0") == []
        (row,) = [e for e in fleet.ctl_json("trace", answer.json["id"]) if e["event"] == "ready"]
        assert row["where"] == "broker"
        # what waits is no fault, and without --settle nobody waits for it
        (books,) = fleet.ctl_json("reconcile")
        assert books["verdict"] == "balanced" and books["live"] == 1
        assert "yes" in fleet.ctl("queues").stdout
    finally:
        fleet.ctl("resume", "submissions", "--yes")
    fleet.reconcile()
    assert fleet.ctl_json("reconcile")[0]["live"] == 0
    assert fleet.ctl("pause", "nonsense", "--yes", check=False).returncode == 1


def test_reconcile_counts_every_outcome(fleet):
    (before,) = fleet.ctl_json("reconcile", "--settle", "20s")
    key = str(uuid.uuid4())
    store_one(fleet, key=key)
    assert fleet.post(DIARY, key=key).status == 201
    assert fleet.post({**DIARY, "pain": 9}, key=key).status == 409
    assert fleet.post({**DIARY, "pain": "much"}).status == 422
    assert fleet.post(DIARY, subject="NOBODY").status in (202, 422)  # kept as held
    (after,) = fleet.ctl_json("reconcile", "--settle", "20s")
    grown = {k: after[k] - before[k] for k in ("accepted", "stored", "duplicate", "conflict", "rejected", "held", "live")}
    assert grown == {"accepted": 5, "stored": 1, "duplicate": 1, "conflict": 1, "rejected": 1, "held": 1, "live": 0}
    assert after["verdict"] == "balanced" and after["faults"] == []
    assert after["duplicates_checked"] == before["duplicates_checked"] + 1
    text = fleet.ctl("reconcile").stdout
    assert text.endswith("balanced\n") and "accepted" in text


def unequal(fleet):
    done = fleet.ctl("reconcile", "--json", check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_reconcile_notices_every_tampering(fleet):
    """A proof that can't fail is none: rows are taken away, added and doubled behind its back."""
    key = store_one(fleet)
    assert fleet.post(DIARY, key=key).status == 201  # a duplicate that names it
    fleet.reconcile()
    broker = fleet.ctl_json("status")[0]["broker"]
    fleet.query("create table kept as select * from sluice.submissions where submission_id = %s", (key,))

    fleet.query("delete from sluice.submissions where submission_id = %s", (key,))
    faults = unequal(fleet)["faults"]
    assert any("stored by the ledger" in f for f in faults)
    assert any("duplicates of what is not stored" in f for f in faults)
    assert "NOT BALANCED" in fleet.ctl("reconcile", check=False).stdout
    fleet.query("insert into sluice.submissions select * from kept")
    fleet.reconcile()

    # a row of another id and origin; of a later epoch; of the same origin in the other table
    extra = "insert into sluice.rejections select broker, {}, {}, 'rejected', study, gen_random_uuid(), subject_id," \
            " questionnaire, version, '[]', '', null, received_at, accepted_at from kept"
    for epoch, seq, words in (("epoch", "1000000", "never gave"), ("99", "seq", "never gave"),
                              ("epoch", "seq", "more than one row")):
        fleet.query(extra.format(epoch, seq))
        assert any(words in f for f in unequal(fleet)["faults"])
        fleet.query("delete from sluice.rejections where reasons = '[]'")
    # rows of a broker that is not asked do not count
    fleet.query(extra.replace("select broker", "select gen_random_uuid()").format("epoch", "seq"))
    fleet.reconcile()
    fleet.query("drop table kept")
    assert fleet.ctl_json("reconcile")[0]["broker"] == broker


def test_reconcile_of_what_moves(fleet, tmp_path):
    """A ledger that differs at each look is neither balanced nor a loss: try again."""
    ledger = {"broker": str(uuid.uuid4()), "epoch": 1, "first_seq": 1, "last_seq": 0, "durable_seq": 0, "accepted": 0,
              "live": 0, "unacknowledged_damage": [], **dict.fromkeys(
                  ("stored", "duplicate", "conflict", "rejected", "held", "dead", "discarded", "damaged"), 0)}

    def answer(verb, header):
        if verb == "ledger":
            ledger["accepted"] += 1
            ledger["discarded"] += 1
        return reply(header, [ledger] if verb == "ledger" else [])

    with Double(tmp_path / "a", answer) as double:
        moving = fleet.ctl("reconcile", "--json", "--set", f"admin_endpoints={double.endpoint}", check=False)
        assert moving.returncode == 75 and json.loads(moving.stdout)["verdict"] == "moving"
    # one that stands still, with two losses that nobody acknowledged
    lost = {"first_seq": 1, "last_seq": 9, "messages": 2}
    still = {**ledger, "unacknowledged_damage": [lost, lost]}
    with Double(tmp_path / "b", lambda verb, header: reply(header, [still] if verb == "ledger" else [])) as double:
        done = fleet.ctl("reconcile", "--set", f"admin_endpoints={double.endpoint}", check=False)
        assert done.returncode == 1 and "4 messages lost to damage and not acknowledged" in done.stdout
    # one that says only half
    half = {"broker": ledger["broker"]}
    with Double(tmp_path / "c", lambda verb, header: reply(header, [half])) as double:
        done = fleet.ctl("reconcile", "--set", f"admin_endpoints={double.endpoint}", check=False)
        assert done.returncode == 69 and "is no answer" in done.stderr


def test_unacknowledged_rows_are_listed_not_errors(stores):
    """Rows past what a crashed epoch made durable (invariants 3): the client was told nothing."""
    with Fleet(stores, workers=1, queries=0) as fleet:
        store_one(fleet)
        fleet.reconcile()
        fleet["broker"].kill()
        fleet["broker"].start()
        fleet.query("insert into sluice.submissions select study, gen_random_uuid(), subject_id, questionnaire, version,"
                    " answers, scores, authored_at, received_at, accepted_at, stored_at, content_hash, hash_key, broker,"
                    " epoch, seq + 1000 from sluice.submissions")
        (books,) = fleet.ctl_json("reconcile", "--settle", "20s")
        assert books["verdict"] == "balanced" and books["epoch"] == 2
        assert books["rows"]["unacknowledged"] == 1
        assert books["unacknowledged"][0]["kind"] == "stored" and books["unacknowledged"][0]["epoch"] == 1
        assert "no error" in fleet.ctl("reconcile").stdout


def test_loads_say_what_they_would_do(fleet, tmp_path):
    new = tmp_path / "subjects.json"
    new.write_text(json.dumps({"study": STUDY, "subjects": ["SUB900", "SUB901"]}))
    count = "select count(*) from sluice.subjects where subject_id in ('SUB900', 'SUB901')"
    assert "2 subjects" in fleet.ctl("subject", "load", str(new), "--dry-run").stdout
    assert fleet.ctl("subject", "load", str(new), check=False).returncode == 64
    assert fleet.query(count)[0][0] == 0
    assert fleet.ctl_json("subject", "load", str(new), "--yes") == [{"done": f"loaded 2 subjects of study {STUDY}"}]
    assert fleet.query(count)[0][0] == 2
    # from stdin, too; there a question could not be asked
    fleet.ctl("subject", "load", "-", "--yes", stdin=new.read_text())


def test_loads_refuse_what_is_wrong(fleet, tmp_path):
    def load(noun, content, *more):
        path = tmp_path / "file.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return fleet.ctl(noun, "load", str(path), "--yes", *more, check=False)

    assert load("study", "{").returncode == 1
    assert load("study", {"study": "X", "nonsense": 1}).returncode == 1
    assert load("subject", {"study": "NOSTUDY", "subjects": ["A1"]}).returncode == 1
    with open(os.path.join(QUESTIONNAIRES, "daily-diary.json")) as f:
        diary = json.load(f)
    again = load("questionnaire", diary, "--study", STUDY)
    assert again.returncode == 0 and "unchanged" in again.stdout
    assert load("questionnaire", diary, "--study", "NOSTUDY").returncode == 1
    diary["item"][2]["required"] = False
    other = load("questionnaire", diary, "--study", STUDY)
    assert other.returncode == 1 and other.stderr.startswith("sluicectl: ")
    assert fleet.ctl("study", "load", "/nonexistent", "--yes", check=False).returncode == 64


def test_db(fleet):
    assert "up to date" in fleet.ctl("db", "migrate", "--yes").stdout
    assert fleet.ctl("db", "check").returncode == 0


def test_migrate_asks_first(stores):
    fleet = Fleet(stores)
    try:
        fleet.write_config()
        stores.postgres.create_database(fleet.database)
        assert "001_" in fleet.ctl("db", "migrate", "--dry-run").stdout
        assert fleet.ctl("db", "migrate", check=False).returncode == 64
        unfit = fleet.ctl("db", "check", check=False)
        assert unfit.returncode == 78 and "db migrate" in unfit.stderr
        rows = fleet.ctl_json("db", "migrate", "--yes")
        assert rows[0]["version"] == 1 and rows[0]["applied"] is True
        assert fleet.ctl("db", "check").returncode == 0
    finally:
        fleet.__exit__()


def test_submit(fleet, tmp_path):
    form = {"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0",
            "submitAt": "2026-11-22T08:00:00+01:00", "answers": dict(DIARY)}
    path = tmp_path / "form.json"
    path.write_text(json.dumps(form))
    key = str(uuid.uuid4())
    (answer,) = fleet.ctl_json("submit", str(path), "--key", key)
    assert answer["status"] == 201 and answer["answer"]["id"] == key
    assert fleet.ctl("submit", "-", "--key", key, stdin=json.dumps(form)).stdout.startswith("201\n")
    done = fleet.ctl("submit", str(path), "--key", str(uuid.uuid4()), "--async")
    assert done.stdout.startswith("202\n")
    form["answers"]["pain"] = "much"
    refused = fleet.ctl("submit", "-", stdin=json.dumps(form), check=False)
    assert refused.returncode == 1 and refused.stdout.startswith("422\n")
    assert "would post" in fleet.ctl("submit", str(path), "--dry-run").stdout
    assert fleet.ctl("submit", "-", stdin="{}", check=False).returncode == 1
    away = fleet.ctl("submit", str(path), "--set", "edge_url=http://127.0.0.1:1", check=False)
    assert away.returncode == 69 and "edge http://127.0.0.1:1" in away.stderr
    assert TOKEN not in away.stdout + away.stderr
    fleet.reconcile()


def test_unreachable_says_which(fleet):
    nowhere = "admin_endpoints=ipc:///tmp/sluice-nowhere"
    done = fleet.ctl("status", "--set", nowhere, "--timeout", "200ms", check=False)
    assert done.returncode == 69 and "broker ipc:///tmp/sluice-nowhere" in done.stderr
    done = fleet.ctl("reconcile", "--set", nowhere, "--timeout", "200ms", check=False)
    assert done.returncode == 69 and "broker" in done.stderr
    done = fleet.ctl("reconcile", "--set", "ctl/postgres=host=/tmp/nowhere dbname=x", check=False)
    assert done.returncode == 69 and "PostgreSQL" in done.stderr
    done = fleet.ctl("status", "--set", "admin_endpoints=nonsense://x", check=False)
    assert done.returncode == 78
    # one of two brokers away: the other is still shown
    both = f"admin_endpoints=ipc:///tmp/sluice-nowhere {fleet.endpoint('a')}"
    done = fleet.ctl("queues", "--json", "--set", both, "--timeout", "200ms", check=False)
    assert done.returncode == 69 and "submissions" in done.stdout


def test_journal_verify(fleet):
    done = fleet.ctl("journal", "verify")
    assert "0 faults" in done.stdout
    assert all(isinstance(row, dict) for row in fleet.ctl_json("journal", "verify"))
    assert fleet.ctl("journal", "verify", "/nonexistent", check=False).returncode != 0
    would = fleet.ctl("journal", "acknowledge-loss", "--dry-run")
    assert would.stdout.startswith("would acknowledge")


def test_cache_rebuild(fleet):
    store_one(fleet)
    redis = fleet.stores.redis.client()
    key = f"sluice:subject:{STUDY}:SUB123"
    redis.delete(key)
    fleet.ctl("cache", "rebuild", "--yes")
    assert redis.hgetall(key)["last_questionnaire"] == "daily-diary"
    away = fleet.ctl("cache", "rebuild", "--yes", "--set", "ctl/redis=unix:/tmp/nowhere.sock", check=False)
    assert away.returncode == 69 and "Redis" in away.stderr


def test_drain_waits_for_the_worker_to_leave(stores):
    with Fleet(stores, workers=2, queries=0) as fleet:
        assert fleet.ctl("drain", "nobody", "--yes", check=False).returncode == 1
        done = fleet.ctl("drain", "worker1", "--wait", "--yes")
        assert done.stdout == "worker worker1 has left\n"
        assert [w["worker"] for w in fleet.ctl_json("workers")] == ["worker2"]
        assert fleet["worker1"].wait() == 0
        store_one(fleet)
        fleet.reconcile()
