"""The alert stream over a real fleet: nothing missed and nothing twice, whatever Redis, writers, edge and database do."""
import os
import random
import signal
import threading
import time
import uuid

import psycopg
import pytest

import openapi
from fleet import STUDY, TOKEN, Fleet
from sse import Stream
from stores import Stores, until

SITE = "test-token-site-" + "0" * 16


class Staff(Fleet):
    """A fleet with a token for site staff; every answer is held against the OpenAPI."""

    def request(self, method, path, *args, **more):
        answer = super().request(method, path, *args, **more)
        openapi.check(method, path, answer)
        return answer

    def prepare(self):
        super().prepare()
        self.write_secret("tokens", f"{TOKEN} {STUDY}\n{SITE} {STUDY} role=site user=nurse\n")


def staff(stores, **edge):
    return Staff(stores, workers=0, settings={"edge": {"redis": f"unix:{stores.redis.socket}", **edge}})


@pytest.fixture(scope="module")
def own():
    with Stores() as s:
        yield s


@pytest.fixture
def fleet(own):
    with staff(own, stream_interval="200ms") as f:
        yield f


def connect(fleet):
    return psycopg.connect(fleet.stores.postgres.dsn(fleet.database))


def raise_alert(cursor, place=0):
    return cursor.execute(
        "insert into sluice.alerts (seq, alert_id, study, subject_id, rule_id, severity, always) values"
        " ((pg_current_xact_id()::text::bigint << 16) | %s, %s, %s, 'SUB123', 'r', 'urgent', true) returning seq",
        [place, uuid.uuid4(), STUDY]).fetchone()[0]


def hint(fleet, seq):
    fleet.stores.redis.client().xadd(f"sluice:alerts:{STUDY}", {"seq": seq, "alert_id": "a"}, maxlen=100)


def stream(fleet, last=None, **more):
    return Stream(fleet.port, SITE, last=last, **more)


def test_late_commits_come_in_order(fleet):
    with stream(fleet) as s, connect(fleet) as slow, connect(fleet) as quick:
        s.begin()
        early, late = raise_alert(slow), raise_alert(quick)
        quick.commit()
        hint(fleet, late)
        with connect(fleet) as c:  # the rounds of the edge pass by: the worker was asked and held late back
            asked = c.execute("select 1").fetchone()
            assert asked == (1,)
        slow.commit()
        hint(fleet, early)
        assert [s.next()["seq"], s.next()["seq"]] == [early, late]


def test_no_gap_over_flushes_and_writers(fleet):
    """Writers whose transactions overlap, hints that are lost, a Redis that is emptied, a reader that comes and goes."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    written, lock, never = [], threading.Lock(), threading.Event()

    def write(number):
        chance = random.Random(seed + number)
        with connect(fleet) as c:
            for _ in range(40):
                seqs = [raise_alert(c, i) for i in range(chance.randrange(1, 4))]
                never.wait(chance.random() * 0.03)  # others begin and commit meanwhile
                c.commit()
                with lock:
                    written.extend(seqs)
                if chance.random() < 0.5:
                    hint(fleet, seqs[-1])

    with stream(fleet) as s:
        start = s.begin()
    writers = [threading.Thread(target=write, args=(i,)) for i in range(5)]
    for w in writers:
        w.start()
    chance, seen, last = random.Random(seed), [], start

    def over_now():
        return not any(w.is_alive() for w in writers) and len(seen) >= len(written)

    while not over_now():
        with stream(fleet, last=last, timeout=2) as s:
            assert s.begin() == last
            try:
                for _ in range(chance.randrange(1, 60)):
                    if over_now():
                        break
                    seen.append(s.next()["seq"])
            except TimeoutError:  # the last one was written while we began to wait
                assert over_now()
        last = seen[-1] if seen else last
        if chance.random() < 0.5:
            fleet.stores.redis.client().flushall()
    assert seen == sorted(written)


def test_redis_is_only_a_hint(own):
    with staff(own, stream_interval="2s") as fleet:
        with stream(fleet) as s:
            s.begin()
            until("the hint to be read", 5, lambda: "xread" in str(own.redis.client().client_list()))
            for _ in range(5):
                with connect(fleet) as c:
                    seq = raise_alert(c)
                began = time.monotonic()
                hint(fleet, seq)
                assert s.next()["seq"] == seq and time.monotonic() - began < 0.5
            own.redis.kill()
            with connect(fleet) as c:
                seq = raise_alert(c)
            assert s.next()["seq"] == seq  # by the clock
            until("the loss to be told", 5, lambda: "hints-lost" in fleet["edge1"].tail())
            own.redis.start()
            until("its return to be told", 10, lambda: "hints-back" in fleet["edge1"].tail())
            with connect(fleet) as c:
                seq = raise_alert(c)
            began = time.monotonic()
            hint(fleet, seq)
            assert s.next()["seq"] == seq and time.monotonic() - began < 0.5


def test_redis_with_a_password(own, tmp_path):
    path = tmp_path / "password"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("a secret\n")
    admin = own.redis.client()
    for known in (True, False):
        with staff(own, stream_interval="1s", **({"redis_password_file": path} if known else {})) as fleet:
            admin.config_set("requirepass", "a secret")
            try:
                with stream(fleet) as s:
                    s.begin()
                    if known:
                        until("the hint to be read", 5, lambda: "xread" in str(admin.client_list()))
                    else:
                        until("the refusal to be told", 5, lambda: "hints-lost" in fleet["edge1"].tail())
                    with connect(fleet) as c:
                        seq = raise_alert(c)
                    began = time.monotonic()
                    admin.xadd(f"sluice:alerts:{STUDY}", {"seq": seq})
                    assert s.next()["seq"] == seq
                    assert not known or time.monotonic() - began < 0.5
            finally:
                admin.config_set("requirepass", "")
            assert "a secret" not in fleet["edge1"].tail(100_000)


def test_redis_as_a_user_that_may_only_read_hints(own, tmp_path):
    path = tmp_path / "password"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("a secret\n")
    admin = own.redis.client()
    admin.execute_command("ACL", "SETUSER", "edge", "on", ">a secret", "resetkeys", "%R~sluice:alerts:*", "-@all", "+xread")
    try:
        with staff(own, redis_user="edge", redis_password_file=path) as fleet, stream(fleet) as s:
            s.begin()
            until("the hint to be read", 5,
                  lambda: any(c["user"] == "edge" and c["cmd"] == "xread" for c in admin.client_list()))
            with connect(fleet) as c:
                seq = raise_alert(c)
            began = time.monotonic()
            hint(fleet, seq)
            assert s.next()["seq"] == seq and time.monotonic() - began < 0.5
            assert "hints-lost" not in fleet["edge1"].tail(100_000)
    finally:
        admin.execute_command("ACL", "DELUSER", "edge")


def test_an_edge_that_restarts(fleet):
    with stream(fleet) as s:
        start = s.begin()
        assert fleet["edge1"].terminate() == 0
        assert s.next() is None
    with connect(fleet) as c:
        seqs = [raise_alert(c, i) for i in range(300)]
    fleet["edge1"].start()
    with stream(fleet, last=start) as s:
        s.begin()
        assert [s.next()["seq"] for _ in seqs] == seqs


def test_a_database_that_stops(own):
    """503 within the deadline, streams that are open stay and miss nothing."""
    with staff(own, stream_interval="200ms") as fleet, stream(fleet) as s:
        s.begin()
        own.postgres.stop(mode="fast")
        for path in ("/api/v1/projects/active", "/api/v1/alerts", "/api/v1/subjects/SUB123",
                     f"/api/v1/submissions/{uuid.uuid4()}/history", f"/api/v1/submissions/{uuid.uuid4()}"):
            began = time.monotonic()
            a = fleet.request("GET", path, token=SITE)
            assert a.status == 503 and a.headers["Retry-After"] and time.monotonic() - began < 1.5, path
        with stream(fleet, last=0) as behind:
            assert behind.status == 503
        own.postgres.start()
        until("answers again", 30, lambda: fleet.request("GET", "/api/v1/projects/active", token=SITE).status == 200)
        with connect(fleet) as c:
            seq = raise_alert(c)
        assert s.next()["seq"] == seq


def test_a_database_that_hangs(own):
    with staff(own) as fleet:
        assert fleet.request("GET", "/api/v1/projects/active", token=SITE).status == 200
        pids = [row[0] for row in fleet.query("select pid from pg_stat_activity where usename = 'sluice_query'")]
        try:
            for pid in pids:
                signal_send(pid, signal.SIGSTOP)
            began = time.monotonic()
            assert fleet.request("GET", "/api/v1/projects/active", token=SITE).status == 503
            assert 0.9 < time.monotonic() - began < 1.5
        finally:
            for pid in pids:
                signal_send(pid, signal.SIGCONT)
        until("answers again", 30, lambda: fleet.request("GET", "/api/v1/projects/active", token=SITE).status == 200)


def signal_send(pid, number):
    os.kill(pid, number)


def test_reads_over_http(own):
    """Each route once through edge, broker and worker."""
    with Staff(own, workers=1) as fleet:
        a = fleet.request("GET", "/api/v1/questionnaires/daily-diary")
        assert a.status == 200 and a.json["resourceType"] == "Questionnaire" and a.headers["ETag"]
        b = fleet.request("GET", "/api/v1/questionnaires/daily-diary?version=1.0", headers={"If-None-Match": a.headers["ETag"]})
        assert b.status == 304 and b.body == b""
        id = str(uuid.uuid4())
        assert fleet.post(key=id).status == 201
        a = fleet.request("GET", f"/api/v1/submissions/{id}")
        assert a.json["status"] == "stored" and a.json["revision"] == 1 and a.headers["ETag"] == '"1"'
        a = fleet.request("GET", f"/api/v1/submissions/{id}/history", token=SITE)
        assert a.status == 200 and [r["revision"] for r in a.json["revisions"]] == [1]
        a = fleet.request("POST", "/api/v1/questionnaires/$validate", {"questionnaire": "daily-diary", "answers": {"pain": "x"}})
        assert a.status == 200 and not a.json["valid"]
        until("the count", 10, lambda: fleet.request("GET", "/api/v1/subjects/SUB123?counts=true", token=SITE)
              .json["submissions"] == 1)
        a = fleet.request("GET", "/api/v1/subjects/SUB123?counts=true", token=SITE)
        assert a.json["status"] == "enrolled" and a.json["lastSubmission"]["id"] == id
        assert fleet.request("GET", "/api/v1/subjects/SUB123/profile", token=SITE).json["subjectId"] == "SUB123"
        assert fleet.request("GET", "/api/v1/alerts?state=open", token=SITE).json == {"alerts": [], "next": None}
        with connect(fleet) as c:
            seq = raise_alert(c)
        alert, = fleet.request("GET", "/api/v1/alerts?state=open", token=SITE).json["alerts"]
        assert alert["seq"] == seq and alert["severity"] == "urgent"
        for path in ("/api/v1/alerts?limit=0", "/api/v1/subjects/NOBODY", "/api/v1/questionnaires/none", f"/api/v1/submissions/"
                     f"{uuid.uuid4()}/history"):
            assert fleet.request("GET", path, token=SITE).status in (400, 404)
        assert fleet.request("GET", "/api/v1/projects/active").json["projects"][0]["projectId"] == STUDY
        fleet.reconcile()
