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
from test_audit import chain_rows, field, key_of, tamper, text, verify
from test_audit import mac_of as row_mac_of

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
    yield record
    record.drivers_end()


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


TEXT_COLUMNS = ("study", "subject_id", "questionnaire", "version", "status", "site_id", "authored_zone", "time_zone", "visit",
                "occasion", "language", "flags", "source", "originator", "device", "device_edits", "normal", "scores")
TIMES = ("authored_at", "received_at", "accepted_at", "started_at", "sent_at")


def mac_of(key, r):
    """The form once more, from doc/record.md."""
    bits = r["void"] + 2 * (r["started_at"] is None) + 4 * (r["sent_at"] is None) + 8 * (r["skew_s"] is None)
    data = r["submission_id"].bytes + r["broker"].bytes
    data += struct.pack("<5q", r["epoch"], r["seq"], r["hash_key"], r["revision"], bits)
    data += struct.pack("<5q", *(r[c] or 0 for c in TIMES)) + struct.pack("<d", r["skew_s"] or 0)
    texts = [text(r[c]) for c in TEXT_COLUMNS]
    data += b"".join(field(t)[:8] for t in texts) + b"".join(t or b"" for t in texts) + text(r["answers"])
    return hashlib.blake2b(data, key=key, digest_size=16, person=b"sluice data 2").digest()


def older_mac_of(key, r):
    """The first form."""
    texts = [text(r[c]) for c in ("study", "subject_id", "questionnaire", "version", "status", "authored_zone", "visit",
                                  "occasion", "scores")]
    data = r["submission_id"].bytes + struct.pack("<qqq", r["revision"], r["void"], r["authored_at"])
    data += b"".join(field(t)[:8] for t in texts) + b"".join(t or b"" for t in texts) + text(r["answers"])
    return hashlib.blake2b(data, key=key, digest_size=16, person=b"sluice data 1").digest()


def rows(record):
    texts = ", ".join(f"{c}::text" for c in TEXT_COLUMNS if c != "flags")
    times = ", ".join(f"(extract(epoch from {c}) * 1000000)::bigint as {c}" for c in TIMES)
    with psycopg.connect(record.stores.postgres.dsn(record.database), row_factory=psycopg.rows.dict_row) as c:
        return c.execute(f"select submission_id, broker, epoch, seq, hash_key, revision, void, {times}, skew_s, {texts},"
                         " array_to_string(flags, E'\\n') as flags, answers::text, data_mac from sluice.submissions").fetchall()


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
    store(run, {"pain": number("1e1"), "notes": "x\n" * 400}, **FULL)
    store(run, {"pain": 3}, plain=True)
    told = dict(clean.query("select submission_id, split_part(detail, ' ', 3) from sluice.audit_events"))
    for r in rows(clean):
        assert mac_of(key_of(clean), r) == r["data_mac"] and told[r["submission_id"]] == r["data_mac"].hex()


# Every member a submission can have.
FULL = {"site": "S01", "visit": "V1", "occasion": "morning", "language": "de", "time_zone": "Europe/Berlin", "flags": "late\nclock-skew",
        "scores": packed({"s": {"value": 1}}), "originator": packed({"type": "proxy", "reason": "broken arm"}),
        "device": packed({"app": "diary", "os": "17.1"}), "device_edits": packed([{"linkId": "pain", "old": 3}]),
        "normal": packed({"/1/weight": {"value": number("69.85"), "code": "kg"}}), "started_us": 1_795_000_000_000_001, "sent_us": 1_795_000_060_000_002, "skew_us": 123_456_789}


@pytest.mark.parametrize("skew_us", [0, 1, -1, 300_000, -123_456_789, 2**53 + 1, -(2**53) - 3, 63_930_000_000_123_457, 10**17 + 7])
def test_every_skew_comes_back(clean, skew_us):
    store(clean.driver(), {"pain": 3}, skew_us=skew_us, sent_us=-62_135_596_800_000_000)
    assert faults(clean) == []


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
    ("site_id = 'S02'", ["data-changed"]),
    ("site_id = null", ["data-changed"]),
    ("received_at = received_at - interval '1 us'", ["data-changed"]),
    ("received_at = 'infinity'", ["data-changed"]),
    ("accepted_at = accepted_at + interval '1 us'", ["data-changed"]),
    ("started_at = null", ["data-changed"]),
    ("started_at = '-infinity'", ["data-changed"]),
    ("sent_at = sent_at + interval '1 s'", ["data-changed"]),
    ("skew_s = skew_s + 0.000001", ["data-changed"]),
    ("skew_s = 'NaN'", ["data-changed"]),
    ("skew_s = null", ["data-changed"]),
    ("time_zone = 'UTC'", ["data-changed"]),
    ("language = 'en'", ["data-changed"]),
    ("flags = '{late}'", ["data-changed"]),
    ("flags = '{}'", ["data-changed"]),
    ("flags = null", ["data-changed"]),
    ("flags = flags || null::text", ["data-changed"]),
    ("flags = array[E'late\\nclock-skew']", ["data-changed"]),
    ("flags = '{{late,clock-skew}}'", ["data-changed"]),
    ("originator = originator - 'reason'", ["data-changed"]),
    ("originator = null", ["data-changed"]),
    ("device = device || '{\"os\": \"17.2\"}'", ["data-changed"]),
    ("device = null, device_edits = device", ["data-changed"]),
    ("device_edits = '[]'", ["data-changed"]),
    ("normal = null", ["data-changed"]),
    ("source = 'chart'", ["data-changed"]),
    ("broker = gen_random_uuid()", ["data-changed"]),
    ("epoch = epoch + 1", ["data-changed"]),
    ("seq = seq + 1", ["data-changed"]),
    ("hash_key = 2", ["data-changed"]),
    ("revision = 2", ["data-changed", "record-differs"]),
    ("stored_at = stored_at - interval '61 min'", ["time-differs"]),
    ("stored_at = 'infinity'", ["time-differs"]),
    ("audit_number = audit_number + 1", ["record-differs"]),
    ("organisation = 'CRO'", ["record-differs"]),
    ("reason = 'because'", ["record-differs"]),
    ("status = 'stopped'", ["data-changed", "record-differs"]),
    ("actor = 'nobody'", ["record-differs"]),
    ("role = 'site'", ["record-differs"]),
    ("content_hash = sha256('x')", ["record-differs"]),
    ("data_mac = null", ["record-differs"]),
    ("data_mac = '\\x00'", ["data-changed", "record-differs"]),
    ("data_mac = '\\x', audit_mac = null", ["audit-missing", "data-changed", "record-missing"]),
])
def test_a_changed_submission_is_named(clean, change, rules):
    id, _ = store(clean.driver(), {"pain": 3, "notes": "x"}, {"pain": 3}, **FULL)
    assert faults(clean) == []
    assert tamper(clean, f"update sluice.submissions set {change} where submission_id = %s", id) == 1
    revision = 2 if change == "revision = 2" else 1
    assert sorted(faults(clean)) == [(rule, id, revision) for rule in rules]
    told = clean.ctl("audit", "verify", check=False).stdout
    assert f"submission {id} revision {revision}: {rules[0]}: " in told


def test_no_column_is_forgotten(clean):
    """A column that a migration adds is covered, or named here and in doc/record.md."""
    known = {*TEXT_COLUMNS, *TIMES, "submission_id", "broker", "epoch", "seq", "hash_key", "revision", "void", "skew_s", "answers"}
    by_the_row = {"actor", "role", "organisation", "reason", "content_hash", "data_mac", "audit_mac", "audit_number"}
    by_the_clock = {"stored_at", "superseded_at"}
    there = {c for c, in clean.query("select column_name from information_schema.columns where table_schema = 'sluice'"
                                     " and table_name = 'submission_revisions'")}
    assert there == known | by_the_row | by_the_clock


def revise(run, id, expected, **more):
    done = run("revise", study=STUDY, id=id, subject="SUB123", expected=expected, actor="anna", role="site", reason="typo",
               seq=expected + 1, **{"status": "amended", **more})
    assert done["outcome"] == 0, done


def test_a_correction_keeps_what_it_does_not_say(clean):
    run = clean.driver()
    id, = store(run, {"pain": 3}, **FULL)
    revise(run, id, 1, answers=packed({"pain": 4}), source="chart 7", flags="late", sent_us=1_795_000_100_000_000)
    revise(run, id, 2, answers=packed({"pain": 5}))
    assert faults(clean) == []
    for change in ("source = null", "device = null", "started_at = started_at + interval '1 us'", "flags = '{future}'",
                   "sent_at = null", "skew_s = 0", "site_id = null", "normal = device"):
        with psycopg.connect(clean.stores.postgres.dsn(clean.database)) as c:
            c.execute("set session_replication_role = replica")
            c.execute(f"create temporary table kept as select * from sluice.submission_revisions;"
                      f" update sluice.submission_revisions set {change} where revision = 2")
            c.commit()
            assert faults(clean) == [("data-changed", id, 2)], change
            c.execute("delete from sluice.submission_revisions; insert into sluice.submission_revisions select * from kept")


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
    for column in ("superseded_at", "stored_at"):
        change = "update sluice.submission_revisions set {0} = {0} {1} interval '1 us' where submission_id = %s and revision = 2"
        tamper(clean, change.format(column, "+"), id)
        assert faults(clean) == [("time-differs", id, 2 if column == "superseded_at" else 1)]
        tamper(clean, change.format(column, "-"), id)
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


def older(record, id):
    """The row as the release before left it: its MAC of the first form, in an audit row that is right in itself."""
    key = key_of(record)
    r, = (r for r in rows(record) if str(r["submission_id"]) == id)
    data_mac = older_mac_of(key, r)
    tamper(record, "update sluice.audit_events set detail = split_part(detail, ' ', 1) || ' ' || split_part(detail, ' ', 2)"
                   " || ' ' || encode(%s, 'hex') where submission_id = %s", data_mac, id)
    row, = (x for x in chain_rows(record) if str(x[12]) == id)
    mac = row_mac_of(key, row)
    tamper(record, "update sluice.audit_events set mac = %s where submission_id = %s", mac, id)
    tamper(record, "update sluice.submissions set audit_mac = %s, data_mac = %s where submission_id = %s", mac, data_mac, id)


def test_the_older_form_still_counts(clean):
    run = clean.driver()
    id, = store(run, {"pain": 3}, **FULL)
    run("restart")
    store(run, {"pain": 4}, **FULL)
    older(clean, id)
    summary = verify(clean, expect=[])[-1]
    assert (summary["revisions"], summary["without_mac"], summary["older_mac"]) == (2, 0, 1)
    assert "With a MAC of an older form: 1 revisions." in clean.ctl("audit", "verify").stdout
    revise(run, id, 1, answers=packed({"pain": 5}))  # what replaces it is under the new form
    assert verify(clean, expect=[])[-1]["older_mac"] == 1
    tamper(clean, "update sluice.submission_revisions set answers = '{}' where submission_id = %s", id)
    assert faults(clean) == [("data-changed", id, 1)]


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
