"""What a flood prints: a line a run, where the CPU went, answers, and the bars."""
import os
from statistics import median

import servers

from morning.run import BAR_MS


def ms(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def place(stores):
    return (f"PostgreSQL: {servers.settings_text(stores.postgres)}; Redis: appendonly yes, appendfsync everysec\n"
            f"Disk: {servers.sync_us(stores.folder):.0f} us for 8 KB with fdatasync; {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}")


def table(outcomes):
    head = (f"{'run':<18} {'sent':>8} {'stored':>8} {'stored/s':>9} {'peak/s':>7} {'ack p50':>8} {'p99':>7} {'backlog':>8} "
            f"{'alerts':>7} {'share':>6} {'p50 ms':>7} {'p99 ms':>7} {'generator':>9}")
    lines = [head, "-" * len(head)]
    for o in outcomes:
        sent = sum(o.books.answers.values())
        backlog = max((live for _, live in o.offered.backlog), default=0)
        lines.append(f"{o.name:<18} {sent:>8,} {o.books.stored:>8,} {o.stored_per_s:>9,.0f} {max(o.series.arrivals):>7,.0f} "
                     f"{ms(o.acks['p50']):>8} {ms(o.acks['p99']):>7} {backlog:>8,} {o.alerts['raised']:>7,} "
                     f"{o.alerts['share']:>6.0%} {ms(o.alerts['p50']):>7} {ms(o.alerts['p99']):>7} "
                     f"{o.offered.cpu['generator'] / o.seconds:>8.0%}")
    return lines


def details(outcomes):
    lines = []
    for o in outcomes:
        answers = ", ".join(f"{status or 'none'} {count:,}" for status, count in sorted(o.books.answers.items()))
        cpu = ", ".join(f"{group} {seconds:.1f}" for group, seconds in sorted(o.offered.cpu.items(), key=lambda x: -x[1]))
        retries = sum(a.number > 1 for a in o.offered.attempts)
        lines += ["", f"{o.name}: {o.seconds:.1f} s; answers by submission: {answers}; sent again after no good answer: {retries:,}",
                  f"  ids promised by 201 or 202: {o.books.promised:,}; rejected: {o.books.rejected:,}; conflicts: {o.books.conflicts:,}",
                  f"  CPU seconds: {cpu}"]
    return lines


def bars(outcomes):
    lines = []
    for o in outcomes:
        if o.name == "half the capacity" and o.alerts["p99"] is not None:
            met = "met" if o.alerts["p99"] < BAR_MS else "MISSED"
            lines.append(f"\nPOST to alert in the stream at half the capacity, {o.alerts['share']:.0%} alerting: p99 "
                         f"{ms(o.alerts['p99'])} ms, bar {BAR_MS} ms: {met}")
    spread = [o.stored_per_s for o in outcomes if o.name == "spread"]
    one = [o.stored_per_s for o in outcomes if o.name == "half on one"]
    if spread and one:
        lines.append(f"\nHalf the load on one form and one study: {median(one):,.0f} stored/s; spread: {median(spread):,.0f} "
                     f"stored/s; median of the pairs' ratios {median(a / b for a, b in zip(one, spread)):.3f}")
    return lines


def row(o):
    """One JSON object a run."""
    s = o.series
    return {"run": o.name, "seconds": round(o.seconds, 2), "stored": o.books.stored, "stored_per_s": round(o.stored_per_s, 1),
            "ack_ms": o.acks, "alert_ms": o.alerts, "promised": o.books.promised, "rejected": o.books.rejected,
            "conflicts": o.books.conflicts, "answers": {str(k): v for k, v in sorted(o.books.answers.items())},
            "cpu_s": {k: round(v, 2) for k, v in o.offered.cpu.items()}, "settled_s": o.offered.settled_s, "faults": o.faults,
            "series": {"bin_s": s.bin_s, "arrivals_per_s": s.arrivals, "stored_per_s": s.stored, "backlog": s.backlog,
                       "ack_ms": s.acknowledged, "alert_ms": s.alerts, "answers_per_s": s.answers}}
