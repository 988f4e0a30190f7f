"""The service "notifications" under a broker's double, against real receivers."""
import base64
import json
import os
import re
import threading
import time
import uuid

import pytest

from lone_broker import LoneBroker
from notify_desk import KEY, Desk, desk, stores  # noqa: F401 (fixtures)
from receivers import closed_port
from stores import until
from worker_rig import EXAMPLES, STUDY


def test_an_alert_goes_out_signed_and_says_ids_only(desk):
    desk.study({"desk": {**desk.hook("desk"), "email": "nurse@example.org"}})
    id = desk.raise_alert("urgent")
    (request,), (mail,) = desk.webhooks.wait("desk"), desk.mails.wait()
    assert request["good"]
    assert request["body"]["type"] == "alert.raised"
    assert set(request["body"]["data"]) == {"alertId", "study", "subjectId", "submissionId", "severity", "provisional"}
    assert request["body"]["data"]["alertId"] == str(id) and request["body"]["data"]["severity"] == "urgent"
    assert mail["to"] == ["nurse@example.org"] and mail["from"] == "sluice@example.org"
    assert str(id) in mail["text"] and "SUB123" not in mail["text"]
    for text in (request["raw"].decode(), mail["text"]):
        assert "phq9" not in text and "item9" not in text
    delivered = desk.wait_events(id, 2, "delivered")
    assert sorted(d[1:3] for d in delivered) == [("desk", 1), ("desk", 1)]
    # Neither addresses nor secrets nor the subject in the log.
    log = open(desk.process.log).read()
    for word in ("example.org", "SUB123", str(desk.webhooks.port), "whsec_", "nurse"):
        assert word not in log, word


def test_a_study_file_as_sluicectl_loads_it(desk):
    with open(f"{EXAMPLES}/study-NCT007.json") as f:
        file = json.load(f)
    file["recipients"] = {"desk": desk.hook("desk", sites=["S01"], roles=["site"]), "ops": desk.hook("ops", roles=["operator"]),
                          "watch": desk.hook("watch", roles=["canary"])}
    file["escalation"] = {"urgent": "1s", "contacts": ["ops"]}
    path = os.path.join(desk.folder, "study.json")
    with open(path, "w") as f:
        json.dump(file, f)
    desk.ctl("study", "load", path, "--yes")
    id = desk.raise_alert("urgent")
    desk.wait_events(id, 2, "delivered")
    assert [e[:2] for e in desk.events(id)] == [("delivered", "desk"), ("escalated", "ops"), ("delivered", "ops")]


def test_the_same_message_again_delivers_once(desk):
    desk.study()
    id = desk.alert()
    first = desk.alert_record(id)
    assert desk.deliver(first) == [("stored", b"")]
    desk.webhooks.wait("desk")
    assert desk.deliver(first) == [("stored", b"")]  # the report was lost
    assert desk.deliver(desk.alert_record(id)) == [("stored", b"")]  # the submission was redone elsewhere
    other = desk.raise_alert()  # whatever would have come has come before this one
    assert [r["body"]["data"]["alertId"] for r in desk.webhooks.wait("desk", 2)] == [str(id), str(other)]
    assert desk.query("select count(*) from sluice.origins where broker = %s and kind = 'stored'",
                      [desk.broker])[0][0] == 3


def test_what_fails_is_tried_again_with_the_same_id(desk):
    desk.study()
    desk.webhooks.steps["desk"] = [500, 503, 200]
    id = desk.raise_alert()
    requests = desk.webhooks.wait("desk", 3)
    assert len({r["id"] for r in requests}) == 1 and all(r["good"] for r in requests)
    assert len({r["raw"] for r in requests}) == 1
    desk.wait_events(id, 1, "delivered")
    assert desk.events(id) == [("failed", "desk", 1, "http 500"), ("failed", "desk", 2, "http 503"),
                               ("delivered", "desk", 3, "http 200")]


def test_attempts_are_bounded_when_nobody_listens(desk):
    desk.study({"gone": {"webhook": {"url": f"http://127.0.0.1:{closed_port()}/", "secretFile": "hook"}}})
    id = desk.raise_alert()
    assert desk.wait_events(id, 4, "failed") == [("failed", "gone", n, "no connection") for n in (1, 2, 3, 4)]
    until("the delivery to be given up", 5, lambda: desk.query(
        "select state from sluice.alert_deliveries where alert_id = %s", [id]) == [("failed",)])
    assert "alert-undelivered" in open(desk.process.log).read()


@pytest.mark.parametrize("desk", [{"smtp_url": "", "notify_retry_max": "500ms"}], indirect=True)
def test_what_can_not_work_is_said_at_once_and_works_once_it_is_mended(desk):
    desk.study({"desk": {"webhook": {"url": desk.webhooks.url("desk"), "secretFile": "later"}},
                "mail": {"email": "a@example.org"}})
    id = desk.raise_alert()
    assert desk.wait_events(id, 2, "failed")[:2] == [("failed", "desk", 1, "secret file can't be used"),
                                                     ("failed", "mail", 1, "no smtp_url or smtp_from")]
    log = open(desk.process.log).read()
    assert "event=recipient-bad study=NCT007 recipient=desk" in log
    assert "event=recipient-bad study=NCT007 recipient=mail" in log
    desk._secret("later", f"whsec_{base64.b64encode(KEY).decode()}\n")
    assert desk.webhooks.wait("desk")[0]["good"]
    os.chmod(f"{desk.folder}/later", 0o644)  # others could read it: not used any more
    desk.wait_events(desk.raise_alert(), 2, "failed")
    assert len(desk.webhooks.got("desk")) == 1


def test_a_final_answer_is_not_asked_again(desk):
    desk.study()
    desk.webhooks.steps["desk"] = [400]
    id = desk.raise_alert()
    assert desk.wait_events(id, 1, "failed") == [("failed", "desk", 1, "http 400")]
    assert desk.query("select state from sluice.alert_deliveries where alert_id = %s", [id]) == [("failed",)]


def test_gone_turns_a_recipient_off_until_the_study_file_is_loaded(desk):
    desk.study({"desk": desk.hook("desk"), "other": desk.hook("other")})
    desk.webhooks.steps["desk"] = [410, 200]
    desk.wait_events(desk.raise_alert(), 1, "failed")
    second = desk.raise_alert()
    desk.wait_events(second, 2)
    assert ("failed", "desk", 1, "recipient wants no more") in desk.events(second)
    assert len(desk.webhooks.got("desk")) == 1 and len(desk.webhooks.wait("other", 2)) == 2
    desk.study({"desk": desk.hook("desk"), "other": desk.hook("other")})
    desk.raise_alert()
    assert len(desk.webhooks.wait("desk", 2)) == 2


@pytest.mark.parametrize("desk", [{"notify_retry_min": "1h", "notify_retry_max": "1h"}], indirect=True)
def test_what_waits_for_a_recipient_that_was_taken_out_is_given_up(desk):
    desk.study({"desk": desk.hook("desk"), "other": {**desk.hook("other"), "email": "a@example.org"}})
    desk.webhooks.steps["desk"] = desk.webhooks.steps["other"] = [503]
    id = desk.raise_alert()
    desk.wait_events(id, 2, "failed")
    desk.study({"other": {"email": "a@example.org"}})
    desk.wait_events(id, 4, "failed")
    assert sorted(e for e in desk.events(id, "failed") if e[3] != "http 503") == \
        [("failed", "desk", 1, "not in the study file"), ("failed", "other", 1, "not in the study file")]
    assert desk.query("select distinct state from sluice.alert_deliveries where channel = 'webhook'") == [("failed",)]


def test_a_mail_that_is_refused_for_now_and_for_ever(desk):
    desk.study({"mail": {"email": "a@example.org"}})
    desk.mails.replies = ["451 later", "250 ok", "550 no such user"]
    first = desk.raise_alert()
    desk.wait_events(first, 2)
    assert [e[::3] for e in desk.events(first)] == [("failed", "smtp 451"), ("delivered", "smtp 250")]
    second = desk.raise_alert()
    assert desk.wait_events(second, 1, "failed")[0][3] == "smtp 550"
    assert len(desk.mails.got()) == 1


@pytest.mark.parametrize("desk", [{"notify_in_flight": "16", "notify_per_recipient": "4", "notify_timeout": "3s"}],
                         indirect=True)
def test_a_slow_recipient_holds_up_nobody_else(desk):
    release = threading.Event()
    desk.study({"slow": desk.hook("slow"), "fast": desk.hook("fast")})
    desk.webhooks.steps["slow"] = [lambda _: release.wait(20) and 200]
    try:
        records = [desk.alert_record(desk.alert()) for _ in range(40)]
        begin = time.monotonic()
        assert {outcome for outcome, _ in desk.deliver(*records)} == {"stored"}
        desk.webhooks.wait("fast", 40)
        assert time.monotonic() - begin < 2.5, "the fast one waited for the slow one"
        assert len(desk.webhooks.got("slow")) == 4, "as many at once as one recipient may have"
    finally:
        release.set()
    desk.webhooks.wait("slow", 40)


def test_retry_after_is_heard(desk):
    desk.study()
    desk.webhooks.headers["desk"] = {"Retry-After": "1"}
    desk.webhooks.steps["desk"] = [429, 200]
    desk.raise_alert()
    first, second = desk.webhooks.wait("desk", 2)
    assert second["at"] - first["at"] >= 0.28  # notify_retry_max bounds it; without it: 0.05 to 0.1 s


def test_killed_in_the_middle_it_delivers_the_same_id_again(desk):
    release = threading.Event()
    desk.study()
    desk.webhooks.steps["desk"] = [lambda _: release.wait(20) and 200, 200]
    try:
        id = desk.raise_alert()
        desk.webhooks.wait("desk")
        desk.process.kill()
        desk.process.start()
        first, second = desk.webhooks.wait("desk", 2, deadline_s=15)
    finally:
        release.set()
    assert first["id"] == second["id"] and second["good"] and first["raw"] == second["raw"]
    desk.wait_events(id, 1, "delivered")
    assert desk.events(id) == [("failed", "desk", 1, "interrupted"), ("delivered", "desk", 2, "http 200")]


def test_told_to_end_it_lets_what_is_out_come_in(desk):
    entered, release = threading.Event(), threading.Event()
    desk.study()
    desk.webhooks.steps["desk"] = [lambda _: (entered.set(), release.wait(20)) and 200]
    id = desk.raise_alert()
    assert entered.wait(10)
    desk.process.popen.terminate()
    until("the drain", 5, lambda: "draining" in open(desk.process.log).read())
    release.set()
    assert desk.process.popen.wait(10) == 0
    assert desk.events(id) == [("delivered", "desk", 1, "http 200")]


def test_nobody_answers_so_the_next_contact_hears(desk):
    desk.study({"desk": desk.hook("desk"), "doctor": desk.hook("doctor"), "sponsor": desk.hook("sponsor")},
               alerts={"phq9-item9": {"recipients": ["desk"]}},
               escalation={"urgent": "300ms", "contacts": ["doctor", "sponsor"]})
    id = desk.raise_alert("urgent")
    (a,), (b,) = desk.webhooks.wait("doctor"), desk.webhooks.wait("sponsor")
    assert a["body"]["type"] == b["body"]["type"] == "alert.escalated" and a["at"] < b["at"]
    until("the end of contacts", 10, lambda: ("failed", None, 2, "no contact left") in desk.events(id))
    assert desk.events(id, "escalated") == [("escalated", "doctor", 1, None), ("escalated", "sponsor", 2, None)]
    assert len(desk.webhooks.got("desk")) == 1


def test_an_acknowledged_alert_is_not_escalated(desk):
    desk.study({"desk": desk.hook("desk"), "doctor": desk.hook("doctor")},
               alerts={"phq9-item9": {"recipients": ["desk"]}},
               escalation={"urgent": "700ms", "contacts": ["doctor"]})
    id = desk.raise_alert("urgent")
    record, (outcome, payload) = desk.act(id, note="called her")
    assert (outcome, payload) == ("stored", {"state": "acknowledged"})
    other = desk.raise_alert("urgent")  # later, so its escalation shows that the first one's time is over
    desk.wait_events(other, 1, "escalated")
    assert desk.events(id, "escalated") == []
    assert [r["body"]["data"]["alertId"] for r in desk.webhooks.wait("doctor")] == [str(other)]
    rows = desk.query("select actor, role, organisation, note from sluice.alert_events where alert_id = %s and"
                      " event = 'acknowledged'", [id])
    assert rows == [("nurse1", "site", "Ward 3", "called her")]


def test_acts_are_recorded_once_and_never_go_back(desk):
    desk.study()
    id = desk.raise_alert()
    record, _ = desk.act(id)
    assert desk.deliver(record) == [("stored", {"state": "acknowledged"})]  # the report was lost
    for _ in range(2):  # the edge sent it twice
        assert desk.act(id, user="nurse2", at_us=1795334400_000000)[1] == ("stored", {"state": "acknowledged"})
    assert desk.act(id, "close")[1] == ("stored", {"state": "closed"})
    assert desk.act(id, "acknowledge", user="late")[1] == ("stored", {"state": "closed"})
    assert desk.query("select state from sluice.alerts where alert_id = %s", [id]) == [("closed",)]
    actors = desk.query("select event, actor from sluice.alert_events where alert_id = %s and actor is not null"
                        " order by n", [id])
    assert actors == [("acknowledged", "nurse1"), ("acknowledged", "nurse2"), ("closed", "nurse1"),
                      ("acknowledged", "late")]


def test_an_alert_of_nobody_or_of_another_study_is_unknown(desk):
    foreign = desk.alert(study="NCT999")
    for id in (uuid.uuid4(), foreign):
        outcome, payload = desk.act(id)[1]
        assert outcome == "rejected" and payload["http"] == 404 and payload["rule"] == "unknown-alert"
    assert desk.query("select state from sluice.alerts where alert_id = %s", [foreign]) == [("open",)]
    assert desk.query("select count(*) from sluice.origins where kind = 'rejected'")[0][0] == 2


def test_what_can_not_be_read_is_dead_and_costs_its_own_message_only(desk):
    desk.study()
    id, bad = desk.alert(), uuid.uuid4().bytes
    records = [desk.alert_record(id),
               desk.record(bad, b"\1\0\0\0" + b"not what the key sealed" * 5)]
    for members in ({"severity": "high"}, {"alert_id": b"short"}, {"kind": "other"}, {"study": "NCT999"},
                    {"rule": "with\0zero"}, {"raised_us": None}):
        records.append(desk.alert_record(uuid.uuid4(), **members))
    assert [o for o, _ in desk.deliver(*records)] == ["stored"] + ["dead"] * 7
    desk.webhooks.wait("desk")


def test_only_the_sites_recipients_hear_unless_nobody_would(desk):
    desk.study({"one": desk.hook("one", sites=["S01"]), "two": desk.hook("two", sites=["S02"]),
                "chief": desk.hook("chief", roles=["investigator"])},
               alerts={"bp": {"recipients": ["investigator"]}, "odd": {"recipients": ["two"]}})
    first = desk.raise_alert(site="S01")
    desk.wait_events(first, 2, "delivered")
    assert {e[1] for e in desk.events(first)} == {"one", "chief"}
    by_role = desk.raise_alert(rule="bp")
    desk.wait_events(by_role, 1, "delivered")
    assert {e[1] for e in desk.events(by_role)} == {"chief"}
    fallback = desk.raise_alert(rule="odd", site="S01")  # its only recipient serves another site
    desk.wait_events(fallback, 3, "delivered")
    assert {e[1] for e in desk.events(fallback)} == {"one", "two", "chief"}
    named = desk.raise_alert(site="S01", recipients=["two", "one"])  # the row's own list wins
    desk.wait_events(named, 1, "delivered")
    assert {e[1] for e in desk.events(named)} == {"one"}


def test_alerts_that_reach_nobody_are_said_once(desk):
    desk.study({})
    for _ in range(3):
        desk.raise_alert("urgent")
    assert open(desk.process.log).read().count("event=alert-unheard") == 1
    assert desk.query("select count(*) from sluice.alert_escalations")[0][0] == 0


def test_two_workers_escalate_and_deliver_once(desk):
    desk.study({"desk": desk.hook("desk"), "doctor": desk.hook("doctor")},
               alerts={"phq9-item9": {"recipients": ["desk"]}},
               escalation={"urgent": "400ms", "contacts": ["doctor"]})
    desk.another("w2")
    ids = [desk.alert("urgent") for _ in range(40)]
    assert {o for o, _ in desk.deliver(*[desk.alert_record(i, "urgent") for i in ids])} == {"stored"}
    requests = desk.webhooks.wait("doctor", 40)
    until("the end of all contacts", 10, lambda: desk.query(
        "select count(*) from sluice.alert_escalations where due_at is null")[0][0] == 40)
    assert desk.query("select alert_id from sluice.alert_events where event = 'escalated' group by alert_id"
                      " having count(*) <> 1") == []
    requests = desk.webhooks.got("doctor")
    assert len(requests) == 40 and len({r["id"] for r in requests}) == 40
    assert len(desk.webhooks.wait("desk", 40)) == 40
    log = open(desk.process.log).read() + open(desk.others[0].log).read()
    assert sum(int(n) for n in re.findall(r"event=alert-escalated alerts=(\d+)", log)) == 40


def test_what_fell_due_while_no_worker_ran_is_escalated_at_the_start(desk):
    desk.study({"desk": desk.hook("desk"), "doctor": desk.hook("doctor")},
               alerts={"phq9-item9": {"recipients": ["desk"]}},
               escalation={"urgent": "1s", "contacts": ["doctor"]})
    id = desk.raise_alert("urgent")
    desk.wait_events(id, 1, "delivered")
    desk.process.kill()
    until("the limit", 5, lambda: desk.query(
        "select 1 from sluice.alert_escalations where due_at < now()") == [(1,)])
    assert desk.events(id, "escalated") == []
    desk.process.start()
    assert len(desk.webhooks.wait("doctor")) == 1


def test_another_worker_takes_over_when_the_planner_is_gone(desk):
    desk.study({"desk": desk.hook("desk"), "doctor": desk.hook("doctor")},
               alerts={"phq9-item9": {"recipients": ["desk"]}},
               escalation={"urgent": "1s", "contacts": ["doctor"]})
    desk.another("w2")
    id = desk.raise_alert("urgent")
    desk.wait_events(id, 1, "delivered")
    desk.process.kill()
    assert len(desk.webhooks.wait("doctor", deadline_s=5)) == 1, "told by PostgreSQL, not by a poll"


def test_the_worker_outlives_postgres(desk, stores):
    desk.study()
    stores.postgres.kill()
    stores.postgres.start()
    until("PostgreSQL", 20, lambda: desk.query("select 1"))
    id = desk.alert()
    until("a delivery", 20, lambda: desk.deliver(desk.alert_record(id)) == [("stored", b"")])
    desk.webhooks.wait("desk")


@pytest.mark.parametrize("desk", [{"canary_interval": "1s"}], indirect=True)
def test_the_canary_comes_by_itself_and_is_measured(desk):
    desk.study({"desk": desk.hook("desk"), "watch": desk.hook("watch", roles=["canary"])})
    desk.another("w2")
    requests = desk.webhooks.wait("watch", 3)
    assert all(r["good"] and r["body"]["type"] == "alert.canary" for r in requests)
    assert len({r["body"]["data"]["alertId"] for r in requests}) == 3, "one a second, not one a worker"
    assert desk.webhooks.got("desk") == []
    until("the log", 5, lambda: "event=canary-delivered latency_ms=" in
          open(desk.process.log).read() + open(desk.others[0].log).read())
    latency, = desk.query("select max(latency_s) from sluice.alert_latency where kind = 'canary' and recipient = 'watch'")
    assert 0 < latency[0] < 2
    assert desk.query("select distinct state from sluice.alerts a where kind = 'canary' and exists"
                      " (select from sluice.alert_latency l where l.alert_id = a.alert_id)") == [("closed",)]


@pytest.mark.parametrize("desk", [{"canary_interval": "1s"}], indirect=True)
def test_a_canary_that_does_not_arrive_is_cried_about(desk):
    desk.study({"watch": desk.hook("watch", roles=["canary"])})
    desk.webhooks.steps["watch"] = [503]
    until("the cry", 10, lambda: re.search(r"event=canary-late canaries=\d", open(desk.process.log).read()))


def test_the_canary_goes_the_way_of_a_real_alert(stores):
    """Through a broker's journal and another worker's hands."""
    with LoneBroker() as broker, Desk(stores, broker_endpoints=broker.worker_endpoint, canary_interval="1s",
                                      client_endpoints=broker.client_endpoint) as desk:
        desk.study({"watch": desk.hook("watch", roles=["canary"])})
        requests = desk.webhooks.wait("watch", 3)
        assert len({r["body"]["data"]["alertId"] for r in requests}) == 3
        admin = broker.admin()
        until("the ledger", 5, lambda: admin.rows("ledger")[0]["stored"] >= 3)
        # What the broker counts as stored, the books find in the database.
        row = until("a quiet moment", 5, lambda: next((r for r in admin.rows("ledger") if r["live"] == 0), None))
        assert desk.query("select count(*) from sluice.origins where kind = 'stored'")[0][0] >= row["stored"]
        # No broker takes the next ones: they are missed, and that is cried about.
        broker.popen.kill()
        until("the cry", 10, lambda: "event=canary-late" in open(desk.process.log).read())


def test_a_dead_letter_becomes_an_alert_once(stores):
    with LoneBroker() as broker, Desk(stores, broker_endpoints=broker.worker_endpoint,
                                      dead_letter_interval="200ms") as desk:
        desk.study({"desk": desk.hook("desk"), "ops": desk.hook("ops", roles=["operator"])})
        worker, client = broker.worker("submissions"), broker.client()
        parked = park(worker, client)
        request, = desk.webhooks.wait("ops")
        assert request["body"]["type"] == "alert.unevaluated"
        assert request["body"]["data"]["submissionId"] == str(uuid.UUID(bytes=parked))
        desk.process.kill()
        desk.process.start()  # knows nothing any more, and tells it once all the same
        second = park(worker, client)
        ids = [r["body"]["data"]["submissionId"] for r in desk.webhooks.wait("ops", 2)]
        assert ids == [str(uuid.UUID(bytes=i)) for i in (parked, second)]
        assert desk.webhooks.got("desk") == []
        rows = desk.query("select kind, severity, subject_id from sluice.alerts order by raised_at")
        assert rows == [("unevaluated", "urgent", None)] * 2


def park(worker, client):
    """One message of the submissions service, reported dead."""
    id = uuid.uuid4().bytes
    client.submit(b"sealed", service="submissions", scope=STUDY, id=id)
    worker.pull(1)
    r, = worker.take()
    worker.report(worker.lease, [(r.origin, "dead")])
    return id
