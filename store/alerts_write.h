/* Raising alerts, in the statement that stores what raised them (clinical-rules "Scores and
 * alerts").
 *
 * An alert's id is made of submission, revision and rule, so that the same evaluation never raises
 * twice. While an alert of the same subject and rule is open, or held back by suppressHours, the
 * next one is counted on it; unless it is worse (severity, or the measured value) or the rule says
 * always. What a rejected form raised is provisional until a stored one confirms it. Each step
 * leaves a row in alert_events.
 *
 * Rows go out sorted by (subject, rule, study, severity): two workers lock in one order. Two at
 * once may both find nothing open: the unique index lets one through; the other comes back with
 * neither raised nor counted, and alerts_write (a statement of its own) counts it. */
#ifndef SLUICE_STORE_ALERTS_WRITE_H
#define SLUICE_STORE_ALERTS_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/uuid.h"
#include "store/connection.h"
#include "store/slice.h"

struct alert_row {
    struct uuid id;
    struct slice study, subject, site, questionnaire, version, rule, link_id;
    struct slice severity; /* info, warning, urgent */
    struct uuid submission;
    int32_t revision;
    bool always, late, lower_is_worse;
    bool provisional;     /* raised by the rejection of origin (epoch, seq), not by a stored row */
    uint64_t epoch, seq;  /* of a provisional one */
    int64_t authored_us;  /* TIME_NONE */
    double age_s;         /* where late */
    uint32_t suppress_s;  /* 0: none */
    struct slice measure; /* decimal text, or null */
    struct slice recipients; /* names of the study file, one a line, or null */
    /* Set by alert_result_take: */
    bool raised;  /* stands in alerts with this id now: tell the world */
    bool counted; /* on an open one, or confirmed */
    int64_t seq_no;
    int64_t raised_us;
};

struct alerts_writer; /* memory for one statement's parameters, reused */
struct alerts_writer *alerts_writer_new(size_t ceiling);
void alerts_writer_free(struct alerts_writer *w);

/* For a statement that has CTEs "stored" (returning study, submission_id) and, with rejections,
 * "kept" (returning epoch, seq): the parameters, and CTEs up to "alert_results" (alert_id, seq,
 * raised_at, raised) for it to select from. A row counts only if its submission or rejection was
 * really inserted. */
#define ALERTS_PARAMS 20
enum alerts_source {
    ALERTS_STORED,          /* all follow "stored" */
    ALERTS_STORED_AND_KEPT, /* provisional ones follow "kept" */
    ALERTS_UNCONDITIONAL,   /* no such CTEs */
};
/* Appends "fired AS (…), … alert_results AS (…)", parameters $first to $first + ALERTS_PARAMS - 1.
 */
int alerts_sql_write(struct buf *sql, int first, enum alerts_source source);
/* BUF_OK, or BUF_FULL: fewer rows at once. Sorts rows (pointers) into the statement's order. */
int alerts_params_fill(struct alerts_writer *w, struct alert_row **rows, size_t n,
                       struct store_params *p);
/* One row of alert_results; columns from column on. rows as alerts_params_fill left them. */
void alert_result_take(struct alert_row **rows, size_t n, const PGresult *r, int row, int column);

/* A statement of its own: losers, and alerts that no submission carries. */
int alerts_write(struct alerts_writer *w, struct store *s, struct alert_row **rows, size_t n);

#endif
