"""A migrated database and the store's driver (tests/unit/store/driver.c), without a fleet."""
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import uuid

from fleet import BIN, EXAMPLES, QUESTIONNAIRES, STUDY

DRIVER = os.path.join(os.path.dirname(BIN), "tests", "store-driver")


class Record:
    """query() is the superuser's; driver() runs the store's own statements as a role."""

    def __init__(self, stores, subjects=("SUB123",)):
        self.stores, self.database = stores, "r" + uuid.uuid4().hex[:12]
        self.folder = tempfile.mkdtemp(prefix="slrr-", dir="/tmp")
        self.drivers = []
        self.audit_keys = self.secret("audit.keys", f"1 {secrets.token_hex(32)}\n")
        self.wrap_keys = self.secret("wrap.keys", f"1 {secrets.token_hex(32)}\n")
        self.config = os.path.join(self.folder, "sluice.conf")
        with open(self.config, "w") as f:
            f.write(f'ctl\n    postgres = "{stores.postgres.dsn(self.database)}"\n'
                    f'    audit_key_file = "{self.audit_keys}"\n    wrap_key_file = "{self.wrap_keys}"\n'
                    f'    journal_dir = "{self.folder}/journal"\n')
        stores.postgres.create_database(self.database)
        self.ctl("db", "migrate", "--yes")
        self.ctl("study", "load", f"{EXAMPLES}/study-NCT007.json", "--yes")
        with open(f"{self.folder}/subjects.json", "w") as f:
            json.dump({"study": STUDY, "subjects": list(subjects)}, f)
        self.ctl("subject", "load", f"{self.folder}/subjects.json", "--yes")
        self.ctl("questionnaire", "load", f"{QUESTIONNAIRES}/daily-diary.json", "--yes")
        # What the loading itself left in the trail is not what the tests count.
        self.query("set session_replication_role = replica; delete from sluice.audit_events")

    def secret(self, name, text):
        path = os.path.join(self.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
            f.write(text)
        return path

    def __enter__(self):
        return self

    def drivers_end(self):
        for d in self.drivers:
            d.stdin.close()
            d.wait(timeout=10)
        self.drivers.clear()

    def __exit__(self, *_):
        self.drivers_end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, *args, check=True, stdin=None):
        done = subprocess.run([os.path.join(BIN, "sluicectl"), "--config", self.config, *args], input=stdin,
                              capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"sluicectl {args}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def ctl_json(self, *args, check=True):
        return [json.loads(line) for line in self.ctl(*args, "--json", check=check).stdout.splitlines()]

    def query(self, sql, params=None):
        return self.stores.postgres.query(self.database, sql, params)

    def driver(self, role="sluice_worker"):
        process = subprocess.Popen([DRIVER, self.stores.postgres.dsn(self.database, role), self.audit_keys,
                                    self.wrap_keys], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.drivers.append(process)

        def run(do, **command):
            process.stdin.write(json.dumps({"do": do, **command}) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        return run

    def submission(self, answers, subject="SUB123", id=None, **columns):
        """A row as a worker would store it, without a worker."""
        values = {"study": STUDY, "submission_id": id or uuid.uuid4(), "subject_id": subject,
                  "questionnaire": "daily-diary", "version": "1.0", "answers": json.dumps(answers),
                  "authored_at": "2026-11-22T07:00:00Z", "received_at": "2026-11-22T07:00:01Z",
                  "accepted_at": "2026-11-22T07:00:01Z", "content_hash": b"h" * 32, "hash_key": 1,
                  "broker": uuid.uuid4(), "epoch": 1, "seq": 1, **columns}
        names = ", ".join(values)
        self.query(f"insert into sluice.submissions ({names}) values ({', '.join(['%s'] * len(values))})",
                   list(values.values()))
        return str(values["submission_id"])
