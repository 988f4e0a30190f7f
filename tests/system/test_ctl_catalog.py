"""sluicectl over the catalog: study files in versions, subjects, questionnaires checked, loaded and shown, value sets."""
import json
import os

import psycopg
import pytest
from fleet import EXAMPLES, QUESTIONNAIRES, STUDY, Fleet

URL = "https://example.org/fhir/Questionnaire/colours"


@pytest.fixture(scope="module")
def fleet(stores):
    f = Fleet(stores, workers=0, edges=0, queries=0)
    try:
        f.prepare()
        yield f
    finally:
        f.__exit__()


def loaded(fleet, tmp_path, noun, content, *more):
    path = tmp_path / f"{noun}.json"
    path.write_text(json.dumps(content))
    return fleet.ctl(noun, "load", str(path), "--yes", *more, check=False)


def checked(fleet, tmp_path, content, *more):
    path = tmp_path / "check.json"
    path.write_text(json.dumps(content))
    # no config of a database: check must not need one
    return fleet.ctl("questionnaire", "check", str(path), *more, "--set", "postgres=host=/nonexistent", check=False)


def definition(version="1.0", **members):
    return {"resourceType": "Questionnaire", "url": URL, "version": version, "name": "colours", "status": "active",
            "title": "Colours", "item": [
                {"linkId": "g", "type": "group", "text": "Group", "item": [
                    {"linkId": "n", "type": "integer", "text": "A number", "repeats": True},
                    {"linkId": "c", "type": "choice", "text": "A colour", "answerOption": [
                        {"valueCoding": {"system": "urn:c", "code": "red", "display": "Red"}},
                        {"valueCoding": {"system": "urn:c", "code": "blue", "display": "Blue"}}]}]}], **members}


def valueset(version="1", codes=("x", "y")):
    return {"resourceType": "ValueSet", "url": "urn:sluice:vs", "version": version, "status": "active",
            "compose": {"include": [{"system": "urn:s", "concept": [{"code": c} for c in codes]}]}}


# --- studies ---

def study(**members):
    return {"study": "VERSIONED", "title": "One", "sites": [{"siteId": "S1"}], **members}


def test_study_file_in_versions(fleet, tmp_path):
    first = loaded(fleet, tmp_path, "study", study())
    assert first.returncode == 0 and first.stdout == "loaded study VERSIONED, version 1, with 1 site\n", first.stderr
    again = loaded(fleet, tmp_path, "study", study())
    assert again.returncode == 0 and "unchanged" in again.stdout
    path = tmp_path / "s.json"
    path.write_text(json.dumps(study(title="Two")))
    would = fleet.ctl("study", "load", str(path), "--dry-run").stdout
    assert would == "would load study VERSIONED, version 2, with 1 site\n"
    fleet.ctl("study", "load", str(path), "--yes", "--reason", "new title")
    two, one = fleet.ctl_json("study", "history", "VERSIONED")
    assert (two["version"], one["version"]) == (2, 1) and two["reason"] == "new title"
    assert two["loaded_by"] not in ("", "-") and two["definition"]["title"] == "Two"
    (row,) = [s for s in fleet.ctl_json("study", "list") if s["study"] == "VERSIONED"]
    assert row["version"] == 2 and row["title"] == "Two" and row["sites"] == 1 and row["subjects"] == 0
    assert "new title" in fleet.ctl("study", "history", "VERSIONED").stdout
    assert fleet.ctl("study", "history", "NOSTUDY", check=False).returncode == 1
    # back to the first content is a version of its own; nothing in the history can be changed
    assert "version 3" in loaded(fleet, tmp_path, "study", study()).stdout
    for sql in ("update sluice.study_versions set reason = 'x'", "delete from sluice.study_versions",
                "truncate sluice.study_versions"):
        with pytest.raises(psycopg.Error):
            fleet.query(sql)


def test_study_file_refusals_name_their_place(fleet, tmp_path):
    def refused(words, **members):
        done = loaded(fleet, tmp_path, "study", study(study="REFUSED", **members))
        assert done.returncode == 1 and words in done.stderr, done.stderr

    refused("recipients/anna: 'email' is no address", recipients={"anna": {"email": "anna"}})
    refused("alerts/x: 'recipients' names 'bob'", alerts={"x": {"recipients": ["bob"]}})
    refused("clock: clock: unknown member 'drift'", clock={"drift": 1})
    refused("parameters", parameters={"glucose": {"uln": -1}})
    refused("unknown member 'colour'", colour="red")
    assert not fleet.query("select 1 from sluice.studies where study = 'REFUSED'")
    bad_zone = loaded(fleet, tmp_path, "study", study(study="REFUSED", startedOn="2026-02-31"))
    assert bad_zone.returncode == 1


def test_study_file_against_what_is_loaded(fleet, tmp_path):
    done = loaded(fleet, tmp_path, "study", study(
        study="AGAINST", defaultQuestionnaire="no-such-form", questionnaires=[
            {"questionnaire": "daily-diary", "version": "1.0"}, {"questionnaire": "daily-diary", "version": "9"}],
        alerts={"no-such-rule": {"off": True}}))
    assert done.returncode == 0
    warnings = [line for line in done.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 3 and "no-such-form" in warnings[0] and "daily-diary|9" in warnings[1]
    assert "alerts/no-such-rule" in warnings[2]


def test_example_study_file_has_every_member(fleet, tmp_path):
    path = os.path.join(EXAMPLES, "study-all-members.json")
    with open(path) as f:
        members = set(json.load(f))
    assert members == {"study", "trialCode", "title", "status", "zone", "startedOn", "defaultQuestionnaire",
                       "questionnaires", "sites", "alerts", "recipients", "escalation", "cutoffs", "parameters", "clock"}
    done = fleet.ctl("study", "load", path, "--yes")
    assert "warning" not in done.stderr, done.stderr
    # decimals are kept as they were written
    (row,) = fleet.query("select definition::text, definition->'parameters'->'glucose'->>'uln' from sluice.studies"
                         " where study = 'NCT008'")
    assert row[1] == "6.1" and "6.0999" not in row[0]


def trail(fleet, action):
    return fleet.query("select actor, study, reason, detail from sluice.audit_events where action = %s"
                       " order by at desc, number desc", (action,))


def test_every_load_leaves_a_row_in_the_trail(fleet, tmp_path):
    def load(noun, content):
        done = loaded(fleet, tmp_path, noun, content, "--reason", f"why {noun}")
        assert done.returncode == 0, done.stderr

    before = fleet.count("audit_events")
    load("study", study(study="TRAILED"))
    (actor, of, reason, detail), *_ = trail(fleet, "study.loaded")
    assert actor not in ("", "-") and (of, reason) == ("TRAILED", "why study")
    assert detail.startswith("version 1 sha256:")
    load("subject", {"study": "TRAILED", "subjects": ["A-1", "A-2"]})
    assert trail(fleet, "subjects.loaded")[0][1:3] == ("TRAILED", "why subject")
    assert trail(fleet, "subjects.loaded")[0][3].startswith("2 subjects of file sha256:")
    load("questionnaire", definition(url=URL + "-trail", name="trailed"))
    assert trail(fleet, "questionnaire.loaded")[0][3].startswith(f"{URL}-trail|1.0 sha256:")
    load("valueset", {**valueset(), "url": "urn:trailed"})
    assert trail(fleet, "valueset.loaded")[0][3].startswith("urn:trailed|1 sha256:")
    assert fleet.count("audit_events") == before + 4
    # what changes nothing, and what is refused, leaves none
    load("study", study(study="TRAILED"))
    assert loaded(fleet, tmp_path, "study", study(study="TRAILED", colour="red")).returncode == 1
    assert fleet.count("audit_events") == before + 4
    # without a key nothing is loaded
    path = tmp_path / "k.json"
    path.write_text(json.dumps(study(study="KEYLESS")))
    done = fleet.ctl("study", "load", str(path), "--yes", "--set", "audit_key_file=/nonexistent", check=False)
    assert done.returncode == 78 and not fleet.query("select 1 from sluice.studies where study = 'KEYLESS'")
    assert fleet.ctl("study", "load", str(path), "--dry-run", "--set", "audit_key_file=/nonexistent").returncode == 0


# --- subjects ---

def test_subjects(fleet, tmp_path):
    def load(*subjects):
        return loaded(fleet, tmp_path, "subject", {"study": STUDY, "subjects": list(subjects)})

    assert load("OK-1", {"subjectId": "OK-2", "siteId": "S01", "status": "withdrawn", "kind": "test",
                         "statusAt": "2026-03-01T00:00:00Z", "timeZone": "UTC"}).returncode == 0
    rows = fleet.query("select subject_id, status, kind from sluice.subjects where subject_id like 'OK-%' order by 1")
    assert rows == [("OK-1", "enrolled", "real"), ("OK-2", "withdrawn", "test")]
    for code in ("13800138000", "a@b.org", "078-05-1120", "11010519491231002X", "+4917012345678"):
        done = load("OK-3", code)
        assert done.returncode == 1 and done.stderr.startswith("sluicectl: subjects/1: "), done.stderr
        assert code not in done.stderr  # it may be a person's
    assert load({"subjectId": "OK-4", "status": "withdrawn"}).returncode == 1
    assert load({"subjectId": "OK-4", "status": "asleep"}).returncode == 1
    assert load({"subjectId": "OK-4", "name": "Anna"}).returncode == 1
    assert not fleet.query("select 1 from sluice.subjects where subject_id in ('OK-3', 'OK-4')")


# --- questionnaires ---

def test_check_needs_no_database(fleet, tmp_path):
    good = checked(fleet, tmp_path, definition())
    assert good.returncode == 0 and good.stdout == "colours 1.0 is sound: 3 items\n", good.stderr
    for name in os.listdir(QUESTIONNAIRES):
        done = fleet.ctl("questionnaire", "check", os.path.join(QUESTIONNAIRES, name), "--set",
                         "postgres=host=/nonexistent", check=False)
        assert done.returncode == 0, (name, done.stdout)
    bad = definition()
    bad["item"][0]["item"][0]["type"] = "question"
    bad["item"][0]["item"][1]["answerOption"] = []
    bad["item"].append({"linkId": "n", "type": "string", "text": "twice"})
    done = checked(fleet, tmp_path, bad)
    assert done.returncode == 1
    refusals = [line for line in done.stdout.splitlines() if line.startswith("refused: ")]
    assert len(refusals) >= 2 and any("'n'" in r or "n:" in r for r in refusals), done.stdout
    *findings, verdict = [json.loads(line) for line in checked(fleet, tmp_path, bad, "--json").stdout.splitlines()]
    assert verdict["verdict"] == "refused" and {f["finding"] for f in findings} >= {"refused"}
    nameless = definition()
    del nameless["url"], nameless["version"]
    assert checked(fleet, tmp_path, nameless).returncode == 1
    assert checked(fleet, tmp_path, nameless, "--url", URL, "--as-version", "1").returncode == 0
    assert checked(fleet, tmp_path, {"resourceType": "Patient"}).returncode == 1


def unevaluable(version="1.0"):
    d = definition(version=version, url=URL + "-unchecked", name="unchecked-form")
    d["item"][0]["item"][0]["extension"] = [
        {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-constraint", "extension": [
            {"url": "key", "valueId": "k"}, {"url": "severity", "valueCode": "error"},
            {"url": "expression", "valueString": "true"}, {"url": "human", "valueString": "no"}]}]
    return d


def test_unchecked_takes_what_cannot_be_evaluated(fleet, tmp_path):
    refused = checked(fleet, tmp_path, unevaluable())
    assert refused.returncode == 1 and "'n'" in refused.stdout
    taken = checked(fleet, tmp_path, unevaluable(), "--unchecked")
    assert taken.returncode == 0 and "warning: item 'n'" in taken.stdout
    assert loaded(fleet, tmp_path, "questionnaire", unevaluable()).returncode == 1
    assert loaded(fleet, tmp_path, "questionnaire", unevaluable(), "--unchecked").returncode == 0
    (row,) = [q for q in fleet.ctl_json("questionnaire", "list") if q["name"] == "unchecked-form"]
    assert row["unchecked"] is True


def test_load_list_show(fleet, tmp_path):
    assert loaded(fleet, tmp_path, "questionnaire", definition()).returncode == 0
    assert "unchanged" in loaded(fleet, tmp_path, "questionnaire", definition()).stdout
    other = loaded(fleet, tmp_path, "questionnaire", definition(title="Other"))
    assert other.returncode == 1 and "new version" in other.stderr
    assert loaded(fleet, tmp_path, "questionnaire", definition(url=URL + "2")).returncode == 1  # the name is taken
    rows = [q for q in fleet.ctl_json("questionnaire", "list", "--study", STUDY) if q["name"] == "colours"]
    assert [(q["version"], q["items"], q["used"], q["active"]) for q in rows] == [("1.0", 3, False, True)]
    assert loaded(fleet, tmp_path, "questionnaire", definition(version="2.0")).returncode == 0
    rows = [q for q in fleet.ctl_json("questionnaire", "list", "--study", STUDY) if q["name"] == "colours"]
    assert [(q["version"], q["active"]) for q in rows] == [("1.0", False), ("2.0", False)]
    assert fleet.ctl("questionnaire", "list", "--study", "NOSTUDY", check=False).returncode == 1
    for words in (("colours",), (URL,), (URL + "|2.0",), ("colours", "2.0")):
        (row,) = fleet.ctl_json("questionnaire", "show", *words)
        assert row["version"] == "2.0" and row["definition"]["url"] == URL
    (row,) = fleet.ctl_json("questionnaire", "show", "colours", "1.0")
    assert row["version"] == "1.0" and [i["path"] for i in row["item"]] == ["g", "g/n", "g/c"]
    assert [i["options"] for i in row["item"]] == [0, 0, 2] and row["item"][1]["repeats"] is True
    text = fleet.ctl("questionnaire", "show", "colours").stdout
    assert "g/c" in text and "A colour" in text
    assert fleet.ctl("questionnaire", "show", "colours", "3.0", check=False).returncode == 1
    assert fleet.ctl("questionnaire", "show", "nothing", check=False).returncode == 1


# --- value sets ---

def named(version, canonical):
    d = definition(version=version, url=URL + "-vs", name="with-valueset")
    del d["item"][0]["item"][1]["answerOption"]
    d["item"][0]["item"][1]["answerValueSet"] = canonical
    return d


def test_valueset(fleet, tmp_path):
    missing = loaded(fleet, tmp_path, "questionnaire", named("1", "urn:sluice:vs"))
    assert missing.returncode == 1 and "urn:sluice:vs" in missing.stderr
    done = loaded(fleet, tmp_path, "valueset", valueset())
    assert done.returncode == 0 and done.stdout == "loaded value set urn:sluice:vs|1\n", done.stderr
    assert "unchanged" in loaded(fleet, tmp_path, "valueset", valueset()).stdout
    assert "new version" in loaded(fleet, tmp_path, "valueset", valueset(codes=("x",))).stderr
    assert loaded(fleet, tmp_path, "questionnaire", named("1", "urn:sluice:vs")).returncode == 0
    assert loaded(fleet, tmp_path, "questionnaire", named("2", "urn:sluice:vs|2")).returncode == 1
    assert loaded(fleet, tmp_path, "valueset", valueset("2", ("x", "y", "z"))).returncode == 0
    assert loaded(fleet, tmp_path, "questionnaire", named("2", "urn:sluice:vs|2")).returncode == 0
    sizes = [next(i["options"] for i in fleet.ctl_json("questionnaire", "show", "with-valueset", v)[0]["item"]
                  if i["link_id"] == "c") for v in ("1", "2")]
    assert sizes == [2, 3]
    # a whole system can't be written out
    whole = valueset("3")
    whole["compose"]["include"] = [{"system": "http://snomed.info/sct"}]
    assert loaded(fleet, tmp_path, "valueset", whole).returncode == 1
    example = os.path.join(EXAMPLES, "valueset-nausea.json")
    assert fleet.ctl("valueset", "load", example, "--yes").returncode == 0


def test_options_of_an_expansion(fleet, tmp_path):
    vs = {"resourceType": "ValueSet", "url": "urn:sluice:expanded", "version": "1", "status": "active", "expansion": {
        "timestamp": "2026-01-01T00:00:00Z", "contains": [{"system": "urn:s", "code": "p", "display": "P"},
                                                          {"system": "urn:s", "code": "q"}]}}
    assert loaded(fleet, tmp_path, "valueset", vs).returncode == 0
    d = {**named("1", "urn:sluice:expanded"), "url": URL + "-expanded", "name": "expanded"}
    done = loaded(fleet, tmp_path, "questionnaire", d)
    assert done.returncode == 0, done.stderr
    assert fleet.query("select link_id, ordinal, system, code, display from sluice.questionnaire_options"
                       " where questionnaire = 'expanded' order by ordinal") == [
        ("c", 1, "urn:s", "p", "P"), ("c", 2, "urn:s", "q", None)]


def test_items_and_options_of_the_shipped_forms(fleet):
    fleet.ctl("questionnaire", "load", os.path.join(QUESTIONNAIRES, "pro-ctcae.json"), "--yes")
    weights = fleet.query("select distinct weight from sluice.questionnaire_options where questionnaire = 'pro-ctcae'"
                          " and weight is not null order by 1")
    assert [int(w) for w, in weights] == [0, 1, 2, 3, 4]
    # one row an item and an option, whoever wrote them, in the definition's order
    for name, items, last in fleet.query("select questionnaire, count(*), max(ordinal) from sluice.questionnaire_items"
                                         " group by 1, version"):
        assert items == last, name
    for name, link, options, last in fleet.query("select questionnaire, link_id, count(*), max(ordinal)"
                                                 " from sluice.questionnaire_options group by 1, 2, version"):
        assert options == last, (name, link)


def test_check_with_valueset_files(fleet, tmp_path):
    path = tmp_path / "vs.json"
    path.write_text(json.dumps(valueset()))
    assert checked(fleet, tmp_path, named("1", "urn:sluice:vs")).returncode == 1
    assert checked(fleet, tmp_path, named("1", "urn:sluice:vs"), str(path)).returncode == 0
    assert checked(fleet, tmp_path, named("1", "urn:sluice:vs|2"), str(path)).returncode == 1
    path.write_text("{}")
    assert checked(fleet, tmp_path, named("1", "urn:sluice:vs"), str(path)).returncode == 1
