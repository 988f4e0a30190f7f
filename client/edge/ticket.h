/* Deadlines that cost O(1): a ticket queue holds tickets of one and the same delay, so its head is
 * always the next one due. A ticket is a member of what waits; it is in one queue or in none. */
#ifndef SLUICE_EDGE_TICKET_H
#define SLUICE_EDGE_TICKET_H

#include <stdint.h>

struct ticket {
    struct ticket *prev, *next; /* NULL: in no queue */
    int64_t due_us;
};

struct ticket_queue {
    struct ticket head; /* a ring */
    int64_t delay_us;
};

#define TICKET_NEVER INT64_MAX

void ticket_queue_init(struct ticket_queue *q, int64_t delay_us);
/* Puts the ticket behind all others; one that is in a queue is taken out first. */
void ticket_start(struct ticket_queue *q, struct ticket *t, int64_t now_us);
void ticket_stop(struct ticket *t);
/* Takes out the first one that is due; NULL if there is none. */
struct ticket *ticket_pop_due(struct ticket_queue *q, int64_t now_us);
int64_t ticket_next_us(const struct ticket_queue *q);

#endif
