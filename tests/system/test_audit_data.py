"""What stored data says against the trail: written by the worker's own statement, changed by a superuser."""
import decimal
import hashlib
import json
import random
import struct
import uuid

import msgpack
import psycopg
import pytest
from fleet import STUDY
from record_rig import Record
from test_audit import field, key_of, tamper, text, verify

NUMBERS = ["0", "1", "-1", "-0", "0.0", "-0.0", "0e5", "0e-3", "-0e1", "1.50", "1.5", "-1.50", "1e2", "1E2", "1e+2", "1e-2",
           "100e-2", "1.50e1", "1.5e3", "0.0010e3", "0.001e2", "12.34e-5", "12.0e1", "9" * 34, "0." + "9" * 34, "-0." + "0" * 20 + "1",
           "1e308", "-1e-308", "1.000e-308", "9.99e307", "1" + "0" * 33 + ".0", "18446744073709551616", "0.10", "10.10e-1"]
TEXTS = ["", "plain", 'q" b\\ /', "\b\f\n\r\t", "\x01\x1f\x7f", "üé😀\u2028", "</script>", "\\u0041", "x" * 511, "y" * 600,
         "long\n\"" * 200, "ü" * 700]


@pytest.fixture(scope="module")
def record(stores):
    with Record(stores) as r:
        yield r


@pytest.fixture()
def clean(record):
    """No rows of another test."""
    record.query("set session_replication_role = replica; delete from sluice.audit_events;"
                 " delete from sluice.submissions; delete from sluice.submission_revisions")
    return record


def number(literal):
    """As the edge hands it on: an integer that fits, or the literal itself."""
    if literal.lstrip("-").isdigit() and -2**63 <= int(literal) < 2**64 and literal != "-0":
        return int(literal)
    return msgpack.ExtType(1, literal.encode())


def packed(value):
    return msgpack.packb(value).hex()


def store(run, *answers, **more):
    """Ids of the rows, in the order of answers."""
    ids = [str(uuid.uuid4()) for _ in answers]
    done = run("store", rows=[{"id": i, "study": STUDY, "subject": "SUB123", "answers": packed(a), **more}
                              for i, a in zip(ids, answers)])
    assert done["outcome"] == 0 and done["inserted"] == [True] * len(ids), done
    return ids


def faults(record):
    return [(x["rule"], x["submission"], x["revision"]) for x in verify(record) if x["type"] == "fault"]


def mac_of(key, r):
    """The form once more, from doc/record.md."""
    texts = [r[c] for c in ("study", "subject_id", "questionnaire", "version", "status", "authored_zone", "visit", "occasion",
                            "scores")]
    data = r["submission_id"].bytes + struct.pack("<qqq", r["revision"], r["void"], r["authored_us"])
    for t in texts:
        data += field(text(t))[:8]
    data += b"".join(text(t) or b"" for t in texts) + text(r["answers"])
    return hashlib.blake2b(data, key=key, digest_size=16, person=b"sluice data 1").digest()


def rows(record):
    with psycopg.connect(record.stores.postgres.dsn(record.database), row_factory=psycopg.rows.dict_row) as c:
        return c.execute("select submission_id, revision, study, subject_id, questionnaire, version, status, void,"
                         " (extract(epoch from authored_at) * 1000000)::bigint as authored_us, authored_zone, visit, occasion,"
                         " scores::text, answers::text, data_mac from sluice.submissions").fetchall()


def test_every_spelling_of_a_number_comes_back(clean):
    run = clean.driver()
    store(run, *({"n": number(n), "list": [number(n), {"value": number(n), "unit": "mg"}]} for n in NUMBERS))
    store(run, {f"n{i}": number(n) for i, n in enumerate(NUMBERS)}, scores=packed({"s": {"value": number("1.50e1"), "band": "b"}}))
    assert faults(clean) == []
    stored = clean.query("select answers ->> 'n' from sluice.submissions where answers ? 'n'")
    assert sorted(decimal.Decimal(n) for n, in stored) == sorted(decimal.Decimal(n) for n in NUMBERS)


def test_every_text_and_every_order_comes_back(clean):
    run, chance = clean.driver(), random.Random(5)
    forms = [{"t": t, "k" + t[:9]: [t, {"display": t, "code": t}]} for t in TEXTS]
    for _ in range(20):
        keys = [chance.choice(["a", "ä", "zz", "b.c", '"', "\n", "\\"]) * chance.randrange(1, 4) + str(i) for i in range(chance.randrange(1, 90))]
        chance.shuffle(keys)
        forms.append({k: chance.choice([1, True, None, {}, [], 0.1, -2.5e-9, 1e22, {"value": 1, "unit": "g", "code": {"b": 1, "a": [{}]}},
                                        chance.choice(TEXTS)]) for k in keys})
    for at in range(0, len(forms), 4):
        store(run, *forms[at:at + 4])
    assert faults(clean) == []
    assert clean.query("select count(*) from sluice.submissions") == [(len(forms),)]


def test_whoever_has_the_key_can_check_without_our_code(clean):
    run = clean.driver()
    store(run, {"pain": number("1e1"), "notes": "x\n" * 400}, visit="V2", occasion="evening", scores=packed({"s": {"value": None}}))
    store(run, {"pain": 3}, plain=True)
    told = dict(clean.query("select submission_id, split_part(detail, ' ', 3) from sluice.audit_events"))
    for r in rows(clean):
        assert mac_of(key_of(clean), r) == r["data_mac"] and told[r["submission_id"]] == r["data_mac"].hex()


@pytest.mark.parametrize("change,rules", [
    ("answers = jsonb_set(answers, '{pain}', '4')", ["data-changed"]),
    ("answers = jsonb_set(answers, '{pain}', '3.0')", ["data-changed"]),
    ("answers = answers - 'notes'", ["data-changed"]),
    ("scores = '{\"s\": {\"value\": 2}}'", ["data-changed"]),
    ("scores = null", ["data-changed"]),
    ("authored_at = authored_at + interval '1 us'", ["data-changed"]),
    ("authored_zone = '+01:00'", ["data-changed"]),
    ("questionnaire = 'phq-9'", ["data-changed"]),
    ("version = '2.0'", ["data-changed"]),
    ("visit = 'V9'", ["data-changed"]),
    ("occasion = null", ["data-changed"]),
    ("void = true", ["data-changed"]),
    ("subject_id = 'SUB124'", ["data-changed", "record-differs"]),
    ("study = 'OTHER'", ["data-changed", "record-differs"]),
    ("status = 'stopped'", ["data-changed", "record-differs"]),
    ("actor = 'nobody'", ["record-differs"]),
    ("role = 'site'", ["record-differs"]),
    ("content_hash = sha256('x')", ["record-differs"]),
    ("data_mac = null", ["record-differs"]),
    ("data_mac = '\\x00'", ["data-changed", "record-differs"]),
    ("data_mac = '\\x', audit_mac = null", ["audit-missing", "data-changed", "record-missing"]),
])
def test_a_changed_submission_is_named(clean, change, rules):
    id, _ = store(clean.driver(), {"pain": 3, "notes": "x"}, {"pain": 3}, visit="V1", occasion="morning",
                  scores=packed({"s": {"value": 1}}))
    assert faults(clean) == []
    assert tamper(clean, f"update sluice.submissions set {change} where submission_id = %s", id) == 1
    assert sorted(faults(clean)) == [(rule, id, 1) for rule in rules]
    told = clean.ctl("audit", "verify", check=False).stdout
    assert f"submission {id} revision 1: {rules[0]}: " in told


def revise(run, id, expected, **more):
    done = run("revise", study=STUDY, id=id, subject="SUB123", expected=expected, actor="anna", role="site", reason="typo",
               seq=expected + 1, **{"status": "amended", **more})
    assert done["outcome"] == 0, done


def test_corrections_and_what_they_replace(clean):
    run = clean.driver()
    id, other = store(run, {"pain": 3, "notes": "x\n" * 400}, {"pain": 2}, visit="V1", status="in-progress")
    revise(run, id, 1, status="in-progress", answers=packed({"pain": number("4.0e0")}))
    revise(run, id, 2, answers=packed({"notes": "y", "pain": number("1e1"), "a": {"unit": "g", "code": 1}}),
           scores='{"s": {"value": 1.5}}')
    revise(run, id, 3, status="entered-in-error", void=True)  # the answers stay as they are
    assert faults(clean) == []
    assert clean.query("select visit, void, answers from sluice.submissions where submission_id = %s", [id]) == [
        ("V1", True, {"notes": "y", "pain": 10, "a": {"unit": "g", "code": 1}})]
    tamper(clean, "update sluice.submission_revisions set answers = '{\"pain\": 5}' where submission_id = %s and revision = 2", id)
    assert faults(clean) == [("data-changed", id, 2)]
    tamper(clean, "delete from sluice.submission_revisions where submission_id = %s and revision = 2", id)
    assert faults(clean) == [("record-missing", id, 2)]
    tamper(clean, "delete from sluice.submissions where submission_id = %s", other)
    assert sorted(faults(clean)) == sorted([("record-missing", id, 2), ("record-missing", other, 1)])


def test_rows_put_in_by_hand(clean):
    run = clean.driver()
    id, = store(run, {"pain": 3})
    names = ", ".join(n for n, in clean.query("select column_name from information_schema.columns where table_schema ="
                                              " 'sluice' and table_name = 'submissions'"))
    tamper(clean, f"insert into sluice.submission_revisions ({names}) select {names} from sluice.submissions")
    assert faults(clean) == [("record-twice", id, 1)]
    tamper(clean, "delete from sluice.submission_revisions")
    by_hand = clean.submission({"pain": 9})
    assert faults(clean) == [("audit-missing", by_hand, 1)]
    tamper(clean, "delete from sluice.submissions where submission_id = %s", by_hand)
    copy = str(uuid.uuid4())
    tamper(clean, f"insert into sluice.submissions select (jsonb_populate_record(s, jsonb_build_object('submission_id', %s::text))).*"
                  " from sluice.submissions s", copy)
    assert sorted(faults(clean)) == sorted([("data-changed", copy, 1), ("record-differs", copy, 1)])


def test_rows_from_before_are_counted_and_no_fault(clean):
    """As an older release left them: neither the row nor its audit row speaks of the data."""
    run = clean.driver()
    id, _ = store(run, {"pain": 3}, {"pain": 2})
    clean.submission({"pain": 1}, stored_at="2020-01-01T00:00:00Z")
    summary = verify(clean, expect=[])[-1]
    assert (summary["revisions"], summary["without_mac"]) == (3, 1)
    told = clean.ctl("audit", "verify").stdout
    assert "Without a MAC of their data: 1 revisions, stored by an older release." in told
    # an audit row of then is correct in itself, so it has to be signed by the key
    assert run("audit", action="submission.stored", detail="completed 01" + "00" * 31)["outcome"] == 0
    tamper(clean, "update sluice.submissions set data_mac = null, status = 'completed', content_hash = %s,"
                  " audit_mac = (select mac from sluice.audit_events where submission_id is null) where submission_id = %s",
           bytes([1] + [0] * 31), id)
    assert sorted({rule for rule, *_ in faults(clean)}) == ["record-differs", "record-missing"]


def test_data_of_an_older_key(clean):
    store(clean.driver(), {"pain": 3})
    with open(clean.audit_keys) as f:
        old = f.read()
    try:
        clean.secret("audit.keys", "2 " + "ab" * 32 + "\n" + old)
        store(clean.driver(), {"pain": 4}, {"pain": 5})
        assert faults(clean) == []
        clean.secret("audit.keys", "2 " + "ab" * 32 + "\n")
        assert {"data-changed", "key-unknown"} == {x["rule"] for x in verify(clean) if x["type"] == "fault"}
    finally:
        clean.secret("audit.keys", old)
