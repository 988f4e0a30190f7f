#define PCRE2_CODE_UNIT_WIDTH 8
#include "questionnaire/regex.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* Anchored at both ends by options, not by ^ and $ around the text: "a|bc" is not "^a|bc$". */
#define REGEX_OPTIONS                                                                              \
    (PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |                       \
     PCRE2_NEVER_BACKSLASH_C)

struct regex_matcher {
    pcre2_match_data *data;
    pcre2_match_context *context;
};
struct regex {
    pcre2_code *code;
    struct regex_matcher *matcher;
};

struct regex_matcher *
regex_matcher_new(void)
{
    struct regex_matcher *m = mem_new(1, sizeof(*m));

    m->data = pcre2_match_data_create(1, NULL);
    m->context = pcre2_match_context_create(NULL);
    sluice_assert(m->data != NULL && m->context != NULL);
    pcre2_set_match_limit(m->context, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(m->context, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(m->context, REGEX_HEAP_LIMIT_KIB);
    return m;
}

void
regex_matcher_free(struct regex_matcher *m)
{
    if (m == NULL)
        return;
    pcre2_match_context_free(m->context);
    pcre2_match_data_free(m->data);
    free(m);
}

int
regex_new(struct regex_matcher *matcher, const char *pattern, size_t len, struct regex **ret_regex,
          char ret_why[REGEX_WHY_SIZE])
{
    uint32_t references = 0;
    PCRE2_SIZE at;
    int error;

    if (len > REGEX_PATTERN_MAX) {
        snprintf(ret_why, REGEX_WHY_SIZE, "longer than %d bytes", REGEX_PATTERN_MAX);
        return REGEX_REFUSED;
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, len, REGEX_OPTIONS, &error, &at, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_why, REGEX_WHY_SIZE);
        return REGEX_REFUSED;
    }
    pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &references);
    if (references > 0) {
        pcre2_code_free(code);
        snprintf(ret_why, REGEX_WHY_SIZE, "backreferences are not supported");
        return REGEX_REFUSED;
    }
    struct regex *r = mem_new(1, sizeof(*r));
    *r = (struct regex){code, matcher};
    *ret_regex = r;
    return REGEX_OK;
}

void
regex_free(struct regex *r)
{
    if (r == NULL)
        return;
    pcre2_code_free(r->code);
    free(r);
}

size_t
regex_bytes(const struct regex *r)
{
    size_t size = 0;

    pcre2_pattern_info(r->code, PCRE2_INFO_SIZE, &size);
    return size;
}

enum regex_match
regex_match(const struct regex *r, const char *text, size_t len)
{
    int n = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK, r->matcher->data,
                        r->matcher->context);

    if (n >= 0)
        return REGEX_MATCHES;
    return n == PCRE2_ERROR_NOMATCH ? REGEX_DIFFERS : REGEX_UNDECIDED;
}
