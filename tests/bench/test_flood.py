"""The flood's own arithmetic, and twenty seconds of it on a real fleet: the mix has the shares that the field knows,
the books find what is missing, the picture is well-formed. SLUICE_BIN names the programs; without them no smoke."""
import json
import os
import random
import subprocess
import sys
import xml.etree.ElementTree
from collections import Counter

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.append(os.path.join(os.path.dirname(HERE), "system"))

import fleet  # noqa: E402
from morning import forms, ledger, mix, offer, plan, plot, run, series  # noqa: E402

PEOPLE, COMPRESS = 20000, 120
AGAIN_US = 500000


@pytest.fixture(scope="module")
def requests():
    rng = random.Random(7)
    return mix.Mix(rng).requests(range(PEOPLE), mix.morning_dues_us(rng, PEOPLE, COMPRESS), 1.8e9, AGAIN_US)


@pytest.fixture(scope="module")
def submissions(requests):
    return [s for request in requests if not request.repeat for s in request.submissions]


def share(values):
    values = list(values)
    return sum(values) / len(values)


def near(low, high, value):
    assert low <= value <= high, value


def test_the_curve(requests):
    minutes = [r.due_us / 60e6 * COMPRESS - mix.REMINDER_MIN for r in requests if not r.repeat]
    near(0.35, 0.40, share(m < 0 for m in minutes))
    near(0.38, 0.40, share(0 <= m < 30 for m in minutes))
    near(0.07, 0.09, share(30 <= m < 60 for m in minutes))
    assert min(minutes) >= -mix.REMINDER_MIN and max(minutes) <= mix.MORNING_MIN - mix.REMINDER_MIN + 10
    assert [r.due_us for r in requests] == sorted(r.due_us for r in requests)


def test_sizes_and_alerts(submissions):
    sizes = sorted(s.content.bytes for s in submissions)
    near(1300, 1700, sizes[len(sizes) // 2])
    near(8500, 10500, sizes[len(sizes) * 95 // 100])
    near(24000, 33000, sizes[-1])
    items = sorted(s.content.items for s in submissions)
    near(6, 8, items[len(items) // 2])
    near(0.32, 0.36, share(bool(s.content.rule) for s in submissions))


def test_faults(requests, submissions):
    near(0.04, 0.06, share(bool(r.repeat) for r in requests))
    repeats = Counter(r.repeat for r in requests)
    near(0.4, 0.6, repeats["concurrent"] / (repeats["concurrent"] + repeats["later"]))
    near(0.0004, 0.002, sum(s.conflicts for s in submissions) / 2 / len(submissions))
    near(0.025, 0.035, share(s.version == mix.VERSION_OLD for s in submissions))
    near(0.015, 0.025, share(s.content.invalid for s in submissions))
    near(0.04, 0.06, share(r.batch for r in requests))
    assert {len(r.submissions) for r in requests if r.batch} == set(range(3, 15))
    off = [abs(s.clock_s) for s in submissions]
    near(0.87, 0.93, share(o <= 5 for o in off))
    near(0.06, 0.10, share(5 < o <= 120 for o in off))
    assert any(s.submit_at.startswith("1970-01-01T") for s in submissions)


def test_one_id_for_each_but_those_that_repeat_or_conflict(requests):
    contents = {}
    for request in requests:
        for s in request.submissions:
            contents.setdefault(s.id, []).append((request.repeat, s))
    for sent in contents.values():
        first = [s for repeat, s in sent if not repeat]
        assert len(first) == (2 if first[0].conflicts else 1)
        assert len({s.content.text for s in first}) == len(first)
        assert {(s.study, s.subject) for _, s in sent} == {(first[0].study, first[0].subject)}


def test_half_on_one():
    rng = random.Random(3)
    for one, low, high in ((True, 0.48, 0.58), (False, 0.03, 0.10)):
        people = mix.Mix(rng, symptoms_only=True, half_on_one=one)
        made = [s for r in people.requests(range(2000), [0] * 2000, 1.8e9, AGAIN_US) for s in r.submissions]
        assert {s.content.form for s in made} == {"symptoms"}
        near(low, high, share((s.study, s.questionnaire) == (mix.STUDIES[0], mix.SYMPTOM_FORMS[0]) for s in made))


def test_requests_are_what_http_says(requests):
    batch = next(r for r in requests if r.batch)
    single = next(r for r in requests if not r.batch)
    for request in (batch, single):
        text = "".join(p if isinstance(p, str) else p.text for p in plan.pieces_of(request, 1.8e9, "h:1", "token"))
        head, body = text.split("\r\n\r\n", 1)
        assert f"Content-Length: {len(body)}" in head
        found = json.loads(body)
        assert len(found["submissions"] if request.batch else [found]) == len(request.submissions)


def content(rule="", invalid=False):
    return forms.Content("phq-9", "{}", 9, rule, invalid)


def submission(name, rule="", invalid=False, conflicts=False):
    return mix.Submission("FLOOD1", "S1", name, "phq-9", "1.0", "2026-11-22T08:00:00Z", 0, content(rule, invalid), conflicts)


@pytest.mark.parametrize("status,stored,rejected,words", [
    (201, {"a": 1}, {}, []),
    (202, {"a": 1}, {}, []),
    (201, {}, {}, ["nowhere", "not stored"]),
    (201, {"a": 2}, {}, ["more than once"]),
    (201, {"a": 1}, {"a": 1}, ["both"]),
    (202, {}, {"a": 1}, ["not stored"]),
    (503, {}, {}, ["never answered"]),
    (0, {}, {}, ["never answered"]),
    (422, {}, {"a": 1}, ["not stored", "answered 422"]),
    (500, {"a": 1}, {}, ["never answered", "answered 500"]),
])
def test_the_books_find_it(status, stored, rejected, words):
    books = ledger.balance([(submission("a"), None, status)], Counter(stored), Counter(rejected), Counter())
    assert len(books.faults) == len(words), books.faults
    assert all(word in fault for word, fault in zip(words, books.faults))


def test_books_of_invalid_and_conflicting_forms():
    results = [(submission("a", invalid=True), None, 422), (submission("b", conflicts=True), None, 201),
               (submission("b", conflicts=True), None, 409), (submission("c", invalid=True), None, 202)]
    books = ledger.balance(results, Counter(b=1), Counter(a=2, c=1), Counter(b=1))
    assert books.faults == [] and books.promised == 2 and books.conflicts == 1
    assert ledger.balance(results, Counter(b=1), Counter(a=1), Counter()).faults


def offered_of(times):
    requests = [mix.Request(int(due * 1e6), [submission(f"i{n}", "r" if n % 2 else "")]) for n, (due, _) in enumerate(times)]
    attempts = [offer.Attempt(n, 1, int(due * 1e6), int(due * 1e6), int(done * 1e6), 201, "")
                for n, (due, done) in enumerate(times)]
    return offer.Offered(requests, 100.0, attempts, backlog=[(0.1, 3), (1.5, 7)])


def test_delays_count_from_when_it_was_due():
    offered = offered_of([(0, 0.01), (1, 1.5)])
    offered.alerts = {("FLOOD1", "S1", "r"): 101.25}
    results = list(offer.results_of(offered))
    assert series.acknowledgements(results) == [(0.0, 10.0), (1.0, 500.0)]
    assert series.alert_delays(offered, results) == ([(1.0, 250.0)], 0)
    offered.alerts = {}
    assert series.alert_delays(offered, results) == ([], 1)


def test_percentiles():
    assert series.percentile([], 0.5) is None
    assert series.percentile(range(1, 101), 0.99) == 99 and series.percentile([5], 0.99) == 5


def test_the_picture_is_well_formed_and_says_its_units():
    offered = offered_of([(n / 10, n / 10 + 0.02) for n in range(100)])
    offered.cpu = {"generator": 1.0}
    results = list(offer.results_of(offered))
    outcome = run.Outcome("morning", offered, ledger.balance(results, Counter(), Counter(), Counter()),
                          series.series(offered, results, [100.5], [(1.0, 20.0)], 10), 10.0, alerts={"share": 0.5, "missing": 0})
    for compress, words in ((1440, "reminder"), (None, "seconds of the run")):
        text = plot.svg(outcome, compress)
        xml.etree.ElementTree.fromstring(text)
        assert words in text and "submissions a second" in text and "201 stored" in text


@pytest.mark.skipif(not os.path.exists(os.path.join(fleet.BIN, "flood_load")), reason="no programs: SLUICE_BIN")
def test_a_small_morning_on_a_real_fleet(tmp_path):
    out, svg = tmp_path / "run.json", tmp_path / "run.svg"
    done = subprocess.run([sys.executable, "-B", os.path.join(HERE, "morning/main.py"), "--subjects", "1000", "--minutes", "0.1",
                           "--json", str(out), "--svg", str(svg)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    row = json.loads(out.read_text())
    assert row["faults"] == [] and row["stored"] > 900 and row["rejected"] > 0 and row["alert_ms"]["raised"] > 200
    assert row["answers"].get("201", 0) + row["answers"].get("202", 0) >= row["stored"]
    xml.etree.ElementTree.parse(svg)
