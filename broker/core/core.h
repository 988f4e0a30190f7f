/* The broker's mind: messages, services, clients, workers, leases, credit. No socket, file, clock,
 * log or CZMQ: time comes in as now_us (monotonic), decisions go out as effects, bodies are only
 * places. Live work and replay after a crash call the same functions, so a million lifetimes run in
 * one unit test.
 *
 * Invariants (tests/model drives random commands against a naive reference that checks them):
 *   - ledger.accepted == sum of counted outcomes + live, after every call;
 *   - a message is in exactly one list, the one of its state; only message_move writes the state;
 *   - no outcome leaves, and no done record is asked for, before the message's accept is durable;
 *   - a report counts only if origin and lease are the current ones;
 *   - a waiting message costs <= 96 bytes, all indexes included (chunked arrays, 32-bit handles).
 *
 * How net drives it, one turn:
 *   1. drain sockets; per record: core_intake → core_next_origin → journal_append → core_accept;
 *      per report: core_report_ready? core_report… : hold the message until durable;
 *   2. core_dispatch (deliver effects), 3. execute effects, 4. journal_hand_over,
 *   5. journal_turn → core_durable → effects, 6. core_tick → effects, next deadline.
 * Effects stay valid until the next call of core_effects_clear (the array may move when more are
 * added). */
#ifndef SLUICE_BROKER_CORE_CORE_H
#define SLUICE_BROKER_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "broker/core/ledger.h"
#include "broker/core/place.h"
#include "schemas/wire/record.h"

struct core; /* opaque */

#define CORE_NOBODY UINT32_MAX
#define CORE_SERVICES_MAX 64

struct core_limits {
    uint32_t max_messages; /* live journaled messages */
    uint32_t max_volatile; /* volatile ones; they also expire after volatile_us */
    int64_t volatile_us;
    uint32_t window_messages; /* per client, unaccepted-or-unannounced */
    uint64_t window_bytes;
    int64_t lease_us, heartbeat_us;
    uint32_t max_kills;
    uint32_t max_clients, max_workers; /* each below 65535 */
    uint64_t id_seed; /* random: so that nobody can choose ids whose hashes collide */
};

/* What net must do. */
enum effect_kind {
    EFFECT_DELIVER,  /* worker, lease: core_lease_messages gives handles; send DELIVER, else
                        core_undeliver */
    EFFECT_ACCEPTED, /* client, counter, origin, accepted_us, stalled: put into the next message to
                        it */
    EFFECT_FLUSH_CLIENT, /* client: what is gathered for it must go now */
    EFFECT_OUTCOME,   /* client (or CORE_NOBODY), counter, origin, outcome; payload: net's, of this
                         report entry */
    EFFECT_DONE,      /* append a done record {origin, id_hash…, outcome}; journal_release(place).
                       * worker and lease: whose report it was (CORE_NOBODY: an admin's doing) */
    EFFECT_PARKED,    /* append a parked record {origin, reason} */
    EFFECT_UNPARKED,  /* append an unparked record */
    EFFECT_NOTE,      /* append a note record {origin, kills} */
    EFFECT_DROP_BODY, /* a volatile message is over: free its body; its slot stands in place.offset
                       */
    EFFECT_WORKER_GONE,  /* the worker was forgotten (silence, replaced, core_worker_gone; not BYE):
                            log it */
    EFFECT_DRAIN_WORKER, /* send DRAIN */
    EFFECT_RESET_WORKER, /* a lease of it ended by time and its credit with it: send RESET */
};

struct effect {
    enum effect_kind kind;
    uint32_t client, worker, message; /* handles */
    uint32_t lease;
    uint64_t counter, epoch, seq;
    int64_t accepted_us;
    uint8_t outcome, kills;
    bool stalled;
    struct place place;
    const char *reason; /* PARKED: static text */
};

struct core *core_new(const struct core_limits *limits, uint64_t epoch, uint64_t next_seq,
                      const struct ledger *base);
/* How the wall clock stands to the monotonic one, for ages (net: at start and now and then). */
void core_wall_clock(struct core *c, int64_t now_us, int64_t wall_us);
void core_free(struct core **core_p);
const struct effect *core_effects(const struct core *c, size_t *ret_n);
void core_effects_clear(struct core *c);

/* Services are made on first sight (intake or READY), up to CORE_SERVICES_MAX. CORE_NOBODY: table
 * full or bad name. */
uint32_t core_service(struct core *c, const char *name, size_t len);

/* --- clients --- */
/* The same incarnation comes back with its handle (and its waiting messages). CORE_NOBODY:
 * max_clients reached (silent clients without live messages are forgotten first). */
uint32_t core_client_hello(struct core *c, uint64_t incarnation, int64_t now_us);
void core_client_heard(struct core *c, uint32_t client, int64_t now_us);
void core_client_gone(struct core *c,
                      uint32_t client); /* send said EHOSTUNREACH: keeps waiting messages */
/* Emits EFFECT_ACCEPTED for what is durable but unannounced (before any message to it, and on
 * heartbeats). */
void core_client_announce(struct core *c, uint32_t client);

/* --- intake --- */
/* May this record come in? 0 or a refusal code (wire/refusals.def). Changes nothing. */
int core_intake(const struct core *c, uint32_t client, const struct record *r, uint32_t service);
/* Gives the next origin. The caller writes it into the record, appends that to the journal, then
 * accepts; only core_accept takes it, without that it is given again. */
void core_next_origin(struct core *c, uint64_t *ret_epoch, uint64_t *ret_seq);
uint32_t core_accept(struct core *c, uint32_t client, const struct record *r, uint32_t service,
                     struct place place, int64_t now_us);
/* A volatile message: volatile_slot is net's handle of its body. Its origin is r->epoch, r->seq, a
 * number of net's own with CORE_VOLATILE_SEQ set (journal sequences have no gaps); it counts as
 * durable. */
#define CORE_VOLATILE_SEQ (UINT64_C(1) << 63)
uint32_t core_accept_volatile(struct core *c, uint32_t client, const struct record *r,
                              uint32_t service, uint32_t volatile_slot, int64_t now_us);
/* Everything accepted with seq <= durable_seq is on disk. */
void core_durable(struct core *c, uint64_t durable_seq, int64_t now_us);

/* --- workers --- */
uint32_t core_worker_ready(struct core *c, const char *name, size_t name_len, uint64_t incarnation,
                           uint32_t service, int64_t now_us);
void core_worker_heard(struct core *c, uint32_t worker, int64_t now_us);
void core_worker_pull(struct core *c, uint32_t worker, uint32_t messages, uint64_t bytes,
                      int64_t now_us);
/* It holds none of its leases any more (READY says so): they go back at once, as if returned. */
void core_worker_void(struct core *c, uint32_t worker, int64_t now_us);
void core_worker_bye(struct core *c, uint32_t worker, int64_t now_us);
void core_worker_gone(struct core *c, uint32_t worker,
                      int64_t now_us); /* EHOSTUNREACH: as if it died */
void core_worker_drain(struct core *c, uint32_t worker);

/* --- leases --- */
/* Hands waiting messages to workers with credit: EFFECT_DELIVER each. */
void core_dispatch(struct core *c, int64_t now_us);
/* Would it find something to hand out now? After a dispatch and its effects: only what could not be
 * delivered. */
bool core_dispatch_wanted(const struct core *c);
size_t core_lease_messages(const struct core *c, uint32_t lease, const uint32_t **ret_messages);
/* DELIVER could not be sent: back to the front, nobody's fault, attempt not counted. */
void core_undeliver(struct core *c, uint32_t lease, int64_t now_us);
bool core_lease_extend(struct core *c, uint32_t worker, uint32_t lease, int64_t now_us);
bool core_lease_return(struct core *c, uint32_t worker, uint32_t lease, int64_t now_us);
/* The report with this lease waits in net for durability: the lease does not expire meanwhile. */
void core_lease_hold(struct core *c, uint32_t lease);
/* One entry of a report whose origin is durable. false: stale (counted), nothing happened. */
bool core_report(struct core *c, uint32_t worker, uint32_t lease, uint64_t epoch, uint64_t seq,
                 uint8_t outcome, int64_t now_us);
/* Is everything up to seq durable, so that its report may be applied now? */
bool core_is_durable(const struct core *c, uint64_t seq);

/* Time passes: leases, silence, delayed retries, volatile expiry, lazy announcements. Returns the
 * next deadline (INT64_MAX: none). Net drains its sockets before this, dispatches after it, and
 * reports a gap between turns of over 1 s by core_time_jumped, first thing in that turn, so that
 * leases and heartbeats do not pay for it. */
int64_t core_tick(struct core *c, int64_t now_us);
void core_time_jumped(struct core *c, int64_t gap_us);

/* --- replay: what journal_open calls back, in order ---
 * The epoch is known only after it, so: core_new(limits, 0, 0, NULL), core_replay_begin from the
 * journal's begin call, core_replay for each record, core_replay_end with what journal_open
 * returned, then net walks core_list and tells the journal each survivor's place (journal_retain).
 * base counts everything up to base->last_seq: a message replayed with seq <= last_seq is in
 * base->accepted already; a done record counts its outcome even if its message lies in a freed
 * segment. */
void core_replay_begin(struct core *c, const struct ledger *base);
void core_replay_end(struct core *c, uint64_t epoch, uint64_t next_seq);
void core_replay(struct core *c, const struct record *r, struct place place, int64_t now_us);

/* --- moving (reclaim) --- */
/* The live or dead message with this origin lying exactly there, else CORE_NOBODY. */
uint32_t core_at_place(const struct core *c, uint64_t epoch, uint64_t seq, struct place place);
/* It was appended again at place (record_set_delivery with core_view's flags, attempt, kills); a
 * dead letter with a parked record behind it, before any other message. */
void core_moved(struct core *c, uint32_t message, struct place place);

/* --- looking in --- */
enum message_state {
    MESSAGE_FREE,
    MESSAGE_READY,
    MESSAGE_DELAYED,
    MESSAGE_LEASED,
    MESSAGE_PARKED,
    MESSAGE_STATES
};
struct message_view {
    uint32_t message;
    uint64_t epoch, seq, counter;
    uint32_t client, service, worker, lease;
    uint32_t volatile_slot;
    enum message_state state;
    uint8_t attempt, kills, flags;
    int64_t age_us;
    struct place place;
    bool durable;
};
bool core_view(const struct core *c, uint32_t message, int64_t now_us, struct message_view *ret);
/* Messages (live or dead) whose id hashes alike; the caller compares the id in the journal. */
size_t core_find_id(const struct core *c, const struct uuid *id, uint32_t *ret_messages,
                    size_t limit);
/* Messages ascending by seq, after a cursor; service CORE_NOBODY: all; state MESSAGE_STATES: all.
 */
size_t core_list(const struct core *c, uint32_t service, enum message_state state,
                 uint64_t after_seq, uint32_t *ret_messages, size_t limit);

/* Walks all messages, volatile ones too, in order of their handles: looks at no more than slots of
 * them, from handle `from` on. each returns false: this one is not taken, stop before it. Returns
 * where to go on; CORE_NOBODY: that was all. A message keeps its handle as long as it lives, so a
 * walk in several steps meets none twice; one that came or went meanwhile may be missing. */
uint32_t core_walk(const struct core *c, uint32_t service, int64_t now_us, uint32_t from,
                   uint32_t slots, bool (*each)(void *arg, const struct message_view *view),
                   void *arg);

struct service_view {
    const char *name;
    uint32_t ready, delayed, leased, parked, volatiles, workers, credit;
    uint64_t accepted, finished;
    int64_t oldest_age_us;
    bool paused;
};
bool core_service_view(const struct core *c, uint32_t service, int64_t now_us,
                       struct service_view *ret);
struct worker_view {
    const char *name;
    uint64_t incarnation, batches, messages_done;
    uint32_t service, leases, messages;
    bool draining, has_credit;
    int64_t heard_ago_us;
};
bool core_worker_view(const struct core *c, uint32_t worker, int64_t now_us,
                      struct worker_view *ret);
struct client_view {
    uint64_t incarnation;
    uint32_t waiting;
    int64_t heard_ago_us;
};
bool core_client_view(const struct core *c, uint32_t client, int64_t now_us,
                      struct client_view *ret);
const struct ledger *core_ledger(const struct core *c);
struct core_figures {
    uint32_t live, parked, volatiles, clients, workers, leases;
    uint64_t stale_reports, redelivered, expired_leases, parked_total;
    uint64_t memory_bytes; /* of messages and indexes */
    uint64_t durable_seq, next_seq;
};
void core_figures(const struct core *c, struct core_figures *ret);

/* --- admin --- */
void core_service_pause(struct core *c, uint32_t service, bool paused);
/* A dead letter back to its queue (kills and attempt kept, handed out alone), or thrown away.
 * false: none. */
bool core_requeue(struct core *c, uint64_t epoch, uint64_t seq, int64_t now_us);
bool core_discard(struct core *c, uint64_t epoch, uint64_t seq, int64_t now_us);

#endif
