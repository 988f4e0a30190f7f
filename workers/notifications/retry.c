/* Standard Webhooks' advice: every fault is tried again for hours, except what can't get better. */
#include "workers/notifications/retry.h"

enum attempt_verdict
attempt_judge_http(int code)
{
    if (code >= 200 && code < 300)
        return ATTEMPT_DELIVERED;
    if (code == 410)
        return ATTEMPT_GONE;
    if (code >= 400 && code < 500 && code != 408 && code != 425 && code != 429)
        return ATTEMPT_FINAL;
    return ATTEMPT_AGAIN;
}

enum attempt_verdict
attempt_judge_smtp(bool done, int code)
{
    if (done)
        return ATTEMPT_DELIVERED;
    return code >= 500 && code < 600 ? ATTEMPT_FINAL : ATTEMPT_AGAIN;
}

int64_t
attempt_pause_us(int attempt, int64_t min_us, int64_t max_us, int64_t asked_us, uint32_t jitter)
{
    int64_t pause_us = min_us;

    for (int i = 1; i < attempt && pause_us < max_us; i++)
        pause_us *= 2;
    if (pause_us > max_us)
        pause_us = max_us;
    pause_us -= (int64_t)((double)pause_us / 2 * ((double)jitter / UINT32_MAX));
    if (asked_us > pause_us)
        pause_us = asked_us < max_us ? asked_us : max_us;
    return pause_us;
}
