-- The peers' tables: the same kind of table as Sluice's own, in a database of each peer.
-- No foreign keys and one secondary index, as in Sluice; the peers hold the reference data in memory.
-- audit_events: Sluice's columns and key without batch and previous, which are the chain's. Its trigger
-- (never changed) costs an insert nothing and is left out, as are roles and grants.
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

CREATE TABLE sluice.audit_events (
    writer uuid NOT NULL,
    number bigint NOT NULL,
    mac bytea NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text,
    organisation text,
    action text NOT NULL,
    study text,
    subject_id text,
    submission_id uuid,
    revision int,
    reason text,
    detail text,
    PRIMARY KEY (writer, number)
);
