"""The comparison's own arithmetic: a missing row is a failure, medians and ratios are those of the pairs."""
import os
import signal
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.join(os.path.dirname(HERE), "system"))

import main  # noqa: E402
import measure  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402


def answers(**changed):
    result = {"requests": 100, "200": 0, "201": 100, "202": 0, "4xx": 0, "5xx": 0, "other": 0,
              "socket_errors": 0, "timeouts": 0, "unanswered": 0}
    return {**result, **changed}


def run(system, rate, cpu, p99=10.0, p50=5.0, connections=256, body="1k"):
    return measure.Run(system, connections, body, stored_per_s=rate, p50_ms=p50, p99_ms=p99,
                       cpu={"postgres": cpu / 2, "redis": cpu / 2}, counts={"201": 1})


@pytest.mark.parametrize("changed,rows,words", [
    ({}, 100, []),
    ({}, 99, ["99 new rows"]),
    ({}, 101, ["101 new rows"]),
    ({"201": 60, "202": 40}, 100, []),
    ({"201": 60, "202": 40}, 60, ["60 new rows"]),
    ({"201": 98, "5xx": 2}, 98, ["2 requests were not answered"]),
    ({"201": 99, "unanswered": 1}, 99, ["1 requests had no answer"]),
    ({"socket_errors": 3}, 100, ["3 socket errors"]),
])
def test_every_answer_is_held_against_rows(changed, rows, words):
    faults = measure.faults_of(answers(**changed), rows)
    assert len(faults) == len(words)
    assert all(word in fault for word, fault in zip(words, faults))


@pytest.mark.parametrize("audit_rows,faults", [(None, []), (100, []), (99, ["100 new rows, but 99 new audit rows"])])
def test_every_row_is_held_against_audit_rows(audit_rows, faults):
    assert measure.faults_of(answers(), 100, audit_rows) == faults


class Counted:
    def __init__(self, audited):
        self.audited = audited

    def audit_rows(self):
        return 70


def test_audit_rows_are_counted_of_those_that_write_them():
    assert measure.audit_rows(Counted(True), 30) == 40
    assert measure.audit_rows(Counted(False), 30) is None


def test_the_median_of_the_pairs_counts():
    result = report.Report()
    for ours, theirs in ((400, 100), (200, 100), (900, 300)):
        result.add(run("sluice", ours, 0.05))
        result.add(run("gin", theirs, 0.25))
    assert result.ratios("1k", 256)["stored"] == 3.0
    assert result.ratios("1k", 256)["cpu"] == pytest.approx(0.2)
    assert result.medians(("1k", 256, "sluice"))["stored_per_s"] == 400


def test_a_bar_is_met_or_missed():
    result = report.Report()
    result.add(run("sluice", 349, 0.05, p99=10.0))
    result.add(run("gin", 100, 0.2, p99=10.0))
    rate, cpu, p99 = result.bars("1k")
    assert "MISSED" in rate and "met" in cpu and "met" in p99


def test_a_run_that_failed_spoils_no_figure():
    result = report.Report()
    result.add(measure.Run("sluice", 256, "1k", faults=["did not start"]))
    result.add(run("gin", 100, 0.2))
    assert result.faults == ["sluice at 256 connections, 1k: did not start"]
    assert result.ratios("1k", 256) is None
    assert result.bars("1k") == [] and result.budget("1k", 256) == []
    assert len(result.table()) == 4


def test_one_json_row_for_a_system_and_a_number_of_connections():
    result = report.Report()
    for body in ("1k", "1.5k"):
        result.add(run("sluice", 400, 0.05, body=body))
        result.add(run("gin", 100, 0.2, body=body))
    rows = result.rows("1k")
    assert [(row["system"], row["connections"], row["body"]) for row in rows] == [("sluice", 256, "1k"), ("gin", 256, "1k")]
    assert {"stored_per_s", "p50_ms", "p99_ms", "cpu_s_per_1000", "rss_mb"} <= set(rows[0])
    assert rows[0]["audit"] is True
    assert rows[0]["ratio_to_gin"]["stored"] == 4.0
    assert rows[1]["other_bodies"]["1.5k"]["stored_per_s"] == 100


def test_a_row_says_that_its_system_wrote_no_audit():
    result = report.Report()
    result.add(measure.Run("gin", 256, "1k", audited=False, stored_per_s=100.0, cpu={"server": 0.1}, counts={"201": 1}))
    assert result.rows("1k")[0]["audit"] is False


@pytest.mark.parametrize("arguments,audit", [([], True), (["--no-audit"], False)])
def test_peers_write_audit_rows_unless_told(monkeypatch, arguments, audit):
    monkeypatch.setattr(sys, "argv", ["compare", *arguments])
    assert main.options().audit is audit


def test_pairs_are_interleaved_and_flask_comes_once(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["compare", "--connections", "4,64", "--pairs", "2"])
    steps = list(main.plan(main.options()))
    assert steps[:5] == [("1k", 4, "sluice"), ("1k", 4, "gin"), ("1k", 4, "sluice"), ("1k", 4, "gin"), ("1k", 4, "flask")]
    assert steps[-4:] == [("1.5k", 64, "sluice"), ("1.5k", 64, "gin")] * 2


@pytest.mark.parametrize("arguments", [["--connections", "0"], ["--bodies", "2k"], ["--systems", "node"], ["--seconds", "x"]])
def test_bad_options_are_usage(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", ["compare", *arguments])
    with pytest.raises(SystemExit) as ended:
        main.options()
    assert ended.value.code == 64
    assert "compare:" in capsys.readouterr().err


def test_a_child_is_waited_for_by_its_end_not_by_the_clock():
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        assert not processes.ended(child, 0)
        child.stdin.close()
        assert processes.ended(child, 20)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        processes.stop(child)
        assert child.returncode == -signal.SIGTERM


def test_cpu_of_a_child_that_exited_is_counted():
    before = processes.cpu_seconds([os.getpid()])
    child = os.fork()
    if child == 0:
        n = 0
        while os.times().user < 0.3:
            n += 1
        os._exit(0)
    os.waitpid(child, 0)
    assert processes.cpu_seconds([os.getpid()]) - before >= 0.25
