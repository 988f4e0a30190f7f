/* The check of the audit trail's ends: of each chain that a journal or a book remembers, the
 * database has rows up to there at least, and what came behind is not old. A look at the ends only;
 * "audit verify" reads all of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/ctl/anchors.h"
#include "client/ctl/format.h"
#include "client/ctl/health_inner.h"
#include "store/health.h"

static int
anchor_compare(const void *a, const void *b)
{
    const struct audit_anchor *left = a, *right = b;
    int r = memcmp(&left->writer, &right->writer, sizeof(left->writer));

    if (r != 0)
        return r;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* Keeps the newest of each writer; how many there are. */
static size_t
anchors_newest(struct anchors *a)
{
    size_t n = 0;

    if (a->n > 0)
        qsort(a->list, a->n, sizeof(*a->list), anchor_compare);
    for (size_t i = 0; i < a->n; i++) {
        bool last = i + 1 == a->n || memcmp(&a->list[i].writer, &a->list[i + 1].writer,
                                            sizeof(a->list->writer)) != 0;
        if (last)
            a->list[n++] = a->list[i];
    }
    return n;
}

static void
chains_check(struct health *h, const struct health_limits *limits, struct store *s,
             const struct audit_anchor *anchors, size_t n)
{
    char age[FORMAT_SIZE], writer[UUID_TEXT_SIZE];
    struct store_anchored found;
    int64_t oldest_us = 0;

    for (size_t i = 0; i < n; i++) {
        if (store_anchored(s, &anchors[i].writer, anchors[i].number, &found) != STORE_OK) {
            health_add(h, HEALTH_AUDIT, "", HEALTH_UNKNOWN, "%s", store_why(s));
            return;
        }
        if (found.batch < anchors[i].batch) {
            uuid_format(&anchors[i].writer, writer);
            health_add(h, HEALTH_AUDIT, "", HEALTH_CRITICAL,
                       "rows of writer %s are missing: see 'sluicectl audit verify'", writer);
            return;
        }
        oldest_us = found.waiting_us > oldest_us ? found.waiting_us : oldest_us;
    }
    format_age(oldest_us, age);
    bool late = oldest_us > limits->anchor_us;
    health_add(h, HEALTH_AUDIT, "", late ? HEALTH_WARNING : HEALTH_OK,
               oldest_us > 0 ? "%zu chain%s; rows behind an anchor for %s" : "%zu chain%s", n,
               n == 1 ? "" : "s", age);
    health_value(h, oldest_us, limits->anchor_us, HEALTH_NO_LIMIT);
}

void
health_anchors(struct health *h, const struct health_limits *limits, struct look *l,
               const char *const *places, size_t n)
{
    struct anchors anchors = {0};
    struct store *s;

    for (size_t i = 0; i < n; i++) {
        if (anchors_read(&anchors, places[i]) == 0)
            continue;
        health_add(h, HEALTH_AUDIT, "", HEALTH_UNKNOWN, "%s could not be read", places[i]);
        anchors_free(&anchors);
        return;
    }
    if (look_postgres(l, &s) != STORE_OK)
        health_add(h, HEALTH_AUDIT, "", HEALTH_UNKNOWN, "PostgreSQL could not be asked");
    else
        chains_check(h, limits, s, anchors.list, anchors_newest(&anchors));
    anchors_free(&anchors);
}
