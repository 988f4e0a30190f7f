"""A revision and all that comes with it, in one statement; and what an analyst then sees."""
import concurrent.futures
import json
import uuid

import pytest
from fleet import STUDY
from record_rig import Record


@pytest.fixture(scope="module")
def record(stores):
    with Record(stores) as r:
        yield r


def revise(run, id, expected, **more):
    return run("revise", study=STUDY, id=id, subject="SUB123", expected=expected, status="amended", actor="anna",
               role="site", reason="typo", **more)


def test_the_old_row_moves_and_the_new_one_says_who_and_why(record):
    run, id = record.driver(), record.submission({"pain": 3, "sleep": "well"})
    before = record.query("select stored_at from sluice.submissions where submission_id = %s", [id])[0][0]
    answer = revise(run, id, 1, seq=2, alerts=[{"id": str(uuid.uuid4()), "study": STUDY, "subject": "SUB123", "rule": "r",
                                               "severity": "info", "submission": id, "revision": 2}])
    assert answer["outcome"] == 0 and answer["revision"] == 2 and answer["alerts"][0]["raised"]
    assert record.query("select revision, status, actor, role, reason, seq from sluice.submissions where submission_id = %s",
                        [id]) == [(2, "amended", "anna", "site", "typo", 2)]
    assert record.query("select revision, status, actor, stored_at from sluice.submission_revisions"
                        " where submission_id = %s", [id]) == [(1, "completed", None, before)]
    mac = record.query("select data_mac from sluice.submissions where submission_id = %s", [id])[0][0].hex()
    assert record.query("select action, actor, subject_id, revision, reason, detail from sluice.audit_events"
                        " where submission_id = %s", [id]) == [
        ("submission.revised", "anna", "SUB123", 2, "typo", f"amended 01{'00' * 31} {mac}")]
    assert record.query("select revision, kind from identity.identifiers where submission_id = %s", [id]) == [(2, "name")]
    assert record.query("select kind, submission_id::text from sluice.origins where submission_id = %s order by seq",
                        [id]) == [("stored", id)] * 2
    assert not [x for x in record.ctl_json("audit", "verify", check=False) if x.get("rule") not in (None, "audit-missing")]


def test_a_stale_revision_changes_nothing(record):
    run, id = record.driver(), record.submission({"pain": 3})
    assert revise(run, id, 2)["outcome"] == 101
    assert revise(run, str(uuid.uuid4()), 1)["outcome"] == 101
    assert revise(run, id, 1)["outcome"] == 0 and revise(run, id, 1)["outcome"] == 101
    assert record.query("select count(*) from sluice.submission_revisions where submission_id = %s", [id]) == [(1,)]
    assert record.query("select count(*) from sluice.audit_events where submission_id = %s", [id]) == [(1,)]


def test_of_two_corrections_at_once_one_is_stale(record):
    drivers = [record.driver() for _ in range(6)]
    for _ in range(10):
        id = record.submission({"pain": 3})
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            outcomes = list(pool.map(lambda run, id=id: revise(run, id, 1)["outcome"], drivers))
        assert sorted(outcomes) == [0] + [101] * 5
    assert not [x for x in record.ctl_json("audit", "verify", check=False) if x.get("rule") not in (None, "audit-missing")]


def test_field_by_field_old_new_who_why(record):
    id = record.submission({"pain": 3, "sleep": "well", "notes": "x"})
    names = ", ".join(n for n, in record.query("select column_name from information_schema.columns where table_schema ="
                                               " 'sluice' and table_name = 'submissions'"))
    record.query(f"insert into sluice.submission_revisions ({names}) select {names} from sluice.submissions"
                 " where submission_id = %s", [id])
    record.query("update sluice.submissions set revision = 2, status = 'amended', actor = 'anna', role = 'site',"
                 " reason = 'typo', answers = %s where submission_id = %s",
                 [json.dumps({"pain": 5, "sleep": "well", "fatigue": 1}), id])
    rows = record.query("select revision, link_id, old_value::text, new_value::text, actor, reason from sluice.item_changes"
                        " where submission_id = %s order by revision, link_id", [id])
    assert rows == [(1, "notes", None, '"x"', "participant", None), (1, "pain", None, "3", "participant", None),
                    (1, "sleep", None, '"well"', "participant", None), (2, "fatigue", None, "1", "anna", "typo"),
                    (2, "notes", '"x"', None, "anna", "typo"), (2, "pain", "3", "5", "anna", "typo")]


FORM = {"resourceType": "Questionnaire", "url": "https://example.org/all", "version": "1", "name": "all", "status": "active",
        "item": [
            {"linkId": "bp", "type": "group", "text": "Reading", "repeats": True, "item": [
                {"linkId": "sys", "type": "quantity", "text": "Systolic", "code": [{"system": "http://loinc.org", "code": "8480-6"}],
                 "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-unit",
                                "valueCoding": {"system": "http://unitsofmeasure.org", "code": "mm[Hg]"}}]},
                {"linkId": "arm", "type": "choice", "answerOption": [
                    {"valueCoding": {"system": "s", "code": "L", "display": "Left"},
                     "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 1}]},
                    {"valueCoding": {"system": "s", "code": "R", "display": "Right"}}], "item": [
                        {"linkId": "why", "type": "string"}]}]},
            {"linkId": "many", "type": "open-choice", "repeats": True, "answerOption": [{"valueCoding": {"code": "a", "display": "Aa"}}]},
            {"linkId": "who", "type": "string", "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.name"},
            {"linkId": "yes", "type": "boolean"}, {"linkId": "blank", "type": "string"}]}


def test_item_answers_reads_every_shape(record):
    record.query("insert into sluice.questionnaires (url, version, name, status, definition, definition_hash)"
                 " values ('https://example.org/all', '1', 'all', 'active', %s, '')", [json.dumps(FORM)])
    answers = {"bp": [{"sys": 120, "arm": {"value": {"code": "L", "system": "s"}, "items": {"why": "cast"}}},
                      {"sys": {"value": 16.5, "code": "kPa"}, "arm": "R"}],
               "many": ["a", {"text": "code"}, {"display": "Aa"}], "who": {"identity": True}, "yes": False, "blank": None}
    id = record.submission(answers, questionnaire="all", version="1")
    rows = record.query("select link_id, group_index, answer_index, text, num::float, code, display, unit, weight::float, identity"
                        " from sluice.item_answers where submission_id = %s order by link_id, group_index, answer_index", [id])
    assert rows == [
        ("arm", "1", 1, None, None, "L", "Left", None, 1.0, False),
        ("arm", "2", 1, None, None, "R", "Right", None, None, False),
        ("many", "", 1, None, None, "a", "Aa", None, None, False),
        ("many", "", 2, "code", None, None, None, None, None, False),
        ("many", "", 3, None, None, "a", "Aa", None, None, False),
        ("sys", "1", 1, None, 120.0, None, None, "mm[Hg]", None, False),
        ("sys", "2", 1, None, 16.5, None, None, "kPa", None, False),
        ("who", "", 1, None, None, None, None, None, None, True),
        ("why", "1.1", 1, "cast", None, None, None, None, None, False),
        ("yes", "", 1, "false", None, None, None, None, None, False)]
    assert record.query("select link_id, path, parent, code, unit, identifier_kind from sluice.questionnaire_items"
                        " where questionnaire = 'all' and link_id in ('sys', 'who') order by ordinal") == [
        ("sys", "bp/sys", "bp", "8480-6", "mm[Hg]", None), ("who", "who", None, None, None, "name")]


def test_a_marked_group_marks_what_is_below(record):
    """As the workers' compiler does: test_compile_rules.c, groups_mark_what_is_below."""
    patient = "http://hl7.org/fhir/StructureDefinition/Patient#Patient."
    form = {"resourceType": "Questionnaire", "url": "https://example.org/person", "version": "1", "name": "person", "status": "active",
            "item": [{"linkId": "person", "type": "group", "definition": patient + "name", "item": [
                {"linkId": "given", "type": "string"}, {"linkId": "born", "type": "date", "definition": patient + "birthDate"},
                {"linkId": "use", "type": "choice", "definition": patient + "gender", "item": [{"linkId": "why", "type": "string"}]},
                {"linkId": "hint", "type": "display"},
                {"linkId": "home", "type": "group", "definition": patient + "address", "item": [{"linkId": "line", "type": "string"}]}]},
                {"linkId": "pain", "type": "integer", "definition": patient + "nameless"},
                {"linkId": "nick", "type": "string", "definition": patient + "name.text", "item": [{"linkId": "since", "type": "date"}]}]}
    record.query("insert into sluice.questionnaires (url, version, name, status, definition, definition_hash)"
                 " values ('https://example.org/person', '1', 'person', 'active', %s, '')", [json.dumps(form)])
    assert record.query("select link_id, identifier_kind from sluice.questionnaire_items where questionnaire = 'person'"
                        " order by ordinal") == [
        ("person", None), ("given", "name"), ("born", "birthDate"), ("use", "name"), ("why", "name"), ("hint", None),
        ("home", None), ("line", "address"), ("pain", None), ("nick", "name"), ("since", None)]
