/* Getting to know the subjects that a batch is about: from the cache, else from the database. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_ACQUAINT_H
#define SLUICE_WORKERS_SUBMISSIONS_ACQUAINT_H

#include "store/connection.h"
#include "workers/submissions/job.h"
#include "workers/submissions/subjects.h"

struct acquaint; /* opaque; scratch, reused */

/* subjects: the cache, which stays the caller's. */
struct acquaint *acquaint_new(struct subjects *subjects);
void acquaint_free(struct acquaint *a);
/* Fills the emptied cache with some of all subjects, so that batches need not ask. STORE_
 * outcomes. */
int acquaint_ahead(struct acquaint *a, struct store *s);
/* Sets known in every undecided job whose subject exists. Whoever is not in the cache is asked for,
 * all in one statement. STORE_ outcomes. */
int acquaint_batch(struct acquaint *a, struct batch *b, struct store *s);

#endif
