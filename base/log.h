/* One logfmt line per event on stderr:
 *
 *   ts=2026-11-22T06:00:00.000000Z level=info prog=sluice-broker event=journal-opened segments=3
 *
 * Every event stands in log_events.def (event, level, what it means); doc/reference.md is made from
 * it. Values are escaped (quotes, backslash, control characters as \n \xNN), cut at 1 KiB, so a
 * value can't forge a line. Never log answers, names, tokens, URLs with ids, SQL parameters.
 * Only the outer ring (main, net, runtime, loop) logs. One write(2) a line; thread-safe. */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

enum log_event {
#define LOG_EVENT(NAME, text, level, meaning) EVENT_##NAME,
#include "log_events.def"
#undef LOG_EVENT
    LOG_EVENT_COUNT
};

struct log_field {
    const char *key;
    enum { LOG_END = 0, LOG_STR, LOG_INT, LOG_UINT } kind;
    union {
        const char *s;
        int64_t i;
        uint64_t u;
    };
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .kind = LOG_STR, .s = (v)})
#define LOG_I(k, v) ((struct log_field){.key = (k), .kind = LOG_INT, .i = (v)})
#define LOG_U(k, v) ((struct log_field){.key = (k), .kind = LOG_UINT, .u = (v)})

/* log_event(EVENT_X, LOG_S("path", p), LOG_I("errno", e)) */
#define log_event(event, ...)                                                                      \
    log_emit((event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){.kind = LOG_END}})

void log_init(const char *program, enum log_level least);
void log_emit(enum log_event event, const struct log_field *fields);
/* How often an event of this level was emitted since start (metrics). */
uint64_t log_count(enum log_level level);
const char *log_event_text(enum log_event event);

#endif
