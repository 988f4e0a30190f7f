/* Replies of all kinds but "submission": {"status": uint} and
 *   "json": str, "type"?, "etag"?: str; "more": uint, where the text goes on (ask with "offset"),
 * or "pointer", "rule", "detail": str for a refusal. */
#ifndef SLUICE_WORKERS_QUERIES_REPLY_H
#define SLUICE_WORKERS_QUERIES_REPLY_H

#include "base/buf.h"
#include "workers/queries/question.h"

#define REPLY_MAX ((size_t)200 << 10)
#define REPLY_PART_MAX (REPLY_MAX - 1024) /* bytes of JSON in one reply */

struct reply_text {
    const char *json;
    size_t len;
    const char *type, *etag; /* NULL: application/json, none */
};

/* 200, from the question's "offset" on; past the end nothing is left. */
void reply_text(struct buf *b, const struct question *x, const struct reply_text *t);
/* No body: 304, 404 …; etag may be NULL. */
void reply_status(struct buf *b, unsigned status, const char *etag);
/* A refusal that names the rule. */
void reply_refuse(struct buf *b, unsigned status, const char *pointer, const char *rule,
                  const char *detail);

#endif
