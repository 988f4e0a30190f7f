/* What people did about alerts (alert_events) against the trail, and the alerts' states against
 * both. */
#include <string.h>

#include "base/error.h"
#include "store/audit_verify.h"

#define ACTS_TIMEOUT_US ((int64_t)24 * 3600 * 1000000)

struct reading {
    const struct audit_hearer *hearer;
    struct audit_compared *compared;
};

static int
act_take(void *arg, const PGresult *r)
{
    static const struct {
        char letter;
        enum audit_fault fault;
    } kinds[] = {{'g', AUDIT_FAULT_ACT_GONE},
                 {'n', AUDIT_FAULT_ACT_NO_ROW},
                 {'d', AUDIT_FAULT_ACT_DIFFERS},
                 {'s', AUDIT_FAULT_STATE}};
    struct reading *x = arg;
    char letter = *PQgetvalue(r, 0, 1);
    struct slice alert = store_get_slice(r, 0, 0);
    struct audit_finding finding = {.of = AUDIT_OF_ALERT};

    x->compared->acts += letter != 's' && letter != 'g';
    x->compared->acts_unaudited += letter == 'o';
    if (alert.at == NULL || !uuid_parse(alert.at, alert.len, &finding.alert))
        finding.alert = (struct uuid){{0}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (letter != kinds[i].letter)
            continue;
        finding.fault = kinds[i].fault;
        x->hearer->fault(x->hearer->arg, &finding);
    }
    return 0;
}

int
audit_compare_acts(struct store *s, const struct audit_hearer *hearer,
                   struct audit_compared *compared)
{
    /* g: gone, n: without an audit row, o: likewise, but from before acts had one, d: differs,
     * s: the alert's state is another. */
#define ACTS "('acknowledged', 'closed')"
    static const struct store_statement statement = {
        "audit_acts",
        "SELECT coalesce(v.alert_id::text, e.detail), CASE WHEN v.alert_id IS NULL THEN 'g'"
        " WHEN e.mac IS NULL THEN CASE WHEN v.at >= (SELECT applied_at FROM sluice.migrations"
        " WHERE version = 6) THEN 'n' ELSE 'o' END"
        " WHEN (e.study, e.subject_id, e.submission_id, e.role, e.organisation, e.reason)"
        " IS DISTINCT FROM (v.study, v.subject_id, v.submission_id, v.role, v.organisation, v.note)"
        " THEN 'd' ELSE '' END FROM (SELECT h.*, a.study, a.subject_id, a.submission_id"
        " FROM sluice.alert_events h LEFT JOIN sluice.alerts a USING (alert_id)"
        " WHERE h.event IN " ACTS ") v FULL JOIN (SELECT * FROM sluice.audit_events"
        " WHERE action IN ('" AUDIT_ACTION_ALERT "acknowledged', '" AUDIT_ACTION_ALERT
        "closed')) e ON e.detail = v.alert_id::text AND e.action = '" AUDIT_ACTION_ALERT
        "' || v.event AND e.at = v.at AND e.actor = coalesce(v.actor, '" AUDIT_ACTOR_NONE "')"
        " UNION ALL SELECT a.alert_id::text, 's' FROM sluice.alerts a"
        " LEFT JOIN (SELECT alert_id, bool_or(event = 'closed') AS closed"
        " FROM sluice.alert_events WHERE event IN " ACTS " GROUP BY alert_id) d USING (alert_id)"
        " WHERE a.kind <> 'canary' AND a.state <> CASE WHEN d.closed THEN 'closed'"
        " WHEN d.alert_id IS NOT NULL THEN 'acknowledged' ELSE 'open' END ORDER BY 1, 2"};
#undef ACTS
    struct reading x = {hearer, compared};

    return store_run_long(s, &statement, NULL, ACTS_TIMEOUT_US, act_take, &x);
}
