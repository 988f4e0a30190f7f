"""The books of a flood: what was promised by 201 and 202 is held against submissions and rejections, id by id."""
from collections import Counter
from dataclasses import dataclass, field

from morning import mix

PROMISES = (201, 202)
# What an answer may be, by what was sent; 202 came before the outcome was known.
FITTING = {"valid": (201, 202), "invalid": (422, 202), "conflict": (201, 202, 409)}
SHOWN = 5


@dataclass
class Books:
    promised: int = 0            # ids that a client may rely on
    stored: int = 0
    rejected: int = 0
    conflicts: int = 0
    answers: Counter = field(default_factory=Counter)
    faults: list = field(default_factory=list)

    def fault(self, what, ids):
        if ids:
            self.faults.append(f"{len(ids)} {what}: {', '.join(sorted(ids)[:SHOWN])}")


def kind(submission):
    if submission.content.invalid:
        return "invalid"
    return "conflict" if submission.conflicts else "valid"


def rows(house, ids_of_phase):
    """({id: rows in submissions}, {id: rows in rejections that are no conflicts}, {id: conflicts}, {id: kind and rule of a
    rejection}) of these ids."""
    stored, rejected, conflicts, why = Counter(), Counter(), Counter(), {}
    with_studies = list(mix.STUDIES)
    for (name,) in house.query("SELECT submission_id::text FROM sluice.submissions WHERE study = ANY(%s)", [with_studies]):
        stored[name] += 1
    for name, kept_as, rule in house.query("SELECT submission_id::text, kind, reasons->0->>'rule' FROM sluice.rejections"
                                           " WHERE study = ANY(%s)", [with_studies]):
        (conflicts if kept_as == "conflict" else rejected)[name] += 1
        why[name] = f"{kept_as}: {rule}"
    for counter in (stored, rejected, conflicts):
        for name in [name for name in counter if name not in ids_of_phase]:
            del counter[name]
    return stored, rejected, conflicts, why


def balance(results, stored, rejected, conflicts, why=None):
    """Books of (submission, attempt, status) against the rows. Exactly once: one row in submissions, or none there and
    at least one in rejections (a form that is refused does not occupy its id, so its duplicate is refused as well)."""
    books = Books(stored=sum(stored.values()), rejected=len(rejected), conflicts=sum(conflicts.values()))
    kinds, answered, promised = {}, set(), set()
    unfitting = {}
    for submission, _, status in results:
        kinds[submission.id] = kind(submission)
        books.answers[status] += 1
        if status in PROMISES:
            promised.add(submission.id)
        if status in (201, 202, 409, 422):
            answered.add(submission.id)
        if status and status not in (429, 503) and status not in FITTING[kind(submission)]:
            unfitting.setdefault((kind(submission), status), set()).add(submission.id)
    books.promised = len(promised)
    books.fault("ids were acknowledged and are nowhere", {i for i in promised if not stored[i] and not rejected[i]})
    books.fault("ids are stored more than once", {i for i, n in stored.items() if n > 1})
    books.fault("ids are both stored and rejected", set(stored) & set(rejected))
    books.fault("forms that are valid were not stored", {
        f"{i} ({(why or {}).get(i, 'nowhere')})" for i in answered if kinds[i] != "invalid" and not stored[i]})
    books.fault("forms that are invalid are not in rejections", {i for i in answered if kinds[i] == "invalid" and not rejected[i]})
    books.fault("ids were never answered for good", set(kinds) - answered)
    for (what, status), ids in sorted(unfitting.items()):
        books.fault(f"{what} forms were answered {status}", ids)
    return books
