/* Any bytes as requests, in one piece and in pieces: both ways agree on every request's end, method
 * and body, or on the refusal. The first byte is the size of the pieces. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "client/edge/http.h"
#include "tests/fuzz/fuzz.h"

#define BODY_MAX 1024

struct result {
    enum http_outcome outcome;
    enum problem wrong;
    uint8_t method;
    size_t used, body_bytes;
};

static struct result
feed(const uint8_t *data, size_t size, size_t step)
{
    struct http_reader reader;
    struct http_message m;
    struct result result = {.outcome = HTTP_FEED_MORE};
    size_t at = 0;

    http_reader_init(&reader);
    http_message_init(&m);
    http_reader_begin(&reader, &m, BODY_MAX);
    while (at < size && result.outcome != HTTP_FEED_DONE && result.outcome != HTTP_FEED_BAD) {
        size_t n = size - at < step ? size - at : step, used = 0;
        uint8_t *piece = mem_new(n, 1);
        memcpy(piece, data + at, n);
        for (size_t done = 0; done < n;) {
            result.outcome = http_reader_feed(&reader, piece + done, n - done, &used);
            sluice_assert(used <= n - done);
            done += used;
            result.used = at + done;
            if (result.outcome == HTTP_FEED_DONE || result.outcome == HTTP_FEED_BAD)
                break;
        }
        at += n;
        http_reader_settle(&reader);
        free(piece);
    }
    if (result.outcome == HTTP_FEED_DONE) {
        sluice_assert(m.body_bytes <= BODY_MAX);
        result.method = m.method;
        result.body_bytes = m.body_bytes;
    }
    result.wrong = m.wrong;
    http_message_deinit(&m);
    return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    struct result whole = feed(data + 1, size - 1, size);
    struct result pieces = feed(data + 1, size - 1, (size_t)data[0] % 64 + 1);
    sluice_assert((whole.outcome == HTTP_FEED_DONE) == (pieces.outcome == HTTP_FEED_DONE));
    sluice_assert((whole.outcome == HTTP_FEED_BAD) == (pieces.outcome == HTTP_FEED_BAD));
    sluice_assert(whole.wrong == pieces.wrong);
    if (whole.outcome == HTTP_FEED_DONE)
        sluice_assert(whole.used == pieces.used && whole.method == pieces.method &&
                      whole.body_bytes == pieces.body_bytes);
    return 0;
}
