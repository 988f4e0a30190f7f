/* A broker without a queue: a ROUTER that notes what it hears and says what a test tells it to. It
 * answers HELLO and READY with WELCOME by itself (unless told to be silent); all else is the
 * test's. */
#ifndef SLUICE_TESTS_UNIT_CLIENT_FAKE_BROKER_H
#define SLUICE_TESTS_UNIT_CLIENT_FAKE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "schemas/wire/entry.h"
#include "schemas/wire/message.h"
#include "schemas/wire/record.h"

#define FAKE_HEARD_MAX 4096

struct fake_heard {
    uint8_t command;
    uint32_t peer; /* number of the connection it came over, from 1 */
    struct buf header, body, followups;
};

struct fake_broker {
    void *context, *router;
    char endpoint[108];
    /* what WELCOME says */
    uint8_t uuid[16];
    uint64_t epoch;
    uint64_t heartbeat_us, lease_us, max_record_bytes, window_messages, window_bytes;
    bool silent;      /* hears, but says nothing by itself */
    uint8_t peer[64]; /* routing id of the last peer heard */
    size_t peer_size;
    uint32_t peers;
    struct fake_heard heard[FAKE_HEARD_MAX]; /* heartbeats are only counted */
    size_t n_heard, n_read;
    unsigned heartbeats;
};

struct fake_broker *fake_broker_new(void); /* not listening yet */
void fake_broker_free(struct fake_broker *f);
void fake_broker_listen(struct fake_broker *f);
/* As a broker that died: connections are cut. */
void fake_broker_stop(struct fake_broker *f);
/* Receives what has come. */
void fake_broker_turn(struct fake_broker *f);
int fake_broker_fd(const struct fake_broker *f); /* -1: not listening */
/* The next message heard with this command, skipping others; NULL if none came yet. */
struct fake_heard *fake_broker_next(struct fake_broker *f, uint8_t command);

/* To the last peer heard. */
void fake_broker_say(struct fake_broker *f, uint8_t command, const struct buf *header,
                     const void *body, size_t size);
void fake_broker_say_empty(struct fake_broker *f, uint8_t command);
void fake_broker_accept(struct fake_broker *f, uint64_t counter, uint64_t seq, uint8_t flags);
void fake_broker_refuse(struct fake_broker *f, uint64_t counter, uint8_t code);
void fake_broker_outcome(struct fake_broker *f, uint64_t counter, uint64_t seq, uint8_t code);
/* LOCATED, absent. */
void fake_broker_absent(struct fake_broker *f, uint64_t query);
/* ERROR with code "header". */
void fake_broker_error(struct fake_broker *f, const char *detail);
void fake_broker_deliver(struct fake_broker *f, uint64_t lease, const char *body);

/* Counters of the records in a SUBMIT; returns how many. */
size_t fake_heard_counters(const struct fake_heard *h, uint64_t *ret, size_t max);
uint64_t fake_heard_uint(const struct fake_heard *h, const char *key);
bool fake_heard_has(const struct fake_heard *h, const char *key);

#endif
