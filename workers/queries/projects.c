/* Kind "projects": the asker's studies that are active. */
#include "workers/queries/kinds.h"

int
query_projects(struct queries *q, const struct question *x)
{
    struct query_taking t = {q, x};
    struct read_studies studies = query_studies(x);

    reply_status(&q->reply, 404, NULL);
    return store_projects_read(q->store, &studies, query_take, &t);
}
