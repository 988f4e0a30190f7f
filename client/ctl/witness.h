/* What sluicectl does to the record leaves a row in the audit trail: who, and the key to sign it.
 */
#ifndef SLUICE_CTL_WITNESS_H
#define SLUICE_CTL_WITNESS_H

#include "client/ctl/ctl.h"
#include "store/audit.h"

/* A chain of this run's own, begun with ctl/audit_key_file; an exit code after a complaint. */
int witness_open(const struct ctl *ctl, struct audit_chain *ret_chain);
/* Who runs us: the user behind sudo, else the user. Lives as long as the process. */
struct slice witness_actor(void);

#endif
