/* Problem documents from problems.def. */
#include "client/edge/problem.h"

#include <stdio.h>
#include <string.h>

#include "client/edge/json_text.h"

static const struct {
    unsigned status;
    const char *slug, *issue, *title;
} problems[PROBLEM_COUNT] = {
#define PROBLEM(NAME, status_code, slug_text, issue_text, title_text)                              \
    [PROBLEM_##NAME] = {status_code, slug_text, issue_text, title_text},
#include "client/edge/problems.def"
#undef PROBLEM
};

bool
problem_error_set(struct problem_error *e, const char *pointer, const char *rule,
                  const char *detail)
{
    snprintf(e->pointer, sizeof(e->pointer), "%s", pointer);
    e->rule = rule;
    e->detail = detail;
    e->at = -1;
    return false;
}

unsigned
problem_status(enum problem p)
{
    return problems[p].status;
}

const char *
problem_title(enum problem p)
{
    return problems[p].title;
}

const char *
problem_issue(enum problem p)
{
    return problems[p].issue;
}

enum problem
problem_of_status(uint64_t status, enum problem otherwise)
{
    static const enum problem workers[] = {PROBLEM_ROLE, PROBLEM_NOT_FOUND, PROBLEM_CONFLICT,
                                           PROBLEM_GONE, PROBLEM_STALE,     PROBLEM_REJECTED};

    for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++)
        if (problems[workers[i]].status == status)
            return workers[i];
    return otherwise;
}

void
problem_begin(struct buf *b, enum problem p)
{
    json_put(b, "{\"type\":\"urn:sluice:problem:");
    json_put(b, problems[p].slug);
    json_put(b, "\",\"title\":\"");
    json_put(b, problems[p].title);
    json_put(b, "\",\"status\":");
    json_put_uint(b, problems[p].status);
}

void
problem_error_write(struct buf *b, const struct problem_error *e)
{
    json_put(b, "{\"pointer\":");
    json_put_string(b, e->pointer, strlen(e->pointer));
    json_put(b, ",\"rule\":\"");
    json_put(b, e->rule);
    json_put(b, "\",\"detail\":\"");
    json_put(b, e->detail);
    if (e->at >= 0) {
        json_put(b, " (at byte ");
        json_put_uint(b, (uint64_t)e->at);
        json_put(b, ")");
    }
    json_put(b, "\"}");
}

void
problem_write(struct buf *b, enum problem p, const struct problem_error *e)
{
    problem_begin(b, p);
    if (e != NULL && e->rule != NULL) {
        json_put(b, ",\"errors\":[");
        problem_error_write(b, e);
        json_put(b, "]");
    }
    json_put(b, "}");
}
