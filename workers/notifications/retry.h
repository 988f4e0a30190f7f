/* What an attempt's answer means, and when the next one is due. Pure. */
#ifndef SLUICE_WORKERS_NOTIFICATIONS_RETRY_H
#define SLUICE_WORKERS_NOTIFICATIONS_RETRY_H

#include <stdbool.h>
#include <stdint.h>

enum attempt_verdict {
    ATTEMPT_DELIVERED,
    ATTEMPT_AGAIN, /* a fault that may pass */
    ATTEMPT_FINAL, /* the receiver will say the same next time */
    ATTEMPT_GONE,  /* 410: it wants no more at all */
};

/* code: the HTTP status, 0 where there was none (no connection, timeout). 2xx is delivered; 408,
 * 425, 429, 3xx (redirects are not followed) and 5xx may pass; every other 4xx is final. */
enum attempt_verdict attempt_judge_http(int code);
/* code: the last SMTP reply; done: the mail was taken. 5yz is final. */
enum attempt_verdict attempt_judge_smtp(bool done, int code);

/* Pause after attempt number attempt (from 1): min · 2^(attempt-1) up to max, of which jitter (0…
 * UINT32_MAX) takes away up to half; at least what the receiver asked for (Retry-After), as far as
 * max allows. */
int64_t attempt_pause_us(int attempt, int64_t min_us, int64_t max_us, int64_t asked_us,
                         uint32_t jitter);

#endif
