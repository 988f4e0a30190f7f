/* What a worker needs of a study file: which versions are active, its rules for alerts and scores,
 * the limits of its clocks and the cutoff for corrections. */
#ifndef SLUICE_WORKERS_SUBMISSIONS_STUDY_H
#define SLUICE_WORKERS_SUBMISSIONS_STUDY_H

#include <stdbool.h>
#include <stdint.h>

#include "questionnaire/study_rules.h"
#include "store/catalog.h"

/* A questionnaire a study lists, with its active version. */
struct study_listed {
    char *questionnaire; /* url or name */
    char *version;       /* NULL: the only one loaded */
};

struct study {
    char *code, *fallback; /* fallback: the default questionnaire, or NULL */
    struct study_listed *listed;
    size_t n_listed;
    struct study_rules *rules; /* NULL: the instruments' own */
    /* clinical-rules "Audit and time" */
    int64_t skew_limit_us, late_us, future_us;
    int64_t started_us; /* midnight UTC of startedOn, a day earlier for the zones; INT64_MIN */
    /* Participants' own corrections end so long after the form was stored, or at that time. */
    int64_t correct_for_us;   /* 0: no such limit */
    int64_t correct_until_us; /* INT64_MAX: no such limit */
};

/* False with a logged reason where the file is not what loading had taken. */
bool study_init(struct study *s, const struct catalog_study *row);
void study_deinit(struct study *s);
/* May a participant still correct what was stored then? */
bool study_corrects(const struct study *s, int64_t stored_us, int64_t now_us);

#endif
