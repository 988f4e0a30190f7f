/* Checking a folder without changing it, beside a running broker too.
 *
 * The same scanner and the same numbers as replay, but from the oldest file on, and every finding
 * is reported with file, offset and rule. While a broker lives here (its lock on the identity
 * tells), the last segment is being written: what is not valid there and followed by nothing valid
 * is not there yet; a header goes to the file ahead of its segment's first batch, so it is read
 * after the batches and counts only where one is; and a finding in a file is believed only if it is
 * still there on a second look. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "broker/journal/damage.h"
#include "broker/journal/epochs.h"
#include "broker/journal/folder.h"
#include "broker/journal/journal.h"
#include "broker/journal/scan.h"
#include "broker/journal/tail.h"

#define DETAIL_MAX 160

struct finding {
    char file[LAYOUT_NAME_SIZE];
    uint64_t offset;
    const char *rule;
    char detail[DETAIL_MAX];
};

struct verify {
    struct folder folder;
    struct layout_id id;
    struct found_list found;
    bool json, is_live;
    FILE *out;
    struct layout_point expected; /* batch 0: nothing seen yet */
    struct finding *findings;     /* of the segment being read */
    size_t n_findings;
    uint64_t faults, records, messages;
};

struct segment_tally {
    uint64_t batches, records, messages, bytes;
};

static void __attribute__((format(printf, 5, 6)))
found_fault(struct verify *v, const char *file, uint64_t offset, const char *rule, const char *fmt,
            ...)
{
    va_list args;

    v->findings = mem_grow(v->findings, v->n_findings + 1, sizeof(*v->findings));
    struct finding *f = &v->findings[v->n_findings++];
    *f = (struct finding){.offset = offset, .rule = rule};
    snprintf(f->file, sizeof(f->file), "%s", file);
    va_start(args, fmt);
    vsnprintf(f->detail, sizeof(f->detail), fmt, args);
    va_end(args);
}

static void
findings_print(struct verify *v)
{
    for (size_t i = 0; i < v->n_findings; i++) {
        const struct finding *f = &v->findings[i];
        if (v->json)
            fprintf(v->out,
                    "{\"type\":\"fault\",\"file\":\"%s\",\"offset\":%" PRIu64
                    ",\"rule\":\"%s\",\"detail\":\"%s\"}\n",
                    f->file, f->offset, f->rule, f->detail);
        else
            fprintf(v->out, "%s:%" PRIu64 ": %s: %s\n", f->file, f->offset, f->rule, f->detail);
    }
    v->faults += v->n_findings;
    v->n_findings = 0;
}

static void
segment_print(struct verify *v, const struct found *found, const struct segment_tally *t,
              const char *state)
{
    char name[LAYOUT_NAME_SIZE];

    layout_name(found->number, name);
    if (v->json)
        fprintf(v->out,
                "{\"type\":\"segment\",\"file\":\"%s\",\"segment\":%u,\"state\":\"%s\",\"epoch\":"
                "%" PRIu64 ",\"batches\":%" PRIu64 ",\"records\":%" PRIu64 ",\"messages\":%" PRIu64
                ",\"used_bytes\":%" PRIu64 ",\"file_bytes\":%" PRIu64 "}\n",
                name, found->number, state, found->copies != 0 ? found->header.epoch : 0,
                t->batches, t->records, t->messages, t->bytes, found->bytes);
    else
        fprintf(v->out,
                "%s  %-6s %8" PRIu64 " batches %10" PRIu64 " records %10" PRIu64
                " messages %12" PRIu64 " bytes\n",
                name, state, t->batches, t->records, t->messages, t->bytes);
}

/* The records of one batch; faults name the first byte of each bad range. */
static int
batch_check(struct verify *v, struct scan *s, const struct scan_item *batch, const char *name,
            struct segment_tally *t)
{
    const uint8_t *records;
    struct walk_item item;
    uint64_t base = batch->offset + LAYOUT_BATCH_HEADER;
    uint32_t intact = 0;

    int rc = scan_bytes(s, base, batch->header.bytes, &records);
    if (rc != 0)
        return rc;
    struct record_walk w = {
        .data = records, .size = batch->header.bytes, .seed = layout_seed(s->id, s->segment)};
    for (enum walk_kind k = record_walk_next(&w, &item); k != WALK_END;
         k = record_walk_next(&w, &item)) {
        if (k == WALK_RECORD) {
            intact++;
            t->messages += item.record.kind == RECORD_MESSAGE;
        } else {
            found_fault(v, name, base + item.offset, "record-crc",
                        "%u bytes of batch %" PRIu64 " are not what was written",
                        item.end - item.offset, batch->header.start.batch);
        }
    }
    if (intact < batch->header.records && v->n_findings == 0)
        found_fault(v, name, batch->offset, "record-count", "%u of %u records", intact,
                    batch->header.records);
    t->batches++;
    t->records += intact;
    t->bytes = batch->end;
    return 0;
}

static void
order_check(struct verify *v, const char *name, uint64_t offset, const struct layout_point *start)
{
    if (v->expected.batch != 0 && start->batch > v->expected.batch) {
        uint64_t lost =
            start->messages > v->expected.messages ? start->messages - v->expected.messages : 0;
        found_fault(v, name, offset, "batch-missing",
                    "batches %" PRIu64 " to %" PRIu64 " with %" PRIu64
                    " messages are not where they belong",
                    v->expected.batch, start->batch - 1, lost);
    }
    v->expected = *start;
}

/* Read anew: what was found when the folder was listed may have been half a write. */
static int
header_check(struct verify *v, struct scan *s, const char *name, bool has_batches)
{
    struct segment_header header;
    unsigned copies;

    int rc = scan_header(s, &header, &copies);
    if (rc != 0 || (v->is_live && !has_batches))
        return rc;
    if ((copies & 1) == 0)
        found_fault(v, name, 0, "header-crc", "the header's first copy is not valid");
    if ((copies & 2) == 0)
        found_fault(v, name, LAYOUT_HEADER_TWIN, "header-crc",
                    "the header's second copy is not valid");
    return 0;
}

/* The end of the last segment, if no mark stands there. Behind a living broker it is on its way to
 * the file and nobody's fault; else what is bad there is torn, not damaged. */
static void
tail_check(struct verify *v, struct scan *s, const char *name, uint64_t end, bool ends_in_batch,
           size_t before_last)
{
    if (!ends_in_batch && s->after_mark)
        return;
    if (v->is_live) {
        if (ends_in_batch)
            v->n_findings = before_last;
        return;
    }
    for (size_t i = before_last; ends_in_batch && i < v->n_findings; i++)
        v->findings[i].rule = "torn-tail";
    if (scan_torn_at(s, end))
        found_fault(v, name, end, "torn-tail",
                    "a batch was begun here and not finished; opening cuts it");
}

/* One look at one segment; findings are collected, v->expected moves on. */
static int
segment_look(struct verify *v, size_t index, const char *name, int fd, struct segment_tally *ret)
{
    const struct found *found = &v->found.list[index];
    uint64_t limit = found_limit(&v->found, index);
    bool is_last = index + 1 == v->found.begun;
    struct segment_tally t = {0};
    struct scan s;
    struct scan_item item;
    size_t before_last = v->n_findings; /* findings before the last batch */
    bool ends_in_batch = false;

    int rc = scan_init(&s, &v->id, fd, found->number);
    if (rc != 0)
        return rc;
    while ((rc = scan_next(&s, limit, &item)) == 0 && item.kind != SCAN_END) {
        if (item.kind == SCAN_GAP) {
            found_fault(v, name, item.offset, "batch-header",
                        "%" PRIu64 " bytes are no batch, and a later one is valid",
                        item.end - item.offset);
            continue;
        }
        order_check(v, name, item.offset, &item.header.start);
        before_last = v->n_findings;
        ends_in_batch = item.kind == SCAN_BATCH;
        if (item.kind == SCAN_BATCH) {
            rc = batch_check(v, &s, &item, name, &t);
            if (rc != 0)
                break;
            v->expected = (struct layout_point){.batch = item.header.start.batch + 1,
                                                .seq = item.header.seq_after,
                                                .messages = item.header.start.messages +
                                                            item.header.messages};
        }
    }
    if (rc == 0 && is_last)
        tail_check(v, &s, name, item.offset, ends_in_batch, before_last);
    else if (rc == 0 && !s.after_mark && v->expected.batch != 0 && v->expected.batch < limit &&
             scan_torn_at(&s, item.offset))
        found_fault(v, name, item.offset, "batch-header",
                    "batch %" PRIu64 " is not valid, and later ones are", v->expected.batch);
    if (rc == 0)
        rc = header_check(v, &s, name, t.batches > 0);
    scan_deinit(&s);
    *ret = t;
    return rc;
}

/* Is this still the file of that name? (It may have been recycled while we read.) */
static bool
file_is_current(const struct verify *v, const char *name, int fd)
{
    struct stat held, named;

    return fstat(fd, &held) == 0 && fstatat(v->folder.fd, name, &named, 0) == 0 &&
           held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static int
segment_verify(struct verify *v, size_t index)
{
    const struct found *found = &v->found.list[index];
    struct layout_point before = v->expected;
    struct segment_tally t = {0};
    char name[LAYOUT_NAME_SIZE];
    int fd;

    layout_name(found->number, name);
    int rc = found_open(&v->folder, found, &fd);
    if (rc == -ENOENT && v->is_live) {
        v->expected = (struct layout_point){0};
        return 0;
    }
    if (rc != 0)
        return rc;
    rc = segment_look(v, index, name, fd, &t);
    if (rc == 0 && v->n_findings > 0 && v->is_live) {
        v->n_findings = 0;
        v->expected = before;
        rc = segment_look(v, index, name, fd, &t);
    }
    if (v->is_live && !file_is_current(v, name, fd)) {
        v->n_findings = 0;
        v->expected = (struct layout_point){0};
        rc = 0;
    } else if (rc == -EIO) {
        found_fault(v, name, 0, "read-error", "%s", strerror(-rc));
        rc = 0;
    }
    close(fd);
    if (rc != 0)
        return rc;
    segment_print(v, found, &t, "begun");
    findings_print(v);
    v->records += t.records;
    v->messages += t.messages;
    return 0;
}

/* The head that the last intact batch names must be there, and all after it. */
static int
segments_verify(struct verify *v)
{
    struct tail tail;
    char name[LAYOUT_NAME_SIZE];

    uint32_t head = 0;
    int rc = tail_find(&v->folder, &v->id, &v->found, &tail);
    if (rc == 0) {
        head = tail.head;
        tail_deinit(&tail);
    } else if (rc != -ENOENT || !v->is_live) {
        return rc;
    }
    for (size_t i = 0; i < v->found.begun; i++) {
        uint32_t number = v->found.list[i].number;
        uint32_t next = i > 0 ? v->found.list[i - 1].number + 1 : head;
        if (i > 0 && number > next)
            v->expected = (struct layout_point){0};
        if (next < head)
            next = head; /* what is finished may leave */
        if (next != 0 && number > next && !(v->is_live && i == 0)) {
            layout_name(next, name);
            found_fault(v, name, 0, "segment-missing", "segments %u to %u are not there", next,
                        number - 1);
            findings_print(v);
        }
        rc = segment_verify(v, i);
        if (rc != 0)
            return rc;
    }
    for (size_t i = v->found.begun; i < v->found.n; i++)
        segment_print(v, &v->found.list[i], &(struct segment_tally){0}, "ready");
    return 0;
}

static int
tables_verify(struct verify *v)
{
    struct epochs epochs;
    struct losses losses;
    size_t bad;
    uint64_t offset = 0;

    int rc = epochs_load(&v->folder, &epochs, &bad, &offset);
    if (rc != 0)
        return rc;
    epochs_deinit(&epochs);
    if (bad > 0)
        found_fault(v, "epochs", offset, "entry-crc", "%zu entries are not valid", bad);
    rc = losses_load(&v->folder, &losses);
    if (rc == -EBADMSG) {
        found_fault(v, "damage", 0, "line", "not a list of losses");
        rc = 0;
    } else if (rc == 0) {
        for (size_t i = 0; i < losses.n; i++)
            found_fault(v, "damage", 0, "loss-not-acknowledged",
                        "%" PRIu64 " messages of seqs %" PRIu64 " to %" PRIu64,
                        losses.list[i].messages, losses.list[i].first_seq, losses.list[i].last_seq);
        losses_deinit(&losses);
    }
    findings_print(v);
    return rc;
}

static void
summary_print(const struct verify *v)
{
    if (v->json)
        fprintf(v->out,
                "{\"type\":\"summary\",\"segments\":%zu,\"records\":%" PRIu64
                ",\"messages\":%" PRIu64 ",\"faults\":%" PRIu64 ",\"live\":%s}\n",
                v->found.n, v->records, v->messages, v->faults, v->is_live ? "true" : "false");
    else
        fprintf(v->out,
                "%zu segments, %" PRIu64 " records, %" PRIu64 " messages: %" PRIu64 " faults\n",
                v->found.n, v->records, v->messages, v->faults);
}

int
journal_verify(const char *dir, bool json, FILE *out)
{
    struct verify v = {.json = json, .out = out};
    bool made;

    int rc = folder_open(dir, false, &v.folder);
    if (rc != 0)
        return rc;
    rc = folder_identity(&v.folder, false, &v.id, &made);
    if (rc == 0) {
        v.is_live = folder_is_live(&v.folder);
        rc = found_read(&v.folder, &v.id, &v.found);
    }
    if (rc == 0)
        rc = segments_verify(&v);
    if (rc == 0)
        rc = tables_verify(&v);
    if (rc == JOURNAL_FOREIGN) {
        found_fault(&v, FOLDER_IDENTITY, 0, "identity", "not a journal of this format");
        findings_print(&v);
        rc = 0;
    }
    if (rc == 0)
        summary_print(&v);
    free(v.findings);
    found_deinit(&v.found);
    folder_close(&v.folder);
    return rc != 0 ? rc : v.faults > 0;
}

int
journal_acknowledge_loss(const char *dir, const char *who)
{
    struct folder folder;
    struct layout_id id;
    bool made;

    int rc = folder_open(dir, false, &folder);
    if (rc != 0)
        return rc;
    rc = folder_identity(&folder, false, &id, &made);
    if (rc == 0)
        rc = losses_acknowledge(&folder, who);
    folder_close(&folder);
    return rc;
}
