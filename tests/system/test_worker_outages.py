"""A worker whose stores fail, and how it starts and ends."""
import os
import signal
import uuid

import psycopg
import pytest

import protocol as p
from stores import Stores, until
from worker_rig import Rig


@pytest.fixture
def stores():
    with Stores() as s:
        yield s


def test_postgres_gone_means_retry_and_no_pull_until_it_is_back(stores):
    with Rig(stores) as rig:
        rig.pull()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        stores.postgres.kill()

        # An orphaned backend may still commit one; and who finds PostgreSQL gone between two batches returns the next.
        def gone():
            nonlocal first, stored
            first = rig.submission()
            outcome, payload = rig.deliver(first)[0]
            stored += outcome == "stored"
            return outcome in ("retry", "returned") and payload == b""

        first, stored = None, 1
        until("the backend to be gone", 10, gone)
        # the worker lives on, and no credit is left standing
        for _ in range(2):
            rig.receive({p.HEARTBEAT})
        assert rig.credit == 0
        stores.postgres.start()
        rig.pull(20)
        again = rig.submission(origin=first[1], attempt=2)
        assert rig.deliver(again)[0][0] == "stored"
        assert rig.count() == stored + 1


def test_redis_gone_delays_nothing_and_is_caught_up(stores):
    with Rig(stores) as rig:
        rig.pull()
        stores.redis.kill()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        until("the gap to be recorded", 5, lambda: rig.count("cache_stale") == 1)
        assert rig.deliver(rig.submission(submitAt="2026-11-25T08:00:00Z"))[0][0] == "stored"
        stores.redis.start()
        redis, key = stores.redis.client(), "sluice:subject:NCT007:SUB123"
        until("the cache to be caught up", 20,
              lambda: redis.hget(key, "last_authored_at") == "2026-11-25T08:00:00.000000Z")
        until("the mark to be gone", 5, lambda: rig.count("cache_stale") == 0)
        until("the count", 5, lambda: redis.hget(key, "submissions") == "2")


def test_a_hung_redis_costs_its_timeout_only(stores):
    with Rig(stores) as rig:
        rig.pull()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        os.kill(stores.redis.pid, signal.SIGSTOP)
        try:
            for _ in range(5):
                assert rig.deliver(rig.submission())[0][0] == "stored"
        finally:
            os.kill(stores.redis.pid, signal.SIGCONT)


def test_a_hung_backend_is_retry_not_death(stores):
    """A lock that nobody gives back: lock_timeout ends the wait, the message goes back."""
    import psycopg

    with Rig(stores) as rig:
        rig.pull()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        id = uuid.uuid4()
        with psycopg.connect(stores.postgres.dsn(rig.database)) as c:
            c.execute("lock table sluice.submissions in access exclusive mode")
            first = rig.submission(id=id.bytes)
            assert rig.deliver(first)[0][0] == "retry"
            c.rollback()
        rig.pull(20)
        assert rig.deliver(rig.submission(id=id.bytes, origin=first[1], attempt=2))[0][0] == "stored"


def test_while_its_store_holds_it_up_the_worker_extends_and_hears(stores):
    """The main thread waits for a lock; the helper stands in: leases are extended, a drain and a signal are heard."""
    import psycopg

    for wish in ("drain", "signal"):
        with Rig(stores) as rig:
            rig.lease_us = 600_000
            rig.pull()
            assert rig.deliver(rig.submission())[0][0] == "stored"
            with psycopg.connect(stores.postgres.dsn(rig.database)) as c:
                c.execute("lock table sluice.submissions in access exclusive mode")
                rig.lease += 1
                rig.send(p.DELIVER, {"lease": rig.lease, "service": "submissions"}, rig.submission()[0])
                for n in range(3):
                    command, header, _ = rig.receive({p.EXTEND, p.REPORT}, 1)
                    assert (command, header["lease"]) == (p.EXTEND, rig.lease), n
                if wish == "drain":
                    rig.send(p.DRAIN, {})
                else:
                    rig.process.signal(signal.SIGTERM)
                until("the wish to be heard", 1, lambda: "draining" in rig.process.tail())
                c.rollback()
            command, header, bodies = rig.receive({p.REPORT})
            assert header["lease"] == rig.lease and [o for o, _ in rig.reports(bodies[0]).values()] == ["stored"]
            rig.receive({p.BYE})
            assert rig.process.wait(10) == 0


def test_sigterm_drains(stores):
    with Rig(stores) as rig:
        rig.pull()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        rig.process.signal(signal.SIGTERM)
        rig.receive({p.BYE})
        assert rig.process.wait(10) == 0


def test_drain_from_the_broker(stores):
    with Rig(stores) as rig:
        rig.pull()
        rig.send(p.DRAIN, {})
        rig.receive({p.BYE})
        assert rig.process.wait(10) == 0


def test_a_hung_batch_ends_the_worker(stores):
    """PostgreSQL stopped: the worker is past batch_timeout and exits 75, so that its batch is handed out again."""
    with Rig(stores, settings={"batch_timeout": "1s", "statement_timeout": "5s"}) as rig:
        rig.pull()
        assert rig.deliver(rig.submission())[0][0] == "stored"
        backends = [pid for pid, in rig.query("select pid from pg_stat_activity where application_name ="
                                              " 'sluice-worker' and datname = %s", [rig.database])]
        for pid in backends:
            os.kill(pid, signal.SIGSTOP)
        try:
            rig.lease += 1
            rig.send(p.DELIVER, {"lease": rig.lease, "service": "submissions"}, rig.submission()[0])
            assert rig.process.wait(10) == 75
        finally:
            for pid in backends:
                os.kill(pid, signal.SIGCONT)


def test_an_unmigrated_database_is_refused(stores):
    with Rig(stores) as rig:
        rig.process.kill()
        rig.query("delete from sluice.migrations")
        rig.process.start(ready=False)
        assert rig.process.wait(10) == 78
        assert "db migrate" in rig.process.tail()


def test_a_server_without_fsync_is_refused():
    with Stores({"fsync": "off"}) as stores:
        rig = Rig(stores)
        try:
            rig.process.start(ready=False)
            assert rig.process.wait(10) == 78
            assert "fsync=off" in rig.process.tail()
        finally:
            rig.__exit__()


def test_the_statement_of_a_killed_worker_ends_with_it(stores):
    """It waits for a lock; were it to go on, it would hold what another worker stores meanwhile."""
    with Rig(stores) as rig:
        rig.pull()
        blocked = rig.submission()
        with psycopg.connect(stores.postgres.dsn(rig.database)) as db:
            db.execute("lock table sluice.submissions in share mode")
            rig.send(p.DELIVER, {"lease": 77, "service": "submissions"}, blocked[0])
            waiting = "select count(*) from pg_locks where not granted"
            until("the statement to wait", 5, lambda: rig.query(waiting)[0][0] == 1)
            rig.process.kill()
            until("the statement to end", 1, lambda: rig.query(waiting)[0][0] == 0)
