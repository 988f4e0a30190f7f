#!/usr/bin/python3
"""What our compiled scores and alerts say of SDTM data (Dataset-JSON qsph and vs): totals, alerts, grades.

counts.py FOLDER --evaluate PROGRAM: every PHQ-9 and vital-signs form of the folder goes through sluice-evaluate
with the shipped definitions; nothing is scored here. Printed: counts, and for a recorded total that is not the
sum of its items the form's subject, visit and both numbers. --json prints the same as one object.
Exit 1 if a form breaks a rule of its definition or has no score where all of its items are answered.
"""
import argparse
import collections
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/system"))
import sdtm  # noqa: E402

ITEMS = [f"PHQ010{n}" for n in range(1, 10)]


def evaluate(program, definition, forms):
    """What sluice-evaluate says of each form, in order."""
    path = os.path.join(ROOT, "schemas/questionnaires", f"{definition}.json")
    lines = "".join(sdtm.json_text(form.answers) + "\n" for form in forms)
    done = subprocess.run([program, path], input=lines, capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise SystemExit(f"sluice-evaluate: exit {done.returncode}\n{done.stderr}")
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(said) == len(forms)
    return said


def phq9(program, folder):
    rows = sdtm.phq9_rows(sdtm.read(os.path.join(folder, "qsph.json")))
    forms = list(sdtm.forms("QSPH", "phq-9", rows))
    said = evaluate(program, "phq-9", forms)
    result = {"forms": len(forms), "subjects": len({f.subject for f in forms}), "broken": 0, "scored": 0,
              "totals": collections.Counter(), "bands": collections.Counter(), "recorded": 0, "disagree": [],
              "item_9_alerts": 0, "item_9_subjects": set(), "faults": []}
    for form, x in zip(forms, said):
        total = x["scores"]["PHQ0111"]
        recorded = form.answers.get("PHQ0111")
        result["broken"] += x["findings"] > 0
        result["recorded"] += recorded is not None
        if total["value"] is not None:
            result["scored"] += 1
            result["totals"][int(total["value"])] += 1
            result["bands"][total["band"]] += 1
        elif all(form.answers.get(item) is not None for item in ITEMS):
            result["faults"].append(f"{form.subject} {form.answers['VISIT']}: no score")
        if total["differs"]:
            result["disagree"].append({"subject": form.subject, "visit": form.answers["VISIT"], "date": form.date,
                                       "recorded": None if recorded is None else int(recorded),
                                       "computed": total["value"] and int(total["value"])})
        if any(a["rule"] == "phq9-item-9" for a in x["alerts"]):
            result["item_9_alerts"] += 1
            result["item_9_subjects"].add(form.subject)
    result["item_9_subjects"] = len(result["item_9_subjects"])
    return result


def blood_pressure(program, folder):
    rows = sdtm.vital_sign_rows(sdtm.read(os.path.join(folder, "vs.json")))
    forms = list(sdtm.forms("VS", "vital-signs", rows))
    said = evaluate(program, "vital-signs", forms)
    result = {"forms": len(forms), "broken": 0, "pairs": 0, "grades": collections.Counter(), "ungraded": 0,
              "grade_3_alerts": 0, "grade_3_subjects": set(), "faults": []}
    for form, x in zip(forms, said):
        pair = [form.answers.get(test) for test in ("SYSBP", "DIABP")]
        grade = x["scores"]["BPGRADE"]["value"]
        result["broken"] += x["findings"] > 0
        result["pairs"] += None not in pair
        if (grade is None) != (None in pair):
            result["faults"].append(f"{form.key}: grade {grade}")
        if grade is None:
            result["ungraded"] += 1
        else:
            result["grades"][int(grade)] += 1
        if any(a["rule"] == "blood-pressure-grade-3" for a in x["alerts"]):
            result["grade_3_alerts"] += 1
            result["grade_3_subjects"].add(form.subject)
    result["grade_3_subjects"] = len(result["grade_3_subjects"])
    return result


def counted(counter):
    return ", ".join(f"{key}: {n}" for key, n in sorted(counter.items(), key=lambda x: str(x[0]).zfill(4)))


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("folder", help="with qsph.json and vs.json")
    p.add_argument("--evaluate", required=True, metavar="PROGRAM", help="sluice-evaluate of a build")
    p.add_argument("--json", action="store_true")
    a = p.parse_args(argv)
    q, b = phq9(a.evaluate, a.folder), blood_pressure(a.evaluate, a.folder)
    if a.json:
        print(json.dumps({"phq9": q, "blood_pressure": b}))
    else:
        print(f"PHQ-9: {q['forms']} forms of {q['subjects']} subjects, {q['scored']} totals computed,"
              f" {q['recorded']} recorded; {q['broken']} forms break a rule")
        print(f"  totals  {counted(q['totals'])}")
        print(f"  bands   {counted(q['bands'])}")
        print(f"  {len(q['disagree'])} recorded totals disagree with their items")
        for d in q["disagree"]:
            print(f"    {d['subject']} {d['visit']} {d['date']}: recorded {d['recorded']}, items {d['computed']}")
        print(f"  {q['item_9_alerts']} item-9 alerts of {q['item_9_subjects']} subjects")
        print(f"Blood pressure: {b['forms']} forms, {b['pairs']} pairs, {b['ungraded']} forms without a pair;"
              f" {b['broken']} forms break a rule")
        print(f"  grades  {counted(b['grades'])}")
        print(f"  {b['grade_3_alerts']} alerts of grade 3, of {b['grade_3_subjects']} subjects")
    faults = q["faults"] + b["faults"]
    for fault in faults:
        print(f"FAULT {fault}", file=sys.stderr)
    return 1 if faults or q["broken"] or b["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
