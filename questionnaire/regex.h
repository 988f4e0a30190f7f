/* A pattern of the `regex` extension: PCRE2 with UTF, anchored at both ends, no backreferences,
 * with a limit on matching, so that a hostile pattern costs a bounded time. Inner header of
 * questionnaire/. */
#ifndef SLUICE_QUESTIONNAIRE_REGEX_H
#define SLUICE_QUESTIONNAIRE_REGEX_H

#include <stddef.h>

#define REGEX_PATTERN_MAX 4096     /* bytes */
#define REGEX_MATCH_LIMIT 200000   /* steps of PCRE2's matcher */
#define REGEX_HEAP_LIMIT_KIB 16384 /* of memory for backtracking */

struct regex; /* opaque */

enum regex_outcome { REGEX_OK = 0, REGEX_REFUSED = 1 };
enum regex_match { REGEX_MATCHES, REGEX_DIFFERS, REGEX_UNDECIDED };

/* On REGEX_REFUSED *ret_why says why; it is a constant or lives until the next call. */
int regex_new(const char *pattern, size_t len, struct regex **ret_regex, const char **ret_why);
void regex_free(struct regex *r);
size_t regex_bytes(const struct regex *r); /* of memory the compiled pattern takes */
/* text: well-formed UTF-8. UNDECIDED: a limit was reached. */
enum regex_match regex_match(struct regex *r, const char *text, size_t len);

#endif
