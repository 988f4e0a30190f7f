"""Processes that stop and wake up late: what they held is given to others, what they say then changes nothing."""
import psycopg
import pytest

import protocol
from fleet import Fleet
from keeper import Keeper
from pause import Stopped
from stores import select_pause, until
from submitters import Submitters, prove


def metric(fleet, name):
    admin = protocol.Admin(fleet.endpoint("a"))
    try:
        return next(row["value"] for row in admin.rows("metrics") if row["name"] == name)
    finally:
        admin.close()


def worker(fleet, name):
    return next((w for w in fleet.ctl_json("workers") if w["worker"] == name), None)


def stop_with_leases(fleet, stores, name):
    """Holds a lock until that worker waits for it with leases in its hands, stops the worker, lets go."""
    with psycopg.connect(stores.postgres.dsn(fleet.database)) as c:
        c.execute("lock table sluice.submissions in access exclusive mode")
        until(f"{name} to hold leases", 20, lambda: (worker(fleet, name) or {"leases": 0})["leases"])
        stopped = Stopped(fleet[name].pid).__enter__()
        c.rollback()
    return stopped


def test_stopped_worker_loses_its_leases_and_its_late_report_changes_nothing(stores):
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=4, prefers=("respond-async",), pause_s=0.01) as crowd:
            crowd.await_answers(100)
            stopped = stop_with_leases(fleet, stores, "worker1")
            before = metric(fleet, "reports_stale")
            until("its leases to be given to another", 15, lambda: metric(fleet, "messages_redelivered") > 0)
            until("it to hold nothing", 15, lambda: not (worker(fleet, "worker1") or {"leases": 0})["leases"])
            crowd.await_answers(100)
        fleet.await_drained()
        ledger = prove(fleet, crowd)
        stopped.__exit__()
        late = until("its late report to be ignored, or it to start anew", 15,
                     lambda: metric(fleet, "reports_stale") > before or worker(fleet, "worker1"))
        assert late
        with Submitters(fleet, n=2) as more:
            more.await_answers(50)
        prove(fleet, crowd, more)
        assert "balanced" in ledger and not keeper.stopped


@pytest.mark.parametrize("name", ["broker", "edge1"])
def test_stopped_for_five_seconds_under_load(stores, name):
    """Peers take it for dead; when it wakes up everyone finds together again, and nothing is lost or doubled."""
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=6) as crowd:
            crowd.await_answers(200)
            with Stopped(fleet[name].pid):
                select_pause(5)
            crowd.await_answers(300)
        fleet.await_drained()
        prove(fleet, crowd)
        assert not keeper.restarts, keeper.restarts


def test_broker_stopped_while_every_worker_holds_a_batch(stores):
    """The workers throw away what they hold when the broker is silent, and say so when it is back: it is given out
    again at once, and nobody waits for credit that the other side does not know of."""
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=4, prefers=("respond-async",), pause_s=0.01) as crowd:
            crowd.await_answers(50)
            with psycopg.connect(stores.postgres.dsn(fleet.database)) as c:
                c.execute("lock table sluice.submissions in access exclusive mode")
                until("both to hold leases", 20, lambda: all(w["leases"] for w in fleet.ctl_json("workers")
                                                             if w["service"] == "submissions"))
                with Stopped(fleet["broker"].pid):
                    select_pause(5)
        fleet.await_drained(5)
        prove(fleet, crowd)
        assert metric(fleet, "leases_expired") == 0 and not keeper.restarts


def test_all_workers_stopped_and_killed_with_leases(stores):
    """Whoever held the batch dies while it sleeps: the batch comes again."""
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=4, prefers=("respond-async",), pause_s=0.01) as crowd:
            crowd.await_answers(50)
            stop_with_leases(fleet, stores, "worker2")
            keeper.kill("worker2")
            crowd.await_answers(100)
        fleet.await_drained()
        prove(fleet, crowd)
