-- compatible-from: 2
-- The clinical record: revisions, alerts with their history, the audit chain, identities under roles
-- of their own, what a definition says item by item, and the views of a data manager.
--
-- Still no foreign keys on the way of a submission. Programs of 001 don't write the audit trail, so
-- they refuse to start on a database that has this.

DO $roles$
DECLARE
    r text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_notify') THEN
        CREATE ROLE sluice_notify LOGIN;
    END IF;
    -- For people: GRANT sluice_analyst TO anna.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_analyst') THEN
        CREATE ROLE sluice_analyst NOLOGIN;
    END IF;
    -- sluice_query reads sealed identities for the masked profile; who writes them must not.
    IF pg_has_role('sluice_worker', 'sluice_query', 'MEMBER') THEN
        REVOKE sluice_query FROM sluice_worker;
    END IF;
    -- Nothing wrote these two before: their columns were a place only.
    FOREACH r IN ARRAY ARRAY['alerts', 'audit_events'] LOOP
        EXECUTE format('DROP TABLE sluice.%I', r);
    END LOOP;
END
$roles$;

SET LOCAL ROLE sluice_owner;

-- A row of these is never changed, whoever asks (TRUNCATE included); superusers leave traces.
CREATE FUNCTION sluice.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are never changed', TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

-- Submissions and their revisions ----------------------------------------------------------------

ALTER TABLE sluice.submissions
    ADD COLUMN actor text,
    ADD COLUMN role text,
    ADD COLUMN organisation text,
    ADD COLUMN reason text,
    ADD COLUMN source text,
    ADD COLUMN audit_number bigint,
    ADD COLUMN audit_mac bytea;
CREATE INDEX submissions_flagged ON sluice.submissions (study, stored_at) WHERE flags <> '{}';
COMMENT ON COLUMN sluice.submissions.revision IS '1 as first stored; older ones stand in submission_revisions';
COMMENT ON COLUMN sluice.submissions.status IS
    'completed, in-progress, stopped as sent; amended, entered-in-error (then void) by correction only';
COMMENT ON COLUMN sluice.submissions.actor IS
    'Who made this revision, with role, organisation, reason and source; null: the participant sent it';
COMMENT ON COLUMN sluice.submissions.audit_number IS
    'Number and MAC of this revision''s row in audit_events: the batch statement copies them from here';
COMMENT ON COLUMN sluice.submissions.scores IS
    '{score linkId: {"value": number or null, "band": code}}, computed here, never taken from the sender';

CREATE TABLE sluice.submission_revisions (
    LIKE sluice.submissions INCLUDING COMPRESSION,
    superseded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (submission_id, study, revision)
);
COMMENT ON TABLE sluice.submission_revisions IS 'What submissions said before; never changed, never removed';
CREATE TRIGGER submission_revisions_stay
    BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.submission_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();

ALTER TABLE sluice.rejections ADD COLUMN purged_at timestamptz;
COMMENT ON COLUMN sluice.rejections.purged_at IS
    'When the subject''s erasure emptied sealed; reasons and hash stay';

ALTER TABLE sluice.subjects ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN sluice.subjects.erased_at IS 'Identity destroyed; what is sent for it again is refused (410)';

CREATE OR REPLACE VIEW sluice.origins AS
    SELECT broker, epoch, seq, 'stored'::text AS kind, study, submission_id FROM sluice.submissions
    UNION ALL
    SELECT broker, epoch, seq, 'stored', study, submission_id FROM sluice.submission_revisions
    UNION ALL
    SELECT broker, epoch, seq, kind, study, submission_id FROM sluice.rejections;

CREATE TABLE sluice.attachments (
    hash bytea NOT NULL,
    study text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    content_type text NOT NULL,
    bytes int NOT NULL,
    content bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (hash, study, subject_id)
);
COMMENT ON TABLE sluice.attachments IS 'Inline attachments by the keyed hash that stands in answers; erased with their subject';

-- What a definition says -------------------------------------------------------------------------

CREATE TABLE sluice.valuesets (
    url text NOT NULL,
    version text NOT NULL DEFAULT '',
    definition jsonb NOT NULL,
    definition_hash bytea NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (url, version)
);

CREATE TABLE sluice.questionnaire_items (
    questionnaire text NOT NULL,
    version text NOT NULL,
    link_id text NOT NULL,
    url text NOT NULL,
    path text NOT NULL,
    ordinal int NOT NULL,
    parent text,
    text text,
    type text NOT NULL,
    repeats boolean NOT NULL DEFAULT false,
    code text,
    code_system text,
    unit text,
    identifier_kind text,
    PRIMARY KEY (questionnaire, version, link_id)
);
COMMENT ON TABLE sluice.questionnaire_items IS
    'One row an item of a loaded definition; questionnaire is its name, as in submissions';
COMMENT ON COLUMN sluice.questionnaire_items.path IS 'linkIds from the top, joined by /';
COMMENT ON COLUMN sluice.questionnaire_items.identifier_kind IS
    'Set: answers say {"identity": true} and the value stands in schema identity';

CREATE TABLE sluice.questionnaire_options (
    questionnaire text NOT NULL,
    version text NOT NULL,
    link_id text NOT NULL,
    ordinal int NOT NULL,
    system text,
    code text NOT NULL,
    display text,
    weight numeric,
    PRIMARY KEY (questionnaire, version, link_id, ordinal)
);
COMMENT ON TABLE sluice.questionnaire_options IS
    'The allowed answers of coded items; code is the value where options are integers, dates or strings';

-- The value of one extension, whatever value[x] it is, as text.
CREATE FUNCTION sluice.fhir_extension(element jsonb, wanted text) RETURNS jsonb
LANGUAGE sql IMMUTABLE AS $$
    SELECT e FROM jsonb_array_elements(element -> 'extension') e WHERE e ->> 'url' = wanted LIMIT 1
$$;

CREATE FUNCTION sluice.option_weight(element jsonb, coding jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(e ->> 'valueDecimal', e ->> 'valueInteger')::numeric
      FROM (VALUES (1, 'http://hl7.org/fhir/StructureDefinition/ordinalValue'),
                   (2, 'http://hl7.org/fhir/StructureDefinition/itemWeight')) u(n, url),
           LATERAL (SELECT coalesce(sluice.fhir_extension(element, u.url),
                                    sluice.fhir_extension(coding, u.url))) x(e)
     WHERE e IS NOT NULL ORDER BY u.n LIMIT 1
$$;

-- Runs at each load, in its transaction, so the two tables always agree with the definition.
CREATE FUNCTION sluice.questionnaire_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sluice.questionnaire_items
        (questionnaire, version, link_id, url, path, ordinal, parent, text, type, repeats, code,
         code_system, unit, identifier_kind)
    WITH RECURSIVE tree AS (
        SELECT i, NULL::text AS parent, i ->> 'linkId' AS path, ARRAY[n] AS place
          FROM jsonb_array_elements(NEW.definition -> 'item') WITH ORDINALITY t(i, n)
        UNION ALL
        SELECT c.i, tree.i ->> 'linkId', tree.path || '/' || (c.i ->> 'linkId'), tree.place || c.n
          FROM tree, LATERAL jsonb_array_elements(tree.i -> 'item') WITH ORDINALITY c(i, n)
    )
    SELECT NEW.name, NEW.version, i ->> 'linkId', NEW.url, path, row_number() OVER (ORDER BY place),
           parent, i ->> 'text', coalesce(i ->> 'type', 'group'), coalesce((i ->> 'repeats')::boolean, false),
           i #>> '{code,0,code}', i #>> '{code,0,system}',
           coalesce(sluice.fhir_extension(i, 'http://hl7.org/fhir/StructureDefinition/questionnaire-unit')
                    #>> '{valueCoding,code}',
                    sluice.fhir_extension(i, 'http://hl7.org/fhir/StructureDefinition/questionnaire-unit')
                    #>> '{valueCoding,display}'),
           coalesce(sluice.identifier_kind(i),
                    substring(i ->> 'definition'
                              FROM 'Patient#Patient[.](name|telecom|address|birthDate|identifier|photo)'))
      FROM tree WHERE i ->> 'linkId' IS NOT NULL
    ON CONFLICT DO NOTHING;

    INSERT INTO sluice.questionnaire_options
        (questionnaire, version, link_id, ordinal, system, code, display, weight)
    WITH RECURSIVE tree AS (
        SELECT i FROM jsonb_array_elements(NEW.definition -> 'item') i
        UNION ALL
        SELECT c FROM tree, LATERAL jsonb_array_elements(tree.i -> 'item') c
    ),
    value_sets AS (
        SELECT '#' || (v ->> 'id') AS url, v FROM jsonb_array_elements(NEW.definition -> 'contained') v
         WHERE v ->> 'resourceType' = 'ValueSet'
        UNION ALL
        (SELECT DISTINCT ON (s.url) s.url, s.definition FROM sluice.valuesets s
          ORDER BY s.url, s.loaded_at DESC)
    ),
    concepts AS (
        SELECT s.url, inc.i ->> 'system' AS system, inc.n AS m, con.n, con.c
          FROM value_sets s,
               LATERAL jsonb_array_elements(s.v #> '{compose,include}') WITH ORDINALITY inc(i, n),
               LATERAL jsonb_array_elements(inc.i -> 'concept') WITH ORDINALITY con(c, n)
    ),
    options AS (
        SELECT tree.i ->> 'linkId' AS link_id, 0 AS m, o.n, o.o -> 'valueCoding' ->> 'system' AS system,
               coalesce(o.o -> 'valueCoding' ->> 'code', o.o ->> 'valueInteger', o.o ->> 'valueString',
                        o.o ->> 'valueDate', o.o ->> 'valueTime', o.o -> 'valueCoding' ->> 'display') AS code,
               o.o -> 'valueCoding' ->> 'display' AS display,
               sluice.option_weight(o.o, o.o -> 'valueCoding') AS weight
          FROM tree, LATERAL jsonb_array_elements(tree.i -> 'answerOption') WITH ORDINALITY o(o, n)
        UNION ALL
        SELECT tree.i ->> 'linkId', c.m, c.n, c.system, c.c ->> 'code', c.c ->> 'display',
               sluice.option_weight(c.c, NULL)
          FROM tree JOIN concepts c ON c.url = tree.i ->> 'answerValueSet'
            OR c.url = substring(tree.i ->> 'answerValueSet' FROM '^([^|]+)')
    )
    SELECT NEW.name, NEW.version, link_id, row_number() OVER (PARTITION BY link_id ORDER BY m, n),
           system, code, display, weight
      FROM options WHERE code IS NOT NULL AND link_id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE FUNCTION sluice.identifier_kind(item jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(k ->> 'valueCode', k ->> 'valueString')
      FROM (SELECT sluice.fhir_extension(
                sluice.fhir_extension(item, 'https://sluice.example/fhir/StructureDefinition/identifier'),
                'kind')) x(k)
$$;

CREATE TRIGGER questionnaires_index AFTER INSERT ON sluice.questionnaires
    FOR EACH ROW EXECUTE FUNCTION sluice.questionnaire_index();

-- Definitions that were loaded before go through the same trigger.
WITH before AS (DELETE FROM sluice.questionnaires RETURNING *)
INSERT INTO sluice.questionnaires SELECT * FROM before;

-- Alerts -----------------------------------------------------------------------------------------

CREATE TABLE sluice.alerts (
    alert_id uuid PRIMARY KEY,
    seq bigint NOT NULL,
    study text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C",
    site_id text,
    submission_id uuid,
    revision int NOT NULL DEFAULT 1,
    questionnaire text,
    version text,
    rule_id text COLLATE "C" NOT NULL,
    link_id text,
    measure numeric,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'urgent')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed')),
    kind text NOT NULL DEFAULT 'clinical' CHECK (kind IN ('clinical', 'unevaluated', 'canary')),
    always boolean NOT NULL DEFAULT false,
    provisional boolean NOT NULL DEFAULT false,
    late boolean NOT NULL DEFAULT false,
    age_s double precision,
    count int NOT NULL DEFAULT 1,
    authored_at timestamptz,
    raised_at timestamptz NOT NULL DEFAULT now(),
    last_at timestamptz NOT NULL DEFAULT now(),
    suppress_until timestamptz,
    recipients text[],
    supersedes uuid
) WITH (fillfactor = 85);
CREATE INDEX alerts_by_seq ON sluice.alerts (study, seq);
-- One open alert a subject, rule and value: of two writers at once one loses here and counts.
CREATE UNIQUE INDEX alerts_open ON sluice.alerts (subject_id, rule_id, study, severity, measure)
    NULLS NOT DISTINCT WHERE state = 'open' AND kind = 'clinical' AND NOT always;
CREATE INDEX alerts_suppressing ON sluice.alerts (subject_id, rule_id, study)
    WHERE suppress_until IS NOT NULL;
CREATE INDEX alerts_by_submission ON sluice.alerts (submission_id);
-- IS NOT NULL: only queries that ask for a time can use it. The look for one subject's open alert, planned
-- while the table was empty, took it otherwise and read every open alert.
CREATE INDEX alerts_waiting ON sluice.alerts (raised_at) WHERE state = 'open' AND raised_at IS NOT NULL;
COMMENT ON COLUMN sluice.alerts.seq IS
    'Transaction number * 65536 + place: readers that take seq below pg_snapshot_xmin * 65536 never miss one';
COMMENT ON COLUMN sluice.alerts.alert_id IS 'UUIDv8 of a keyed hash of submission, revision and rule';
COMMENT ON COLUMN sluice.alerts.link_id IS 'The item or score that the rule judged; its value is not repeated here';
COMMENT ON COLUMN sluice.alerts.provisional IS 'Raised by a form that was not stored (rejected, held, conflict)';
COMMENT ON COLUMN sluice.alerts.count IS 'How often the rule broke while this was open (or within suppress_until)';
COMMENT ON COLUMN sluice.alerts.supersedes IS 'The alert of the same rule on an earlier revision of the submission';
COMMENT ON COLUMN sluice.alerts.age_s IS 'Seconds between authored_at and raised_at, where late';

CREATE TABLE sluice.alert_events (
    alert_id uuid NOT NULL,
    n bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    event text NOT NULL CHECK (event IN ('raised', 'counted', 'confirmed', 'delivered', 'failed',
                                         'acknowledged', 'escalated', 'closed')),
    actor text,
    role text,
    organisation text,
    recipient text,
    attempt int,
    note text,
    PRIMARY KEY (alert_id, n)
);
COMMENT ON TABLE sluice.alert_events IS 'The history of every alert; append-only. recipient is a name of the study file, never an address';
CREATE TRIGGER alert_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.alert_events
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();

-- Audit ------------------------------------------------------------------------------------------

CREATE TABLE sluice.audit_events (
    writer uuid NOT NULL,
    number bigint NOT NULL,
    batch bigint NOT NULL,
    previous bytea NOT NULL,
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
COMMENT ON TABLE sluice.audit_events IS
    'Who did what, when and why; append-only, one chain a writer: sluicectl audit verify';
COMMENT ON COLUMN sluice.audit_events.previous IS
    'Head of the writer''s chain before this batch; the head after it is HMAC-SHA-256 over previous and the MACs of the batch''s rows in order of number';
COMMENT ON COLUMN sluice.audit_events.number IS
    'Rises; a gap inside a batch is a row that was not stored (a duplicate), never a removed one';
COMMENT ON COLUMN sluice.audit_events.detail IS 'JSON text as it was signed; never answers';
CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON sluice.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION sluice.refuse_change();

-- Identity ---------------------------------------------------------------------------------------

CREATE SCHEMA identity AUTHORIZATION sluice_owner;
COMMENT ON SCHEMA identity IS 'Direct identifiers, each encrypted with its subject''s key; keys are wrapped by a key outside the database';

CREATE TABLE identity.study_keys (
    study text PRIMARY KEY,
    wrapped_key bytea NOT NULL,
    key_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE identity.study_keys IS 'Keys of the blind index and of export codes';

CREATE TABLE identity.subject_keys (
    study text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    wrapped_key bytea,
    key_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at timestamptz,
    PRIMARY KEY (study, subject_id),
    CHECK ((wrapped_key IS NULL) = (erased_at IS NOT NULL))
);

CREATE TABLE identity.identifiers (
    study text COLLATE "C" NOT NULL,
    subject_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    submission_id uuid NOT NULL,
    revision int NOT NULL DEFAULT 1,
    link_id text NOT NULL,
    place int NOT NULL DEFAULT 0,
    value_sealed bytea NOT NULL,
    blind_index bytea,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subject_id, study, submission_id, revision, link_id, place)
);
COMMENT ON TABLE identity.identifiers IS
    'Append-only; the newest updated_at of a kind is what the profile shows, the others its history';
COMMENT ON COLUMN identity.identifiers.place IS 'Which answer of the item, in document order';

CREATE TABLE identity.erasures (
    study text NOT NULL,
    subject_id text NOT NULL,
    erased_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    reason text NOT NULL,
    identifiers int NOT NULL,
    rejections int NOT NULL,
    attachments int NOT NULL,
    PRIMARY KEY (study, subject_id, erased_at)
);

-- Views: an analyst's only grant. No test subjects, nothing void, nothing unfinished ---------------

-- Recursion over groups and items under questions; type comes from the definition, because an array
-- of objects alone does not say whether it holds groups or codings. Definer: analysts don't read
-- questionnaire_items itself, and only link ids and types go into the result.
CREATE FUNCTION sluice.answers_flat(the_questionnaire text, the_version text, answers jsonb)
RETURNS TABLE (link_id text, group_index text, answer_index int, value jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET jit = off -- else each call compiles for 100 ms what runs for 50 us
AS $$
    WITH RECURSIVE tree AS (
        SELECT e.key AS link_id, ''::text AS place, e.value, i.type
          FROM jsonb_each(answers) e
          LEFT JOIN sluice.questionnaire_items i ON i.questionnaire = the_questionnaire
               AND i.version = the_version AND i.link_id = e.key
        UNION ALL
        SELECT inner_e.key, ltrim(t.place || '.' || o.n, '.'), inner_e.value, i.type
          FROM tree t,
               LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(t.value) = 'array' THEN t.value
                                                 ELSE jsonb_build_array(t.value) END)
                   WITH ORDINALITY o(v, n),
               LATERAL jsonb_each(CASE WHEN jsonb_typeof(o.v) <> 'object' THEN NULL
                                       WHEN t.type = 'group' THEN o.v
                                       WHEN jsonb_typeof(o.v -> 'items') = 'object' THEN o.v -> 'items'
                                  END) inner_e
               LEFT JOIN sluice.questionnaire_items i ON i.questionnaire = the_questionnaire
                    AND i.version = the_version AND i.link_id = inner_e.key
    )
    SELECT t.link_id, t.place, o.n::int,
           CASE WHEN jsonb_typeof(o.v) = 'object' AND o.v ? 'value' AND (o.v ? 'items' OR t.type <> 'quantity')
                THEN o.v -> 'value' ELSE o.v END
      FROM tree t,
           LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(t.value) = 'array' THEN t.value
                                             ELSE jsonb_build_array(t.value) END)
               WITH ORDINALITY o(v, n)
     WHERE t.type IS DISTINCT FROM 'group' AND o.v <> 'null'::jsonb
       AND NOT (jsonb_typeof(o.v) = 'object' AND o.v ? 'items' AND coalesce(o.v -> 'value', 'null') = 'null')
$$;
COMMENT ON FUNCTION sluice.answers_flat IS
    'One row an answer; group_index says which occurrence of each repeating group (1 or 2.1), answer_index which answer';

-- Every revision of every submission, the current one included. Not an analyst's.
CREATE VIEW sluice.submission_versions AS
    SELECT study, submission_id, revision, true AS current, subject_id, site_id, questionnaire, version,
           status, void, answers, scores, visit, occasion, authored_at, authored_zone, received_at,
           stored_at, flags, originator, device_edits, actor, role, organisation, reason, source
      FROM sluice.submissions
    UNION ALL
    SELECT study, submission_id, revision, false, subject_id, site_id, questionnaire, version,
           status, void, answers, scores, visit, occasion, authored_at, authored_zone, received_at,
           stored_at, flags, originator, device_edits, actor, role, organisation, reason, source
      FROM sluice.submission_revisions;

-- Field by field what each revision changed, of all submissions. Not an analyst's: the export's.
CREATE VIEW sluice.field_changes AS
    SELECT v.study, v.site_id, v.subject_id, v.submission_id, v.revision, v.questionnaire, v.version,
           v.status, v.void, v.visit, v.occasion, c.link_id, c.group_index, c.answer_index, c.old_value,
           c.new_value, v.stored_at AS changed_at, v.authored_at,
           coalesce(v.actor, v.originator ->> 'type', 'participant') AS actor,
           coalesce(v.role, v.originator ->> 'type', 'participant') AS role, v.organisation,
           coalesce(v.reason, v.originator ->> 'reason') AS reason, v.source
      FROM sluice.submission_versions v
      LEFT JOIN sluice.submission_revisions p
             ON p.study = v.study AND p.submission_id = v.submission_id AND p.revision = v.revision - 1
     CROSS JOIN LATERAL (
           SELECT link_id, group_index, answer_index, o.value AS old_value, n.value AS new_value
             FROM sluice.answers_flat(v.questionnaire, v.version, v.answers) n
             FULL JOIN sluice.answers_flat(p.questionnaire, p.version, p.answers) o
                 USING (link_id, group_index, answer_index)
            WHERE o.value IS DISTINCT FROM n.value) c;

-- Who revised what and why, without a value: what the service "queries" may see.
CREATE VIEW sluice.submission_history AS
    SELECT v.study, v.submission_id, v.revision, v.current, v.status, v.void, v.authored_at,
           v.received_at, v.stored_at,
           coalesce(v.actor, v.originator ->> 'type', 'participant') AS actor,
           coalesce(v.role, v.originator ->> 'type', 'participant') AS role, v.organisation,
           coalesce(v.reason, v.originator ->> 'reason') AS reason, v.source,
           CASE WHEN v.revision > 1 THEN ARRAY(
               SELECT DISTINCT c.link_id FROM sluice.field_changes c
                WHERE c.study = v.study AND c.submission_id = v.submission_id
                  AND c.revision = v.revision ORDER BY c.link_id LIMIT 100) END AS changed
      FROM sluice.submission_versions v;
COMMENT ON VIEW sluice.submission_history IS
    'One row a revision; changed: link ids whose values differ from the revision before (100 at most)';

CREATE VIEW sluice.item_answers AS
    SELECT s.study, s.site_id, s.subject_id, s.submission_id, s.revision, s.questionnaire, s.version,
           s.visit, s.occasion, s.authored_at, s.authored_zone, f.link_id, i.path, i.ordinal,
           f.group_index, f.answer_index, i.text AS item_text, i.code AS item_code, i.type,
           CASE WHEN f.value -> 'text' IS NOT NULL THEN f.value ->> 'text'
                WHEN o.code IS NOT NULL THEN NULL
                WHEN jsonb_typeof(f.value) IN ('string', 'boolean') THEN f.value #>> '{}'
                WHEN jsonb_typeof(f.value) = 'object' AND NOT f.value ?| ARRAY['code', 'value', 'identity', 'display']
                THEN f.value::text END AS text,
           CASE WHEN jsonb_typeof(f.value) = 'number' THEN f.value::numeric
                WHEN jsonb_typeof(f.value -> 'value') = 'number' THEN (f.value -> 'value')::numeric
                END AS num,
           CASE WHEN i.type = 'quantity' THEN NULL
                WHEN f.value -> 'code' IS NOT NULL THEN f.value ->> 'code'
                ELSE o.code END AS code,
           coalesce(f.value ->> 'display', o.display) AS display,
           CASE WHEN i.type = 'quantity' THEN coalesce(f.value ->> 'code', f.value ->> 'unit', i.unit)
                WHEN i.type IN ('integer', 'decimal') THEN i.unit END AS unit,
           o.weight, f.value = '{"identity": true}'::jsonb AS identity
      FROM sluice.submissions s
      LEFT JOIN sluice.subjects u ON u.study = s.study AND u.subject_id = s.subject_id
     CROSS JOIN LATERAL sluice.answers_flat(s.questionnaire, s.version, s.answers) f
      LEFT JOIN sluice.questionnaire_items i ON i.questionnaire = s.questionnaire
            AND i.version = s.version AND i.link_id = f.link_id
      LEFT JOIN LATERAL (
           SELECT q.code, q.display, q.weight FROM sluice.questionnaire_options q
            WHERE q.questionnaire = s.questionnaire AND q.version = s.version AND q.link_id = f.link_id
              AND CASE WHEN jsonb_typeof(f.value) IN ('string', 'number') THEN q.code = f.value #>> '{}'
                       WHEN f.value -> 'code' IS NOT NULL THEN q.code = f.value ->> 'code'
                            AND (q.system IS NULL OR f.value ->> 'system' IS NULL OR q.system = f.value ->> 'system')
                       WHEN f.value -> 'display' IS NOT NULL THEN q.display = f.value ->> 'display' END
            ORDER BY q.ordinal LIMIT 1) o ON true
     WHERE NOT s.void AND s.status IN ('completed', 'amended') AND u.kind IS DISTINCT FROM 'test';
COMMENT ON VIEW sluice.item_answers IS 'One row an answer of every current, complete form; identity: the value stands in schema identity';

CREATE VIEW sluice.item_changes AS
    SELECT c.* FROM sluice.field_changes c
      LEFT JOIN sluice.subjects u ON u.study = c.study AND u.subject_id = c.subject_id
     WHERE u.kind IS DISTINCT FROM 'test'
       AND EXISTS (SELECT FROM sluice.submissions s WHERE s.study = c.study
                    AND s.submission_id = c.submission_id AND NOT s.void
                    AND s.status IN ('completed', 'amended'));
COMMENT ON VIEW sluice.item_changes IS 'Old and new value of every field, who, when and why, the first entry included';

CREATE VIEW sluice.scores_long AS
    SELECT s.study, s.site_id, s.subject_id, s.submission_id, s.revision, s.questionnaire, s.version,
           s.visit, s.occasion, s.authored_at, s.authored_zone, e.key AS score, i.text AS score_text,
           CASE WHEN jsonb_typeof(e.value -> 'value') = 'number' THEN (e.value -> 'value')::numeric END AS value,
           CASE WHEN jsonb_typeof(e.value -> 'value') = 'string' THEN e.value ->> 'value' END AS profile,
           e.value ->> 'band' AS band
      FROM sluice.submissions s
      LEFT JOIN sluice.subjects u ON u.study = s.study AND u.subject_id = s.subject_id
     CROSS JOIN LATERAL jsonb_each(s.scores) e
      LEFT JOIN sluice.questionnaire_items i ON i.questionnaire = s.questionnaire
            AND i.version = s.version AND i.link_id = e.key
     WHERE NOT s.void AND s.status IN ('completed', 'amended') AND u.kind IS DISTINCT FROM 'test';
COMMENT ON VIEW sluice.scores_long IS 'One row a score; value is null where an answer that it needs is missing';

CREATE VIEW sluice.deviations AS
    SELECT s.study, s.site_id, s.subject_id, s.submission_id, s.questionnaire, s.version, s.visit,
           s.occasion, s.authored_at, s.authored_zone, s.received_at, s.skew_s, 'flag'::text AS kind,
           f.flag AS deviation
      FROM sluice.submissions s
      LEFT JOIN sluice.subjects u ON u.study = s.study AND u.subject_id = s.subject_id
     CROSS JOIN LATERAL unnest(s.flags) f(flag)
     WHERE s.flags <> '{}' AND NOT s.void AND s.status IN ('completed', 'amended', 'stopped')
       AND u.kind IS DISTINCT FROM 'test'
    UNION ALL
    SELECT s.study, s.site_id, s.subject_id, s.submission_id, s.questionnaire, s.version, s.visit,
           s.occasion, s.authored_at, s.authored_zone, s.received_at, s.skew_s, 'status', s.status
      FROM sluice.submissions s
      LEFT JOIN sluice.subjects u ON u.study = s.study AND u.subject_id = s.subject_id
     WHERE s.status = 'stopped' AND NOT s.void AND u.kind IS DISTINCT FROM 'test'
    UNION ALL
    SELECT r.study, u.site_id, r.subject_id, r.submission_id, r.questionnaire, r.version, NULL, NULL,
           NULL, NULL, r.received_at, NULL, r.kind, e.reason ->> 'rule'
      FROM sluice.rejections r
      LEFT JOIN sluice.subjects u ON u.study = r.study AND u.subject_id = r.subject_id
     CROSS JOIN LATERAL (SELECT DISTINCT ON (x ->> 'rule') x
                           FROM jsonb_array_elements(CASE WHEN jsonb_typeof(r.reasons) = 'array'
                                                          THEN r.reasons ELSE '[]' END) x) e(reason)
     WHERE r.resolved_by IS NULL AND u.kind IS DISTINCT FROM 'test';
COMMENT ON VIEW sluice.deviations IS
    'Flags (late, clock-skew, ...) of stored forms, forms that were stopped, and what was accepted but not stored, one row a rule';

-- Who may what -----------------------------------------------------------------------------------

REVOKE ALL ON FUNCTION sluice.answers_flat FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sluice.answers_flat TO sluice_analyst, sluice_admin, sluice_query, sluice_worker;

GRANT USAGE ON SCHEMA sluice TO sluice_notify, sluice_analyst;
GRANT SELECT ON sluice.migrations TO sluice_notify;
GRANT SELECT ON sluice.item_answers, sluice.item_changes, sluice.scores_long, sluice.deviations TO sluice_analyst;

-- The worker writes the record; audit it can only add to, identities it can't read back.
REVOKE SELECT ON sluice.submissions FROM sluice_worker;
GRANT SELECT, UPDATE ON sluice.submissions TO sluice_worker;
GRANT SELECT, INSERT ON sluice.submission_revisions TO sluice_worker;
GRANT UPDATE (resolved_by) ON sluice.rejections TO sluice_worker;
GRANT SELECT, INSERT ON sluice.attachments TO sluice_worker;
GRANT SELECT ON sluice.valuesets, sluice.questionnaire_items, sluice.questionnaire_options, sluice.migrations
    TO sluice_worker;
GRANT SELECT, INSERT ON sluice.alerts TO sluice_worker;
GRANT UPDATE (count, last_at, provisional) ON sluice.alerts TO sluice_worker;
GRANT INSERT ON sluice.alert_events, sluice.audit_events TO sluice_worker;
GRANT USAGE ON SCHEMA identity TO sluice_worker, sluice_query, sluice_admin;
GRANT SELECT, INSERT ON identity.study_keys TO sluice_worker;
GRANT SELECT, INSERT ON identity.subject_keys TO sluice_worker;
GRANT INSERT ON identity.identifiers TO sluice_worker;

-- Reads; answers, scores and the sealed originals of rejections stay closed to it.
GRANT SELECT (void) ON sluice.submissions TO sluice_query;
GRANT SELECT ON sluice.submission_history, sluice.studies, sluice.sites,
    sluice.subjects, sluice.questionnaires, sluice.questionnaire_items, sluice.questionnaire_options,
    sluice.valuesets, sluice.alerts, sluice.alert_events TO sluice_query;
GRANT SELECT (subject_id, content_hash, resolved_by, purged_at) ON sluice.rejections TO sluice_query;
GRANT SELECT ON identity.study_keys, identity.subject_keys, identity.identifiers TO sluice_query;

-- Delivers alerts: sees no answer, changes nothing but their state.
GRANT SELECT (alert_id, seq, study, subject_id, site_id, submission_id, revision, questionnaire, version,
              rule_id, severity, state, kind, always, provisional, late, age_s, count, authored_at,
              raised_at, last_at, suppress_until, recipients, supersedes)
    ON sluice.alerts TO sluice_notify;
GRANT SELECT ON sluice.alert_events, sluice.studies, sluice.sites TO sluice_notify;
GRANT SELECT (study, subject_id, site_id, kind) ON sluice.subjects TO sluice_notify;
GRANT INSERT ON sluice.alerts, sluice.alert_events, sluice.audit_events TO sluice_notify;
GRANT UPDATE (state, last_at, count) ON sluice.alerts TO sluice_notify;

GRANT SELECT ON ALL TABLES IN SCHEMA sluice TO sluice_admin;
GRANT INSERT ON sluice.valuesets, sluice.questionnaire_items, sluice.questionnaire_options,
    sluice.audit_events, sluice.alerts, sluice.alert_events TO sluice_admin;
GRANT UPDATE (state, last_at, count) ON sluice.alerts TO sluice_admin;
GRANT UPDATE (resolved_by, sealed, purged_at) ON sluice.rejections TO sluice_admin;
GRANT DELETE ON sluice.attachments TO sluice_admin;
GRANT SELECT ON identity.study_keys, identity.erasures TO sluice_admin;
GRANT INSERT ON identity.study_keys, identity.subject_keys, identity.erasures TO sluice_admin;
GRANT SELECT (study, subject_id, key_id, created_at, erased_at), UPDATE (wrapped_key, key_id, erased_at)
    ON identity.subject_keys TO sluice_admin;
GRANT SELECT (study, subject_id, kind, submission_id, revision, link_id, updated_at), DELETE
    ON identity.identifiers TO sluice_admin;
