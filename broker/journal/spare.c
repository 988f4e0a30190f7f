/* The preparer thread. It works at low priority and gives the disk small pieces, so that a commit
 * waits for one of them at most; and with pauses, so that few commits do, unless there is haste.
 * Without space it tries again after a while: nothing tells a
 * process when a disk has room again. */
#include "broker/journal/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define SPARE_TEMPORARY "spare.new"
#define SPARE_PIECE (256u << 10)
#define SPARE_PAUSES 4 /* times a piece's own time */
#define SPARE_RETRY_S 1
#define SPARE_NICE 10

int
spare_init(struct spare *s, const struct folder *folder, const struct spare_limits *limits,
           int event_fd, uint32_t files, uint32_t next_number)
{
    *s = (struct spare){
        .folder = folder,
        .limits = *limits,
        .event_fd = event_fd,
        .next_number = next_number,
        .files = files,
    };
    int rc = pthread_mutex_init(&s->mutex, NULL);
    if (rc == 0)
        rc = pthread_cond_init(&s->wake, NULL);
    if (rc == 0)
        rc = pthread_cond_init(&s->changed, NULL);
    if (unlinkat(folder->fd, SPARE_TEMPORARY, 0) < 0 && errno != ENOENT && rc == 0)
        rc = errno;
    return -rc;
}

/* A pause after work of so many microseconds; hurry and stop end it. */
static void
spare_rest(struct spare *s, int64_t busy_us)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + SPARE_PAUSES * busy_us * 1000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_mutex_lock(&s->mutex);
    while (s->paced && !s->stop && pthread_cond_timedwait(&s->wake, &s->mutex, &until) == 0)
        continue;
    pthread_mutex_unlock(&s->mutex);
}

/* Writes zeros over the whole file in pieces, each sent to the disk before the next but one.
 *
 * By way of the page cache, though direct I/O costs this thread a third: the pages are those that
 * records are written to later, and without them the writer allocates them, in the way of a commit.
 * Tried: the same CPU all told, and where memory is touched for the first time (13 us a page seen
 * in a virtual machine) commits took 0.1 ms longer, and a third fewer of them got done at full
 * speed. */
static int
segment_fill(struct spare *s, int fd, uint32_t bytes)
{
    if (fallocate(fd, 0, 0, bytes) < 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        return -errno;
    uint8_t *zeros = mem_new(1, SPARE_PIECE);
    int rc = 0;
    for (uint32_t at = 0; at < bytes && rc == 0; at += SPARE_PIECE) {
        uint32_t n = bytes - at < SPARE_PIECE ? bytes - at : SPARE_PIECE;
        int64_t begin_us = clock_mono_us();
        rc = file_pwrite(fd, zeros, n, at);
        if (rc == 0)
            sync_file_range(fd, at, n, SYNC_FILE_RANGE_WRITE); /* a hint; fsync below decides */
        if (rc == 0 && at >= SPARE_PIECE)
            sync_file_range(fd, at - SPARE_PIECE, SPARE_PIECE, SYNC_FILE_RANGE_WAIT_AFTER);
        spare_rest(s, clock_mono_us() - begin_us);
    }
    free(zeros);
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    return rc;
}

/* Makes a segment file of zeros under its final name. *ret_fd is open for reading and writing. */
static int
segment_make(struct spare *s, uint32_t number, uint32_t bytes, int *ret_fd)
{
    const struct folder *f = s->folder;
    char name[LAYOUT_NAME_SIZE];

    layout_name(number, name);
    int fd = openat(f->fd, SPARE_TEMPORARY, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = segment_fill(s, fd, bytes);
    if (rc == 0 && renameat(f->fd, SPARE_TEMPORARY, f->fd, name) < 0)
        rc = -errno;
    if (rc != 0)
        unlinkat(f->fd, SPARE_TEMPORARY, 0);
    if (rc == 0)
        rc = folder_sync(f);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

/* Gives a finished segment a new number. -ENOENT: no such file; -ERANGE: not of this size, removed.
 */
static int
segment_recycle(const struct folder *f, uint32_t old, uint32_t number, uint32_t bytes, int *ret_fd)
{
    char from[LAYOUT_NAME_SIZE], to[LAYOUT_NAME_SIZE];
    struct stat st;

    layout_name(old, from);
    layout_name(number, to);
    int fd = openat(f->fd, from, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && st.st_size != (off_t)bytes) {
        rc = unlinkat(f->fd, from, 0) < 0 ? -errno : -ERANGE;
    }
    if (rc == 0 && renameat(f->fd, from, f->fd, to) < 0)
        rc = -errno;
    if (rc == 0)
        rc = folder_sync(f);
    if (rc != 0) {
        close(fd);
        return rc;
    }
    *ret_fd = fd;
    return 0;
}

static int
segment_remove(const struct folder *f, uint32_t number)
{
    char name[LAYOUT_NAME_SIZE];

    layout_name(number, name);
    if (unlinkat(f->fd, name, 0) < 0)
        return -errno;
    return folder_sync(f);
}

static bool
is_no_space(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT;
}

/* Mutex held. */
static void
spare_fail(struct spare *s, int error, const char *call, uint32_t number)
{
    char name[LAYOUT_NAME_SIZE], why[64];

    if (s->failed != 0)
        return;
    s->failed = -error;
    layout_name(number, name);
    snprintf(s->text, sizeof(s->text), "%s: %s: %s", name, call,
             strerror_r(-error, why, sizeof(why)));
}

/* Mutex held. Tells the reactor and whoever waits in spare_settle. */
static void
spare_ring(struct spare *s)
{
    uint64_t one = 1;
    ssize_t n = write(s->event_fd, &one, sizeof(one));
    (void)n; /* EAGAIN: it is readable already */
    pthread_cond_broadcast(&s->changed);
}

/* Mutex held, but not while the disk works. */
static void
spare_recycle_one(struct spare *s, bool keep)
{
    uint32_t old = s->recycle_first, number = s->next_number;
    int fd = -1;

    pthread_mutex_unlock(&s->mutex);
    int rc = keep ? segment_recycle(s->folder, old, number, s->limits.segment_bytes, &fd)
                  : segment_remove(s->folder, old);
    pthread_mutex_lock(&s->mutex);
    s->recycle_first++;
    if (rc == 0 && keep) {
        s->ready[s->n_ready++] = (struct spare_segment){number, s->limits.segment_bytes, fd};
        s->next_number++;
    } else if (rc == 0 || rc == -ERANGE) {
        s->files--;
        s->no_space = false;
    } else if (rc != -ENOENT) {
        spare_fail(s, rc, keep ? "recycle" : "remove", old);
    }
    spare_ring(s);
}

/* Mutex held, but not while the disk works. */
static int
spare_make_one(struct spare *s, uint32_t bytes)
{
    uint32_t number = s->next_number;
    int fd = -1;

    pthread_mutex_unlock(&s->mutex);
    int rc = segment_make(s, number, bytes, &fd);
    pthread_mutex_lock(&s->mutex);
    s->no_space = is_no_space(rc);
    if (rc == 0) {
        s->pleaded = false;
        s->ready[s->n_ready++] = (struct spare_segment){number, bytes, fd};
        s->next_number++;
        s->files++;
    } else if (!s->no_space) {
        spare_fail(s, rc, "prepare", number);
    }
    spare_ring(s);
    return rc;
}

/* Mutex held. */
static bool
spare_may_make(const struct spare *s)
{
    return s->files < s->limits.max_files || (s->pleaded && s->n_ready == 0);
}

/* Mutex held: waits for something to do, or for another try when the disk is full. */
static void
spare_wait(struct spare *s)
{
    struct timespec until;

    if (!s->no_space || s->n_ready >= SPARE_TARGET) {
        pthread_cond_wait(&s->wake, &s->mutex);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SPARE_RETRY_S;
    if (pthread_cond_timedwait(&s->wake, &s->mutex, &until) == ETIMEDOUT && spare_may_make(s) &&
        !s->stop)
        spare_make_one(s, s->limits.segment_bytes);
}

static void *
spare_run(void *arg)
{
    struct spare *s = arg;

    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), SPARE_NICE); /* of this thread; may fail */
    pthread_mutex_lock(&s->mutex);
    while (!s->stop) {
        bool wants = s->n_ready < SPARE_TARGET;
        if (s->failed != 0)
            pthread_cond_wait(&s->wake, &s->mutex);
        else if (s->recycle_first < s->recycle_after)
            spare_recycle_one(s, wants);
        else if (wants && spare_may_make(s) && !s->no_space)
            spare_make_one(s, s->limits.segment_bytes);
        else
            spare_wait(s);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

void
spare_add(struct spare *s, const struct spare_segment *found)
{
    sluice_assert(found->number == s->next_number && s->n_ready < SPARE_MAX);
    s->ready[s->n_ready++] = *found;
    s->next_number++;
}

int
spare_start(struct spare *s)
{
    int rc = pthread_create(&s->thread, NULL, spare_run, s);
    s->running = rc == 0;
    return -rc;
}

/* Mutex held. */
static bool
spare_is_stuck(const struct spare *s)
{
    return s->n_ready < SPARE_TARGET && s->recycle_first >= s->recycle_after &&
           (s->no_space || !spare_may_make(s));
}

void
spare_settle(struct spare *s)
{
    pthread_mutex_lock(&s->mutex);
    while (s->n_ready < SPARE_TARGET && s->failed == 0 && !spare_is_stuck(s))
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
}

void
spare_stop(struct spare *s)
{
    if (!s->running)
        return;
    pthread_mutex_lock(&s->mutex);
    s->stop = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    s->running = false;
}

void
spare_deinit(struct spare *s)
{
    spare_stop(s);
    for (uint32_t i = 0; i < s->n_ready; i++)
        close(s->ready[i].fd);
    s->n_ready = 0;
    pthread_cond_destroy(&s->changed);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
}

int
spare_make_now(struct spare *s, uint32_t bytes)
{
    sluice_assert(!s->running);
    pthread_mutex_lock(&s->mutex);
    int rc = s->n_ready > 0 ? 0 : spare_make_one(s, bytes);
    pthread_mutex_unlock(&s->mutex);
    return rc;
}

bool
spare_take(struct spare *s, struct spare_segment *ret)
{
    pthread_mutex_lock(&s->mutex);
    bool there = s->n_ready > 0;
    if (there) {
        *ret = s->ready[0];
        s->n_ready--;
        s->paced = true;
        memmove(s->ready, s->ready + 1, s->n_ready * sizeof(*s->ready));
        pthread_cond_signal(&s->wake);
    }
    pthread_mutex_unlock(&s->mutex);
    return there;
}

void
spare_hurry(struct spare *s)
{
    pthread_mutex_lock(&s->mutex);
    bool was_paced = s->paced;
    s->paced = false;
    pthread_mutex_unlock(&s->mutex);
    if (was_paced)
        pthread_cond_signal(&s->wake);
}

void
spare_look(struct spare *s, struct spare_view *ret)
{
    pthread_mutex_lock(&s->mutex);
    *ret = (struct spare_view){
        .ready = s->n_ready,
        .files = s->files,
        .recycling = s->recycle_after - s->recycle_first,
        .stuck = spare_is_stuck(s),
        .failed = s->failed,
    };
    pthread_mutex_unlock(&s->mutex);
}

void
spare_plead(struct spare *s)
{
    pthread_mutex_lock(&s->mutex);
    s->pleaded = s->n_ready == 0;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
}

void
spare_offer(struct spare *s, uint32_t first, uint32_t after)
{
    pthread_mutex_lock(&s->mutex);
    if (s->recycle_first == s->recycle_after)
        s->recycle_first = first;
    sluice_assert(s->recycle_after == first || s->recycle_first == first);
    s->recycle_after = after;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
}
