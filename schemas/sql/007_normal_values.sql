-- compatible-from: 7
-- Normal values beside the answers: quantities in their item's default unit, texts in their usual
-- width. Answers stay as they came. Older programs would leave a form's normal values behind when they
-- correct it, so they refuse to start here.

SET LOCAL ROLE sluice_owner;

ALTER TABLE sluice.submissions ADD COLUMN normal jsonb;
ALTER TABLE sluice.submission_revisions ADD COLUMN normal jsonb;
COMMENT ON COLUMN sluice.submissions.normal IS
    'Normal values of answers that differ from what was sent: {"GROUP_INDEX/ANSWER_INDEX/LINKID": {"value", "code"} or {"text"}}; null: none does';

-- As before, and what an analysis takes: text_normal, num_normal, unit_normal. A quantity in a unit that
-- can't be converted has none, nor has one that was stored before this.
CREATE OR REPLACE VIEW sluice.item_answers AS
    SELECT s.study, s.site_id, s.subject_id, s.submission_id, s.revision, s.questionnaire, s.version,
           s.visit, s.occasion, s.authored_at, s.authored_zone, f.link_id, i.path, i.ordinal,
           f.group_index, f.answer_index, i.text AS item_text, i.code AS item_code, i.type,
           x.text, x.num,
           CASE WHEN i.type = 'quantity' THEN NULL
                WHEN f.value -> 'code' IS NOT NULL THEN f.value ->> 'code'
                ELSE o.code END AS code,
           coalesce(f.value ->> 'display', o.display) AS display, x.unit,
           o.weight, f.value = '{"identity": true}'::jsonb AS identity,
           coalesce(n.value ->> 'text', x.text) AS text_normal,
           CASE WHEN n.value -> 'value' IS NOT NULL THEN (n.value -> 'value')::numeric
                WHEN i.type IS DISTINCT FROM 'quantity' OR x.unit IS NOT DISTINCT FROM i.unit THEN x.num
                END AS num_normal,
           CASE WHEN n.value -> 'value' IS NOT NULL THEN n.value ->> 'code'
                WHEN i.type IS DISTINCT FROM 'quantity' OR x.unit IS NOT DISTINCT FROM i.unit THEN x.unit
                END AS unit_normal
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
     CROSS JOIN LATERAL (
           SELECT CASE WHEN f.value -> 'text' IS NOT NULL THEN f.value ->> 'text'
                       WHEN o.code IS NOT NULL THEN NULL
                       WHEN jsonb_typeof(f.value) IN ('string', 'boolean') THEN f.value #>> '{}'
                       WHEN jsonb_typeof(f.value) = 'object' AND NOT f.value ?| ARRAY['code', 'value', 'identity', 'display']
                       THEN f.value::text END AS text,
                  CASE WHEN jsonb_typeof(f.value) = 'number' THEN f.value::numeric
                       WHEN jsonb_typeof(f.value -> 'value') = 'number' THEN (f.value -> 'value')::numeric
                       END AS num,
                  CASE WHEN i.type = 'quantity' THEN coalesce(f.value ->> 'code', f.value ->> 'unit', i.unit)
                       WHEN i.type IN ('integer', 'decimal') THEN i.unit END AS unit) x
     CROSS JOIN LATERAL (
           SELECT s.normal -> (f.group_index || '/' || f.answer_index || '/' || f.link_id) AS value) n
     WHERE NOT s.void AND s.status IN ('completed', 'amended') AND u.kind IS DISTINCT FROM 'test';
