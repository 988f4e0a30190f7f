"""Medians, ratios against the bars, and where the CPU goes: from runs to text and JSON rows."""
from statistics import median

# Fractions of Gin's CPU in the same comparison.
BUDGET = {"postgres": 0.08, "edge": 0.05, "workers": 0.03, "broker": 0.02, "redis": 0.015}

# (connections, what, ratio's name, holds, bar, aim)
BARS = (
    (256, "stored/s", "stored", ">=", 3.5, 4.0),
    (256, "CPU per 1000 stored", "cpu", "<=", 0.25, 0.2),
    (256, "p99", "p99", "<=", 1.0, None),
    (64, "stored/s", "stored", ">=", 2.5, 3.0),
    (64, "p99", "p99", "<=", 1.0, None),
    (4, "p50", "p50", "<", 1.5, None),
)
HOLDS = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, "<": lambda a, b: a < b}


class Report:
    """All runs of a comparison; runs of one (body, connections, system) stand in the order of the pairs."""

    def __init__(self):
        self.runs = {}

    def add(self, run):
        self.runs.setdefault((run.body, run.connections, run.system), []).append(run)

    @property
    def faults(self):
        return [f"{run.system} at {run.connections} connections, {run.body}: {fault}"
                for runs in self.runs.values() for run in runs for fault in run.faults]

    def medians(self, key):
        """The medians of one system's runs under one load, each figure by itself."""
        runs = [run for run in self.runs[key] if run.cpu] or self.runs[key]  # a run without CPU did not get far
        figures = {name: median(getattr(run, name) for run in runs)
                   for name in ("stored_per_s", "p50_ms", "p99_ms", "cpu_s_per_1000", "rss_mb", "generator_us")}
        figures["cpu"] = {group: median(run.cpu[group] for run in runs) for group in runs[0].cpu}
        figures["answers"] = {status: sum(run.counts[status] for run in runs) for status in runs[0].counts}
        return figures

    def ratios(self, body, connections):
        """Sluice against Gin: the median of the pairs' ratios; None when one of the two was not run."""
        ours, theirs = (self.runs.get((body, connections, name), []) for name in ("sluice", "gin"))
        names = {"stored": "stored_per_s", "cpu": "cpu_s_per_1000", "p50": "p50_ms", "p99": "p99_ms"}
        pairs = [(a, b) for a, b in zip(ours, theirs) if a.cpu and b.cpu and all(getattr(b, n) for n in names.values())]
        if not pairs:
            return None
        return {short: median(getattr(a, name) / getattr(b, name) for a, b in pairs) for short, name in names.items()}

    def table(self):
        head = (f"{'body':>5} {'conn':>5} {'system':<7} {'stored/s':>9} {'p50 ms':>8} {'p99 ms':>8} "
                f"{'CPU-s/1000':>11} {'RSS MB':>7}  CPU-s per 1000 by group")
        lines = [head, "-" * len(head)]
        for key in self.runs:
            m = self.medians(key)
            groups = " ".join(f"{group} {value:.4f}" for group, value in m["cpu"].items())
            lines.append(f"{key[0]:>5} {key[1]:>5} {key[2]:<7} {m['stored_per_s']:>9,.0f} {m['p50_ms']:>8.2f} "
                         f"{m['p99_ms']:>8.2f} {m['cpu_s_per_1000']:>11.4f} {m['rss_mb']:>7.0f}  {groups}")
        return lines

    def bars(self, body):
        """One line a bar with the ratio reached."""
        lines = []
        for connections, what, name, holds, bar, aim in BARS:
            ratios = self.ratios(body, connections)
            if ratios is None:
                continue
            verdict = "met" if HOLDS[holds](ratios[name], bar) else "MISSED"
            goal = f", aim {aim}" if aim else ""
            lines.append(f"{verdict:>7}  {connections:>4} connections  {what:<20} {ratios[name]:5.2f} of Gin's"
                         f"  (bar {holds} {bar}{goal})")
        return lines

    def budget(self, body, connections):
        """Where Sluice's CPU goes, as fractions of Gin's, beside the budget."""
        keys = [(body, connections, name) for name in ("sluice", "gin")]
        if any(not any(run.cpu for run in self.runs.get(key, [])) for key in keys):
            return []
        ours, theirs = (self.medians(key) for key in keys)
        whole = theirs["cpu_s_per_1000"]
        lines = [f"{group:>9}  {ours['cpu'][group] * 1000:7.1f} us a submission  {ours['cpu'][group] / whole:6.3f} "
                 f"of Gin's  (budget {share})" for group, share in BUDGET.items()]
        lines.append(f"{'all':>9}  {ours['cpu_s_per_1000'] * 1000:7.1f} us a submission  "
                     f"{ours['cpu_s_per_1000'] / whole:6.3f} of Gin's  (budget {sum(BUDGET.values()):.3f})")
        return lines

    def rows(self, main_body):
        """The JSON rows: one a system and number of connections, other bodies inside it."""
        rows = []
        for body, connections, system in self.runs:
            if body != main_body:
                continue
            row = {"system": system, "connections": connections, **self.figures((body, connections, system))}
            if system == "sluice" and self.ratios(body, connections):
                row["ratio_to_gin"] = rounded(self.ratios(body, connections))
            others = {other: self.figures((other, c, s)) for other, c, s in self.runs
                      if (c, s) == (connections, system) and other != main_body}
            if others:
                row["other_bodies"] = others
            rows.append(row)
        return rows

    def figures(self, key):
        m = self.medians(key)
        runs = self.runs[key]
        return {"body": key[0], "runs": len(runs), "audit": runs[0].audited, **rounded(m), "cpu": rounded(m["cpu"], 5)}


def rounded(figures, digits=4):
    return {name: round(value, digits) if isinstance(value, float) else value for name, value in figures.items()}
