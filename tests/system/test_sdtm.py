"""SDTM data through a whole fleet: rows = forms, every value comes back, and the comparison itself can fail."""
import os
import re
import subprocess
import sys

import pytest

import sdtm
from fleet import BIN, TOKEN, Fleet

HERE = os.path.dirname(os.path.abspath(__file__))
FINGERPRINT = "select md5(string_agg(s::text, '|' order by submission_id)) from sluice.submissions s"
DATA = os.path.join(HERE, "data")


@pytest.fixture(scope="module")
def fleet(stores):
    with Fleet(stores) as fleet:
        yield fleet


def run(fleet, *more):
    script = [sys.executable, os.path.join(HERE, "sdtm.py"), "--url", fleet.url, "--token", TOKEN]
    return subprocess.run([*script, "--config", fleet.config, "--bin", BIN, DATA, "--zone", "Europe/Berlin", *more],
                          capture_output=True, text=True, timeout=120)


def test_all_of_it_arrives_unchanged(fleet):
    done = run(fleet, "--repeats", "0.5")
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    forms = sum(int(n) for n in re.findall(r"rows as (\d+) forms", done.stdout))
    assert forms == 27 and fleet.count() == forms and fleet.count("rejections") == 0
    # By plain SQL as well: midnight in Berlin in winter and summer, a literal with its zeros gone, a blank.
    rows = fleet.query("select authored_at at time zone 'UTC', authored_zone, answers->>'WEIGHT',"
                       " answers->'TEMP' = 'null' from sluice.submissions"
                       " where subject_id = 'MADEUP-002' and answers ? 'WEIGHT' order by authored_at")
    assert [(str(at), zone, float(weight), blank) for at, zone, weight, blank in rows] == [
        ("2026-03-28 23:00:00", "+01:00", 98.0, False), ("2026-10-24 22:00:00", "+02:00", 97.25, True)]


def test_again_changes_nothing(fleet):
    first = run(fleet)
    before = fleet.query(FINGERPRINT)
    again = run(fleet, "--repeats", "1")
    assert (first.returncode, again.returncode) == (0, 0), first.stdout + again.stdout
    assert "54 posts" in again.stdout
    assert fleet.query(FINGERPRINT) == before


def test_a_changed_value_or_a_missing_row_is_noticed(fleet):
    assert run(fleet).returncode == 0
    fleet.query("update sluice.submissions set answers = jsonb_set(answers, '{SYSBP}', '121')"
                " where subject_id = 'MADEUP-001' and answers @> '{\"VSREPNUM\": 2}'")
    changed = run(fleet)
    assert changed.returncode == 1, changed.stdout
    assert "1 of 102 rows not found again, 1 found that were not sent" in changed.stdout
    fleet.query("delete from sluice.submissions where subject_id = 'MADEUP-003'"
                " and answers @> '{\"VSREPNUM\": 3}'")
    missing = run(fleet, "--settle", "1s")  # it is stored anew, and the ledger still knows the old one
    assert missing.returncode == 1 and "reconcile" in missing.stderr, missing.stdout + missing.stderr


def test_numbers_and_groups():
    values = [sdtm.value(t) for t in ("098.5", "0", "-1.50", "", "ORAL", "1e5")]
    assert values == [sdtm.Decimal("98.5"), 0, sdtm.Decimal("-1.5"), None, "ORAL", "1e5"]
    assert sdtm.json_text({"a": sdtm.value("098.50"), "b": None, "c": "ü\""}) == '{"a":98.50,"b":null,"c":"\\u00fc\\""}'
    rows = sdtm.vital_sign_rows(sdtm.read(os.path.join(DATA, "vs.json")))
    assert len({f.key for f in sdtm.forms("VS", "vital-signs", rows)}) == 24
    with pytest.raises(AssertionError, match="twice"):
        list(sdtm.forms("VS", "vital-signs", rows + rows[:1]))
