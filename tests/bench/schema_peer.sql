-- The peers' tables: the same kind of table as Sluice's own, in a database of each peer.
-- No foreign keys and one secondary index, as in Sluice; the peers hold the reference data in memory.
CREATE SCHEMA sluice;

CREATE TABLE sluice.studies (
    study text PRIMARY KEY,
    token_hash bytea NOT NULL
);

CREATE TABLE sluice.subjects (
    study text NOT NULL,
    subject_id text NOT NULL,
    PRIMARY KEY (study, subject_id)
);

CREATE TABLE sluice.questionnaires (
    study text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    definition jsonb NOT NULL,
    PRIMARY KEY (study, name, version)
);

CREATE TABLE sluice.submissions (
    study text NOT NULL,
    submission_id uuid NOT NULL,
    subject_id text NOT NULL,
    questionnaire text NOT NULL,
    version text NOT NULL,
    answers jsonb COMPRESSION lz4 NOT NULL,
    authored_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    content_hash bytea NOT NULL,
    PRIMARY KEY (study, submission_id)
);

CREATE INDEX submissions_by_subject
    ON sluice.submissions (study, subject_id, questionnaire, authored_at);
