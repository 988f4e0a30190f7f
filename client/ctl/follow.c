/* alerts follow: the edge's stream of alerts, line by line. A connection that ends is made again
 * where it ended (Last-Event-ID), so that none is missed; only the first one must succeed. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/edge.h"
#include "client/ctl/events.h"
#include "client/ctl/format.h"
#include "client/ctl/table.h"
#include "client/ctl/verbs.h"

#define PATH "/api/v1/alerts/stream"
#define SILENCE_US (INT64_C(60) * US_PER_S) /* the edge says something every few seconds */
#define PAUSE_MS 1000                       /* before a lost connection is made again */

struct follow {
    const struct ctl *ctl;
    struct events events;
    bool begun;
};

static const char *
text_of(const json_t *row, const char *member)
{
    const char *text = json_string_value(json_object_get(row, member));

    return text != NULL ? text : "-";
}

static bool
event_show(void *arg, const char *id, const char *data, size_t len)
{
    const struct follow *f = arg;
    json_t *row = json_loadb(data, len, 0, NULL);

    (void)id;
    if (!json_is_object(row)) { /* not one of ours */
        json_decref(row);
        return true;
    }
    if (f->ctl->json) {
        table_print_json(row);
    } else {
        char line[512];
        snprintf(line, sizeof(line), "%s  %-7s  %-12s  %s  %s  %s  %s", text_of(row, "raisedAt"),
                 text_of(row, "severity"), text_of(row, "state"), text_of(row, "study"),
                 text_of(row, "subjectId"), text_of(row, "ruleId"), text_of(row, "alertId"));
        format_tame(line);
        puts(line);
    }
    json_decref(row);
    return fflush(stdout) == 0;
}

static bool
bytes_take(void *arg, const char *data, size_t len)
{
    struct follow *f = arg;

    f->begun = true;
    return events_feed(&f->events, data, len, event_show, f);
}

static int
follow_run(struct follow *f, const struct edge_session *session, const char *url)
{
    const char *why;

    for (;;) {
        char last[EVENT_ID_MAX + 32];
        const char *headers[] = {session->authorization, "Accept: text/event-stream", last};
        snprintf(last, sizeof(last), "Last-Event-ID: %s", f->events.id);
        events_restart(&f->events);
        long status = http_stream(url, headers, f->events.id[0] != '\0' ? 3 : 2, f->ctl->timeout_us,
                                  SILENCE_US, bytes_take, f, &why);
        if (ferror(stdout))
            return EXIT_TEMPFAIL;
        if (status != 0 && status != 200 && edge_exit(status) == EXIT_FAILED) {
            ctl_complain("edge %s: %ld for " PATH, config_str(f->ctl->config, "ctl", "edge_url"),
                         status);
            return EXIT_FAILED;
        }
        if (!f->begun) {
            ctl_complain("edge %s: %s", config_str(f->ctl->config, "ctl", "edge_url"),
                         why != NULL ? why : "no stream");
            return EXIT_UNAVAILABLE;
        }
        poll(NULL, 0, PAUSE_MS);
    }
}

int
alerts_follow_verb(struct ctl *ctl)
{
    const char *study = ctl->options[OPTION_STUDY];
    struct edge_session session;
    struct follow *f;
    uint64_t after;
    char path[512];

    if (!ctl_count(ctl, OPTION_AFTER, 0, INT64_MAX, &after))
        return EXIT_USAGE;
    int code = edge_open(ctl, &session);
    if (code != EXIT_DONE)
        return code;
    f = mem_new(1, sizeof(*f));
    f->ctl = ctl;
    if (ctl->options[OPTION_AFTER] != NULL)
        snprintf(f->events.id, sizeof(f->events.id), "%llu", (unsigned long long)after);
    char *escaped = http_escape(study != NULL ? study : "");
    snprintf(path, sizeof(path), PATH "%s%.300s", study != NULL ? "?study=" : "", escaped);
    char *url = edge_url(ctl, path);
    code = follow_run(f, &session, url);
    edge_close(&session);
    free(url);
    free(escaped);
    free(f);
    return code;
}
