/* libsluice: speak Sluice's native protocol (schemas/protocol.md) from C, as a client (submits
 * messages, learns what became of them) or as a worker (takes batches, reports outcomes).
 *
 * Embedding. Both sides are handles that an event loop drives: wait until the handle's fd is
 * readable or the deadline its last turn returned has come, then call its turn. The fd stays the
 * same for the life of the handle (it stands before sockets that come and go). After any call that
 * sends (flush, report, …) the fd may have been reset: call turn once before waiting again, or
 * simply call turn in every round of the loop; a turn with nothing to do costs one getsockopt.
 *
 * Threads. A handle belongs to one thread at a time and has no locks. Only struct sluice_batch may
 * be read and freed elsewhere. Handles in different threads may share one ZeroMQ context.
 *
 * Callbacks run inside turn only. They may call anything on the handle but turn and free. Any
 * callback may be NULL. What they are given by pointer lives until they return.
 *
 * Blocking. Nothing blocks, except the two _free functions: at most the linger time given in the
 * options.
 *
 * Errors. 0 is done; a positive enum sluice_result is an ordinary outcome; a negative errno means
 * that ZeroMQ or the kernel refused something that can't be mended here (no fds, bad endpoint). The
 * library never exits, logs or touches signals. Out of memory aborts, as everywhere in Sluice.
 *
 * Time. now_us is CLOCK_MONOTONIC in microseconds; received_us and accepted_us are wall clock since
 * 1970. */
#ifndef SLUICE_CLIENT_LIB_SLUICE_H
#define SLUICE_CLIENT_LIB_SLUICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SLUICE_API __attribute__((visibility("default")))

enum sluice_result {
    SLUICE_OK = 0,
    SLUICE_FULL = 1, /* a bound is reached: the broker's window or one of the options'. Try later */
    SLUICE_OFFLINE = 2,   /* no broker now, and as much is kept for it as max_offline allows */
    SLUICE_TOO_LARGE = 3, /* never possible: longer than the broker or the format takes */
};

/* Which message the broker accepted; written UUID-EPOCH-SEQ it is the receipt. */
struct sluice_origin {
    uint8_t broker[16];
    uint64_t epoch;
    uint64_t seq;
};

/* Names of outcome and refusal codes ("stored", "full", …); NULL for no such code. The codes stand
 * in schemas/wire/outcomes.def and refusals.def. */
SLUICE_API const char *sluice_outcome_text(unsigned code);
SLUICE_API const char *sluice_refusal_text(unsigned code);

/* ---- client -------------------------------------------------------------------------------------
 */

struct sluice_client; /* one broker */

/* Zero means the default. endpoint and name are copied. */
struct sluice_client_options {
    const char *endpoint;         /* required: the broker's client endpoint */
    const char *name;             /* required: for people, e.g. "edge-host1-4711" */
    const char *version;          /* of the program; default: the library's */
    void *context;                /* ZeroMQ context to share; default: one of its own */
    uint32_t max_in_flight;       /* records neither accepted, refused nor finished; 8192 */
    uint64_t max_in_flight_bytes; /* memory held for them; 32 MiB */
    uint32_t max_offline;         /* of max_in_flight, how many while there is no broker; 1024 */
    uint32_t max_known; /* requests known at all: in flight, or accepted and waiting for their
                           outcome; 65536 */
    int linger_ms;      /* how long _free may block for what was flushed; 0 */
};

enum sluice_located { SLUICE_ABSENT = 0, SLUICE_LIVE = 1, SLUICE_DEAD = 2 };

struct sluice_client_events {
    void *arg;
    /* The broker said WELCOME. What was in flight is being sent again. */
    void (*connected)(void *arg, const uint8_t broker[16], uint64_t epoch);
    /* The broker is silent or gone. Requests stay known; LOCATEs under way are forgotten. */
    void (*disconnected)(void *arg);
    /* Synced to the broker's disk. stalled: no worker can take it now, the outcome may be long in
     * coming. */
    void (*accepted)(void *arg, uint64_t counter, const struct sluice_origin *origin,
                     int64_t accepted_us, bool stalled);
    /* Nothing of it is kept; the request is forgotten. */
    void (*refused)(void *arg, uint64_t counter, unsigned refusal);
    /* Implies accepted (which then may never be called). The request is forgotten, unless the
     * outcome is not final ("dead": another one may follow if an admin requeues it; it stays known
     * until then or until sluice_client_forget). epoch and seq are 0 for volatile requests. */
    void (*outcome)(void *arg, uint64_t counter, unsigned outcome,
                    const struct sluice_origin *origin, int64_t accepted_us, const uint8_t *payload,
                    size_t payload_bytes);
    /* The answer to a LOCATE. origin and what follows mean something unless state is SLUICE_ABSENT.
     */
    void (*located)(void *arg, uint64_t query, enum sluice_located state,
                    const struct sluice_origin *origin, int64_t accepted_us, unsigned attempts);
    /* The broker answered ERROR: the peer or we break the protocol. Texts are not NUL-terminated.
     */
    void (*fault)(void *arg, const char *code, size_t code_len, const char *detail,
                  size_t detail_len);
};

/* Makes the handle and starts to connect. 0 or a negative errno (EINVAL: endpoint or name). */
SLUICE_API int sluice_client_new(const struct sluice_client_options *options,
                                 const struct sluice_client_events *events,
                                 struct sluice_client **ret_client);
/* NULL is allowed. What is in flight is dropped: drain first, by waiting until nothing is in
 * flight. */
SLUICE_API void sluice_client_free(struct sluice_client *c);

SLUICE_API int sluice_client_fd(const struct sluice_client *c);
/* Receives what has come (a bounded number of messages), sends what is due: flushed batches,
 * heartbeats, HELLO; notices a dead broker and connects anew. Returns the time of the next turn at
 * the latest (now_us itself: there is more to do at once). */
SLUICE_API int64_t sluice_client_turn(struct sluice_client *c, int64_t now_us);

enum sluice_message_flag {
    SLUICE_VOLATILE = 1,   /* a query: not journaled, never accepted; one outcome or refusal */
    SLUICE_ACCEPT_NOW = 2, /* say accepted as soon as it is durable */
    SLUICE_NO_OUTCOME = 4, /* forgotten once it is accepted */
};

struct sluice_message {
    uint8_t flags;
    const char *service; /* 1…32 bytes */
    size_t service_len;
    const char *scope; /* 0…64 bytes; may be NULL if none */
    size_t scope_len;
    uint8_t id[16];
    int64_t received_us;
    const void *body; /* copied; ignored by sluice_client_reserve */
    size_t body_bytes;
};

/* Appends a message to the gathering batch. *ret_counter names the request from now on. Nothing is
 * sent before sluice_client_flush, unless the batch is full (1 MiB or 1024 messages: it goes by
 * itself). */
SLUICE_API int sluice_client_submit(struct sluice_client *c, const struct sluice_message *m,
                                    uint64_t *ret_counter);
/* The same, but leaves the body to the caller, who must write all body_bytes at *ret_body before
 * the next call on c. */
SLUICE_API int sluice_client_reserve(struct sluice_client *c, const struct sluice_message *m,
                                     uint8_t **ret_body, uint64_t *ret_counter);
/* Sends what is gathered as one message, without copying it. Without a broker, or past its window,
 * it is kept and sent by a later turn. Nothing gathered: does nothing. */
SLUICE_API void sluice_client_flush(struct sluice_client *c);
/* Nobody waits for this request any more: no callback will name it. A message already submitted is
 * still sent (again) until it is accepted; a volatile one is dropped. */
SLUICE_API void sluice_client_forget(struct sluice_client *c, uint64_t counter);
/* Asks whether (scope, id) is live or dead at this broker; origin (may be NULL) narrows it to one
 * receipt (epoch and seq). The answer comes as located(query). SLUICE_OFFLINE: ask when connected.
 */
SLUICE_API int sluice_client_locate(struct sluice_client *c, uint64_t query, const char *scope,
                                    size_t scope_len, const uint8_t id[16],
                                    const struct sluice_origin *origin);

struct sluice_client_figures {
    bool connected;
    uint32_t in_flight;       /* records neither accepted, refused nor finished */
    uint64_t in_flight_bytes; /* memory held for them */
    uint32_t known;           /* requests, with those accepted */
    uint64_t submitted, sent_again, accepted, refused, finished;
    uint64_t connects;  /* WELCOMEs */
    uint64_t unknown;   /* entries for requests nobody knows (any more) */
    uint64_t malformed; /* messages from the broker that break the protocol */
};
SLUICE_API void sluice_client_figures(const struct sluice_client *c,
                                      struct sluice_client_figures *ret);
/* The random number that names this handle's requests together with their counters. */
SLUICE_API uint64_t sluice_client_incarnation(const struct sluice_client *c);

/* ---- worker -------------------------------------------------------------------------------------
 */

struct sluice_worker; /* one broker, one service */
struct sluice_batch;  /* the records of one DELIVER */

struct sluice_worker_options {
    const char *endpoint; /* required: the broker's worker endpoint */
    const char *name;     /* required: unique among the broker's workers */
    const char *service;  /* required */
    const char *host;     /* default: this host's name */
    const char *version;
    void *context;
    uint64_t max_queued_bytes; /* what may wait to be sent; 16 MiB */
    int linger_ms;             /* how long _free may block for BYE; 250; below 0: none */
};

struct sluice_worker_events {
    void *arg;
    /* WELCOME: at the start, after disconnected, and also when only the connection broke for a
     * moment and leases still hold. Pull now if you want work (credit not used has been asked for
     * again already; a pull replaces it). */
    void (*connected)(void *arg, const uint8_t broker[16], uint64_t epoch, int64_t lease_us);
    /* The leases this worker holds are not its own any more: the broker was silent for three
     * heartbeats, does not know us, or has begun a new epoch. What is reported under them would be
     * ignored. */
    void (*disconnected)(void *arg);
    /* A batch, packed records (schemas/wire/record.h). The receiver owns it, on any thread, until
     * sluice_batch_free. */
    void (*deliver)(void *arg, uint64_t lease, struct sluice_batch *batch);
    /* Finish what you hold, then sluice_worker_bye. */
    void (*drain)(void *arg);
    void (*fault)(void *arg, const char *code, size_t code_len, const char *detail,
                  size_t detail_len);
};

SLUICE_API int sluice_worker_new(const struct sluice_worker_options *options,
                                 const struct sluice_worker_events *events,
                                 struct sluice_worker **ret_worker);
SLUICE_API void sluice_worker_free(struct sluice_worker *w);
SLUICE_API int sluice_worker_fd(const struct sluice_worker *w);
SLUICE_API int64_t sluice_worker_turn(struct sluice_worker *w, int64_t now_us);

/* Credit for one more batch, replacing what was asked for and not used. It is a wish that outlives
 * the connection: after a reconnect it is sent again by itself. 0 messages withdraws it. Always
 * SLUICE_OK. */
SLUICE_API int sluice_worker_pull(struct sluice_worker *w, uint32_t messages, uint64_t bytes);

struct sluice_report {
    uint64_t lease;
    const void *entries; /* packed REPORT entries (schemas/wire/entry.h) */
    size_t entries_bytes;
    const void *note; /* journaled with the done records; at most 4096 bytes */
    size_t note_bytes;
    const void *followups; /* packed records */
    size_t followups_bytes;
    uint32_t pull_messages; /* a pull in the same message; 0: none */
    uint64_t pull_bytes;
};

/* All of these copy what they are given, send at once if that is possible, else queue it for a
 * later turn (SLUICE_FULL past max_queued_bytes). What is queued when leases become void
 * (disconnected) is dropped. SLUICE_OFFLINE: leases are void, nothing was sent. SLUICE_TOO_LARGE:
 * the note. */
SLUICE_API int sluice_worker_report(struct sluice_worker *w, const struct sluice_report *r);
SLUICE_API int sluice_worker_extend(struct sluice_worker *w, uint64_t lease);
SLUICE_API int sluice_worker_return(struct sluice_worker *w, uint64_t lease);
/* Leaves: leases still held go back, nothing more is delivered or pulled. Call turn until
 * sluice_worker_queued is 0, then free. */
SLUICE_API int sluice_worker_bye(struct sluice_worker *w);
/* Bytes that wait to be handed to ZeroMQ. */
SLUICE_API uint64_t sluice_worker_queued(const struct sluice_worker *w);
/* Leases hold, as far as we know. */
SLUICE_API bool sluice_worker_connected(const struct sluice_worker *w);

SLUICE_API const uint8_t *sluice_batch_data(const struct sluice_batch *b, size_t *ret_size);
SLUICE_API void sluice_batch_free(struct sluice_batch *b);

#ifdef __cplusplus
}
#endif

#endif
