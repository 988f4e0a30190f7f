/* libcurl's multi interface with sockets of its own choosing in one epoll. Redirects are not
 * followed, only http, https, smtp and smtps are spoken, answers' bodies are thrown away. */
#include "workers/notifications/transfers.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define EVENTS_MAX 64
#define CONNECT_MAX_MS 5000L

struct transfer {
    struct transfer *next, **link;
    void *owner;
    CURL *easy;
    struct curl_slist *headers, *to;
    struct buf body;
    size_t sent;
    bool is_mail;
};

struct transfers {
    CURLM *multi;
    int epoll;
    unsigned max, n;
    long timeout_ms;
    int64_t timer_us; /* INT64_MAX: none */
    struct transfer *first;
    void (*ended)(void *arg, const struct transfer_end *end);
    void *arg;
};

static int
socket_watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct transfers *t = arg;
    struct epoll_event e = {.data.fd = fd};

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(t->epoll, EPOLL_CTL_DEL, fd, NULL); /* may be closed already */
        return 0;
    }
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
        e.events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
        e.events |= EPOLLOUT;
    if (epoll_ctl(t->epoll, known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) != 0 &&
        epoll_ctl(t->epoll, known != NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e) != 0)
        return -1;
    if (known == NULL)
        curl_multi_assign(t->multi, fd, t);
    return 0;
}

static int
timer_set(CURLM *multi, long ms, void *arg)
{
    struct transfers *t = arg;

    (void)multi;
    t->timer_us = ms < 0 ? INT64_MAX : clock_mono_us() + ms * US_PER_MS;
    return 0;
}

struct transfers *
transfers_new(unsigned max, int64_t timeout_us,
              void (*ended)(void *arg, const struct transfer_end *end), void *arg)
{
    struct transfers *t = mem_new(1, sizeof(*t));

    *t = (struct transfers){.max = max,
                            .timeout_ms = (long)(timeout_us / US_PER_MS),
                            .timer_us = INT64_MAX,
                            .ended = ended,
                            .arg = arg};
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    t->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (t->epoll < 0 || t->multi == NULL) {
        transfers_free(t);
        return NULL;
    }
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, socket_watch);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, timer_set);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
    return t;
}

static void
transfer_free(struct transfers *t, struct transfer *x)
{
    if (x->link != NULL) {
        *x->link = x->next;
        if (x->next != NULL)
            x->next->link = x->link;
        t->n--;
        curl_multi_remove_handle(t->multi, x->easy);
    }
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    curl_slist_free_all(x->to);
    buf_deinit(&x->body);
    free(x);
}

void
transfers_free(struct transfers *t)
{
    if (t == NULL)
        return;
    while (t->first != NULL)
        transfer_free(t, t->first);
    if (t->multi != NULL)
        curl_multi_cleanup(t->multi);
    if (t->epoll >= 0)
        close(t->epoll);
    free(t);
}

void
transfers_abandon(struct transfers *t, void (*each)(void *arg, void *owner), void *arg)
{
    while (t->first != NULL) {
        void *owner = t->first->owner;
        transfer_free(t, t->first);
        each(arg, owner);
    }
}

/* ---- beginning ---- */

static size_t
answer_ignore(char *data, size_t size, size_t n, void *arg)
{
    (void)data;
    (void)arg;
    return size * n;
}

static size_t
body_give(char *out, size_t size, size_t n, void *arg)
{
    struct transfer *x = arg;
    size_t left = x->body.size - x->sent, take = size * n < left ? size * n : left;

    if (take > 0)
        memcpy(out, x->body.data + x->sent, take);
    x->sent += take;
    return take;
}

/* Options that hold for all; NULL when there is no room. */
static struct transfer *
transfer_new(struct transfers *t, void *owner, const char *url, const char *protocols)
{
    CURL *easy = t->n < t->max ? curl_easy_init() : NULL;

    if (easy == NULL)
        return NULL;
    struct transfer *x = mem_new(1, sizeof(*x));
    *x = (struct transfer){.owner = owner, .easy = easy};
    curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, t->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     t->timeout_ms < CONNECT_MAX_MS ? t->timeout_ms : CONNECT_MAX_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, answer_ignore);
    return x;
}

static bool
transfer_begin(struct transfers *t, struct transfer *x, struct buf *body)
{
    if (curl_multi_add_handle(t->multi, x->easy) != CURLM_OK) {
        struct buf empty = {.ceiling = body->ceiling};
        *body = x->body;
        x->body = empty;
        transfer_free(t, x);
        return false;
    }
    x->next = t->first;
    x->link = &t->first;
    if (x->next != NULL)
        x->next->link = &x->next;
    t->first = x;
    t->n++;
    return true;
}

static void
body_take(struct transfer *x, struct buf *body)
{
    x->body = *body;
    buf_init(body, x->body.ceiling);
}

bool
transfers_post(struct transfers *t, void *owner, const char *url, const char *const *headers,
               unsigned n_headers, struct buf *body)
{
    struct transfer *x = transfer_new(t, owner, url, "http,https");

    if (x == NULL)
        return false;
    for (unsigned i = 0; i < n_headers; i++)
        x->headers = curl_slist_append(x->headers, headers[i]);
    body_take(x, body);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(x->easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.size);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, x->body.data);
    return transfer_begin(t, x, body);
}

bool
transfers_mail(struct transfers *t, void *owner, const struct transfers_smtp *server,
               const char *to, struct buf *message)
{
    struct transfer *x = transfer_new(t, owner, server->url, "smtp,smtps");

    if (x == NULL)
        return false;
    x->is_mail = true;
    x->to = curl_slist_append(NULL, to);
    body_take(x, message);
    curl_easy_setopt(x->easy, CURLOPT_MAIL_FROM, server->from);
    curl_easy_setopt(x->easy, CURLOPT_MAIL_RCPT, x->to);
    curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, body_give);
    curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
    if (server->user != NULL) {
        curl_easy_setopt(x->easy, CURLOPT_USERNAME, server->user);
        curl_easy_setopt(x->easy, CURLOPT_PASSWORD, server->password);
    }
    curl_easy_setopt(x->easy, CURLOPT_USE_SSL,
                     (long)(server->user != NULL ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    return transfer_begin(t, x, message);
}

/* ---- turning ---- */

/* Our own few words: libcurl's name addresses. */
static const char *
fault_text(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_COULDNT_RESOLVE_HOST:
        return "name not found";
    case CURLE_COULDNT_CONNECT:
        return "no connection";
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_USE_SSL_FAILED:
        return "no trusted TLS";
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return "bad address";
    case CURLE_LOGIN_DENIED:
        return "login denied";
    default:
        return "connection broke";
    }
}

static void
transfer_tell(struct transfers *t, struct transfer *x, CURLcode code)
{
    struct transfer_end end = {.owner = x->owner, .done = code == CURLE_OK};
    long answer = 0;
    curl_off_t after_s = 0;

    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &answer);
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &after_s);
    end.code = (int)answer;
    if (after_s > 0 && after_s < 86400)
        end.retry_after_us = after_s * US_PER_S;
    if (x->is_mail && !end.done && answer >= 400)
        snprintf(end.note, sizeof(end.note), "smtp %ld", answer);
    else if (!end.done)
        snprintf(end.note, sizeof(end.note), "%s", fault_text(code));
    else
        snprintf(end.note, sizeof(end.note), "%s %ld", x->is_mail ? "smtp" : "http", answer);
    if (!end.done && !x->is_mail)
        end.code = 0; /* a status line whose body never came is no answer */
    transfer_free(t, x);
    t->ended(t->arg, &end);
}

unsigned
transfers_count(const struct transfers *t)
{
    return t->n;
}

int
transfers_fd(const struct transfers *t)
{
    return t->epoll;
}

static void
timer_look(struct transfers *t, int64_t now_us)
{
    int running;

    if (t->timer_us > now_us)
        return;
    t->timer_us = INT64_MAX;
    curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
}

void
transfers_turn(struct transfers *t, int64_t now_us)
{
    struct epoll_event events[EVENTS_MAX];
    int running, queued;
    CURLMsg *m;

    /* What has arrived goes first: after a wait for PostgreSQL an answer may lie here whose time
     * is over. */
    int n = epoll_wait(t->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) {
        int mask = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(t->multi, events[i].data.fd, mask, &running);
    }
    timer_look(t, now_us);
    while ((m = curl_multi_info_read(t->multi, &queued)) != NULL) {
        struct transfer *x = NULL;
        CURLcode code = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        transfer_tell(t, x, code);
    }
}

int64_t
transfers_deadline(const struct transfers *t)
{
    return t->timer_us;
}
