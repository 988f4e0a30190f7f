/* A pattern of the `regex` extension: PCRE2 with UTF, anchored at both ends, no backreferences,
 * with limits on matching, so that a hostile pattern costs a bounded time and memory. Inner header
 * of questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_REGEX_H
#define SLUICE_QUESTIONNAIRE_REGEX_H

#include <stddef.h>

#define REGEX_PATTERN_MAX 4096             /* bytes of text */
#define REGEX_BYTES_MAX (16 * 1024 * 1024) /* compiled patterns of one definition together */
#define REGEX_MATCH_LIMIT 100000           /* steps of PCRE2's matcher */
#define REGEX_HEAP_LIMIT_KIB 8192          /* memory for backtracking */
#define REGEX_WHY_SIZE 160

struct regex;         /* opaque */
struct regex_matcher; /* opaque: what matching needs; several patterns share one */

enum regex_outcome { REGEX_OK = 0, REGEX_REFUSED = 1 };
enum regex_match { REGEX_MATCHES, REGEX_DIFFERS, REGEX_UNDECIDED };

struct regex_matcher *regex_matcher_new(void);
void regex_matcher_free(struct regex_matcher *m);

/* matcher stays the caller's and outlives the regex. */
int regex_new(struct regex_matcher *matcher, const char *pattern, size_t len,
              struct regex **ret_regex, char ret_why[REGEX_WHY_SIZE]);
void regex_free(struct regex *r);
size_t regex_bytes(const struct regex *r); /* of memory the compiled pattern takes */
/* text: well-formed UTF-8. UNDECIDED: a limit was reached. */
enum regex_match regex_match(const struct regex *r, const char *text, size_t len);

#endif
