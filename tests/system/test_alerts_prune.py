"""What the notifications have finished leaves after notify_keep; the books and the alerts' history stay."""
import uuid

import psycopg
import pytest

from fleet import Fleet
from notify_desk import desk_of_study, stores  # noqa: F401 (fixtures)
from stores import until
from worker_rig import STUDY

STEP = 1000  # rows of one step


def origins(desk):
    return desk.query("select broker, epoch, seq, kind from sluice.origins order by 1, 2, 3")


def age(desk, table, column, days, where="true"):
    desk.query(f"update sluice.{table} set {column} = {column} - interval '{days} days' where {where} returning 1")


def test_only_what_is_finished_and_old_leaves(desk):
    old, young, open_ = desk.raise_alert(), desk.raise_alert(), desk.raise_alert()
    desk.act(old)
    assert desk.act(uuid.uuid4())[1][0] == "rejected"
    for id in (old, young, open_):
        desk.wait_events(id, 1, "delivered")
    age(desk, "alert_messages", "recorded_at", 31, f"alert_id <> '{young}'")
    age(desk, "alert_deliveries", "due_at", 31, f"alert_id <> '{young}'")
    desk.query("update sluice.alert_deliveries set state = 'pending', claimed = true, due_at = now() + interval '1 hour'"
               " where alert_id = %s returning 1", [open_])
    before, history = origins(desk), desk.query("select * from sluice.alert_events order by alert_id, n")
    assert len(before) == 5
    desk.another("w2")
    until("pruned", 10, lambda: desk.count("alert_messages") == 1)
    assert {a for a, in desk.query("select alert_id from sluice.alert_deliveries")} == {young, open_}
    assert origins(desk) == before
    assert desk.query("select * from sluice.alert_events order by alert_id, n") == history
    assert desk.query("select count(*) from sluice.alerts") == [(3,)]
    until("told", 10, lambda: "alerts-pruned" in desk.others[0].tail())


def test_many_leave_in_steps_and_each_leaves_its_bit(desk):
    """Past the bound of a step, over the edges of parts and epochs, into bits that stand there already."""
    n = 2 * STEP + 500
    desk.query("insert into sluice.alert_messages (broker, epoch, seq, outcome, study, alert_id, kind, recorded_at)"
               " select %s, 1 + n %% 2, 4000 + 3 * n, case when n %% 7 = 0 then 'rejected' else 'stored' end, %s,"
               " gen_random_uuid(), 'alert', now() - interval '40 days' from generate_series(1, %s) n returning 1",
               [desk.broker, STUDY, n])
    desk.query("insert into sluice.alert_deliveries (delivery_id, alert_id, study, recipient, channel, step, state, due_at)"
               " select gen_random_uuid(), gen_random_uuid(), %s, 'desk', 'webhook', 0, 'delivered', now() - interval '40 days'"
               " from generate_series(1, %s) returning 1", [STUDY, n + 1])
    before = origins(desk)
    desk.another("w2")
    until("pruned", 20, lambda: desk.count("alert_messages") == 0 and desk.count("alert_deliveries") == 0)
    assert origins(desk) == before and len(before) == n
    assert desk.count("alert_messages_done") == 12  # a row a part, epoch and outcome, however many steps
    until("told", 10, lambda: desk.others[0].tail(1 << 20).count("alerts-pruned") == n // STEP + 1)


def test_one_prunes_at_a_time(desk):
    desk.query("insert into sluice.alert_messages (broker, epoch, seq, outcome, study, alert_id, kind, recorded_at)"
               " values (%s, 1, 1, 'stored', %s, gen_random_uuid(), 'alert', now() - interval '40 days') returning 1",
               [desk.broker, STUDY])
    desk.process.terminate()
    asked = "select count(*) from pg_stat_activity where datname = current_database() and query like 'WITH mine AS%%'"
    with psycopg.connect(desk.stores.postgres.dsn(desk.database), autocommit=True) as c:
        c.execute("select pg_advisory_lock(7315004)")
        desk.another("w2")
        until("asked", 10, lambda: c.execute(asked).fetchone() == (1,))
        assert desk.count("alert_messages") == 1
    desk.another("w3")
    until("pruned", 10, lambda: desk.count("alert_messages") == 0)


def test_the_books_balance_after_it(stores):
    with Fleet(stores, workers=1, queries=0, notifications=1, settings={"worker": {"canary_interval": "300ms"}}) as fleet:
        until("canaries", 20, lambda: fleet.count("alert_messages") >= 3)
        fleet["notifications1"].terminate()
        fleet.query("update sluice.alert_messages set recorded_at = recorded_at - interval '31 days' returning 1")
        fleet["notifications1"].start()
        until("pruned", 10, lambda: fleet.query("select count(*) from sluice.alert_messages_done")[0][0] > 0)
        fleet["notifications1"].terminate()
        assert "balanced" in fleet.reconcile()
        fleet.query("update sluice.alert_messages_done set seqs = 0::bit(4096) returning 1")
        assert fleet.ctl("reconcile", check=False).returncode == 1
