"""kill -9 of anything that has a hand in an alert, under load: afterwards every stored form has exactly the alerts that its
answers deserve, each was told under one id, and a reader of the stream saw each once, in order.

Half of the forms are PHQ-9, most of those with an urgent alert that comes always; the other half are diaries without a rule.
SLUICE_KILL_CYCLES sets the number of kills, SLUICE_SEED repeats a run.
"""
import base64
import hashlib
import http.client
import json
import os
import random
import secrets
import threading
import time
import uuid

import msgpack

from fleet import DIARY, EXAMPLES, STUDY, TOKEN, Fleet
from keeper import Keeper
from receivers import Webhooks
from sse import Stream
from stores import select_pause, until

CYCLES = int(os.environ.get("SLUICE_KILL_CYCLES", "12"))
SEED = int(os.environ.get("SLUICE_SEED", time.time_ns() & 0xFFFFFFFF))
VICTIMS = ("broker", "worker1", "worker2", "notifications1", "postgres", "redis", "queries1", "edge1")
SITE = "alerts-token-site-00000000"
RULE = "phq9-item-9"
SHARE = 0.34
SETTINGS = {"worker": {"notify_retry_min": "100ms", "notify_retry_max": "500ms", "notify_timeout": "1s", "statement_timeout": "1s"}}


class Clinic(Fleet):
    """A fleet with a webhook receiver, which answers some requests with an error."""

    def __init__(self, stores):
        redis = {"redis": f"unix:{stores.redis.socket}"}
        super().__init__(stores, workers=2, subjects=[f"C-{n:03}" for n in range(100)], settings={**SETTINGS, "edge": redis})
        self.webhooks = Webhooks(secrets.token_bytes(32))
        chance = random.Random(SEED)
        self.webhooks.steps["desk"] = [lambda _: 503 if chance.random() < 0.1 else 200]

    def prepare(self):
        super().prepare()
        self.write_secret("tokens", f"{TOKEN} {STUDY}\n{SITE} {STUDY} role=site user=nurse\n")
        os.mkdir(self.path("notify"), 0o700)
        self.write_secret("notify/hook", f"whsec_{base64.b64encode(self.webhooks.key).decode()}\n")
        with open(os.path.join(EXAMPLES, "study-NCT007.json")) as f:
            study = json.load(f)
        study["recipients"] = {"desk": {"webhook": {"url": self.webhooks.url("desk"), "secretFile": "hook"}}}
        with open(self.path("study.json"), "w") as f:
            json.dump(study, f)
        self.ctl("study", "load", self.path("study.json"), "--yes")

    def __exit__(self, *how):
        super().__exit__(*how)
        self.webhooks.close()


class Sender(threading.Thread):
    """Sends forms until told to end; each again with the same key until it is answered for good."""

    def __init__(self, ward, number):
        super().__init__(name=f"sender{number}", daemon=True)
        self.ward, self.random, self.connection = ward, random.Random(f"{SEED}-{number}"), None

    def run(self):
        while not self.ward.ending.is_set():
            key, chance = str(uuid.UUID(int=self.random.getrandbits(128), version=4)), self.random.random()
            form = {"subjectId": f"C-{self.random.randrange(100):03}", "submitAt": "2026-11-22T08:00:00+01:00"}
            if chance < 0.5:
                nine = self.random.randrange(1, 4) if chance < SHARE else 0
                form.update(questionnaire="phq-9", answers={**{f"PHQ010{n}": 1 for n in range(1, 9)}, "PHQ0109": nine})
                if chance < 0.03:
                    form["answers"]["PHQ0101"] = "often"  # rejected, and alerts all the same
            else:
                form.update(questionnaire="daily-diary", version="1.0", answers=DIARY)
            self.ward.sent[key] = form
            self.insist(key, form)
            self.ward.ending.wait(0.02)

    def insist(self, key, form):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            status = self.post(key, form)
            if status in (201, 202, 422):
                self.ward.answered[key] = status
                return
            if status not in ("lost", 503):
                self.ward.wrong.append(f"{key}: {status}")
                return
            select_pause(0.05)
        self.ward.wrong.append(f"{key}: never answered")

    def post(self, key, form):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Idempotency-Key": key}
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.ward.fleet.port, timeout=10)
            self.connection.request("POST", f"/api/v1/subjects/{form['subjectId']}/questionnaires", json.dumps(form), headers)
            answer = self.connection.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            if self.connection:
                self.connection.close()
            self.connection = None
            return "lost"


class Reader(threading.Thread):
    """One reader of the stream, that comes again with the last id it saw whenever its connection ends."""

    def __init__(self, fleet):
        super().__init__(name="reader", daemon=True)
        self.fleet, self.seen, self.ending, self.wrong, self.times = fleet, [], threading.Event(), [], 0

    def run(self):
        last = 0
        while not self.ending.is_set():
            try:
                with Stream(self.fleet.port, SITE, last=last, timeout=2) as s:
                    if s.status != 200:
                        select_pause(0.1)
                        continue
                    self.times += 1
                    if s.begin() != last:
                        self.wrong.append(f"began at {s.ids[-1]}, not at {last}")
                    while not self.ending.is_set() and (alert := s.next()) is not None:
                        self.seen.append((alert["seq"], alert["alertId"]))
                        last = alert["seq"]
            except (OSError, AttributeError, TypeError, IndexError):  # cut, or cut in the middle of a line
                select_pause(0.05)


class Ward:
    def __init__(self, fleet, senders=6):
        self.fleet, self.sent, self.answered, self.wrong, self.ending = fleet, {}, {}, [], threading.Event()
        self.senders = [Sender(self, n) for n in range(senders)]

    def __enter__(self):
        for s in self.senders:
            s.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for s in self.senders:
            s.join(70)

    def await_answers(self, n, deadline_s=40):
        goal = len(self.answered) + n
        until(f"{n} answers", deadline_s, lambda: len(self.answered) >= goal or self.wrong)


def kill(victim, stores, keeper):
    if victim in ("postgres", "redis"):
        getattr(stores, victim).kill()
        getattr(stores, victim).start()
    else:
        keeper.kill(victim)


def alert_id(fleet, submission, revision, rule):
    """The id as schemas/wire/identity.h says, by another implementation."""
    with open(fleet.path("identity.key")) as f:
        key = bytes.fromhex(f.read().split()[1])
    packed = msgpack.packb(["alert", STUDY, uuid.UUID(submission).bytes, revision, rule])
    x = bytearray(hashlib.blake2b(packed, key=key, digest_size=32).digest()[:16])
    x[6], x[8] = x[6] & 0x0f | 0x80, x[8] & 0x3f | 0x80
    return uuid.UUID(bytes=bytes(x))


def deserved(fleet, sent):
    """A fresh evaluation: {alert id: submission} of all forms that were sent and answered."""
    return {alert_id(fleet, key, 1, RULE): key for key, form in sent.items() if form["answers"].get("PHQ0109", 0) > 0}


def prove_alerts(fleet, ward):
    """Exactly those that the answers deserve, once; the record's own answers say the same as what was sent."""
    wanted = deserved(fleet, ward.sent)
    rows = fleet.query("select alert_id, submission_id::text, revision, rule_id, severity, provisional, count from sluice.alerts"
                       " where kind = 'clinical'")
    assert len({r[0] for r in rows}) == len(rows)
    missing, strange = set(wanted) - {r[0] for r in rows}, {r[0] for r in rows} - set(wanted)
    assert not missing, f"{len(missing)} alerts of stored or rejected forms are missing: {[wanted[m] for m in missing][:5]}"
    assert not strange, f"{len(strange)} alerts of nothing: {list(strange)[:5]}"
    stored = {id: answers for id, answers in fleet.query("select submission_id::text, answers from sluice.submissions")}
    for id, submission, revision, rule, severity, provisional, count in rows:
        assert (wanted[id], revision, rule, severity) == (submission, 1, RULE, "urgent")
        assert provisional == (submission not in stored), submission
        if submission in stored:
            assert count == 1 and stored[submission]["PHQ0109"] > 0, (submission, count)
    return {r[0] for r in rows}


def prove_deliveries(fleet, ids):
    """Each was told, always under the same webhook-id, and its history says so in order."""
    until("the deliveries", 40, lambda: fleet.query("select count(*) from sluice.alert_deliveries where state = 'pending'") == [(0,)])
    by_alert = {}
    for r in fleet.webhooks.got("desk"):
        assert r["good"], "a request with a wrong signature"
        if r["body"]["type"] == "alert.raised":
            by_alert.setdefault(uuid.UUID(r["body"]["data"]["alertId"]), []).append(r)
    assert not ids - set(by_alert), f"{len(ids - set(by_alert))} alerts were told to nobody"
    assert not set(by_alert) - ids, "told, but not there"
    for id, requests in by_alert.items():
        assert len({r["id"] for r in requests}) == 1 and len({r["raw"] for r in requests}) == 1, id
    assert len({r[0]["id"] for r in by_alert.values()}) == len(by_alert)
    events = fleet.query("select alert_id, array_agg(event order by n) from sluice.alert_events group by alert_id")
    for id, history in events:
        if id in ids:
            assert history.count("raised") == 1 and history[0] == "raised", (id, history)
            assert history.count("delivered") == 1, (id, history)
            assert set(history) <= {"raised", "failed", "delivered", "confirmed", "counted"}, (id, history)
    assert {id for id, _ in events} >= ids
    return sum(len(r) for r in by_alert.values()) - len(by_alert)


def test_every_alert_is_raised_told_and_seen_once_whatever_dies(stores):
    dice = random.Random(SEED)
    print(f"seed {SEED}, {CYCLES} cycles")
    victims = [VICTIMS[i % len(VICTIMS)] for i in range(CYCLES)]
    dice.shuffle(victims)
    with Clinic(stores) as fleet, Keeper(fleet) as keeper:
        reader = Reader(fleet)
        reader.start()
        with Ward(fleet) as ward:
            ward.await_answers(50)
            for victim in victims:
                select_pause(dice.uniform(0.1, 1.0))
                kill(victim, stores, keeper)
                ward.await_answers(20)
        assert not ward.wrong and len(ward.answered) == len(ward.sent), ward.wrong[:5]
        fleet.await_drained()
        ids = prove_alerts(fleet, ward)
        again = prove_deliveries(fleet, ids)
        wanted = fleet.query("select seq, alert_id::text from sluice.alerts where study = %s order by seq", [STUDY])
        until("the stream to have said all", 20, lambda: len(reader.seen) >= len(wanted))
        reader.ending.set()
        reader.join(10)
        assert not reader.wrong, reader.wrong
        assert reader.seen == wanted, "the stream: a gap, a repetition or another order"
        fleet.reconcile()
        verified = fleet.ctl("audit", "verify", check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        print(f"{len(ward.sent)} forms, {len(ids)} alerts, {again} told more than once, {reader.times} times connected to the stream")
        assert len(ids) > len(ward.sent) * SHARE / 2
        assert not keeper.unasked(), keeper.unasked()
        assert not keeper.stopped, keeper.stopped
