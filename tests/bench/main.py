"""The comparison: systems in turn under the same load on the same stores (started by ./compare).

Exit 0: measured, and every answer 201 has its row. 1: some answer and the rows differ, or a system failed.
64: usage. The bars are printed as met or missed and do not change the exit code."""
import argparse
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(os.path.dirname(HERE), "system"))

BODIES = ("1k", "1.5k")
SYSTEMS = ("sluice", "gin", "flask")
PAIRED = ("sluice", "gin")


def listed(kind, allowed=None):
    def parse(text):
        try:
            values = list(dict.fromkeys(kind(word) for word in text.split(",")))
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{text!r} is no list of {kind.__name__}") from error
        if allowed and not set(values) <= set(allowed):
            raise argparse.ArgumentTypeError(f"one or more of {', '.join(allowed)}")
        return values
    return parse


def positive(text):
    value = int(text)
    if not 1 <= value <= 10000:
        raise ValueError("not in 1..10000")
    return value


class Usage(argparse.ArgumentParser):
    def error(self, message):
        self.print_usage(sys.stderr)
        self.exit(64, f"compare: {message}\n")


def options():
    parser = Usage(prog="compare", description="Sluice against Gin and Flask, same job, same PostgreSQL and Redis.")
    parser.add_argument("--json", metavar="FILE", help="write one JSON object a row")
    parser.add_argument("--seconds", type=positive, default=10, metavar="N", help="length of a run (10)")
    parser.add_argument("--connections", type=listed(positive), default=[4, 64, 256], metavar="N,…",
                        help="numbers of connections (4,64,256)")
    parser.add_argument("--bodies", type=listed(str, BODIES), default=list(BODIES), metavar="SIZE,…",
                        help="body sizes (1k,1.5k); those after the first run at the most connections only")
    parser.add_argument("--systems", type=listed(str, SYSTEMS), default=list(SYSTEMS), metavar="NAME,…",
                        help="systems (sluice,gin,flask)")
    parser.add_argument("--pairs", type=positive, default=3, metavar="N",
                        help="interleaved runs of sluice and gin (3); flask runs once for each number of connections")
    parser.add_argument("--subjects", type=positive, default=5000, metavar="N", help="subjects loaded beforehand (5000)")
    parser.add_argument("--no-audit", dest="audit", action="store_false",
                        help="the peers write no audit row (Sluice always does)")
    parser.add_argument("--print-systems", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def plan(args):
    """(body, connections, system) in the order they run: pairs interleaved, flask once at the end."""
    for n, body in enumerate(args.bodies):
        for connections in args.connections if n == 0 else [max(args.connections)]:
            for _ in range(args.pairs):
                for name in PAIRED:
                    if name in args.systems:
                        yield body, connections, name
            if "flask" in args.systems and n == 0:
                yield body, connections, "flask"


def compare(args):
    import measure
    import report
    import servers
    import systems
    from processes import Failure

    result = report.Report()
    steps = list(plan(args))
    with servers.servers(**servers.SHORT_RUNS) as stores:
        servers.promises_check(stores.postgres)
        print(f"PostgreSQL: {servers.settings_text(stores.postgres)}; Redis: appendonly yes, appendfsync everysec")
        print(f"Disk: {servers.sync_us(stores.folder):.0f} us for 8 KB with fdatasync; {os.cpu_count()} cores, "
              f"load {os.getloadavg()[0]:.1f}; {args.subjects} subjects; {args.seconds} s a run")
        print(f"Audit rows: {'every system writes one a submission' if args.audit else 'of Sluice only (--no-audit)'}\n",
              flush=True)
        known = {name: systems.SYSTEMS[name](stores, args.subjects, args.audit) for name in args.systems}
        for n, (body, connections, name) in enumerate(steps, 1):
            try:
                run = measure.measure(known[name], stores, connections, args.seconds, body, args.subjects)
            except (Failure, RuntimeError, OSError, subprocess.SubprocessError) as error:
                run = measure.Run(name, connections, body, audited=known[name].audited, faults=[str(error)])
            result.add(run)
            print(f"[{n}/{len(steps)}] {name:<7} {connections:>4} connections {body:>5}: {run.stored_per_s:>8,.0f} "
                  f"stored/s, p50 {run.p50_ms:.2f} p99 {run.p99_ms:.2f} ms, {run.cpu_s_per_1000:.4f} CPU-s/1000, "
                  f"load generator {run.generator_us:.0f} us a request", flush=True)
            for fault in run.faults:
                print(f"    FAILURE: {fault}", flush=True)
    return result


def show(args, result):
    print("\n" + "\n".join(result.table()))
    for body in args.bodies:
        lines = result.bars(body)
        if lines:
            print(f"\nAgainst the bars, body {body} (median of the pairs' ratios):\n" + "\n".join(lines))
        lines = result.budget(body, max(args.connections))
        if lines:
            print(f"\nWhere Sluice's CPU goes at {max(args.connections)} connections, body {body}:\n" + "\n".join(lines))


def main():
    args = options()
    if args.print_systems:
        print(" ".join(args.systems))
        return 0
    result = compare(args)
    faults = result.faults
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(row) + "\n" for row in result.rows(args.bodies[0]))
    show(args, result)
    if faults:
        print("\n" + "!" * 78 + "\nTHIS COMPARISON FAILED: answers and rows do not agree, or a system did not run\n"
              + "\n".join(f"  {fault}" for fault in faults) + "\n" + "!" * 78)
        return 1
    print("\nEvery answer 201 has its row.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
