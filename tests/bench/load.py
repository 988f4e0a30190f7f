"""One offer of load: wrk with load/submit.lua, the script's figures, and what the generator itself cost."""
import itertools
import json
import os
import subprocess
import time

from processes import Failure

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load", "submit.lua")
BODY_BYTES = {"1k": 1024, "1.5k": 1536}
DRAIN_SECONDS = 1  # wrk goes on so long after the script has stopped offering
STATUSES = ("200", "201", "202", "4xx", "5xx", "other")
_seeds = itertools.count(int(time.time()) * 1000)


def offer(system, connections, seconds, body, subjects):
    """Offers load for so many seconds and lets all answers come in. Returns the script's object with
    unanswered (requests without an answer) and generator_us (the generator's CPU a request)."""
    # One thread: it takes far less than a core, and a second one would take more from the servers.
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds + DRAIN_SECONDS}s", "--timeout", "10s",
               "-s", SCRIPT, system.url + "/", "--",
               system.token, str(subjects), str(seconds), str(next(_seeds)), str(BODY_BYTES[body])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise Failure(f"wrk ended with status {process.returncode}:\n{output}")
    result = json.loads(lines[-1])
    result["unanswered"] = result["requests"] - sum(result[status] for status in STATUSES)
    result["generator_us"] = (usage.ru_utime + usage.ru_stime) * 1e6 / max(1, result["requests"])
    return result
