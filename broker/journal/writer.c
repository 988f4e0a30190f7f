/* The writer thread. A failed pwrite, fdatasync or mark is never tried again: the kernel may have
 * dropped the pages, and a second try that succeeds would prove nothing. */
#include "broker/journal/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "broker/journal/folder.h"

int
writer_init(struct writer *w, int event_fd)
{
    *w = (struct writer){.event_fd = event_fd};
    int rc = pthread_mutex_init(&w->mutex, NULL);
    if (rc != 0)
        return -rc;
    rc = pthread_cond_init(&w->wake, NULL);
    if (rc != 0)
        pthread_mutex_destroy(&w->mutex);
    return -rc;
}

static void
writer_ring(struct writer *w)
{
    uint64_t one = 1;
    ssize_t n = write(w->event_fd, &one, sizeof(one));
    (void)n; /* EAGAIN: it is readable already */
}

/* Mutex held. */
static void
writer_fail(struct writer *w, int error, const char *call, uint32_t segment)
{
    char name[LAYOUT_NAME_SIZE], why[64];

    if (w->state.failed != 0)
        return;
    w->state.failed = -error;
    layout_name(segment, name);
    snprintf(w->text, sizeof(w->text), "%s: %s: %s", name, call,
             strerror_r(-error, why, sizeof(why)));
}

/* Writes and syncs; the mutex is not held. */
static int
job_write(const struct write_job *job, const char **ret_call, int64_t *ret_sync_us)
{
    *ret_call = "write";
    int rc = file_pwrite(job->fd, job->data, job->size, job->offset);
    if (rc != 0)
        return rc;
    *ret_call = "sync";
    int64_t begin_us = clock_mono_us();
    if (fdatasync(job->fd) < 0)
        return -errno;
    *ret_sync_us = clock_mono_us() - begin_us;
    return 0;
}

/* Mutex held, but not while writing. The job at hand goes to disk. */
static int
writer_work(struct writer *w)
{
    const char *call = "";
    int64_t sync_us = 0;
    struct write_job *job = &w->job;

    pthread_mutex_unlock(&w->mutex);
    int rc = job_write(job, &call, &sync_us);
    pthread_mutex_lock(&w->mutex);
    if (rc != 0) {
        writer_fail(w, rc, call, job->segment);
    } else {
        w->state.done++;
        w->state.next_seq = job->next_seq;
        w->state.head = job->head;
        w->state.sync_us_total += (uint64_t)sync_us;
        if ((uint64_t)sync_us > w->state.sync_us_max)
            w->state.sync_us_max = (uint64_t)sync_us;
        w->mark_due = job->mark_offset != 0;
    }
    w->has_job = false;
    return rc;
}

/* Mutex held, but not while writing. */
static void
writer_mark(struct writer *w)
{
    uint8_t mark[LAYOUT_PAGE] = {0};
    int fd = w->job.fd;
    uint32_t segment = w->job.segment;
    uint64_t offset = w->job.mark_offset;
    uint32_t size = w->job.mark_size;

    w->mark_due = false;
    sluice_assert(size <= sizeof(mark));
    memcpy(mark, w->job.mark, sizeof(w->job.mark));
    pthread_mutex_unlock(&w->mutex);
    int rc = file_pwrite(fd, mark, size, offset);
    pthread_mutex_lock(&w->mutex);
    if (rc != 0)
        writer_fail(w, rc, "write", segment);
}

static void *
writer_run(void *arg)
{
    struct writer *w = arg;

    pthread_mutex_lock(&w->mutex);
    for (;;) {
        if (w->has_job && w->state.failed == 0) {
            writer_work(w);
            /* Without the mutex: whoever is woken wants it at once. */
            pthread_mutex_unlock(&w->mutex);
            writer_ring(w);
            pthread_mutex_lock(&w->mutex);
        } else if (w->mark_due && w->state.failed == 0) {
            writer_mark(w);
            if (w->state.failed != 0)
                writer_ring(w);
        } else if (w->stop) {
            break;
        } else {
            pthread_cond_wait(&w->wake, &w->mutex);
        }
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

int
writer_start(struct writer *w)
{
    int rc = pthread_create(&w->thread, NULL, writer_run, w);
    w->running = rc == 0;
    return -rc;
}

int
writer_do(struct writer *w, const struct write_job *job)
{
    sluice_assert(!w->running && !w->has_job);
    pthread_mutex_lock(&w->mutex);
    w->job = *job;
    w->has_job = true;
    int rc = writer_work(w);
    if (rc == 0 && w->mark_due)
        writer_mark(w);
    rc = -w->state.failed;
    pthread_mutex_unlock(&w->mutex);
    return rc;
}

void
writer_hand(struct writer *w, const struct write_job *job)
{
    pthread_mutex_lock(&w->mutex);
    sluice_assert(!w->has_job);
    w->job = *job;
    w->has_job = true;
    w->mark_due = false;
    pthread_mutex_unlock(&w->mutex);
    pthread_cond_signal(&w->wake); /* without the mutex, which the woken thread takes at once */
}

bool
writer_is_free(struct writer *w)
{
    pthread_mutex_lock(&w->mutex);
    bool is_free = !w->has_job;
    pthread_mutex_unlock(&w->mutex);
    return is_free;
}

void
writer_look(struct writer *w, struct writer_state *ret)
{
    pthread_mutex_lock(&w->mutex);
    *ret = w->state;
    pthread_mutex_unlock(&w->mutex);
}

void
writer_stop(struct writer *w)
{
    if (!w->running)
        return;
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    pthread_join(w->thread, NULL);
    w->running = false;
}

void
writer_deinit(struct writer *w)
{
    writer_stop(w);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->mutex);
}
