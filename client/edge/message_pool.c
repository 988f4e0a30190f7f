/* A list of cleared messages. */
#include "client/edge/message_pool.h"

#include "base/error.h"

#define KEPT_MAX 256

struct http_message *
message_take(struct edge *e)
{
    struct http_message *m = e->free_messages;

    if (m != NULL) {
        e->free_messages = m->next_free;
        e->n_free_messages--;
        m->next_free = NULL;
        return m;
    }
    m = mem_new(1, sizeof(*m));
    http_message_init(m);
    return m;
}

static void
message_free(struct http_message *m)
{
    http_message_deinit(m);
    free(m);
}

void
message_give(struct edge *e, struct http_message **m_p)
{
    struct http_message *m = *m_p;

    *m_p = NULL;
    if (m == NULL)
        return;
    if (e->n_free_messages == KEPT_MAX) {
        message_free(m);
        return;
    }
    http_message_clear(m);
    m->next_free = e->free_messages;
    e->free_messages = m;
    e->n_free_messages++;
}

void
message_pool_free(struct edge *e)
{
    while (e->free_messages != NULL)
        message_free(message_take(e));
}
