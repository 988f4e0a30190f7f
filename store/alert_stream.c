/* One script call for many alerts: XADD cuts the stream as it grows. */
#include "store/alert_stream.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* KEYS: a stream for each alert; ARGV: its fields. */
static struct redis_script alert_script = {
    "for i, key in ipairs(KEYS) do\n"
    "  local a = i * 7\n"
    "  redis.call('XADD', key, 'MAXLEN', '~', " ALERT_STREAM_MAX ", '*', 'seq', ARGV[a - 6],\n"
    "    'alert_id', ARGV[a - 5], 'severity', ARGV[a - 4], 'rule', ARGV[a - 3], 'subject',\n"
    "    ARGV[a - 2], 'provisional', ARGV[a - 1], 'raised_at', ARGV[a])\n"
    "end\n"
    "return 0",
    ""};

#define ALERT_FIELDS 7
#define STREAM_KEY_SIZE 96

struct alert_texts {
    char key[STREAM_KEY_SIZE], seq[24], id[UUID_TEXT_SIZE], raised[CLOCK_TEXT_SIZE];
};

int
alert_stream_push(struct redis *r, const struct stream_alert *alerts, size_t n)
{
    struct alert_texts *texts = mem_new(n, sizeof(*texts));
    const char **argv = mem_new(n * (ALERT_FIELDS + 1), sizeof(*argv));
    size_t *lengths = mem_new(n * (ALERT_FIELDS + 1), sizeof(*lengths));
    redisReply *reply = NULL;

    for (size_t i = 0; i < n; i++) {
        const struct stream_alert *a = &alerts[i];
        struct alert_texts *t = &texts[i];
        const char *provisional = a->provisional ? "1" : "0";
        int key_len = snprintf(t->key, sizeof(t->key), "sluice:alerts:%.*s", (int)a->study.len,
                               (const char *)a->study.at);
        int seq_len = snprintf(t->seq, sizeof(t->seq), "%lld", (long long)a->seq);
        uuid_format(&a->id, t->id);
        clock_format(a->raised_us, t->raised);
        struct slice fields[ALERT_FIELDS] = {{t->seq, (size_t)seq_len},
                                             {t->id, UUID_TEXT_SIZE - 1},
                                             a->severity,
                                             a->rule,
                                             a->subject,
                                             {provisional, strlen(provisional)},
                                             {t->raised, CLOCK_TEXT_SIZE - 1}};
        argv[i] = t->key;
        lengths[i] = (size_t)key_len;
        for (size_t k = 0; k < ALERT_FIELDS; k++) {
            argv[n + i * ALERT_FIELDS + k] = fields[k].at != NULL ? fields[k].at : "";
            lengths[n + i * ALERT_FIELDS + k] = fields[k].len;
        }
    }
    int outcome =
        redis_eval(r, &alert_script, (int)n, (int)(n * (ALERT_FIELDS + 1)), argv, lengths, &reply);
    if (outcome == REDIS_DONE)
        freeReplyObject(reply);
    free(texts);
    free(argv);
    free(lengths);
    return outcome;
}
