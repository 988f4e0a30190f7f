/* How many records a second the journal takes, synced, at given batch sizes: journal_bench [DIR
 * [SECONDS]]. One line a batch size: records/s, syncs/s, CPU per record. Messages are finished as
 * they become durable, so that segments are recycled; done records ride along and are not counted.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "broker/journal/journal.h"

#define BODY_BYTES 1024u

struct bench {
    struct journal *journal;
    struct ledger ledger;
    struct place *places; /* of messages not yet finished, a ring by seq */
    uint64_t first_living, next_seq, durable_seq;
    uint8_t message[BODY_BYTES + 128], done[128];
    uint32_t message_bytes, done_bytes;
};

#define RING 65536u

static void
ignore(void *arg, const struct record *r, struct place place)
{
    (void)arg;
    (void)r;
    (void)place;
}

static void
records_make(struct bench *b)
{
    static uint8_t body[BODY_BYTES];
    struct record r = {.kind = RECORD_MESSAGE,
                       .epoch = 1,
                       .service = "submissions",
                       .service_len = 11,
                       .body = body,
                       .body_len = BODY_BYTES};
    struct buf m = {.data = b->message, .cap = sizeof(b->message), .ceiling = sizeof(b->message)};
    struct buf d = {.data = b->done, .cap = sizeof(b->done), .ceiling = sizeof(b->done)};

    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (uint8_t)rand();
    sluice_assert(record_write(&m, &r) == BUF_OK);
    r.kind = RECORD_DONE;
    r.attempt = OUTCOME_STORED;
    r.body_len = 0;
    sluice_assert(record_write(&d, &r) == BUF_OK);
    b->message_bytes = (uint32_t)m.size;
    b->done_bytes = (uint32_t)d.size;
}

static void
bench_wait(struct bench *b)
{
    struct pollfd p = {.fd = journal_fd(b->journal), .events = POLLIN};

    sluice_assert(poll(&p, 1, 60000) == 1);
    sluice_assert(journal_turn(b->journal, &b->durable_seq) == JOURNAL_OK);
}

/* Done records for what is durable, as many as there is room for. */
static void
bench_finish(struct bench *b)
{
    struct place place;

    while (b->first_living <= b->durable_seq &&
           journal_room(b->journal, 0, b->done_bytes) == JOURNAL_OK) {
        record_set_origin(b->done, 1, b->first_living, 0);
        sluice_assert(journal_append(b->journal, b->done, b->done_bytes, &place) == JOURNAL_OK);
        journal_release(b->journal, b->places[b->first_living % RING]);
        b->ledger.by_outcome[OUTCOME_STORED]++;
        b->first_living++;
    }
}

/* A batch of so many is handed over, and the next gathers while it is synced. */
static void
bench_run(struct bench *b, uint32_t batch, int64_t seconds)
{
    struct journal_figures before, after;
    struct rusage use_before, use_after;
    uint64_t records = 0;

    journal_figures(b->journal, &before);
    getrusage(RUSAGE_SELF, &use_before);
    int64_t begin_us = clock_mono_us(), now_us = begin_us;
    while (now_us - begin_us < seconds * US_PER_S) {
        for (uint32_t i = 0; i < batch && b->next_seq - b->first_living < RING; i++) {
            struct place *place = &b->places[b->next_seq % RING];
            record_set_origin(b->message, 1, b->next_seq, 0);
            if (journal_append(b->journal, b->message, b->message_bytes, place) != JOURNAL_OK)
                break;
            b->ledger.accepted++;
            b->ledger.last_seq = b->next_seq++;
            records++;
        }
        journal_hand_over(b->journal, &b->ledger);
        if (journal_gathered_anything(b->journal) || b->durable_seq + 1 < b->next_seq)
            bench_wait(b);
        bench_finish(b);
        now_us = clock_mono_us();
    }
    getrusage(RUSAGE_SELF, &use_after);
    journal_figures(b->journal, &after);
    double elapsed_s = (double)(now_us - begin_us) / (double)US_PER_S;
    double cpu_us = (double)(use_after.ru_utime.tv_sec - use_before.ru_utime.tv_sec +
                             use_after.ru_stime.tv_sec - use_before.ru_stime.tv_sec) *
                        (double)US_PER_S +
                    (double)(use_after.ru_utime.tv_usec - use_before.ru_utime.tv_usec +
                             use_after.ru_stime.tv_usec - use_before.ru_stime.tv_usec);
    uint64_t syncs = after.syncs - before.syncs;
    printf("batch %5u: %9.0f records/s %7.0f syncs/s  %6.2f us CPU a record  %7.0f us a sync\n",
           batch, (double)records / elapsed_s, (double)syncs / elapsed_s,
           records > 0 ? cpu_us / (double)records : 0,
           syncs > 0 ? (double)(after.sync_us_total - before.sync_us_total) / (double)syncs : 0);
}

int
main(int argc, char **argv)
{
    static const uint32_t batches[] = {1, 16, 128, 1024};
    char made[] = "/tmp/journal-bench-XXXXXX";
    struct bench b = {0};
    struct journal_opened opened;
    char *why = NULL;
    struct journal_limits limits = {
        .segment_bytes = 64u << 20, .max_bytes = 2ull << 30, .keep_us = 0, .batch_bytes = 4u << 20};

    limits.dir = argc > 1 ? argv[1] : mkdtemp(made);
    int64_t seconds = argc > 2 ? atol(argv[2]) : 3;
    int rc = journal_open(&limits, ignore, NULL, &b.journal, &opened, &why);
    if (rc != 0) {
        fprintf(stderr, "journal_bench: %s\n", why);
        return EXIT_FAILED;
    }
    if (opened.next_seq != 1) {
        fprintf(stderr, "journal_bench: %s: wants a folder of its own\n", limits.dir);
        return EXIT_USAGE;
    }
    free(why);
    b.places = mem_new(RING, sizeof(*b.places));
    b.first_living = b.next_seq = 1;
    records_make(&b);
    for (size_t i = 0; i < ARRAY_LEN(batches); i++)
        bench_run(&b, batches[i], seconds);
    journal_close(&b.journal);
    free(b.places);
    return EXIT_DONE;
}
