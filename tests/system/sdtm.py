#!/usr/bin/python3
"""SDTM Dataset-JSON (dm, vs, qsph) through a running fleet, and the proof that all of it arrived unchanged.

The subjects of dm and the two questionnaires are loaded with sluicectl. Rows of vs become one vital-signs form
per (USUBJID, VISITNUM, VSDTC, VSPOS, VSREPNUM), rows of qsph one PHQ-9 form per (USUBJID, VISITNUM, QSDTC). That
key, written out, is the Idempotency-Key. A share of the posts is repeated, half of those at the same moment as
the first. Then every form in the database is turned back into rows, which must be the rows of the files, and
`sluicectl reconcile` must balance. Exit 0: all of it holds; 1: something does not, and it is said what.

Numbers travel as decimal literals without leading zeros (vs has 098.5) and are compared as numbers; SDTM's dates
become 00:00 in a stated zone. Nothing of the data is printed but counts, keys of forms and rule names.
"""
import argparse
import collections
import concurrent.futures
import datetime
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
import zoneinfo
from decimal import Decimal

import psycopg

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
THREADS = 8
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Form = collections.namedtuple("Form", "key subject questionnaire date answers rows")
Row = collections.namedtuple("Row", "subject visitnum visit date position repeat test value location")


def read(path):
    """The rows of one Dataset-JSON 1.1 file as dicts; numbers with a fraction as Decimal."""
    with open(path) as f:
        dataset = json.load(f, parse_float=Decimal)
    names = [column["name"] for column in dataset["columns"]]
    assert dataset["records"] == len(dataset["rows"]), f"{path}: records does not count the rows"
    return [dict(zip(names, row)) for row in dataset["rows"]]


def value(text):
    """A result as a number where it is one, else as its text; an empty one was left blank."""
    if text in ("", None):
        return None
    return Decimal(str(text)) if NUMBER.fullmatch(str(text)) else text


def vital_sign_rows(dataset):
    return [Row(r["USUBJID"], Decimal(r["VISITNUM"]), r["VISIT"], r["VSDTC"], r["VSPOS"], r["VSREPNUM"],
                r["VSTESTCD"], value(r["VSORRES"]), r["VSLOC"]) for r in dataset]


def phq9_rows(dataset):
    """The numeric finding where there is one; QSORRES is its wording."""
    return [Row(r["USUBJID"], Decimal(r["VISITNUM"]), r["VISIT"], r["QSDTC"], "", None, r["QSTESTCD"],
                value(r["QSORRES"] if r["QSSTRESN"] is None else r["QSSTRESN"]), "") for r in dataset]


def forms(domain, questionnaire, rows):
    """One form per group of rows. What can't stand in one form (a test twice, two locations) is an error."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[(row.subject, row.visitnum, row.date, row.position, row.repeat)].append(row)
    for (subject, visitnum, date, position, repeat), group in groups.items():
        answers = {"VISITNUM": visitnum, "VISIT": group[0].visit}
        if position:
            answers["VSPOS"] = position
        if repeat is not None:
            answers["VSREPNUM"] = repeat
        for row in group:
            assert row.test not in answers, f"{domain}: test {row.test} twice in one form"
            assert row.visit == group[0].visit, f"{domain}: one visit under two names"
            answers[row.test] = row.value
        locations = {row.location for row in group if row.location}
        assert len(locations) <= 1, f"{domain}: two locations in one form"
        if locations:
            answers["VSLOC"] = locations.pop()
        key = f"{domain}/{subject}/{visitnum}/{date}/{position}/{'' if repeat is None else repeat}"
        yield Form(key, subject, questionnaire, date, answers, group)


def rows_of(subject, date, answers):
    """A stored form back as rows, without the location, which belongs to the form as a whole."""
    about = {"VISITNUM", "VISIT", "VSPOS", "VSREPNUM", "VSLOC"}
    form = (subject, Decimal(answers["VISITNUM"]), answers["VISIT"], date, answers.get("VSPOS", ""),
            answers.get("VSREPNUM"))
    return [Row(*form, test, Decimal(v) if isinstance(v, (int, Decimal)) else v, "")
            for test, v in answers.items() if test not in about]


def json_text(v):
    """JSON that keeps a Decimal's digits (json.dumps would go through a double)."""
    if isinstance(v, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{json_text(x)}" for k, x in v.items()) + "}"
    return format(v, "f") if isinstance(v, Decimal) else json.dumps(v)


class Poster:
    """Posts forms from several threads, each over a connection of its own."""

    def __init__(self, url, token, zone):
        self.address, self.token, self.zone = urllib.parse.urlsplit(url).netloc, token, zoneinfo.ZoneInfo(zone)
        self.local = threading.local()

    def authored(self, date):
        return datetime.datetime.fromisoformat(date).replace(tzinfo=self.zone)

    def post(self, form, together=None):
        """(status, body). together: a barrier that the copies of one form pass at the same moment."""
        path = f"/api/v1/subjects/{urllib.parse.quote(form.subject, safe='')}/questionnaires"
        body = json_text({"subjectId": form.subject, "questionnaire": form.questionnaire, "version": "1.0",
                          "submitAt": self.authored(form.date).isoformat(), "timeZone": self.zone.key,
                          "answers": form.answers})
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
                   "Idempotency-Key": form.key}
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection(self.address, timeout=60)
        if together:
            together.wait(60)
        self.local.connection.request("POST", path, body, headers)
        response = self.local.connection.getresponse()
        return response.status, json.loads(response.read())


def schedule(all_forms, repeats, chance):
    """Tuples of copies to post together: every form, and as many again as repeats says, half of them at once."""
    again = chance.sample(all_forms, round(len(all_forms) * repeats))
    together = {id(form) for form in again[:len(again) // 2]}
    jobs = [(form, form) if id(form) in together else (form,) for form in all_forms]
    jobs += [(form,) for form in again[len(again) // 2:]]
    chance.shuffle(jobs)
    return jobs


def post_all(poster, jobs):
    """[(form, status, body)] of every post."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        futures = []
        for copies in jobs:
            barrier = threading.Barrier(len(copies)) if len(copies) > 1 else None
            futures += [(form, pool.submit(poster.post, form, barrier)) for form in copies]
        return [(form, *future.result()) for form, future in futures]


class Ctl:
    def __init__(self, folder, config):
        self.command = [os.path.join(folder, "sluicectl"), "--config", config]

    def run(self, *args):
        done = subprocess.run([*self.command, *args], capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise SystemExit(f"sluicectl {' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def load(self, study, subjects):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump({"study": study, "subjects": [{"subjectId": s, "status": "enrolled"} for s in subjects]}, f)
            f.flush()
            self.run("subject", "load", f.name, "--yes")
        for name in ("vital-signs", "phq-9"):
            path = os.path.join(ROOT, "schemas/questionnaires", f"{name}.json")
            self.run("questionnaire", "load", path, "--study", study, "--yes")


def faults_of_posts(posts):
    """What the answers alone say against us, and the id of each form's submission."""
    faults, ids = [], {}
    for form, status, body in posts:
        if status not in (201, 202) or body.get("status") not in ("stored", "accepted"):
            rules = [(e["pointer"], e["rule"]) for e in body.get("errors", [])]
            faults.append(f"{form.key}: {status} {body.get('status')} {rules}")
        elif ids.setdefault(form.key, body["id"]) != body["id"]:
            faults.append(f"{form.key}: two ids")
    if len(set(ids.values())) != len(ids):
        faults.append("two forms share an id")
    return faults, ids


def faults_of_rows(database, study, subjects, all_forms, ids, poster):
    """(faults, rows, values): the database against what was sent; rows, values, times."""
    with psycopg.connect(database) as connection:
        stored = connection.execute(
            "select submission_id, subject_id, questionnaire, answers::text, authored_at, time_zone"
            " from sluice.submissions where study = %s and subject_id = any(%s)"
            " and questionnaire in ('vital-signs', 'phq-9')",
            [study, list(subjects)]).fetchall()
        refused, = connection.execute(
            "select count(*) from sluice.rejections where study = %s and submission_id = any(%s)",
            [study, [uuid.UUID(i) for i in ids.values()]]).fetchone()
    by_id = {str(row[0]): row for row in stored}
    faults = [f"{refused} rejections"] if refused else []
    if len(stored) != len(all_forms):
        faults.append(f"{len(stored)} rows of {len(all_forms)} forms")
    sent, found = collections.Counter(), collections.Counter()
    for form in all_forms:
        sent.update(row._replace(location="") for row in form.rows)
        row = by_id.get(ids.get(form.key))
        if row is None:
            faults.append(f"{form.key}: no row")
            continue
        _, subject, questionnaire, answers, authored_at, time_zone = row
        answers = json.loads(answers, parse_float=Decimal)
        found.update(rows_of(subject, str(authored_at.astimezone(poster.zone).date()), answers))
        if (subject, questionnaire, time_zone) != (form.subject, form.questionnaire, poster.zone.key):
            faults.append(f"{form.key}: another subject, questionnaire or zone")
        if authored_at != poster.authored(form.date):
            faults.append(f"{form.key}: another time")
        if answers != form.answers:
            faults.append(f"{form.key}: other answers")
    if sent != found:
        faults.append(f"{(sent - found).total()} of {sent.total()} rows not found again,"
                      f" {(found - sent).total()} found that were not sent")
    return faults, len(stored), (sent & found).total()


def config_value(path, section, key):
    """One value of a ZPL file."""
    current = None
    with open(path) as f:
        for line in f:
            if line.strip() and not line[0].isspace():
                current = line.strip()
            elif current == section and (m := re.fullmatch(rf'\s+{key}\s*=\s*"(.*)"\s*', line)):
                return m.group(1)
    raise SystemExit(f"{path}: no {section}/{key}")


def arguments(argv):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("folder", help="holds dm.json, vs.json, qsph.json")
    p.add_argument("--url", default=os.environ.get("SLUICE_URL"))
    p.add_argument("--token", default=os.environ.get("SLUICE_TOKEN"))
    p.add_argument("--config", default=os.environ.get("SLUICE_CONFIG"))
    p.add_argument("--bin", default=os.environ.get("SLUICE_BIN"), help="folder of the programs")
    p.add_argument("--postgres", help="libpq connection string (default: the config's ctl/postgres)")
    p.add_argument("--study", default="NCT007")
    p.add_argument("--zone", default="America/New_York", help="where SDTM's dates are days (default: %(default)s)")
    p.add_argument("--repeats", type=float, default=0.2, help="share of the posts that are repeated")
    p.add_argument("--settle", default="30s", help="how long reconcile may wait for the books to balance")
    p.add_argument("--seed", type=int, default=None)
    a = p.parse_args(argv)
    for name in ("url", "token", "config", "bin"):
        if not getattr(a, name):
            p.error(f"--{name} or SLUICE_{name.upper()} is required")
    return a


def main(argv=None):
    a = arguments(argv)
    seed = random.randrange(2**32) if a.seed is None else a.seed
    print(f"seed {seed}", flush=True)
    subjects = [r["USUBJID"] for r in read(os.path.join(a.folder, "dm.json"))]
    vs, qs = read(os.path.join(a.folder, "vs.json")), read(os.path.join(a.folder, "qsph.json"))
    vital = list(forms("VS", "vital-signs", vital_sign_rows(vs)))
    phq9 = list(forms("QSPH", "phq-9", phq9_rows(qs)))
    print(f"{len(subjects)} subjects; {len(vs)} vital-sign rows as {len(vital)} forms;"
          f" {len(qs)} PHQ-9 rows as {len(phq9)} forms")
    ctl, poster = Ctl(a.bin, a.config), Poster(a.url, a.token, a.zone)
    ctl.load(a.study, subjects)
    jobs = schedule(vital + phq9, a.repeats, random.Random(seed))
    began = time.monotonic()
    posts = post_all(poster, jobs)
    took = time.monotonic() - began
    pairs = sum(len(copies) > 1 for copies in jobs)
    answers = collections.Counter(status for _, status, _ in posts)
    print(f"{len(posts)} posts in {took:.2f} s, {len(posts) - len(vital) - len(phq9)} of them repeated"
          f" ({pairs} at the same moment): {', '.join(f'{n} x {status}' for status, n in sorted(answers.items()))}")
    faults, ids = faults_of_posts(posts)
    balance = ctl.run("reconcile", "--settle", a.settle)
    database = a.postgres or config_value(a.config, "ctl", "postgres")
    more, rows, values = faults_of_rows(database, a.study, subjects, vital + phq9, ids, poster)
    faults += more
    print(f"{rows} rows in PostgreSQL; {values} of {len(vs) + len(qs)} values found again unchanged")
    print(balance, end="")
    for fault in faults[:20]:
        print(f"FAULT {fault}")
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
