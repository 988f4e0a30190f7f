/* Entries of the kind the first byte names. What entry_read lets through lies inside the bytes
 * given, and writing it again makes the same bytes. */
#include <string.h>

#include "base/error.h"
#include "schemas/wire/entry.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct entry e;
    struct buf b;
    size_t at = 0, before = 0;

    if (size == 0)
        return 0;
    enum entry_kind kind = (enum entry_kind)(data[0] % 4);
    data++;
    size--;
    while (entry_read(kind, data, size, &at, &e) == ENTRY_OK) {
        sluice_assert(at > before && at <= size);
        sluice_assert(e.payload_len == 0 || e.payload + e.payload_len == data + at);
        buf_init(&b, at - before);
        int r = entry_write(&b, kind, &e);
        sluice_assert(r == BUF_OK && b.size == at - before);
        sluice_assert(memcmp(b.data, data + before, b.size) == 0);
        buf_deinit(&b);
        before = at;
    }
    sluice_assert(at == before);
    return 0;
}
