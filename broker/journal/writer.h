/* The writer thread: one batch at a time, one pwrite and one fdatasync each, in order.
 *
 * The reactor hands a job only while the writer is free, and leaves the job's memory alone until
 * another job was handed. When nothing follows a synced batch, the writer puts a mark behind it
 * (unsynced: if it is on disk, what is before it is too). The first failure is final. */
#ifndef SLUICE_BROKER_JOURNAL_WRITER_H
#define SLUICE_BROKER_JOURNAL_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/journal/layout.h"

struct write_job {
    int fd;
    uint32_t segment; /* for the failure's text */
    const uint8_t *data;
    size_t size;
    uint64_t offset;
    uint64_t mark_offset; /* 0: no room for a mark */
    uint32_t mark_size;   /* with the zeros behind it, LAYOUT_PAGE at most */
    uint64_t next_seq;    /* behind this batch */
    uint32_t head;        /* the head that is on disk once this is synced */
    uint8_t mark[LAYOUT_BATCH_HEADER];
};

struct writer_state {
    uint64_t done;     /* jobs synced */
    uint64_t next_seq; /* of the last one */
    uint32_t head;
    int failed; /* errno; sticky */
    uint64_t sync_us_total, sync_us_max;
};

#define WRITER_TEXT 160

struct writer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int event_fd;
    bool running, has_job, stop, mark_due;
    struct write_job job;
    struct writer_state state;
    char text[WRITER_TEXT]; /* of the failure */
};

/* event_fd is written to when a job is done or has failed; it stays the caller's. */
int writer_init(struct writer *w, int event_fd);
int writer_start(struct writer *w);
/* Does one job here and now, before the thread is started. 0 or -errno (sticky like any other). */
int writer_do(struct writer *w, const struct write_job *job);
/* The writer must be free. */
void writer_hand(struct writer *w, const struct write_job *job);
bool writer_is_free(struct writer *w);
/* The state now; text of the failure as long as there is one. */
void writer_look(struct writer *w, struct writer_state *ret);
/* Finishes the job at hand and ends the thread. */
void writer_stop(struct writer *w);
void writer_deinit(struct writer *w);

#endif
