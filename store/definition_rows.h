/* What a compiled definition says item by item, as the columns of questionnaire_items and
 * questionnaire_options: binary arrays, parameters of one statement. Inner header of store/catalog.
 */
#ifndef SLUICE_STORE_DEFINITION_ROWS_H
#define SLUICE_STORE_DEFINITION_ROWS_H

#include "questionnaire/questionnaire.h"
#include "store/array.h"
#include "store/connection.h"

#define DEFINITION_ROWS_PARAMS 16

struct definition_rows {
    struct array columns[DEFINITION_ROWS_PARAMS];
};

/* Takes nothing of q but copies. Free it even if it is not used. */
void definition_rows_fill(struct definition_rows *rows, const struct questionnaire *q);
void definition_rows_deinit(struct definition_rows *rows);
/* CTEs "items" and "options" for a statement whose $1 is the url, $2 the version, $3 the name, and
 * whose parameters from $10 on are these. */
#define DEFINITION_ROWS_SQL                                                                        \
    "items AS (INSERT INTO sluice.questionnaire_items (questionnaire, version, link_id, url, "     \
    "path,"                                                                                        \
    " ordinal, parent, text, type, repeats, code, code_system, unit, identifier_kind)"             \
    " SELECT $3::text, $2::text, u.link_id, $1::text, u.path, u.n, u.parent, u.text, u.type,"      \
    " u.repeats::boolean, u.code, u.code_system, u.unit, u.identifier"                             \
    " FROM unnest($10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],"   \
    " $16::text[], $17::text[], $18::text[], $19::text[]) WITH ORDINALITY AS u(link_id, path,"     \
    " parent, text, type, repeats, code, code_system, unit, identifier, n)),"                      \
    " options AS (INSERT INTO sluice.questionnaire_options (questionnaire, version, link_id,"      \
    " ordinal, system, code, display, weight) SELECT $3::text, $2::text, u.link_id,"               \
    " u.ordinal::int4, u.system, u.code, u.display, u.weight::numeric FROM unnest($20::text[],"    \
    " $21::text[], $22::text[], $23::text[], $24::text[], $25::text[]) AS u(link_id, ordinal,"     \
    " system, code, display, weight))"
void definition_rows_params(const struct definition_rows *rows, struct store_params *p);

#endif
