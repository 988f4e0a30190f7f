"""What is raised, counted, raised again and confirmed: the store's own statement on a real PostgreSQL."""
import concurrent.futures
import uuid

import pytest
from fleet import STUDY
from record_rig import Record


@pytest.fixture(scope="module")
def record(stores):
    with Record(stores) as r:
        yield r


@pytest.fixture()
def raise_alert(record):
    run = record.driver()

    def one(rule="r1", subject=None, severity="warning", **more):
        row = {"id": str(uuid.uuid4()), "study": STUDY, "subject": subject, "rule": rule, "severity": severity,
               "submission": str(uuid.uuid4()), "revision": 1, **more}
        answer = run("alerts", alerts=[row])
        assert answer["outcome"] == 0, answer
        return answer["alerts"][0]

    one.run = run
    return one


def rows(record, subject):
    return record.query("select alert_id::text, severity, state, count, provisional from sluice.alerts"
                        " where subject_id = %s order by raised_at, severity", [subject])


def events(record, id):
    return [e for e, in record.query("select event from sluice.alert_events where alert_id = %s order by n", [id])]


def test_while_open_the_next_is_counted(record, raise_alert):
    first = raise_alert(subject="A", measure="3")
    again = raise_alert(subject="A", measure="3")
    assert first["raised"] and not again["raised"] and again["counted"]
    assert [r[3] for r in rows(record, "A")] == [2]
    assert events(record, first["id"]) == ["raised", "counted"]
    other_rule, other_subject = raise_alert(subject="A", rule="r2"), raise_alert(subject="A2")
    assert other_rule["raised"] and other_subject["raised"]


def test_worse_is_raised_again_and_milder_is_not(record, raise_alert):
    assert raise_alert(subject="B", measure="3")["raised"]
    assert raise_alert(subject="B", measure="4")["raised"]
    assert not raise_alert(subject="B", measure="2")["raised"]
    assert raise_alert(subject="B", measure="1", severity="urgent")["raised"]
    assert not raise_alert(subject="B", measure="9", severity="warning")["raised"]
    assert sorted(r[3] for r in rows(record, "B")) == [1, 2, 2]


def test_lower_may_be_worse(record, raise_alert):
    assert raise_alert(subject="L", measure="3.0", lowerIsWorse=True)["raised"]
    assert not raise_alert(subject="L", measure="3.5", lowerIsWorse=True)["raised"]
    assert raise_alert(subject="L", measure="-1", lowerIsWorse=True)["raised"]
    assert not raise_alert(subject="L", measure="2", lowerIsWorse=True)["raised"]


def test_always_is_raised_each_time(record, raise_alert):
    assert all(raise_alert(subject="C", always=True, severity="urgent")["raised"] for _ in range(3))
    assert len(rows(record, "C")) == 3


def test_acknowledged_ones_do_not_swallow_the_next_unless_suppressing(record, raise_alert):
    plain, held = raise_alert(subject="D"), raise_alert(subject="D", rule="slow", suppress_s=3600)
    record.query("update sluice.alerts set state = 'acknowledged' where alert_id = any(%s::uuid[])",
                 [[plain["id"], held["id"]]])
    assert raise_alert(subject="D")["raised"]
    assert not raise_alert(subject="D", rule="slow")["raised"]
    record.query("update sluice.alerts set suppress_until = now() - interval '1 s' where alert_id = %s", [held["id"]])
    assert raise_alert(subject="D", rule="slow")["raised"]


def test_the_same_evaluation_twice_is_one(record, raise_alert):
    row = {"id": str(uuid.uuid4()), "submission": str(uuid.uuid4())}
    assert raise_alert(subject="E", **row)["raised"]
    again = raise_alert(subject="E", **row)
    assert not again["raised"] and [r[3] for r in rows(record, "E")] == [1]


def test_a_provisional_one_is_confirmed_by_the_stored_form(record, raise_alert):
    row = {"id": str(uuid.uuid4()), "submission": str(uuid.uuid4())}
    assert raise_alert(subject="F", provisional=True, **row)["raised"]
    assert [r[4] for r in rows(record, "F")] == [True]
    assert not raise_alert(subject="F", **row)["raised"]
    assert [(r[3], r[4]) for r in rows(record, "F")] == [(1, False)]
    assert events(record, row["id"]) == ["raised", "confirmed"]


def test_of_one_statement_the_worst_is_raised_and_the_rest_counted(record, raise_alert):
    batch = [{"id": str(uuid.uuid4()), "study": STUDY, "subject": "G", "rule": "r", "severity": s, "revision": 1,
              "submission": str(uuid.uuid4()), "measure": m}
             for s, m in (("info", "1"), ("urgent", "5"), ("urgent", "4"), ("warning", "2"))]
    answer = raise_alert.run("alerts", alerts=batch)
    assert answer["outcome"] == 0
    assert sorted((a["id"], a["raised"], a["counted"]) for a in answer["alerts"]) == sorted(
        (b["id"], b["measure"] == "5", b["measure"] != "5") for b in batch)
    assert [(r[1], r[3]) for r in rows(record, "G")] == [("urgent", 4)]


def test_a_correction_links_the_alert_it_replaces(record, raise_alert):
    submission = str(uuid.uuid4())
    first = raise_alert(subject="H", submission=submission, always=True)
    second = raise_alert(subject="H", submission=submission, always=True, revision=2)
    assert record.query("select supersedes::text from sluice.alerts where alert_id = %s", [second["id"]]) == [(first["id"],)]


def test_seq_never_leaves_a_gap_for_a_reader(record, raise_alert):
    """A reader takes what lies below the snapshot's xmin; what comes later has a higher seq."""
    import psycopg

    sql = ("select alert_id from sluice.alerts where subject_id in ('S1', 'S2')"
           " and seq < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 16) order by seq")
    with psycopg.connect(record.stores.postgres.dsn(record.database)) as slow:
        slow.execute("select pg_current_xact_id()")  # an older transaction, still open
        slow.execute("insert into sluice.alerts (alert_id, seq, study, subject_id, rule_id, severity) values"
                     " (gen_random_uuid(), (pg_current_xact_id()::text::bigint << 16) | 1, %s, 'S1', 'r', 'info')", [STUDY])
        assert raise_alert(subject="S2")["seq"] > 0
        assert record.query(sql) == []
        slow.commit()
    assert len(record.query(sql)) == 2


def test_two_writers_at_once_raise_one(record):
    """Same subject, rule and value from eight connections: one alert, seven counted, nothing lost."""
    drivers = [record.driver() for _ in range(8)]

    def fire(n, run):
        row = {"id": str(uuid.uuid4()), "study": STUDY, "subject": f"R{n}", "rule": "r", "severity": "urgent",
               "submission": str(uuid.uuid4()), "revision": 1, "measure": "3"}
        answer = run("alerts", alerts=[row])["alerts"][0]
        if not answer["raised"] and not answer["counted"]:  # lost the race: its own statement counts it
            answer = run("alerts", alerts=[row])["alerts"][0]
        return answer

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for n in range(20):
            answers = list(pool.map(lambda run, n=n: fire(n, run), drivers))
            assert sum(a["raised"] for a in answers) == 1 and sum(a["counted"] for a in answers) == 7
            assert [r[3] for r in rows(record, f"R{n}")] == [8]
