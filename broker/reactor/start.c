/* The order of a start and of an end. */
#include "broker/reactor/start.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define CLIENTS_MAX 256
#define WORKERS_MAX 1024
#define VOLATILE_MAX 16384
#define VOLATILE_BYTES_MAX ((size_t)64 << 20)
#define VOLATILE_US (5 * US_PER_S)
#define WINDOW_MESSAGES 65536
#define WINDOW_BYTES (UINT64_C(16) << 20)
#define BATCH_BYTES_MAX (UINT32_C(16) << 20)
#define ADMIN_MESSAGE_BYTES (1 << 20)
#define WORKER_MESSAGE_BYTES (INT64_C(64) << 20)
#define HEADER_BYTES_MAX ((size_t)64 << 10)
#define TICK_ROOM_MAX (UINT64_C(512) << 10)
#define OWED_BYTES_MAX ((size_t)4 << 20)
#define LINGER_MS 500

static void
limits_set(struct broker *b, const struct broker_options *o, struct journal_limits *ret_journal)
{
    uint32_t batch_bytes = o->segment_bytes / 2;

    if (batch_bytes > BATCH_BYTES_MAX)
        batch_bytes = BATCH_BYTES_MAX;
    b->max_record_bytes = o->max_record_bytes;
    b->max_journal_record = batch_bytes / 2;
    b->max_follow_up_bytes = batch_bytes / 4;
    b->tick_room = batch_bytes / 4 < TICK_ROOM_MAX ? batch_bytes / 4 : TICK_ROOM_MAX;
    b->max_report_entries = PULL_MESSAGES_MAX;
    if (b->max_report_entries > batch_bytes / 4 / MARK_BYTES_BARE)
        b->max_report_entries = batch_bytes / 4 / MARK_BYTES_BARE;
    b->limits = (struct core_limits){.max_messages = o->max_messages,
                                     .max_volatile = VOLATILE_MAX,
                                     .volatile_us = VOLATILE_US,
                                     .window_messages = WINDOW_MESSAGES,
                                     .window_bytes = WINDOW_BYTES,
                                     .lease_us = o->lease_us,
                                     .heartbeat_us = o->heartbeat_us,
                                     .max_kills = o->max_kills,
                                     .max_clients = CLIENTS_MAX,
                                     .max_workers = WORKERS_MAX};
    *ret_journal = (struct journal_limits){.dir = o->journal_dir,
                                           .segment_bytes = o->segment_bytes,
                                           .max_bytes = o->journal_max_bytes,
                                           .keep_bytes = o->journal_keep_bytes,
                                           .keep_us = o->journal_keep_us,
                                           .batch_bytes = batch_bytes};
}

static void
replay_begin(void *arg, const struct ledger *base)
{
    struct broker *b = arg;

    core_replay_begin(b->core, base);
}

static void
replay_record(void *arg, const struct record *r, struct place place)
{
    struct broker *b = arg;

    core_replay(b->core, r, place, b->now_us);
}

/* A survivor's segment is told that something in it lives. */
static bool
survivor_retain(void *arg, const struct message_view *view)
{
    struct broker *b = arg;

    if (view->place.segment != 0)
        journal_retain(b->journal, view->place);
    return true;
}

static int
journal_exit_code(int outcome)
{
    switch (outcome) {
    case JOURNAL_LOCKED:
        return EXIT_UNAVAILABLE;
    case JOURNAL_FOREIGN:
        return EXIT_CONFIG;
    default:
        return EXIT_DISK;
    }
}

static int
journal_start(struct broker *b, struct journal_limits *limits)
{
    struct journal_opened opened;
    char *why = NULL;

    limits->begin = replay_begin;
    b->core = core_new(&b->limits, 0, 0, NULL);
    int r = journal_open(limits, replay_record, b, &b->journal, &opened, &why);
    if (r != JOURNAL_OK) {
        log_event(EVENT_FATAL, LOG_S("why", why != NULL ? why : strerror(r < 0 ? -r : 0)));
        free(why);
        return journal_exit_code(r);
    }
    if (why != NULL)
        log_event(EVENT_JOURNAL_MENDED, LOG_S("why", why), LOG_U("torn_bytes", opened.torn_bytes),
                  LOG_U("damaged_messages", opened.damaged_messages));
    free(why);
    core_replay_end(b->core, opened.epoch, opened.next_seq);
    b->uuid = opened.uuid;
    b->epoch = opened.epoch;
    b->first_seq = opened.next_seq;
    b->damaged_messages = opened.damaged_messages;
    core_walk(b->core, CORE_NOBODY, b->now_us, 0, UINT32_MAX, survivor_retain, b);
    effects_run(b);
    malloc_trim(0); /* what replay read batches into: as large as the largest batch it met */

    struct core_figures figures;
    core_figures(b->core, &figures);
    log_event(EVENT_JOURNAL_OPENED, LOG_U("segments", opened.segments),
              LOG_U("epoch", opened.epoch), LOG_U("next_seq", opened.next_seq),
              LOG_U("live", figures.live), LOG_U("parked", figures.parked));
    return b->fatal;
}

static int
sockets_start(struct broker *b, const struct broker_options *o)
{
    int64_t submit_bytes = (int64_t)WINDOW_BYTES;
    const char *failed = "";

    if (submit_bytes < o->max_record_bytes)
        submit_bytes = o->max_record_bytes;
    const struct socket_options options[ENDPOINTS] = {
        [ENDPOINT_CLIENT] = {o->client_address, submit_bytes + (int64_t)HEADER_BYTES_MAX},
        [ENDPOINT_WORKER] = {o->worker_address, WORKER_MESSAGE_BYTES},
        [ENDPOINT_ADMIN] = {o->admin_address, ADMIN_MESSAGE_BYTES},
    };
    int r = sockets_open(&b->sockets, options, &failed);
    if (r == 0)
        return 0;
    log_event(EVENT_FATAL, LOG_S("why", "can't bind"), LOG_S("address", failed),
              LOG_S("error", zmq_strerror(-r)));
    return EXIT_UNAVAILABLE;
}

int
broker_open(struct broker *b, const struct broker_options *options)
{
    struct journal_limits journal;

    memset(b, 0, sizeof(*b));
    held_init(&b->held);
    zmq_msg_init(&b->submit.records);
    limits_set(b, options, &journal);
    if (options->max_record_bytes > b->max_journal_record) {
        log_event(EVENT_FATAL, LOG_S("why", "max_record_bytes must be at most a quarter of "
                                            "segment_bytes and 8MiB"));
        return EXIT_CONFIG;
    }
    b->now_us = b->started_us = clock_mono_us();
    buf_init(&b->header, HEADER_BYTES_MAX);
    buf_init(&b->scratch, (size_t)b->max_journal_record + MARK_BYTES_MAX);
    buf_init(&b->owed, OWED_BYTES_MAX);
    b->move = mem_new((size_t)b->max_journal_record, 1);
    b->peers = peers_new(CLIENTS_MAX + WORKERS_MAX);
    b->bodies = bodies_new(VOLATILE_MAX, VOLATILE_BYTES_MAX);
    int r = journal_start(b, &journal);
    return r != 0 ? r : sockets_start(b, options);
}

void
broker_close(struct broker *b)
{
    journal_close(&b->journal);
    sockets_close(&b->sockets, b->fatal == 0 ? LINGER_MS : 0);
    held_deinit(&b->held);
    zmq_msg_close(&b->submit.records);
    peers_free(&b->peers);
    bodies_free(&b->bodies);
    core_free(&b->core);
    buf_deinit(&b->header);
    buf_deinit(&b->scratch);
    buf_deinit(&b->owed);
    free(b->move);
}
