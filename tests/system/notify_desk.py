"""A notifications worker with receivers for what it sends, driven message by message; its fixtures are imported by the tests that use them."""
import base64
import json
import os
import secrets
import time
import uuid

import pytest

from fleet import BIN, Process
from receivers import Mails, Webhooks
from stores import Stores, until
from worker_rig import STUDY, Rig, pack

# Short times, so that what takes hours in the field takes seconds here.
SETTINGS = {"notify_timeout": "1s", "notify_retry_min": "100ms", "notify_retry_max": "300ms", "notify_attempts": "4",
            "statement_timeout": "500ms", "canary_interval": "0"}
KEY = secrets.token_bytes(32)


class Desk(Rig):
    """The rig with a study file that names recipients, and receivers for them."""

    def __init__(self, stores, **settings):
        self.webhooks, self.mails = Webhooks(KEY), Mails()
        super().__init__(stores, service="notifications", settings={
            **SETTINGS, "notify_secrets": ".", "smtp_url": self.mails.url, "smtp_from": "sluice@example.org", **settings})
        self._secret("hook", f"# the receiver's\nwhsec_{base64.b64encode(KEY).decode()}\n")
        self.others = []

    def __exit__(self, *how):
        for process in self.others:
            process.kill()
        super().__exit__(*how)
        self.webhooks.close()
        self.mails.close()

    def study(self, recipients=None, **members):
        """Loads the study file anew."""
        recipients = recipients if recipients is not None else {"desk": self.hook("desk")}
        members = {"recipients": recipients, "alerts": {}, "escalation": {}, **members}
        self.query("update sluice.studies set definition = definition || %s, loaded_at = clock_timestamp()"
                   " where study = %s returning 1", [json.dumps(members), STUDY])
        self.query("select pg_notify('sluice_catalog', '')")

    def hook(self, path, **more):
        return {"webhook": {"url": self.webhooks.url(path), "secretFile": "hook"}, **more}

    def alert(self, severity="warning", rule="phq9-item9", site="S01", **columns):
        """An alert as a submissions worker stores it: its id."""
        id = uuid.uuid4()
        row = {"alert_id": id, "study": STUDY, "subject_id": "SUB123", "site_id": site, "rule_id": rule,
               "severity": severity, "submission_id": uuid.uuid4(), "always": True, **columns}
        self.query(f"insert into sluice.alerts (seq, {', '.join(row)}) values ("
                   f"(pg_current_xact_id()::text::bigint << 16) | 1, {', '.join(['%s'] * len(row))}) returning 1",
                   list(row.values()))
        return id

    def alert_record(self, id, severity="warning", origin=None, **members):
        plain = {"kind": "alert", "alert_id": id.bytes, "study": STUDY, "subject": "SUB123", "rule": "phq9-item9",
                 "severity": severity, "provisional": False, "submission_id": uuid.uuid4().bytes,
                 "raised_us": time.time_ns() // 1000, **members}
        return self.record(id.bytes, self.seal("notifications", STUDY, id.bytes, pack(plain)), origin=origin)

    def raise_alert(self, severity="warning", **columns):
        id = self.alert(severity, **columns)
        assert self.deliver(self.alert_record(id, severity)) == [("stored", b"")]
        return id

    def act(self, id, action="acknowledge", user="nurse1", origin=None, **members):
        message = uuid.uuid4().bytes
        plain = {"kind": "action", "alert_id": id.bytes, "study": STUDY, "action": action,
                 "actor": {"user": user, "role": "site", "organisation": "Ward 3"},
                 "at_us": time.time_ns() // 1000, "request_id": "r", **members}
        record = self.record(message, self.seal("notifications", STUDY, message, pack(plain)), origin=origin)
        return record, self.deliver(record)[0]

    def events(self, id, *kinds):
        rows = self.query("select event, recipient, attempt, note from sluice.alert_events where alert_id = %s"
                          " order by n", [id])
        return [r for r in rows if not kinds or r[0] in kinds]

    def wait_events(self, id, n, *kinds, deadline_s=10):
        until(f"{n} events {kinds}", deadline_s, lambda: len(self.events(id, *kinds)) >= n)
        return self.events(id, *kinds)

    def another(self, name):
        """A second worker on the same database, whose broker never answers."""
        config = os.path.join(self.folder, f"{name}.conf")
        with open(self.config) as f, open(config, "w") as out:
            out.write(f.read().replace(self.endpoint, f"ipc://{self.folder}/nobody"))
        process = Process(name, [os.path.join(BIN, "sluice-worker"), "--config", config, "--service", "notifications",
                                 "--name", name], self.folder)
        self.others.append(process)
        return process.start()


@pytest.fixture(scope="module")
def stores():
    with Stores() as s:
        yield s


@pytest.fixture
def desk(stores, request):
    """A desk of its own for each test; `indirect` parameters are settings."""
    d = Desk(stores, **getattr(request, "param", {}))
    with d:
        d.pull()
        yield d


@pytest.fixture(name="desk")
def desk_of_study(stores):
    """The same for tests that all want its study file loaded, with one recipient; imported instead of desk."""
    with Desk(stores) as d:
        d.pull()
        d.study()
        yield d
