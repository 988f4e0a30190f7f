/* How reconcile shows its books. */
#ifndef SLUICE_CTL_RECONCILE_PRINT_H
#define SLUICE_CTL_RECONCILE_PRINT_H

#include "client/ctl/books.h"
#include "client/ctl/ctl.h"

/* code: EXIT_DONE balanced, EXIT_FAILED not, EXIT_TEMPFAIL moving. People get the equation as a
 * table, scripts one object. */
void reconcile_print(const struct ctl *ctl, const char *endpoint, const struct books *b, int code);

#endif
