/* HTTP: one POST with a total deadline, or one GET whose answer does not end. */
#ifndef SLUICE_CTL_HTTP_H
#define SLUICE_CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_ANSWER_MAX ((size_t)4 << 20)

struct http_answer {
    long status;
    char *body; /* NUL-terminated, malloc'd */
    size_t body_len;
};

/* headers: "Name: value", n of them. 0 with an answer of any status, or 1 with *ret_why (static
 * text): not reached, too slow, or an answer past HTTP_ANSWER_MAX. Redirects are not followed. */
int http_post(const char *url, const char *const *headers, size_t n_headers, const char *body,
              size_t body_len, int64_t timeout_us, struct http_answer *ret_answer,
              const char **ret_why);
/* GET, handing over what comes as it comes; take returns false to end it. The answer's status, 0 if
 * there was none (*ret_why says why; NULL: take ended it). Only what a 200 says is handed over. A
 * connection on which nothing came for silence_us is given up. */
long http_stream(const char *url, const char *const *headers, size_t n_headers, int64_t connect_us,
                 int64_t silence_us, bool (*take)(void *arg, const char *data, size_t len),
                 void *arg, const char **ret_why);
/* text as one segment of a path; malloc'd. */
char *http_escape(const char *text);

#endif
