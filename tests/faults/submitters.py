"""Submitters: HTTP clients that never give up and remember every answer, and the proof that what they
remember stands in the database.

Each is a thread with one keep-alive connection. It sends a diary whose notes are its key, and sends it again
with the same Idempotency-Key after a lost connection or a 503 until it gets an answer that promises something
(201, 202) or says what was kept (422). Some answered ones are sent once more, some are wrong or name an unknown
questionnaire. Retry-After is not obeyed: the measured gaps are the fleet's, not the client's.
"""
import http.client
import itertools
import json
import random
import threading
import time
import uuid
from typing import NamedTuple

from fleet import DIARY, STUDY, TOKEN
from stores import select_pause, until

PATH = "/api/v1/subjects/SUB123/questionnaires"
PAUSE_S = {"lost": 0.02, 503: 0.05}
GIVE_UP_S = 20


class Answer(NamedTuple):
    key: str
    status: int
    origin: tuple  # (broker, epoch, seq) of the receipt; None without one
    sent_s: float  # time.monotonic()
    at_s: float


def origin_of(location):
    """/api/v1/submissions/ID?receipt=UUID-EPOCH-SEQ → (UUID, EPOCH, SEQ)."""
    if not location or "?receipt=" not in location:
        return None
    broker, epoch, seq = location.split("?receipt=")[1].rsplit("-", 2)
    return uuid.UUID(broker), int(epoch), int(seq)


class Submitter(threading.Thread):
    def __init__(self, crowd, number):
        super().__init__(name=f"submitter{number}", daemon=True)
        self.crowd, self.random = crowd, random.Random(f"{crowd.seed}-{number}")
        self.prefer = crowd.prefers[number % len(crowd.prefers)]
        self.connection = None

    def run(self):
        try:
            while not self.crowd.ending.is_set():
                self.submit_one()
                if self.crowd.pause_s:
                    self.crowd.ending.wait(self.crowd.pause_s)
        except Exception as error:  # shown by Submitters.stop
            self.crowd.wrong.append(f"{self.name}: {error!r}")
        finally:
            self.disconnect()

    def submit_one(self):
        key, chance = str(uuid.UUID(int=self.random.getrandbits(128), version=4)), self.random.random()
        bad = chance < self.crowd.bad_share
        wrong = {"pain": "much"} if bad and chance < self.crowd.bad_share / 2 else {}
        body = json.dumps({"subjectId": "SUB123", "version": "1.0", "submitAt": "2026-11-22T08:00:00+01:00",
                           "questionnaire": "unknown-form" if bad and not wrong else "daily-diary",
                           "answers": {**DIARY, "notes": key + self.crowd.filling, **wrong}}).encode()
        self.crowd.sent.add(key)
        if self.insist(key, body, bad) and chance > 1 - self.crowd.again_share:
            self.insist(key, body, bad)

    def insist(self, key, body, bad):
        """Until an answer that counts; False: none came within GIVE_UP_S after the end."""
        while True:
            sent_s = time.monotonic()
            status, origin = self.post(key, body)
            at_s = time.monotonic()
            if status in (201, 202) or (status == 422 and bad):
                self.crowd.answers.append(Answer(key, status, origin, sent_s, at_s))
                return True
            if status not in PAUSE_S:
                raise AssertionError(f"{key}: unexpected answer {status}")
            self.crowd.refusals.append((status, sent_s, at_s))
            if self.crowd.ended_s and at_s - self.crowd.ended_s > GIVE_UP_S:
                self.crowd.unanswered.append(key)
                return False
            select_pause(PAUSE_S[status])

    def post(self, key, body):
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", "Idempotency-Key": key}
        if self.prefer:
            headers["Prefer"] = self.prefer
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.crowd.fleet.port, timeout=10)
            self.connection.request("POST", PATH, body, headers)
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.disconnect()
            return "lost", None
        if answer.status == 503:
            self.crowd.check_refusal(answer.headers, text)
        elif answer.status in (201, 202, 422) and json.loads(text)["id"] != key:
            raise AssertionError(f"{key}: answered for another one: {text}")
        return answer.status, origin_of(answer.headers["Location"])

    def disconnect(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Submitters:
    """A crowd of submitters over one fleet; a context manager that lets all of them come to their answer."""

    def __init__(self, fleet, n=8, seed=0, prefers=(None, "respond-async"), again_share=0.1, bad_share=0.03,
                 pause_s=0.0, filling=""):
        self.fleet, self.seed, self.prefers, self.pause_s, self.filling = fleet, seed, prefers, pause_s, filling
        self.again_share, self.bad_share = again_share, bad_share
        self.sent, self.answers, self.refusals, self.unanswered, self.wrong = set(), [], [], [], []
        self.ending, self.ended_s = threading.Event(), None
        self.threads = [Submitter(self, i) for i in range(n)]

    def check_refusal(self, headers, text):
        """A 503 says when to come again and what it means."""
        if not headers["Retry-After"] or int(headers["Retry-After"]) < 1:
            self.wrong.append("a 503 without Retry-After")
        if json.loads(text)["type"] not in ("urn:sluice:problem:unavailable", "urn:sluice:problem:outcome-unknown"):
            self.wrong.append(f"a 503 that says {text}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stop(kind is None)

    def stop(self, judge=True):
        if not self.ended_s:
            self.ended_s = time.monotonic()
        self.ending.set()
        for thread in self.threads:
            thread.join(GIVE_UP_S + 15)
        if judge:
            assert not self.wrong, self.wrong[:5]
            assert not self.unanswered, f"{len(self.unanswered)} never answered: {self.unanswered[:5]}"

    def await_answers(self, n, deadline_s=30):
        """n more answers from now on."""
        goal = len(self.answers) + n
        until(f"{n} answers", deadline_s, lambda: len(self.answers) >= goal or self.wrong)

    def first_after(self, moment_s, deadline_s=10):
        """The first 201 or 202 to a request sent after that moment."""
        def look():  # answers stand in the order in which they came
            since = itertools.takewhile(lambda a: a.at_s >= moment_s, reversed(self.answers))
            return min((a.at_s for a in since if a.sent_s >= moment_s), default=None)

        return until("an answer after a restart", deadline_s, look)

    def longest_gap_s(self, since_s, until_s):
        """The longest time without any answer in that span."""
        times = sorted(a.at_s for a in list(self.answers) if since_s <= a.at_s <= until_s)
        points = [since_s, *times, until_s]
        return max(b - a for a, b in zip(points, points[1:]))


def prove(fleet, *crowds, settle="30s", lost=()):
    """reconcile balances, and all that was ever answered stands in submissions or rejections, once an origin."""
    said = fleet.reconcile(settle)
    answers = [a for crowd in crowds for a in crowd.answers]
    prove_answers(fleet, answers, lost)
    ours = set().union(*[crowd.sent for crowd in crowds])
    strange = {str(id) for id, in fleet.query("select submission_id from sluice.origins")} - ours
    assert not strange, f"rows that nobody sent: {list(strange)[:5]}"
    return said


def prove_answers(fleet, answers, lost=()):
    by_id, origins = {}, {}
    for *origin, kind, id in fleet.query("select broker, epoch, seq, kind, submission_id from sluice.origins"):
        by_id.setdefault(str(id), []).append(kind)
        assert tuple(origin) not in origins, f"origin {origin} stands twice"
        origins[tuple(origin)] = str(id)
    for answer in answers:
        if answer.key in lost:
            continue
        kinds = by_id.get(answer.key, [])
        assert kinds, f"{answer} is nowhere"
        assert kinds.count("stored") <= 1, f"{answer} is stored twice"
        if answer.status == 201:
            assert "stored" in kinds, f"{answer}: 201 but {kinds}"
        if answer.status == 422:
            assert "rejected" in kinds or "held" in kinds, f"{answer}: 422 but {kinds}"
        # An origin without a row of its own is a duplicate of what is stored; reconcile counts those.
        row_id = origins.get(answer.origin)
        assert row_id in (None, answer.key), f"{answer}: its origin has the row of {row_id}"
        assert row_id or not answer.origin or "stored" in kinds, f"{answer}: no row of its origin, none stored"
    damaged = fleet.query("select submission_id from sluice.submissions where study <> %s or"
                          " left(answers->>'notes', 36) <> submission_id::text", [STUDY])
    assert not damaged, f"stored with other content: {damaged[:5]}"
