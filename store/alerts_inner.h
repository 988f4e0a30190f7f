/* What the files of store/alerts_*.c share. */
#ifndef SLUICE_STORE_ALERTS_INNER_H
#define SLUICE_STORE_ALERTS_INNER_H

#include "store/alerts_delivery.h"

/* The columns that alert_found_read takes from column 0 on; a is sluice.alerts. */
#define ALERT_FOUND_COLUMNS                                                                        \
    "a.alert_id, a.study, a.rule_id, a.severity, a.state, a.kind, coalesce(a.site_id, ''),"        \
    " array_to_string(a.recipients, E'\\n')"
#define ALERT_FOUND_COUNT 8

void alert_found_read(const PGresult *r, int row, struct alert_found *ret_found);
void alert_plan_end(struct alert_plan *p);
void alert_array_param(struct store_params *params, const struct array *a);

#endif
