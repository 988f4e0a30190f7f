"""The three runs: a morning, the machine's capacity and half of it, and half the load on one form and one study."""
import random
from dataclasses import dataclass, field

from processes import Failure

from morning import ledger, mix, offer, series
from morning.house import House

WINDOW = 256            # requests out at a time when the capacity is looked for
WARM_S = 3
BAR_MS = 1000           # p99 from POST to the alert in its stream, at half the capacity


@dataclass
class Outcome:
    """One phase: what was offered, its books, its figures."""
    name: str
    offered: object
    books: ledger.Books
    series: series.Series
    seconds: float
    acks: dict = field(default_factory=dict)    # p50 p99 max, ms
    alerts: dict = field(default_factory=dict)  # p50 p99 max, ms; raised, of submissions; missing
    stored_per_s: float = 0.0

    @property
    def faults(self):
        late = [] if self.offered.settled_s is not None else ["the broker still had messages at the deadline"]
        missing = self.alerts["missing"]
        return self.books.faults + late + ([f"{missing} alerts are in no stream"] if missing else [])


def spread(values):
    return {"p50": series.percentile(values, 0.5), "p99": series.percentile(values, 0.99), "max": max(values, default=None)}


def stored_rows(house, ids):
    """Wall clock of each row that these ids became."""
    found = house.query("SELECT submission_id::text, extract(epoch FROM stored_at)::float8 FROM sluice.submissions"
                        " WHERE study = ANY(%s)", [list(mix.STUDIES)])
    return [at for name, at in found if name in ids]


def judge(name, house, offered):
    results = list(offer.results_of(offered))
    ids = {submission.id for submission, _, _ in results}
    books = ledger.balance(results, *ledger.rows(house, ids))
    stored_s = stored_rows(house, ids)
    alerts, missing = series.alert_delays(offered, results)
    seconds = max([offered.seconds] + [at - offered.start_s for at in stored_s])
    acks = spread([ms for _, ms in series.acknowledgements(results)])
    valid = {submission.id: bool(submission.content.rule) for submission, _, _ in results}
    return Outcome(name, offered, books, series.series(offered, results, stored_s, alerts, seconds), seconds, acks,
                   {**spread([ms for _, ms in alerts]), "missing": missing, "raised": len(alerts),
                    "share": sum(valid.values()) / max(1, len(valid))}, len(stored_s) / seconds)


def reconcile(house):
    """The journal's books against the database's; Failure with sluicectl's words when they differ."""
    done = house.ctl("reconcile", "--settle", "30s", check=False, timeout=120)
    if done.returncode != 0:
        raise Failure(f"reconcile: exit {done.returncode}\n{done.stdout}{done.stderr}")


def closed(house, people, numbers, rng, seconds, name):
    """Offers WINDOW requests at a time for so long: what the machine stores then is its capacity."""
    def make(start_s):
        return people.requests(numbers, mix.flat_dues_us(rng, len(numbers), len(numbers) / seconds), start_s, 10**6)
    return judge(name, house, offer.offer(house, make, len(numbers), window=WINDOW, seconds=seconds))


def morning(stores, args, say):
    """All subjects through one compressed morning."""
    rng = random.Random(args.seed)
    people = mix.Mix(rng)
    numbers = list(range(args.subjects))
    rng.shuffle(numbers)
    again_us = int(mix.APP_RETRY_S * 1e6 / args.compress)

    def make(start_s):
        dues = mix.flat_dues_us(rng, len(numbers), args.rate) if args.rate else mix.morning_dues_us(rng, len(numbers), args.compress)
        return people.requests(numbers, dues, start_s, again_us)

    say(f"loading {args.subjects:,} subjects of {len(mix.STUDIES)} studies")
    with House(stores, (people, numbers)) as house:
        say("the morning" if not args.rate else f"{args.rate} people a second")
        outcome = judge("morning", house, offer.offer(house, make, len(numbers), retry_us=again_us))
        reconcile(house)
    return [outcome]


def capacity(stores, args, say):
    """What the machine stores a second, then half of that at even rate, and the alerts' delay under it."""
    rng = random.Random(args.seed)
    people, each = mix.Mix(rng), args.subjects * 2 // 3
    with House(stores, (people, range(args.subjects))) as house:
        say(f"warm-up, then as much as the machine takes for {args.seconds} s")
        closed(house, people, range(1000), rng, WARM_S, "warm-up")
        full = closed(house, people, range(1000, each), rng, args.seconds, "capacity")
        sent = {submission.subject for a in full.offered.attempts for submission in full.offered.requests[a.request].submissions}
        rate = full.stored_per_s / 2 / (full.books.stored / len(sent))
        count = min(args.subjects - each, int(rate * args.seconds))
        say(f"capacity {full.stored_per_s:,.0f} stored/s; half of it for {count / rate:.0f} s")

        def make(start_s):
            return people.requests(range(each, each + count), mix.flat_dues_us(rng, count, rate), start_s, 10**6)
        half = judge("half the capacity", house, offer.offer(house, make, count, retry_us=10**6))
        reconcile(house)
    return [full, half]


def half_on_one(stores, args, say):
    """Throughput with the load spread over all studies and forms, and with half of it on one of each, in turns."""
    rng, half = random.Random(args.seed), args.subjects // 2
    kinds = [("spread", mix.Mix(rng, symptoms_only=True), range(half)),
             ("half on one", mix.Mix(rng, symptoms_only=True, half_on_one=True), range(half, args.subjects))]
    each, outcomes = half // (args.pairs + 1), []
    with House(stores, *((people, numbers) for _, people, numbers in kinds)) as house:
        say("warm-up")
        for name, people, numbers in kinds:
            closed(house, people, numbers[:each], rng, WARM_S, name)
        for pair in range(1, args.pairs + 1):
            for name, people, numbers in kinds:
                say(f"pair {pair}: {name}, {args.seconds} s")
                outcomes.append(closed(house, people, numbers[pair * each:(pair + 1) * each], rng, args.seconds, name))
        reconcile(house)
    return outcomes
