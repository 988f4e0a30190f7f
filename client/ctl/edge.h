/* The edge as sluicectl uses it: with a token, as an app would. */
#ifndef SLUICE_CTL_EDGE_H
#define SLUICE_CTL_EDGE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/ctl/ctl.h"
#include "client/ctl/http.h"

#define EDGE_HEADER_MAX 1024

struct edge_session {
    const struct ctl *ctl;
    char authorization[EDGE_HEADER_MAX]; /* a header line */
};

/* The token: $SLUICE_TOKEN, else the first of ctl/token_file (--study: that covers it). EXIT_DONE,
 * or the exit code after a complaint. */
int edge_open(const struct ctl *ctl, struct edge_session *ret_session);
void edge_close(struct edge_session *e); /* forgets the token */
/* path begins with a slash; malloc'd. */
char *edge_url(const struct ctl *ctl, const char *path);
/* One line of printable characters that fits a header. */
bool edge_header_is_sound(const char *text);
/* What the program exits with: 0 for 2xx, try again for 429 and 5xx, else failed. */
int edge_exit(long status);
/* Status and body, for people or as {"status", "answer"}; returns edge_exit of it. */
int edge_answer_show(const struct ctl *ctl, const struct http_answer *answer);
/* POST with the token; body may be "". EXIT_DONE, or the exit code after a complaint that the edge
 * was not reached. */
int edge_post(const struct edge_session *e, const char *url, const char *const *headers,
              size_t n_headers, const char *body, size_t len, struct http_answer *ret_answer);

#endif
