"""Keeper: what a supervisor does to a fleet: whoever dies is started again at once, but never after 74 or 78.

The tests kill; the keeper restarts and remembers who, with what exit code, and when.
"""
import threading
import time
from typing import NamedTuple

from stores import select_pause, until

NEVER_AGAIN = (74, 78)
LOOP_RESTARTS, LOOP_S = 10, 2.0  # so many restarts of one process in so short a time are a crash loop


class Restart(NamedTuple):
    name: str
    code: int
    at_s: float


class Keeper(threading.Thread):
    def __init__(self, fleet):
        super().__init__(name="keeper", daemon=True)
        self.fleet, self.restarts, self.stopped, self.wrong = fleet, [], {}, []
        self.ending = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        self.ending.set()
        self.join()
        if kind is None:
            assert not self.wrong, self.wrong

    def run(self):
        while not self.ending.is_set():
            for name, process in self.fleet.processes.items():
                if name not in self.stopped and process.popen.poll() is not None:
                    self.ended(name, process)
            select_pause(0.01)

    def ended(self, name, process):
        code, now_s = process.popen.returncode, time.monotonic()
        recent = [r for r in self.restarts if r.name == name and now_s - r.at_s < LOOP_S]
        if code in NEVER_AGAIN or len(recent) >= LOOP_RESTARTS:
            self.stopped[name] = code
            if len(recent) >= LOOP_RESTARTS:
                self.wrong.append(f"{name} dies again and again, with {code}:\n{process.tail()}")
            return
        self.restarts.append(Restart(name, code, now_s))
        process.start(ready=False)

    def kill(self, name, deadline_s=5):
        """kill -9; returns the restart that followed."""
        before = len(self.restarts)
        self.fleet[name].popen.kill()
        return until(f"{name} to be started again", deadline_s,
                     lambda: next((r for r in self.restarts[before:] if r.name == name), None))

    def unasked(self):
        """Restarts of processes that nobody killed."""
        return [r for r in self.restarts if r.code != -9]
