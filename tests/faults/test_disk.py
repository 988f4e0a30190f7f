"""Disks that fail, fill up or lose power: the broker stops or refuses, and never promised what it can't keep."""
import contextlib
import os
import signal
import time

import pytest

from disks import MIB, Disk, failing, need_loop, need_root
from fleet import Fleet
from stores import Postgres, until
from submitters import Submitters, prove

EDGE_WAIT_S = 2  # edge/wait's default
SMALL_SEGMENTS = {"segment_bytes": "4MiB", "max_record_bytes": "1MiB"}


def fleet_on(stores, disk, wrap=None, **broker):
    """A fleet whose broker keeps its journal on that disk."""
    settings = {"broker": {"journal_dir": os.path.join(disk.path, "journal"), **broker},
                "ctl": {"journal_dir": os.path.join(disk.path, "journal")}}
    return Fleet(stores, workers=2, queries=0, settings=settings, wrap=wrap)


def start_unharmed(fleet):
    fleet.wrap.clear()
    return fleet.process("broker", "sluice-broker").start()


@pytest.mark.parametrize("call, nth", [("fdatasync", "40+"), ("fdatasync", "60"), ("pwrite64", "90+"), ("fsync", "8+")])
def test_failed_call_ends_the_broker_and_nothing_more_is_acknowledged(stores, call, nth):
    """EIO, then the power goes: whatever only stood in the page cache is lost, nothing acknowledged is."""
    need_loop()
    with Disk("xfs", 320) as disk:
        wrap = {"broker": failing(call, "error=EIO", nth)}
        with fleet_on(stores, disk, wrap, **SMALL_SEGMENTS) as fleet:
            with Submitters(fleet, n=6, prefers=("respond-async", None), filling="x" * 8000) as crowd:
                assert fleet["broker"].wait(40) == 74
                ended_s = time.monotonic()
                assert ".seg: " in fleet["broker"].tail() and "Input/output error" in fleet["broker"].tail()
                disk.cut_power()
                disk.remount()
                start_unharmed(fleet)
                crowd.await_answers(50)
            # An edge that had its accept before the end may say 202 when its wait is over.
            late = [a for a in crowd.answers if a.origin and a.origin[1] == 1 and a.at_s > ended_s + EDGE_WAIT_S + 1]
            assert not late, f"acknowledged by a broker that had ended: {late[:3]}"
            assert fleet.status()["damaged"] == 0
            prove(fleet, crowd)


def test_power_cut_under_load(stores):
    """A real one, three times: synced data survives, the rest is gone."""
    need_loop()
    with Disk("xfs", 320) as disk, fleet_on(stores, disk, **SMALL_SEGMENTS) as fleet:
        with Submitters(fleet, n=8, prefers=("respond-async",), filling="x" * 2000) as crowd:
            for _ in range(3):
                crowd.await_answers(300)
                disk.cut_power()
                assert fleet["broker"].wait(20) == 74
                disk.remount()
                fleet["broker"].start()
                crowd.await_answers(50)
        prove(fleet, crowd)


class OneDisk:
    """Stores whose PostgreSQL lies on that disk, too; Redis, a cache, stays where it is."""

    def __init__(self, disk, stores):
        folder = os.path.join(disk.path, "pg")
        os.mkdir(folder)
        self.postgres, self.redis = Postgres(folder), stores.redis
        self.postgres.start()
        disk.sync()  # initdb did not

    def cut_power(self, disk):
        pid = self.postgres.pid
        disk.cut_power()
        # Without power no child lives on; one that noticed late held the disk for over 20 s.
        for victim in [pid, *children(pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def test_power_cut_of_journal_and_database_at_once(stores):
    """The whole host goes: 201 and 202 both were true."""
    need_loop()
    with Disk("xfs", 700) as disk:
        host = OneDisk(disk, stores)
        try:
            with fleet_on(host, disk, **SMALL_SEGMENTS) as fleet, Submitters(fleet, n=8) as crowd:
                for _ in range(2):
                    crowd.await_answers(300)
                    host.cut_power(disk)
                    assert fleet["broker"].wait(20) == 74
                    disk.remount()
                    host.postgres.start()
                    fleet["broker"].start()
                    crowd.await_answers(100)
                crowd.stop()
                prove(fleet, crowd)
        finally:
            host.postgres.stop()


def intake(fleet):
    return fleet.status()["intake"]


def crash_while_full(fleet, times=6):
    """A start needs a segment of its own each time; it must not run out of the means to drain."""
    for _ in range(times):
        fleet["broker"].kill()
        fleet["broker"].start()
        fleet.ctl("pause", "submissions", "--yes")
        until("the journal to be full again", 20, lambda: intake(fleet) == "journal-full")


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_full_disk_refuses_and_opens_again(stores, kind):
    need_root() if kind == "tmpfs" else need_loop()
    with Disk(kind, 40) as disk, fleet_on(stores, disk, journal_keep_bytes="0", **SMALL_SEGMENTS) as fleet:
        fleet.ctl("pause", "submissions", "--yes")
        with Submitters(fleet, n=6, filling="x" * 16000) as crowd:
            until("a refusal", 60, lambda: any(status == 503 for status, *_ in crowd.refusals))
            assert intake(fleet) == "journal-full"
            assert "journal-full" in fleet.ctl("status").stdout
            refused = fleet.post(headers={"Prefer": "respond-async"})
            assert refused.status == 503 and int(refused.headers["Retry-After"]) >= 1
            assert refused.json["type"] == "urn:sluice:problem:unavailable"
            assert fleet["broker"].alive()
            waiting = fleet.status()["live"]
            crash_while_full(fleet)
            fleet.ctl("resume", "submissions", "--yes")
            until("intake to open again", 30, lambda: intake(fleet) == "open")
            crowd.await_answers(200)
        assert waiting > 500, waiting
        prove(fleet, crowd)
        assert fleet["broker"].alive()


def test_someone_else_fills_the_disk(stores):
    """Ballast from outside: the segments that are ready are used up, then refusal; space again: open again."""
    need_root()
    with Disk("tmpfs", 96) as disk, fleet_on(stores, disk, journal_keep_bytes="0", **SMALL_SEGMENTS) as fleet:
        fleet.ctl("pause", "submissions", "--yes")
        with Submitters(fleet, n=6, filling="x" * 16000) as crowd:
            crowd.await_answers(20)
            ballast = disk.fill()
            until("a refusal", 60, lambda: any(status == 503 for status, *_ in crowd.refusals))
            assert intake(fleet) == "journal-full"
            os.unlink(ballast)
            until("intake to open again", 30, lambda: intake(fleet) == "open")
            crowd.await_answers(50)
            fleet.ctl("resume", "submissions", "--yes")
        prove(fleet, crowd)


def test_the_journals_cap_refuses_and_opens_again(stores):
    """journal_max_bytes instead of the disk's end; the broker is killed and started while it is full."""
    settings = {"broker": {"journal_max_bytes": str(32 * MIB), "journal_keep_bytes": "0", **SMALL_SEGMENTS}}
    with Fleet(stores, workers=0, queries=0, settings=settings) as fleet:
        with Submitters(fleet, n=6, filling="x" * 16000) as crowd:
            until("a refusal", 60, lambda: any(status == 503 for status, *_ in crowd.refusals))
            crash_while_full(fleet)
            fleet.ctl("resume", "submissions", "--yes")
            fleet.process("worker1", "sluice-worker", "--service", "submissions", "--name", "worker1").start()
            until("intake to open again", 30, lambda: intake(fleet) == "open")
            crowd.await_answers(100)
        prove(fleet, crowd)


def test_no_room_for_a_journal_is_said_at_start(stores):
    """The broker ends with 74 and names what it could not make; it does not loop or half start."""
    need_root()
    with Disk("tmpfs", 2) as disk, pytest.raises(RuntimeError, match="(?s)ended with 74.*No space left"):
        with fleet_on(stores, disk, **SMALL_SEGMENTS):
            pass
