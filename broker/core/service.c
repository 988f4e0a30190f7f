/* Services: named queues, made on first sight. */
#include "broker/core/service.h"

#include <string.h>

#include "base/error.h"
#include "broker/core/state.h"

void
service_init(struct service *s, const char *name, size_t len)
{
    *s = (struct service){.name_len = (uint8_t)len};
    memcpy(s->name, name, len);
    queue_init(&s->ready);
    queue_init(&s->alone);
    msg_list_init(&s->volatiles);
    msg_list_init(&s->parked);
    s->idle = s->busy = (struct worker_list){.head = NO_HANDLE, .tail = NO_HANDLE};
}

bool
service_review(struct service *s, int64_t now_us)
{
    if (s->paused || s->workers == s->draining) {
        s->starved_since_us = 0;
        s->stalled = true;
    } else if (s->leases > 0 || s->idle.n > 0 || s->busy.n > 0) {
        s->starved_since_us = 0;
        s->stalled = false;
    } else {
        if (s->starved_since_us == 0)
            s->starved_since_us = now_us;
        s->stalled = now_us - s->starved_since_us >= STALL_GRACE_US;
    }
    return s->stalled;
}

uint32_t
service_waiting(const struct service *s)
{
    return queue_n(&s->ready) + queue_n(&s->alone) + s->volatiles.n;
}

uint32_t
core_service(struct core *c, const char *name, size_t len)
{
    if (len == 0 || len > RECORD_SERVICE_MAX)
        return CORE_NOBODY;
    for (uint32_t i = 0; i < c->n_services; i++)
        if (c->services[i].name_len == len && memcmp(c->services[i].name, name, len) == 0)
            return i;
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return CORE_NOBODY;
    if (c->n_services == CORE_SERVICES_MAX)
        return CORE_NOBODY;
    service_init(&c->services[c->n_services], name, len);
    return c->n_services++;
}

void
core_service_pause(struct core *c, uint32_t service, bool paused)
{
    if (service < c->n_services)
        c->services[service].paused = paused;
}
