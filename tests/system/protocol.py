"""A third-party client, worker and admin of the native protocol, written from schemas/protocol.md alone
(pyzmq and msgpack; nothing of Sluice's own code). Used by the system tests."""

import os
import struct
import time
import uuid

import msgpack
import zmq

VERSION = b"SLU\x01"
HELLO, WELCOME, SUBMIT, ACCEPTED, REFUSED, OUTCOME, LOCATE, LOCATED = range(1, 9)
READY, PULL, DELIVER, REPORT, EXTEND, RETURN, DRAIN, BYE = range(0x20, 0x28)
REQUEST, REPLY = 0x40, 0x41
HEARTBEAT, RESET, ERROR = 0x50, 0x51, 0x52
OUTCOMES = {"stored": 1, "duplicate": 2, "conflict": 3, "rejected": 4, "held": 5, "retry": 6,
            "dead": 7, "discarded": 8, "answered": 9, "damaged": 10, "expired": 11}
REFUSALS = {1: "full", 2: "draining", 3: "unknown-service", 4: "too-large", 5: "malformed",
            6: "no-worker"}
VOLATILE, ACCEPT_NOW, NO_OUTCOME, ALONE = 1, 2, 4, 8
RECORD = struct.Struct("<IIBBBBBBHQQQQ16sqq")
TIMEOUT_S = 10.0


class Record:
    """One record read from the wire."""

    def __init__(self, data, offset=0):
        (self.length, self.crc, self.kind, self.flags, self.attempt, self.kills, service_len, scope_len,
         _, self.epoch, self.seq, self.incarnation, self.counter, self.id, self.received_us,
         self.accepted_us) = RECORD.unpack_from(data, offset)
        at = offset + RECORD.size
        self.service = data[at:at + service_len].decode()
        self.scope = data[at + service_len:at + service_len + scope_len].decode()
        self.body = data[at + service_len + scope_len:offset + self.length]
        self.origin = (self.epoch, self.seq)


def record(incarnation, counter, body=b"x", service="submissions", scope="STUDY", flags=0, id=None):
    service, scope = service.encode(), scope.encode()
    length = RECORD.size + len(service) + len(scope) + len(body)
    return RECORD.pack(length, 0, 1, flags, 0, 0, len(service), len(scope), 0, 0, 0, incarnation,
                       counter, id or uuid.uuid4().bytes, time.time_ns() // 1000,
                       0) + service + scope + body


def records(frame):
    offset, found = 0, []
    while offset < len(frame):
        found.append(Record(frame, offset))
        offset += found[-1].length
    return found


def entries(command, frame):
    """ACCEPTED, REFUSED and OUTCOME entries as dicts."""
    offset, found = 0, []
    while offset < len(frame):
        length, code, flags = struct.unpack_from("<IBB", frame, offset)
        entry = {"code": code, "stalled": bool(flags & 1),
                 "counter": struct.unpack_from("<Q", frame, offset + 8)[0]}
        if command != REFUSED:
            entry["epoch"], entry["seq"], entry["accepted_us"] = struct.unpack_from("<QQq", frame,
                                                                                   offset + 16)
            entry["origin"] = (entry["epoch"], entry["seq"])
            entry["payload"] = frame[offset + 40:offset + length]
        found.append(entry)
        offset += length
    return found


def report_entry(origin, outcome, payload=b""):
    return struct.pack("<IBBHQQ", 24 + len(payload), OUTCOMES[outcome], 0, 0, *origin) + payload


class Peer:
    """A DEALER that answers heartbeats while it waits and never blocks past its deadline."""

    def __init__(self, endpoint, receive_limit=1000):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.rcvhwm = receive_limit
        self.socket.connect(endpoint)

    def close(self):
        self.socket.close()

    def send(self, command, header=None, *frames):
        self.socket.send_multipart([VERSION, bytes([command]), msgpack.packb(header or {}), *frames])

    def receive(self, timeout_s=TIMEOUT_S, heartbeats=False):
        """(command, header, frames…); None when nothing came in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_ms = int((deadline - time.monotonic()) * 1000)
            if left_ms < 0 or not self.socket.poll(left_ms):
                return None
            version, command, header, *frames = self.socket.recv_multipart()
            assert version == VERSION
            if command[0] != HEARTBEAT or heartbeats:
                return (command[0], msgpack.unpackb(header), *frames)
            self.send(HEARTBEAT)

    def expect(self, command, timeout_s=TIMEOUT_S):
        message = self.receive(timeout_s)
        assert message is not None, f"no message within {timeout_s} s, expected {command:#x}"
        assert message[0] == command, f"got {message[0]:#x} {message[1]}, expected {command:#x}"
        return message


class Client(Peer):
    def __init__(self, endpoint, incarnation=None, hello=True, **how):
        super().__init__(endpoint, **how)
        self.incarnation = incarnation or int.from_bytes(os.urandom(8), "little") | 1
        self.counter = 0
        self.kept = {ACCEPTED: {}, REFUSED: {}, OUTCOME: {}}
        self.welcome = self.hello() if hello else None

    def hello(self):
        self.send(HELLO, {"incarnation": self.incarnation, "name": "test", "version": "1"})
        return self.expect(WELCOME)[1]

    def make(self, body=b"x", **how):
        self.counter += 1
        return record(self.incarnation, self.counter, body, **how)

    def submit_records(self, *made):
        self.send(SUBMIT, {"incarnation": self.incarnation}, b"".join(made))

    def submit(self, *bodies, **how):
        """Submits a record per body; returns their counters."""
        first = self.counter + 1
        self.submit_records(*[self.make(body, **how) for body in bodies])
        return list(range(first, self.counter + 1))

    def await_entries(self, command, n, timeout_s=TIMEOUT_S):
        """n entries of that command by counter; those of other commands are kept for later."""
        deadline = time.monotonic() + timeout_s
        while len(self.kept[command]) < n:
            message = self.receive(max(0.0, deadline - time.monotonic()))
            assert message is not None, f"{len(self.kept[command])} of {n} entries of {command:#x} in time"
            assert message[0] in self.kept, f"{message[0]:#x} {message[1]}"
            self.kept[message[0]].update((e["counter"], e) for e in entries(message[0], message[2]))
        found, self.kept[command] = self.kept[command], {}
        return found


class Worker(Peer):
    def __init__(self, endpoint, name="w1", incarnation=None, service="submissions", ready=True):
        super().__init__(endpoint)
        self.name, self.service = name, service
        self.incarnation = incarnation or int.from_bytes(os.urandom(8), "little") | 1
        self.lease = None
        self.welcome = self.ready() if ready else None

    def ready(self, **more):
        self.send(READY, {"worker": self.name, "incarnation": self.incarnation, "service": self.service,
                          "host": "localhost", "pid": os.getpid(), "version": "1", **more})
        return self.expect(WELCOME)[1]

    def pull(self, messages=256, size=4 << 20):
        self.send(PULL, {"messages": messages, "bytes": size})

    def take(self, timeout_s=TIMEOUT_S):
        """The next batch; self.lease is its lease."""
        _, header, frame = self.expect(DELIVER, timeout_s)
        self.lease = header["lease"]
        return records(frame)

    def report(self, lease, outcomes, follow_ups=(), **header):
        """outcomes: (origin, outcome) or (origin, outcome, payload) each."""
        frames = [b"".join(report_entry(*o) for o in outcomes)]
        if follow_ups:
            frames.append(b"".join(follow_ups))
        self.send(REPORT, {"lease": lease, **header}, *frames)


class Admin(Peer):
    def ask(self, verb, **arguments):
        """(status, rows, header)"""
        self.send(REQUEST, {"request": 7, "verb": verb, **arguments})
        _, header, rows = self.expect(REPLY)
        assert header["request"] == 7
        return header["status"], msgpack.unpackb(rows), header

    def rows(self, verb, **arguments):
        status, rows, header = self.ask(verb, **arguments)
        assert status == "ok", header
        return rows
