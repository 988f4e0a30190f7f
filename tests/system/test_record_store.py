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


def text(name, to):
    return packed({"pain": 3, name: f"{to} " * 200})


OWN = ([{"zone": "+01:00"}, {"zone": "-05:00"}, {"zone": ""}], [{"zone": ""}] * 3,
       [{"answers": text("notes", i)} for i in range(3)],
       [{"answers": text("notes", 1)}, {}, {"answers": text("sleep", 2)}], [{}, {"answers": text("sleep", 2)}, {}],
       [{"actor": "anna", "role": "nurse", "plain": None}, {}, {"zone": "+01:00"}],
       [{"study": "NCT9"}, {}, {"study": "NCT9", "answers": text("sleep", 2), "zone": ""}])


@pytest.mark.parametrize("met", (False, True))
def test_each_row_of_a_batch_keeps_what_is_its_own(record, met):
    run, a, alone, together = record.driver(), row(), [], []
    for _ in range(2 * met):  # what follows goes with ON CONFLICT
        store(run, a)
    for own in OWN:
        rows = [{k: v for k, v in row(**more).items() if v is not None} for more in own]
        together.append([r["id"] for r in rows])
        done = run("store", rows=rows)
        assert done["inserted"] == [True] * 3, done
        stored = record.query("select distinct (extract(epoch from stored_at) * 1000000)::int8 from"
                              " sluice.submissions where submission_id = any(%s::uuid[])", (together[-1],))
        assert stored == [(us,) for us in set(done["stored_us"])]
        for r in rows:  # the same, each in a statement of its own
            alone.append(str(uuid.uuid4()))
            store(run, {**r, "id": alone[-1]})

    def rows_of(ids):
        return [record.query(
            "select s.study, s.subject_id, s.questionnaire, s.version, s.answers::text, s.epoch, s.authored_zone, s.status,"
            " s.actor, s.role, s.organisation, s.reason, e.actor, e.role, e.organisation, e.action, e.study, e.subject_id,"
            " e.revision, e.reason, e.mac = s.audit_mac and e.number = s.audit_number,"
            " e.detail = 'completed ' || encode(s.content_hash, 'hex') || ' ' || encode(s.data_mac, 'hex')"
            " from sluice.submissions s join sluice.audit_events e using (submission_id) where submission_id = %s",
            (id,)) for id in ids]

    assert rows_of(sum(together, [])) == rows_of(alone)
    got = dict((str(id), (zone, answers)) for id, zone, answers in record.query(
        "select submission_id, authored_zone, answers from sluice.submissions"))
    for ids, own in zip(together, OWN):
        for id, more in zip(ids, own):
            zone, answers = got[id]
            assert zone == (more.get("zone", "+02:00") or None)
            assert packed(answers) == more.get("answers", packed({"pain": 3}))
    record.drivers_end()
    verify(record, expect=[])


def reject(record, n, id=None, study=STUDY, kind="rejected"):
    record.query("insert into sluice.rejections (broker, epoch, seq, kind, study, submission_id, reasons, sealed,"
                 " received_at, accepted_at) select gen_random_uuid(), 1, g, %s, %s, coalesce(%s::uuid,"
                 " gen_random_uuid()), '[]', '', now(), now() from generate_series(1, %s) g", (kind, study, id, n))


def mended(record):
    return sorted((study, kind, str(by)) for study, kind, by in record.query(
        "select study, kind, resolved_by from sluice.rejections where resolved_by is not null"))


def entries_read(record):
    return record.query("select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'rejections'")[0][0]


@pytest.mark.parametrize("met", (False, True))
@pytest.mark.parametrize("studies", ((STUDY,), (STUDY, "NCT9")))
def test_a_rejection_is_mended_by_its_own_id_and_study(record, met, studies):
    run, ids = record.driver(), [str(uuid.uuid4()) for _ in range(3)]
    a = row()
    for _ in range(1 + met):
        store(run, a)  # the second time it is met: what follows goes with ON CONFLICT
    for study, kind in itertools.product((STUDY, "NCT9", "NCT8"), ("rejected", "conflict", "held")):
        for id in ids:
            reject(record, 1, id, study, kind)
    pairs = list(zip(ids, itertools.cycle(studies)))
    assert store(run, *(row(id, study=study) for id, study in pairs)) == [True] * 3
    assert mended(record) == sorted((study, kind, id) for id, study in pairs for kind in ("rejected", "held"))


@pytest.mark.parametrize("met", (False, True))
@pytest.mark.parametrize("planned", ("empty", "analysed"))
def test_rejections_of_other_ids_are_not_read(record, planned, met):
    """Neither with a plan of when there were any, nor with one of before, which a session keeps."""
    record.query("alter table sluice.rejections set (autovacuum_enabled = false)")
    if planned == "analysed":
        reject(record, 500)
        record.query("analyze sluice.rejections")
    run, a = record.driver(), row()
    for _ in range(1 + met):
        store(run, a)
    if planned == "empty":
        reject(record, 500)
    before = entries_read(record)
    assert store(run, *(row() for _ in range(20))) == [True] * 20
    record.drivers_end()
    until("the session's figures", 10, lambda: record.query(
        "select n_tup_ins >= 21 from pg_stat_user_tables where relname = 'submissions'")[0][0])
    assert entries_read(record) == before


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
