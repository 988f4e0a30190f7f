/* HTTP load from a plan: each request goes out when it is due, whether or not others were answered.
 *
 *   flood_load PLAN RESULTS PORT RETRY_US START_US WINDOW SECONDS
 *
 * START_US is the wall clock of the run's zero. WINDOW 0: as above. Else so many requests are out
 * at a time, in the plan's order, until SECONDS have passed. RETRY_US 0: nothing is sent again.
 *
 * PLAN (little endian): "FLD1", u32 blobs, u32 requests; a blob: u32 bytes and them; a request: i64
 * due_us, u32 pieces; a piece: u32 blob, or 0xffffffff, u32 bytes and them. A request's pieces, one
 * after the other, are its bytes as they go out, straight from the mapped file.
 *
 * RESULTS, a line an attempt: request, attempt, due, sent, done (microseconds from the start),
 * status (0: none came), and the body unless the status is 201. Apps trust only 201 and 202; a
 * batch (200) is trusted unless one of its results is 503. Any other 2xx, 429, 5xx and no answer
 * are sent again after RETRY_US·2ⁿ without jitter. Ends once everything is answered for good. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"

#define LITERAL UINT32_MAX
#define NONE UINT32_MAX
#define CONNECTIONS_MAX 6000
#define ATTEMPTS_MAX 7
#define ANSWER_MAX (8u << 20)
#define PATIENCE_US (20 * US_PER_S) /* an app gives up waiting for an answer */
#define TICK_MS 1
#define BODY_SHOWN 400 /* of an answer that is no batch's */

struct request {
    const uint8_t *pieces;
    int64_t due_us, retry_us;
    uint32_t n_pieces, next; /* in one list at most */
    uint32_t attempts;
};

struct list {
    uint32_t first, last;
};

struct connection {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    uv_write_t writing;
    uv_buf_t *bufs;
    char *in;
    size_t have, room;
    int64_t sent_us;
    uint32_t request, place; /* NONE: idle */
};

static struct load {
    uv_loop_t *loop;
    uv_timer_t tick;
    struct sockaddr_in peer;
    FILE *results;
    uv_buf_t *blobs;
    struct request *requests;
    uint32_t n_blobs, n_requests, most_pieces;
    uint32_t next, finished, window, busy;
    int64_t start_us, stop_us, retry_us, looked_us;
    struct list waiting, retries[ATTEMPTS_MAX];
    struct connection *all[CONNECTIONS_MAX], *idle[CONNECTIONS_MAX];
    uint32_t n_all, n_idle;
} load;

static void load_turn(void);

static _Noreturn void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "flood_load: %s: %s\n", what, why);
    exit(EXIT_UNAVAILABLE);
}

static void *
memory_new(size_t n, size_t size)
{
    void *p = calloc(n != 0 ? n : 1, size);

    if (p == NULL)
        give_up("memory", strerror(ENOMEM));
    return p;
}

static int64_t
elapsed_us(void)
{
    return clock_mono_us() - load.start_us;
}

/* --- the plan --- */
struct cursor {
    const uint8_t *at, *end;
};

static const uint8_t *
bytes_take(struct cursor *c, size_t n)
{
    const uint8_t *at = c->at;

    if ((size_t)(c->end - c->at) < n)
        give_up("plan", "it ends too early");
    c->at += n;
    return at;
}

static uint32_t
u32_take(struct cursor *c)
{
    uint32_t n;

    memcpy(&n, bytes_take(c, sizeof(n)), sizeof(n));
    return n;
}

static uv_buf_t
blob_take(struct cursor *c)
{
    uint32_t n = u32_take(c);

    return (uv_buf_t){.base = (char *)(uintptr_t)bytes_take(c, n), .len = n};
}

static uv_buf_t
piece_take(struct cursor *c)
{
    uint32_t blob = u32_take(c);

    if (blob == LITERAL)
        return blob_take(c);
    if (blob >= load.n_blobs)
        give_up("plan", "a piece names no blob");
    return load.blobs[blob];
}

static void
request_take(struct cursor *c, struct request *r)
{
    memcpy(&r->due_us, bytes_take(c, sizeof(r->due_us)), sizeof(r->due_us));
    r->n_pieces = u32_take(c);
    r->pieces = c->at;
    if (r->n_pieces > load.most_pieces)
        load.most_pieces = r->n_pieces;
    for (uint32_t i = 0; i < r->n_pieces; i++)
        piece_take(c);
}

static void
plan_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct cursor c;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        give_up(path, strerror(errno));
    c.at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (c.at == MAP_FAILED)
        give_up(path, strerror(errno));
    c.end = c.at + st.st_size;
    if (memcmp(bytes_take(&c, 4), "FLD1", 4) != 0)
        give_up(path, "this is no plan");
    load.n_blobs = u32_take(&c);
    load.n_requests = u32_take(&c);
    load.blobs = memory_new(load.n_blobs, sizeof(*load.blobs));
    load.requests = memory_new(load.n_requests, sizeof(*load.requests));
    for (uint32_t i = 0; i < load.n_blobs; i++)
        load.blobs[i] = blob_take(&c);
    for (uint32_t i = 0; i < load.n_requests; i++)
        request_take(&c, &load.requests[i]);
    close(fd);
}

/* --- lists of requests --- */
static void
list_push(struct list *l, uint32_t i)
{
    load.requests[i].next = NONE;
    if (l->first == NONE)
        l->first = i;
    else
        load.requests[l->last].next = i;
    l->last = i;
}

static uint32_t
list_pop(struct list *l)
{
    uint32_t i = l->first;

    l->first = load.requests[i].next;
    return i;
}

/* --- answers --- */
static bool
trusted(unsigned status, const char *body, size_t size)
{
    static const char later[] = "\"status\":503";

    if (status == 201 || status == 202 || (status >= 400 && status < 500 && status != 429))
        return true;
    return status == 200 && size > 12 && memcmp(body, "{\"results\":[", 12) == 0 &&
           memmem(body, size, later, sizeof(later) - 1) == NULL;
}

static void
body_print(unsigned status, const char *body, size_t size)
{
    if (status != 200 && size > BODY_SHOWN)
        size = BODY_SHOWN;
    for (size_t i = 0; i < size; i++)
        putc(body[i] == '\n' || body[i] == '\t' ? ' ' : body[i], load.results);
}

/* What came of an attempt; status 0: nothing. The connection is free again or closing. */
static void
request_end(uint32_t i, int64_t sent_us, unsigned status, const char *body, size_t size)
{
    struct request *r = &load.requests[i];

    fprintf(load.results, "%" PRIu32 "\t%" PRIu32 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%u\t",
            i, r->attempts, r->due_us, sent_us, elapsed_us(), status);
    if (status != 201)
        body_print(status, body, size);
    putc('\n', load.results);
    load.busy--;
    if (load.retry_us == 0 || trusted(status, body, size) || r->attempts == ATTEMPTS_MAX) {
        load.finished++;
        return;
    }
    r->retry_us = elapsed_us() + (load.retry_us << (r->attempts - 1));
    list_push(&load.retries[r->attempts - 1], i);
}

/* --- connections --- */
static void
connection_free(uv_handle_t *handle)
{
    struct connection *c = handle->data;

    free(c->in);
    free(c->bufs);
    free(c);
}

static void
connection_close(struct connection *c)
{
    uint32_t request = c->request;

    if (uv_is_closing((uv_handle_t *)&c->tcp))
        return;
    for (uint32_t i = 0; request == NONE && i < load.n_idle; i++)
        if (load.idle[i] == c)
            load.idle[i] = load.idle[--load.n_idle];
    load.all[c->place] = load.all[--load.n_all];
    load.all[c->place]->place = c->place;
    c->request = NONE;
    uv_close((uv_handle_t *)&c->tcp, connection_free);
    if (request != NONE)
        request_end(request, c->sent_us, 0, "", 0);
}

static void
on_room(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    struct connection *c = handle->data;

    (void)hint;
    if (c->have == c->room && c->room < ANSWER_MAX) {
        size_t room = c->room != 0 ? c->room * 2 : 2048;
        char *in = realloc(c->in, room);

        if (in == NULL)
            give_up("memory", strerror(ENOMEM));
        c->in = in;
        c->room = room;
    }
    *buf = uv_buf_init(c->in + c->have, (unsigned)(c->room - c->have));
}

/* The status once a whole answer is there, else 0. */
static unsigned
answer_whole(const struct connection *c, const char **ret_body, size_t *ret_size)
{
    static const char field[] = "\r\nContent-Length:";
    const char *end = memmem(c->in, c->have, "\r\n\r\n", 4), *length;
    size_t size = 0;

    if (end == NULL || c->have < 12)
        return 0;
    for (length = c->in; length < end; length++)
        if (strncasecmp(length, field, sizeof(field) - 1) == 0) {
            size = strtoul(length + sizeof(field) - 1, NULL, 10);
            break;
        }
    end += 4;
    if (c->have < (size_t)(end - c->in) + size)
        return 0;
    *ret_body = end;
    *ret_size = size;
    return (unsigned)strtoul(c->in + 9, NULL, 10);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = stream->data;
    const char *body = "";
    size_t size = 0;
    unsigned status;
    uint32_t i = c->request;

    (void)buf;
    if (n == 0)
        return;
    if (n < 0 || i == NONE) {
        connection_close(c);
        return;
    }
    c->have += (size_t)n;
    status = answer_whole(c, &body, &size);
    if (status == 0)
        return;
    c->request = NONE;
    c->have = 0;
    request_end(i, c->sent_us, status, body, size);
    load.idle[load.n_idle++] = c;
    load_turn();
}

static void
on_written(uv_write_t *write, int error)
{
    struct connection *c = write->data;

    if (error != 0 && error != UV_ECANCELED)
        connection_close(c);
}

static void
on_connected(uv_connect_t *connecting, int error)
{
    struct connection *c = connecting->data;

    if (error == UV_ECANCELED)
        return;
    if (error != 0) {
        connection_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_room, on_read);
}

static struct connection *
connection_new(void)
{
    struct connection *c = memory_new(1, sizeof(*c));

    c->bufs = memory_new(load.most_pieces, sizeof(*c->bufs));
    uv_tcp_init(load.loop, &c->tcp);
    c->tcp.data = c->connecting.data = c->writing.data = c;
    c->place = load.n_all;
    load.all[load.n_all++] = c;
    uv_tcp_connect(&c->connecting, &c->tcp, (const struct sockaddr *)&load.peer, on_connected);
    return c;
}

static bool
connection_left(void)
{
    return load.n_idle > 0 || load.n_all < CONNECTIONS_MAX;
}

/* Sends a request on a connection that is free or new; one is left. */
static void
request_send(uint32_t i)
{
    struct request *r = &load.requests[i];
    struct cursor cursor = {.at = r->pieces, .end = (const uint8_t *)UINTPTR_MAX};
    struct connection *c;

    c = load.n_idle > 0 ? load.idle[--load.n_idle] : connection_new();
    for (uint32_t n = 0; n < r->n_pieces; n++)
        c->bufs[n] = piece_take(&cursor);
    r->attempts++;
    c->request = i;
    c->sent_us = elapsed_us();
    load.busy++;
    if (uv_write(&c->writing, (uv_stream_t *)&c->tcp, c->bufs, r->n_pieces, on_written) != 0)
        connection_close(c);
}

/* --- the loop --- */
static void
open_turn(int64_t now_us)
{
    for (int level = 0; level < ATTEMPTS_MAX; level++)
        while (load.retries[level].first != NONE &&
               load.requests[load.retries[level].first].retry_us <= now_us)
            list_push(&load.waiting, list_pop(&load.retries[level]));
    while (load.next < load.n_requests && load.requests[load.next].due_us <= now_us)
        list_push(&load.waiting, load.next++);
    while (load.waiting.first != NONE && connection_left())
        request_send(list_pop(&load.waiting));
}

static void
load_turn(void)
{
    int64_t now_us = elapsed_us();

    if (load.window == 0)
        open_turn(now_us);
    while (load.busy < load.window && load.next < load.n_requests && now_us >= 0 &&
           now_us < load.stop_us && connection_left()) {
        load.requests[load.next].due_us = now_us;
        request_send(load.next++);
    }
}

static void
on_tick(uv_timer_t *tick)
{
    int64_t now_us = elapsed_us();
    bool over = load.window != 0 && load.busy == 0 && load.next > 0 && now_us >= load.stop_us;

    load_turn();
    if (now_us - load.looked_us > US_PER_S / 2) {
        load.looked_us = now_us;
        for (uint32_t i = load.n_all; i-- > 0;)
            if (load.all[i]->request != NONE && load.all[i]->sent_us + PATIENCE_US < now_us)
                connection_close(load.all[i]);
    }
    if (over || load.finished == load.n_requests) {
        uv_timer_stop(tick);
        uv_stop(load.loop);
    }
}

static void
load_run(void)
{
    load.loop = uv_default_loop();
    uv_timer_init(load.loop, &load.tick);
    uv_timer_start(&load.tick, on_tick, TICK_MS, TICK_MS);
    uv_run(load.loop, UV_RUN_DEFAULT);
}

int
main(int argc, char **argv)
{
    struct rlimit files;
    int64_t wall_us;

    if (argc != 8) {
        fputs("usage: flood_load PLAN RESULTS PORT RETRY_US START_US WINDOW SECONDS\n", stderr);
        return EXIT_USAGE;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    load.waiting.first = NONE;
    for (int i = 0; i < ATTEMPTS_MAX; i++)
        load.retries[i].first = NONE;
    plan_read(argv[1]);
    load.results = fopen(argv[2], "we");
    if (load.results == NULL)
        give_up(argv[2], strerror(errno));
    uv_ip4_addr("127.0.0.1", atoi(argv[3]), &load.peer);
    load.retry_us = strtoll(argv[4], NULL, 10);
    load.window = (uint32_t)strtoul(argv[6], NULL, 10);
    load.stop_us = strtoll(argv[7], NULL, 10) * US_PER_S;
    wall_us = strtoll(argv[5], NULL, 10);
    load.start_us = clock_mono_us() + wall_us - clock_wall_us();
    load_run();
    if (fclose(load.results) != 0)
        give_up(argv[2], strerror(errno));
    return 0;
}
