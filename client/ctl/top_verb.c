/* top: looks again and again, onto the terminal's other screen. Ctrl-C ends at any moment, even in
 * the middle of a look that waits: the handler gives the terminal back and exits. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/ctl/health_look.h"
#include "client/ctl/table.h"
#include "client/ctl/top.h"
#include "client/ctl/verbs.h"
#include "store/health.h"

#define INTERVAL_US (2 * US_PER_S)
#define INTERVAL_MIN_US (100 * US_PER_MS)
#define LOOK_US (2 * US_PER_S) /* what does not answer in that time is shown as away */

/* The other screen, no cursor, no wrapping; and back. */
#define SCREEN_ENTER "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_LEAVE "\033[?7h\033[?25h\033[?1049l"

/* For the signal handler alone: the terminal as it was found. */
static struct termios terminal_before;
static bool terminal_changed;

static void
screen_leave(void)
{
    ssize_t n = write(STDOUT_FILENO, SCREEN_LEAVE, sizeof(SCREEN_LEAVE) - 1);

    (void)n; /* the terminal is gone: nothing to give back */
    if (terminal_changed)
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

static void
signal_end(int number)
{
    (void)number;
    screen_leave();
    _exit(EXIT_DONE);
}

static void
screen_enter(void)
{
    struct sigaction end = {.sa_handler = signal_end};
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &terminal_before) == 0) {
        terminal_changed = true;
        raw = terminal_before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    sigaction(SIGINT, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigaction(SIGHUP, &end, NULL);
    ssize_t n = write(STDOUT_FILENO, SCREEN_ENTER, sizeof(SCREEN_ENTER) - 1);
    (void)n;
}

static json_t *
brokers_look(struct look *l, const json_t *workers)
{
    json_t *all = json_array(), *answered = look_brokers(l, "status"), *row;
    size_t i;

    for (size_t b = 0; b < look_endpoints(l); b++) {
        const char *endpoint = look_endpoint(l, b);
        json_t *broker = NULL;
        json_int_t busy = 0;
        json_array_foreach(answered, i, row)
        {
            if (strcmp(json_string_value(json_object_get(row, "endpoint")), endpoint) == 0)
                broker = row;
        }
        json_array_foreach((json_t *)(uintptr_t)workers, i, row) busy +=
            strcmp(json_string_value(json_object_get(row, "endpoint")), endpoint) == 0 &&
            json_integer_value(json_object_get(row, "leases")) > 0;
        if (broker == NULL) {
            json_array_append_new(all, json_pack("{s:s, s:b, s:s}", "endpoint", endpoint,
                                                 "reachable", 0, "intake", "no answer"));
            continue;
        }
        json_object_set_new(broker, "reachable", json_true());
        json_object_set_new(broker, "busy", json_integer(busy));
        json_array_append(all, broker);
    }
    json_decref(answered);
    return all;
}

static json_t *
state_of(const char *state, const char *why)
{
    json_t *object = json_pack("{s:s}", "state", state);

    if (why != NULL)
        json_object_set_new(object, "why", json_string(why));
    return object;
}

static void
stores_look(struct look *l, json_t *ret_look)
{
    struct store_alerts_open alerts;
    const char *why = NULL;
    struct store *s;

    int r = look_postgres(l, &s);
    if (r == STORE_OK)
        r = store_alerts_open(s, 0, &alerts);
    if (r == STORE_OK)
        json_object_set_new(ret_look, "alerts",
                            json_pack("{s:I, s:I, s:o}", "open", (json_int_t)alerts.open, "urgent",
                                      (json_int_t)alerts.urgent, "urgent_oldest_us",
                                      alerts.urgent_oldest_us == HEALTH_NONE
                                          ? json_null()
                                          : json_integer(alerts.urgent_oldest_us)));
    else
        json_object_set_new(ret_look, "alerts", json_null());
    json_object_set_new(
        ret_look, "postgres",
        state_of(r == STORE_OK ? "reachable" : "away", r == STORE_OK ? NULL : store_why(s)));
    enum look_redis redis = look_redis(l, &why);
    json_object_set_new(ret_look, "redis",
                        state_of(redis == LOOK_REDIS_UP     ? "reachable"
                                 : redis == LOOK_REDIS_NONE ? "unused"
                                                            : "away",
                                 redis == LOOK_REDIS_DOWN ? why : NULL));
}

/* before: the look before this one, or NULL. */
static json_t *
look_at_all(struct look *l, const json_t *before)
{
    look_begin(l);
    json_t *workers = look_brokers(l, "workers"), *queues = look_brokers(l, "queues");
    json_t *look = json_object();
    char at[CLOCK_TEXT_SIZE];
    int64_t now_us = clock_mono_us();

    clock_format(clock_wall_us(), at);
    json_object_set_new(look, "at", json_string(at));
    json_object_set_new(look, "mono_us", json_integer(now_us));
    json_object_set_new(look, "brokers", brokers_look(l, workers));
    json_t *all = top_queues(queues, workers);
    top_rates(all, json_object_get(before, "queues"),
              now_us - json_integer_value(json_object_get(before, "mono_us")));
    json_object_set_new(look, "queues", all);
    stores_look(l, look);
    json_decref(workers);
    json_decref(queues);
    return look;
}

/* Sleeps until then; true: q was pressed. */
static bool
key_await(int64_t until_us, bool *keys)
{
    for (;;) {
        int64_t left_us = until_us - clock_mono_us();
        struct pollfd in = {.fd = *keys ? STDIN_FILENO : -1, .events = POLLIN};
        char key;
        if (left_us <= 0)
            return false;
        if (poll(&in, 1, (int)(left_us / US_PER_MS) + 1) <= 0)
            continue;
        if (read(STDIN_FILENO, &key, 1) != 1)
            *keys = false; /* nobody types there any more */
        else if (key == 'q' || key == 'Q')
            return true;
    }
}

static void
screen_show(const json_t *look, int64_t interval_us)
{
    struct winsize window = {0};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    sluice_assert(out != NULL);
    top_write(out, look, interval_us);
    fclose(out);
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
    top_paint(stdout, text, window.ws_row);
    fflush(stdout);
    free(text);
}

static void
top_run(struct look *l, int64_t interval_us)
{
    json_t *look = NULL;
    bool keys = isatty(STDIN_FILENO), ended = false;

    screen_enter();
    while (!ended && !ferror(stdout)) {
        int64_t begun_us = clock_mono_us();
        json_t *now = look_at_all(l, look);
        json_decref(look);
        look = now;
        screen_show(look, interval_us);
        ended = key_await(begun_us + interval_us, &keys);
    }
    json_decref(look);
    screen_leave();
}

static int
top_once(const struct ctl *ctl, struct look *l, int64_t interval_us)
{
    json_t *look = look_at_all(l, NULL);
    bool answered = true;
    json_t *broker;
    size_t i;

    if (ctl->options[OPTION_INTERVAL] != NULL) {
        poll(NULL, 0, (int)(interval_us / US_PER_MS)); /* the time the rates are over */
        json_t *now = look_at_all(l, look);
        json_decref(look);
        look = now;
    }
    json_object_del(look, "mono_us");
    if (ctl->json)
        table_print_json(look);
    else
        top_write(stdout, look, 0);
    json_array_foreach(json_object_get(look, "brokers"), i, broker) answered =
        answered && json_is_true(json_object_get(broker, "reachable"));
    json_decref(look);
    return answered ? EXIT_DONE : EXIT_UNAVAILABLE;
}

int
top_verb(struct ctl *ctl)
{
    int64_t interval_us;
    struct look *l;

    if (!ctl_duration(ctl, OPTION_INTERVAL, INTERVAL_US, &interval_us))
        return EXIT_USAGE;
    if (interval_us < INTERVAL_MIN_US) {
        ctl_complain("--interval is 100ms at least");
        return EXIT_USAGE;
    }
    int code = look_open(ctl, ctl->options[OPTION_TIMEOUT] != NULL ? ctl->timeout_us : LOOK_US, &l);
    if (code != EXIT_DONE)
        return code;
    if (ctl->options[OPTION_ONCE] != NULL || ctl->json || !isatty(STDOUT_FILENO))
        code = top_once(ctl, l, interval_us);
    else
        top_run(l, interval_us);
    look_close(l);
    return code;
}
