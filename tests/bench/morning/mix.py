"""Who sends what and when: the morning as a list of requests (clinical-rules.md, "Load: the morning flood").

Pure: a random.Random in, Requests out. Times are microseconds of the run; a morning of MORNING_MIN minutes is
divided by `compress`, and so is all that people and their apps do in it (catching up, sending again)."""
import datetime
import math
from dataclasses import dataclass, field

from morning.forms import Content, Pool

MORNING_MIN = 240  # two hours before the reminder, two after it
REMINDER_MIN = 120
# What share of the people comes in which span of minutes around the reminder.
BEFORE, WITHIN_30, WITHIN_60 = 0.375, 0.39, 0.08
HASTE_MIN = 12  # the mean delay of those who come within half an hour

DUPLICATES, CONFLICTS, OLD_VERSION, INVALID, CATCH_UP = 0.05, 0.001, 0.03, 0.02, 0.05
CATCH_UP_FORMS = (3, 14)
APP_RETRY_S = 60

STUDIES = tuple(f"FLOOD{n}" for n in range(1, 5))
SYMPTOM_FORMS = tuple(f"symptoms-{c}" for c in "abcd")  # pro-ctcae under four names
VERSION, VERSION_OLD = "1.0", "0.9"


@dataclass(frozen=True)
class Submission:
    study: str
    subject: str
    id: str
    questionnaire: str
    version: str
    submit_at: str
    clock_s: float  # how far the device's clock is off
    content: Content
    conflicts: bool = False  # shares its id with another content


@dataclass
class Request:
    due_us: int
    submissions: list = field(default_factory=list)
    batch: bool = False
    repeat: str = ""  # "": the first; concurrent, later: an exact duplicate


def truncated(rng, mean, end):
    """An exponential delay below end."""
    return -mean * math.log(1 - rng.random() * (1 - math.exp(-end / mean)))


def arrival_min(rng):
    """Minutes from the reminder."""
    u = rng.random()
    if u < BEFORE:
        return -REMINDER_MIN * (1 - math.sqrt(rng.random()))  # more and more towards the reminder
    if u < BEFORE + WITHIN_30:
        return truncated(rng, HASTE_MIN, 30)
    if u < BEFORE + WITHIN_30 + WITHIN_60:
        return 30 + 30 * rng.random()
    return 60 + truncated(rng, 40, MORNING_MIN - REMINDER_MIN - 60)


def clock_s(rng):
    """How far a device's clock is off: 90 % within 5 s, 8 % within 2 min, 1.5 % whole hours, 0.4 % days, 0.1 % in 1970."""
    u = rng.random()
    if u < 0.9:
        return rng.uniform(-5, 5)
    if u < 0.98:
        return rng.choice((-1, 1)) * rng.uniform(5, 120)
    if u < 0.995:
        return rng.choice((-1, 1)) * 3600.0 * rng.randint(1, 11)
    if u < 0.999:
        return rng.choice((-1, 1)) * 86400.0 * rng.randint(1, 9)
    return -math.inf


def instant(wall_s, off_s):
    wall_s = wall_s % 86400 if off_s == -math.inf else wall_s + off_s
    at = datetime.datetime.fromtimestamp(wall_s, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def uuid_text(rng):
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-8{h[17:20]}-{h[20:]}"


class Mix:
    """The morning's requests. half_on_one: half of the people belong to one study and fill in one form there, and
    everybody fills in symptoms (so that two mixes differ by nothing but where the load goes)."""

    def __init__(self, rng, symptoms_only=False, half_on_one=False):
        self.rng, self.half_on_one = rng, half_on_one
        self.pool = Pool(rng, {"symptoms": 1.0} if symptoms_only else None)
        # Invalid ones are drawn for each form; their share of the submissions is INVALID.
        self.old_share = OLD_VERSION / self.pool.shares["symptoms"]

    def home(self, number):
        """Study and, when it matters, form of a subject."""
        if self.half_on_one and number % 2 == 0:
            return STUDIES[0], SYMPTOM_FORMS[0]
        return STUDIES[number // 2 % len(STUDIES)], None

    def subject(self, number):
        return self.home(number)[0], f"S{number:06d}"

    def submission(self, number, wall_s, off_s):
        rng = self.rng
        study, form = self.home(number)
        content = self.pool.draw(invalid=rng.random() < INVALID)
        symptoms = content.form == "symptoms"
        questionnaire = form or rng.choice(SYMPTOM_FORMS) if symptoms else content.form
        old = symptoms and rng.random() < self.old_share
        return Submission(study, f"S{number:06d}", uuid_text(rng), questionnaire, VERSION_OLD if old else VERSION,
                          instant(wall_s, off_s), off_s, content)

    def person(self, number, due_us, start_s):
        """One person's request: a form, or several at once after a time offline."""
        rng, wall_s, off_s = self.rng, start_s + due_us / 1e6, clock_s(self.rng)
        if rng.random() >= CATCH_UP:
            return Request(due_us, [self.submission(number, wall_s, off_s)])
        days = rng.randint(*CATCH_UP_FORMS)
        return Request(due_us, [self.submission(number, wall_s - day * 86400, off_s) for day in range(days, 0, -1)], batch=True)

    def faults(self, request, again_us):
        """What else comes of a request: an exact duplicate, or one of the same id with other answers."""
        rng, u = self.rng, self.rng.random()
        if u < DUPLICATES:
            concurrent = rng.random() < 0.5
            yield Request(request.due_us if concurrent else request.due_us + (again_us << rng.randrange(3)),
                          request.submissions, request.batch, "concurrent" if concurrent else "later")
        elif u < DUPLICATES + CONFLICTS and not request.batch and not request.submissions[0].content.invalid:
            first = request.submissions[0]
            other = self.pool.draw(first.content.form, alert=False)
            if other.text != first.content.text:
                request.submissions = [Submission(**{**vars(first), "conflicts": True})]
                yield Request(request.due_us + again_us, [Submission(**{**vars(first), "content": other, "conflicts": True})])

    def requests(self, numbers, dues_us, start_s, again_us):
        """All requests in the order they are due: one person each of numbers at each of dues_us."""
        made = []
        for number, due_us in zip(numbers, dues_us):
            request = self.person(number, due_us, start_s)
            made.append(request)
            made.extend(self.faults(request, again_us))
        made.sort(key=lambda request: request.due_us)
        return made


def morning_dues_us(rng, count, compress):
    return [int((arrival_min(rng) + REMINDER_MIN) * 60e6 / compress) for _ in range(count)]


def flat_dues_us(rng, count, rate):
    """Arrivals that know nothing of each other, rate a second."""
    dues, at = [], 0.0
    for _ in range(count):
        at += rng.expovariate(rate)
        dues.append(int(at * 1e6))
    return dues
