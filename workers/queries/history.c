/* Kind "history": "id": bin16. Which revisions a submission has, who made them, when, why, and
 * which items they changed; never a value. */
#include "workers/queries/kinds.h"

int
query_history(struct queries *q, const struct question *x)
{
    struct query_taking t = {q, x};
    struct read_studies studies = query_studies(x);
    struct uuid id;

    if (!question_uuid(x, "id", &id))
        return QUERY_NONSENSE;
    reply_status(&q->reply, 404, NULL);
    return store_history_read(q->store, &studies, &id, query_take, &t);
}
