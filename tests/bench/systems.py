"""The systems compared: how each is prepared, started, counted and stopped. A measurement calls start(),
reads url, token, groups (the system's own processes by name) and rows(), and calls stop(). Every start
begins with empty tables, an empty Redis and a finished checkpoint."""
import hashlib
import json
import os
import urllib.error
import urllib.request

import fleet  # tests/system

from processes import Failure, stop

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "bench")
FORM = os.path.join(HERE, "forms", "daily-diary.json")
STUDY, TOKEN = fleet.STUDY, fleet.TOKEN


READY_SECONDS = 20


def subject_names(count):
    return [f"S{n:06d}" for n in range(1, count + 1)]


def ready_check(name, url):
    """One question after the process has said READY=1; a connection waits in the backlog until someone answers."""
    try:
        with urllib.request.urlopen(url + "/readyz", timeout=READY_SECONDS):
            pass
    except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
        raise Failure(f"{name}: not ready: {error}") from error


class Peer:
    """A peer has a database with the peers' schema and takes its settings from the environment."""
    name = None

    def __init__(self, stores, subjects, audit=True):
        self.stores, self.subjects, self.audited = stores, subjects, audit
        self.database = f"bench_{self.name}"
        self.token, self.port, self.process = TOKEN, None, None
        self.prepare()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def groups(self):
        return {"server": [self.process.pid]}

    def query(self, sql, params=None):
        return self.stores.postgres.query(self.database, sql, params)

    def prepare(self):
        self.stores.postgres.create_database(self.database)
        with open(os.path.join(HERE, "schema_peer.sql"), encoding="utf-8") as schema:
            self.query(schema.read())
        with open(FORM, encoding="utf-8") as f:
            form = json.load(f)
        self.query("INSERT INTO sluice.studies VALUES (%s, %s)", (STUDY, hashlib.sha256(TOKEN.encode()).digest()))
        self.query("INSERT INTO sluice.subjects SELECT %s, unnest(%s::text[])", (STUDY, subject_names(self.subjects)))
        self.query("INSERT INTO sluice.questionnaires VALUES (%s, %s, %s, %s::jsonb)",
                   (STUDY, form["name"], form["version"], json.dumps(form)))

    def start(self):
        self.query("TRUNCATE sluice.submissions, sluice.audit_events")
        self.stores.redis.client().flushall()
        self.query("CHECKPOINT")
        self.port = fleet.free_port()
        env = {"PEER_LISTEN": f"127.0.0.1:{self.port}", "PEER_REDIS": self.stores.redis.socket,
               "PEER_POSTGRES": self.stores.postgres.dsn(self.database),
               "PEER_AUDIT": "yes" if self.audited else "no", **self.environment}
        self.process = fleet.Process(self.name, self.command(), self.stores.folder, env)
        self.process.start(READY_SECONDS)
        ready_check(self.name, self.url)

    def rows(self):
        return self.query("SELECT count(*) FROM sluice.submissions")[0][0]

    def audit_rows(self):
        return self.query("SELECT count(*) FROM sluice.audit_events")[0][0]

    def stop(self):
        if self.process and self.process.popen:
            stop(self.process.popen)


class Gin(Peer):
    name = "gin"
    environment = {"GIN_MODE": "release", "GOGC": "400"}

    def command(self):
        return [os.path.join(BUILD, "peer-gin")]


class Flask(Peer):
    name = "flask"
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}

    def command(self):
        folder = os.path.join(HERE, "peers", "flask")
        return ["/usr/bin/python3", "/usr/bin/gunicorn", "--chdir", folder, "--config",
                os.path.join(folder, "gunicorn.conf.py"), "--bind", f"127.0.0.1:{self.port}", "app:app"]


class Sluice:
    """Broker, edge and two workers by the system tests' fleet, each run with a journal and database of its own."""
    name = "sluice"
    audited = True  # its audit trail can't be turned off
    groups_of = {"sluice-broker": "broker", "sluice-edge": "edge", "sluice-worker": "workers"}
    # The fleet's own settings are small, for tests; here the shipped defaults.
    settings = {"broker": {"segment_bytes": "64MiB", "journal_keep_bytes": "1GiB"}}

    def __init__(self, stores, subjects, audit=True):
        self.stores, self.subjects, self.token, self.fleet = stores, subjects, TOKEN, None

    @property
    def url(self):
        return self.fleet.url

    @property
    def groups(self):
        groups = {}
        for process in self.fleet.processes.values():
            program = os.path.basename(process.argv[0])
            groups.setdefault(self.groups_of[program], []).append(process.pid)
        return groups

    def start(self):
        self.fleet = fleet.Fleet(self.stores, workers=2, edges=1, queries=0, settings=self.settings, load=False)
        self.fleet.prepare()
        self.fleet.ctl("study", "load", os.path.join(fleet.EXAMPLES, "study-NCT007.json"), "--yes")
        self.fleet.load_subjects(subject_names(self.subjects))
        self.fleet.ctl("questionnaire", "load", FORM, "--study", STUDY, "--yes")
        self.fleet.query("CHECKPOINT")
        self.fleet.start()
        ready_check(self.name, self.url)

    def rows(self):
        return self.fleet.count("submissions")

    def audit_rows(self):
        return self.fleet.query("SELECT count(*) FROM sluice.audit_events WHERE action = 'submission.stored'")[0][0]

    def stop(self):
        if self.fleet:
            self.fleet.__exit__()
            self.stores.postgres.query("postgres", f'DROP DATABASE IF EXISTS "{self.fleet.database}" WITH (FORCE)')
            self.fleet = None


SYSTEMS = {"sluice": Sluice, "gin": Gin, "flask": Flask}
