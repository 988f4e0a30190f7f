/* A segment file's image through the scanner and the record walk, as replay and verify use them:
 * every item lies inside the file, behind the one before, and every record inside its batch.
 * Checksums at the places where headers and records begin are made right first, or nothing would
 * get past them. */
#include <isa-l/crc.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/folder.h"
#include "broker/journal/scan.h"
#include "tests/fuzz/fuzz.h"

#define IMAGE_MAX (256u * 1024)
#define SEGMENT 1u

static const struct layout_id id; /* all zero: known to the corpus */

static void
seal(uint8_t *p, size_t size)
{
    le32_put(p + size - 4, crc32_iscsi(p, (int)size - 4, layout_seed(&id, SEGMENT)));
}

static void
records_seal(uint8_t *p, size_t size)
{
    while (size >= RECORD_HEADER_BYTES) {
        uint32_t length = le32_get(p);
        if (length < RECORD_HEADER_BYTES || length > size)
            return;
        record_set_crc(p, record_crc(p, length, layout_seed(&id, SEGMENT)));
        p += length;
        size -= length;
    }
}

static void
image_seal(uint8_t *image, size_t size)
{
    for (size_t at = LAYOUT_HEADER_BLOCK; at + LAYOUT_BATCH_HEADER <= size; at += LAYOUT_BLOCK) {
        if (memcmp(image + at, "SLUB", 4) != 0)
            continue;
        uint8_t *records = image + at + LAYOUT_BATCH_HEADER;
        records_seal(records, size - at - LAYOUT_BATCH_HEADER);
        seal(image + at, LAYOUT_BATCH_HEADER);
    }
    if (size >= LAYOUT_HEADER_BLOCK)
        seal(image, LAYOUT_HEADER_BYTES);
}

static void
batch_walk(struct scan *s, const struct scan_item *batch)
{
    const uint8_t *records;
    struct walk_item item;
    uint32_t at = 0;

    int rc = scan_bytes(s, batch->offset + LAYOUT_BATCH_HEADER, batch->header.bytes, &records);
    sluice_assert(rc == 0);
    struct record_walk w = {
        .data = records, .size = batch->header.bytes, .seed = layout_seed(&id, SEGMENT)};
    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item)) {
        sluice_assert(item.offset == at && item.end > at && item.end <= batch->header.bytes);
        sluice_assert(k != WALK_RECORD || item.record.length == item.end - item.offset);
        at = item.end;
    }
    sluice_assert(at == batch->header.bytes);
}

static void
image_scan(int fd, uint64_t limit)
{
    struct scan s;
    struct scan_item item;
    struct segment_header header;
    unsigned copies;
    uint64_t at = LAYOUT_HEADER_BLOCK, number = 0;

    int rc = scan_init(&s, &id, fd, SEGMENT);
    sluice_assert(rc == 0);
    rc = scan_header(&s, &header, &copies);
    sluice_assert(rc == 0 && copies <= 3);
    for (;;) {
        rc = scan_next(&s, limit, &item);
        sluice_assert(rc == 0);
        if (item.kind == SCAN_END)
            break;
        sluice_assert(item.offset >= at && item.offset < s.size && item.end > item.offset);
        if (item.kind == SCAN_BATCH) {
            sluice_assert(item.end <= s.size && item.header.start.batch >= number);
            sluice_assert(item.header.start.batch < limit);
            number = item.header.start.batch + 1;
            batch_walk(&s, &item);
        }
        at = item.kind == SCAN_GAP ? item.end : item.offset + 1;
    }
    scan_torn_at(&s, item.offset);
    scan_deinit(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > IMAGE_MAX)
        return 0;
    uint8_t *image = mem_new(size, 1);
    memcpy(image, data, size);
    image_seal(image, size);
    int fd = memfd_create("segment", MFD_CLOEXEC);
    sluice_assert(fd >= 0);
    int rc = file_pwrite(fd, image, size, 0);
    sluice_assert(rc == 0);
    image_scan(fd, UINT64_MAX);
    image_scan(fd, 3);
    close(fd);
    free(image);
    return 0;
}
