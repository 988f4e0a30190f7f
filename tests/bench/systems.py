"""The systems compared: how each is built, prepared, started, counted and stopped. A system offers
prepare() once, then start() and stop() around every run; `groups` are its own processes by name."""
import hashlib
import os
import secrets
import socket
import urllib.error
import urllib.request

from processes import Failure, run, start, stop, until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "bench")
FORM = os.path.join(HERE, "forms", "daily-diary.json")
STUDY = "NCT007"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


class System:
    """What the systems share. env: stores (Stores), work_dir, subjects (how many are preloaded)."""
    name = None
    truncate = "TRUNCATE sluice.submissions"
    count = "SELECT count(*) FROM sluice.submissions"

    def __init__(self, env):
        self.env = env
        self.database = f"bench_{self.name}"
        self.token = secrets.token_hex(16)
        self.port = None
        self.processes = {}  # group: [Popen]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    @property
    def groups(self):
        return {name: [p.pid for p in members] for name, members in self.processes.items()}

    def log(self, name):
        return os.path.join(self.env.work_dir, f"{self.name}-{name}.log")

    def launch(self, group, command, env=None, cwd=None):
        process = start(command, self.log(group), env=env, cwd=cwd)
        self.processes.setdefault(group, []).append(process)
        return process

    def rows(self):
        return int(self.env.stores.sql(self.database, self.count))

    def empty(self):
        """Leaves no submission behind and the checkpoint done, so that every run begins alike."""
        self.env.stores.sql(self.database, f"{self.truncate};\nCHECKPOINT;\n")
        self.env.stores.cache("FLUSHALL")

    def stop(self):
        for members in reversed(list(self.processes.values())):
            for process in members:
                stop(process)
        self.processes = {}

    def wait_ready(self, process, path="readyz"):
        try:
            until(self.name, lambda: answers(self.url + path), process)
        except Failure as failure:
            raise Failure(f"{failure}; its logs are {self.log('*')}") from None


class Peer(System):
    """A peer has a database of the peers' schema and takes its settings from the environment."""

    def prepare(self):
        stores = self.env.stores
        stores.sql("postgres", f"CREATE DATABASE {self.database}")
        with open(os.path.join(HERE, "schema_peer.sql"), encoding="utf-8") as schema:
            stores.sql(self.database, schema.read())
        with open(FORM, encoding="utf-8") as form:
            stores.sql(self.database, """
                INSERT INTO sluice.studies VALUES (:'study', decode(:'token_hash', 'hex'));
                INSERT INTO sluice.subjects
                    SELECT :'study', 'S' || lpad(n::text, 6, '0') FROM generate_series(1, :'subjects'::int) n;
                INSERT INTO sluice.questionnaires
                    SELECT :'study', d->>'name', d->>'version', d FROM (SELECT :'form'::jsonb) AS f (d);
                VACUUM ANALYZE;""", study=STUDY, subjects=self.env.subjects, form=form.read(),
                token_hash=hashlib.sha256(self.token.encode()).hexdigest())

    def settings(self):
        return {"PEER_LISTEN": f"127.0.0.1:{self.port}", "PEER_POSTGRES": self.env.stores.dsn(self.database),
                "PEER_REDIS": self.env.stores.redis_socket}


class Gin(Peer):
    name = "gin"
    packages = ("golang-go", "golang-github-gin-gonic-gin-dev", "golang-github-jackc-pgx-v4-dev",
                "golang-github-gomodule-redigo-dev", "golang-github-json-iterator-go-dev",
                "golang-golang-x-crypto-dev")
    binary = os.path.join(BUILD, "peer-gin")

    def build(self):
        """From Debian's packaged sources only: no module download is possible."""
        run(["go", "build", "-o", self.binary, "."], cwd=os.path.join(HERE, "peers", "gin"), env={
            **os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOPROXY": "off",
            "GOCACHE": os.path.join(BUILD, "gocache"), "GOFLAGS": "-p=2"})

    def start(self):
        self.port = free_port()
        self.wait_ready(self.launch("server", [self.binary], env={**self.settings(), "GIN_MODE": "release"}))


class Flask(Peer):
    name = "flask"
    packages = ("gunicorn", "python3-flask", "python3-psycopg2", "python3-redis", "python3-hiredis")
    workers, threads = "3", "4"  # the best of those tried on two cores, see README.md

    def build(self):
        """Nothing to build."""

    def start(self):
        self.port = free_port()
        command = ["/usr/bin/python3", "/usr/bin/gunicorn", "--bind", f"127.0.0.1:{self.port}",
                   "--worker-class", os.environ.get("PEER_WORKER_CLASS", "gthread"), "--workers",
                   os.environ.get("PEER_WORKERS", self.workers), "--threads",
                   os.environ.get("PEER_THREADS", self.threads), "--backlog", "2048",
                   "--worker-connections", "4096", "--keep-alive", "75", "--log-level", "warning", "app:app"]
        process = self.launch("server", command, env=self.settings(), cwd=os.path.join(HERE, "peers", "flask"))
        self.wait_ready(process)
