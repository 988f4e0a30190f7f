/* Segments made ready ahead of the tail, and the thread that makes them.
 *
 * A ready segment lies in the folder under the number it will have, written with zeros or with the
 * old bytes of a segment that was finished, and nothing in it is valid under that number. Numbers
 * are handed out in order without a hole. The files of the whole journal are counted against a cap.
 * Two ready ones belong to done records and moving; who takes the last ones is for the caller. */
#ifndef SLUICE_BROKER_JOURNAL_SPARE_H
#define SLUICE_BROKER_JOURNAL_SPARE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "broker/journal/folder.h"

#define SPARE_RESERVE 2u /* for done records and moving */
#define SPARE_TARGET 3u
#define SPARE_MAX 4u

struct spare_segment {
    uint32_t number;
    uint32_t bytes;
    int fd;
};

struct spare_limits {
    uint32_t segment_bytes;
    uint32_t max_files; /* of the journal, all told */
};

struct spare {
    const struct folder *folder;
    struct spare_limits limits;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake, changed;
    int event_fd;
    bool running, stop;
    struct spare_segment ready[SPARE_MAX];
    uint32_t n_ready;
    uint32_t next_number;
    uint32_t files;                        /* segments on disk, ready ones too */
    uint32_t recycle_first, recycle_after; /* finished segments given to us */
    bool no_space;
    bool paced;   /* nobody waits for a segment: the disk gets it in small pieces, spread out */
    bool pleaded; /* done records have nowhere to go: one segment beyond the cap */
    int failed;   /* errno; sticky */
    char text[160];
};

/* files: segments in the folder now; next_number: the one behind the tail. */
int spare_init(struct spare *s, const struct folder *folder, const struct spare_limits *limits,
               int event_fd, uint32_t files, uint32_t next_number);
/* A segment found ready at open; its number must be the next one. */
void spare_add(struct spare *s, const struct spare_segment *found);
int spare_start(struct spare *s);
/* Waits until the reserve and one more are ready, or no more can be had. */
void spare_settle(struct spare *s);
void spare_stop(struct spare *s);
void spare_deinit(struct spare *s);

/* Makes the next segment here and now if none is ready (open). 0, -ENOSPC …. */
int spare_make_now(struct spare *s, uint32_t bytes);
/* The next segment; false: none is ready. Its fd becomes the caller's. */
bool spare_take(struct spare *s, struct spare_segment *ret);
/* The next one will be wanted soon: no more pauses until then. */
void spare_hurry(struct spare *s);

struct spare_view {
    uint32_t ready, files;
    uint32_t recycling; /* offered, not yet taken up */
    bool stuck;         /* more are wanted and none can be made: cap or disk */
    int failed;
};
void spare_look(struct spare *s, struct spare_view *ret);
/* Done records have nowhere to go: makes one segment even at the cap, which is there to hold up
 * intake and not the end of what was taken in. */
void spare_plead(struct spare *s);
/* Segments [first, after) are finished for good: to be recycled or removed. */
void spare_offer(struct spare *s, uint32_t first, uint32_t after);

#endif
