"""What a masked answer shows: sealed identifiers made by PyNaCl, opened and masked by the queries worker."""
import datetime
import hashlib
import json
import os
import secrets
import struct
import uuid

import msgpack
import pytest
from nacl import bindings

from stores import Stores
from worker_rig import STUDY, Rig, pack

WRAP = {1: secrets.token_bytes(32), 2: secrets.token_bytes(32)}
FOREIGN = secrets.token_bytes(32)
NAME, PHONE = "王小明", "13812345678"


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "wrap.keys"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.writelines(f"{number} {key.hex()}\n" for number, key in WRAP.items())
    subjects = ("SUB123", "SUB124", "SUB125", "SUB126", "SUB127")
    with Stores() as stores, Rig(stores, service="queries", subjects=subjects, settings={"wrap_key_file": path}) as r:
        r.pull()
        yield r


def context(*fields):
    h = hashlib.blake2b(digest_size=32)
    for field in fields:
        h.update(struct.pack("<Q", len(field)) + field.encode())
    return h.digest()


def close(key, plain, *fields):
    nonce = secrets.token_bytes(24)
    return nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, context(*fields), nonce, key)


def identify(rig, subject, values, wrap=1, study=STUDY, sealed_for=None):
    """One form's identifiers: {kind: text}; a subject's first form makes its key."""
    key = secrets.token_bytes(32)
    rig.query("insert into identity.subject_keys (study, subject_id, wrapped_key, key_id) values (%s, %s, %s, %s)",
              [study, subject, close(WRAP.get(wrap, FOREIGN), key, "subject key", study, subject, ""), wrap])
    for i, (kind, text) in enumerate(values.items()):
        add(rig, subject, key, kind, text, i, study, sealed_for)
    return key


def add(rig, subject, key, kind, text, place=0, study=STUDY, sealed_for=None, at="2026-01-01"):
    rig.query("insert into identity.identifiers (study, subject_id, kind, submission_id, link_id, place, value_sealed,"
              " updated_at) values (%s, %s, %s, %s, 'q', %s, %s, %s)",
              [study, subject, kind, uuid.uuid4(), place,
               close(key, text.encode(), "identifier", study, sealed_for or subject, kind), at])


def ask(rig, kind, subject):
    id = uuid.uuid4().bytes
    body = rig.seal("queries", STUDY, id, pack({"kind": kind, "studies": [STUDY], "subject": subject}))
    (outcome, payload), = rig.deliver(rig.record(id, body))
    assert outcome == "answered"
    return msgpack.unpackb(rig.unseal("queries/reply", STUDY, id, payload))


def test_masks(rig):
    born = datetime.date.today().replace(day=1).replace(year=datetime.date.today().year - 40)
    key = identify(rig, "SUB123", {"name": NAME, "phone": PHONE, "birthDate": born.isoformat(), "email": "a@example.org"})
    assert json.loads(ask(rig, "subject", "SUB123")["json"]) == {
        "subjectId": "SUB123", "name": "王**", "age": 40, "status": "enrolled"}
    profile = ask(rig, "profile", "SUB123")["json"]
    assert json.loads(profile)["name"] == "王**" and json.loads(profile)["phone"] == "138****5678"
    assert NAME not in profile and PHONE not in profile
    add(rig, "SUB123", key, "name", "Anna Ng", at="2026-02-01")  # the newest is shown
    assert json.loads(ask(rig, "profile", "SUB123")["json"])["name"] == "A**"


def test_a_phone_among_telecoms(rig):
    identify(rig, "SUB124", {"telecom": "+49 170 1234567"}, wrap=2)
    assert json.loads(ask(rig, "profile", "SUB124")["json"])["phone"].endswith("4567")
    identify(rig, "SUB125", {"telecom": "anna@example.org"})
    assert json.loads(ask(rig, "profile", "SUB125")["json"])["phone"] is None


def test_an_erased_subject_shows_nothing(rig):
    rig.query("update identity.subject_keys set wrapped_key = null, key_id = null, erased_at = now()"
              " where subject_id = 'SUB124'")
    profile = json.loads(ask(rig, "profile", "SUB124")["json"])
    assert profile["name"] is None and profile["phone"] is None


def test_what_does_not_open_is_not_guessed(rig):
    identify(rig, "SUB126", {"name": NAME}, wrap=9)  # a key that has not reached this worker
    assert ask(rig, "profile", "SUB126") == {"status": 503}
    identify(rig, "SUB127", {"name": NAME}, sealed_for="SUB123")  # moved from another subject
    assert ask(rig, "subject", "SUB127") == {"status": 503}
    assert "identity-closed" in rig.process.tail() and NAME not in rig.process.tail(100_000)
