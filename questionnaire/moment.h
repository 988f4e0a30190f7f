/* Dates, times and instants as FHIR R4 and RFC 3339 write them. */
#ifndef SLUICE_QUESTIONNAIRE_MOMENT_H
#define SLUICE_QUESTIONNAIRE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum moment_outcome {
    MOMENT_OK = 0,
    MOMENT_BAD = 1,     /* not of the form, or no such day or time */
    MOMENT_NO_ZONE = 2, /* a time of day without Z or offset */
};

#define MOMENT_ZONE_SIZE 7 /* "+08:00" and NUL */

/* YYYY, YYYY-MM or YYYY-MM-DD, of the calendar, years 0001 to 9999. */
int moment_check_date(const char *text, size_t len);
/* hh:mm:ss with up to nine fraction digits; 23:59:60 is no time here. */
int moment_check_time(const char *text, size_t len);
/* A date as above, or date, T, time, and Z or ±hh:mm. */
int moment_check_date_time(const char *text, size_t len);
/* Compares two dates, two dateTimes, a date with a dateTime, or two times, all well-formed: < 0, 0,
 * > 0. Where one is less precise, both are cut to its precision; where both have a time of day the
 * moments count, not the wall clocks. */
int moment_compare(const char *a, size_t a_len, const char *b, size_t b_len);
/* A whole date with time and zone (seconds may be missing). Wall clock in microseconds, further
 * digits cut; zone: "Z" or the offset as written. */
int moment_parse(const char *text, size_t len, int64_t *ret_us, char ret_zone[MOMENT_ZONE_SIZE]);

#endif
