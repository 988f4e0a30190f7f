"""Offers a plan to a fleet with flood_load, looks at the fleet meanwhile, and brings home what happened."""
import json
import os
import subprocess
import time
from dataclasses import dataclass, field

import fleet  # tests/system
import processes

from morning import mix, plan

SAMPLE_S = 0.25
STREAM_READ = 20000
LEAD_S = 2.0       # time to plan, and so much more for each subject
PLAN_S = 100e-6
SETTLE_S = 120
OVER_S = 150       # a plan whose last request was due so long ago is given up


@dataclass
class Attempt:
    request: int
    number: int
    due_us: int
    sent_us: int
    done_us: int
    status: int
    body: str


@dataclass
class Offered:
    requests: list
    start_s: float                                # wall clock of the run's zero
    attempts: list = field(default_factory=list)
    backlog: list = field(default_factory=list)   # (seconds of the run, live messages)
    alerts: dict = field(default_factory=dict)    # (study, subject, rule) -> wall clock of its first stream entry
    cpu: dict = field(default_factory=dict)       # CPU seconds by group, "generator" among them
    seconds: float = 0.0                          # from zero to the last answer
    settled_s: float = 0.0                        # from the last answer to an empty broker


class Streams:
    """Reads sluice:alerts:STUDY of all studies. An entry's id is Redis' own wall clock as it was added."""

    def __init__(self, redis):
        self.redis = redis
        self.last = {}
        for study in mix.STUDIES:
            newest = redis.xrevrange(f"sluice:alerts:{study}", count=1)
            self.last[f"sluice:alerts:{study}"] = newest[0][0] if newest else "0-0"

    def read(self, alerts):
        while found := self.redis.xread(self.last, count=STREAM_READ):
            for stream, entries in found:
                for entry, fields in entries:
                    key = (stream.rsplit(":", 1)[1], fields["subject"], fields["rule"])
                    alerts.setdefault(key, int(entry.split("-")[0]) / 1000)
                self.last[stream] = entries[-1][0]


def attempts_read(path):
    attempts = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            *numbers, body = line.rstrip("\n").split("\t", 6)
            attempts.append(Attempt(*map(int, numbers), body))
    return attempts


def load_over(process, offered):
    """Takes the load's end, with what it cost."""
    pid, status, usage = os.wait4(process.pid, os.WNOHANG)
    if pid == 0:
        return False
    process.returncode = os.waitstatus_to_exitcode(status)
    offered.cpu["generator"] = usage.ru_utime + usage.ru_stime
    return True


def watch(house, process, offered, streams):
    """Samples until the load has ended."""
    given_up_s = max(request.due_us for request in offered.requests) / 1e6 + OVER_S
    while not load_over(process, offered):
        now_s = time.time() - offered.start_s
        if now_s > given_up_s:
            processes.stop(process)
            raise processes.Failure("the load did not end")
        offered.backlog.append((now_s, house.live()))
        streams.read(offered.alerts)
        processes.ended(process, SAMPLE_S)


def offer(house, make_requests, people, retry_us=0, window=0, seconds=0):
    """make_requests(wall clock of zero) -> requests of so many people. window 0: each goes out when it is due; else that many at a time
    for so many seconds."""
    start_s = time.time() + LEAD_S + people * PLAN_S
    offered = Offered(make_requests(start_s), start_s)
    plan_path, results_path = house.path("plan"), house.path("results")
    plan.write(plan_path, offered.requests, start_s, f"127.0.0.1:{house.port}", fleet.TOKEN)
    if time.time() > start_s:
        raise processes.Failure("planning took longer than was reserved for it: the machine is too busy")
    streams = Streams(house.stores.redis.client())
    before = {name: processes.cpu_seconds(pids) for name, pids in house.groups.items()}
    command = [os.path.join(fleet.BIN, "flood_load"), plan_path, results_path, str(house.port), str(retry_us),
               str(int(start_s * 1e6)), str(window), str(seconds)]
    with open(house.path("flood_load.log"), "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        watch(house, process, offered, streams)
    if process.returncode != 0:
        raise processes.Failure(f"flood_load ended with status {process.returncode}")
    offered.attempts = attempts_read(results_path)
    offered.seconds = max(attempt.done_us for attempt in offered.attempts) / 1e6
    offered.settled_s = house.settle(SETTLE_S, lambda live: offered.backlog.append((time.time() - start_s, live)))
    offered.backlog.append((time.time() - start_s, house.live()))
    streams.read(offered.alerts)
    offered.cpu.update({name: processes.cpu_seconds(pids) - before[name] for name, pids in house.groups.items()})
    return offered


def results_of(offered):
    """(submission, due_us, sent_us, done_us, status) of every answered attempt, a batch's results one by one."""
    for attempt in offered.attempts:
        request = offered.requests[attempt.request]
        if not request.batch:
            yield request.submissions[0], attempt, attempt.status
            continue
        results = json.loads(attempt.body)["results"] if attempt.status == 200 else [{"status": attempt.status}] * len(request.submissions)
        for submission, result in zip(request.submissions, results, strict=True):
            yield submission, attempt, result["status"]
