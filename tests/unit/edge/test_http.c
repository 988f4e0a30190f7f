/* Requests from bytes: what is taken, what is refused and why, in one piece and byte by byte. The
 * refused ones are the known ways of making two parsers disagree about where a request ends. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/http.h"

#define BODY_MAX 64

struct result {
    enum http_outcome outcome;
    enum problem wrong;
    uint8_t method;
    bool keep_alive;
    char target[64], body[BODY_MAX + 1];
    size_t used;
};

/* Feeds data in pieces of `step` bytes, each from memory of its own that is gone afterwards. */
static struct result
feed(const char *data, size_t size, size_t step)
{
    struct http_reader reader;
    struct http_message m;
    struct result result = {.outcome = HTTP_FEED_MORE};
    size_t at = 0, len;

    http_reader_init(&reader);
    http_message_init(&m);
    http_reader_begin(&reader, &m, BODY_MAX);
    while (at < size && result.outcome != HTTP_FEED_DONE && result.outcome != HTTP_FEED_BAD) {
        size_t n = size - at < step ? size - at : step, used = 0;
        uint8_t *piece = mem_new(n, 1);
        memcpy(piece, data + at, n);
        for (size_t done = 0; done < n;) {
            result.outcome = http_reader_feed(&reader, piece + done, n - done, &used);
            done += used;
            result.used = at + done;
            if (result.outcome == HTTP_FEED_DONE || result.outcome == HTTP_FEED_BAD)
                break;
        }
        at += n;
        if (result.outcome == HTTP_FEED_DONE) {
            const char *target = http_target(&m, &len);
            snprintf(result.target, sizeof(result.target), "%.*s", (int)len, target);
            if (m.body_bytes > 0)
                memcpy(result.body, m.body, m.body_bytes);
            result.method = m.method;
            result.keep_alive = m.keep_alive;
        }
        http_reader_settle(&reader);
        free(piece);
    }
    result.wrong = m.wrong;
    http_message_deinit(&m);
    return result;
}

static void
test_taken(void **state)
{
    static const struct {
        const char *text, *target, *body;
        uint8_t method;
        bool keep_alive;
    } cases[] = {
        {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "/healthz", "", HTTP_GET, true},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", "", HTTP_GET, true},
        {"GET / HTTP/1.0\r\n\r\n", "/", "", HTTP_GET, false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/", "", HTTP_GET, true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "/", "", HTTP_GET, false},
        {"POST /x HTTP/1.1\r\nHost: a:80\r\nContent-Length: 5\r\n\r\nhello", "/x", "hello",
         HTTP_POST, true},
        {"POST /x HTTP/1.1\r\nHost: [::1]\r\nContent-Length:0\r\n\r\n", "/x", "", HTTP_POST, true},
        {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         "/x", "abcde", HTTP_POST, true},
        {"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
         "Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\n\r\n",
         "/x", "abc", HTTP_POST, true},
        {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", "", HTTP_OPTIONS, true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "/", "",
         HTTP_GET, true},
    };
    static const size_t steps[] = {1, 2, 3, 7, 19, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            print_message("step %zu: %s\n", steps[k], cases[i].text);
            struct result r = feed(cases[i].text, strlen(cases[i].text), steps[k]);
            assert_int_equal(r.outcome, HTTP_FEED_DONE);
            assert_int_equal(r.wrong, PROBLEM_NONE);
            assert_string_equal(r.target, cases[i].target);
            assert_string_equal(r.body, cases[i].body);
            assert_int_equal(r.method, cases[i].method);
            assert_int_equal(r.keep_alive, cases[i].keep_alive);
            assert_int_equal(r.used, strlen(cases[i].text));
        }
    }
}

#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define GET "GET / HTTP/1.1\r\n"

static void
test_refused(void **state)
{
    static const struct {
        const char *text;
        enum problem wrong;
    } cases[] = {
        {POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", PROBLEM_FRAMING},
        {POST "Content-Length: 3, 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: +3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: -3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: 0x3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: 3 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: \r\n\r\n", PROBLEM_FRAMING},
        {POST "Content-Length: 99999999999999999999\r\n\r\n", PROBLEM_FRAMING},
        {POST "Content-Length : 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST " Content-Length: 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length\t: 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "X: a\r\n b\r\n\r\n", PROBLEM_FRAMING},
        {POST "X: a\r\n\tContent-Length: 3\r\n\r\nabc", PROBLEM_FRAMING},
        {POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         PROBLEM_FRAMING},
        {POST "Transfer-Encoding: identity\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding:\x0b"
              "chunked\r\n\r\n0\r\n\r\n",
         PROBLEM_FRAMING},
        {POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\na", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", PROBLEM_FRAMING},
        {POST "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n", PROBLEM_FRAMING},
        {GET "\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\nHost: b\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a b\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a/b\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: u@a\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host:\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\nX: b\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\n\n", PROBLEM_FRAMING},
        {GET "Host: a\rX: b\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\n: x\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\nX y: z\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\nno-colon\r\n\r\n", PROBLEM_FRAMING},
        {GET "Host: a\r\nX: a\x01"
             "b\r\n\r\n",
         PROBLEM_FRAMING},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", PROBLEM_VERSION},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", PROBLEM_VERSION},
        {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", PROBLEM_VERSION},
        {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", PROBLEM_VERSION},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET /\r\n\r\n", PROBLEM_VERSION},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET / x HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET x HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET /#f HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"GET * HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"get / HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"FOO / HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PROBLEM_FRAMING},
        {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", PROBLEM_FRAMING},
        {"\x16\x03\x01\x02\r\n\r\n", PROBLEM_FRAMING},
        {POST "Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n", PROBLEM_MALFORMED},
        {POST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", PROBLEM_FRAMING},
    };
    static const size_t steps[] = {1, 5, 100000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
            struct result r = feed(cases[i].text, strlen(cases[i].text), steps[k]);
            if (r.outcome != HTTP_FEED_BAD || r.wrong != cases[i].wrong)
                print_message("step %zu: outcome %d, wrong %d\n%s\n", steps[k], r.outcome, r.wrong,
                              cases[i].text);
            assert_int_equal(r.outcome, HTTP_FEED_BAD);
            assert_int_equal(r.wrong, cases[i].wrong);
        }
    }
    static const char nul[] = GET "Host: a\r\nX: a\0b\r\n\r\n";
    assert_int_equal(feed(nul, sizeof(nul) - 1, 100000).outcome, HTTP_FEED_BAD);
}

/* A head of exactly so many bytes. */
static struct result
feed_head(size_t bytes, size_t step)
{
    static const char start[] = GET "Host: a\r\nX: ";
    char *text = mem_new(bytes, 1);

    memset(text, 'x', bytes);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + bytes - 4, "\r\n\r\n", 4);
    struct result r = feed(text, bytes, step);
    free(text);
    return r;
}

static void
test_head_bound(void **state)
{
    static const size_t steps[] = {1000, 65536, 1000000};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        assert_int_equal(feed_head(HTTP_HEAD_MAX, steps[i]).outcome, HTTP_FEED_DONE);
        struct result r = feed_head(HTTP_HEAD_MAX + 1, steps[i]);
        assert_int_equal(r.outcome, HTTP_FEED_BAD);
        assert_int_equal(r.wrong, PROBLEM_HEAD_TOO_LARGE);
    }
}

static void
test_target_bound(void **state)
{
    (void)state;
    for (size_t len = HTTP_TARGET_MAX; len <= HTTP_TARGET_MAX + 1; len++) {
        char *text = mem_new(len + 100, 1);
        memset(text, 'a', len + 4);
        memcpy(text, "GET /", 5);
        strcpy(text + 4 + len, " HTTP/1.1\r\nHost: a\r\n\r\n");
        struct result r = feed(text, strlen(text), 100000);
        assert_int_equal(r.outcome, len <= HTTP_TARGET_MAX ? HTTP_FEED_DONE : HTTP_FEED_BAD);
        assert_int_equal(r.wrong, len <= HTTP_TARGET_MAX ? PROBLEM_NONE : PROBLEM_TARGET);
        free(text);
    }
}

static struct result
feed_chunks(size_t body, size_t extension)
{
    char text[64 + 2 * BODY_MAX * 8 + HTTP_EXTENSIONS_MAX + 100];
    size_t n = (size_t)sprintf(text, POST "Transfer-Encoding: chunked\r\n\r\n");

    for (size_t i = 0; i < body; i++) {
        n += (size_t)sprintf(text + n, "1");
        if (i == 0 && extension > 0) {
            text[n++] = ';';
            memset(text + n, 'e', extension);
            n += extension;
        }
        n += (size_t)sprintf(text + n, "\r\nb\r\n");
    }
    n += (size_t)sprintf(text + n, "0\r\n\r\n");
    return feed(text, n, 100000);
}

static void
test_chunk_bounds(void **state)
{
    (void)state;
    assert_int_equal(feed_chunks(BODY_MAX, 0).outcome, HTTP_FEED_DONE);
    assert_int_equal(feed_chunks(BODY_MAX + 1, 0).wrong, PROBLEM_TOO_LARGE);
    assert_int_equal(feed_chunks(3, HTTP_EXTENSIONS_MAX - 1).outcome, HTTP_FEED_DONE);
    assert_int_equal(feed_chunks(3, HTTP_EXTENSIONS_MAX).wrong, PROBLEM_FRAMING);
}

/* What stands behind a request is not touched. */
static void
test_pipelined(void **state)
{
    static const char one[] = POST "Content-Length: 3\r\n\r\nabc";
    static const char two[] = POST "Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n";
    static const char three[] = GET "Host: a\r\n\r\nGET ";

    (void)state;
    assert_int_equal(feed(two, sizeof(two) - 1, 100000).used, sizeof(one) - 1);
    assert_int_equal(feed(three, sizeof(three) - 1, 100000).used, sizeof(three) - 1 - 4);
}

static void
test_headers(void **state)
{
    static const char text[] =
        "POST / HTTP/1.1\r\nhOsT: a\r\nPrefer: respond-async\r\nprefer:  wait=5 \r\n"
        "X-Request-Id: \t one \r\nX-Request-Id: two\r\n\r\n";
    struct http_reader reader;
    struct http_message m;
    size_t used, len;

    (void)state;
    http_message_init(&m);
    http_reader_init(&reader);
    http_reader_begin(&reader, &m, BODY_MAX);
    assert_int_equal(http_reader_feed(&reader, (const uint8_t *)text, sizeof(text) - 1, &used),
                     HTTP_FEED_DONE);
    assert_true(m.prefer.respond_async);
    assert_int_equal(m.prefer.wait_s, 5);
    const char *id = http_header(&m, HTTP_HEADER_REQUEST_ID, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(id, "two", 3);
    assert_null(http_header(&m, HTTP_HEADER_EXPECT, &len));
    http_message_deinit(&m);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_head_bound),   cmocka_unit_test(test_target_bound),
        cmocka_unit_test(test_chunk_bounds), cmocka_unit_test(test_pipelined),
        cmocka_unit_test(test_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
