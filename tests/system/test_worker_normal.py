"""Normal values beside the answers: which units and texts have one, what becomes of them in a correction, and what an
analyst and an export see."""
import csv
import glob
import io
import json
import unicodedata
import uuid

import pytest

from stores import Stores
from worker_rig import STUDY, Decimal, Rig

UNIT = "http://hl7.org/fhir/StructureDefinition/questionnaire-unit"


def unit(code):
    return [{"url": UNIT, "valueCoding": {"system": "http://unitsofmeasure.org", "code": code}}]


FORM = {
    "resourceType": "Questionnaire", "id": "body", "name": "body", "url": "https://example.org/body", "version": "1.0",
    "status": "active", "title": "Body",
    "item": [{"linkId": "weight", "type": "quantity", "text": "Weight", "extension": unit("kg")},
             {"linkId": "free", "type": "quantity", "text": "Any unit"},
             {"linkId": "note", "type": "string", "text": "Note"},
             {"linkId": "name", "type": "string", "text": "Name",
              "definition": "http://hl7.org/fhir/StructureDefinition/Patient#Patient.name"},
             {"linkId": "day", "type": "group", "text": "Day", "repeats": True, "item": [
                 {"linkId": "temp", "type": "quantity", "text": "Temperature", "repeats": True, "extension": unit("Cel")},
                 {"linkId": "felt", "type": "open-choice", "text": "Felt", "answerOption": [{"valueCoding": {"code": "well"}}],
                  "item": [{"linkId": "why", "type": "text", "text": "Why"}]}]}]}
ANSWERS = {"weight": {"value": Decimal("154.0"), "code": "[lb_av]"}, "free": {"value": 3, "code": "[lb_av]"}, "note": "ｱﾊﾟｰﾄ Ａ１",
           "name": "Ａｎｎａ",
           "day": [{"temp": [Decimal("36.6"), {"value": Decimal("98.6"), "code": "[degF]"}]},
                   {"felt": {"value": {"text": "Ｏｋ"}, "items": {"why": "　"}}}]}
NORMAL = {"/1/weight": {"value": 69.85322498, "code": "kg"}, "/1/note": {"text": "アパート A1"},
          "1/2/temp": {"value": 37, "code": "Cel"}, "2/1/felt": {"text": "Ok"}, "2.1/1/why": {"text": " "}}


@pytest.fixture(scope="module")
def rig():
    with Stores() as stores, Rig(stores) as r:
        with open(f"{r.folder}/body.json", "w") as f:
            json.dump(FORM, f)
        r.ctl("questionnaire", "load", f"{r.folder}/body.json", "--yes")
        r.pull()
        yield r


def send(rig, answers, id=None, revise=None, **members):
    id = id or uuid.uuid4()
    inner = {"revise": {"reason": "typo", "kind": "amended", **revise}} if revise else {}
    (outcome, payload), = rig.deliver(rig.submission(answers, id=id.bytes, questionnaire="body", inner=inner, **members))
    assert outcome == "stored", payload
    return id


def seen(rig, id):
    return rig.query("select link_id, group_index, answer_index, text, num::text, unit, text_normal, num_normal::text,"
                     " unit_normal from sluice.item_answers where submission_id = %s"
                     " order by link_id, group_index, answer_index", [id])


def test_original_and_normal_value_stand_side_by_side(rig):
    id = send(rig, ANSWERS)
    (answers, normal), = rig.query("select answers, normal from sluice.submissions where submission_id = %s", [id])
    assert normal == NORMAL
    assert answers["weight"] == {"value": 154, "code": "[lb_av]"} and answers["note"] == "ｱﾊﾟｰﾄ Ａ１"
    assert seen(rig, id) == [
        ("felt", "2", 1, "Ｏｋ", None, None, "Ok", None, None),
        ("free", "", 1, None, "3", "[lb_av]", None, None, None),
        ("name", "", 1, None, None, None, None, None, None),
        ("note", "", 1, "ｱﾊﾟｰﾄ Ａ１", None, None, "アパート A1", None, None),
        ("temp", "1", 1, None, "36.6", "Cel", None, "36.6", "Cel"),
        ("temp", "1", 2, None, "98.6", "[degF]", None, "37", "Cel"),
        ("weight", "", 1, None, "154.0", "[lb_av]", None, "69.85322498", "kg"),
        ("why", "2.1", 1, "　", None, None, " ", None, None)]
    assert unicodedata.normalize("NFKC", "ｱﾊﾟｰﾄ Ａ１") == NORMAL["/1/note"]["text"]


def test_normal_of_normal_is_itself(rig):
    again = {"weight": {"value": Decimal("69.85322498"), "code": "kg"}, "note": "アパート A1",
             "day": [{"temp": [Decimal("36.6"), {"value": 37, "code": "Cel"}]},
                     {"felt": {"value": {"text": "Ok"}, "items": {"why": " "}}}]}
    id = send(rig, again)
    assert rig.query("select normal from sluice.submissions where submission_id = %s", [id]) == [(None,)]
    first = {r[:3]: r[6:] for r in seen(rig, send(rig, ANSWERS)) if r[0] not in ("name", "free")}
    assert {r[:3]: r[6:] for r in seen(rig, id)} == first


def test_a_correction_brings_its_own(rig):
    id = send(rig, ANSWERS)
    send(rig, {"weight": {"value": 70000, "code": "g"}}, id, {"revision": 1})
    assert rig.query("select revision, normal from sluice.submissions where submission_id = %s", [id]) == [
        (2, {"/1/weight": {"value": 70, "code": "kg"}})]
    assert rig.query("select revision, normal from sluice.submission_revisions where submission_id = %s", [id]) == [(1, NORMAL)]
    send(rig, {}, id, {"revision": 2, "kind": "entered-in-error"})
    assert rig.query("select void, normal from sluice.submissions where submission_id = %s", [id]) == [
        (True, {"/1/weight": {"value": 70, "code": "kg"}})]  # as the answers, it stays what it was
    other = send(rig, ANSWERS)
    send(rig, {"weight": 70}, other, {"revision": 1})
    assert rig.query("select normal from sluice.submissions where submission_id = %s", [other]) == [(None,)]


def test_one_in_a_batch_of_plain_ones(rig):
    ids = [uuid.uuid4() for _ in range(3)]
    answers = [{"weight": 70}, {"weight": {"value": 1, "code": "t"}}, {"note": "x"}]
    outcomes = rig.deliver(*[rig.submission(a, id=i.bytes, questionnaire="body") for a, i in zip(answers, ids)])
    assert [o for o, _ in outcomes] == ["stored"] * 3
    assert [rig.query("select normal from sluice.submissions where submission_id = %s", [i]) for i in ids] == [
        [(None,)], [({"/1/weight": {"value": 1000, "code": "kg"}},)], [(None,)]]


def test_exports_have_both(rig):
    id = send(rig, ANSWERS)
    rig.ctl("export", f"{rig.folder}/export", "--study", STUDY, "--yes")
    name, = glob.glob(f"{rig.folder}/export/**/*answers*.csv", recursive=True)
    with open(name, encoding="utf-8-sig") as f:
        rows = [r for r in csv.DictReader(io.StringIO(f.read())) if r["submission_id"] == str(id)]
    found = {r["link_id"]: (r["num"], r["unit"], r["num_normal"], r["unit_normal"]) for r in rows if r["link_id"] == "weight"}
    assert found == {"weight": ("154.0", "[lb_av]", "69.85322498", "kg")}
