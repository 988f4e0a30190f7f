/* What stream.c and feed.c share. A feed reads the alerts of one set of studies for the streams
 * hung on it, from its cursor on; it ends when the last of them is gone. */
#ifndef SLUICE_EDGE_STREAM_INNER_H
#define SLUICE_EDGE_STREAM_INNER_H

#include "client/edge/hint.h"
#include "client/edge/stream.h"

#define FEED_EVENTS_MAX 200 /* of one answer; the worker's bound */

struct feed {
    struct feed *next;
    struct streams *all;
    struct request ask; /* under way with a broker; it has no connection */
    struct question question;
    char *const *studies; /* of a token, which outlives us */
    size_t n_studies;
    int64_t cursor;        /* everything up to it was sent; -1: not known yet */
    int64_t target;        /* a hint named this seq: it will come */
    int64_t due_us;        /* when to ask again */
    int64_t pause_us;      /* growing, while what was hinted does not come or nobody answers */
    struct request *first; /* its streams */
    bool asking;
    bool live; /* has once read all there was: others with the same studies may join */
};

struct streams {
    struct edge *edge;
    struct feed *feeds;
    struct hint *hint; /* NULL: off */
    struct limit count;
    int64_t interval_us, heartbeat_us;
    int64_t beat_us; /* when the next heartbeat is due */
    struct buf text; /* events as they go out */
};

/* ---- feed.c ---- */
struct feed *feed_new(struct streams *s, char *const *studies, size_t n_studies, int64_t cursor);
/* A live one of these studies, NULL: none. */
struct feed *feed_find(struct streams *s, char *const *studies, size_t n_studies);
/* Asks if it is time; returns when to come again. */
int64_t feed_turn(struct feed *f, int64_t now_us);
/* Nobody reads it any more. */
void feed_free(struct feed *f);
/* study has an alert of this seq. */
void feed_hint(struct feed *f, const char *study, size_t len, int64_t seq, int64_t now_us);

/* ---- stream.c ---- */
/* Hangs q on f; opens it if f's cursor is known. May cut it. */
void stream_join(struct feed *f, struct request *q);
void stream_leave(struct request *q);
void streams_open(struct feed *f);   /* those that waited for the first answer */
void streams_refuse(struct feed *f); /* those that still wait: 503 */

#endif
