/* A client before a fake broker, driven turn by turn, with every callback noted. */
#ifndef SLUICE_TESTS_UNIT_CLIENT_CLIENT_RIG_H
#define SLUICE_TESTS_UNIT_CLIENT_CLIENT_RIG_H

#include "client/lib/sluice.h"
#include "tests/unit/client/fake_broker.h"

struct client_note {
    char what; /* a accepted, r refused, o outcome, l located, f fault */
    uint64_t counter;
    unsigned code; /* refusal, outcome, stalled, located state */
    struct sluice_origin origin;
    size_t payload_bytes;
};

struct client_rig {
    struct fake_broker *broker;
    struct sluice_client *client;
    struct client_note notes[40000];
    size_t n_notes;
    unsigned connected, disconnected;
    uint64_t barrier_wanted;
    uint64_t barrier;  /* the last LOCATE of client_rig_settle that was answered */
    uint64_t resubmit; /* so many submits are made from inside the next outcome callbacks */
};

/* options: endpoint and name are filled in; may be NULL. */
struct client_rig *client_rig_new(struct sluice_client_options *options);
void client_rig_free(struct client_rig *rig);
/* Turns both until done says so; fails the test after 10 s, naming what it waited for. */
void client_rig_until(struct client_rig *rig, bool (*done)(struct client_rig *), const char *what);
/* Until everything said so far has arrived, and what was said because of it too: two round trips of
 * LOCATE if there is a connection; else until both sides were quiet for a moment. */
void client_rig_settle(struct client_rig *rig);
bool client_rig_is_connected(struct client_rig *rig);
/* Listens and waits for WELCOME. */
void client_rig_connect(struct client_rig *rig);
/* Waits for the next message of that kind. */
struct fake_heard *client_rig_hear(struct client_rig *rig, uint8_t command);
/* Submits one small message; the result of sluice_client_submit, counter in *ret (may be NULL). */
int client_rig_submit(struct client_rig *rig, uint8_t flags, uint64_t *ret);
const struct client_note *client_rig_note(const struct client_rig *rig, char what,
                                          uint64_t counter);

#endif
