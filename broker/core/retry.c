/* Seven FIFOs. A message leaves only from the head of its class, so the heads tell which class it
 * is in. */
#include "broker/core/retry.h"

#include "base/error.h"

static const int64_t delays_us[RETRY_CLASSES] = {100000,  200000,  400000, 800000,
                                                 1600000, 3200000, 5000000};

int64_t
retry_delay_us(uint32_t delay_class)
{
    sluice_assert(delay_class < RETRY_CLASSES);
    return delays_us[delay_class];
}

void
retry_init(struct retry *r)
{
    for (int i = 0; i < RETRY_CLASSES; i++)
        msg_list_init(&r->classes[i]);
}

void
retry_link(struct messages *ms, struct retry *r, uint32_t handle, uint32_t delay_class,
           int64_t now_us)
{
    messages_at(ms, handle)->due_us = now_us + retry_delay_us(delay_class);
    msg_list_append(ms, &r->classes[delay_class], handle);
}

void
retry_unlink(struct messages *ms, struct retry *r, uint32_t handle)
{
    for (int i = 0; i < RETRY_CLASSES; i++)
        if (r->classes[i].head == handle) {
            msg_list_remove(ms, &r->classes[i], handle);
            return;
        }
    sluice_assert(!"only the head of a class leaves");
}

uint32_t
retry_due(const struct messages *ms, const struct retry *r, int64_t now_us)
{
    for (int i = 0; i < RETRY_CLASSES; i++) {
        uint32_t head = r->classes[i].head;
        if (head != NO_HANDLE && messages_at(ms, head)->due_us <= now_us)
            return head;
    }
    return NO_HANDLE;
}

int64_t
retry_next_us(const struct messages *ms, const struct retry *r)
{
    int64_t next = INT64_MAX;

    for (int i = 0; i < RETRY_CLASSES; i++) {
        uint32_t head = r->classes[i].head;
        if (head != NO_HANDLE && messages_at(ms, head)->due_us < next)
            next = messages_at(ms, head)->due_us;
    }
    return next;
}
