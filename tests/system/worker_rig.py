"""A worker under a broker's double: the test itself is the broker, so that every delivery, origin and attempt
is the test's own choice. Bodies are sealed with PyNaCl, messages written from schemas/protocol.md."""
import json
import os
import secrets
import shutil
import struct
import subprocess
import tempfile
import time
import uuid

import msgpack
import zmq
from nacl import bindings

import protocol as p
from fleet import BIN, EXAMPLES, QUESTIONNAIRES, Process

STUDY = "NCT007"
# The login of each service; the submissions worker may not become the one that reads identities.
ROLES = {"submissions": "sluice_worker", "queries": "sluice_query", "notifications": "sluice_notify"}
DIARY = {"diaryDate": "2026-11-22", "wokeAt": "2026-11-22T07:10:00+01:00", "pain": 3, "fatigue": 2,
         "nausea": "mild", "temperature": 36.6, "tookMedication": True, "sleep": "well"}
OUTCOME_NAMES = {code: name for name, code in p.OUTCOMES.items()}


class Decimal(str):
    """A number literal that must travel as it stands."""


def pack(value):
    def ext(v):
        raise TypeError(type(v))

    def walk(v):
        if isinstance(v, Decimal):
            return msgpack.ExtType(1, v.encode())
        if isinstance(v, float):
            return msgpack.ExtType(1, repr(v).encode())
        if isinstance(v, dict):
            return {k: walk(x) for k, x in v.items()}
        if isinstance(v, list):
            return [walk(x) for x in v]
        return v

    return msgpack.packb(walk(value), default=ext)


class Rig:
    """Database, keys, configuration, one worker process and the ROUTER it talks to."""

    def __init__(self, stores, service="submissions", settings=None, subjects=("SUB123",)):
        self.stores, self.service = stores, service
        self.folder = tempfile.mkdtemp(prefix="slwr-", dir="/tmp")
        self.database = "w" + uuid.uuid4().hex[:12]
        self.broker = uuid.uuid4()
        self.epoch, self.seq, self.lease = 1, 0, 0
        self.seal_key, self.lease_us = secrets.token_bytes(32), 6_000_000
        self.peer, self.credit = None, 0
        self.context = zmq.Context()
        self.router = self.context.socket(zmq.ROUTER)
        self.router.setsockopt(zmq.LINGER, 0)
        self.endpoint = f"ipc://{self.folder}/w"
        self.router.bind(self.endpoint)
        self._secret("seal.keys", f"1 {self.seal_key.hex()}\n")
        self._secret("identity.key", f"1 {secrets.token_hex(32)}\n")
        self._secret("audit.keys", f"1 {secrets.token_hex(32)}\n")
        self._secret("wrap.keys", f"1 {secrets.token_hex(32)}\n")
        values = {"broker_endpoints": self.endpoint, "postgres": stores.postgres.dsn(self.database, ROLES[service]),
                  "redis": f"unix:{stores.redis.socket}", "seal_key_file": f"{self.folder}/seal.keys",
                  "identity_key_file": f"{self.folder}/identity.key", "audit_key_file": f"{self.folder}/audit.keys",
                  "wrap_key_file": f"{self.folder}/wrap.keys", **(settings or {})}
        self.config = os.path.join(self.folder, "sluice.conf")
        with open(self.config, "w") as f:
            f.write("worker\n" + "".join(f'    {k} = "{v}"\n' for k, v in values.items()))
            f.write(f'ctl\n    postgres = "{stores.postgres.dsn(self.database)}"\n'
                    f'    audit_key_file = "{self.folder}/audit.keys"\n')
        stores.redis.client().flushall()
        stores.postgres.create_database(self.database)
        self.ctl("db", "migrate", "--yes")
        self.ctl("study", "load", f"{EXAMPLES}/study-NCT007.json", "--yes")
        self.load_subjects(subjects)
        self.ctl("questionnaire", "load", f"{QUESTIONNAIRES}/daily-diary.json", "--yes")
        self.process = Process("worker", [os.path.join(BIN, "sluice-worker"), "--config", self.config,
                                          "--service", service, "--name", "w1"], self.folder)

    def _secret(self, name, text):
        with open(os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            f.write(text)

    def ctl(self, *args):
        done = subprocess.run([os.path.join(BIN, "sluicectl"), "--config", self.config, *args],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"sluicectl {args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def load_subjects(self, subjects):
        path = f"{self.folder}/subjects.json"
        with open(path, "w") as f:
            json.dump({"study": STUDY, "subjects": list(subjects)}, f)
        self.ctl("subject", "load", path, "--yes")

    def load_questionnaire(self, name, version):
        """The daily diary under another name."""
        with open(f"{QUESTIONNAIRES}/daily-diary.json") as f:
            form = json.load(f)
        form.update(id=name, name=name, version=version, url=f"https://example.org/{name}")
        path = f"{self.folder}/{name}.json"
        with open(path, "w") as f:
            json.dump(form, f)
        self.ctl("questionnaire", "load", path, "--yes")

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.router.close()
        self.context.term()
        if not os.environ.get("SLUICE_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- the broker's part ---
    def receive(self, wanted, deadline_s=10):
        """The next message with one of these commands; HEARTBEAT and READY are answered on the way."""
        end = time.monotonic() + deadline_s
        while True:
            left = end - time.monotonic()
            if left <= 0 or not self.router.poll(left * 1000):
                raise TimeoutError(f"no {wanted} within {deadline_s} s:\n{self.process.tail()}")
            peer, version, command, header, *bodies = self.router.recv_multipart()
            assert version == p.VERSION
            command = command[0]
            if command == p.READY:
                self.peer, self.credit = peer, 0
                self.send(p.WELCOME, {"broker": self.broker.bytes, "epoch": self.epoch, "heartbeat_us": 1_000_000,
                                      "lease_us": self.lease_us})
            self.send(p.HEARTBEAT, {})
            if command == p.PULL:
                self.credit = msgpack.unpackb(header)["messages"]
            if command in wanted:
                return command, msgpack.unpackb(header), bodies

    def send(self, command, header, *bodies):
        self.router.send_multipart([self.peer, p.VERSION, bytes([command]), msgpack.packb(header), *bodies])

    def seal(self, service, scope, id, plain):
        nonce = secrets.token_bytes(24)
        context = bytes([len(service)]) + service.encode() + bytes([len(scope)]) + scope.encode() + id
        sealed = bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, context, nonce, self.seal_key)
        return struct.pack("<I", 1) + nonce + sealed

    def unseal(self, service, scope, id, sealed):
        context = bytes([len(service)]) + service.encode() + bytes([len(scope)]) + scope.encode() + id
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed[28:], context, sealed[4:28], self.seal_key)

    def record(self, id, body, scope=STUDY, origin=None, attempt=1):
        if origin is None:
            self.seq += 1
            origin = (self.epoch, self.seq)
        raw = bytearray(p.record(7, self.seq, body, self.service, scope, id=id))
        raw[10] = attempt
        struct.pack_into("<QQ", raw, 16, *origin)
        struct.pack_into("<q", raw, 72, time.time_ns() // 1000)
        return bytes(raw), origin

    def submission(self, answers=None, id=None, subject="SUB123", scope=STUDY, origin=None, attempt=1, inner=None,
                   **members):
        """A sealed record as the edge makes it: (bytes, origin)."""
        id = id or uuid.uuid4().bytes
        body = {"subjectId": subject, "questionnaire": "daily-diary", "version": "1.0",
                "submitAt": "2026-11-22T08:00:00+01:00", "answers": DIARY if answers is None else answers, **members}
        body = {k: v for k, v in body.items() if v is not ...}
        plain = {"id": id, "study": scope, "subject": subject, "received_us": 1795334400_000000, "request_id": "r",
                 "submission": body, **(inner or {})}
        return self.record(id, self.seal(self.service, scope, id, pack(plain)), scope, origin, attempt)

    def pull(self, deadline_s=10):
        while True:
            _, header, _ = self.receive({p.PULL}, deadline_s)
            if header["messages"] > 0:
                return header

    def deliver(self, *records):
        """Delivers under a new lease; (outcome, payload) of each record, ("returned", b"") when the lease is given back."""
        self.lease += 1
        self.credit = 0
        self.send(p.DELIVER, {"lease": self.lease, "service": self.service}, b"".join(r for r, _ in records))
        found = {}
        while len(found) < len(records):
            command, header, bodies = self.receive({p.REPORT, p.RETURN})
            assert header["lease"] == self.lease
            if command == p.RETURN:
                return [("returned", b"")] * len(records)
            found.update(self.reports(bodies[0]))
            self.note = header.get("note")
        return [found[origin] for _, origin in records]

    @staticmethod
    def reports(frame):
        offset, found = 0, {}
        while offset < len(frame):
            length, code = struct.unpack_from("<IB", frame, offset)
            epoch, seq = struct.unpack_from("<QQ", frame, offset + 8)
            payload = frame[offset + 24:offset + length]
            found[(epoch, seq)] = (OUTCOME_NAMES[code], msgpack.unpackb(payload) if payload and code != 9 else payload)
            offset += length
        return found

    def query(self, sql, params=None):
        return self.stores.postgres.query(self.database, sql, params)

    def count(self, table="submissions"):
        return self.query(f"select count(*) from sluice.{table}")[0][0]
