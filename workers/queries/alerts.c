/* Kind "alerts": "state"?, "after"?, "limit"?: str. One page, in order of seq. */
#include "workers/queries/kinds.h"

#define LIMIT_DEFAULT 100

int
query_alerts(struct queries *q, const struct question *x)
{
    struct query_taking t = {q, x};
    struct read_studies studies = query_studies(x);
    struct alerts_wanted wanted = {.limit = LIMIT_DEFAULT};

    if (question_text(x, "state", &wanted.state) && !slice_is(wanted.state, "open") &&
        !slice_is(wanted.state, "acknowledged") && !slice_is(wanted.state, "closed")) {
        reply_refuse(&q->reply, 400, "", "query-parameter",
                     "state is open, acknowledged or closed");
        return STORE_OK;
    }
    if (question_integer(x, "after", 0, INT64_MAX, &wanted.after) == NUMBER_BAD) {
        reply_refuse(&q->reply, 400, "", "query-parameter", "after is the next of another page");
        return STORE_OK;
    }
    if (question_integer(x, "limit", 1, READ_ALERTS_MAX, &wanted.limit) == NUMBER_BAD) {
        reply_refuse(&q->reply, 400, "", "query-parameter", "limit is from 1 to 250");
        return STORE_OK;
    }
    _Static_assert(READ_ALERTS_MAX == 250, "the text above");
    reply_status(&q->reply, 404, NULL);
    return store_alerts_read(q->store, &studies, &wanted, query_take, &t);
}
