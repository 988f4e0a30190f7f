"""What participants fill in: a pool of filled forms with the sizes and alerts of a real morning.

A Content is the end of a submission's JSON, from "timeZone" to the closing brace; what comes before it (subject, study,
form, times, id) is the plan's. Contents are shared by many submissions: an id, not its answers, makes each its own."""
import json
import math
import os
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
QUESTIONNAIRES = os.path.join(ROOT, "schemas/questionnaires")

# Form and its share of submissions. "symptoms" is pro-ctcae, loaded under several names.
SHARES = {"symptoms": 0.60, "daily-diary": 0.15, "phq-9": 0.12, "vital-signs": 0.08, "eq-5d-5l": 0.05}
ALERTING = ("symptoms", "phq-9", "vital-signs")
ALERT_SHARE = 0.34  # of all submissions, so more of those that can raise one at all
HEAD_BYTES = 290    # what the plan writes before a content, about
MEDIAN_BYTES, SIGMA = 1400, math.log(9.2 / 1.4) / 1.645  # log-normal; with the rounding up, p50 1.5 KB and p95 9.5 KB
LARGEST_BYTES = 32 * 1024

WORDS = ("slept badly after the evening dose walked around garden twice headache until noon ate well no fever some "
         "dizziness when standing up felt better towards night nurse called at ten").split()


@dataclass(frozen=True)
class Content:
    form: str
    text: str
    items: int
    rule: str = ""       # the alert rule that these answers raise; empty: none
    invalid: bool = False

    @property
    def bytes(self):
        return HEAD_BYTES + len(self.text)


def definition(name):
    with open(os.path.join(QUESTIONNAIRES, f"{name}.json"), encoding="utf-8") as f:
        return json.load(f)


def symptoms_of(form):
    """[(linkId, codes) of the questions that a symptom has] of pro-ctcae; the codes stand in order of their weight."""
    codes = {"#" + each["id"]: [c["code"] for c in each["compose"]["include"][0]["concept"]] for each in form["contained"]}
    return [[(q["linkId"], codes[q["answerValueSet"]]) for q in group["item"] if "answerValueSet" in q]
            for group in form["item"] if group["type"] == "group"]


class Writer:
    """Fills in forms. rng: a random.Random; the same seed fills in the same forms."""

    def __init__(self, rng):
        self.rng = rng
        self.symptoms = symptoms_of(definition("pro-ctcae"))

    def words(self, size):
        text = []
        while size > 0:
            text.append(self.rng.choice(WORDS))
            size -= len(text[-1]) + 1
        return " ".join(text)

    def fill_symptoms(self, target, alert):
        """As many symptoms as the size stands for; an answer of weight 3 or 4 to one question raises its alert."""
        chosen = self.rng.sample(self.symptoms, min(len(self.symptoms), 2 + max(0, target - 700) // 450))
        answers, high = {}, self.rng.choice(chosen[0]) if alert else None
        for questions in chosen:
            present = self.rng.random() < 0.55 or questions is chosen[0] and alert
            for n, (link_id, codes) in enumerate(questions):
                if n > 0 and not present:
                    break  # asked only of those who have the symptom
                weight = self.rng.randint(3, 4) if high and link_id == high[0] else int(present)
                answers[link_id] = codes[weight]
        return answers, high[0] + "-high" if high else ""

    def fill_daily_diary(self, target, alert):
        rng = self.rng
        return {"diaryDate": "2026-11-21", "wokeAt": f"2026-11-22T06:{rng.randrange(60):02d}:00+01:00",
                "pain": rng.randint(0, 10), "fatigue": rng.randint(0, 10),
                "nausea": rng.choice(("none", "mild", "moderate", "severe")), "temperature": rng.randint(360, 375) / 10,
                "weight": rng.randint(500, 1100) / 10, "tookMedication": rng.random() < 0.9, "sleep": self.words(30),
                "notes": self.words(max(20, (target - 700) // 2))}, ""

    def fill_phq_9(self, target, alert):
        answers = {f"PHQ010{n}": self.rng.randint(0, 2) for n in range(1, 9)}
        return {**answers, "PHQ0109": self.rng.randint(1, 3) if alert else 0}, "phq9-item-9" if alert else ""

    def fill_vital_signs(self, target, alert):
        rng = self.rng
        return {"VISITNUM": 4, "VISIT": "WEEK 2", "VSPOS": "SITTING",
                "SYSBP": rng.randint(160, 190) if alert else rng.randint(105, 150), "DIABP": rng.randint(60, 95),
                "PULSE": rng.randint(50, 95), "TEMP": {"value": rng.randint(360, 374) / 10, "code": "Cel"}}, \
            "blood-pressure-grade-3" if alert else ""

    def fill_eq_5d_5l(self, target, alert):
        return {**{f"EQ5D020{n}": self.rng.randint(1, 5) for n in range(1, 6)}, "EQ5D0206": self.rng.randint(0, 100)}, ""

    def content(self, form, alert=False, invalid=False):
        rng = self.rng
        target = min(LARGEST_BYTES - 200, int(MEDIAN_BYTES * math.exp(rng.gauss(0, SIGMA)))) - HEAD_BYTES
        answers, rule = getattr(self, "fill_" + form.replace("-", "_"))(target, alert)
        items = len(answers)
        if invalid:
            answers["no-such-item"] = 1
        rest = {"timeZone": "Europe/Berlin", "language": "en", "visit": f"WEEK {rng.randrange(1, 53)}",
                "originator": {"type": "participant"},
                "device": {"app": "diary", "version": f"4.{rng.randrange(10)}.{rng.randrange(20)}", "os": "Android 15"},
                "answers": answers}
        text = json.dumps(rest, separators=(",", ":"))[1:-1]
        edits = self.edits(list(answers), target - len(text) - 18)
        return Content(form, text + edits + "}", items, rule, invalid)

    def edits(self, links, size):
        """Changes made on the device before submission, until the form has its size."""
        made = []
        while size > 0:
            made.append('{"linkId":"%s","from":"%s","to":"%s","at":"2026-11-22T07:%02d:%02d+01:00"}' % (
                self.rng.choice(links), self.words(12), self.words(12), self.rng.randrange(60), self.rng.randrange(60)))
            size -= len(made[-1]) + 1
        return ',"deviceEdits":[' + ",".join(made) + "]" if made else ""


class Pool:
    """Filled forms to draw from: by form, with and without an alert, and invalid ones."""

    def __init__(self, rng, shares=None, each=400):
        self.rng, self.shares = rng, shares or SHARES
        self.alert_share = ALERT_SHARE / sum(share for form, share in self.shares.items() if form in ALERTING)
        writer = Writer(rng)
        self.contents = {(form, alert, invalid): [writer.content(form, alert, invalid) for _ in range(each if not invalid else 40)]
                         for form in self.shares for alert in (False, True) if not alert or form in ALERTING
                         for invalid in (False, True)}

    def draw(self, form=None, alert=None, invalid=False):
        form = form or self.rng.choices(list(self.shares), self.shares.values())[0]
        if alert is None:
            alert = form in ALERTING and self.rng.random() < self.alert_share
        return self.rng.choice(self.contents[form, alert, invalid])
