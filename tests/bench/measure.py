"""One run of one system: warm up, offer load, count every answer against the rows, read the CPU."""
import time
from dataclasses import dataclass, field

import load
import processes

WARM_SECONDS = 1
SETTLE_SECONDS = 60


@dataclass
class Run:
    system: str
    connections: int
    body: str
    audited: bool = True
    stored_per_s: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    rss_mb: float = 0.0
    cpu: dict = field(default_factory=dict)  # CPU seconds per 1000 stored by group
    counts: dict = field(default_factory=dict)
    generator_us: float = 0.0
    faults: list = field(default_factory=list)

    @property
    def cpu_s_per_1000(self):
        return sum(self.cpu.values())


def settled_rows(system, expected):
    """The rows once all that was acknowledged is there, or at the deadline. Only after a 202, which is stored later, is
    there anything to wait for; no store sends an event for it."""
    deadline = time.monotonic() + SETTLE_SECONDS
    rows = system.rows()
    while rows < expected and time.monotonic() < deadline:
        time.sleep(0.1)
        rows = system.rows()
    return rows


def faults_of(result, new_rows, audit_rows=None):
    """What makes a run a failure: acknowledged and rows differ, or something was not acknowledged. audit_rows None: the
    system writes none."""
    faults = []
    acknowledged = result["201"] + result["202"]
    if new_rows != acknowledged:
        faults.append(f"{result['201']} answers 201 and {result['202']} answers 202, but {new_rows} new rows")
    if audit_rows not in (None, new_rows):
        faults.append(f"{new_rows} new rows, but {audit_rows} new audit rows")
    refused = result["requests"] - acknowledged - result["unanswered"]
    if refused:
        faults.append(f"{refused} requests were not answered 201 or 202")
    if result["unanswered"]:
        faults.append(f"{result['unanswered']} requests had no answer")
    if result["socket_errors"] or result["timeouts"]:
        faults.append(f"{result['socket_errors']} socket errors, {result['timeouts']} timeouts")
    return faults


def audit_rows(system, before=0):
    return system.audit_rows() - before if system.audited else None


def measure(system, stores, connections, seconds, body, subjects):
    """Starts the system, measures it, stops it. Warm-up and measurement are held against rows alike."""
    run = Run(system.name, connections, body, audited=system.audited)
    try:
        system.start()
        warm = load.offer(system, connections, WARM_SECONDS, body, subjects)
        before = settled_rows(system, warm["201"] + warm["202"])
        run.faults += [f"warm-up: {fault}" for fault in faults_of(warm, before, audit_rows(system))]
        groups = {**system.groups, "postgres": [stores.postgres.pid], "redis": [stores.redis.pid]}
        spent = {name: processes.cpu_seconds(pids) for name, pids in groups.items()}
        result = load.offer(system, connections, seconds, body, subjects)
        new_rows = settled_rows(system, before + result["201"] + result["202"]) - before
        spent = {name: processes.cpu_seconds(pids) - spent[name] for name, pids in groups.items()}
        new_audit_rows = audit_rows(system, before)
        run.rss_mb = sum(processes.rss_mb(pids) for pids in system.groups.values())
    finally:
        system.stop()
    run.faults += faults_of(result, new_rows, new_audit_rows)
    # A 202 is not stored when it is answered: only 201 counts for the rate.
    run.stored_per_s = result["201"] / result["duration_s"] if result["duration_s"] > 0 else 0.0
    run.p50_ms, run.p99_ms = result["p50_ms"], result["p99_ms"]
    run.cpu = {name: seconds_spent * 1000 / max(1, new_rows) for name, seconds_spent in spent.items()}
    run.counts = {status: result[status] for status in load.STATUSES}
    run.generator_us = result["generator_us"]
    return run
