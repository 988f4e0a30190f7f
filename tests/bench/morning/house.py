"""The fleet that the flood meets: the system tests' own, with several studies, forms in an old and a new version, and
the stores of ../servers.py. Everything else has default settings."""
import copy
import json
import time

import fleet  # tests/system
import protocol  # tests/system
import servers

from morning import forms, mix

LOADED_AT_ONCE = 20000
WORKERS, EDGES = 2, 1


def admin_ask(fleet_, verb):
    admin = protocol.Admin(fleet_.endpoint("a"))
    try:
        return admin.rows(verb)
    finally:
        admin.close()


class House(fleet.Fleet):
    """people: (a mix, its subjects' numbers) pairs; the mix says which study each belongs to."""

    def __init__(self, stores, *people):
        self.people = people
        super().__init__(stores, workers=WORKERS, edges=EDGES, queries=1, settings={
            "broker": {"segment_bytes": "64MiB", "journal_keep_bytes": "1GiB"}})

    def prepare(self):
        self.load = False
        super().prepare()
        self.write_secret("tokens", f"{fleet.TOKEN} {','.join(mix.STUDIES)}\n")
        self.load_studies()
        self.load_people()
        self.query("CHECKPOINT")
        self.query("ANALYZE sluice.subjects")  # the rest fills as in any new installation

    def load_json(self, name, content, *verb):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(content, f)
        self.ctl(*verb[:2], path, *verb[2:], "--yes", timeout=120)

    def load_studies(self):
        for study in mix.STUDIES:
            self.load_json("study.json", {
                "study": study, "trialCode": study, "title": "Load", "status": "active", "zone": "Europe/Berlin",
                "startedOn": "2026-01-01", "defaultQuestionnaire": "daily-diary",
                "sites": [{"siteId": "S01", "name": "Site", "zone": "Europe/Berlin"}]}, "study", "load")
            for name in mix.SYMPTOM_FORMS:
                for version in (mix.VERSION_OLD, mix.VERSION):
                    form = copy.deepcopy(forms.definition("pro-ctcae"))
                    form.update(id=name, name=name, version=version, url=f"https://sluice.example/questionnaires/{name}")
                    self.load_json("form.json", form, "questionnaire", "load", "--study", study)
            for name in forms.SHARES:
                if name != "symptoms":
                    self.load_json("form.json", forms.definition(name), "questionnaire", "load", "--study", study)

    def load_people(self):
        studies = {}
        for people, numbers in self.people:
            for number in numbers:
                study, subject = people.subject(number)
                studies.setdefault(study, []).append({"subjectId": subject, "status": "enrolled"})
        for study, subjects in studies.items():
            for begin in range(0, len(subjects), LOADED_AT_ONCE):
                self.load_json("people.json", {"study": study, "subjects": subjects[begin:begin + LOADED_AT_ONCE]},
                               "subject", "load")

    @property
    def groups(self):
        """Process ids by group, for their CPU."""
        groups = {}
        for name, process in self.processes.items():
            groups.setdefault(name.rstrip("0123456789"), []).append(process.pid)
        return {**groups, "postgres": [self.stores.postgres.pid], "redis": [self.stores.redis.pid]}

    def live(self):
        return admin_ask(self, "status")[0]["live"]

    def settle(self, deadline_s, each=None):
        """Waits until the broker has nothing left, telling each how much there is; the seconds that took, or None when
        there is still something."""
        begin = time.monotonic()
        while (live := self.live()) > 0:
            if each:
                each(live)
            if time.monotonic() > begin + deadline_s:
                return None
            time.sleep(0.1)
        return time.monotonic() - begin
