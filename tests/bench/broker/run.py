#!/usr/bin/python3
"""Starts a broker on a fresh journal, loads it, and prints messages a second and CPU per message.

    SLUICE_BIN=build/release/bin tests/bench/broker/run.py [broker_bench's arguments…]
"""

import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests/system"))

from fleet import BIN  # noqa: E402
from lone_broker import LoneBroker  # noqa: E402


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    wrap = os.environ.get("WRAP", "").split()
    with LoneBroker(wrap=wrap, segment_bytes="64MiB", journal_max_bytes="8GiB", heartbeat_interval="1s",
                    lease_time="6s", journal_keep_bytes="0", max_record_bytes="2MiB") as broker:
        before = cpu_seconds(broker.pid)
        run = subprocess.run([os.path.join(BIN, "broker_bench"), broker.client_endpoint,
                              broker.worker_endpoint, *sys.argv[1:]],
                             capture_output=True, text=True, timeout=600)
        if run.returncode != 0:
            print(run.stderr, broker.tail(), sep="\n", file=sys.stderr)
            return run.returncode
        result = json.loads(run.stdout)
        result["broker_cpu_us_per_message"] = round(
            (cpu_seconds(broker.pid) - before) * 1e6 / result["messages"], 2)
        metrics = {m["name"]: m["value"] for m in broker.admin().rows("metrics") if not m["labels"]}
        for name in ("turns", "journal_syncs", "journal_sync_us_max", "reports_held", "submit_waits",
                     "journal_segments", "resident_bytes"):
            result[name] = metrics[name]
        broker.balance()
        print(json.dumps(result))
        broker.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
