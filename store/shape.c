/* One statement a question; the database makes the JSON. */
#include "store/shape.h"

#define AGE_S "greatest(extract(epoch FROM now() - r.accepted_at), 0)"
#define COUNT_BY(name)                                                                             \
    "SELECT jsonb_build_object('name', name, 'state', kind, 'age', age, 'n', count(*),"            \
    " 'oldest_us', (max(s) * 1000000)::int8)::text FROM (SELECT " name " AS name, r.kind, " AGE_S  \
    " AS s, CASE WHEN " AGE_S " < 1 THEN 0 ELSE least(floor(log(2, " AGE_S                         \
    ")) + 1, $1::int4)::int"                                                                       \
    " END AS age FROM sluice.rejections r WHERE r.resolved_by IS NULL) x"                          \
    " GROUP BY name, kind, age ORDER BY count(*) DESC LIMIT $2::int4"

static const struct store_statement by_form_sql = {
    "shape_form", COUNT_BY("coalesce(r.questionnaire || coalesce('|' || r.version, ''), '-')")};
static const struct store_statement by_error_sql = {
    "shape_error", COUNT_BY("coalesce(r.reasons #>> '{0,rule}', '-')")};

int
store_shape(struct store *s, bool by_error, void (*each)(void *arg, const char *json, size_t len),
            void *arg)
{
    struct store_params p = {0};
    PGresult *r = NULL;

    store_param_int(&p, SHAPE_AGES - 1);
    store_param_int(&p, SHAPE_ROWS_MAX);
    int n = store_run(s, by_error ? &by_error_sql : &by_form_sql, &p, &r);
    if (n != STORE_OK)
        return n;
    for (int i = 0; i < PQntuples(r); i++)
        each(arg, PQgetvalue(r, i, 0), (size_t)PQgetlength(r, i, 0));
    PQclear(r);
    return STORE_OK;
}
