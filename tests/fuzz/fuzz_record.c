/* Records one behind the other. What record_read lets through lies inside the bytes given, and
 * writing it again makes the same bytes. */
#include <string.h>

#include "base/error.h"
#include "schemas/wire/record.h"
#include "tests/fuzz/fuzz.h"

static void
record_is_inside(const struct record *r, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;

    sluice_assert(r->length >= RECORD_HEADER_BYTES && r->length <= size);
    sluice_assert(r->service_len <= RECORD_SERVICE_MAX && r->scope_len <= RECORD_SCOPE_MAX);
    sluice_assert((const uint8_t *)r->service + r->service_len <= end);
    sluice_assert((const uint8_t *)r->scope + r->scope_len <= end);
    sluice_assert(r->body + r->body_len == data + r->length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record r;
    struct buf b;
    size_t at = 0;

    while (record_read(data + at, size - at, &r) == RECORD_OK) {
        record_is_inside(&r, data + at, size - at);
        buf_init(&b, r.length);
        int rc = record_write(&b, &r);
        sluice_assert(rc == BUF_OK && b.size == r.length);
        sluice_assert(memcmp(b.data, data + at, r.length) == 0);
        uint32_t crc = record_crc(b.data, r.length, 7);
        record_set_crc(b.data, crc);
        sluice_assert(record_crc(b.data, r.length, 7) == crc);
        buf_deinit(&b);
        at += r.length;
    }
    return 0;
}
