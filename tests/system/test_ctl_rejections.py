"""sluicectl rejections: what was not stored, why, and how it gets another chance."""
import json
import uuid

import pytest
from fleet import DIARY, STUDY, Fleet
from stores import until

SECRET = "my phone is 555-0142"


@pytest.fixture(scope="module")
def fleet(stores):
    # Here people do it: no worker sends what was held.
    with Fleet(stores, workers=1, queries=0, settings={"worker": {"client_endpoints": ""}}) as f:
        yield f


def held(fleet, subject, answers=DIARY):
    answer = fleet.post(answers, subject=subject)
    assert answer.status == 202, answer.body
    until("it to be held", 10, lambda: fleet.query(
        "select 1 from sluice.rejections where submission_id = %s and kind = 'held'", (answer.json["id"],)))
    return answer.json["id"]


def rejected(fleet, **how):
    answer = fleet.post({**DIARY, "pain": SECRET}, **how)
    assert answer.status == 422, answer.body
    return answer.json["id"]


def load_subject(fleet, code, tmp_path):
    path = tmp_path / "more.json"
    path.write_text(json.dumps({"study": STUDY, "subjects": [code]}))
    fleet.ctl("subject", "load", str(path), "--yes")


def test_list_filters(fleet):
    wrong, unknown = rejected(fleet), held(fleet, "L001")
    rows = {r["id"]: r for r in fleet.ctl_json("rejections", "list")}
    assert rows[wrong]["kind"] == "rejected" and rows[wrong]["rules"] == ["type"]
    assert rows[unknown]["kind"] == "held" and rows[unknown]["rules"] == ["unknown-subject"]
    assert rows[wrong]["study"] == STUDY and rows[wrong]["kept"] and not rows[wrong]["resolved"]

    def ids(*filters):
        return {r["id"] for r in fleet.ctl_json("rejections", "list", *filters)}

    assert wrong in ids("--kind", "rejected") and unknown not in ids("--kind", "rejected")
    assert unknown in ids("--rule", "unknown-subject") and wrong not in ids("--rule", "unknown-subject")
    assert ids("--study", "NOSTUDY") == set()
    assert {wrong, unknown} <= ids("--since", "1h", "--study", STUDY)
    assert {wrong, unknown} <= ids("--since", "2020-01-01T00:00:00Z")
    assert ids("--since", "2999-01-01T00:00:00Z") == set()
    assert len(ids("--limit", "1")) == 1
    assert fleet.ctl("rejections", "list", "--kind", "nonsense", check=False).returncode == 64
    assert fleet.ctl("rejections", "list", "--since", "yesterday", check=False).returncode == 64
    text = fleet.ctl("rejections", "list").stdout
    assert text.startswith("when") and "unknown-subject" in text and SECRET not in text
    assert fleet.ctl("rejections", "list", "--study", "NOSTUDY").stdout == "no rejections\n"


def test_show_has_reasons_and_never_the_body(fleet):
    id = rejected(fleet)
    (row,) = fleet.ctl_json("rejections", "show", id)
    assert [(r["rule"], r["pointer"]) for r in row["reasons"]] == [("type", "/answers/pain")]
    assert row["accepted_us"] >= row["received_us"]
    assert fleet.ctl_json("rejections", "show", row["origin"]) == [row]
    assert fleet.ctl_json("rejections", "show", row["origin"].split("-", 5)[5]) == [row]  # EPOCH-SEQ
    for text in (json.dumps(row), fleet.ctl("rejections", "show", id).stdout):
        assert "/answers/pain" in text and SECRET not in text and "sealed" not in text
    missing = fleet.ctl("rejections", "show", str(uuid.uuid4()), check=False)
    assert missing.returncode == 1 and "no rejection" in missing.stderr
    assert fleet.ctl("rejections", "show", "nonsense", check=False).returncode == 64
    assert fleet.ctl("rejections", "show", id, "--study", "NOSTUDY", check=False).returncode == 1


def test_revalidate_held_after_load(fleet, tmp_path):
    id, other = held(fleet, "R001"), held(fleet, "R002")
    load_subject(fleet, "R001", tmp_path)
    would = fleet.ctl("rejections", "revalidate", "--dry-run").stdout
    assert would.startswith("would send again")
    assert fleet.ctl("rejections", "revalidate", check=False).returncode == 64
    assert fleet.count() == 0 or not fleet.query("select 1 from sluice.submissions where submission_id = %s", (id,))
    (sums,) = fleet.ctl_json("rejections", "revalidate", "--rule", "unknown-subject", "--yes")
    assert sums["stored"] == 1 and sums["held"] == sums["sent"] - 1 and sums["waiting"] == 0
    (row,) = fleet.query("select subject_id, answers from sluice.submissions where submission_id = %s", (id,))
    assert row[0] == "R001" and row[1]["pain"] == DIARY["pain"]
    (row,) = fleet.ctl_json("rejections", "show", id)
    assert row["resolved"]
    assert fleet.query("select resolved_by from sluice.rejections where submission_id = %s", (id,))[0][0] == uuid.UUID(id)
    # the other one has been looked at twice and is still held; only its newest row is sent again
    assert [r["kind"] for r in fleet.ctl_json("rejections", "show", other)] == ["held", "held"]
    (sums,) = fleet.ctl_json("rejections", "revalidate", other, "--yes")
    assert sums["sent"] == 1 and sums["held"] == 1
    # what is stored is not sent again
    (sums,) = fleet.ctl_json("rejections", "revalidate", id, "--yes")
    assert sums["sent"] == 0
    fleet.reconcile()
    fleet.audit_verify()


def test_revalidate_named_and_rejected(fleet):
    id = rejected(fleet)
    (row,) = fleet.ctl_json("rejections", "show", id)
    (sums,) = fleet.ctl_json("rejections", "revalidate", row["origin"], "--yes")
    assert sums["sent"] == sums["rejected"] == 1
    assert fleet.ctl("rejections", "revalidate", "nonsense", "--yes", check=False).returncode == 64
    assert fleet.ctl("rejections", "revalidate", "--kind", "conflict", "--yes", check=False).returncode == 64
    # the sender mends it himself: the id is stored, and the rejection resolved without anybody's help
    assert fleet.post(DIARY, key=id).status == 201
    assert all(r["resolved"] for r in fleet.ctl_json("rejections", "show", id))
    (sums,) = fleet.ctl_json("rejections", "revalidate", id, "--yes")
    assert sums["sent"] == 0
    # a purged original can't be sent
    gone = rejected(fleet)
    fleet.query("update sluice.rejections set sealed = '' where submission_id = %s", (gone,))
    (row,) = fleet.ctl_json("rejections", "show", gone)
    assert row["kept"] is False
    (sums,) = fleet.ctl_json("rejections", "revalidate", gone, "--yes")
    assert sums["sent"] == 0
    fleet.reconcile()
    fleet.audit_verify()


def test_revalidate_more_than_a_page(fleet, tmp_path):
    """Past REJECTIONS_PAGE rows: nobody is left out and nobody is sent twice."""
    id = held(fleet, "P001")
    n = 600
    fleet.query("insert into sluice.rejections (broker, epoch, seq, kind, study, submission_id, subject_id, reasons,"
                " sealed, received_at, accepted_at, recorded_at) select broker, 99, i, 'held', 'OTHER',"
                " gen_random_uuid(), subject_id, reasons, sealed, received_at, accepted_at, recorded_at"
                " from sluice.rejections, generate_series(1, %s) i where submission_id = %s", (n, id))
    try:
        (sums,) = fleet.ctl_json("rejections", "revalidate", "--study", "OTHER", "--yes")
        # sealed for another id: they do not open, and are dead letters
        assert sums["sent"] == sums["dead"] == n and sums["waiting"] == 0
    finally:
        fleet.query("delete from sluice.rejections where epoch = 99")
    dead = fleet.ctl_json("dead", "list", "--limit", str(2 * n))
    assert len(dead) == n
    origins = [f"{d['epoch']}-{d['seq']}" for d in dead]
    for i in range(0, n, 100):
        fleet.ctl("dead", "discard", *origins[i:i + 100], "--yes")
    fleet.reconcile()


def test_revalidate_says_when_nobody_is_there(fleet, tmp_path):
    id = held(fleet, "D001")
    nobody = fleet.ctl("rejections", "revalidate", id, "--yes", "--timeout", "300ms", "--set",
                       f"client_endpoints=ipc://{tmp_path}/none", check=False)
    assert nobody.returncode == 69 and "client_endpoints" in nobody.stderr
    # accepted, but not decided in time: said so, and it is decided later
    fleet.ctl("pause", "submissions", "--yes")
    try:
        late = fleet.ctl("rejections", "revalidate", id, "--yes", "--timeout", "500ms", "--json", check=False)
        assert late.returncode == 75 and json.loads(late.stdout)["waiting"] == 1
    finally:
        fleet.ctl("resume", "submissions", "--yes")
    fleet.reconcile()
    assert [r["kind"] for r in fleet.ctl_json("rejections", "show", id)] == ["held", "held"]
