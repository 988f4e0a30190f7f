-- compatible-from: 2
-- Every version of a study file, who loaded it and when; definitions taken in part; and a short way
-- to what waits in rejections.

SET LOCAL ROLE sluice_owner;

ALTER TABLE sluice.studies ADD COLUMN version int NOT NULL DEFAULT 1;
COMMENT ON COLUMN sluice.studies.version IS 'Of the study file that holds; older ones stand in study_versions';

CREATE TABLE sluice.study_versions (
    study text NOT NULL,
    version int NOT NULL,
    definition jsonb NOT NULL,
    definition_hash bytea NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    loaded_by text NOT NULL,
    reason text,
    PRIMARY KEY (study, version)
);
COMMENT ON TABLE sluice.study_versions IS
    'Every study file as it was loaded; never changed, never removed';
INSERT INTO sluice.study_versions (study, version, definition, definition_hash, loaded_at, loaded_by)
    SELECT study, 1, definition, '', loaded_at, '-' FROM sluice.studies;
CREATE TRIGGER study_versions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.study_versions
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();

ALTER TABLE sluice.questionnaires ADD COLUMN unchecked boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN sluice.questionnaires.unchecked IS
    'Loaded with --unchecked: what can''t be evaluated is flagged unverified and never rejects';

CREATE INDEX rejections_waiting ON sluice.rejections (recorded_at)
    WHERE resolved_by IS NULL AND kind <> 'conflict' AND recorded_at IS NOT NULL; -- as alerts_waiting

GRANT SELECT, INSERT ON sluice.study_versions TO sluice_admin;
