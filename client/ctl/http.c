/* libcurl's easy interface; nothing of a proxy or a user's .netrc is taken in. */
#include "client/ctl/http.h"

#include <curl/curl.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"

static size_t
body_take(char *data, size_t size, size_t n, void *arg)
{
    struct buf *b = arg;

    return buf_append(b, data, size * n) == BUF_OK ? size * n : 0;
}

/* What every request has. */
static void
options_set(CURL *curl, const char *url, struct curl_slist *list)
{
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
}

static void
options_set_post(CURL *curl, const char *body, size_t body_len, int64_t timeout_us,
                 struct buf *answer)
{
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body_len);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_us / US_PER_MS));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
}

int
http_post(const char *url, const char *const *headers, size_t n_headers, const char *body,
          size_t body_len, int64_t timeout_us, struct http_answer *ret_answer, const char **ret_why)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *list = NULL;
    struct buf answer;
    long status = 0;

    sluice_assert(curl != NULL);
    buf_init(&answer, HTTP_ANSWER_MAX);
    for (size_t i = 0; i < n_headers; i++)
        list = curl_slist_append(list, headers[i]);
    options_set(curl, url, list);
    options_set_post(curl, body, body_len, timeout_us, &answer);
    CURLcode r = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    if (r != CURLE_OK) {
        buf_deinit(&answer);
        *ret_why = curl_easy_strerror(r);
        return 1;
    }
    char *text = mem_new(answer.size + 1, 1);
    for (size_t i = 0; i < answer.size; i++)
        text[i] = (char)answer.data[i];
    *ret_answer = (struct http_answer){status, text, answer.size};
    buf_deinit(&answer);
    return 0;
}

struct stream {
    CURL *curl;
    bool (*take)(void *arg, const char *data, size_t len);
    void *arg;
    bool ended;
};

static size_t
stream_take(char *data, size_t size, size_t n, void *arg)
{
    struct stream *s = arg;
    long status = 0;

    curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200 && !s->take(s->arg, data, size * n)) {
        s->ended = true;
        return 0;
    }
    return size * n;
}

long
http_stream(const char *url, const char *const *headers, size_t n_headers, int64_t connect_us,
            int64_t silence_us, bool (*take)(void *arg, const char *data, size_t len), void *arg,
            const char **ret_why)
{
    struct stream stream = {.curl = curl_easy_init(), .take = take, .arg = arg};
    struct curl_slist *list = NULL;
    long status = 0;

    sluice_assert(stream.curl != NULL);
    for (size_t i = 0; i < n_headers; i++)
        list = curl_slist_append(list, headers[i]);
    options_set(stream.curl, url, list);
    curl_easy_setopt(stream.curl, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_us / US_PER_MS));
    curl_easy_setopt(stream.curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(stream.curl, CURLOPT_LOW_SPEED_TIME, (long)(silence_us / US_PER_S));
    curl_easy_setopt(stream.curl, CURLOPT_WRITEFUNCTION, stream_take);
    curl_easy_setopt(stream.curl, CURLOPT_WRITEDATA, &stream);
    CURLcode r = curl_easy_perform(stream.curl);
    curl_easy_getinfo(stream.curl, CURLINFO_RESPONSE_CODE, &status);
    *ret_why = stream.ended || r == CURLE_OK ? NULL : curl_easy_strerror(r);
    curl_slist_free_all(list);
    curl_easy_cleanup(stream.curl);
    return status;
}

char *
http_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = mem_strdup(escaped != NULL ? escaped : "");

    curl_free(escaped);
    return copy;
}
