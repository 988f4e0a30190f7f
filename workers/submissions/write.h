/* Storing what validate found, and telling apart what stood there already. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_WRITE_H
#define SLUICE_WORKERS_SUBMISSIONS_WRITE_H

#include "store/revisions.h"
#include "workers/submissions/job.h"
#include "workers/submissions/medicine.h"

struct write_env {
    struct store *store;
    struct submissions_writer *writer;
    struct alerts_writer *alerts; /* for what lost a race */
    struct revisions_writer *revisions;
    struct audit_chain *chain;
    struct medicine *medicine;
    const struct catalog *catalog;
    uint32_t hash_key;
};

/* For attempt > 1 (invariants 2): decides the jobs whose origin is recorded. STORE_ outcomes. */
int recorded_find(struct batch *b, const struct write_env *env);
/* Writes rows and rejections of the undecided jobs, splitting what PostgreSQL refuses until the bad
 * row is alone, compares what was stored before, and decides every job it can. STORE_OK, or the
 * first STORE_RETRY or STORE_SCHEMA met: what is undecided then comes again. */
int batch_write(struct batch *b, const struct write_env *env);

#endif
