"""Damage done to the journal of a dead broker with a backlog: named by verify, set aside at the start, counted,
and a fault of reconcile until somebody acknowledges the loss. What is not lost arrives; what is lost can be sent
again."""
import glob
import json
import os

import pytest

from disks import failing
from fleet import DIARY, Fleet
from journal_files import HEADER_COPY_BYTES, JournalFiles
from submitters import Answer, Submitters, origin_of, prove

SMALL_SEGMENTS = {"segment_bytes": "1MiB", "max_record_bytes": "128KiB"}


class Backlog:
    """A fleet without workers that acknowledged n submissions and whose broker was killed."""

    def __init__(self, stores, n, filling=0, **broker):
        self.fleet = Fleet(stores, workers=0, queries=0, settings={"broker": broker})
        self.n, self.filling = n, "x" * filling
        self.answers = []

    def __enter__(self):
        self.fleet.__enter__()
        try:
            for _ in range(self.n):
                answer = self.post()
                origin = origin_of(answer.headers["Location"])
                self.answers.append(Answer(answer.json["id"], answer.status, origin, 0, 0))
            assert {a.status for a in self.answers} == {202}
            self.fleet["broker"].kill()
        except BaseException:
            self.fleet.__exit__()
            raise
        self.files = JournalFiles(self.fleet.path("journal"))
        return self

    def __exit__(self, *_):
        self.fleet.__exit__()

    @property
    def keys(self):
        return [a.key for a in self.answers]

    def post(self, key=None):
        return self.fleet.post({**DIARY, "notes": "a day" + self.filling}, key=key,
                               headers={"Prefer": "respond-async"})

    def verify(self):
        """The faults, and verify's exit code."""
        done = self.fleet.ctl("journal", "verify", "--json", check=False)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return [r for r in rows if r["type"] == "fault"], done.returncode

    def start_and_drain(self):
        """The broker comes up on what is left, and it all reaches the database."""
        self.fleet["broker"].start()
        self.fleet.process("worker1", "sluice-worker", "--service", "submissions", "--name", "worker1").start()
        self.fleet.await_drained()

    def stored(self):
        return {str(id) for id, in self.fleet.query("select submission_id from sluice.submissions")}

    def judge(self, lost):
        """Exactly those are lost, the books say so until it is acknowledged, and the broker lives on."""
        self.start_and_drain()
        assert set(self.keys) - self.stored() == lost
        assert self.fleet.status()["damaged"] == len(lost)
        unequal = self.fleet.ctl("reconcile", "--settle", "5s", check=False)
        if lost:
            assert unequal.returncode == 1, unequal.stdout
            assert f"{len(lost)} messages lost to damage" in unequal.stdout + unequal.stderr
        self.fleet["broker"].kill()  # no loop, and not counted twice
        self.fleet["broker"].start()
        assert self.fleet.status()["damaged"] == len(lost)
        self.fleet.ctl("journal", "acknowledge-loss", "--yes")
        self.fleet.reconcile()
        self.prove_answers(lost)
        for key in sorted(lost)[:3]:
            assert self.post(key).status == 202
        self.fleet.reconcile()
        assert set(sorted(lost)[:3]) <= self.stored()

    def prove_answers(self, lost):
        rows = {tuple(r[:3]): str(r[3]) for r in
                self.fleet.query("select broker, epoch, seq, submission_id from sluice.origins")}
        for answer in self.answers:
            assert (rows.get(answer.origin) == answer.key) == (answer.key not in lost), answer


def test_flipped_bytes_in_the_middle(stores):
    with Backlog(stores, 120) as backlog:
        lost = set(backlog.keys[30:33])
        places = [backlog.files.find(key)[0] for key in sorted(lost)]
        for path, offset in places:
            backlog.files.flip(path, offset + 120)
        faults, code = backlog.verify()
        assert code == 1
        named = {(f["file"], f["offset"]) for f in faults}
        assert named == {(os.path.basename(p), o) for p, o in places}, faults
        backlog.judge(lost)
        assert glob.glob(os.path.join(backlog.files.folder, "*.corrupt*"))
        assert "journal-mended" in backlog.fleet["broker"].tail(1 << 20)


def test_flipped_batch_header(stores):
    """The header in front of one message's batch: its records are intact by themselves and are found."""
    with Backlog(stores, 60) as backlog:
        path, offset = backlog.files.find(backlog.keys[20])[0]
        backlog.files.flip(path, offset - 64, 32)
        faults, code = backlog.verify()
        assert code == 1 and {f["file"] for f in faults} == {os.path.basename(path)}
        assert any(offset - 4096 <= f["offset"] <= offset for f in faults), (offset, faults)
        backlog.judge(set())


@pytest.mark.parametrize("which", ["first", "middle"])
def test_missing_segment(stores, which):
    with Backlog(stores, 260, filling=16000, **SMALL_SEGMENTS) as backlog:
        inside = {p: k for p, k in backlog.files.within(backlog.keys).items() if k}
        assert len(inside) >= 4
        paths = sorted(inside)
        victim = paths[0] if which == "first" else paths[len(paths) // 2]
        os.unlink(victim)
        faults, code = backlog.verify()
        assert code == 1
        assert os.path.basename(victim) in {f["file"] for f in faults if f["rule"] == "segment-missing"}, faults
        backlog.judge(inside[victim])


@pytest.mark.parametrize("harm", ["first copy", "second copy", "both copies", "file cut"])
def test_harmed_segment_header(stores, harm):
    """One copy of the header is enough; without both, batches still say where they belong."""
    with Backlog(stores, 200, filling=16000, **SMALL_SEGMENTS) as backlog:
        inside = {p: k for p, k in backlog.files.within(backlog.keys).items() if k}
        victim = sorted(inside)[1]
        if harm == "file cut":
            os.truncate(victim, 100)
        else:
            at = 0 if harm == "first copy" else header_twin(victim)
            backlog.files.blank(victim, at, 64)
            if harm == "both copies":
                backlog.files.blank(victim, 0, 64)
        faults, code = backlog.verify()
        assert code == 1 and os.path.basename(victim) in {f["file"] for f in faults}, faults
        backlog.judge(inside[victim] if harm == "file cut" else set())


def header_twin(path):
    """Where the header's second copy begins: the magic's second place."""
    with open(path, "rb") as f:
        block = f.read(4 * HEADER_COPY_BYTES)
    return block.index(block[:8], 8)


def test_torn_tail_is_cut_and_nothing_acknowledged_is_lost(stores):
    """The broker dies between write and sync of a batch, and half of that batch never reached the disk."""
    wrap = {"broker": failing("fdatasync", "signal=SIGKILL", "50")}
    with Fleet(stores, workers=0, queries=0, wrap=wrap) as fleet:
        files = JournalFiles(fleet.path("journal"))
        with Submitters(fleet, n=4, prefers=("respond-async",)) as crowd:
            assert fleet["broker"].wait(30) == -9
            tail = max((p for p in files.segments() if files.end_of_data(p)), key=os.path.basename)
            end = files.end_of_data(tail)
            files.blank(tail, end - 200, 200)  # less than the smallest batch: its header stays
            fleet.wrap.clear()
            fleet.process("broker", "sluice-broker").start()
            fleet.process("worker1", "sluice-worker", "--service", "submissions", "--name", "worker1").start()
            crowd.await_answers(20)
        assert "journal-mended" in fleet["broker"].tail(1 << 20)
        assert glob.glob(os.path.join(files.folder, "*.torn*"))
        assert fleet.status()["damaged"] == 0
        prove(fleet, crowd)


def test_garbage_instead_of_a_journal_is_refused_and_not_touched(stores):
    with Backlog(stores, 5) as backlog:
        identity = os.path.join(backlog.files.folder, "journal")
        before = {p: os.path.getmtime(p) for p in backlog.files.segments()}
        with open(identity, "r+b") as f:
            f.write(b"not a journal at all")
        faults, code = backlog.verify()
        assert code == 1 and faults
        broker = backlog.fleet["broker"]
        broker.start(ready=False)
        assert broker.wait(10) == 78
        assert {p: os.path.getmtime(p) for p in backlog.files.segments()} == before
        assert "fatal" in broker.tail()
