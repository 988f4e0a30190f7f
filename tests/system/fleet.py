"""A real fleet for one test: broker, edges, workers over private stores, in a short temporary folder.

Readiness is systemd's own notification (Type=notify): a datagram socket receives READY=1, so nothing polls
or sleeps. Every process writes its log to FOLDER/NAME.log. `Fleet` is a context manager and ends by id what
it started. SLUICE_BIN names the folder of the programs (default: build/release/bin).
"""
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from stores import until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("SLUICE_BIN") or os.path.join(ROOT, "build/release/bin")
EXAMPLES = os.path.join(ROOT, "schemas/examples")
QUESTIONNAIRES = os.path.join(ROOT, "schemas/questionnaires")
TOKEN = "test-token-" + "0" * 22
STUDY = "NCT007"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """One of our programs: started, known by READY=1, killed and started again."""

    def __init__(self, name, argv, folder, env=None, wrap=()):
        self.name, self.argv, self.folder = name, list(wrap) + argv, folder
        self.env = env or {}
        self.log = os.path.join(folder, f"{name}.log")
        self.notify_path = os.path.join(folder, f"{name}.notify")
        self.popen = None

    def start(self, deadline_s=20, ready=True):
        if os.path.exists(self.notify_path):
            os.unlink(self.notify_path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(self.notify_path)
            with open(self.log, "ab") as log:
                self.popen = subprocess.Popen(self.argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                              env={**os.environ, **self.env, "NOTIFY_SOCKET": self.notify_path})
            if ready:
                self._await_ready(notify, deadline_s)
        return self

    def _await_ready(self, notify, deadline_s):
        end = time.monotonic() + deadline_s
        ended = os.pidfd_open(self.popen.pid)
        try:
            while True:
                readable, _, _ = select.select([notify, ended], [], [], max(0, end - time.monotonic()))
                if notify in readable and b"READY=1" in notify.recv(4096):
                    return
                if ended in readable:
                    self.popen.wait()
                    raise RuntimeError(f"{self.name} ended with {self.popen.returncode} before it was ready:\n{self.tail()}")
                if not readable:
                    raise TimeoutError(f"{self.name} was not ready within {deadline_s} s:\n{self.tail()}")
        finally:
            os.close(ended)

    def tail(self, n=2000):
        with open(self.log, "rb") as f:
            return f.read()[-n:].decode(errors="replace")

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen is not None and self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def kill(self):
        if self.alive():
            self.popen.kill()
        if self.popen:
            self.popen.wait()

    def terminate(self, deadline_s=20):
        self.popen.terminate()
        return self.wait(deadline_s)

    def wait(self, deadline_s=20):
        return self.popen.wait(deadline_s)

    def rss_kib(self, field="VmRSS"):
        """Resident memory now; VmHWM: the most it ever was."""
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(field))


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Fleet:
    def __init__(self, stores, workers=2, edges=1, queries=1, subjects=("SUB123",), settings=None, load=True, wrap=None,
                 notifications=None):
        """notifications: how many workers deliver alerts; None: as many as answer queries."""
        self.stores, self.settings = stores, settings or {}
        self.folder = tempfile.mkdtemp(prefix="slfl-", dir="/tmp")
        self.database = "t" + uuid.uuid4().hex[:12]
        self.n_workers, self.n_edges, self.n_queries = workers, edges, queries
        self.n_notifications = queries if notifications is None else notifications
        self.subjects, self.load, self.wrap = subjects, load, wrap or {}
        self.port, self.metrics_port = free_port(), free_port()
        self.processes = {}
        self.config = os.path.join(self.folder, "sluice.conf")

    # --- building ---
    def path(self, name):
        return os.path.join(self.folder, name)

    def endpoint(self, name):
        return f"ipc://{self.path(name)}"

    def write_secret(self, name, text):
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        return path

    def write_config(self):
        pg = self.stores.postgres
        sections = {
            "broker": {"client_endpoint": self.endpoint("c"), "worker_endpoint": self.endpoint("w"),
                       "admin_endpoint": self.endpoint("a"), "journal_dir": self.path("journal"),
                       "segment_bytes": "8MiB", "journal_keep_bytes": "64MiB"},
            "edge": {"listen": f"127.0.0.1:{self.port}", "metrics_listen": f"127.0.0.1:{self.metrics_port}",
                     "broker_endpoints": self.endpoint("c"), "token_file": self.path("tokens"),
                     "seal_key_file": self.path("seal.keys"), "identity_key_file": self.path("identity.key")},
            "worker": {"broker_endpoints": self.endpoint("w"), "postgres": pg.dsn(self.database, "sluice_worker"),
                       "redis": f"unix:{self.stores.redis.socket}", "seal_key_file": self.path("seal.keys"),
                       "identity_key_file": self.path("identity.key"), "audit_key_file": self.path("audit.keys"),
                       "wrap_key_file": self.path("wrap.keys"), "notify_secrets": self.path("notify"),
                       "canary_interval": "0", "client_endpoints": self.endpoint("c")},
            "ctl": {"admin_endpoints": self.endpoint("a"), "client_endpoints": self.endpoint("c"),
                    "edge_url": self.url, "token_file": self.path("tokens"),
                    "postgres": pg.dsn(self.database), "redis": f"unix:{self.stores.redis.socket}",
                    "journal_dir": self.path("journal"), "audit_key_file": self.path("audit.keys"),
                    "wrap_key_file": self.path("wrap.keys"), "seal_key_file": self.path("seal.keys")},
        }
        for section, values in self.settings.items():
            sections[section].update(values)
        with open(self.config, "w") as f:
            for section, values in sections.items():
                f.write(section + "\n")
                f.writelines(f'    {key} = "{value}"\n' for key, value in values.items())

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self):
        """Everything that stands before a process runs: keys, config, database, study, subjects, forms."""
        self.write_secret("seal.keys", f"1 {secrets.token_hex(32)}\n")
        self.write_secret("identity.key", f"1 {secrets.token_hex(32)}\n")
        self.write_secret("audit.keys", f"1 {secrets.token_hex(32)}\n")
        self.write_secret("wrap.keys", f"1 {secrets.token_hex(32)}\n")
        self.write_secret("tokens", f"{TOKEN} {STUDY}\n")
        self.write_config()
        self.stores.redis.client().flushall()
        self.stores.postgres.create_database(self.database)
        self.ctl("db", "migrate", "--yes")
        if self.load:
            self.ctl("study", "load", os.path.join(EXAMPLES, "study-NCT007.json"), "--yes")
            self.load_subjects(self.subjects)
            for name in ("daily-diary", "phq-9", "vital-signs"):
                self.ctl("questionnaire", "load", os.path.join(QUESTIONNAIRES, f"{name}.json"), "--study", STUDY, "--yes")

    def load_subjects(self, subjects):
        path = self.path("subjects.json")
        with open(path, "w") as f:
            json.dump({"study": STUDY, "subjects": [{"subjectId": s, "status": "enrolled"} for s in subjects]}, f)
        self.ctl("subject", "load", path, "--yes")

    def start(self):
        self.process("broker", "sluice-broker").start()
        for i in range(self.n_workers):
            self.process(f"worker{i + 1}", "sluice-worker", "--service", "submissions", "--name", f"worker{i + 1}").start()
        for i in range(self.n_queries):
            self.process(f"queries{i + 1}", "sluice-worker", "--service", "queries", "--name", f"queries{i + 1}",
                         "--set", f"worker/postgres={self.stores.postgres.dsn(self.database, 'sluice_query')}").start()
        for i in range(self.n_notifications):
            self.process(f"notifications{i + 1}", "sluice-worker", "--service", "notifications",
                         "--name", f"notifications{i + 1}", "--set",
                         f"worker/postgres={self.stores.postgres.dsn(self.database, 'sluice_notify')}").start()
        for i in range(self.n_edges):
            self.process(f"edge{i + 1}", "sluice-edge").start()

    def process(self, name, program, *args):
        argv = [os.path.join(BIN, program), "--config", self.config, *args]
        self.processes[name] = Process(name, argv, self.folder, wrap=self.wrap.get(name, ()))
        return self.processes[name]

    def __getitem__(self, name):
        return self.processes[name]

    def __exit__(self, *_):
        for p in reversed(list(self.processes.values())):
            if p.alive():
                p.signal(signal.SIGCONT)
            p.kill()
        if not os.environ.get("SLUICE_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- using ---
    def ctl(self, *args, check=True, stdin=None, timeout=60):
        done = subprocess.run([os.path.join(BIN, "sluicectl"), "--config", self.config, *args],
                              capture_output=True, text=True, input=stdin, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"sluicectl {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ctl_json(self, *args):
        return [json.loads(line) for line in self.ctl(*args, "--json").stdout.splitlines() if line.strip()]

    def status(self):
        return self.ctl_json("status")[0]

    def await_drained(self, deadline_s=60):
        until("all messages to be finished", deadline_s, lambda: self.status()["live"] == 0)

    def request(self, method, path, body=None, headers=None, token=TOKEN, timeout=15):
        headers = dict(headers or {})
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        req = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(req, timeout=timeout) as r:
                return Answer(r.status, r.headers, r.read())
        except urllib.error.HTTPError as e:
            return Answer(e.code, e.headers, e.read())

    def post(self, answers=None, subject="SUB123", key=None, headers=None, **members):
        """One submission of the daily diary unless members say otherwise."""
        headers = dict(headers or {})
        headers.setdefault("Idempotency-Key", key or str(uuid.uuid4()))
        body = {"subjectId": subject, "questionnaire": "daily-diary", "version": "1.0",
                "submitAt": "2026-11-22T08:00:00+01:00", "answers": DIARY if answers is None else answers, **members}
        return self.request("POST", f"/api/v1/subjects/{subject}/questionnaires", body, headers)

    def query(self, sql, params=None):
        return self.stores.postgres.query(self.database, sql, params)

    def count(self, table="submissions"):
        return self.query(f"select count(*) from sluice.{table}")[0][0]

    def reconcile(self, settle="20s"):
        """The proof every test ends with: journal and database agree. Fails the test with ctl's own words."""
        done = self.ctl("reconcile", "--settle", settle, check=False, timeout=90)
        assert done.returncode == 0, f"reconcile: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def audit_verify(self, *places):
        """No fault in trail and record, and every revision under its MAC; the summary."""
        done = self.ctl("audit", "verify", *places, "--json", check=False)
        assert done.returncode == 0, f"audit verify: exit {done.returncode}\n{done.stdout}{done.stderr}"
        summary = json.loads(done.stdout.splitlines()[-1])
        assert summary["faults"] == 0 and summary["without_mac"] == summary["older_mac"] == 0, summary
        return summary


# An answer set that the shipped daily diary accepts (schemas/questionnaires/daily-diary.json).
with open(os.path.join(EXAMPLES, "answers-daily-diary.json")) if os.path.exists(
        os.path.join(EXAMPLES, "answers-daily-diary.json")) else open(os.devnull) as _f:
    DIARY = json.loads(_f.read() or "{}")
