#!/usr/bin/python3
"""A load through the edge, and the judgement of what became of it.

  load.py post --url U --token-file F --answers F --record F [--connections N] [--rate N]
      posts over keep-alive connections, a new Idempotency-Key each time, until SIGTERM; then lets what is in
      flight finish. Every request leaves one line in the record: key, status (0: no answer), seconds.
  load.py judge --stored F [--faults] RECORD…
      holds the records against F, the submission ids in PostgreSQL, one a line. Without --faults every request
      must have 201 or 202 and the rows must be exactly the keys; with it requests may fail, but what was
      acknowledged must be stored and what is stored must have been sent.

Standard library only: it must not share a bug with our own client.
"""
import argparse
import asyncio
import collections
import datetime
import json
import signal
import sys
import time
import urllib.parse
import uuid

ANSWER_DEADLINE_S = 40
RECONNECT_S = 0.2
ACKNOWLEDGED = (201, 202)


class Connection:
    """One keep-alive connection; opened again after a fault."""

    def __init__(self, url, token, body_of):
        self.host, self.port = url.hostname, url.port
        self.token, self.body_of = token, body_of
        self.streams = None

    async def post(self, key):
        body = self.body_of()
        head = (f"POST /api/v1/subjects/SUB123/questionnaires HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
                f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"
                f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n")
        if self.streams is None:
            self.streams = await asyncio.open_connection(self.host, self.port)
        reader, writer = self.streams
        writer.write(head.encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in answer[1:])}
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(answer[0].split()[1])

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None


async def post_until(stop, connection, record, interval_s, first_s):
    due = time.monotonic() + first_s
    while not stop.is_set():
        try:  # the next one is due, or the end has come
            await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))
            break
        except asyncio.TimeoutError:
            due = max(due + interval_s, time.monotonic())
        key, began, status = str(uuid.uuid4()), time.monotonic(), 0
        try:
            status = await asyncio.wait_for(connection.post(key), ANSWER_DEADLINE_S)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as e:
            print(f"{key}: {type(e).__name__} {e}", file=sys.stderr)
            connection.close()
            due = time.monotonic() + RECONNECT_S
        record.write(f"{key} {status} {time.monotonic() - began:.4f}\n")
        record.flush()
    connection.close()


async def post(args):
    with open(args.token_file) as f:
        token = f.read().split()[0]
    with open(args.answers) as f:
        answers = json.load(f)

    def body_of():
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        return json.dumps({"subjectId": "SUB123", "questionnaire": "daily-diary", "version": "1.0",
                           "submitAt": now, "answers": answers}).encode()

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    url, n = urllib.parse.urlsplit(args.url), args.connections
    with open(args.record, "w") as record:
        await asyncio.gather(*(post_until(stop, Connection(url, token, body_of), record, n / args.rate, i / args.rate)
                               for i in range(n)))


def judge(args):
    rows = []
    for path in args.records:
        with open(path) as f:
            rows += [(key, int(status), float(s)) for key, status, s in (line.split() for line in f)]
    with open(args.stored) as f:
        stored = set(f.read().split())
    sent = {key for key, _, _ in rows}
    acknowledged = {key for key, status, _ in rows if status in ACKNOWLEDGED}
    statuses = collections.Counter(status for _, status, _ in rows)
    slowest = max((s for _, _, s in rows), default=0)
    print(f"{len(rows)} requests, answers {dict(sorted(statuses.items()))}, slowest {slowest:.2f} s, {len(stored)} rows")
    faults = []
    if not acknowledged:
        faults.append("nothing was acknowledged")
    if acknowledged - stored:
        faults.append(f"{len(acknowledged - stored)} acknowledged but not stored, e.g. {min(acknowledged - stored)}")
    if stored - sent:
        faults.append(f"{len(stored - sent)} stored but never sent, e.g. {min(stored - sent)}")
    if not args.faults and sent != acknowledged:
        faults.append(f"{len(sent - acknowledged)} requests failed")
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    p = verbs.add_parser("post")
    for name in ("--url", "--token-file", "--answers", "--record"):
        p.add_argument(name, required=True)
    p.add_argument("--connections", type=int, default=16)
    p.add_argument("--rate", type=float, default=100.0, help="requests a second, all connections together")
    p = verbs.add_parser("judge")
    p.add_argument("--stored", required=True)
    p.add_argument("--faults", action="store_true")
    p.add_argument("records", nargs="+")
    args = parser.parse_args()
    if args.verb == "judge":
        return judge(args)
    asyncio.run(post(args))
    return 0


if __name__ == "__main__":
    sys.exit(main())
