-- compatible-from: 1
-- The first schema: reference data, what was stored, what was not, and the places of alerts and audit.
--
-- No foreign keys on the way of a submission (12-18 us a row measured); sluicectl reconcile checks
-- what they would. One secondary index. Applied by "sluicectl db migrate" in one transaction.

DO $roles$
DECLARE
    r text;
BEGIN
    -- Login without a password: pg_hba.conf decides who may be whom.
    FOREACH r IN ARRAY ARRAY['sluice_worker', 'sluice_query', 'sluice_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
            EXECUTE format('CREATE ROLE %I LOGIN', r);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_owner') THEN
        CREATE ROLE sluice_owner NOLOGIN;
    END IF;
    -- One login serves every worker; the service takes the role that fits it.
    GRANT sluice_query TO sluice_worker;
    IF current_user <> 'sluice_owner' AND NOT pg_has_role(current_user, 'sluice_owner', 'MEMBER') THEN
        EXECUTE format('GRANT sluice_owner TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO sluice_owner', current_database());
END
$roles$;

SET LOCAL ROLE sluice_owner;

CREATE SCHEMA IF NOT EXISTS sluice AUTHORIZATION sluice_owner;
COMMENT ON SCHEMA sluice IS 'Sluice: clinical-trial submissions, pseudonymised';

CREATE TABLE sluice.migrations (
    version int PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    compatible_from int NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sluice.migrations IS
    'One row a migration; checksum is the SHA-256 of its text; programs that know only versions below compatible_from no longer work';

-- Reference data -------------------------------------------------------------------------------

CREATE TABLE sluice.studies (
    study text PRIMARY KEY,
    trial_code text,
    title text,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('planned', 'active', 'closed')),
    zone text NOT NULL DEFAULT 'UTC',
    started_on date,
    default_questionnaire text,
    definition jsonb NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN sluice.studies.definition IS 'The study file as it was loaded';

CREATE TABLE sluice.sites (
    study text NOT NULL,
    site_id text NOT NULL,
    name text,
    zone text,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (study, site_id)
);

CREATE TABLE sluice.subjects (
    study text NOT NULL,
    subject_id text NOT NULL,
    site_id text,
    status text NOT NULL DEFAULT 'enrolled'
        CHECK (status IN ('screening', 'enrolled', 'completed', 'withdrawn')),
    status_at timestamptz,
    time_zone text,
    kind text NOT NULL DEFAULT 'real' CHECK (kind IN ('real', 'test')),
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (study, subject_id)
);

CREATE TABLE sluice.questionnaires (
    url text NOT NULL,
    version text NOT NULL,
    name text NOT NULL,
    fhir_id text,
    title text,
    status text NOT NULL,
    definition jsonb NOT NULL,
    definition_hash bytea NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (url, version),
    UNIQUE (name, version)
);
COMMENT ON COLUMN sluice.questionnaires.name IS
    'What submissions.questionnaire says; one name belongs to one url';

-- What was stored ------------------------------------------------------------------------------

CREATE TABLE sluice.submissions (
    study text COLLATE "C" NOT NULL,
    submission_id uuid NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    questionnaire text COLLATE "C" NOT NULL,
    version text NOT NULL,
    answers jsonb COMPRESSION lz4 NOT NULL,
    scores jsonb,
    authored_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    content_hash bytea NOT NULL,
    hash_key bigint NOT NULL,
    broker uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    revision int NOT NULL DEFAULT 1,
    status text NOT NULL DEFAULT 'completed',
    void boolean NOT NULL DEFAULT false,
    authored_zone text,
    started_at timestamptz,
    sent_at timestamptz,
    skew_s double precision,
    time_zone text,
    site_id text,
    visit text,
    occasion text,
    language text,
    flags text[],
    originator jsonb,
    device jsonb,
    device_edits jsonb,
    PRIMARY KEY (submission_id, study)
);
-- In both indexes the column that tells rows apart comes first: a comparison in the tree then looks
-- at one column only (a fifth of the row's instructions otherwise went into the second and third).
CREATE INDEX submissions_by_subject
    ON sluice.submissions (subject_id, study, questionnaire, authored_at);
COMMENT ON TABLE sluice.submissions IS 'One row a submission, its current revision; pseudonymised, not de-identified';
COMMENT ON COLUMN sluice.submissions.authored_at IS
    'submitAt: device time when the participant pressed submit; received_at where the client sent none (authored_zone is null then)';
COMMENT ON COLUMN sluice.submissions.authored_zone IS 'UTC offset as submitAt stated it';
COMMENT ON COLUMN sluice.submissions.content_hash IS 'Keyed BLAKE2b-256 of the canonical content; hash_key names the identity key';
COMMENT ON COLUMN sluice.submissions.seq IS '(broker, epoch, seq) is the origin: the accepted message that became this row';

CREATE TABLE sluice.rejections (
    broker uuid NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('rejected', 'conflict', 'held')),
    study text NOT NULL,
    submission_id uuid NOT NULL,
    subject_id text,
    questionnaire text,
    version text,
    reasons jsonb NOT NULL,
    sealed bytea NOT NULL,
    content_hash bytea,
    received_at timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    resolved_by uuid,
    PRIMARY KEY (broker, epoch, seq)
);
CREATE INDEX rejections_by_submission ON sluice.rejections (study, submission_id);
COMMENT ON TABLE sluice.rejections IS
    'Whatever was accepted and not stored as a submission: the sealed original with every reason, per origin';

CREATE VIEW sluice.origins AS
    SELECT broker, epoch, seq, 'stored'::text AS kind, study, submission_id FROM sluice.submissions
    UNION ALL
    SELECT broker, epoch, seq, kind, study, submission_id FROM sluice.rejections;
COMMENT ON VIEW sluice.origins IS 'What reconcile compares with the journals, by broker';

CREATE TABLE sluice.cache_stale (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    since timestamptz NOT NULL,
    marks bigint NOT NULL DEFAULT 1
);
COMMENT ON TABLE sluice.cache_stale IS
    'A row means: Redis lacks what was stored since; the worker that catches up deletes it';

-- Alerts and audit: the place; nothing writes them yet -----------------------------------------

CREATE TABLE sluice.alerts (
    alert_id uuid PRIMARY KEY,
    study text NOT NULL,
    subject_id text NOT NULL,
    submission_id uuid NOT NULL,
    revision int NOT NULL DEFAULT 1,
    rule_id text NOT NULL,
    severity text NOT NULL,
    provisional boolean NOT NULL DEFAULT false,
    late boolean NOT NULL DEFAULT false,
    status text NOT NULL DEFAULT 'open',
    raised_at timestamptz NOT NULL DEFAULT now(),
    detail jsonb
);

CREATE TABLE sluice.audit_events (
    writer uuid NOT NULL,
    number bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    role text,
    action text NOT NULL,
    study text,
    submission_id uuid,
    revision int,
    reason text,
    detail jsonb,
    chain bytea NOT NULL,
    PRIMARY KEY (writer, number)
);

-- Who may what ---------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA sluice TO sluice_worker, sluice_query, sluice_admin;
GRANT SELECT ON sluice.migrations TO sluice_worker, sluice_query, sluice_admin;

GRANT SELECT ON sluice.studies, sluice.sites, sluice.subjects, sluice.questionnaires TO sluice_worker;
GRANT SELECT, INSERT ON sluice.submissions, sluice.rejections, sluice.alerts, sluice.audit_events TO sluice_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON sluice.cache_stale TO sluice_worker, sluice_admin;

GRANT SELECT (study, submission_id, subject_id, questionnaire, version, authored_at, received_at,
              accepted_at, stored_at, broker, epoch, seq, revision, status)
    ON sluice.submissions TO sluice_query;
GRANT SELECT (broker, epoch, seq, kind, study, submission_id, questionnaire, version, reasons,
              received_at, accepted_at, recorded_at)
    ON sluice.rejections TO sluice_query;

GRANT SELECT ON ALL TABLES IN SCHEMA sluice TO sluice_admin;
GRANT INSERT, UPDATE ON sluice.studies, sluice.sites, sluice.subjects TO sluice_admin;
GRANT INSERT ON sluice.questionnaires TO sluice_admin;
