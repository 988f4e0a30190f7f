#!/usr/bin/python3
"""Somebody else's webhook receiver on a booted host: checks the signature as Standard Webhooks says and keeps
what came.

  receiver.py ADDRESS:PORT SECRET_FILE RECORD
      one line a request in RECORD: {"id", "good", "body"}; answers 200, or 401 to a wrong signature.

Standard library only: it must not share a bug with our own sender.
"""
import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

BODY_MAX = 65536
CLOCK_SKEW_S = 300


class Handler(BaseHTTPRequestHandler):
    key, record = b"", ""

    def signature_is_good(self, body):
        name, at = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
        wanted = "v1," + base64.b64encode(hmac.new(self.key, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()).decode()
        signatures = self.headers.get("webhook-signature", "").split(" ")
        return any(hmac.compare_digest(wanted, s) for s in signatures) and abs(time.time() - int(at)) < CLOCK_SKEW_S

    def do_POST(self):
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(min(length, BODY_MAX))
        good = length <= BODY_MAX and self.signature_is_good(body)
        with open(self.record, "a") as f:
            f.write(json.dumps({"id": self.headers.get("webhook-id"), "good": good, "body": json.loads(body)}) + "\n")
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()


def main(listen, secret_file, record):
    with open(secret_file) as f:
        Handler.key = base64.b64decode(f.read().strip().removeprefix("whsec_"))
    Handler.record = record
    host, _, port = listen.rpartition(":")
    HTTPServer((host, int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
