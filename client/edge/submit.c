/* What the path and the headers say; the rest is intake's. What happens to a submission that was
 * sent stands in submission_wait.c. */
#include "client/edge/submit.h"

#include <string.h>

#include "client/edge/intake.h"

void
submit_handle(struct request *q, const struct http_message *m, const struct route_match *match)
{
    struct intake in;
    char subject[ROUTE_PARAM_MAX];
    enum problem p = PROBLEM_NOT_FOUND;

    intake_begin(&in, q, m, match->token);
    if (route_param_decode(match->param, match->param_len, subject, &in.path_subject_len)) {
        in.path_subject = subject;
        p = intake_run(&in, &outcome_receipt);
    }
    if (p != PROBLEM_NONE)
        intake_refuse(&in, p);
}

void
submit_handle_fhir(struct request *q, const struct http_message *m, const struct route_match *match)
{
    struct intake in;

    intake_begin(&in, q, m, match->token);
    in.media = MEDIA_TYPE_FHIR; /* FHIR takes plain application/json for its own, too */
    enum problem p = intake_run(&in, &outcome_fhir);
    if (p != PROBLEM_NONE)
        intake_refuse(&in, p);
}

/* If-Match, and whether this role corrects at all. */
static enum problem
revision_begin(struct intake *in, struct revision *revision)
{
    size_t len;
    const char *condition = http_header(in->m, HTTP_HEADER_IF_MATCH, &len);

    if (token_corrects(in->token) == TOKEN_CORRECTS_NEVER)
        return PROBLEM_ROLE;
    if (condition == NULL)
        return PROBLEM_UNCONDITIONAL;
    if (!revision_match_parse(condition, len, &revision->number)) {
        problem_error_set(&in->error, "", "if-match",
                          "If-Match must be one revision's number, bare or in quotes");
        return PROBLEM_MALFORMED;
    }
    in->revision = revision;
    return PROBLEM_NONE;
}

void
submit_handle_revision(struct request *q, const struct http_message *m,
                       const struct route_match *match)
{
    struct intake in;
    struct revision revision;
    enum problem p = PROBLEM_NOT_FOUND;

    intake_begin(&in, q, m, match->token);
    if (uuid_parse(match->param, match->param_len, &q->id))
        p = revision_begin(&in, &revision);
    if (p == PROBLEM_NONE)
        p = intake_run(&in, &outcome_revision);
    if (p != PROBLEM_NONE)
        intake_refuse(&in, p);
}
