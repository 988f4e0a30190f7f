"""The record under a whole fleet: the trail of a flood with kills, and where a person's data goes.

SLUICE_SUBJECTS sets how many synthetic people there are (500)."""
import concurrent.futures
import itertools
import json
import os
import random
import re
import threading
import uuid

import msgpack
import pytest
from fleet import DIARY, STUDY, Fleet
from protocol import ACCEPT_NOW, ACCEPTED, Client
from stores import until
from test_hostile_zmq import seal

SUBJECTS = int(os.environ.get("SLUICE_SUBJECTS", "500"))
NURSE = "token-of-a-nurse"
DEFINITION = "http://hl7.org/fhir/StructureDefinition/Patient#Patient."
IDENTIFIER = "https://sluice.example/fhir/StructureDefinition/identifier"


class Site(Fleet):
    """A fleet that knows a nurse's token too."""

    def write_secret(self, name, text):
        return super().write_secret(name, text + (f"{NURSE} {STUDY} role=site user=nurse\n" if name == "tokens" else ""))


def test_the_trail_of_a_flood_with_kills(stores):
    """Duplicates, retries and kills leave gaps in the numbers and ends of chains, and never a fault."""
    chance = random.Random(7)
    with Fleet(stores, workers=2, queries=0, notifications=0) as fleet:
        numbers, over, statuses = itertools.count(), threading.Event(), set()

        def submit():
            while not over.is_set():
                key = str(uuid.UUID(int=next(numbers) // 2 + 1))  # every second one is a retry
                try:
                    statuses.add(fleet.post(DIARY, key=key).status)
                except OSError:
                    pass

        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            running = [pool.submit(submit) for _ in range(24)]
            try:
                for name in ("worker1", "worker2", "worker1"):
                    at = fleet.count() + chance.randrange(20, 80)
                    until("some more rows", 30, lambda at=at: fleet.count() >= at)
                    fleet[name].kill()
                    fleet[name].start()
            finally:
                over.set()
            for r in running:
                r.result()
        assert statuses <= {200, 201, 202, 503}
        fleet.await_drained()
        summary = fleet.audit_verify()
        assert summary["anchors"] > 0
        rows = fleet.count()
        assert fleet.query("select count(*) from sluice.audit_events where action = 'submission.stored'") == [(rows,)]
        # what no anchor covers is what sluicectl itself did, and the last batch of a worker that was killed
        assert summary["rows"] - summary["unanchored"] >= rows - 3 * 256
        # and it would show: one row of the trail less
        fleet.query("set session_replication_role = replica; delete from sluice.audit_events where (writer, number) ="
                    " (select writer, number from sluice.audit_events where action = 'submission.stored'"
                    " order by at limit 1)")
        assert fleet.ctl("audit", "verify", check=False).returncode == 1
        fleet.reconcile()


def form():
    def item(link, type="string", **more):
        return {"linkId": link, "type": type, "text": link, **more}

    return {"resourceType": "Questionnaire", "url": "https://example.org/contact", "version": "1", "name": "contact",
            "status": "active", "item": [
                item("name", definition=DEFINITION + "name"), item("address", "text", definition=DEFINITION + "address"),
                item("phone", definition=DEFINITION + "telecom"), item("born", "date", definition=DEFINITION + "birthDate"),
                item("mail", extension=[{"url": IDENTIFIER, "extension": [
                    {"url": "kind", "valueCode": "email"}, {"url": "action", "valueCode": "encrypt"}]}]),
                item("pain", "integer", required=True)]}


def person(n):
    chance = random.Random(n)
    word = lambda: "".join(chance.choice("bcdfghklmnprstvz") + chance.choice("aeiouäöü") for _ in range(4)).title()
    return {"name": f"{word()} {word()}", "address": f"{word()}strasse {n}, {word()}", "phone": f"+4915{chance.randrange(10**9, 10**10)}",
            "born": f"{chance.randrange(1930, 2005)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
            "mail": f"{word()}.{n}@example.org".lower()}


def tells(value):
    """A value that can't stand somewhere by chance (a birth date can)."""
    return not re.fullmatch(r"\d{4}-\d\d-\d\d", value)


@pytest.fixture(scope="module")
def people(stores):
    subjects = [f"P{n:04}" for n in range(SUBJECTS)]
    with Site(stores, workers=2, queries=1, subjects=subjects) as fleet:
        path = fleet.path("contact.json")
        with open(path, "w") as f:
            json.dump(form(), f)
        fleet.ctl("questionnaire", "load", path, "--yes")
        fleet.people = {s: person(n) for n, s in enumerate(subjects)}
        fleet.said = []  # every body that came back
        yield fleet


def send(fleet, n):
    """By its number a subject's form is stored, rejected, held, a conflict, or dies."""
    subject = f"P{n:04}"
    answers, more = {**fleet.people[subject], "pain": 3}, {}
    if n % 10 == 1:
        answers["pain"] = "much"
    if n % 10 == 2:
        more["version"] = "9"
    key = str(uuid.uuid4())
    answer = fleet.post(answers, subject=subject, key=key, questionnaire="contact", **{"version": "1", **more})
    fleet.said.append(answer.body.decode())
    if n % 10 == 3:
        again = fleet.post({**answers, "pain": 4}, subject=subject, key=key, questionnaire="contact", version="1")
        fleet.said.append(again.body.decode())
        assert again.status == 409, again.body
    return n % 10, answer.status


def die(fleet, numbers):
    """Bodies that open and contradict their envelope: dead letters with a person inside."""
    client = Client(fleet.endpoint("c"))
    for n in numbers:
        id, subject = uuid.uuid4().bytes, f"P{n:04}"
        body = msgpack.packb({"study": STUDY, "subject": subject, "id": uuid.uuid4().bytes, "received_us": 1,
                              "submission": {"answers": fleet.people[subject]}})
        client.submit(seal(fleet, id, body), flags=ACCEPT_NOW, scope=STUDY, id=id)
    client.await_entries(ACCEPTED, len(numbers))
    client.close()


def everything(fleet):
    """(where, text) of all that is kept outside schema identity."""
    for table, in fleet.query("select tablename from pg_tables where schemaname = 'sluice'"):
        yield table, "\n".join(t for t, in fleet.query(f"select t::text from sluice.{table} t"))
    redis = fleet.stores.redis.client()
    for key in redis.scan_iter("*"):
        read = {"hash": redis.hgetall, "stream": redis.xrange, "set": redis.smembers, "string": redis.get,
                "zset": lambda k: redis.zrange(k, 0, -1), "list": lambda k: redis.lrange(k, 0, -1)}
        yield key, f"{key} {read[redis.type(key)](key)}"
    for folder, _, files in os.walk(fleet.folder):
        for name in files:
            if os.path.isfile(os.path.join(folder, name)) and not name.endswith((".json", ".keys")):  # our own input
                with open(os.path.join(folder, name), "rb") as f:
                    yield name, f.read().decode("latin-1")
    with open(os.path.join(fleet.stores.folder, "pg.log"), "rb") as f:
        yield "pg.log", f.read().decode("latin-1")
    for verb in (("peek", "submissions"), ("dead", "list"), ("rejections", "list", "--limit", "1000"), ("alerts", "list")):
        yield " ".join(verb), fleet.ctl(*verb, "--json").stdout
    yield "answers of the edge", "\n".join(fleet.said)


def found(fleet, people):
    needles = {}
    for person_ in people:
        for value in filter(tells, person_.values()):
            needles[value] = value
            needles[value.encode().hex()] = value                        # bytea as text
            needles[value.encode().decode("latin-1")] = value            # files
            needles[json.dumps(value)[1:-1]] = value                     # escaped
    hits = []
    for where, text in everything(fleet):
        hits += [(where, needles[n]) for n in needles if n in text]
    return hits


def test_a_persons_data_is_nowhere_but_in_identity(people):
    fleet = people
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        seen = list(pool.map(lambda n: send(fleet, n), range(SUBJECTS)))
    wanted = {1: {422}, 2: {202}}
    for kind, status in seen:
        assert status in wanted.get(kind, {201, 202}), (kind, status)
    fleet.await_drained()
    die(fleet, range(4, SUBJECTS, 50))
    until("the forged ones to be dead", 20, lambda: len(fleet.ctl_json("dead", "list", "--limit", "1000"))
          == len(range(4, SUBJECTS, 50)))
    stored = fleet.count()
    assert stored == SUBJECTS - 2 * (SUBJECTS // 10)
    assert fleet.query("select count(*) from identity.identifiers") == [(5 * stored,)]
    assert fleet.query("select distinct answers -> 'name' from sluice.submissions") == [({"identity": True},)]
    assert fleet.query("select distinct kind from sluice.rejections order by 1") == [("conflict",), ("held",), ("rejected",)]
    assert found(fleet, fleet.people.values()) == []
    text = fleet.query("select coalesce(string_agg(i::text, ' '), '') from identity.identifiers i")[0][0]
    assert not any(v in text or v.encode().hex() in text for p in fleet.people.values() for v in p.values() if tells(v))
    fleet.audit_verify()


def test_the_profile_shows_masks(people):
    answer = people.request("GET", "/api/v1/subjects/P0000/profile", token=NURSE)
    person_ = people.people["P0000"]
    assert answer.status == 200, answer.body
    assert answer.json["name"] == person_["name"][0] + "**"
    digits = person_["phone"][1:]
    assert answer.json["phone"] == digits[:3] + "*" * (len(digits) - 7) + digits[-4:]


def test_erasing_one_leaves_the_others(people):
    """P0004 is stored and has a dead letter, P0001 is rejected, P0002 held."""
    fleet = people
    dead = len(fleet.ctl_json("dead", "list", "--limit", "1000"))
    for subject in ("P0001", "P0002", "P0004"):
        fleet.ctl("subject", "erase", subject, "--study", STUDY, "--reason", "asked for it", "--yes")
    assert len(fleet.ctl_json("dead", "list", "--limit", "1000")) == dead - 1
    assert fleet.query("select count(*) from identity.identifiers where subject_id in ('P0001', 'P0002', 'P0004')") == [(0,)]
    assert fleet.query("select count(*) from sluice.rejections where subject_id in ('P0001', 'P0002') and sealed <> ''") == [(0,)]
    answers = fleet.post({"pain": 3, "name": "New Name"}, subject="P0004", questionnaire="contact", version="1")
    assert answers.status == 410, answers.body
    assert "New Name" not in answers.body.decode()
    fleet.await_drained()
    assert fleet.query("select count(*) from sluice.rejections where subject_id = 'P0004' and sealed <> ''") == [(0,)]
    assert fleet.request("GET", "/api/v1/subjects/P0004/profile", token=NURSE).json.get("name") in (None, "")
    assert fleet.request("GET", "/api/v1/subjects/P0000/profile", token=NURSE).json["name"] != ""
    assert found(fleet, [fleet.people[s] for s in ("P0001", "P0002", "P0004")]) == []
    fleet.audit_verify()
