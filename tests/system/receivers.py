"""Third parties of the notifications: a webhook receiver that checks signatures by itself, a mail sink.

Both listen on a port of their own and keep what came. How a path of the receiver answers is a list of
steps, one a request, the last one for ever: a status, or a function of the request that returns one.
"""
import base64
import hashlib
import hmac
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stores import until


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # else the kernel drops connections, which then come a second later

    def handle_error(self, *_):
        pass  # a client that was killed or gave up


class Webhooks:
    """One HTTP server; a path is one recipient."""

    def __init__(self, key):
        self.key, self.lock = key, threading.Lock()
        self.seen, self.steps, self.headers = {}, {}, {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.take(self)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def verify(self, headers, body):
        """Standard Webhooks: HMAC-SHA256 over id.timestamp.body, any of the listed signatures."""
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = "v1," + base64.b64encode(hmac.new(self.key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(wanted, s) for s in headers["webhook-signature"].split(" ")) and \
            abs(time.time() - int(headers["webhook-timestamp"])) < 300

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        path = handler.path.strip("/")
        request = {"id": handler.headers["webhook-id"], "good": self.verify(handler.headers, body),
                   "body": json.loads(body), "raw": body, "headers": dict(handler.headers), "at": time.monotonic()}
        with self.lock:
            steps = self.steps.get(path, [200])
            n = len(self.seen.setdefault(path, []))
            self.seen[path].append(request)
        step = steps[min(n, len(steps) - 1)]
        status = step(request) if callable(step) else step
        try:
            handler.send_response(status)
            for name, value in self.headers.get(path, {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
        except OSError:
            pass  # it was killed, or gave up

    def got(self, path):
        with self.lock:
            return list(self.seen.get(path, []))

    def wait(self, path, n=1, deadline_s=10):
        until(f"{n} requests at {path}", deadline_s, lambda: len(self.got(path)) >= n)
        return self.got(path)


class Mails:
    """An SMTP server that takes every mail; reply() may refuse the recipient."""

    def __init__(self):
        self.mails, self.replies, self.lock = [], [], threading.Lock()
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                outer.talk(self.rfile, lambda line: self.wfile.write(line.encode() + b"\r\n"))

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=True)
        self.server.daemon_threads = True
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def talk(self, lines, say):
        mail = {"to": []}
        say("220 sink")
        for line in lines:
            word = line.strip().upper()
            if word.startswith(b"MAIL FROM:"):
                mail["from"] = line.decode().split("<")[1].split(">")[0]
                say("250 ok")
            elif word.startswith(b"RCPT TO:"):
                with self.lock:
                    reply = self.replies.pop(0) if self.replies else "250 ok"
                mail["to"].append(line.decode().split("<")[1].split(">")[0])
                say(reply)
            elif word == b"DATA":
                say("354 go on")
                text = []
                for data in lines:
                    if data == b".\r\n":
                        break
                    text.append(data.decode())
                mail["text"] = "".join(text)
                with self.lock:
                    self.mails.append(mail)
                mail = {"to": []}
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 ok")

    def got(self):
        with self.lock:
            return list(self.mails)

    def wait(self, n=1, deadline_s=10):
        until(f"{n} mails", deadline_s, lambda: len(self.got()) >= n)
        return self.got()


def closed_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
