"""Adds up what ./check ran: JUnit files of ctest and pytest, and the plain tally. Prints each failure, then
one line "N passed, N failed" (", N skipped"). Exit 0 only if something passed and nothing failed."""
import glob
import os
import sys
import xml.etree.ElementTree as ElementTree


def main(folder):
    passed, failed, skipped = 0, [], []
    tally = os.path.join(folder, "tally")
    if os.path.exists(tally):
        with open(tally) as f:
            for line in f:
                verdict, name = line.rstrip("\n").split(" ", 1)
                if verdict == "passed":
                    passed += 1
                else:
                    failed.append(name)
    for path in sorted(glob.glob(os.path.join(folder, "*.xml"))):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name = f"{os.path.basename(path)[:-4]}: {case.get('classname', '')} {case.get('name')}"
            if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
                failed.append(name)
            elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
                skipped.append(name)
            else:
                passed += 1
    for name in skipped:
        print(f"    skipped: {name}")
    for name in failed:
        print(f"    FAILED: {name}")
    print(f"{passed} passed, {len(failed)} failed" + (f", {len(skipped)} skipped" if skipped else ""))
    return 0 if passed and not failed else 1


sys.exit(main(sys.argv[1]))
