/* The file was judged when it was loaded; what is missing has its default here. */
#include "workers/submissions/study.h"

#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "questionnaire/moment.h"
#include "store/catalog_file.h"

#define DAY_US (86400 * US_PER_S)
#define HOUR_US (3600 * US_PER_S)
#define LIMIT_MAX_US (3660 * DAY_US)

static char *
text_keep(const char *text)
{
    return text != NULL ? mem_strdup(text) : NULL;
}

/* Loading keeps it far from where it would overflow; a row that somebody wrote by hand does not. */
static int64_t
limit_read(const json_t *clock, const char *name, int64_t unit_us, int64_t fallback)
{
    const json_t *v = json_object_get(clock, name);
    int64_t n = json_is_integer(v) ? json_integer_value(v) : fallback, us;

    return n >= 0 && !__builtin_mul_overflow(n, unit_us, &us) && us <= LIMIT_MAX_US
               ? us
               : fallback * unit_us;
}

/* Midnight UTC of a day, or fallback. */
static int64_t
day_read(const char *text, int64_t fallback)
{
    char moment[sizeof("2026-01-01T00:00:00Z")], zone[MOMENT_ZONE_SIZE];
    int64_t us;

    if (text == NULL || strlen(text) != 10)
        return fallback;
    memcpy(moment, text, 10);
    memcpy(moment + 10, "T00:00:00Z", 11);
    return moment_parse(moment, sizeof(moment) - 1, &us, zone) == MOMENT_OK ? us : fallback;
}

static void
listed_read(struct study *s, const json_t *list)
{
    const json_t *q;
    size_t i;

    s->listed = mem_new(json_array_size(list) + 1, sizeof(*s->listed));
    json_array_foreach(list, i, q)
    {
        s->listed[s->n_listed++] =
            (struct study_listed){text_keep(json_string_value(json_object_get(q, "questionnaire"))),
                                  text_keep(json_string_value(json_object_get(q, "version")))};
    }
}

bool
study_init(struct study *s, const struct catalog_study *row)
{
    json_t *file = json_loadb(row->definition, row->definition_len, 0, NULL);
    const json_t *clock = json_object_get(file, "clock");
    const char *cutoff = json_string_value(
        json_object_get(json_object_get(file, "cutoffs"), "participantCorrections"));
    const char *started = json_string_value(json_object_get(file, "startedOn"));
    char *why = NULL;

    *s = (struct study){
        .code = mem_strdup(row->study),
        .fallback = text_keep(row->fallback),
        .skew_limit_us = limit_read(clock, "skew_s", US_PER_S, 120),
        .late_us = limit_read(clock, "late_h", HOUR_US, 24),
        .future_us = limit_read(clock, "future_s", US_PER_S, 300),
        .started_us = day_read(started, INT64_MIN),
        .correct_until_us = INT64_MAX,
    };
    if (s->started_us != INT64_MIN)
        s->started_us -= DAY_US;
    if (cutoff != NULL && !catalog_duration(cutoff, &s->correct_for_us))
        s->correct_until_us = day_read(cutoff, INT64_MAX - DAY_US) + DAY_US;
    listed_read(s, json_object_get(file, "questionnaires"));
    json_decref(file);
    if (study_rules_new(row->definition, row->definition_len, &s->rules, &why) == STUDY_RULES_OK)
        return true;
    log_event(EVENT_STUDY_REFUSED, LOG_S("study", row->study), LOG_S("why", why));
    free(why);
    return false;
}

void
study_deinit(struct study *s)
{
    for (size_t i = 0; i < s->n_listed; i++) {
        free(s->listed[i].questionnaire);
        free(s->listed[i].version);
    }
    free(s->listed);
    free(s->code);
    free(s->fallback);
    study_rules_free(s->rules);
}

bool
study_corrects(const struct study *s, int64_t stored_us, int64_t now_us)
{
    return now_us < s->correct_until_us &&
           (s->correct_for_us == 0 || now_us - stored_us < s->correct_for_us);
}
