"""From attempts, rows and stream entries to figures over time: bins of equal length over the run."""
import math
from dataclasses import dataclass, field

STATUSES = ("201", "202", "409", "422", "other")


def percentile(values, share):
    """The value below which that share lies; None of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass
class Series:
    bin_s: float
    bins: int
    arrivals: list = field(default_factory=list)   # submissions due, a second
    stored: list = field(default_factory=list)     # a second
    acknowledged: dict = field(default_factory=dict)  # "p50", "p99" -> ms by the time they were due
    backlog: list = field(default_factory=list)    # live messages at the bin's fullest
    alerts: dict = field(default_factory=dict)     # "p50", "p99" -> ms
    answers: dict = field(default_factory=dict)    # status -> a second

    @property
    def at_s(self):
        return [(n + 0.5) * self.bin_s for n in range(self.bins)]


class Bins:
    def __init__(self, bin_s, bins):
        self.bin_s, self.n = bin_s, bins

    def place(self, at_s):
        return min(self.n - 1, max(0, int(at_s / self.bin_s)))

    def rates(self, times_s):
        counts = [0] * self.n
        for at_s in times_s:
            counts[self.place(at_s)] += 1
        return [count / self.bin_s for count in counts]

    def percentiles(self, pairs, least=5):
        """pairs (seconds, ms) -> {"p50": […], "p99": […]}; None where fewer than `least` fell into a bin."""
        found = [[] for _ in range(self.n)]
        for at_s, value in pairs:
            found[self.place(at_s)].append(value)
        return {name: [percentile(values, share) if len(values) >= least else None for values in found]
                for name, share in (("p50", 0.5), ("p99", 0.99))}

    def peaks(self, pairs):
        """The greatest value of each bin; one without a sample has that of the bin before it."""
        peaks = [None] * self.n
        for at_s, value in pairs:
            place = self.place(at_s)
            peaks[place] = value if peaks[place] is None else max(peaks[place], value)
        for n in range(1, self.n):
            peaks[n] = peaks[n - 1] if peaks[n] is None else peaks[n]
        return peaks


def first_due(results):
    """{(study, subject, rule): due seconds} of the first form that raises that alert."""
    due = {}
    for submission, attempt, _ in results:
        rule = submission.content.rule
        if rule:
            key = (submission.study, submission.subject, rule)
            due[key] = min(due.get(key, math.inf), attempt.due_us / 1e6)
    return due


def alert_delays(offered, results):
    """([(due seconds, ms from due to the stream's entry)], how many alerts that were due are in no stream)."""
    pairs, missing = [], 0
    for key, due_s in first_due(results).items():
        if key in offered.alerts:
            pairs.append((due_s, (offered.alerts[key] - offered.start_s - due_s) * 1000))
        else:
            missing += 1
    return pairs, missing


def acknowledgements(results):
    """(due seconds, ms from due to the first 201 or 202) of each request, however often it was sent."""
    seen, pairs = set(), []
    for _, attempt, status in results:
        if status in (201, 202) and attempt.request not in seen:
            seen.add(attempt.request)
            pairs.append((attempt.due_us / 1e6, (attempt.done_us - attempt.due_us) / 1000))
    return pairs


def series(offered, results, stored_s, alerts, seconds, bins=120):
    """stored_s: wall clock of each row; alerts: (due seconds, ms)."""
    place = Bins(max(0.05, seconds / bins), bins)
    s = Series(place.bin_s, bins)
    s.arrivals = place.rates(r.due_us / 1e6 for r in offered.requests for _ in r.submissions)
    s.stored = place.rates(at - offered.start_s for at in stored_s)
    s.acknowledged = place.percentiles(acknowledgements(results))
    s.backlog = place.peaks((at, live) for at, live in offered.backlog if at >= 0)
    s.alerts = place.percentiles(alerts)
    named = {name: [] for name in STATUSES}
    for _, attempt, status in results:
        named[str(status) if str(status) in named else "other"].append(attempt.done_us / 1e6)
    s.answers = {name: place.rates(times) for name, times in named.items()}
    return s
