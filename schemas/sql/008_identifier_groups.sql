-- compatible-from: 2
-- item.definition on a group marks all questions below it that are not marked themselves, here as in the
-- workers' compiler: the table of items says which answers stand in schema identity.

SET LOCAL ROLE sluice_owner;

-- Every item of a definition, in its order, and what of a person its answer is.
CREATE FUNCTION sluice.questionnaire_tree(definition jsonb)
RETURNS TABLE (item jsonb, link_id text, path text, ordinal bigint, parent text, identifier_kind text)
LANGUAGE sql IMMUTABLE AS $$
    WITH RECURSIVE tree AS (
        SELECT i, NULL::text AS parent, i ->> 'linkId' AS path, ARRAY[n] AS place, NULL::text AS above
          FROM jsonb_array_elements(definition -> 'item') WITH ORDINALITY t(i, n)
        UNION ALL
        SELECT c.i, tree.i ->> 'linkId', tree.path || '/' || (c.i ->> 'linkId'), tree.place || c.n,
               CASE WHEN coalesce(tree.i ->> 'type', 'group') = 'group'
                    THEN coalesce(sluice.identifier_kind(tree.i), tree.above) ELSE tree.above END
          FROM tree, LATERAL jsonb_array_elements(tree.i -> 'item') WITH ORDINALITY c(i, n)
    )
    SELECT i, i ->> 'linkId', path, row_number() OVER (ORDER BY place), parent,
           CASE WHEN coalesce(i ->> 'type', 'group') NOT IN ('group', 'display')
                THEN coalesce(sluice.identifier_kind(i), above) END
      FROM tree WHERE i ->> 'linkId' IS NOT NULL
$$;

-- Our extension, else the element of Patient that item.definition names.
CREATE OR REPLACE FUNCTION sluice.identifier_kind(item jsonb) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(k ->> 'valueCode', k ->> 'valueString',
                    substring(item ->> 'definition'
                              FROM 'Patient#Patient[.](name|telecom|address|birthDate|identifier|photo)([.:]|\[|$)'))
      FROM (SELECT sluice.fhir_extension(
                sluice.fhir_extension(item, 'https://sluice.example/fhir/StructureDefinition/identifier'),
                'kind')) x(k)
$$;

CREATE OR REPLACE FUNCTION sluice.questionnaire_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sluice.questionnaire_items
        (questionnaire, version, link_id, url, path, ordinal, parent, text, type, repeats, code,
         code_system, unit, identifier_kind)
    SELECT NEW.name, NEW.version, t.link_id, NEW.url, t.path, t.ordinal, t.parent, i ->> 'text',
           coalesce(i ->> 'type', 'group'), coalesce((i ->> 'repeats')::boolean, false),
           i #>> '{code,0,code}', i #>> '{code,0,system}',
           coalesce(sluice.fhir_extension(i, 'http://hl7.org/fhir/StructureDefinition/questionnaire-unit')
                    #>> '{valueCoding,code}',
                    sluice.fhir_extension(i, 'http://hl7.org/fhir/StructureDefinition/questionnaire-unit')
                    #>> '{valueCoding,display}'),
           t.identifier_kind
      FROM sluice.questionnaire_tree(NEW.definition) t(i, link_id, path, ordinal, parent, identifier_kind)
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

UPDATE sluice.questionnaire_items x SET identifier_kind = t.identifier_kind
  FROM sluice.questionnaires q, LATERAL sluice.questionnaire_tree(q.definition) t
 WHERE q.name = x.questionnaire AND q.version = x.version AND q.url = x.url AND t.link_id = x.link_id
   AND x.identifier_kind IS DISTINCT FROM t.identifier_kind;
