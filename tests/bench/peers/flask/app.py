"""The Python peer: Flask under gunicorn, 201 after commit; the same job as the Go peer, tuned: a
connection to PostgreSQL and to Redis of each thread's own, one prepared statement in autocommit for
the row and its audit row, reference data in memory, no ORM, no logging."""
import hashlib
import hmac
import itertools
import json
import os
import re
import struct
import threading
import uuid
from datetime import date, datetime, time, timezone

import psycopg2
import redis
from flask import Flask, Response, request

app = Flask(__name__)
local = threading.local()
IDENTITY_KEY = os.environ.get("PEER_IDENTITY_KEY", "0123456789abcdef0123456789abcdef").encode()
ZONED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
MEMBERS = {"id", "subjectId", "questionnaire", "version", "submitAt", "answers"}
AUDIT = os.environ.get("PEER_AUDIT", "yes") == "yes"
AUDIT_KEY = os.environ.get("PEER_AUDIT_KEY", "fedcba9876543210fedcba9876543210").encode()
AUDIT_WRITER = uuid.uuid4()  # of this process: gunicorn's workers load this file each for itself
AUDIT_NUMBERS = itertools.count(1)
ACTOR, ACTION, REVISION = "-", "submission.stored", 1
INSERT = """INSERT INTO sluice.submissions (study, submission_id, subject_id, questionnaire, version, answers,
                                 authored_at, received_at, content_hash)
 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"""
INSERT_AUDITED = f"""WITH s AS ({INSERT} RETURNING 1)
 INSERT INTO sluice.audit_events (writer, number, mac, at, actor, action, study, subject_id, submission_id,
                                  revision, detail)
 SELECT $10, $11, $12, $8, '{ACTOR}', '{ACTION}', $1, $3, $2, {REVISION}, $13 FROM s"""
TYPES = "text, uuid, text, text, text, jsonb, timestamptz, timestamptz, bytea"
if AUDIT:
    INSERT, TYPES = INSERT_AUDITED, TYPES + ", uuid, bigint, bytea, text"
PREPARE = f"PREPARE insert_submission ({TYPES}) AS {INSERT}"
EXECUTE = f"EXECUTE insert_submission ({', '.join(['%s'] * len(TYPES.split(',')))})"


def connect():
    connection = psycopg2.connect(os.environ["PEER_POSTGRES"])
    connection.autocommit = True
    return connection


def stores():
    """This thread's cursor with the statement prepared, and its Redis client."""
    if not hasattr(local, "cursor"):
        local.cursor = connect().cursor()
        local.cursor.execute(PREPARE)
        local.redis = redis.Redis(unix_socket_path=os.environ["PEER_REDIS"], socket_timeout=0.1)
    return local.cursor, local.redis


def load_reference():
    """{sha256 of token: (study, subjects, {(name, version): {linkId: item}})}"""
    connection = connect()
    cursor = connection.cursor()
    known, studies = {}, {}
    cursor.execute("SELECT study, token_hash FROM sluice.studies")
    for study, token_hash in cursor.fetchall():
        studies[study] = known[bytes(token_hash)] = (study, set(), {})
    cursor.execute("SELECT study, subject_id FROM sluice.subjects")
    for study, subject in cursor.fetchall():
        studies[study][1].add(subject)
    cursor.execute("SELECT study, name, version, definition FROM sluice.questionnaires")
    for study, name, version, definition in cursor.fetchall():
        studies[study][2][name, version] = {item["linkId"]: compile_item(item) for item in definition["item"]}
    connection.close()
    return known


def compile_item(item):
    options = {option["valueCoding"]["code"] for option in item.get("answerOption", [])}
    return CHECKS[item["type"]](options), item.get("required", False)


def parses(parse):
    def check(value):
        try:
            parse(value)
        except ValueError:
            return False
        return True
    return check


def is_text(value):
    return isinstance(value, str) and value != ""


CHECKS = {
    "boolean": lambda options: lambda v: v is True or v is False,
    "integer": lambda options: lambda v: type(v) is int and -2**31 <= v < 2**31,
    "decimal": lambda options: lambda v: type(v) in (int, float),
    "choice": lambda options: lambda v: is_text(v) and v in options,
    "date": lambda options: lambda v: is_text(v) and parses(date.fromisoformat)(v),
    "dateTime": lambda options: lambda v: is_text(v) and ZONED.match(v) is not None,
    "time": lambda options: lambda v: is_text(v) and parses(time.fromisoformat)(v),
    "string": lambda options: is_text,
    "text": lambda options: is_text,
}


def refuse(status, *errors):
    body = {"status": status, "errors": [{"pointer": pointer, "rule": rule} for pointer, rule in errors]}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def broken_rules(items, answers):
    errors = [("/answers", "unknown-item") for name in answers if name not in items]
    for name, (accepts, required) in items.items():
        value = answers.get(name)
        if value is None:
            if required:
                errors.append((f"/answers/{name}", "required"))
        elif not accepts(value):
            errors.append((f"/answers/{name}", "type"))
    return errors


@app.get("/readyz")
def ready():
    return Response("", 200)


@app.post("/api/v1/subjects/<subject>/questionnaires")
def submit(subject):
    received = datetime.now(timezone.utc).isoformat()
    token = request.headers.get("Authorization", "")
    study = KNOWN.get(hashlib.sha256(token[7:].encode()).digest()) if token.startswith("Bearer ") else None
    if study is None:
        return refuse(401)
    if request.mimetype != "application/json":
        return refuse(415)
    try:
        body = json.loads(request.get_data(cache=False))
        key = uuid.UUID(request.headers.get("Idempotency-Key") or body.get("id", ""))
    except (ValueError, AttributeError):
        return refuse(400, ("", "malformed"))
    if not isinstance(body.get("answers"), dict) or not body.keys() <= MEMBERS:
        return refuse(400, ("", "malformed"))
    if body.get("subjectId") != subject:
        return refuse(400, ("/subjectId", "subject-mismatch"))
    authored = body.get("submitAt")
    if not isinstance(authored, str) or not ZONED.match(authored):
        return refuse(400, ("/submitAt", "timestamp"))
    name, subjects, forms = study
    if subject not in subjects:
        return refuse(422, ("/subjectId", "unknown-subject"))
    items = forms.get((body.get("questionnaire"), body.get("version")))
    if items is None:
        return refuse(422, ("/questionnaire", "unknown-questionnaire"))
    errors = broken_rules(items, body["answers"])
    if errors:
        return refuse(422, *errors)
    return store(name, str(key), body, received)


def audit_row(study, key, subject, received, content_hash):
    """Its parameters: writer, number, HMAC over the row's fields (each text with its length in front), detail. No chain
    from row to row: writers would have to take turns for it."""
    number, detail = next(AUDIT_NUMBERS), "completed " + content_hash.hex()
    fields = [field.encode() for field in (received, ACTOR, ACTION, study, subject, key, detail)]
    signed = struct.pack(f"<16sqq{len(fields)}q", AUDIT_WRITER.bytes, number, REVISION, *map(len, fields)) + b"".join(fields)
    return str(AUDIT_WRITER), number, hmac.digest(AUDIT_KEY, signed, "sha256"), detail


def store(study, key, body, received):
    answers = json.dumps(body["answers"], sort_keys=True, ensure_ascii=False)
    line = "\0".join((body["subjectId"], body["questionnaire"], body["version"], body["submitAt"], answers))
    content_hash = hashlib.blake2b(line.encode(), key=IDENTITY_KEY, digest_size=32).digest()
    audit = audit_row(study, key, body["subjectId"], received, content_hash) if AUDIT else ()
    cursor, cache = stores()
    try:
        cursor.execute(EXECUTE, (study, key, body["subjectId"], body["questionnaire"], body["version"],
                                 answers, body["submitAt"], received, content_hash, *audit))
        status = 201
        if cursor.rowcount == 0:
            cursor.execute("SELECT content_hash FROM sluice.submissions WHERE study = %s AND submission_id = %s",
                           (study, key))
            if bytes(cursor.fetchone()[0]) != content_hash:
                return refuse(409)
            status = 200
    except psycopg2.Error:
        del local.cursor
        return refuse(503)
    if status == 201:
        try:
            cache.hset(f"sluice:subject:{study}:{body['subjectId']}", mapping={
                "last_submission": key, "last_questionnaire": body["questionnaire"],
                "last_authored_at": body["submitAt"]})
        except redis.RedisError:
            pass
    return Response(f'{{"id":"{key}","status":"stored","receivedAt":"{received}"}}', status,
                    content_type="application/json", headers={"Location": f"/api/v1/submissions/{key}"})


KNOWN = load_reference()
