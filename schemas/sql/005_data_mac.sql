-- compatible-from: 5
-- What a revision says, as a MAC of its data that the audit trail repeats: a change behind the
-- fleet's back is found. Rows from before have none, and "audit verify" counts them. Older programs
-- would move a row to submission_revisions without its MAC, so they refuse to start here.

SET LOCAL ROLE sluice_owner;

ALTER TABLE sluice.submissions ADD COLUMN data_mac bytea;
ALTER TABLE sluice.submission_revisions ADD COLUMN data_mac bytea;
COMMENT ON COLUMN sluice.submissions.data_mac IS
    'Keyed MAC of what this revision says (doc/record.md), repeated in its audit row; null: stored before there was one';
