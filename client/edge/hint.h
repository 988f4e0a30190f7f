/* Redis as a hint: it says when there are new alerts in a study, never what they are. Reads
 * sluice:alerts:{study} (XREAD, blocking on Redis' side) for the studies that are watched, and
 * calls back with the seq of each entry. Down, or flushed, or wrong: somebody asks a little later.
 *
 * On the loop; a reply can't make us allocate more than it carries. Every function takes NULL. */
#ifndef SLUICE_EDGE_HINT_H
#define SLUICE_EDGE_HINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#define HINT_STUDIES_MAX 4096

struct hint; /* opaque */

typedef void (*hint_call)(void *arg, const char *study, size_t len, int64_t seq);

struct hint_options {
    const char *target;        /* unix:PATH or tcp:HOST:PORT; "": no hints */
    const char *user;          /* "": Redis' default user */
    const char *password_file; /* "": none */
};

/* Without a target *ret_hint is NULL. Nonzero: *ret_why is a malloc'd text. Connects when there is
 * something to watch. */
int hint_new(uv_loop_t *loop, const struct hint_options *options, hint_call call, void *arg,
             struct hint **ret_hint, char **ret_why);
/* Gives the loop's handle up; hint_free when the loop has closed it. */
void hint_stop(struct hint *h);
void hint_free(struct hint *h);

/* From now on; once is enough. Past HINT_STUDIES_MAX a study is not watched. */
void hint_watch(struct hint *h, const char *study);
/* Connected, and reading. */
bool hint_is_up(const struct hint *h);
/* Connects if it is time; returns when to come again. */
int64_t hint_turn(struct hint *h, int64_t now_us);

#endif
