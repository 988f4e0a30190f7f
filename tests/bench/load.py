"""One run of the load generator: wrk with load/submit.lua, its JSON, its own CPU."""
import itertools
import json
import os
import subprocess
import time

from processes import Failure

HERE = os.path.dirname(os.path.abspath(__file__))
BODY_BYTES = {"1k": 1024, "1.5k": 1536}
DRAIN_SECONDS = 1
_seeds = itertools.count(int(time.time()) * 1000)


def offer(system, connections, seconds, body, subjects):
    """Offers load for so many seconds, lets all answers come in, returns the script's object.

    Unanswered requests and socket errors are a failure: then the answers cannot be held against rows."""
    # One thread: its share of a core is far below saturation, and two would take more from the servers.
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds + DRAIN_SECONDS}s", "--timeout", "10s",
               "-s", os.path.join(HERE, "load", "submit.lua"), system.url, "--",
               system.token, str(subjects), str(seconds), str(next(_seeds)), str(BODY_BYTES[body])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise Failure(f"wrk: status {process.returncode}\n{output}")
    result = json.loads(lines[-1])
    result["generator_us"] = (usage.ru_utime + usage.ru_stime) * 1e6 / max(1, result["requests"])
    result["answers"] = sum(result[k] for k in ("200", "201", "202", "4xx", "5xx", "other"))
    return result
