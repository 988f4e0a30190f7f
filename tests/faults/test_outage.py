"""Stores that are gone or hang under load: intake goes on, nobody grows, everything drains by itself.

SLUICE_OUTAGE_S sets how long PostgreSQL is gone.
"""
import os
import time

import pytest

from fleet import Fleet
from keeper import Keeper
from pause import Stopped, family
from stores import select_pause, until
from submitters import Submitters, prove

OUTAGE_S = float(os.environ.get("SLUICE_OUTAGE_S", "15"))
BYTES_A_WAITING = 96
BROKER_ROOM_KIB = 6 * 1024  # buffers of sockets and batches that first grow when there is a backlog
FLAT_KIB = 6 * 1024


def sizes(fleet):
    return {name: p.rss_kib() for name, p in fleet.processes.items()}


@pytest.mark.parametrize("how", ["killed", "shut down"])
def test_postgres_gone_under_load(stores, how):
    outage_s = OUTAGE_S if how == "killed" else 3
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=8) as crowd:
            crowd.await_answers(3000, 60)
            before = sizes(fleet)
            stores.postgres.kill() if how == "killed" else stores.postgres.stop("fast")
            gone_s = time.monotonic()
            select_pause(outage_s)
            waiting, after, end_s = fleet.status()["live"], sizes(fleet), time.monotonic()
            stores.postgres.start()
            crowd.await_answers(200)
        during = [a for a in crowd.answers if gone_s + 2.5 < a.sent_s and a.at_s < end_s]
        assert {a.status for a in during} == {202}
        assert crowd.longest_gap_s(gone_s, end_s) < 2.2 and not crowd.refusals, crowd.refusals[:5]
        fleet.await_drained()
        prove(fleet, crowd)
        growth = {name: after[name] - before[name] for name in before}
        print(f"{len(during)} accepted in {outage_s:.0f} s, {waiting} waiting; KiB grown: {growth}")
        assert waiting > len(during) * 0.9
        assert growth["broker"] * 1024 <= waiting * BYTES_A_WAITING + BROKER_ROOM_KIB * 1024, growth
        assert all(g <= FLAT_KIB for name, g in growth.items() if name != "broker"), growth
        assert not keeper.restarts, keeper.restarts


def test_postgres_hangs_under_load(stores):
    """SIGSTOP: connections stay open and say nothing. Intake answers 202; then all is as before."""
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=6) as crowd:
            crowd.await_answers(200)
            with Stopped(*family(stores.postgres.pid)):
                hung_s = time.monotonic()
                select_pause(10)
                end_s = time.monotonic()
            crowd.await_answers(200)
        assert crowd.longest_gap_s(hung_s, end_s) < 2.2 and not crowd.refusals, crowd.refusals[:5]
        fleet.await_drained()
        prove(fleet, crowd)
        assert not [r for r in keeper.restarts if r.code != 75], keeper.restarts


def test_postgres_hangs_longer_than_a_batch_may_take(stores):
    """Past batch_timeout workers end with 75 and are started again; the hung batch is handed out again."""
    settings = {"worker": {"batch_timeout": "2s", "statement_timeout": "10s"}}
    with Fleet(stores, workers=2, settings=settings) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=4) as crowd:
            crowd.await_answers(100)
            with Stopped(*family(stores.postgres.pid)):
                until("a worker to give up", 15, lambda: keeper.restarts)
            crowd.await_answers(100)
        fleet.await_drained()
        prove(fleet, crowd)
        assert {r.code for r in keeper.restarts} == {75}, keeper.restarts


def cache_is_right(fleet):
    """The subject's hash counts what is stored."""
    cached = fleet.stores.redis.client().hget("sluice:subject:NCT007:SUB123", "submissions")
    return cached is not None and int(cached) == fleet.count()


@pytest.mark.parametrize("how", ["killed", "hangs"])
def test_redis_gone_under_load(stores, how):
    """It costs one timeout of 100 ms, no submission fails, and the cache is right again afterwards."""
    with Fleet(stores, workers=2) as fleet, Keeper(fleet) as keeper:
        with Submitters(fleet, n=2, prefers=(None,), pause_s=0.005) as crowd:
            crowd.await_answers(200)
            gone_s = time.monotonic()
            if how == "killed":
                stores.redis.kill()
                select_pause(5)
                end_s = time.monotonic()
                stores.redis.start()
            else:
                with Stopped(stores.redis.pid):
                    select_pause(5)
                    end_s = time.monotonic()
            crowd.await_answers(200)
        during = sorted(a.at_s - a.sent_s for a in crowd.answers if gone_s <= a.sent_s <= end_s)
        slow = [d for d in during if d > 0.1]
        print(f"{len(during)} while Redis was gone: median {during[len(during) // 2] * 1e3:.1f} ms, "
              f"{len(slow)} over 100 ms, slowest {during[-1] * 1e3:.1f} ms")
        assert not crowd.refusals
        assert {a.status for a in crowd.answers} <= {201, 202, 422}
        assert during[-1] < 0.6 and len(slow) <= 8 + len(during) * 0.02, (slow, len(during))
        prove(fleet, crowd)
        until("the cache to be right", 20, cache_is_right, fleet)
        assert not keeper.restarts
