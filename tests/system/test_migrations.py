"""A database of the first release, with rows, comes up to today's schema and keeps them."""
import json
import os
import uuid

import psycopg
import pytest
from fleet import EXAMPLES, QUESTIONNAIRES, ROOT, STUDY
from record_rig import Record

SQL = os.path.join(ROOT, "schemas", "sql")


@pytest.fixture()
def old(stores):
    """A database as migration 001 left it, with one of everything."""
    name = "m" + uuid.uuid4().hex[:12]
    stores.postgres.create_database(name)
    with open(os.path.join(SQL, "001_foundation.sql"), "rb") as f:
        script = f.read()
    import hashlib

    with open(os.path.join(QUESTIONNAIRES, "daily-diary.json")) as f:
        form = json.load(f)
    with psycopg.connect(stores.postgres.dsn(name)) as c:
        c.execute(script)
        c.execute("insert into sluice.migrations (version, name, checksum, compatible_from) values"
                  " (1, '001_foundation', %s, 1)", [hashlib.sha256(script).hexdigest()])
        c.execute("insert into sluice.studies (study, definition) values (%s, '{}')", [STUDY])
        c.execute("insert into sluice.subjects (study, subject_id) values (%s, 'OLD1')", [STUDY])
        c.execute("insert into sluice.questionnaires (url, version, name, status, definition, definition_hash) values"
                  " (%s, '1.0', 'daily-diary', 'active', %s, 'x')", [form["url"], json.dumps(form)])
        c.execute("insert into sluice.submissions (study, submission_id, subject_id, questionnaire, version, answers,"
                  " authored_at, received_at, accepted_at, stored_at, content_hash, hash_key, broker, epoch, seq) values"
                  " (%s, %s, 'OLD1', 'daily-diary', '1.0', '{\"pain\": 3, \"nausea\": \"mild\"}', now(), now(), now(),"
                  " now() - interval '1 day', 'h', 1, %s, 1, 1)", [STUDY, uuid.uuid4(), uuid.uuid4()])
        c.execute("insert into sluice.rejections (broker, epoch, seq, kind, study, submission_id, subject_id, reasons,"
                  " sealed, received_at, accepted_at) values (%s, 1, 2, 'rejected', %s, %s, 'OLD1', '[]', 's', now(), now())",
                  [uuid.uuid4(), STUDY, uuid.uuid4()])
    return name


def test_rows_of_the_first_release_are_kept(stores, old):
    with Record(stores) as rig:  # its configuration, aimed at the old database
        with open(rig.config) as f:
            config = f.read().replace(f"dbname={rig.database}", f"dbname={old}")
        with open(rig.config, "w") as f:
            f.write(config)
        before = stores.postgres.query(old, "select submission_id, answers, stored_at from sluice.submissions")
        applied = rig.ctl("db", "migrate", "--yes").stdout
        assert "002_clinical" in applied
        assert stores.postgres.query(old, "select submission_id, answers, stored_at from sluice.submissions") == before
        assert stores.postgres.query(old, "select link_id, num::int, code from sluice.item_answers order by 1") == [
            ("nausea", None, "mild"), ("pain", 3, None)]
        assert stores.postgres.query(old, "select count(*) > 5 from sluice.questionnaire_items") == [(True,)]
        assert stores.postgres.query(old, "select kind from sluice.origins order by seq") == [("stored",), ("rejected",)]
        # rows from before the trail began are not missing in it
        assert rig.ctl_json("audit", "verify")[-1]["faults"] == 0
        assert rig.ctl("db", "migrate", "--yes").returncode == 0
        rig.ctl("db", "check")
