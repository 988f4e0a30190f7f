/* Reading the notes that workers' reports left with their done records, beside a running broker
 * too. What a note means is not known here. Damage is not this file's business: what is not valid
 * is passed over, and journal_verify names it. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/folder.h"
#include "broker/journal/journal.h"
#include "broker/journal/scan.h"
#include "broker/journal/tail.h"

#define NOTE_MAX 4096

static void
note_print(const struct record *r, FILE *out)
{
    char hex[2 * NOTE_MAX + 1];

    if (r->kind != RECORD_DONE || r->body_len == 0 || r->body_len > NOTE_MAX)
        return;
    sodium_bin2hex(hex, sizeof(hex), r->body, r->body_len);
    fprintf(out,
            "{\"epoch\":%" PRIu64 ",\"seq\":%" PRIu64 ",\"finished_us\":%" PRId64
            ",\"note\":\"%s\"}\n",
            r->epoch, r->seq, r->accepted_us, hex);
}

static int
batch_print(struct scan *s, const struct scan_item *batch, FILE *out)
{
    const uint8_t *records;
    struct walk_item item;

    int rc = scan_bytes(s, batch->offset + LAYOUT_BATCH_HEADER, batch->header.bytes, &records);
    if (rc != 0)
        return rc;
    struct record_walk w = {
        .data = records, .size = batch->header.bytes, .seed = layout_seed(s->id, s->segment)};
    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item)) {
        if (k == WALK_RECORD)
            note_print(&item.record, out);
    }
    return 0;
}

static int
segment_print(const struct folder *folder, const struct layout_id *id,
              const struct found_list *list, size_t index, FILE *out)
{
    const struct found *found = &list->list[index];
    uint64_t limit = found_limit(list, index);
    struct scan_item item;
    struct scan s;
    int fd;

    int rc = found_open(folder, found, &fd);
    if (rc == -ENOENT) /* recycled while we read */
        return 0;
    if (rc != 0)
        return rc;
    rc = scan_init(&s, id, fd, found->number);
    if (rc == 0) {
        while ((rc = scan_next(&s, limit, &item)) == 0 && item.kind != SCAN_END) {
            if (item.kind == SCAN_BATCH && (rc = batch_print(&s, &item, out)) != 0)
                break;
        }
        scan_deinit(&s);
    }
    close(fd);
    return rc;
}

int
journal_notes(const char *dir, FILE *out)
{
    struct found_list found = {0};
    struct folder folder;
    struct layout_id id;
    bool made;

    int rc = folder_open(dir, false, &folder);
    if (rc != 0)
        return rc;
    rc = folder_identity(&folder, false, &id, &made);
    if (rc == 0)
        rc = found_read(&folder, &id, &found);
    for (size_t i = 0; rc == 0 && i < found.begun; i++)
        rc = segment_print(&folder, &id, &found, i, out);
    found_deinit(&found);
    folder_close(&folder);
    return rc;
}
