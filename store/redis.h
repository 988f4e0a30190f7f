/* One connection to Redis. Every wait is bounded by the timeout given; a connection that failed
 * once is dropped and made anew, at the earliest after a back-off. A reply can't make us allocate
 * more than it carries (hiredis 0.14 has no bound of its own). */
#ifndef SLUICE_STORE_REDIS_H
#define SLUICE_STORE_REDIS_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

enum redis_outcome {
    REDIS_DONE = 0,
    REDIS_DOWN = 1,    /* not connected, timed out, or broken; try later */
    REDIS_REFUSED = 2, /* the server answered with an error; redis_why */
};

#define REDIS_ELEMENTS_MAX 8192

struct redis; /* opaque */

struct redis_options {
    const char *target;   /* unix:PATH or tcp:HOST:PORT */
    const char *password; /* NULL: none; must outlive the handle */
    int64_t timeout_us;   /* for connecting and for each exchange */
};

/* NULL if target has neither form. Does not connect. */
struct redis *redis_new(const struct redis_options *options);
void redis_free(struct redis *r);
const char *redis_why(const struct redis *r);
/* Up already, or connects if the back-off allows. */
int redis_up(struct redis *r, int64_t now_us);
/* One command, one reply; freeReplyObject it. */
int redis_call(struct redis *r, int argc, const char **argv, const size_t *lengths,
               redisReply **ret_reply);

struct redis_script {
    const char *text;
    char sha[41];
};
/* EVALSHA, and SCRIPT LOAD before it where the server does not know the script yet. */
int redis_eval(struct redis *r, struct redis_script *script, int n_keys, int argc,
               const char **argv, const size_t *lengths, redisReply **ret_reply);
/* The same in two steps: once sent, the server will do it even if we die. Nothing else may use the
 * connection before the end; an end without a begin is REDIS_DONE. The reply is thrown away. */
int redis_eval_begin(struct redis *r, struct redis_script *script, int n_keys, int argc,
                     const char **argv, const size_t *lengths);
int redis_eval_end(struct redis *r);
bool redis_eval_under_way(const struct redis *r);

#endif
