"""One edge over a broker made of Python: what the edge does with HTTP, without stores or workers.

The broker speaks schemas/protocol.md through pyzmq and msgpack and opens the sealed bodies with PyNaCl, so
these tests also prove the wire format by third-party code. It answers as `mode` says; every record it got is
in `records`.
"""
import http.client
import json
import os
import secrets
import shutil
import socket
import struct
import tempfile
import threading
import time

import msgpack
import zmq
from nacl import bindings

import openapi
from fleet import BIN, Process, free_port

TOKEN, STUDY = "rig-token-0000000000000000", "NCT007"
MULTI = "rig-token-multi-00000000000"
SITE, SPONSOR, SITES = "rig-token-site-000000000000", "rig-token-sponsor-0000000000", "rig-token-sites-000000000000"
PERSON, ADMIN = "rig-token-person-0000000000", "rig-token-admin-00000000000"
VERSION = b"SLU\x01"
OUTCOMES = {"stored": 1, "duplicate": 2, "conflict": 3, "rejected": 4, "held": 5, "dead": 7, "discarded": 8}
ERRORS = [{"pointer": "/answers/q1", "rule": "required", "detail": "is required"}]
PATH = "/api/v1/subjects/SUB123/questionnaires"


def body(**more):
    return {"subjectId": "SUB123", "questionnaire": "daily-diary", "answers": {"q1": 1, "q2": 2.50},
            "submitAt": "2026-11-22T08:00:00Z", **more}


class Record:
    def __init__(self, raw, key):
        service_len, scope_len = raw[12], raw[13]
        self.flags = raw[9]
        self.counter, = struct.unpack_from("<Q", raw, 40)
        self.id, self.received_us = raw[48:64], struct.unpack_from("<q", raw, 64)[0]
        at = 80 + service_len
        self.service, self.scope = raw[80:at].decode(), raw[at:at + scope_len].decode()
        self.sealed = raw[at + scope_len:]
        self.plain = msgpack.unpackb(unseal(key, self.sealed, self.service, self.scope, self.id), strict_map_key=False)


def associated(service, scope, id_):
    return bytes([len(service)]) + service.encode() + bytes([len(scope)]) + scope.encode() + id_


def unseal(key, sealed, service, scope, id_):
    return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
        sealed[28:], associated(service, scope, id_), sealed[4:28], key)


def seal(key, plain, service, scope, id_):
    nonce = secrets.token_bytes(24)
    return struct.pack("<I", 1) + nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(
        plain, associated(service, scope, id_), nonce, key)


class Broker(threading.Thread):
    """mode: an outcome's name, accept, stall, full, silent, or what makes one of these from the record.
    payload: what goes with an outcome instead of the usual. located: absent, live, dead, silent.
    reply: the map that answers a query, or makes it from the question; None: no worker; "silent"."""

    def __init__(self, endpoint, key):
        super().__init__(daemon=True)
        self.endpoint, self.key = endpoint, key
        self.mode, self.located, self.reply, self.payload = "stored", "absent", None, None
        self.uuid, self.seq = os.urandom(16), 0
        self.records, self.messages = [], 0
        self.ended, self.arrived = threading.Event(), threading.Condition()
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind(endpoint)
        self.start()

    def run(self):
        peers, beat = set(), 0
        while not self.ended.is_set():
            if self.socket.poll(20):
                frames = self.socket.recv_multipart()
                peers.add(frames[0])
                self.take(frames[0], frames[2][0], msgpack.unpackb(frames[3]), frames[4:])
            if time.monotonic() > beat:
                beat = time.monotonic() + 0.3
                for peer in peers:
                    self.send(peer, 0x50, {})
        self.socket.close()

    def stop(self):
        self.ended.set()
        self.join()

    def send(self, peer, command, header, *frames):
        self.socket.send_multipart([peer, VERSION, bytes([command]), msgpack.packb(header), *frames])

    def take(self, peer, command, header, frames):
        if command == 0x01:
            self.send(peer, 0x02, {"broker": self.uuid, "epoch": 1, "heartbeat_us": 300000, "max_record_bytes": 2 << 20,
                                   "window_messages": 8192, "window_bytes": 64 << 20})
        elif command == 0x03:
            self.submit(peer, frames[0])
        elif command == 0x07 and self.located != "silent":
            found = {} if self.located == "absent" else {"epoch": 1, "seq": 7, "accepted_us": 1_700_000_000_000_000,
                                                         "attempts": 1}
            self.send(peer, 0x08, {"query": header["query"], "state": self.located, **found})

    def submit(self, peer, packed):
        entries, at = {0x04: b"", 0x05: b"", 0x06: b""}, 0
        while at < len(packed):
            length, = struct.unpack_from("<I", packed, at)
            record = Record(packed[at:at + length], self.key)
            at += length
            command, entry = self.answer(record)
            if command:
                entries[command] += entry
            with self.arrived:
                self.records.append(record)
                self.arrived.notify_all()
        self.messages += 1
        for command, packed_entries in entries.items():
            if packed_entries:
                self.send(peer, command, {}, packed_entries)

    def answer(self, r):
        self.seq += 1
        now = int(time.time() * 1e6)
        if r.flags & 1:
            if self.reply is None:
                return 0x05, struct.pack("<IBBHQ", 16, 6, 0, 0, r.counter)
            if self.reply == "silent":
                return None, b""
            reply = self.reply(r.plain) if callable(self.reply) else self.reply
            sealed = seal(self.key, msgpack.packb(reply), "queries/reply", r.scope, r.id)
            return 0x06, struct.pack("<IBBHQQQq", 40 + len(sealed), 9, 0, 0, r.counter, 0, 0, 0) + sealed
        mode = self.mode(r) if callable(self.mode) else self.mode
        if mode == "silent":
            return None, b""
        if mode == "full":
            return 0x05, struct.pack("<IBBHQ", 16, 1, 0, 0, r.counter)
        if mode in ("accept", "stall"):
            return 0x04, struct.pack("<IBBHQQQq", 40, 0, mode == "stall", 0, r.counter, 1, self.seq, now)
        payload = {"stored_us": now, "questionnaire": "urn:daily-diary", "version": "1.0"}
        if mode in ("rejected", "held"):
            payload = {"errors": ERRORS}
        if mode == "duplicate":
            payload["received_us"] = 1_700_000_000_000_000
        packed = msgpack.packb(payload if self.payload is None else self.payload)
        return 0x06, struct.pack("<IBBHQQQq", 40 + len(packed), OUTCOMES[mode], 0, 0, r.counter, 1, self.seq,
                                 now) + packed

    def wait_records(self, n, deadline_s=5):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.records) >= n, deadline_s), f"{len(self.records)} of {n} records"


class Answer:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Rig:
    """with Rig(wait="500ms") as rig: …; brokers: how many; edges: processes that share the port; described: every
    answer is held against the API's description (not where a test makes up what workers say)."""

    def __init__(self, brokers=1, edges=1, described=False, **settings):
        self.described = described
        self.folder = tempfile.mkdtemp(prefix="slrig-", dir="/tmp")
        self.key = secrets.token_bytes(32)
        self.port, self.metrics_port = free_port(), free_port()
        self.endpoints = [f"ipc://{self.folder}/b{i}" for i in range(brokers)]
        for name, text in (("seal.keys", f"1 {self.key.hex()}\n"), ("identity.key", f"1 {secrets.token_hex(32)}\n"),
                           ("tokens", f"{TOKEN} {STUDY}\n{MULTI} A,B\n"
                            f"{SITE} {STUDY} role=site user=nurse\n{SPONSOR} {STUDY} role=sponsor user=monitor\n"
                            f"{SITES} A,B role=investigator user=doctor\n"
                            f"{PERSON} {STUDY} user=SUB123 organisation=Clinic\n{ADMIN} {STUDY} role=admin user=root\n")):
            with open(os.open(f"{self.folder}/{name}", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
                f.write(text)
        self.settings = {"listen": f"127.0.0.1:{self.port}", "metrics_listen": f"127.0.0.1:{self.metrics_port}",
                         "broker_endpoints": " ".join(self.endpoints), "token_file": f"{self.folder}/tokens",
                         "seal_key_file": f"{self.folder}/seal.keys", "identity_key_file": f"{self.folder}/identity.key",
                         **settings}
        self.n_edges = edges
        self.brokers, self.edges = [], []

    def __enter__(self):
        try:
            self.brokers = [Broker(endpoint, self.key) for endpoint in self.endpoints]
            argv = [os.path.join(BIN, "sluice-edge")]
            for key, value in self.settings.items():
                argv += ["--set", f"{key}={value}"]
            for i in range(self.n_edges):
                self.edges.append(Process(f"edge{i}", argv, self.folder).start())
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        try:
            for edge in self.edges:
                if edge.alive():
                    assert edge.terminate() == 0, edge.tail()
        finally:
            for edge in self.edges:
                edge.kill()
            for broker in self.brokers:
                broker.stop()
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def broker(self):
        return self.brokers[0]

    def mode(self, mode, payload=None):
        for broker in self.brokers:
            broker.mode, broker.payload = mode, payload

    def request(self, method, path, data=None, token=TOKEN, headers=None, timeout=40, port=None):
        headers = dict(headers or {})
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        if isinstance(data, (dict, list)):
            data = json.dumps(data)
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=timeout)
        try:
            connection.request(method, path, data, headers)
            answer = Answer(connection.getresponse())
            if self.described and port is None:
                openapi.check(method, path, answer)
            return answer
        finally:
            connection.close()

    def submit(self, data=None, path=PATH, **more):
        return self.request("POST", path, body() if data is None else data, **more)

    def connect(self, timeout=20):
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def metric(self, name):
        text = self.request("GET", "/metrics", token=None, port=self.metrics_port).body.decode()
        for line in text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[-1])
        raise AssertionError(f"no metric {name}")


def read_all(sock):
    """Everything until the other side closes."""
    data = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return data
        if not piece:
            return data
        data += piece
