"""A person is in schema identity, sealed, and nowhere else: not in another table, Redis, a log (PostgreSQL's, which here
writes down every statement with its parameters), the journal, an answer, an alert, or what sluicectl shows.

SLUICE_SUBJECTS sets how many synthetic people there are (200).
"""
import base64
import concurrent.futures
import json
import os
import secrets
import uuid

import msgpack
import psycopg
import pytest
from nacl import bindings

import people
from fleet import STUDY, TOKEN, Fleet
from people import person
from protocol import ACCEPT_NOW, ACCEPTED, Admin, Client
from receivers import Webhooks
from sse import Stream
from stores import Stores, until
from test_hostile_zmq import seal

SUBJECTS = max(60, int(os.environ.get("SLUICE_SUBJECTS", "200")))
SITE = "privacy-token-site-0000000"
DAY = "2026-11-22T08:00:00+01:00"
WAYS = {}  # how the nth subject's form comes: by n modulo the number of ways
OWN_INPUT = ("contact.json", "study.json", "subjects.json")


class Town(Fleet):
    """A fleet whose every answer is written down, with a webhook receiver and a site's token."""

    def __init__(self, stores):
        super().__init__(stores, workers=2, subjects=[code(n) for n in range(SUBJECTS)])
        self.webhooks = Webhooks(secrets.token_bytes(32))
        self.copies = self.path("copies")  # of all that came out of the fleet
        os.mkdir(self.copies)
        self.sent = {}

    def prepare(self):
        super().prepare()
        self.write_secret("tokens", f"{TOKEN} {STUDY}\n{SITE} {STUDY} role=site user=nurse organisation=Clinic\n")
        os.mkdir(self.path("notify"), 0o700)
        self.write_secret("notify/hook", f"whsec_{base64.b64encode(self.webhooks.key).decode()}\n")
        with open(self.path("study.json"), "w") as f:
            json.dump({"study": STUDY, "trialCode": STUDY, "title": "Privacy", "status": "active", "zone": "Europe/Berlin",
                       "startedOn": "2026-01-01", "sites": [{"siteId": "S01", "name": "Site", "zone": "Europe/Berlin"}],
                       "recipients": {"desk": {"webhook": {"url": self.webhooks.url("desk"), "secretFile": "hook"}}}}, f)
        self.ctl("study", "load", self.path("study.json"), "--yes")
        with open(self.path("contact.json"), "w") as f:
            json.dump(people.form(), f)
        self.ctl("questionnaire", "load", self.path("contact.json"), "--study", STUDY, "--yes")

    def __exit__(self, *how):
        super().__exit__(*how)
        self.webhooks.close()

    def keep(self, name, data):
        with open(os.path.join(self.copies, f"{name}-{uuid.uuid4().hex}"), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())

    def request(self, method, path, *how, **more):
        answer = super().request(method, path, *how, **more)
        self.keep("http", f"{answer.status} {answer.headers}\n".encode() + answer.body)
        return answer

    def show(self, *words, check=True):
        done = self.ctl(*words, check=check)
        self.keep("ctl", " ".join(words) + done.stdout + done.stderr)
        return done.stdout


def code(n):
    return f"T-{n:04}"


@pytest.fixture(scope="module")
def town():
    loud = {"log_min_duration_statement": "0", "log_parameter_max_length": "-1", "log_parameter_max_length_on_error": "-1",
            "log_min_messages": "info", "log_error_verbosity": "verbose"}
    with Stores(loud) as stores, Town(stores) as fleet:
        yield fleet


def way(function):
    WAYS[len(WAYS)] = function
    return function


def body(n, **answers):
    return {**person(n), "pain": n % 11, **answers}


def post(town, n, answers, key=None, headers=None, **members):
    subject = members.pop("subject", code(n))
    town.sent[n] = key = key or str(uuid.uuid4())
    return town.post(answers, subject=subject, key=key, headers=headers, questionnaire="contact", **{"version": "1", **members})


@way
def stored(town, n):
    assert post(town, n, body(n)).status in (201, 202)


@way
def stored_by_a_derived_id(town, n):
    a = town.request("POST", f"/api/v1/subjects/{code(n)}/questionnaires", {
        "subjectId": code(n), "questionnaire": "contact", "version": "1", "submitAt": DAY, "occasion": "day 1", "answers": body(n)})
    assert a.status in (201, 202)
    town.sent[n] = a.json["id"]


@way
def rejected_for_another_item(town, n):
    assert post(town, n, body(n, pain="much")).status == 422


@way
def rejected_for_itself(town, n):
    """Wrong in the identifiers: too long, no date, of a wrong type, not an option."""
    p = person(n)
    wrong = {"name": p["name"] * 4, "born": p["born"] + "T00:00", "phone": 4915170707000 + n, "mail": [p["mail"], p["mail"]],
             "nick": p["name"], "photo": p["name"], "kin": p["kin"][0]["kinName"]}
    assert post(town, n, body(n, **wrong)).status == 422


@way
def rejected_for_answers_at_wrong_places(town, n):
    p = person(n)
    assert post(town, n, {"pain": 1, p["phone"]: 1, p["name"]: p["name"], "kin": [{p["mail"]: p["passport"], "pain": 3}],
                          "name": {"value": p["name"], p["name"]: 1}, "pain/" + p["passport"]: {}}).status == 422


@way
def held_for_its_version(town, n):
    assert post(town, n, body(n), version="9").status == 202


@way
def held_for_its_subject(town, n):
    assert post(town, n, body(n), subject=f"U-{n:04}").status == 202


@way
def a_conflict(town, n):
    stored(town, n)
    assert post(town, n, body(n, name=person(n)["name"] + "x"), key=town.sent[n]).status == 409


@way
def in_progress(town, n):
    key = str(uuid.uuid4())
    assert post(town, n, {"name": person(n)["name"]}, key=key, status="in-progress").status == 201
    assert post(town, n, {"name": person(n)["secret"], "kin": person(n)["kin"]}, key=key, status="in-progress").status == 200
    assert post(town, n, body(n), key=key).status == 200


@way
def corrected(town, n):
    assert post(town, n, body(n)).status == 201
    put = {"If-Match": '"1"'}
    path, rest = f"/api/v1/submissions/{town.sent[n]}", {"subjectId": code(n), "questionnaire": "contact", "version": "1",
                                                         "submitAt": DAY, "reason": "misspelt", "source": "chart p. 3"}
    stale = {**rest, "answers": body(n, pain="much", name=person(n)["name"] + "z")}
    assert town.request("PUT", path, stale, put, token=SITE).status == 422
    right = {**rest, "answers": body(n, name=person(n)["name"] + "y", pain=9)}
    a = town.request("PUT", path, right, put, token=SITE)
    assert a.status == 200, a.body
    assert town.request("PUT", path, stale, put, token=SITE).status in (412, 422)


@way
def fhir(town, n):
    a = town.request("POST", "/fhir/QuestionnaireResponse", people.resource(code(n), body(n), identifier={"value": f"fhir {n}"}),
                     {"Content-Type": "application/fhir+json"})
    assert a.status in (201, 202), a.body
    town.sent[n] = a.headers["Location"].split("/")[-1].split("?")[0]


@way
def fhir_rejected(town, n):
    p = person(n)
    wrong = people.resource(code(n), body(n), identifier={"value": p["mail"]})
    wrong["item"] += [{"linkId": p["name"], "answer": [{"valueString": p["name"]}]}, {"linkId": "pain", "text": p["name"], "answer": [
        {"valueInteger": 1, p["mail"]: p["mail"]}], "item": [{"linkId": "name"}]}, {"linkId": "name", "answer": [
            {"valueCoding": {"display": p["name"]}}]}]
    assert town.request("POST", "/fhir/QuestionnaireResponse", wrong, {"Content-Type": "application/fhir+json"}).status in (400, 422)


@way
def in_a_batch(town, n):
    one = {"subjectId": code(n), "questionnaire": "contact", "version": "1", "submitAt": DAY}
    a = town.request("POST", "/api/v1/submissions/batch", {"submissions": [
        {**one, "id": f"b {n}", "answers": body(n)}, {**one, "id": person(n)["mail"], "answers": body(n, pain="much")},
        {**one, "id": person(n)["name"], person(n)["name"]: 1, "answers": {}}, person(n)["name"]]})
    assert a.status == 200 and [r["status"] for r in a.json["results"]][:2] in ([201, 422], [202, 422], [202, 202]), a.body
    town.sent[n] = a.json["results"][0]["body"]["id"]


@way
def named_by_a_person(town, n):
    """Keys and places that a careless app fills with what identifies."""
    p = person(n)
    assert post(town, n, body(n), key=p["mail"]).status in (201, 202)
    town.sent[n] = None
    for path in (f"/api/v1/submissions/{p['phone']}", f"/{p['mail']}", f"/api/v1/alerts?state={p['mail']}"):
        assert 400 <= town.request("GET", path, token=SITE).status < 500, path
    assert town.request("GET", "/api/v1/alerts", token=p["mail"]).status in (401, 403)


@way
def malformed(town, n):
    p, path = person(n), f"/api/v1/subjects/{code(n)}/questionnaires"
    good = {"subjectId": code(n), "questionnaire": "contact", "version": "1", "submitAt": DAY, "answers": body(n)}
    text = json.dumps(good, ensure_ascii=False).encode()
    for bad in ({**good, p["name"]: p["name"]}, {**good, "answers": json.dumps(good["answers"])}, {**good, "submitAt": p["name"]},
                {**good, "originator": {p["mail"]: p["mail"]}}, {**good, "subjectId": p["name"]}, {**good, "device": p["name"]},
                {**good, "answers": body(n, name=p["name"] + "\u0007")}, text[:-9], text.replace(b":", b"=", 9),
                text.replace(b'"mail"', b'"name"'), text + text, b"\xef\xbb\xbf" + text[:60] + b"\xff" + text[60:],
                text.replace(b'"pain": ', b'"pain": 1e999, "x": ')):
        assert town.request("POST", path, bad, {"Idempotency-Key": "k"}).status == 400, bad
    town.request("POST", path, text, {"Content-Type": p["mail"], "Idempotency-Key": p["mail"]})
    town.request("POST", path, text, {"Prefer": f"wait={p['phone']}", "Idempotency-Key": "k" * 200 + p["mail"]})
    town.request("POST", path, text, {"Idempotency-Key": "with prefer", "Date": p["mail"], "traceparent": p["mail"]})


@way
def edited_on_the_device(town, n):
    p = person(n)
    edits = [{"linkId": k, "from": "", "to": v, "at": DAY} for k, v in p.items()] + [
        {"linkId": "pain", "from": 3, "to": 4, "at": DAY}, {"linkId": "kinName", "old": p["kin"][0]["kinName"], "new": None},
        {"linkId": p["name"], "value": p["mail"]}, {"item": "name", "from": p["name"]}, p["name"],
        {"linkId": ["name"], "from": p["name"]}, [p["mail"]], {p["phone"]: {"linkId": "pain", "from": 1}}]
    assert post(town, n, body(n), deviceEdits=edits).status in (201, 202)


@way
def tried_only(town, n):
    path, wrong = "/api/v1/questionnaires/$validate", body(n, name=person(n)["name"] * 4)
    a = town.request("POST", path, {"questionnaire": "contact", "answers": wrong})
    assert a.status == 200 and not a.json["valid"]
    a = town.request("POST", path, {"questionnaire": "contact", "resource": people.resource(code(n), body(n))})
    assert a.status in (200, 400)


@way
def dead(town, n):
    """A body that opens and contradicts its envelope."""
    client = Client(town.endpoint("c"))
    id = uuid.uuid4().bytes
    plain = msgpack.packb({"study": STUDY, "subject": code(n), "id": uuid.uuid4().bytes, "received_us": 1,
                           "submission": {"subjectId": code(n), "answers": person(n)}})
    client.submit(seal(town, id, plain), flags=ACCEPT_NOW, scope=STUDY, id=id)
    client.await_entries(ACCEPTED, 1)
    client.close()


def everybody(town):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: WAYS[n % len(WAYS)](town, n), range(SUBJECTS)))
    town.await_drained()
    deaths = sum(1 for n in range(SUBJECTS) if WAYS[n % len(WAYS)] is dead)
    until("the dead letters", 20, lambda: len(town.ctl_json("dead", "list", "--limit", "1000")) == deaths)


def read_everything(town):
    """All routes and all verbs that show something, once the fleet is full."""
    for n in list(range(0, SUBJECTS, 7)) + list(range(len(WAYS))):
        for path in (f"/api/v1/submissions/{town.sent.get(n)}", f"/api/v1/submissions/{town.sent.get(n)}/history",
                     f"/api/v1/subjects/{code(n)}?counts=true", f"/api/v1/subjects/{code(n)}/profile"):
            town.request("GET", path, token=SITE)
    for path in ("/api/v1/alerts?limit=500", "/api/v1/projects/active", "/api/v1/questionnaires/contact", "/fhir/metadata"):
        town.request("GET", path, token=SITE)
    with Stream(town.port, SITE, last=0) as s:
        s.begin()
        town.keep("stream", json.dumps([s.next() for _ in range(town.count("alerts"))]))
    for words in (["status"], ["queues"], ["workers"], ["clients"], ["dead", "list"], ["rejections", "list", "--limit", "1000"],
                  ["alerts", "list", "--limit", "1000"], ["audit", "export"], ["audit", "export", "--format", "csv"],
                  ["questionnaire", "show", "contact"], ["pii", "scan"], ["study", "history", STUDY], ["journal", "verify"],
                  ["export", os.path.join(town.copies, "csv"), "--study", STUDY],
                  ["export", os.path.join(town.copies, "dj"), "--study", STUDY, "--format", "dataset-json"]):
        town.show(*words)
        if words[0] not in ("export", "audit"):
            town.show(*words, "--json")
    for row in town.ctl_json("dead", "list")[:5]:
        town.show("dead", "show", f"{row['epoch']}-{row['seq']}")
    for n, id in list(town.sent.items())[::5]:
        if id:
            town.show("trace", id)
            town.show("trace", id, "--json")
            town.show("rejections", "show", id, check=False)
    for alert in town.ctl_json("alerts", "list")[:3]:
        town.show("alerts", "show", alert["id"])


def copy_stores(town):
    """Every table outside schema identity as text, every key of Redis, what the webhook receiver got, the sealed part of
    identity: into files."""
    for schema, table in town.query("select schemaname, tablename from pg_tables where schemaname not in"
                                    " ('pg_catalog', 'information_schema')"):
        rows = town.query(f"select t::text from {schema}.{table} t")
        town.keep(f"table-{schema}.{table}", "\n".join(r for r, in rows))
    for view, in town.query("select viewname from pg_views where schemaname = 'sluice'"):
        town.keep(f"view-{view}", "\n".join(r for r, in town.query(f"select t::text from sluice.{view} t")))
    redis = town.stores.redis.client()
    for key in redis.scan_iter("*"):
        read = {"hash": redis.hgetall, "stream": redis.xrange, "set": redis.smembers, "string": redis.get,
                "zset": lambda k: redis.zrange(k, 0, -1), "list": lambda k: redis.lrange(k, 0, -1)}
        town.keep("redis", f"{key} {read[redis.type(key)](key)}")
    for request in town.webhooks.got("desk"):
        town.keep("webhook", request["raw"] + repr(request["headers"]).encode())


def searched(town, marks=people.MARKS):
    """Copies, logs, journal, and the files of PostgreSQL and Redis themselves."""
    town.query("checkpoint")
    return people.search(marks, town.folder, town.stores.folder, without=OWN_INPUT)


def test_the_search_itself_finds(town):
    """Were it blind, everything would look clean."""
    for n, mark in enumerate(people.MARKS):
        for form in list(people.encodings(f"a {mark}, b"))[n % 7::7]:
            town.keep("planted", form)
    found = people.search(people.MARKS, town.copies)
    assert len({hit.split(":")[0] for hit in found}) >= len(os.listdir(town.copies)) * 0.95
    for name in os.listdir(town.copies):
        os.unlink(os.path.join(town.copies, name))


def test_nobody_is_found_outside_identity(town):
    everybody(town)
    kinds = dict(town.query("select kind, count(*) from sluice.rejections group by kind"))
    assert set(kinds) == {"rejected", "held", "conflict"}
    assert town.query("select count(*) from identity.identifiers")[0][0] > SUBJECTS * 4
    assert len(town.query("select distinct study, subject_id from identity.subject_keys")) > SUBJECTS / 3
    alerts = town.query("select count(*) from sluice.alerts where severity = 'urgent'")[0][0]
    town.webhooks.wait("desk", alerts)
    read_everything(town)
    copy_stores(town)
    found = searched(town)
    assert not found, f"{len(found)} hits, such as\n" + "\n".join(found[:40])


def test_whoever_asks_for_a_person_by_name_is_not_written_down(town):
    """What stands in a path is looked up, and so a parameter: with PostgreSQL's own setting, none of them is logged."""
    town.query("alter system set log_parameter_max_length = 0")
    town.query("alter system set log_min_duration_statement = -1")
    town.query("select pg_reload_conf()")
    until("the setting", 10, lambda: town.query("show log_parameter_max_length") == [("0",)])
    p = person(0)
    for path in (f"/api/v1/subjects/{p['phone']}", f"/api/v1/subjects/{p['mail']}/profile", f"/api/v1/questionnaires/{p['mail']}"):
        assert town.request("GET", path, token=SITE).status == 404, path
    # Who is not known by that name is kept by it in rejections, so that somebody can mend it; and in no log or journal.
    assert town.post({"pain": 1}, subject="Wildfremd", questionnaire="Steckbrieff", version="Ausgabbe").status == 202
    town.await_drained()
    found = searched(town, [*people.MARKS, "Wildfremd", "Steckbrieff", "Ausgabbe"])
    assert not [hit for hit in found if "/pg/" not in hit and "pg.log" not in hit], found


def test_answers_say_only_that_there_was_one(town):
    rows = town.query("select answers from sluice.submissions where questionnaire = 'contact' union all"
                      " select answers from sluice.submission_revisions where questionnaire = 'contact'")
    hidden = {"identity": True}
    for answers, in rows:
        for name in set(answers) - {"pain", "notes", "kin", "born"}:
            assert answers[name] == hidden, name
        for one in answers.get("kin", []):
            assert set(map(json.dumps, one.values())) == {json.dumps(hidden)}
        if "born" in answers:
            assert answers["born"]["identity"] is True and answers["born"]["year"] >= 1936  # nobody is older than 90
    # what is dropped is kept nowhere, not even sealed
    assert town.query("select count(*) from identity.identifiers where link_id = 'secret'") == [(0,)]


def test_what_was_changed_on_the_device_stays_readable_where_it_is_nobodys_name(town):
    rows = town.query("select device_edits from sluice.submissions where device_edits is not null")
    assert len(rows) >= SUBJECTS // len(WAYS)
    for edits, in rows:
        pain, = [e for e in edits if isinstance(e, dict) and e.get("linkId") == "pain"]
        assert pain == {"linkId": "pain", "from": 3, "to": 4, "at": DAY}
        name, = [e for e in edits if isinstance(e, dict) and e.get("linkId") == "name"]
        assert name["at"] == DAY  # that and when it was changed is no secret


def test_the_profile_shows_masks_only(town):
    n = next(n for n in range(SUBJECTS) if WAYS[n % len(WAYS)] is stored)
    a = town.request("GET", f"/api/v1/subjects/{code(n)}/profile", token=SITE)
    assert a.status == 200 and a.json["name"] == "Q**", a.body
    assert a.json["phone"] == "491" + "*" * 7 + f"{n:04}", a.body
    assert not people.search(people.words(n) + people.MARKS, town.copies)


def test_roles_that_need_no_identity_cannot_read_it(town):
    for role in ("sluice_worker", "sluice_notify", "sluice_analyst", "sluice_admin"):
        with psycopg.connect(town.stores.postgres.dsn(town.database), autocommit=True) as c:
            c.execute(f"set role {role}")
            for sql in ("select value_sealed from identity.identifiers", "select blind_index from identity.identifiers"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    c.execute(sql)
    with psycopg.connect(town.stores.postgres.dsn(town.database), autocommit=True) as c:
        c.execute("set role sluice_query")
        for sql in ("select answers from sluice.submissions", "select sealed from sluice.rejections"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                c.execute(sql)


def open_sealed(town, id, sealed):
    """Whoever has the seal key: the body of a rejection or dead letter."""
    with open(town.path("seal.keys")) as f:
        key = bytes.fromhex(f.read().split()[1])
    context = bytes([11]) + b"submissions" + bytes([len(STUDY)]) + STUDY.encode() + id
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[28:], context, sealed[4:28], key)


def opened(town, subject):
    """All sealed originals that still open and are the subject's: in rejections, dead letters and queues."""
    found = []
    for id, sealed in town.query("select submission_id, sealed from sluice.rejections where sealed <> ''"):
        found.append(open_sealed(town, id.bytes, sealed))
    admin = Admin(town.endpoint("a"))
    for row in admin.rows("dead", service="submissions"):
        letter, = admin.rows("sealed", epoch=row["epoch"], seq=row["seq"])
        found.append(open_sealed(town, row["id"], letter["body"]))
    admin.close()
    return [plain for plain in found if subject.encode() in plain]


def test_an_erased_subject_leaves_nothing_that_opens(town):
    """One that was stored and corrected, refused, held and a conflict, died, and has something in the queue right now."""
    n, other = next(n for n in range(20, SUBJECTS) if WAYS[n % len(WAYS)] is corrected), 0
    for how in (rejected_for_another_item, held_for_its_version, a_conflict, in_progress, dead, in_a_batch):
        how(town, n)
    town.await_drained()
    until("its dead letter", 10, lambda: len(opened(town, code(n))) >= 5)
    key, = town.query("select wrapped_key from identity.subject_keys where subject_id = %s", [code(n)])[0]
    town.ctl("pause", "submissions", "--yes")
    waiting = str(uuid.uuid4())
    assert post(town, n, body(n), key=waiting, headers={"Prefer": "respond-async"}).status == 202
    town.keep("ctl", town.show("peek", "submissions"))
    assert not people.search(people.MARKS, town.copies)
    town.show("subject", "erase", code(n), "--study", STUDY, "--reason", "withdrew consent", "--yes")
    town.ctl("resume", "submissions", "--yes")
    town.await_drained()

    assert opened(town, code(n)) == []
    assert town.query("select count(*) from identity.identifiers where subject_id = %s", [code(n)]) == [(0,)]
    assert town.query("select wrapped_key from identity.subject_keys where subject_id = %s", [code(n)]) == [(None,)]
    rows = town.query("select t::text from identity.subject_keys t") + town.query("select t::text from identity.erasures t")
    assert not any(bytes(key).hex() in row for row, in rows)
    assert town.query("select kind, sealed from sluice.rejections where submission_id = %s", [waiting]) == [("rejected", b"")]
    # Nothing of it is taken any more, in whatever form it comes, and no answer repeats it.
    fhir_form = {"Content-Type": "application/fhir+json"}
    assert post(town, n, body(n)).status == 410
    assert post(town, n, body(n), status="in-progress").status == 410
    assert post(town, n, body(n), version="9").status == 410
    a = town.request("POST", "/fhir/QuestionnaireResponse", people.resource(code(n), body(n), identifier={"value": "again"}), fhir_form)
    assert a.status == 410 and a.json["resourceType"] == "OperationOutcome", a.body
    one = {"subjectId": code(n), "questionnaire": "contact", "version": "1", "submitAt": DAY, "id": "again 2", "answers": body(n)}
    a = town.request("POST", "/api/v1/submissions/batch", {"submissions": [one, {**one, "subjectId": code(other)}]})
    assert [r["status"] for r in a.json["results"]] == [410, 201], a.body
    profile = town.request("GET", f"/api/v1/subjects/{code(n)}/profile", token=SITE)
    assert not profile.json.get("name") and not profile.json.get("phone"), profile.body
    town.await_drained()
    assert opened(town, code(n)) == []
    assert town.query("select count(*) from sluice.rejections where subject_id = %s and sealed <> ''", [code(n)]) == [(0,)]
    assert town.query("select count(*) from identity.identifiers where subject_id = %s", [code(n)]) == [(0,)]
    # Its record stays, without its name; others keep theirs.
    assert town.query("select count(*) from sluice.submissions where subject_id = %s", [code(n)])[0][0] >= 3
    assert town.request("GET", f"/api/v1/subjects/{code(other)}/profile", token=SITE).json["name"] == "Q**"
    copy_stores(town)
    found = searched(town)
    assert not found, f"{len(found)} hits, such as\n" + "\n".join(found[:40])


def test_the_books_balance_and_the_trail_is_whole(town):
    town.reconcile()
    done = town.ctl("audit", "verify", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
