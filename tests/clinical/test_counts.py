#!/usr/bin/python3
"""counts.py over made-up SDTM data, and over the same with changes that each move one count. Argument: sluice-evaluate."""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(os.path.dirname(HERE), "system/data")


def counts(program, folder):
    done = subprocess.run([sys.executable, os.path.join(HERE, "counts.py"), folder, "--evaluate", program, "--json"],
                          capture_output=True, text=True, timeout=60)
    said = json.loads(done.stdout) if done.stdout else {}
    return done.returncode, said.get("phq9"), said.get("blood_pressure"), done.stderr


def changed(folder, name, column, where, value):
    """The data in folder, with one column of the first row that where fits set to value."""
    for file in ("qsph.json", "vs.json"):
        with open(os.path.join(DATA, file)) as f:
            dataset = json.load(f)
        if file == name:
            names = [c["name"] for c in dataset["columns"]]
            row = next(r for r in dataset["rows"] if where(dict(zip(names, r))))
            row[names.index(column)] = value
        with open(os.path.join(folder, file), "w") as f:
            json.dump(dataset, f)
    return folder


def main(program):
    code, phq9, pressure, error = counts(program, DATA)
    assert code == 0, error
    assert (phq9["forms"], phq9["scored"], phq9["disagree"], phq9["item_9_alerts"]) == (3, 3, [], 1), phq9
    assert phq9["totals"] == {"0": 1, "12": 1, "27": 1}, phq9
    assert phq9["bands"] == {"minimal": 1, "moderate": 1, "severe": 1}, phq9
    assert (pressure["pairs"], pressure["ungraded"], pressure["grades"]) == (18, 6, {"0": 1, "1": 17}), pressure
    assert pressure["grade_3_alerts"] == 0, pressure

    with tempfile.TemporaryDirectory() as folder:
        changed(folder, "qsph.json", "QSSTRESN", lambda r: r["QSTESTCD"] == "PHQ0111" and r["QSSTRESN"] == 12, 13)
        code, phq9, _, error = counts(program, folder)
        assert code == 0, error
        assert [(d["recorded"], d["computed"]) for d in phq9["disagree"]] == [(13, 12)], phq9

        changed(folder, "qsph.json", "QSSTRESN", lambda r: r["QSTESTCD"] == "PHQ0109" and r["QSSTRESN"] == 0, 1)
        code, phq9, _, error = counts(program, folder)
        assert code == 0 and phq9["item_9_alerts"] == 2 and len(phq9["disagree"]) == 1, (phq9, error)

        changed(folder, "qsph.json", "QSSTRESN", lambda r: r["QSTESTCD"] == "PHQ0101", 4)
        code, phq9, _, _ = counts(program, folder)
        assert code == 1 and phq9["broken"] == 1, phq9

        changed(folder, "vs.json", "VSORRES", lambda r: r["VSTESTCD"] == "SYSBP", "160")
        code, _, pressure, error = counts(program, folder)
        assert code == 0 and pressure["grades"]["3"] == 1 and pressure["grade_3_alerts"] == 1, (pressure, error)

        changed(folder, "vs.json", "VSORRES", lambda r: r["VSTESTCD"] == "DIABP", "")
        code, _, pressure, error = counts(program, folder)
        assert code == 0 and (pressure["pairs"], pressure["ungraded"]) == (17, 7), (pressure, error)


if __name__ == "__main__":
    main(sys.argv[1])
