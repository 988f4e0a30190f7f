#define PCRE2_CODE_UNIT_WIDTH 8
#include "questionnaire/regex.h"

#include <pcre2.h>
#include <stdint.h>

#include "base/error.h"

/* Anchored at both ends by options, not by ^ and $ around the text: "a|bc" is not "^a|bc$". */
#define REGEX_OPTIONS                                                                              \
    (PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY |                       \
     PCRE2_NEVER_BACKSLASH_C)
#define REGEX_WHY_SIZE 160

struct regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
};

int
regex_new(const char *pattern, size_t len, struct regex **ret_regex, const char **ret_why)
{
    static char why[REGEX_WHY_SIZE];
    uint32_t references = 0;
    PCRE2_SIZE at;
    int error;

    if (len > REGEX_PATTERN_MAX) {
        *ret_why = "the pattern is too long";
        return REGEX_REFUSED;
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, len, REGEX_OPTIONS, &error, &at, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
        *ret_why = why;
        return REGEX_REFUSED;
    }
    pcre2_pattern_info(code, PCRE2_INFO_BACKREFMAX, &references);
    if (references > 0) {
        pcre2_code_free(code);
        *ret_why = "backreferences are not supported";
        return REGEX_REFUSED;
    }
    struct regex *r = mem_new(1, sizeof(*r));
    r->code = code;
    r->data = pcre2_match_data_create(1, NULL);
    r->context = pcre2_match_context_create(NULL);
    sluice_assert(r->data != NULL && r->context != NULL);
    pcre2_set_match_limit(r->context, REGEX_MATCH_LIMIT);
    pcre2_set_depth_limit(r->context, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(r->context, REGEX_HEAP_LIMIT_KIB);
    *ret_regex = r;
    return REGEX_OK;
}

void
regex_free(struct regex *r)
{
    if (r == NULL)
        return;
    pcre2_match_context_free(r->context);
    pcre2_match_data_free(r->data);
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
regex_match(struct regex *r, const char *text, size_t len)
{
    int n = pcre2_match(r->code, (PCRE2_SPTR)text, len, 0, PCRE2_NO_UTF_CHECK, r->data, r->context);

    if (n >= 0)
        return REGEX_MATCHES;
    return n == PCRE2_ERROR_NOMATCH ? REGEX_DIFFERS : REGEX_UNDECIDED;
}
