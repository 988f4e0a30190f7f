/* check: looks once at everything and says it in the form that is asked for. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/anchors.h"
#include "client/ctl/health_inner.h"
#include "client/ctl/verbs.h"

#define MINUTE_US (60 * US_PER_S)
#define SERVICES "submissions queries notifications"

typedef void format_fn(const struct health *h, FILE *out);

static const struct {
    const char *name;
    format_fn *write;
} formats[] = {{"text", health_text},
               {"json", health_json},
               {"prometheus", health_prometheus},
               {"nagios", health_nagios}};

static format_fn *
format_find(const struct ctl *ctl)
{
    const char *name = ctl->options[OPTION_FORMAT];

    if (ctl->json || name == NULL)
        return ctl->json ? health_json : health_text;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, name) == 0)
            return formats[i].write;
    }
    ctl_complain("--format '%s' is none of text, json, prometheus, nagios", name);
    return NULL;
}

static bool
limits_read(const struct ctl *ctl, struct health_limits *ret)
{
    *ret = (struct health_limits){.services = ctl->options[OPTION_SERVICES] != NULL
                                                  ? ctl->options[OPTION_SERVICES]
                                                  : SERVICES};
    return ctl_duration(ctl, OPTION_AGE_WARNING, MINUTE_US, &ret->age_warning_us) &&
           ctl_duration(ctl, OPTION_AGE_CRITICAL, 10 * MINUTE_US, &ret->age_critical_us) &&
           ctl_duration(ctl, OPTION_URGENT_AGE, 30 * MINUTE_US, &ret->urgent_us) &&
           ctl_duration(ctl, OPTION_CANARY_AGE, 3 * MINUTE_US, &ret->canary_us) &&
           ctl_duration(ctl, OPTION_ANCHOR_AGE, 15 * MINUTE_US, &ret->anchor_us) &&
           ctl_count(ctl, OPTION_HELD, 0, INT64_MAX, &ret->held);
}

/* Named places, else this host's journal, if it has one. */
static void
anchors_check(const struct ctl *ctl, struct health *h, const struct health_limits *limits,
              struct look *l)
{
    const char *journal = config_str(ctl->config, "ctl", "journal_dir");

    if (ctl->n_args > 0)
        health_anchors(h, limits, l, ctl->args, ctl->n_args);
    else if (anchors_place_exists(journal))
        health_anchors(h, limits, l, &journal, 1);
    else
        health_add(h, HEALTH_AUDIT, "", HEALTH_OK, "not looked at: no journal here, no book named");
}

int
check_verb(struct ctl *ctl)
{
    struct health_limits limits;
    struct look *l;

    format_fn *format = format_find(ctl);
    if (format == NULL || !limits_read(ctl, &limits))
        return EXIT_USAGE;
    int code = look_open(ctl, ctl->timeout_us, &l);
    if (code != EXIT_DONE)
        return format == health_nagios ? HEALTH_UNKNOWN : code;
    struct health *h = health_new();
    health_brokers(h, &limits, l);
    health_stores(h, &limits, l);
    anchors_check(ctl, h, &limits, l);
    format(h, stdout);
    enum health_status worst = health_worst(h);
    health_free(h);
    look_close(l);
    if (format == health_nagios)
        return (int)worst;
    return worst == HEALTH_OK ? EXIT_DONE : EXIT_FAILED;
}
