"""The batch statement goes without ON CONFLICT until it meets a row, then with it (store/submissions_write.c)."""
import itertools
import uuid

import pytest
from fleet import STUDY
from record_rig import Record
from stores import until
from test_audit import verify
from test_audit_data import packed

MET_STATEMENTS = 256  # store/submissions_write.c
PREPARED_MAX = 48     # store/connection_inner.h
LONG = "slept badly " * 60


@pytest.fixture()
def record(stores):
    with Record(stores) as r:
        yield r


def row(id=None, **more):
    return {"id": id or str(uuid.uuid4()), "study": STUDY, "subject": "SUB123", "answers": packed({"pain": 3}),
            "plain": True, **more}


def store(run, *rows):
    done = run("store", rows=list(rows))
    assert done["outcome"] == 0, done
    return done["inserted"]


def refused(record):
    """Statements that PostgreSQL rolled back; a session tells its figures when it ends."""
    return record.query("select xact_rollback from pg_stat_database where datname = current_database()")[0][0]


def trail(record):
    return sorted(str(id) for id, in record.query(
        "select submission_id from sluice.audit_events where action = 'submission.stored'"))


def test_a_row_met_is_not_written_and_the_others_are(record):
    run = record.driver()
    a, b, c, d = (row() for _ in range(4))
    assert store(run, a, b) == [True, True]
    assert store(run, c, b, d) == [True, False, True]  # met, told, and the rest stored
    assert store(run, a, c) == [False, False]
    kept = sorted(x["id"] for x in (a, b, c, d))
    assert sorted(str(id) for id, in record.query("select submission_id from sluice.submissions")) == kept
    assert trail(record) == kept  # each once
    record.drivers_end()
    verify(record, expect=[])


@pytest.mark.parametrize("between", (MET_STATEMENTS - 2, MET_STATEMENTS - 1))
def test_after_a_row_met_so_many_statements_expect_another(record, between):
    before, run, a = refused(record), record.driver(), row()
    store(run, a)
    assert store(run, a) == [False]  # without ON CONFLICT refused, with it met: 1 of MET_STATEMENTS
    for _ in range(between):
        assert store(run, row()) == [True]
    assert store(run, a) == [False]  # the last that expects it, or the first that no longer does
    record.drivers_end()
    want = 1 if between == MET_STATEMENTS - 2 else 2
    until(f"{want} refused statements", 10, lambda: refused(record) - before == want)


def test_more_shapes_of_batch_than_a_connection_keeps_prepared(record):
    run, n = record.driver(), 0
    shapes = [{**rare, **site, **scores, "answers": packed({"pain": 3, **text}), "studies": studies}
              for rare, site, scores, text, studies in itertools.product(
                  ({"plain": True}, {"plain": None, "language": "de"}), ({}, {"site": "01"}),
                  ({}, {"scores": packed({"total": {"value": 3}})}), ({}, {"notes": LONG}), ((STUDY,), (STUDY, "NCT9")))]
    assert 2 * len(shapes) > PREPARED_MAX
    for again in range(3):  # the third finds the first ones gone
        met = row()
        store(run, met)
        for shape in shapes:
            more = {k: v for k, v in shape.items() if k != "studies" and v is not None}
            rows = [{**{k: v for k, v in row().items() if k != "plain"}, **more, "study": s} for s in shape["studies"]]
            n += len(rows)
            assert store(run, *rows) == [True] * len(rows), shape
        n += 1
        assert store(run, met) == [False]
    assert record.query("select count(*) from sluice.submissions")[0][0] == n
    record.drivers_end()
    verify(record, expect=[])
