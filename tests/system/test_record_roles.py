"""Least privilege, role by role, on a migrated database."""
import psycopg
import pytest
from fleet import STUDY
from record_rig import Record

TABLES = ("identity.subject_keys", "identity.study_keys", "identity.identifiers", "identity.erasures", "sluice.studies",
          "sluice.sites", "sluice.subjects", "sluice.questionnaires", "sluice.questionnaire_items",
          "sluice.questionnaire_options", "sluice.submissions", "sluice.submission_revisions", "sluice.rejections",
          "sluice.attachments", "sluice.alerts", "sluice.alert_events", "sluice.audit_events", "sluice.cache_stale",
          "sluice.valuesets")
INNER_VIEWS = ("sluice.submission_versions", "sluice.field_changes", "sluice.origins")
VIEWS = ("sluice.item_answers", "sluice.item_changes", "sluice.scores_long", "sluice.deviations")


@pytest.fixture(scope="module")
def record(stores):
    with Record(stores) as r:
        yield r


@pytest.fixture()
def as_role(record):
    connections = []

    def connect(role):
        c = psycopg.connect(record.stores.postgres.dsn(record.database), autocommit=True)
        c.execute(f"set role {role}")
        connections.append(c)
        return c

    yield connect
    for c in connections:
        c.close()


def may(connection, sql):
    try:
        connection.execute(sql)
        return True
    except psycopg.errors.InsufficientPrivilege:
        return False


def test_an_analyst_sees_the_views_and_nothing_else(as_role):
    c = as_role("sluice_analyst")
    assert all(may(c, f"select * from {v}") for v in VIEWS)
    assert not any(may(c, f"select from {t}") for t in TABLES + INNER_VIEWS)
    assert not may(c, "select from sluice.migrations")


def test_the_worker_cannot_read_identities_back(record, as_role):
    c = as_role("sluice_worker")
    for sql in ("select value_sealed from identity.identifiers", "select from identity.identifiers",
                "select * from identity.erasures", "update identity.subject_keys set wrapped_key = null",
                "delete from identity.identifiers", "insert into identity.identifiers (study, subject_id, kind,"
                " submission_id, link_id, value_sealed) values ('s','u','k', gen_random_uuid(), 'l', 'v')"
                " on conflict (subject_id, study, submission_id, revision, link_id, place)"
                " do update set value_sealed = excluded.value_sealed returning value_sealed",
                "select from sluice.audit_events"):
        assert not may(c, sql), sql
    for other in ("sluice_query", "sluice_admin", "sluice_owner"):
        assert record.query("select pg_has_role('sluice_worker', %s, 'member')", [other]) == [(False,)]
    assert may(c, "insert into identity.identifiers (study, subject_id, kind, submission_id, link_id, value_sealed)"
                  " values ('s','u','k', gen_random_uuid(), 'l', 'v') on conflict do nothing")


def test_queries_only_read(as_role):
    c = as_role("sluice_query")
    assert may(c, "select kind, value_sealed from identity.identifiers") and may(c, "select status from sluice.submissions")
    for t in TABLES:
        assert not may(c, f"delete from {t}"), t
    for sql in ("select sealed from sluice.rejections", "select answers from sluice.submissions",
                "select answers from sluice.submission_revisions",
                "insert into sluice.alert_events (alert_id, event) values (gen_random_uuid(), 'closed')"):
        assert not may(c, sql), sql


def test_who_delivers_sees_no_answer_and_no_measure(as_role):
    c = as_role("sluice_notify")
    assert may(c, "select alert_id, subject_id, severity from sluice.alerts")
    for sql in ("select measure from sluice.alerts", "select answers from sluice.submissions",
                "select from identity.identifiers", "update sluice.alerts set severity = 'info'",
                "delete from sluice.alerts", "select from sluice.audit_events"):
        assert not may(c, sql), sql


def test_an_admin_cannot_read_identities(as_role):
    c = as_role("sluice_admin")
    assert may(c, "select study, subject_id, kind from identity.identifiers")
    for sql in ("select value_sealed from identity.identifiers", "select blind_index from identity.identifiers",
                "select wrapped_key from identity.subject_keys", "update sluice.submissions set void = true",
                "delete from sluice.submissions", "update sluice.questionnaires set title = 'x'"):
        assert not may(c, sql), sql


def test_the_views_show_no_test_subject_no_void_no_unfinished_form(record, as_role):
    record.query("insert into sluice.subjects (study, subject_id, kind) values (%s, 'TEST1', 'test')", [STUDY])
    shown = record.submission({"pain": 3}, flags=["late"], scores='{"total": {"value": 7, "band": "mild"}}')
    for hidden in ({"subject": "TEST1"}, {"void": True, "status": "entered-in-error"}, {"status": "in-progress"}):
        record.submission({"pain": 4}, flags=["late"], scores='{"total": {"value": 8}}', **hidden)
    stopped = record.submission({"pain": 5}, status="stopped")
    c = as_role("sluice_analyst")
    for view in VIEWS:
        rows = c.execute(f"select submission_id::text, * from {view}").fetchall()
        assert {r[0] for r in rows} == ({shown, stopped} if view.endswith("deviations") else {shown}), view
    assert c.execute("select deviation from sluice.deviations order by 1").fetchall() == [("late",), ("stopped",)]
    assert c.execute("select score, value, band from sluice.scores_long").fetchall() == [("total", 7, "mild")]
