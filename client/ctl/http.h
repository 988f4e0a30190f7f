/* One HTTP POST, with a total deadline. */
#ifndef SLUICE_CTL_HTTP_H
#define SLUICE_CTL_HTTP_H

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
/* text as one segment of a path; malloc'd. */
char *http_escape(const char *text);

#endif
