/* The broker's bytes are checked record by record; what follows a malformed one can't be found, so
 * its lease simply ends. */
#include "workers/submissions/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define KEPT_BYTES ((size_t)1 << 20) /* memory a buffer keeps between batches */
#define BODY_MAX ((size_t)64 << 20)

void
batch_init(struct batch *b)
{
    buf_init(&b->plain, BODY_MAX);
    buf_init(&b->opened, BODY_MAX);
    buf_init(&b->text, PAYLOADS_MAX);
    buf_init(&b->payloads, PAYLOADS_MAX);
    buf_init(&b->scratch, BODY_MAX);
    findings_init(&b->findings);
}

void
batch_deinit(struct batch *b)
{
    buf_deinit(&b->plain);
    buf_deinit(&b->opened);
    buf_deinit(&b->text);
    buf_deinit(&b->payloads);
    buf_deinit(&b->scratch);
    arena_deinit(&b->arena);
    findings_deinit(&b->findings);
    free(b->jobs);
}

void
batch_read(struct batch *b, const struct service_batch *in)
{
    size_t at = 0, bodies = 0;

    b->n = 0;
    b->broker = in->broker;
    while (at < in->size) {
        if (b->n == b->cap) {
            b->cap = b->cap > 0 ? b->cap * 2 : 256;
            b->jobs = mem_grow(b->jobs, b->cap, sizeof(*b->jobs));
        }
        struct job *j = &b->jobs[b->n];
        memset(j, 0, sizeof(*j));
        if (record_read(in->data + at, in->size - at, &j->record) != RECORD_OK)
            break;
        at += j->record.length;
        bodies += j->record.body_len + JOB_NAMES_MAX;
        b->n++;
    }
    buf_trim(&b->plain, KEPT_BYTES);
    buf_trim(&b->opened, KEPT_BYTES);
    buf_trim(&b->text, KEPT_BYTES);
    buf_trim(&b->payloads, KEPT_BYTES);
    buf_trim(&b->scratch, KEPT_BYTES);
    arena_clear(&b->arena);
    uint8_t *p;
    int full = buf_reserve(&b->plain, bodies + 1, &p); /* from here on it never moves */
    sluice_assert(full == BUF_OK || bodies + 1 > BODY_MAX);
}
