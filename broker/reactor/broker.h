/* The parts of a running broker, and what its files do for each other. Inner header of net; outside
 * only reactor.h is used.
 *
 * One thread. A turn gathers; nothing here blocks but a read of a body that has left memory. */
#ifndef SLUICE_BROKER_REACTOR_BROKER_H
#define SLUICE_BROKER_REACTOR_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "broker/core/core.h"
#include "broker/journal/journal.h"
#include "broker/net/bodies.h"
#include "broker/net/held.h"
#include "broker/net/peers.h"
#include "broker/net/socket.h"
#include "broker/reactor/metrics.h"
#include "schemas/wire/message.h"

/* A SUBMIT that found the journal's gathering batch full: it goes on where it stopped, and the
 * client socket is not read before. */
struct submit {
    zmq_msg_t records;
    size_t offset;
    uint32_t client;
    bool active;
};

struct broker {
    struct core_limits limits;
    uint32_t max_record_bytes;
    uint64_t max_journal_record;  /* largest message */
    uint64_t max_follow_up_bytes; /* of one report */
    uint64_t tick_room;           /* marks that core_tick may cause at once */
    uint32_t max_report_entries;  /* so that their marks fit into one batch */
    struct core *core;
    struct journal *journal;
    struct uuid uuid;
    uint64_t epoch, first_seq;
    uint64_t damaged_messages;
    uint64_t volatile_seq; /* the last one given */
    struct sockets sockets;
    struct peers *peers;
    struct bodies *bodies;
    struct held held;
    struct submit submit;
    struct metrics metrics;
    int64_t now_us, started_us;
    bool draining;
    bool unsent; /* a client's queue was full: try again soon */
    int fatal;   /* exit code; nothing more is sent once it is set */
    struct {     /* of the REPORT entry that core is told right now */
        const uint8_t *payload;
        uint32_t payload_len;
        const uint8_t *note;
        uint32_t note_len;
    } reporting;
    struct buf header;  /* header being written */
    struct buf scratch; /* one record being read or written */
    struct buf owed;    /* marks that found the batch full */
    uint8_t *move;      /* one record being moved, max_journal_record bytes */
};

/* Who sent the message that a handler works on. */
struct sender {
    enum endpoint endpoint;
    const void *routing;
    size_t routing_len;
    struct peer *peer; /* NULL: has not introduced itself */
};

/* broker.c: says why and makes the turn end; the first call counts. */
void broker_fail(struct broker *b, int exit_code, const char *why);
/* What the journal says of its failure. */
const char *broker_journal_why(const struct broker *b);
/* 0 OK, else JOURNAL_BUSY or JOURNAL_FULL; a failure ends the broker. */
int broker_room(struct broker *b, size_t messages, uint64_t bytes);
/* Why records are refused now; NULL: intake is open. */
const char *broker_intake_closed(const struct broker *b);
/* Reads a live message's record into b->scratch (volatile or journaled). false: it can't be read.
 */
bool broker_record(struct broker *b, const struct message_view *view, struct record *ret_record);
uint32_t broker_service_find(const struct broker *b, const char *name, size_t len);

/* send.c: all sends; outcomes of message_send. */
int send_message(struct broker *b, enum endpoint e, const void *routing, size_t len,
                 uint8_t command, const struct buf *header, zmq_msg_t *bodies, unsigned n_bodies);
int send_peer(struct broker *b, struct peer *peer, uint8_t command, zmq_msg_t *body);
void send_reset(struct broker *b, const struct sender *from);
void send_error(struct broker *b, const struct sender *from, const char *code, const char *detail);
/* Starts b->header as a map of n pairs. */
struct buf *send_header(struct broker *b, uint32_t pairs);
void send_clients(struct broker *b);    /* what is gathered for clients */
void send_heartbeats(struct broker *b); /* to peers that heard nothing else for an interval */
void send_welcome(struct broker *b, struct peer *peer);
void peer_lost(struct broker *b, struct peer *peer); /* its connection is gone */
void peers_forget_silent(struct broker *b);

/* effects.c: carries out what core decided and clears the list. */
void effects_run(struct broker *b);
/* deliver.c */
void deliver_lease(struct broker *b, uint32_t worker, uint32_t lease);
struct handout *deliver_handout(struct peer *worker, uint32_t lease);
/* marks.c: journal records about messages. */
void mark_append(struct broker *b, enum record_kind kind, const struct effect *e);
void marks_settle(struct broker *b); /* writes what is owed, as far as there is room */
#define MARK_BYTES_BARE (RECORD_HEADER_BYTES + RECORD_SERVICE_MAX + RECORD_SCOPE_MAX + 64)
#define MARK_BYTES_MAX (RECORD_HEADER_BYTES + RECORD_SERVICE_MAX + RECORD_SCOPE_MAX + 4096)
/* reclaim.c: moves survivors out of the head, a bounded step; true: call again soon. */
bool reclaim_step(struct broker *b);
/* client_submit.c: goes on with a SUBMIT that had to wait for the journal. */
void submit_continue(struct broker *b);
/* worker_report.c: applies held reports whose time has come. */
void held_apply(struct broker *b);
/* worker_lease.c: credit, capped. */
void worker_pull(struct broker *b, struct peer *worker, uint64_t messages, uint64_t bytes);
#define PULL_MESSAGES_MAX 4096
#define PULL_BYTES_MAX (UINT64_C(64) << 20)

/* commands.c: reads up to a bound of messages from a socket; true: there may be more. */
bool commands_drain(struct broker *b, enum endpoint e, unsigned max_messages);

#endif
