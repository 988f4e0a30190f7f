"""The systems compared: how each is prepared, started, counted and stopped. A measurement calls start(),
reads url, token, groups (the system's own processes by name) and rows(), and calls stop(). Every start
begins with empty tables, an empty Redis and a finished checkpoint."""
import hashlib
import json
import os
import urllib.error
import urllib.request

import fleet  # tests/system

from processes import start, stop, until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "bench")
FORM = os.path.join(HERE, "forms", "daily-diary.json")
STUDY, TOKEN = fleet.STUDY, fleet.TOKEN


def subject_names(count):
    return [f"S{n:06d}" for n in range(1, count + 1)]


def answers(url):
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


class Peer:
    """A peer has a database with the peers' schema and takes its settings from the environment."""
    name = None

    def __init__(self, stores, subjects):
        self.stores, self.subjects = stores, subjects
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
        self.query("TRUNCATE sluice.submissions")
        self.stores.redis.client().flushall()
        self.query("CHECKPOINT")
        self.port = fleet.free_port()
        env = {"PEER_LISTEN": f"127.0.0.1:{self.port}", "PEER_REDIS": self.stores.redis.socket,
               "PEER_POSTGRES": self.stores.postgres.dsn(self.database), **self.environment}
        self.process = start(self.command(), os.path.join(BUILD, f"{self.name}.log"), env, self.folder)
        until(f"{self.name} (its log is in {BUILD})", lambda: answers(self.url + "/readyz"), self.process)

    def rows(self):
        return self.query("SELECT count(*) FROM sluice.submissions")[0][0]

    def stop(self):
        if self.process:
            stop(self.process)


class Gin(Peer):
    name = "gin"
    folder = None
    environment = {"GIN_MODE": "release", "GOGC": "400"}

    def command(self):
        return [os.path.join(BUILD, "peer-gin")]


class Flask(Peer):
    name = "flask"
    folder = os.path.join(HERE, "peers", "flask")
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}

    def command(self):
        return ["/usr/bin/python3", "/usr/bin/gunicorn", "--config", "gunicorn.conf.py",
                "--bind", f"127.0.0.1:{self.port}", "app:app"]


class Sluice:
    """Broker, edge and two workers by the system tests' fleet, each run with a journal and database of its own."""
    name = "sluice"
    groups_of = {"sluice-broker": "broker", "sluice-edge": "edge", "sluice-worker": "workers"}
    # The fleet's own settings are small, for tests; here the shipped defaults.
    settings = {"broker": {"segment_bytes": "64MiB", "journal_keep_bytes": "1GiB"}}

    def __init__(self, stores, subjects):
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
        until("sluice", lambda: answers(self.url + "/readyz"), self.fleet["edge1"].popen)

    def rows(self):
        return self.fleet.count("submissions")

    def stop(self):
        if self.fleet:
            self.fleet.__exit__()
            self.stores.postgres.query("postgres", f'DROP DATABASE IF EXISTS "{self.fleet.database}" WITH (FORCE)')
            self.fleet = None


SYSTEMS = {"sluice": Sluice, "gin": Gin, "flask": Flask}
