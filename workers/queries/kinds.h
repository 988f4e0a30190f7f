/* What the kinds share, and the functions that kinds.def names. A kind writes its reply and returns
 * a STORE_ outcome, or QUERY_NONSENSE: the question lacks what the kind needs. */
#ifndef SLUICE_WORKERS_QUERIES_KINDS_H
#define SLUICE_WORKERS_QUERIES_KINDS_H

#include "store/identity.h"
#include "store/reads.h"
#include "workers/queries/counts.h"
#include "workers/queries/question.h"
#include "workers/queries/reply.h"
#include "workers/submissions/catalog.h"

enum { QUERY_NONSENSE = 200 };

struct queries {
    struct store *store;
    const struct seal_keys *keys;
    struct catalog *catalog;
    struct counts *counts;
    struct identity_wrap *wrap; /* NULL: identities are not opened */
    struct findings findings;
    int64_t stamp;                   /* of the catalog */
    struct buf plain, reply, sealed; /* of the question in work */
    struct buf text;                 /* scratch of a kind */
};

/* The catalog as of now; asked for a form it does not know, it looks whether one was loaded. */
int queries_catalog(struct queries *q, struct slice study, struct slice questionnaire,
                    struct slice version, const struct catalog_form **ret_form,
                    enum rule *ret_rule);

static inline struct read_studies
query_studies(const struct question *x)
{
    return (struct read_studies){x->studies, x->n_studies};
}

/* For reads whose JSON is the whole answer: arg of query_take. */
struct query_taking {
    struct queries *q;
    const struct question *x;
};
void query_take(void *arg, struct slice json);

#define QUERY(name, what) int query_##name(struct queries *q, const struct question *x);
#include "workers/queries/kinds.def"
#undef QUERY

#endif
