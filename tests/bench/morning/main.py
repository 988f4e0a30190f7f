"""The morning flood (started by ../flood): the load of clinical-rules.md on a real fleet, its figures, its books.

Exit 0: every acknowledged submission is in the books once, and the books balance. 1: they do not, or something failed.
64: usage. The bars are printed as met or missed and do not change the exit code."""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0] = os.path.dirname(HERE)  # the package is morning, beside the comparison's modules
sys.path.append(os.path.join(os.path.dirname(os.path.dirname(HERE)), "system"))

from morning import mix  # noqa: E402

DEFAULT_COMPRESS = 120  # two minutes


class Usage(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"flood: {message}\n")


def within(kind, low, high):
    def parse(text):
        value = kind(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not in {low}..{high}")
        return value
    return parse


def options(arguments=None):
    parser = Usage(prog="flood", description="A morning's load of a clinical study on a real fleet.")
    parser.add_argument("--subjects", type=within(int, 100, 1000000), metavar="N", help="people (100000; --capacity, --half-on-one 60000)")
    speed = parser.add_mutually_exclusive_group()
    speed.add_argument("--compress", type=within(float, 1, 100000), metavar="N",
                       help=f"the morning's {mix.MORNING_MIN} minutes pass N times as fast ({DEFAULT_COMPRESS})")
    speed.add_argument("--minutes", type=within(float, 0.05, mix.MORNING_MIN), metavar="M", help="the morning passes in M minutes")
    parser.add_argument("--rate", type=within(float, 1, 100000), metavar="R", help="no curve: R people a second, evenly")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--capacity", action="store_true", help="find what the machine stores a second, then run at half of it")
    kind.add_argument("--half-on-one", action="store_true", help="half the load on one form and one study, against the load spread")
    parser.add_argument("--seconds", type=within(int, 2, 120), metavar="S", help="length of each run of --capacity (20), --half-on-one (5)")
    parser.add_argument("--pairs", type=within(int, 1, 10), default=3, metavar="N", help="runs of each kind of --half-on-one (3)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="another morning (1)")
    parser.add_argument("--svg", metavar="FILE", help="draw the run")
    parser.add_argument("--json", metavar="FILE", help="write one JSON object a run")
    args = parser.parse_args(arguments)
    if args.minutes:
        args.compress = mix.MORNING_MIN / args.minutes
    args.compress = args.compress or DEFAULT_COMPRESS
    args.subjects = args.subjects or (60000 if args.capacity or args.half_on_one else 100000)
    args.seconds = args.seconds or (5 if args.half_on_one else 20)
    return args


def say(what):
    print(f"… {what}", flush=True)


def main():
    args = options()
    import servers
    from morning import plot, run, words
    from processes import Failure

    runs = run.capacity if args.capacity else run.half_on_one if args.half_on_one else run.morning
    try:
        with servers.servers() as stores:
            servers.promises_check(stores.postgres)
            print(words.place(stores), flush=True)
            outcomes = runs(stores, args, say)
    except (Failure, RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"flood: {error}", file=sys.stderr)
        return 1
    print("\n" + "\n".join(words.table(outcomes) + words.details(outcomes) + words.bars(outcomes)))
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(words.row(outcome)) + "\n" for outcome in outcomes)
    if args.svg:
        plot.draw(args.svg, outcomes[-1], None if args.rate or args.capacity or args.half_on_one else args.compress)
    faults = [f"{outcome.name}: {fault}" for outcome in outcomes for fault in outcome.faults]
    for fault in faults:
        print(f"FAILURE: {fault}")
    if not faults:
        print("\nEvery acknowledged submission is in submissions or rejections exactly once, and sluicectl reconcile balances.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
