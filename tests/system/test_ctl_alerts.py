"""sluicectl alerts: listed from the database, followed and answered through the edge."""
import http.server
import json
import os
import select
import subprocess
import threading
import uuid

import pytest
from fleet import BIN, STUDY, Fleet
from stores import until

EVENT = 'id: {seq}\ndata: {{"seq":{seq},"alertId":"{id}","study":"{study}","subjectId":"SUB123",' \
        '"ruleId":"phq9-item-9","severity":"urgent","state":"open","raisedAt":"2026-11-22T08:00:00Z"}}\n\n'


@pytest.fixture(scope="module")
def fleet(stores):
    f = Fleet(stores, workers=0, edges=0, queries=0)
    try:
        f.prepare()
        yield f
    finally:
        f.__exit__()


@pytest.fixture(scope="module")
def alerts(fleet):
    """urgent and open, waiting for a minute; warning and acknowledged; a canary."""
    ids = [str(uuid.uuid4()) for _ in range(3)]
    for seq, (id, severity, state, kind, age) in enumerate(zip(
            ids, ("urgent", "warning", "info"), ("open", "acknowledged", "open"), ("clinical", "clinical", "canary"),
            ("1 min", "3 hours", "0 s")), 1):
        fleet.query("insert into sluice.alerts (alert_id, seq, study, subject_id, site_id, submission_id, rule_id,"
                    " severity, state, kind, raised_at) values (%s, %s, %s, 'SUB123', 'S01', gen_random_uuid(),"
                    " 'phq9-item-9', %s, %s, %s, now() - %s::interval)", (id, seq, STUDY, severity, state, kind, age))
        fleet.query("insert into sluice.alert_events (alert_id, event) values (%s, 'raised')", (id,))
    fleet.query("insert into sluice.alert_events (alert_id, event, actor, role, note)"
                " values (%s, 'acknowledged', 'nurse', 'site', 'called')", (ids[1],))
    return ids


def test_list(fleet, alerts):
    urgent, warning, canary = alerts

    def ids(*words):
        return [a["id"] for a in fleet.ctl_json("alerts", "list", *words)]

    (row,) = fleet.ctl_json("alerts", "list")
    assert row["id"] == urgent and row["severity"] == "urgent" and 60e6 <= row["waits_us"] < 3600e6
    assert row["rule"] == "phq9-item-9" and row["subject"] == "SUB123" and row["site"] == "S01" and row["count"] == 1
    assert ids("--state", "all") == [urgent, warning]
    assert ids("--state", "acknowledged") == [warning]
    assert ids("--state", "all", "--severity", "warning") == [warning]
    assert ids("--state", "all", "--since", "1h") == [urgent]
    assert ids("--state", "all", "--limit", "1") == [urgent]
    assert ids("--study", "NOSTUDY") == []
    assert fleet.ctl("alerts", "list", "--state", "asleep", check=False).returncode == 64
    assert fleet.ctl("alerts", "list", "--severity", "red", check=False).returncode == 64
    text = fleet.ctl("alerts", "list").stdout
    assert text.startswith("raised") and urgent in text and warning not in text
    assert fleet.ctl("alerts", "list", "--state", "closed").stdout == "no alerts\n"


def test_show(fleet, alerts):
    (row,) = fleet.ctl_json("alerts", "show", alerts[1])
    assert [(e["event"], e["actor"], e["note"]) for e in row["events"]] == [
        ("raised", None, None), ("acknowledged", "nurse", "called")]
    text = fleet.ctl("alerts", "show", alerts[1]).stdout
    assert "acknowledged" in text and "nurse" in text
    assert fleet.ctl_json("alerts", "show", alerts[2])[0]["kind"] == "canary"
    assert fleet.ctl("alerts", "show", str(uuid.uuid4()), check=False).returncode == 1
    assert fleet.ctl("alerts", "show", "7", check=False).returncode == 64


class Edge(http.server.ThreadingHTTPServer):
    """An edge's double: notes what it is asked; answers POST with the status wished, GET with pieces of a stream."""

    def __init__(self, pieces=(), status=200, body=b'{"status":"stored"}'):
        self.seen, self.pieces, self.status, self.body = [], list(pieces), status, body
        super().__init__(("127.0.0.1", 0), Handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def setting(self):
        return ("--set", f"edge_url=http://127.0.0.1:{self.server_port}/")


class Handler(http.server.BaseHTTPRequestHandler):
    def note(self, body=None):
        self.server.seen.append((self.command, self.path, dict(self.headers), body))

    def do_POST(self):
        self.note(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def do_GET(self):
        self.note()
        if not self.server.pieces:
            self.send_response(403)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(self.server.pieces.pop(0).encode())

    def log_message(self, *_):
        pass


def test_acknowledge_and_close(fleet, alerts):
    with Edge() as edge:
        would = fleet.ctl("alerts", "ack", alerts[0], "--dry-run", *edge.setting)
        assert would.stdout == f"would acknowledge 1 alert ({alerts[0]})\n" and edge.seen == []
        assert fleet.ctl("alerts", "ack", alerts[0], check=False, *edge.setting).returncode == 64
        done = fleet.ctl("alerts", "ack", alerts[0].upper(), alerts[1], "--note", "called", "--study", STUDY, "--yes",
                         *edge.setting)
        assert done.stdout == f"acknowledged alert {alerts[0]}\nacknowledged alert {alerts[1]}\n"
        (method, path, headers, body), _ = edge.seen
        assert (method, path) == ("POST", f"/api/v1/alerts/{alerts[0]}/acknowledge?study={STUDY}")
        assert headers["Authorization"].startswith("Bearer ") and body == {"note": "called"}
        fleet.ctl("alerts", "close", alerts[0], "--yes", *edge.setting)
        assert edge.seen[-1][1] == f"/api/v1/alerts/{alerts[0]}/close" and edge.seen[-1][3] == {}
        edge.status = 202
        assert "on disk" in fleet.ctl("alerts", "close", alerts[0], "--yes", *edge.setting).stdout
        for status, code in ((404, 1), (403, 1), (503, 75)):
            edge.status, edge.body = status, b'{"title":"no"}'
            done = fleet.ctl("alerts", "ack", alerts[0], "--yes", *edge.setting, check=False)
            assert done.returncode == code and str(status) in done.stdout
        assert fleet.ctl("alerts", "ack", "7", "--yes", *edge.setting, check=False).returncode == 64
    gone = fleet.ctl("alerts", "ack", alerts[0], "--yes", *edge.setting, check=False)
    assert gone.returncode == 69 and "edge" in gone.stderr


def test_follow_goes_on_where_it_was_cut(fleet, alerts):
    """Three connections: the first is cut in the middle of an event, the third is refused, which ends it."""
    event = [EVENT.format(seq=n, id=alerts[0], study=STUDY) for n in range(1, 5)]
    with Edge(pieces=[": hello\n\n" + event[0] + event[1] + event[2][:20], event[2] + event[3]]) as edge:
        done = fleet.ctl("alerts", "follow", "--json", "--study", STUDY, *edge.setting, check=False)
        assert [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [1, 2, 3, 4]
        assert done.returncode == 1 and "403" in done.stderr
        assert [(path, headers.get("Last-Event-ID")) for _, path, headers, _ in edge.seen] == [
            (f"/api/v1/alerts/stream?study={STUDY}", None), (f"/api/v1/alerts/stream?study={STUDY}", "2"),
            (f"/api/v1/alerts/stream?study={STUDY}", "4")]
        assert edge.seen[0][2]["Accept"] == "text/event-stream"
    with Edge(pieces=[event[0].replace("SUB123", "SUB\\u001b[31m")]) as edge:
        done = fleet.ctl("alerts", "follow", "--after", "7", *edge.setting, check=False)
        assert "urgent" in done.stdout and "phq9-item-9" in done.stdout and "\x1b" not in done.stdout
        assert edge.seen[0][2]["Last-Event-ID"] == "7"
    nobody = fleet.ctl("alerts", "follow", *edge.setting, check=False)
    assert nobody.returncode == 69


def test_follow_ends_with_its_reader(fleet, alerts):
    """sluicectl alerts follow | head: a closed pipe ends it."""
    with Edge(pieces=[EVENT.format(seq=1, id=alerts[0], study=STUDY)] * 10) as edge:
        argv = [os.path.join(BIN, "sluicectl"), "--config", fleet.config, "alerts", "follow", "--json", *edge.setting]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert json.loads(process.stdout.readline())["seq"] == 1
            process.stdout.close()
            assert process.wait(30) != 0


NURSE = "nurse-token-" + "0" * 22


class Whole(Fleet):
    """With a token of a nurse."""

    def write_secret(self, name, text):
        return super().write_secret(name, text + (f"{NURSE} {STUDY} role=site user=nurse\n" if name == "tokens" else ""))


def test_over_the_whole_fleet(stores, monkeypatch):
    """A PHQ-9 with item 9 above 0: the alert is followed, listed, acknowledged, and its history says who did."""
    monkeypatch.setenv("SLUICE_TOKEN", NURSE)
    with Whole(stores, workers=1, queries=1, notifications=1) as fleet:
        argv = [os.path.join(BIN, "sluicectl"), "--config", fleet.config, "alerts", "follow", "--after", "0", "--json"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as follower:
            try:
                answers = {f"PHQ01{n:02}": 0 for n in range(1, 9)} | {"PHQ0109": 2, "PHQ0111": 2}
                answer = fleet.post(answers, questionnaire="phq-9", headers={"Prefer": "wait=20"})
                assert answer.status == 201, answer.body
                assert select.select([follower.stdout], [], [], 10)[0]
                told = json.loads(follower.stdout.readline())
            finally:
                follower.kill()
        (row,) = fleet.ctl_json("alerts", "list")
        assert row["rule"] == told["ruleId"] == "phq9-item-9" and row["severity"] == "urgent"
        assert row["id"] == told["alertId"] and row["seq"] == told["seq"] and row["subject"] == "SUB123"
        fleet.ctl("alerts", "ack", row["id"], "--note", "called", "--yes")

        def history():
            return fleet.ctl_json("alerts", "show", row["id"])[0]["events"]

        until("the acknowledgement", 10, lambda: history()[-1]["event"] == "acknowledged")
        assert [(e["event"], e["actor"], e["role"], e["note"]) for e in history()][-1] == (
            "acknowledged", "nurse", "site", "called")
        assert fleet.ctl_json("alerts", "list") == []
        fleet.ctl("alerts", "close", row["id"], "--yes")
        until("it to be closed", 10, lambda: fleet.ctl_json("alerts", "list", "--state", "closed"))
        fleet.reconcile()
