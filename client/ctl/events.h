/* Server-sent events (WHATWG HTML, "Server-sent events"), as far as the edge speaks them: id and
 * data; comments and other fields are skipped. Pure; what does not fit is dropped to the next blank
 * line. */
#ifndef SLUICE_CTL_EVENTS_H
#define SLUICE_CTL_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#define EVENT_LINE_MAX 65536
#define EVENT_ID_MAX 64

struct events {
    char line[EVENT_LINE_MAX];
    size_t line_len;
    bool too_long;
    char id[EVENT_ID_MAX + 1]; /* of the last event that was complete; "" if none had one */
    char next_id[EVENT_ID_MAX + 1];
    char data[EVENT_LINE_MAX];
    size_t data_len;
    bool has_data, dropped;
};

/* e: zeroed before the first call. each is called for every complete event that has data; id may be
 * "". false from it ends the parsing, and is returned. */
bool events_feed(struct events *e, const char *bytes, size_t len,
                 bool (*each)(void *arg, const char *id, const char *data, size_t data_len),
                 void *arg);
/* A new connection: what was incomplete is forgotten, the last id stays. */
void events_restart(struct events *e);

#endif
